"""The kinds of noise by name: one literal line each, so that listing them imports none."""

from __future__ import annotations

from optbench.catalog.entry import Entry

_NOISE = "optbench.problems.noise"

NOISE: tuple[Entry, ...] = (
    Entry("gaussian", _NOISE, "gradient", "normal noise as long as level times the gradient scale"),
    Entry("student", _NOISE, "gradient", "Student t, 1.5 degrees of freedom, of the same median"),
    Entry("multiplicative", _NOISE, "gradient", "each coordinate times 1 + level n, n standard normal"),
    Entry("quantized", _NOISE, "gradient", "rounded at random to a grid, without bias"),
    Entry("delay", _NOISE, "gradient", "the gradient of `level` evaluations ago, 1 to 16"),
    Entry("drift", _NOISE, "function", "the function wanders, a tenth of the box in 1,000 steps"),
    Entry("batch", _NOISE, "finite sum", "`level` terms of a finite sum, without replacement"),
    Entry("batch_replace", _NOISE, "finite sum", "`level` terms of a finite sum, with replacement"),
)
