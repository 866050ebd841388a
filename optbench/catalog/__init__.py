"""Names to objects: the one list of update rules, test functions, models and measures.

The lists are literals and no shelf is imported at the top, so ``optbench list`` needs no
JAX. A new rule or function is one object in a shelf module, exported under its registry name,
and one line in ``rules`` or ``functions``. A user's own object is named ``module:attribute``, whatever it calls itself.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from optbench.catalog.aliases import ALIASES
from optbench.catalog.entry import Entry
from optbench.catalog.functions import PROBLEMS
from optbench.catalog.measures import MEASURES
from optbench.catalog.models import MODELS, ModelEntry
from optbench.catalog.modifiers import MODIFIERS
from optbench.catalog.noise import NOISE
from optbench.catalog.rules import OPTIMIZERS
from optbench.catalog.user_objects import is_own, named_function, named_rule, user_object
from optbench.errors import UsageError, unknown_name
from optbench.problems.cutest.names import PREFIX as CUTEST

if TYPE_CHECKING:
    from optbench.core.optimizer import Optimizer
    from optbench.measures.measure import Measure
    from optbench.problems.landscape import Landscape
    from optbench.problems.problem import Problem
    from optbench.tasks.models.model import Model

__all__ = [
    "ALIASES",
    "CUTEST",
    "MEASURES",
    "MODELS",
    "MODIFIERS",
    "NOISE",
    "OPTIMIZERS",
    "PROBLEMS",
    "Entry",
    "ModelEntry",
    "alias",
    "is_known",
    "is_own",
    "landscape",
    "measure",
    "model",
    "optimizer",
    "problem",
    "unknown",
    "user_object",
]


def alias(name: str) -> str | None:
    """Returns the registry name for another name of the same thing, ``None`` where it is none.

    Example:
        >>> alias("L-BFGS")
        'lbfgs'
    """
    return ALIASES.get(name.lower().replace("-", "_"))


def unknown(kind: str, name: str, entries: Sequence[Entry]) -> str:
    """Returns the message for a name that the catalogue does not have, aliases considered.

    Args:
        kind: What the name should denote, such as ``"optimizer"``.
        name: What the user typed.
        entries: The shelf in which it was looked for.

    Returns:
        One line with the nearest valid names.

    Example:
        >>> unknown("optimizer", "heavyball", OPTIMIZERS)
        "unknown optimizer 'heavyball'; did you mean 'momentum'?"
    """
    known = [entry.name for entry in entries]
    meant = alias(name)
    if meant in known:
        return f"unknown {kind} {name!r}; did you mean {meant!r}?"
    return unknown_name(kind, name, known)


def _find(kind: str, name: str, entries: Sequence[Entry]) -> Any:
    if ":" in name:
        return user_object(name)
    for entry in entries:
        if entry.name == name:
            return getattr(importlib.import_module(entry.module), name)
    raise UsageError(unknown(kind, name, entries))


def optimizer(name: str | Any) -> Optimizer:
    """Returns the update rule of a name.

    Args:
        name: A registry name, or ``module:attribute`` for an ``Optimizer`` or an optax factory of your own;
            either may be followed by modifiers, as in ``adam+warmup+cosine``. Or such an object itself.

    Returns:
        The rule; the same object whenever the same rule is named with the same modifiers. One of your own has the name
        by which you asked for it.

    Raises:
        UsageError: There is no such rule or modifier, or the attribute is neither an ``Optimizer`` nor optax's.

    Example:
        >>> optimizer("adam").defaults()["b1"]
        0.9
        >>> list(optimizer("sgd+clip").hyper)
        ['lr', 'clip_norm']
    """
    from optbench.core.optimizer import Optimizer

    if isinstance(name, Optimizer):
        return name
    if not isinstance(name, str):
        from optbench.optimizers.from_optax import adopted
        from optbench.optimizers.optax_arguments import factory_name

        return adopted(name, factory_name(name))
    name, *modifiers = name.split("+")
    found = _find("optimizer", name, OPTIMIZERS)
    if not isinstance(found, Optimizer):
        from optbench.optimizers.from_optax import adopted

        found = adopted(found, name)
    elif ":" in name:
        found = named_rule(found, name)
    if modifiers:
        from optbench.optimizers.modifiers import modified

        return modified(found, tuple(modifiers))
    return found


def landscape(name: str) -> Landscape:
    """Returns the test function of a name, for every dimension.

    Args:
        name: A registry name, ``cutest:NAME``, or ``module:attribute`` for a ``Landscape`` of your own.

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
    return named_function(found, name) if ":" in name else found


