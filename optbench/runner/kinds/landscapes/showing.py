"""What showing a run costs beside computing it: picture data, table and figures, estimated before there is a row.

The constants are seconds of one core, fitted to `smoke`, `quick`, two rules of `quick`, and the quick sizes of
`basins`, `noise`, `theory` and `landscapes`, measured as processor time.
"""

from __future__ import annotations

from collections.abc import Collection

from optbench.engine.landscapes.pictures import BASIN_POINTS
from optbench.suite.landscapes.plan import LandscapeGroup, LandscapePlan

#: The process begins: JAX and pandas are loaded, the suite is planned.
START_S = 1.5
#: Matplotlib is loaded, and pages are there that every run has.
PAGES_S = 1.9
#: A problem: its panels in convergence, sensitivity and best of k.
PROBLEM_S = 0.155
#: A problem and a rule: its intervals, lines and bands.
PAIR_S = 0.035
#: Two rules: what the matrix and the ranking resample and write.
RULES_S = 1e-3
#: A row is read, arranged and drawn anew by the bootstrap.
ROW_S = 5e-5
#: A function in two dimensions: its contours, whose values are compiled for it.
CONTOUR_S = 0.08
#: A rule on it: its paths, in short pieces.
PATHS_S = 0.08


def showing_s(*, problems: int, rules: int, pairs: int, cells: int) -> float:
    """Returns the seconds that the table and all figures of a run take.

    Args:
        problems: Number of problems.
        rules: Number of rules.
        pairs: Number of a problem and a rule that ran on it.
        cells: Number of rows.

    Returns:
        Seconds of one core; no second one is used.
    """
    return PAGES_S + PROBLEM_S * problems + PAIR_S * pairs + RULES_S * rules**2 + ROW_S * cells


def picture_data_s(plan: LandscapePlan, pictured: Collection[LandscapeGroup], coordinates_per_s: float) -> float:
    """Returns the seconds that the data of trajectories and basins take.

    Args:
        plan: The plan.
        pictured: The groups that have pictures.
        coordinates_per_s: Coordinates that the engine updates in a second.

    Returns:
        Seconds on two cores.
    """
    functions = {group.problem_label for group in pictured}
    runs = BASIN_POINTS**2 * plan.spec.budget * 3 / coordinates_per_s
    return CONTOUR_S * len(functions) + (PATHS_S + runs) * len(pictured)
