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
    Entry("m_sharpness", "optbench.measures.batch_sharpness", "sharpness", "the same of small batches, on average"),
    Entry("average_sharpness", "optbench.measures.average", "sharpness", "mean growth of the loss under random noise"),
    Entry(
        "pac_bayes", "optbench.measures.pac_bayes", "sharpness", "noise that costs a tenth of accuracy, as 1/sigma^2"
    ),
    Entry(
        "fisher_rao",
        "optbench.measures.fisher_rao",
        "sharpness",
        "length of the weights in the empirical Fisher metric",
    ),
    Entry("landscape_1d", "optbench.measures.landscape", "pictures", "loss on a random line, filter-normalized"),
    Entry("landscape_2d", "optbench.measures.landscape", "pictures", "loss on a random plane, filter-normalized"),
    Entry("interpolation", "optbench.measures.interpolation", "pictures", "loss and accuracy between two solutions"),
    Entry("path", "optbench.measures.path", "pictures", "way of a run in the plane of its principal directions"),
)
