"""``optbench.run``: what is stored is shown again, what is not is computed; only then JAX is loaded."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from optbench import store
from optbench.console import Progress
from optbench.runner.again import finished

#: Where a run says what its caller should know and may not ask for.
LOG = logging.getLogger("optbench")


def run(
    suite: str | Path,
    *,
    out: str | Path = "results",
    optimizers: Iterable[str] | None = None,
    problems: Iterable[str] | None = None,
    tasks: Iterable[str] | None = None,
    studies: Iterable[str] | None = None,
    arms: Iterable[str] | None = None,
    tuning: str | None = None,
    trials: int | None = None,
    seed: int | None = None,
    dtype: str | None = None,
    device: str | None = None,
    quick: bool = False,
    fresh: bool = False,
    keep_weights: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> store.Run:
    """Runs a suite, or what is left of it, and returns what is stored.

    The folder's name is a hash of what is computed, so the same call resumes a run that was stopped
    and returns one that is finished. The logger ``optbench`` says when that was, and which of your modules
    were edited since they were imported.

    Args:
        suite: Name of a shipped suite or path of a TOML file.
        out: Folder of all results.
        optimizers: Names, labels or patterns of the entries to run, in a list or as the command line has them;
            ``None`` for all.
        problems: The same for problems, of a suite of functions.
        tasks: The same for tasks, of a suite of networks.
        studies: The same for studies, of a suite of studies.
        arms: Names or patterns of the arms to run, of a suite that has some; ``None`` for all.
        tuning: ``grid``, ``random`` or ``default``; ``None`` for the suite's own.
        trials: Number of trials of random tuning; ``None`` for the suite's own.
        seed: Another seed of all that is drawn; ``None`` for the suite's own. It is a run of its own.
        dtype: ``float32`` or ``bfloat16``, of a suite of networks; ``None`` for the suite's own.
        device: ``cpu``, ``gpu`` or ``tpu``; what JAX finds first if ``None``. Another kind of device is another run.
        quick: Run the quick size of the suite: its table ``quick`` says what is smaller. It is a run of its own.
        fresh: Compute again, in a new folder beside what is stored.
        keep_weights: Keep the judged point of each reported run, to be measured later without making the run again. It
            changes no row.
        progress: Called with each report of how far the run is.

    Returns:
        The finished run.

    Raises:
        OptbenchError: The suite or a name is not valid, data are missing, or the results folder cannot be used; the
            subclass says which.
    """
    suite = str(suite)
    options: dict[str, Any] = {"optimizers": optimizers, "problems": problems, "tasks": tasks}
    options |= {"studies": studies, "arms": arms}
    # Whatever yields names yields them once, and they are asked for twice.
    options = {key: _sorted(given) for key, given in options.items()}
    options |= {"tuning": tuning, "trials": trials, "seed": seed, "dtype": dtype, "quick": quick}
    selection = _selection(**options)
    stored = None if fresh or keep_weights else finished(suite, Path(out), selection, device)
    computed = False
    if stored is None:
        from optbench.runner.computing import compute

        words = command(suite, out, **options, device=device, keep_weights=keep_weights)
        stored, computed = compute(
            suite, Path(out), selection, device, fresh, words, progress, keeps_weights=keep_weights
        )
    if not computed:
        name, when = f"{stored.path.parent.name}/{stored.path.name}", stored.manifest["finished_utc"]
        LOG.warning("%s was computed at %s and is shown again; --fresh (fresh=True) computes it anew", name, when)
    return stored


def describe(suite: str | Path, *, device: str | None = None, **options: Any) -> str:
    """Returns the plan of a suite as text, with what it is estimated to cost; nothing is run.

    Args:
        suite: Name of a shipped suite or path of a TOML file.
        device: On which kind of device.
        **options: What of it is run, and how tuned, as of ``run``.

    Returns:
        Lines of text.
    """
    from optbench.runner.computing import planned

    return planned(str(suite), _selection(**options), device)[1].describe()


def command(
    suite: str, out: str | Path, *, device: str | None = None, keep_weights: bool = False, **options: Any
) -> list[str]:
    """Returns the command that computes and resumes a run, whoever asked for it.

    Args:
        suite: Name of a shipped suite or path of a TOML file.
        out: Folder of all results.
        device: On which kind of device.
        keep_weights: Whether points are kept.
        **options: What of it is run, and how tuned, as of ``run``.

    Returns:
        Its words.
    """
    words = ["optbench", "run", suite, "--out", str(out)]
    kept = {"keep-weights": keep_weights or None}
    for option, value in {**_selection(**options), "device": device, **kept}.items():
        if value is True:
            words.append(f"--{option}")
        elif value is not None:
            words += [f"--{option}", ",".join(value) if isinstance(value, list) else str(value)]
    return words


def _selection(**options: Any) -> dict[str, Any]:
    """Returns what is selected, by option, as manifests have it: of optimizers and problems even that all are."""
    names = {key: _sorted(options.get(key)) for key in ("optimizers", "problems", "tasks", "studies", "arms")}
    found = {**options, **names, "quick": options.get("quick") or None}
    return {key: value for key, value in found.items() if value is not None or key in ("optimizers", "problems")}


def _sorted(given: Iterable[str] | None) -> list[str] | None:
    """Returns names in order; a text has them as on the command line."""
    if isinstance(given, str):
        from optbench.suite.selector import split

        given = split(given)
    return None if given is None else sorted(given)
