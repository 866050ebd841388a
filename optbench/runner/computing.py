"""A suite is planned, its folder opened, and what is not stored yet computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from optbench import store
from optbench.engine.devices import use
from optbench.errors import UsageError
from optbench.runner import kinds
from optbench.runner.execution import Execution
from optbench.runner.ledger import Report
from optbench.runner.manifest import identity
from optbench.runner.sources import warn_of_edits
from optbench.suite.parse import SuiteFile, load
from optbench.suite.selection import Selection


def planned(suite: str, selection: dict[str, Any], device: str | None) -> tuple[SuiteFile, kinds.Kind]:
    """Reads and plans a suite.

    Args:
        suite: Name of a shipped suite or path of a TOML file.
        selection: What is selected, as manifests have it.
        device: On which kind of device; what JAX finds first if ``None``.

    Returns:
        The suite's file, and the plan of what is selected.
    """
    if device is not None:
        use(device)
    read = load(suite)
    return read, kinds.planned(read.spec, cast(Selection, selection))


def compute(
    suite: str,
    out: Path,
    selection: dict[str, Any],
    device: str | None,
    fresh: bool,
    command: list[str],
    progress: Report | None,
    *,
    keeps_weights: bool = False,
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
        keeps_weights: Whether the judged points of reported runs are kept.

    Returns:
        The finished run, and whether there was anything to compute.

    Raises:
        UsageError: Points of this kind of suite cannot be kept.
    """
    read, kind = planned(suite, selection, device)
    if keeps_weights and not read.spec.MEASURED:
        raise UsageError(f"--keep-weights is not for a suite of {read.spec.OF}, whose points are not measured")
    kind.check()
    warn_of_edits(kind.plan.names)
    name, run_id = kind.plan.spec.name, identity(kind)
    copy = run_id if fresh else store.stopped_copy(out, name, run_id) or run_id
    folder = store.run_folder(out, name, copy, fresh=fresh)
    with store.writing(folder):
        report = progress or (lambda report: None)
        execution = Execution(folder, read, kind, selection, command, report, keeps_weights=keeps_weights)
        computed = execution.finish()
    return store.load(folder), computed
