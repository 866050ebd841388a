"""Replicates of many problems take the memory of few."""

from __future__ import annotations

import tracemalloc

import numpy as np

from optbench.analysis.landscapes.field import Field
from optbench.analysis.landscapes.redraw import CHUNK, reselections


def test_replicates_of_many_problems_are_not_held_together() -> None:
    """Sixty families: the scores of all of them in a chunk of replicates would be 24 MB, those of one are 0.4."""
    n, c, starts, problems = 10, 20, 4, 60
    rng = np.random.default_rng(0)
    field = Field(
        entries=tuple(f"o{k}" for k in range(n)),
        problems=tuple(f"p{k}" for k in range(problems)),
        family=np.arange(problems),
        ranked=np.ones(problems, dtype=np.bool_),
        tune=tuple(rng.random((n, c, starts)) for _ in range(problems)),
        report=tuple(rng.random((n, c + 1, starts)) for _ in range(problems)),
    )
    tracemalloc.start()
    try:
        for _ in reselections(field, ["one_for_all"], replicates=CHUNK):
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8e6
