"""A user's plain function as a problem: checked when it is made, with a minimum only where one was given."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.core.keys import generator
from optbench.errors import UsageError
from optbench.problems.evaluation import with_own_arrays
from optbench.problems.landscape import Dims, Landscape
from optbench.problems.problem import Problem

#: Points of the box at which a function is tried.
TRIED = 16
#: How far f at a given minimizer may be from the minimum, in units of the values.
TOLERANCE = 1e-8


def own_problem(
    function: Callable[[Array], Any],
    dim: int | None = None,
    *,
    bounds: Any,
    x_star: Any = None,
    f_star: float | None = None,
    name: str | None = None,
    instance: int = 0,
    rotated: bool = False,
) -> Problem:
    """Makes a problem of a function of one point.

    Args:
        function: ``function(x) -> scalar`` in ``jax.numpy``, with ``x`` of shape (dim,).
        dim: Dimension, where ``bounds`` is one pair for all coordinates.
        bounds: Box, a low and a high for each coordinate, shape (dim, 2), or one pair.
        x_star: Its global minimizers in the box, one point or several; ``None`` where they are not known.
        f_star: Its minimum; that of f at ``x_star`` if ``None``, and unknown without both.
        name: What it is called; by default the function's own name.
        instance: As of any problem; it takes ``x_star``.
        rotated: As of any problem.

    Returns:
        The problem. Without ``f_star`` and ``x_star`` its ``f_star``, ``x_star``, ``f_scale`` and ``f_solved`` raise a
        ``UsageError``; without ``x_star`` all but ``f_star`` do.

    Raises:
        UsageError: The box, the minimum or what the function returns does not fit.

    Example:
        >>> bowl = own_problem(lambda x: jnp.sum((x - 1.0) ** 2), bounds=[[-5, 5]] * 2, x_star=[1, 1], name="bowl")
        >>> bowl.label, bowl.f([0, 0]), bowl.f_star
        ('bowl-2d', 2.0, 0.0)
    """
    called = getattr(function, "__name__", "")
    name = (called if called.isidentifier() else "function") if name is None else name
    if not isinstance(name, str) or not name.strip():
        raise UsageError(f"name must be text; got {name!r}")
    if instance and x_star is None:
        raise UsageError(f"{name}: an instance is placed by its minimizers, which are not known; give x_star=...")
    box = _box(name, bounds, dim)
    dim = len(box)
    points = None if x_star is None else _minimizers(name, x_star, box)
    if f_star is not None and (isinstance(f_star, bool) or not _is_finite(f_star)):
        raise UsageError(f"{name}: f_star must be a finite number, or left out where it is not known; got {f_star!r}")

    f = _in_both_precisions(_one_number(function, name), name, dim)

    def landscape(minimum: float | None) -> Landscape:
        return Landscape(
            name=name,
            f=f,
            dims=Dims(minimum=dim, maximum=dim, default=dim),
            bounds=lambda dim: box,
            x_star=_unknown(name, "minimizers", "x_star") if points is None else lambda dim: points,
            f_star=_unknown(name, "minimum", "f_star") if minimum is None else lambda dim: minimum,
            knows_minimum=minimum is not None and points is not None,
            tags=frozenset({"unranked"}),
            formula="a function of your own",
            reference="-",
        )

    lowest = _checked(Problem(landscape(None), dim), points, f_star)
    return Problem(landscape(lowest), dim, instance, rotated)


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except (TypeError, ValueError):
        return False


def _box(name: str, bounds: Any, dim: int | None) -> np.ndarray:
    """Returns the box, shape (dim, 2)."""
    wanted = f"{name}: bounds must be a low and a high for each coordinate, such as [[-5, 5], [-5, 5]]"
    if bounds is None:
        raise UsageError(f"{wanted}; a function of your own has no box unless you give it: bounds=...")
    try:
        box = np.array(bounds, np.float64)
    except (TypeError, ValueError):
        raise UsageError(f"{wanted}; got {bounds!r}") from None
    if box.shape == (2,) and dim is not None:
        box = np.tile(box, (dim, 1))
    if box.shape == (2,):
        raise UsageError(f"{wanted}; got the pair {box.tolist()}, which needs dim=...")
    if box.ndim != 2 or box.shape[1] != 2 or not len(box):
        raise UsageError(f"{wanted}; got shape {box.shape}")
    if dim is not None and dim != len(box):
        raise UsageError(f"{name}: bounds are those of {len(box)} coordinates; got dim={dim!r}")
    if not (np.isfinite(box).all() and (box[:, 0] < box[:, 1]).all()):
        raise UsageError(f"{name}: each low of bounds must be finite and less than its high; got {box.tolist()}")
    return box


def _minimizers(name: str, x_star: Any, box: np.ndarray) -> np.ndarray:
    """Returns the minimizers, shape (m, dim)."""
    dim = len(box)
    wanted = f"{name}: x_star must be a point of shape ({dim},), or several of shape (m, {dim})"
    try:
        points = np.array(x_star, np.float64)
    except (TypeError, ValueError):
        raise UsageError(f"{wanted}; got {x_star!r}") from None
    points = points[None] if points.ndim == 1 else points
    if points.ndim != 2 or points.shape[1] != dim or not len(points):
        raise UsageError(f"{wanted}; got shape {np.shape(x_star)}")
    if not ((points >= box[:, 0]) & (points <= box[:, 1])).all():
        raise UsageError(f"{name}: x_star must lie in bounds, {box.tolist()}; got {points.tolist()}")
    return points


def _unknown(name: str, what: str, argument: str) -> Callable[..., NoReturn]:
    """Returns the rule of what nobody has said; whoever asks is told how to say it."""

    def rule(*_: float) -> NoReturn:
        raise UsageError(f"{name}: its {what} must be known for this; give {argument}=... to ob.problem")

    return rule


def _one_number(function: Callable[[Array], Any], name: str) -> Callable[[Array], Array]:
    """Wraps a function so that it gives one number in the type of its point, or says what it gives."""

    def f(x: Array) -> Array:
        try:
            found = function(x)
        except jax.errors.JAXTypeError as error:
            said = next(iter(str(error).splitlines()), "")
            raise UsageError(
                f"{name}: the function must be written in jax.numpy, without NumPy's functions, float() or 'if' on "
                f"values; JAX says: {said}"
            ) from error
        if isinstance(found, int | float) and not isinstance(found, bool):
            return jnp.asarray(found, x.dtype)
        shape, kind = getattr(found, "shape", None), getattr(found, "dtype", None)
        if shape is None or kind is None:
            raise UsageError(f"{name}: the function must return one number; got {type(found).__name__}")
        if shape != ():
            raise UsageError(f"{name}: the function must return one number; got an array of shape {shape}")
        if not jnp.issubdtype(kind, jnp.floating) or kind.itemsize < x.dtype.itemsize:
            raise UsageError(
                f"{name}: the function must return a number as precise as its point, {x.dtype}; got {kind}"
            )
        value: Array = jnp.asarray(found, x.dtype)
        return value

    return f


def _in_both_precisions(f: Callable[[Array], Array], name: str, dim: int) -> Callable[[Array], Array]:
    """Traces a function once for double precision, with copies of the NumPy arrays that it holds: see ``evaluation``.

    Whoever made the function may use it in single precision between and after.

    Args:
        f: The function, one number for a point.
        name: What it is called.
        dim: Length of a point.

    Returns:
        The same function.

    Raises:
        UsageError: It raises, or it gives something else than one number.
    """
    try:
        with jax.enable_x64(True):
            in_double = with_own_arrays(f, jax.ShapeDtypeStruct((dim,), np.float64))
    except UsageError:
        raise
    except Exception as error:  # whatever a user's function raises is theirs to read, without our traceback
        said = next(iter(str(error).splitlines()), "")
        raise UsageError(f"{name}: the function raises {type(error).__name__}: {said}") from error

    def either(x: Array) -> Array:
        value: Array = in_double(x) if x.dtype == jnp.float64 else f(x)
        return value

    return either


def _checked(problem: Problem, points: np.ndarray | None, f_star: float | None) -> float | None:
    """Tries a function, and returns its minimum, or ``None`` where nobody has said it."""
    name = problem.name
    # The edges are left alone: many a function is infinite there.
    low, high = problem.bounds.T
    tried = low + (high - low) * generator("own function", name).uniform(0.01, 0.99, (TRIED, problem.dim))
    try:
        values = np.array([problem.f(x) for x in tried])
    except (TypeError, ValueError) as error:
        # It has been traced; what is left to fail is a clash of types.
        raise UsageError(
            f"{name}: the function holds a NumPy array that JAX has already read in single precision; write "
            "jnp.asarray(array, x.dtype) in it, or make the problem before you call jax.jit"
        ) from error
    at = None if points is None else np.array([problem.f(x) for x in points])
    if not np.isfinite(values).any():
        raise UsageError(f"{name}: the function must be finite in its box; it is {values[0]} at each of {TRIED} points")
    best = np.where(np.isfinite(values), values, np.inf).argmin()
    if f_star is None and at is None:
        return None
    minimum = float(at.min()) if f_star is None and at is not None else float(f_star or 0.0)
    unit = TOLERANCE * max(1.0, abs(minimum), float(np.median(np.abs(values[np.isfinite(values)] - minimum))))
    if at is not None and not np.all(np.abs(at - minimum) <= unit):
        worst = int(np.nanargmax(np.where(np.isnan(at), np.inf, np.abs(at - minimum))))
        raise UsageError(
            f"{name}: f must be f_star, {minimum:.12g}, at x_star; it is {at[worst]:.12g} at {points[worst].tolist()}"  # type: ignore[index]
        )
    if values[best] < minimum - unit:
        raise UsageError(
            f"{name}: f_star must be the minimum in the box; got {minimum:.12g}, but f is {values[best]:.12g} at "
            f"{tried[best].tolist()}"
        )
    return minimum