def model(name: str) -> Model:
    """Returns the design of a network.

    Args:
        name: A registry name, or ``module:attribute`` for a ``Model`` of your own.

    Returns:
        The design, for every input that it takes.

    Raises:
        UsageError: There is no such model, or the attribute is no ``Model``.

    Example:
        >>> model("lenet").table()[0].shape
        (28, 28, 6)
    """
    from optbench.tasks.models.model import Model

    found = _find("model", name, MODELS)
    if not isinstance(found, Model):
        raise UsageError(f"{name!r} must be an optbench Model; it is a {type(found).__name__}")
    return dataclasses.replace(found, name=name) if ":" in name else found


def measure(name: str) -> Measure:
    """Returns the measure of a name.

    Args:
        name: A registry name.

    Returns:
        The measure.

    Raises:
        UsageError: There is no such measure.
    """
    for entry in MEASURES:
        if entry.name == name:
            found: Measure = getattr(importlib.import_module(entry.module), name.upper())
            return found
    raise UsageError(unknown("measure", name, MEASURES))


def problem(
    function: str | Landscape | Callable[..., Any],
    dim: int | None = None,
    *,
    instance: int = 0,
    rotated: bool = False,
    bounds: Any = None,
    x_star: Any = None,
    f_star: float | None = None,
    name: str | None = None,
    **parameters: float,
) -> Problem:
    """Returns a test function as a value with its optimum, box and starts.

    Args:
        function: A registry name, ``cutest:NAME``, or ``module:attribute`` for a ``Landscape`` of your own; a
            ``Landscape`` itself; or a plain function of a point in ``jax.numpy``, which needs ``bounds``.
        dim: Dimension; the function's default if ``None``.
        instance: 0 for the literature's form, else the seed of shift, rotation and offset. Of functions whose
            instances the literature numbers, such as BBOB's, it is that number, from 1 on; 0 stands for 1.
        rotated: Whether the instance is turned.
        bounds: Of a plain function, its box: a low and a high for each coordinate.
        x_star: Of a plain function, its global minimizers: a point or several; ``None`` where they are not known.
        f_star: Of a plain function, its minimum; that at ``x_star`` if ``None``. Without both it stays unknown: what
            is measured from it (``f_star``, ``f_scale``, ``f_solved``) raises a ``UsageError``.
        name: What a plain function is called, in place of its own name.
        **parameters: The function's own parameters, such as ``condition=1e6``.

    Returns:
        The problem.

    Raises:
        UsageError: There is no such function, or it has no such dimension, instance or parameter, or a plain function
            does not fit what is said of it.

    Example:
        >>> problem("rosenbrock", dim=2).f_star
        0.0
        >>> problem(lambda x: (x[0] - 1) ** 2 + x[1] ** 4, bounds=[[-5, 5]] * 2, x_star=[1, 0], name="mine").f_star
        0.0
    """
    from optbench.problems.landscape import Landscape
    from optbench.problems.problem import Problem

    given = {"bounds": bounds, "x_star": x_star, "f_star": f_star, "name": name}
    if isinstance(function, str | Landscape):
        found = landscape(function) if isinstance(function, str) else function
        if said := [key for key, value in given.items() if value is not None]:
            raise UsageError(f"{found.name} is defined with its box and minimum; leave out {', '.join(said)}")
        return Problem(found, found.dims.default if dim is None else dim, instance, rotated, parameters)
    if isinstance(function, Problem) or not callable(function):
        raise UsageError(
            "a problem is made of a name, an optbench Landscape or a function of one point; "
            f"got {type(function).__name__}"
        )
    if parameters:
        raise UsageError(f"a function of your own has no parameters; got {', '.join(parameters)}")
    from optbench.problems.own_function import own_problem

    return own_problem(function, dim, instance=instance, rotated=rotated, **given)


def is_known(found: Optimizer | Landscape) -> bool:
    """Returns whether an object is the one that the catalogue has under its name, and not a user's own.

    Args:
        found: A rule or a test function.

    Returns:
        Whether its name stands for it. Of CUTEst's problems it never does: their code is that of whichever
        sif2jax is installed.

    Example:
        >>> is_known(optimizer("adam"))
        True
    """
    from optbench.problems.landscape import Landscape

    if ":" in found.name:
        return False
    try:
        return (landscape if isinstance(found, Landscape) else optimizer)(found.name) is found
    except UsageError:
        return False
