"""What training a replicate of a study takes: gradients, and multiplications with a weight."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from optbench.records import SCORED, curve_steps
from optbench.records.studies import Role
from optbench.suite.studies.faults import parts_of
from optbench.suite.studies.plan import Cell, StudyGroup
from optbench.suite.studies.setting import Setting
from optbench.tasks.data import registry


class Cost(NamedTuple):
    """What training takes.

    Attributes:
        trips: Gradients of batches; of a regression the fits.
        multiply_adds: Multiplications with a weight, of passes forward and backward.
    """

    trips: int
    multiply_adds: int


def cost_of(group: StudyGroup) -> Cost:
    """Returns what one replicate of a study costs, by the plan.

    Args:
        group: The study.
    """
    if not group.settings:
        return Cost(len(group.cells), len(group.cells))
    costs = []
    for cell in group.cells:
        # Which configuration is trained again is known later; the largest is planned.
        settings = group.settings if cell.role is Role.REFIT else [group.settings[max(cell.config, cell.value)]]
        costs.append(max((_cost(group, cell, setting) for setting in settings), key=lambda cost: cost.multiply_adds))
    return Cost(*map(sum, zip(*costs, strict=True)))


def rows_of(group: StudyGroup, cell: Cell, setting: Setting) -> int:
    """Returns how many rows a model is trained on.

    Args:
        group: The study.
        cell: Which model.
        setting: How it is trained.
    """
    study, parts = group.study, parts_of(group.study, setting.n_train)
    pool = parts.train + parts.validation
    if cell.role is Role.REFIT:
        return pool
    if cell.role is Role.FOLD:
        assert study.folds is not None
        return pool - -(-pool // study.folds)
    return parts.train // 2 if study.sets == "subsample" else parts.train


def _cost(group: StudyGroup, cell: Cell, setting: Setting) -> Cost:
    rows = rows_of(group, cell, setting)
    trips = setting.trips(rows)
    # At each point of its curve a network is scored on the rows that it is trained on.
    scored = len(curve_steps(trips)) * min(rows, SCORED)
    passed = 3 * trips * setting.batch_size + scored
    return Cost(trips, passed * multiply_adds(str(group.study.data), setting.model, setting.width))


@lru_cache
def multiply_adds(data: str, model: str, width: float) -> int:
    """Returns the multiplications with a weight that one example takes forward.

    Args:
        data: Name of the data set.
        model: Name of the model.
        width: Factor of its width.
    """
    found = registry.find(data)
    setting = Setting(model, "sgd", {}, {}, 1, 1, width=width)
    return sum(row.multiply_adds for row in setting.network().table(found.shape, found.n_classes))
