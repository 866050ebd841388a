"""The measures by name: one literal line each. A measure is a constant of its module, its name in capitals."""

from __future__ import annotations

from optbench.catalog.entry import Entry

MEASURES: tuple[Entry, ...] = (
    Entry(
        "noise_scale", "optbench.measures.gradient_noise", "gradients", "variance of gradients over their mean's square"
    ),
    Entry("grad_norm", "optbench.measures.position", "gradients", "norm of the gradient of the whole loss"),
    Entry("distance", "optbench.measures.position", "path", "distance from the start"),
    Entry("keskar", "optbench.measures.keskar", "sharpness", "growth of the loss within a small box, in percent"),
    Entry("sam", "optbench.measures.sam", "sharpness", "growth of the loss within a ball"),
    Entry("asam", "optbench.measures.sam", "sharpness", "growth of the loss within a ball whose units are the weights"),
)
