"""``optbench.plot_trajectories``: paths on a function of two variables, with rules, rates and starts chosen."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from optbench.errors import UsageError
from optbench.plotting import wishes
from optbench.plotting.of_problem import figure_of_problem
from optbench.plotting.of_run import figures_of_run
from optbench.plotting.stored import Names, Source, evidence_of
from optbench.report.evidence import Evidence

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from optbench.problems.problem import Problem


def plot_trajectories(
    run_or_problem: Source | Problem,
    optimizers: Mapping[str, Any] | Sequence[Any] | None = None,
    *,
    rates: Any = None,
    starts: Any = (0, 1, 2),
    problems: Names = None,
    steps: int | None = None,
    seed: int | None = None,
) -> list[Figure]:
    """Draws the paths of optimizers on the contours of functions of two variables.

    Of a run its own protocol holds: its units, its budget, the values of its sweep, its reported starts. What the
    run has not stored is computed. Of a problem the rules run in raw units, as in ``optbench.trace``.

    Args:
        run_or_problem: A loaded run or its folder; a problem or its registry name.
        optimizers: Of a run names, labels or patterns, ``None`` for those it has pictures of. Of a problem whatever
            ``optbench.trace`` takes, in a list, or in a mapping from labels; ``None`` for sgd, momentum and adam.
        rates: Values of the swept constant: one or several for all, or a mapping from labels to one or several. Of a
            run it is one of its sweep, ``"gentle"`` (that of its own pictures, and here if ``None``), ``"tuned"`` or
            ``"default"``; of a problem any, or ``"default"``.
        starts: Numbers of reported starts, and points such as ``(-1.5, 2)``.
        problems: Of a run names, labels or patterns of its problems; ``None`` for all of two dimensions.
        steps: Of a problem, gradient evaluations; 200 if ``None``.
        seed: Of a problem, seed of its reported starts; 0 if ``None``.

    Returns:
        One figure a page, four problems on each.

    Raises:
        UsageError: A name, rate or start is not there; the message says what is.
        DataError: The run has no function of two variables.

    Example:
        >>> import optbench as ob
        >>> rates = {"sgd": 1e-3, "adam": 0.1}
        >>> (figure,) = ob.plot_trajectories("rosenbrock", list(rates), rates=rates, starts=[(-1.5, 2)], steps=50)
        >>> figure.axes[0].get_title(loc="left")
        'from (-1.5, 2)'
    """
    wanted_rates, wanted_starts = wishes.rates_of(rates), wishes.starts_of(starts)
    if _is_run(run_or_problem):
        if steps is not None or seed is not None:
            raise UsageError("steps and seed are those of the run; leave them out")
        return figures_of_run(evidence_of(run_or_problem), optimizers, problems, wanted_rates, wanted_starts)
    if problems is not None:
        raise UsageError("problems are chosen among those of a run; leave them out")
    return [
        figure_of_problem(
            run_or_problem,
            optimizers,
            wanted_rates,
            wanted_starts,
            steps=200 if steps is None else steps,
            seed=0 if seed is None else seed,
        )
    ]


def _is_run(given: Any) -> TypeGuard[Source]:
    """A text is a folder if it looks like a path or holds a run, else the name of a problem."""
    if isinstance(given, str):
        return (
            os.sep in given
            or "/" in given
            or any(any(Path(given).glob(place)) for place in ("manifest.json", "*/manifest.json"))
        )
    return isinstance(given, Path | Evidence) or hasattr(given, "manifest")
