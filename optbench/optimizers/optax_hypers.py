"""Hyperparameters that optax's optimizers share: rates, decay rates, small constants, weight decay, bounds."""

from __future__ import annotations

from optbench.core.optimizer import Hyper, Search
from optbench.optimizers.ranges import EPSILON, MOMENTUM, RATE, SQUARES

OPTAX = "optax's default"
_INFINITY = float("inf")


def rate(default: float, source: str) -> Hyper:
    """Returns a learning rate: positive, drawn from the one grid of rates."""
    return Hyper(default, source, search=RATE)


def factor(source: str = "optax's default; the authors leave it at 1") -> Hyper:
    """Returns the factor on the steps of a method that finds its own rate: 1, and not tuned."""
    return Hyper(1.0, source)


def share(default: float, source: str = OPTAX, *, tuned: bool = False) -> Hyper:
    """Returns the decay rate of a mean of gradients or of momentum, in [0, 1)."""
    return Hyper(default, source, high=1.0, open_low=False, search=MOMENTUM if tuned else None)


def squares(default: float, source: str = OPTAX, *, tuned: bool = False) -> Hyper:
    """Returns the decay rate of a mean of squares, in [0, 1)."""
    return Hyper(default, source, high=1.0, open_low=False, search=SQUARES if tuned else None)


def epsilon(default: float, source: str = OPTAX, *, tuned: bool = False) -> Hyper:
    """Returns a small constant that keeps a denominator from zero."""
    return Hyper(default, source, open_low=False, search=EPSILON if tuned else None)


def constant(default: float, source: str = OPTAX, *, decades: int = 0, open_low: bool = False) -> Hyper:
    """Returns a constant of at least 0; one to be tuned is drawn from some decades to either side of its default."""
    span = 10.0**decades
    about = f"{decades} decade{'s' if decades > 1 else ''} either way of the default"
    search = Search(default / span, default * span, about) if decades else None
    return Hyper(default, source, open_low=open_low, search=search)


def decay(optax_default: str) -> Hyper:
    """Returns weight decay: 0 on landscapes, whatever optax has as default."""
    return Hyper(
        0.0, f"no decay on landscapes (protocol, section 4); optax's default is {optax_default}", open_low=False
    )


def bound(source: str) -> Hyper:
    """Returns a lower bound on the minimum: any real number."""
    return Hyper(0.0, source, low=-_INFINITY)
