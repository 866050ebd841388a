"""The modifiers by name, as in ``adam+warmup+cosine``: one literal line each, so that listing them imports none."""

from __future__ import annotations

from optbench.catalog.entry import Entry

_MODIFIERS = "optbench.optimizers.modifiers"

MODIFIERS: tuple[Entry, ...] = (
    Entry("constant", _MODIFIERS, "schedule", "the rate as it is, to put after a warm-up"),
    Entry("cosine", _MODIFIERS, "schedule", "half a cosine down to a fraction of the rate"),
    Entry("linear", _MODIFIERS, "schedule", "a straight line down to a fraction of the rate"),
    Entry("step", _MODIFIERS, "schedule", "the rate multiplied by a factor a few times, equally spaced"),
    Entry("inverse_root", _MODIFIERS, "schedule", "the rate over the root of the steps made; needs no horizon"),
    Entry("warmup", _MODIFIERS, "schedule", "the rate rises linearly first; goes with any other schedule"),
    Entry("clip", _MODIFIERS, "gradient", "gradients longer than a bound are shortened to it"),
    Entry("clip_value", _MODIFIERS, "gradient", "each coordinate of a gradient is cut off at a bound"),
    Entry("decay", _MODIFIERS, "weights", "decoupled weight decay at the scheduled rate"),
    Entry("lookahead", _MODIFIERS, "wrapper", "slow weights that follow the rule's every few steps"),
    Entry("sam", _MODIFIERS, "wrapper", "sharpness-aware: the gradient of the worst point nearby"),
    Entry("asam", _MODIFIERS, "wrapper", "sharpness-aware in units of the weights"),
)
