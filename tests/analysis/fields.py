"""Fields of entries drawn from a formula, for simulating what intervals cover."""

from __future__ import annotations

import numpy as np

from optbench.analysis.landscapes.field import Field


def make_field(tune: np.ndarray, report: np.ndarray, family: list[int] | None = None) -> Field:
    """A field from scores of shape (problems, n, c, starts); the default is the first configuration."""
    problems, n = report.shape[:2]
    return Field(
        entries=tuple(f"e{k:02d}" for k in range(n)),
        problems=tuple(f"p{k:03d}" for k in range(problems)),
        family=np.arange(problems) if family is None else np.array(family),
        ranked=np.ones(problems, dtype=bool),
        tune=tuple(tune),
        report=tuple(np.concatenate([report, report[:, :, :1]], axis=2)),
    )


def noisy(rng: np.random.Generator, truth: np.ndarray, starts: int, spread: float = 0.15) -> np.ndarray:
    """Scores in [0, 1] about ``truth`` (problems, n, c), starts shared by entries: a skewed common part and noise."""
    common = rng.exponential(spread / 2, (*truth.shape[:1], 1, 1, starts)) - spread / 2
    own = rng.normal(0, spread, (*truth.shape, starts))
    return truth[..., None] + common + own
