"""Noise as a declared factor: what a rule is shown in place of the true gradient.

Scores are always those of the noise-free function; only what rules see is disturbed. Levels are
relative to ``G``, the median gradient norm at a relative gap of 1e-2 along gradient flow
(``gradient_scale``), so that one level means the same on every problem (``protocol.md`` section 5).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optbench.core.keys import generator
from optbench.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from optbench.problems.problem import Problem

#: Degrees of freedom of the heavy-tailed noise: its variance is infinite.
STUDENT_DF = 1.5
#: Median of |t| with 1.5 degrees of freedom, and of |N(0, 1)|.
STUDENT_MEDIAN = 0.8725946625415716
NORMAL_MEDIAN = 0.6744897501960817
#: Largest delay of a gradient, in evaluations.
MAX_DELAY = 16
#: A drift of level 1 moves the function by this many units of z (a tenth of the box width) in DRIFT_STEPS steps.
DRIFT_UNITS, DRIFT_STEPS = 1.0, 1000

#: Kinds of noise and what their level means.
KINDS: Mapping[str, str] = {
    "gaussian": "g + n, n normal with E|n|^2 = (level G)^2",
    "student": "g + n, n Student t with 1.5 degrees of freedom, its median |n_i| that of gaussian noise of the level",
    "multiplicative": "g_i (1 + level n_i), n_i standard normal",
    "quantized": "g rounded at random, without bias, to a grid on which E|error|^2 is about (level G)^2",
    "delay": "the gradient of `level` evaluations ago",
    "drift": "f(x - c_t), c a random walk that level 1 carries by a tenth of the box width in 1,000 steps",
    "batch": "the mean over `level` terms of a finite sum, drawn without replacement",
    "batch_replace": "the mean over `level` terms of a finite sum, drawn with replacement",
}

#: Kinds of noise and the levels that they may have.
LEVELS: Mapping[str, str] = {
    **dict.fromkeys(("gaussian", "student", "quantized"), "a positive number, relative to G"),
    "multiplicative": "a positive number, relative to each coordinate",
    "delay": f"a whole number of evaluations, 1 to {MAX_DELAY}",
    "drift": "a positive number; 1 carries c by a tenth of the box width in 1,000 steps",
    **dict.fromkeys(("batch", "batch_replace"), "a whole number of terms, from 1 to those of the sum"),
}

#: Kinds of noise and where they are studied.
SOURCES: Mapping[str, str] = {
    "gaussian": "Bottou, Curtis and Nocedal 2018, SIAM Review 60, section 4",
    "student": "Simsekli, Sagun and Gurbuzbalaban 2019, ICML, arXiv:1901.06053: heavy tails",
    "multiplicative": "Schmidt and Le Roux 2013, arXiv:1308.6370: noise that vanishes with the gradient",
    "quantized": "Alistarh, Grubic, Li, Tomioka and Vojnovic 2017, NIPS, arXiv:1610.02132: random rounding",
    "delay": "Agarwal and Duchi 2011, Distributed delayed stochastic optimization, NIPS",
    "drift": "Popkov 2005, Automation and Remote Control 66: a minimum that moves",
    "batch": "Bottou 2009, Curiously fast convergence of some stochastic gradient descent algorithms",
    "batch_replace": "Robbins and Monro 1951, A stochastic approximation method",
}


@dataclass(frozen=True, slots=True)
class Noise:
    """A kind of noise and its level.

    Attributes:
        kind: A key of ``KINDS``.
        level: See ``KINDS``; evaluations for ``delay``, terms for batches.

    Raises:
        UsageError: The kind is unknown or the level is not one of it.

    Example:
        >>> Noise("gaussian", 1.0).label
        'gaussian=1'
    """

    kind: str
    level: float

    def __post_init__(self) -> None:
        """Checks kind and level."""
        if self.kind not in KINDS:
            raise UsageError(unknown_name("noise", self.kind, KINDS))
        is_number = isinstance(self.level, int | float) and not isinstance(self.level, bool)
        if not (is_number and math.isfinite(self.level) and self.level > 0):
            raise UsageError(f"noise {self.kind}: level must be a positive number; got {self.level!r}")
        whole = float(self.level).is_integer()
        if self.kind == "delay" and not (whole and self.level <= MAX_DELAY):
            raise UsageError(f"noise delay: level must be a whole number from 1 to {MAX_DELAY}; got {self.level:g}")
        if self.is_batch and not whole:
            raise UsageError(f"noise {self.kind}: level must be a whole number of terms; got {self.level:g}")

    @property
    def is_batch(self) -> bool:
        """Whether it samples the terms of a finite sum."""
        return self.kind.startswith("batch")

    @property
    def label(self) -> str:
        """Kind and level, as they stand in a problem's label."""
        return f"{self.kind}={self.level:g}"

    def amount(self, problem: Problem) -> float:
        """Returns the number by which draws are multiplied where rules see them, in raw units of the gradient.

        Args:
            problem: The problem, for its dimension and its ``G``.

        Returns:
            The standard deviation or the scale of a coordinate, the relative noise, the grid's width, the
            delay, or the drift of a step in units of z.
        """
        if self.kind in ("multiplicative", "delay") or self.is_batch:
            return float(self.level)
        if self.kind == "drift":
            return self.level * DRIFT_UNITS / math.sqrt(DRIFT_STEPS * problem.dim)
        spread = self.level * gradient_scale(problem) / math.sqrt(problem.dim)
        if self.kind == "student":
            return spread * NORMAL_MEDIAN / STUDENT_MEDIAN
        # A fraction that is uniform between two points of the grid has a rounding variance of a sixth of its square.
        return spread * math.sqrt(6.0) if self.kind == "quantized" else spread

    def draws(self, identity: tuple[object, ...], first: int, steps: int, dim: int) -> np.ndarray:
        """Returns the draws of some steps: the same for every optimizer, since they come from the identity alone.

        Args:
            identity: Problem, start and noise seed.
            first: First step.
            steps: How many.
            dim: Dimension.

        Returns:
            Shape (steps, dim): standard draws, or of a drift its path from step 0 on.
        """
        rng = generator("noise", self.kind, *identity)
        if self.kind == "student":
            drawn = rng.standard_t(STUDENT_DF, (first + steps, dim))
        elif self.kind == "quantized":
            drawn = rng.random((first + steps, dim))
        else:
            drawn = rng.standard_normal((first + steps, dim))
        if self.kind == "drift":
            drawn = np.cumsum(drawn, axis=0) - drawn[0]
        return drawn[first:]


def gradient_scale(problem: Problem) -> float:
    """Returns ``G`` of a problem; see the module ``gradient_flow``."""
    from optbench.problems.gradient_flow import gradient_scale as measure

    return measure(problem)
