"""A suite is planned, its folder opened, and what is not stored yet computed."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from optbench import store
from optbench.engine.devices import use
from optbench.errors import UsageError
from optbench.runner.books import Report, warn_of_edits
from optbench.suite.networks import NetworkSuite
from optbench.suite.parse import load
from optbench.suite.spec import SuiteSpec


def compute(
    suite: str,
    out: Path,
    selection: dict[str, Any],
    device: str | None,
    fresh: bool,
    command: list[str],
    progress: Report | None,
) -> tuple[store.Run, bool]:
    """Computes what is left of a run.

    Args:
        suite: Name of a shipped suite or path of a TOML file.
        out: Folder of all results.
        selection: What is selected, as manifests have it.
        device: On which kind of device; what JAX finds first if ``None``.
        fresh: Whether to compute again what is stored.
        command: The command that computes it.
        progress: Called with each report of how far the run is.

    Returns:
        The finished run, and whether there was anything to compute.
    """
    if device is not None:
        use(device)
    read = load(suite)
    check_options(read.spec.name, isinstance(read.spec, NetworkSuite), selection)
    column = _column(read.spec)
    planned = column.planned(read.spec, selection)
    warn_of_edits(column.names(planned))
    name, identity = planned.spec.name, column.identity(planned)
    copy = identity if fresh else store.stopped_copy(out, name, identity) or identity
    folder = store.run_folder(out, name, copy, fresh=fresh)
    with store.writing(folder):
        execution = column.Execution(folder, read, planned, selection, command, progress or (lambda report: None))
        computed = execution.finish()
    return store.load(folder), computed


def _column(spec: SuiteSpec | NetworkSuite) -> Any:
    """Returns what plans and executes suites of a kind; loading the other too would take a third of a second."""
    kind = "networks" if isinstance(spec, NetworkSuite) else "landscapes"
    return importlib.import_module(f"optbench.runner.{kind}")


def check_options(suite: str, of_networks: bool, selection: dict[str, Any]) -> None:
    """Refuses options that a suite of this kind does not have.

    Args:
        suite: Name of the suite.
        of_networks: Whether it is one of networks.
        selection: What was asked for, by option.

    Raises:
        UsageError: An option is for the other kind.
    """
    kind, others = ("networks", ("problems", "trials")) if of_networks else ("functions", ("tasks", "dtype"))
    instead = {"problems": "; --tasks selects", "tasks": "; --problems selects"}
    given = [name for name in others if selection.get(name) is not None]
    if given:
        raise UsageError(
            [f"--{name} is not for a suite of {kind}{instead.get(name, '')}" for name in given],
            where=f"suite {suite!r}",
        )
