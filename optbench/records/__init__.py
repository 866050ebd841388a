"""What runs of every kind leave behind: statuses, splits, targets and the grid of curves.

The engine fills rows and the analysis judges them; both read this page. The columns of a row are in
``records.landscapes`` and ``records.networks``, one schema each.
"""

from __future__ import annotations

from enum import StrEnum

#: Relative gaps 10^-0.2, 10^-0.4 ... 10^-10; target 51 is the problem's own ``f_solved``.
GAP_TARGETS: tuple[float, ...] = tuple(10.0 ** (-k / 5) for k in range(1, 51))
N_TARGETS = len(GAP_TARGETS) + 1
SOLVED = N_TARGETS - 1

#: ``hits`` entry of a target that the run never met; 0 means that its start already met it.
NEVER = -1

#: A run has escaped below ``f_star - ESCAPE_GAP f_scale`` or beyond ESCAPE_WIDTHS box widths.
ESCAPE_GAP = 1e-9
ESCAPE_WIDTHS = 10.0
#: A run has diverged when not finite, or with a gap above, or a distance beyond, these.
DIVERGE_GAP = 1e6
DIVERGE_WIDTHS = 1e3

#: Where gradient flow ends on a function with two wells: the codes of the column ``wells``.
SHARP, FLAT, NEITHER = 0, 1, -1

#: Tags of problems that are drawn and listed and enter no mean: their ``f_star`` cannot be relied on.
UNRANKED_TAGS = frozenset({"box_only", "unranked"})

#: Longest budget: steps are counted in 32 bits, and every recorder has room for its curve.
MAX_BUDGET = 1_000_000_000

#: At most this many iterates of the last tenth of the budget give ``f_tail``.
TAIL_POINTS = 256

#: Most training examples that the points of a network's curve are scored on: of tens of thousands, scoring all at every
#: point would take several times as long as training.
SCORED = 10_000


class Status(StrEnum):
    """How a planned cell ended. Whether it *solved* the problem is decided by analysis."""

    OK = "ok"
    DIVERGED = "diverged"
    ERROR = "error"
    TIMEOUT = "timeout"
    OOM = "oom"


class Split(StrEnum):
    """Which purpose a start serves; the two never share a start."""

    TUNE = "tune"
    REPORT = "report"


class Scoring(StrEnum):
    """Which time counts of a target: scores, tuning, shares and running times follow it.

    ``SETTLED``: the first cost from which the objective stays at or below the target to the end of the budget, which
    is what a user gets who takes the last iterate. ``TOUCHED``: the first cost at which it is there once, for those
    who keep the best iterate and pay for its value.
    """

    SETTLED = "settled"
    TOUCHED = "touched"


def curve_steps(budget: int) -> tuple[int, ...]:
    """Returns the costs at which a curve is recorded: one absolute log grid, ten a decade.

    A longer budget extends the grid of a shorter one; it moves no point. The budget itself is
    not a point of the grid unless it falls on it: ``f_last`` holds that value.

    Args:
        budget: Largest cost, in gradient evaluations.

    Returns:
        Strictly increasing costs from 0 on, none above ``budget``.

    Example:
        >>> curve_steps(20)
        (0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20)
    """
    steps = {0}
    k = 0
    while (step := round(10 ** (k / 10))) <= budget:
        steps.add(step)
        k += 1
    return tuple(sorted(steps))
