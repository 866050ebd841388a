"""Names to objects: the one list of update rules and test functions.

The two tuples are literals and no shelf is imported at the top, so ``optbench list`` needs no
JAX. A new rule or function is one object in a shelf module, exported under its registry name,
and one line here. A user's own object is named ``module:attribute``.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optbench.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from optbench.core.optimizer import Optimizer
    from optbench.problems.landscape import Landscape
    from optbench.problems.problem import Problem


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the catalogue.

    Attributes:
        name: Registry name; ``module`` exports the object under it.
        module: Where the object stands.
        group: Shelf on which it is listed.
        summary: What it is, in a few words.
    """

    name: str
    module: str
    group: str
    summary: str


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

_QUADRATICS = "optbench.problems.quadratics"
_VALLEYS = "optbench.problems.valleys"
_MULTIMODAL = "optbench.problems.multimodal"
_PLANAR = "optbench.problems.planar"
_PLATES = "optbench.problems.plates"
_WELLS = "optbench.problems.wells"

PROBLEMS: tuple[Entry, ...] = (
    Entry("sphere", _QUADRATICS, "quadratics", "sum of squares"),
    Entry("ellipsoid", _QUADRATICS, "quadratics", "sum of squares with a condition number from 1 to 1e8"),
    Entry("sum_of_powers", _QUADRATICS, "quadratics", "each coordinate to a higher power than the one before"),
    Entry("saddle", _QUADRATICS, "quadratics", "a saddle confined by a quartic, started next to its stable manifold"),
    Entry("rosenbrock", _VALLEYS, "valleys", "a curved, flat-bottomed valley; a second minimum from dimension 4 on"),
    Entry("beale", _VALLEYS, "valleys", "a flat valley between steep corners"),
    Entry("dixon_price", _VALLEYS, "valleys", "a chain of squares whose valley folds on itself"),
    Entry("powell_singular", _VALLEYS, "valleys", "singular Hessian at the minimum; dimension a multiple of 4"),
    Entry("zakharov", _VALLEYS, "valleys", "a sphere with one direction to the fourth power"),
    Entry("booth", _VALLEYS, "valleys", "a tilted quadratic of condition 9"),
    Entry("matyas", _VALLEYS, "valleys", "a plate-like quadratic of condition 25"),
    Entry("mccormick", _VALLEYS, "valleys", "a bowl on a sine; unbounded below outside its box"),
    Entry("three_hump_camel", _VALLEYS, "valleys", "three minima in a row, the middle one global"),
    Entry("six_hump_camel", _VALLEYS, "valleys", "six minima, two of them global"),
    Entry("ackley", _MULTIMODAL, "multimodal", "a nearly flat, rippled plain around one deep hole"),
    Entry("rastrigin", _MULTIMODAL, "multimodal", "a regular lattice of deep local minima on a sphere"),
    Entry("griewank", _MULTIMODAL, "multimodal", "many shallow ripples on a wide sphere"),
    Entry("levy", _MULTIMODAL, "multimodal", "rippled valleys around one minimum"),
    Entry("schwefel", _MULTIMODAL, "multimodal", "its best and second-best minima lie far apart; falls off its box"),
    Entry("styblinski_tang", _MULTIMODAL, "multimodal", "a quartic with two wells in every coordinate"),
    Entry("michalewicz", _MULTIMODAL, "multimodal", "plateaus cut by steep, narrow ravines"),
    Entry("himmelblau", _PLANAR, "multimodal", "four equal minima"),
    Entry("branin", _PLANAR, "multimodal", "three equal minima in a curved valley"),
    Entry("goldstein_price", _PLANAR, "multimodal", "values over six decades, a local minimum near the global one"),
    Entry("easom", _PLANAR, "multimodal", "one narrow hole in a plain"),
    Entry("drop_wave", _PLANAR, "multimodal", "circular ripples around one minimum"),
    Entry("eggholder", _PLANAR, "multimodal", "rough, with its minimum on the edge of the box"),
    Entry("plateau", _PLATES, "plates", "flat far from the minimum, where the gradient says little"),
    Entry("cliff", _PLATES, "plates", "a bowl behind a steep step"),
    Entry("monkey_saddle", _PLATES, "plates", "a degenerate saddle with three ways down, confined by a quartic"),
    Entry("ravine", _PLATES, "plates", "a narrow curved ravine"),
    Entry("two_wells", _WELLS, "wells", "one sharp and one flat minimum; depths and curvatures are parameters"),
    Entry("gaussian_wells", _WELLS, "wells", "a sharp and a flat Gaussian well, each draining half of the space"),
)

