"""The update rules by name: one literal line each, so that listing them imports none."""

from __future__ import annotations

from optbench.catalog.entry import Entry

_GRADIENT = "optbench.optimizers.gradient"
_ADAPTIVE = "optbench.optimizers.adaptive"

OPTIMIZERS: tuple[Entry, ...] = (
    Entry("sgd", _GRADIENT, "gradient", "gradient descent: W - lr g"),
    Entry("momentum", _GRADIENT, "gradient", "heavy ball: steps along an accumulated gradient"),
    Entry("nag", _GRADIENT, "gradient", "Nesterov: momentum with the gradient at the lookahead point"),
    Entry("adagrad", _ADAPTIVE, "adaptive", "rates divided by the root of the summed squared gradients"),
    Entry("adadelta", _ADAPTIVE, "adaptive", "ratio of two running root mean squares; no learning rate"),
    Entry("rmsprop", _ADAPTIVE, "adaptive", "rates divided by a running root mean square"),
    Entry("adam", _ADAPTIVE, "adaptive", "running mean over running root mean square, bias-corrected"),
)
