"""What can be said of a point that a run has led to; each measure takes what was minimized and points of it.

The public names load lazily, since the engine imports a part of this package and needs none of what measures need.
"""

from __future__ import annotations

import importlib
from typing import Any

#: Public name -> module.
_PUBLIC = {
    "Hessian": "optbench.measures.hessian",
    "NotApplicable": "optbench.measures.measure",
    "adaptive_sharpness": "optbench.measures.sam",
    "as_objective": "optbench.measures.losses",
    "average_sharpness": "optbench.measures.average",
    "distance": "optbench.measures.position",
    "eigenvalues": "optbench.measures.extreme_eigenvalues",
    "fisher_rao_norm": "optbench.measures.fisher_rao",
    "grad_norm": "optbench.measures.position",
    "interpolate": "optbench.measures.interpolation",
    "keskar_sharpness": "optbench.measures.keskar",
    "loss_slice": "optbench.measures.slices",
    "m_sharpness": "optbench.measures.batch_sharpness",
    "noise_scale": "optbench.measures.gradient_noise",
    "noise_scale_of_batches": "optbench.measures.gradient_noise",
    "pac_bayes_flatness": "optbench.measures.pac_bayes",
    "preconditioned_eigenvalues": "optbench.measures.preconditioned",
    "preconditioner": "optbench.measures.preconditioners",
    "principal_plane": "optbench.measures.path",
    "random_direction": "optbench.measures.directions",
    "sam_sharpness": "optbench.measures.sam",
    "spectral_density": "optbench.measures.spectrum",
    "trace": "optbench.measures.traces",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    """Imports a public name at its first use."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'optbench.measures' has no attribute {name!r}")
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