#: Other names under which people look for something -> registry name; used in suggestions only.
ALIASES: Mapping[str, str] = {
    "gd": "sgd",
    "gradient_descent": "sgd",
    "heavyball": "momentum",
    "heavy_ball": "momentum",
    "polyak": "momentum",
    "sgdm": "momentum",
    "nesterov": "nag",
    "adaptive_gradient": "adagrad",
    "banana": "rosenbrock",
    "camel": "six_hump_camel",
    "camel3": "three_hump_camel",
    "camel6": "six_hump_camel",
    "powell": "powell_singular",
    "quadratic": "ellipsoid",
    "quadratic_saddle": "saddle",
    "rotated_ellipsoid": "ellipsoid",
}


def unknown(kind: str, name: str, entries: tuple[Entry, ...]) -> str:
    """Returns the message for a name that the catalogue does not have, aliases considered.

    Args:
        kind: What the name should denote, ``"optimizer"`` or ``"problem"``.
        name: What the user typed.
        entries: The shelf in which it was looked for.

    Returns:
        One line with the nearest valid names.

    Example:
        >>> unknown("optimizer", "heavyball", OPTIMIZERS)
        "unknown optimizer 'heavyball'; did you mean 'momentum'?"
    """
    known = [entry.name for entry in entries]
    alias = ALIASES.get(name.lower().replace("-", "_"))
    if alias in known:
        return f"unknown {kind} {name!r}; did you mean {alias!r}?"
    return unknown_name(kind, name, known)


def user_object(reference: str) -> Any:
    """Imports ``module:attribute``, which only the user's own words name."""
    module_name, _, attribute = reference.partition(":")
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        # An installed command does not look there by itself, unlike "python -m".
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # whatever a user's module raises is theirs to read, without our traceback
        raise UsageError(f"{reference!r}: cannot import {module_name!r}: {type(error).__name__}: {error}") from error
    if not hasattr(module, attribute):
        raise UsageError(unknown_name(f"attribute of {module_name}", attribute, _public(module)))
    return getattr(module, attribute)


def _public(module: Any) -> list[str]:
    return [name for name in vars(module) if not name.startswith("_")]


def _find(kind: str, name: str, entries: tuple[Entry, ...]) -> Any:
    if ":" in name:
        return user_object(name)
    for entry in entries:
        if entry.name == name:
            return getattr(importlib.import_module(entry.module), name)
    raise UsageError(unknown(kind, name, entries))


def optimizer(name: str) -> Optimizer:
    """Returns the update rule of a name.

    Args:
        name: A registry name, or ``module:attribute`` for an ``Optimizer`` of your own.

    Returns:
        The rule.

    Raises:
        UsageError: There is no such rule, or the attribute is no ``Optimizer``.

    Example:
        >>> optimizer("adam").defaults()["b1"]
        0.9
    """
    from optbench.core.optimizer import Optimizer

    found = _find("optimizer", name, OPTIMIZERS)
    if not isinstance(found, Optimizer):
        raise UsageError(f"{name!r} must be an optbench Optimizer; it is a {type(found).__name__}")
    return found


def landscape(name: str) -> Landscape:
    """Returns the test function of a name, for every dimension.

    Args:
        name: A registry name, or ``module:attribute`` for a ``Landscape`` of your own.

    Returns:
        The definition.

    Raises:
        UsageError: There is no such function, or the attribute is no ``Landscape``.

    Example:
        >>> landscape("rosenbrock").dims.default
        2
    """
    from optbench.problems.landscape import Landscape

    found = _find("problem", name, PROBLEMS)
    if not isinstance(found, Landscape):
        raise UsageError(f"{name!r} must be an optbench Landscape; it is a {type(found).__name__}")
    return found


def problem(
    name: str, dim: int | None = None, *, instance: int = 0, rotated: bool = False, **parameters: float
) -> Problem:
    """Returns a test function as a value with its optimum, box and starts.

    Args:
        name: A registry name, or ``module:attribute`` for a ``Landscape`` of your own.
        dim: Dimension; the function's default if ``None``.
        instance: 0 for the literature's form, else the seed of shift, rotation and offset.
        rotated: Whether the instance is turned.
        **parameters: The function's own parameters, such as ``condition=1e6``.

    Returns:
        The problem.

    Raises:
        UsageError: There is no such function, or it has no such dimension, instance or parameter.

    Example:
        >>> problem("rosenbrock", dim=2).f_star
        0.0
    """
    from optbench.problems.problem import Problem

    function = landscape(name)
    return Problem(function, function.dims.default if dim is None else dim, instance, rotated, parameters)
