"""The edge of stability: the curvature at which a rule's steps on a quadratic stop shrinking, as a multiple of 1/lr.

Full gradients of a network drive the largest eigenvalue up to it, and there it stays: Cohen et al. 2021, "Gradient
descent on neural networks typically occurs at the edge of stability", arXiv:2103.00065, section 2; for adaptive rules
Cohen et al. 2022, arXiv:2207.14484, equation 2, with the Hessian divided by the rule's preconditioner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

#: The catalogue's names of the two eigenvalues.
TOP, PRECONDITIONED = "hessian_top", "preconditioned_top"


class Edge(NamedTuple):
    """Where a rule's steps stop shrinking.

    Attributes:
        measure: Of which measure, a name of the catalogue.
        multiple: The edge times the learning rate.
        formula: How it is written.
    """

    measure: str
    multiple: float
    formula: str


def _heavy_ball(hyper: Mapping[str, float]) -> float:
    return 2 * (1 + hyper["beta"])


def _nesterov(hyper: Mapping[str, float]) -> float:
    return (2 + 2 * hyper["beta"]) / (1 + 2 * hyper["beta"])


def _adam(hyper: Mapping[str, float]) -> float:
    return (2 + 2 * hyper["b1"]) / (1 - hyper["b1"])


_MOMENTS = (PRECONDITIONED, _adam, "(2 + 2 b1)/((1 - b1) lr)")
_SCALED = (PRECONDITIONED, lambda hyper: 2.0, "2/lr")
_EDGES: Mapping[str, tuple[str, Callable[[Mapping[str, float]], float], str]] = {
    "sgd": (TOP, lambda hyper: 2.0, "2/lr"),
    "momentum": (TOP, _heavy_ball, "2 (1 + beta)/lr"),
    "nag": (TOP, _nesterov, "(2 + 2 beta)/((1 + 2 beta) lr)"),
    **dict.fromkeys(("adam", "optax_adam", "adamw", "amsgrad", "yogi", "adabelief"), _MOMENTS),
    **dict.fromkeys(("adagrad", "rmsprop"), _SCALED),
}


def edge_of(rule: str, hyper: Mapping[str, float]) -> Edge | None:
    """Returns the edge of a rule, or ``None`` where none is known.

    Args:
        rule: Name of the rule, without modifiers: they have edges of their own.
        hyper: Its hyperparameters.

    Example:
        >>> edge_of("sgd", {}), round(edge_of("adam", {"b1": 0.9}).multiple, 9)
        (Edge(measure='hessian_top', multiple=2.0, formula='2/lr'), 38.0)
    """
    if rule not in _EDGES:
        return None
    measure, multiple, formula = _EDGES[rule]
    return Edge(measure, multiple(hyper), formula)
