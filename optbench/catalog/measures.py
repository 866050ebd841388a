"""The measures by name: one literal line each. A measure is a constant of its module, its name in capitals."""

from __future__ import annotations

from optbench.catalog.entry import Entry

_EIGENVALUES = "optbench.measures.extreme_eigenvalues"

MEASURES: tuple[Entry, ...] = (
    Entry("hessian_top", _EIGENVALUES, "curvature", "the largest eigenvalue of the Hessian"),
    Entry("hessian_bottom", _EIGENVALUES, "curvature", "the smallest eigenvalue of the Hessian"),
    Entry("hessian_trace", "optbench.measures.traces", "curvature", "the sum of the eigenvalues of the Hessian"),
    Entry("hessian_spectrum", "optbench.measures.spectrum", "curvature", "the spectral density of the Hessian"),
    Entry(
        "preconditioned_top",
        "optbench.measures.preconditioned",
        "curvature",
        "the largest eigenvalue of the Hessian as an adaptive rule scales it",
    ),
    Entry(
        "noise_scale", "optbench.measures.gradient_noise", "gradients", "variance of gradients over their mean's square"
    ),
    Entry("grad_norm", "optbench.measures.position", "gradients", "norm of the gradient of the whole loss"),
    Entry("distance", "optbench.measures.position", "path", "distance from the start"),
    Entry("keskar", "optbench.measures.keskar", "sharpness", "growth of the loss within a small box, in percent"),
    Entry("sam", "optbench.measures.sam", "sharpness", "growth of the loss within a ball"),
    Entry("asam", "optbench.measures.sam", "sharpness", "growth of the loss within a ball whose units are the weights"),
    Entry("landscape_1d", "optbench.measures.landscape", "pictures", "loss on a random line, filter-normalized"),
    Entry("landscape_2d", "optbench.measures.landscape", "pictures", "loss on a random plane, filter-normalized"),
    Entry("interpolation", "optbench.measures.interpolation", "pictures", "loss and accuracy between two solutions"),
    Entry("path", "optbench.measures.path", "pictures", "way of a run in the plane of its principal directions"),
)
