"""How cost and quality change with the dimension: the summary, function by function."""

from __future__ import annotations

import pandas as pd

DIMENSION = (
    *("setting", "function", "optimizer", "dim", "problem", "n_starts"),
    *("evals_median", "evals_low", "evals_high", "reach_starts", "censored", "gap_median", "gap_low", "gap_high"),
)


def dimension(summary: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of the summary on functions that a run has in at least two dimensions.

    Problems are one function if their labels differ in the dimension alone: instance, rotation, parameters and
    noise are the same.

    Args:
        summary: The summary frame.

    Returns:
        The medians of evaluations to a relative gap of 1e-3 and of the final gap with their intervals, one row per
        setting, function, optimizer and dimension, in that order; empty where no function has two dimensions.

    Example:
        >>> rows = {"problem": ["sphere-2d-i1", "sphere-10d-i1", "beale-2d"], "dim": [2, 10, 2]}
        >>> frame = dimension(pd.DataFrame(rows).reindex(columns=[*DIMENSION]))
        >>> frame[["function", "dim"]].to_numpy().tolist()
        [['sphere-i1', 2], ['sphere-i1', 10]]
    """
    labels = zip(summary["problem"], summary["dim"], strict=True)
    frame = summary.assign(function=[function(str(label), int(dim)) for label, dim in labels])[list(DIMENSION)]
    several = frame.groupby("function")["dim"].transform("nunique") > 1
    return frame[several].sort_values(["setting", "function", "optimizer", "dim"], ignore_index=True)


def function(problem: str, dim: int) -> str:
    """Returns the label of a problem without its dimension.

    Args:
        problem: Label of the problem.
        dim: Its dimension.

    Returns:
        What the labels in all dimensions have in common.

    Example:
        >>> function("ellipsoid-10d-i1-rot[condition=1e+06]", 10)
        'ellipsoid-i1-rot[condition=1e+06]'
    """
    return problem.replace(f"-{dim}d", "", 1)
