"""Functions in several dimensions, picked out of the summary."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optbench.analysis import analyze
from optbench.analysis.landscapes.dimension import DIMENSION, dimension

from .synthetic import make_runs

LABELS = {"a-2d-i1": 2, "a-10d-i1": 10, "a-10d-i1-rot": 10, "a-2d-i1~gaussian=1": 2, "b-2d": 2, "b-32d": 32, "c-2d": 2}


def summarized() -> pd.DataFrame:
    runs, manifest = make_runs(dict.fromkeys(LABELS, "a") | {"c-2d": "c"}, ["adam", "sgd"], n_configs=2)
    for label, dim in LABELS.items():
        manifest["problems"][label]["dim"] = dim
    return analyze(runs, manifest, replicates=20).summary


def test_only_functions_in_two_dimensions_stay_and_keep_their_numbers() -> None:
    """Neither the rotated twin nor the noisy one is the same function, and one dimension is no curve."""
    summary = summarized()
    frame = dimension(summary)
    assert list(frame) == list(DIMENSION)
    assert sorted(set(zip(frame["function"], frame["dim"], strict=True))) == [
        ("a-i1", 2), ("a-i1", 10), ("b", 2), ("b", 32),
    ]  # fmt: skip
    assert len(frame) == 3 * 2 * 4
    keys = ["setting", "problem", "optimizer"]
    both = frame.merge(summary, on=keys, suffixes=("", "_there"))
    assert len(both) == len(frame)
    for name in ("evals_median", "evals_low", "evals_high", "censored", "gap_median", "gap_low", "gap_high"):
        np.testing.assert_array_equal(both[name], both[f"{name}_there"])


def test_the_order_of_rows_does_not_matter_and_none_give_none() -> None:
    summary = summarized()
    pd.testing.assert_frame_equal(dimension(summary), dimension(summary.sample(frac=1, random_state=0)))
    empty = dimension(summary.iloc[:0])
    assert empty.empty
    assert list(empty) == list(DIMENSION)
