"""``optbench.run``: a suite is planned, its folder opened, and what is not stored yet computed."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from optbench import store
from optbench.engine.devices import use
from optbench.errors import UsageError
from optbench.runner.books import LOG, Report, warn_of_edits
from optbench.suite.networks import NetworkSuite
from optbench.suite.parse import load
from optbench.suite.spec import SuiteSpec


def run(
    suite: str,
    *,
    out: str | Path = "results",
    optimizers: Iterable[str] | None = None,
    problems: Iterable[str] | None = None,
    tasks: Iterable[str] | None = None,
    tuning: str | None = None,
    trials: int | None = None,
    dtype: str | None = None,
    device: str | None = None,
    quick: bool = False,
    fresh: bool = False,
    progress: Report | None = None,
) -> store.Run:
    """Runs a suite, or what is left of it, and returns what is stored.

    The folder's name is a hash of what is computed, so the same call resumes a run that was stopped
    and returns one that is finished. The logger ``optbench`` says when that was, and which of your modules
    were edited since they were imported.

    Args:
        suite: Name of a shipped suite or path of a TOML file.
        out: Folder of all results.
        optimizers: Names, labels or patterns of the entries to run; ``None`` for all.
        problems: The same for problems, of a suite of functions.
        tasks: The same for tasks, of a suite of networks.
        tuning: ``grid``, ``random`` or ``default``; ``None`` for the suite's own.
        trials: Number of trials of random tuning; ``None`` for the suite's own.
        dtype: ``float32`` or ``bfloat16``, of a suite of networks; ``None`` for the suite's own.
        device: ``cpu``, ``gpu`` or ``tpu``; what JAX finds first if ``None``. Another kind of device is another run.
        quick: Run the quick size of the suite: its table ``quick`` says what is smaller. It is a run of its own.
        fresh: Compute again, in a new folder beside what is stored.
        progress: Called with each report of how far the run is.

    Returns:
        The finished run.

    Raises:
        OptbenchError: The suite or a name is not valid, data are missing, or the results folder cannot be used; the
            subclass says which.
    """
    if device is not None:
        use(device)
    read = load(suite)
    selection: dict[str, Any] = {
        "optimizers": None if optimizers is None else sorted(optimizers),
        "problems": None if problems is None else sorted(problems),
        **({} if tasks is None else {"tasks": sorted(tasks)}),
        **({} if tuning is None else {"tuning": tuning}),
        **({} if trials is None else {"trials": trials}),
        **({} if dtype is None else {"dtype": dtype}),
        **({"quick": True} if quick else {}),
    }
    check_options(read.spec.name, isinstance(read.spec, NetworkSuite), selection)
    column = _column(read.spec)
    planned = column.planned(read.spec, selection)
    warn_of_edits(column.names(planned))
    name, identity = planned.spec.name, column.identity(planned)
    copy = identity if fresh else store.stopped_copy(Path(out), name, identity) or identity
    folder = store.run_folder(Path(out), name, copy, fresh=fresh)
    command = _command(suite, out, {**selection, "device": device})
    with store.writing(folder):
        execution = column.Execution(folder, read, planned, selection, command, progress or (lambda report: None))
        computed = execution.finish()
    stored = store.load(folder)
    if not computed:
        when = stored.manifest["finished_utc"]
        LOG.warning(
            "%s/%s was computed at %s and is shown again; --fresh (fresh=True) computes it anew", name, copy, when
        )
    return stored


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


def _command(suite: str, out: str | Path, selection: dict[str, Any]) -> list[str]:
    """Returns the command that computes and resumes a run, whoever asked for it."""
    command = ["optbench", "run", suite, "--out", str(out)]
    for option, value in selection.items():
        if value is True:
            command.append(f"--{option}")
        elif value is not None:
            command += [f"--{option}", ",".join(value) if isinstance(value, list) else str(value)]
    return command
