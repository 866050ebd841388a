"""Pairs of batch sizes of which a side diverged or has a number that is not finite."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from optbench.report.evidence import Evidence
from tests import arms
from tests.analysis.test_batch_sizes import FIRST, SECOND, one


def test_pairs_with_a_side_that_diverged_later_count_and_are_named():
    rows = [arms.row(run, seed) for run in (FIRST, SECOND) for seed in range(4)]
    rows[1] |= {"status": "diverged"}
    rows[6] |= {"status": "diverged"}
    rows[7] = arms.unreached(rows[7] | {"status": "diverged"}, 2)
    found = Evidence.of(arms.run(rows)).frame("arm_differences")
    for level, counts in ((0.1, (4, 3, 0)), (0.03, (3, 2, 1)), (None, (4, 3, 0))):
        row = one(found, arm="constant", level=level, quantity="test_accuracy")
        assert tuple(row[["n_pairs", "n_diverged", "n_unreached"]]) == counts


@pytest.mark.parametrize(("quantity", "column"), [("test_loss", "test_loss"), ("hessian_top", None)])
def test_a_number_that_is_not_finite_counts_as_none(quantity, column):
    rows = arms.frame([arms.row(run, seed) for run in (FIRST, SECOND) for seed in range(4)])
    measures = arms.measures_of(rows)
    if column:
        rows.loc[5, column] = np.inf
    else:
        cell = rows["cell_id"].iloc[5]
        measures.loc[(measures["cell_id"] == cell) & (measures["measure"] == quantity), "estimate"] = np.inf
    run = Evidence.of(SimpleNamespace(runs=rows, measures=measures, manifest=arms.manifest(), path=None))
    found = one(run.frame("arm_differences"), arm="constant", level=None, quantity=quantity)
    assert (found["n_pairs"], found["n_without"]) == (3, 1)
    assert np.isfinite(found[["estimate", "low", "high", "p_t", "p_flip"]].to_numpy(float)).all()
    level = one(run.frame("arm_levels"), arm="constant", batch_size=400, level=None, quantity=quantity)
    assert level["n_numbers"] == 3
    assert np.isfinite(level["estimate"])
