"""From a plain loss to an objective: what every measure does with the loss and the point that it is given."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.core.objective import Objective, Params
from optbench.errors import UsageError

#: What the text of a trace has of the memory of its process.
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def as_objective(loss: Objective | Callable[[Any], Array], params: Params) -> Objective:
    """Returns a loss as an objective; one that is an objective already is returned as it is.

    Args:
        loss: An ``Objective``, or a function in ``jax.numpy`` of one point that returns a scalar. It is computed in
            the type of the point, whatever ``jax_enable_x64`` says. Data that it holds become constants of its program.
        params: A point: a pytree of arrays, all float64 or all float32. A list of Python's numbers is one array.

    Returns:
        The objective.

    Raises:
        UsageError: The loss is no function, or none that JAX can trace; it returns no scalar or one of another type
            than its point; it is not the same at every call; or the arrays of the point are not all float64 or all
            float32.

    Example:
        >>> bowl = as_objective(lambda w: w @ w, [1.0, 2.0])
        >>> bowl.n_params, bowl.value(np.array([1.0, 2.0]))
        (2, 5.0)
    """
    if isinstance(loss, Objective):
        return loss
    if isinstance(loss, type) or not callable(loss):
        what = loss.__name__ if isinstance(loss, type) else type(loss).__name__
        raise UsageError(f"a loss is an optbench Objective or a function of a point in jax.numpy; got {what}")
    name = str(getattr(loss, "__name__", type(loss).__name__))
    point = as_point(params)
    objective = Objective(loss, point, label=name)
    like = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), point)
    with jax.enable_x64(objective.dtype == np.float64):
        # A function of its own each time: JAX remembers the trace of the one before.
        try:
            first, second = (jax.make_jaxpr(lambda at: loss(at))(like) for _ in range(2))
        except jax.errors.JAXTypeError as error:
            said = next(iter(str(error).splitlines()), "")
            raise UsageError(
                f"{name}: a loss must be written in jax.numpy, without NumPy's functions, float() or 'if' on values; "
                f"JAX says: {said}"
            ) from error
    _check_scalar(first.out_avals, name, objective.dtype)
    if not _same(first, second):
        raise UsageError(
            f"{name}: the loss is not the same at every call: it draws or changes something; "
            "a measure needs one function of the point, so fix the examples and the noise first"
        )
    return objective


def as_point(params: Params, objective: Objective | None = None, *, called: str = "a point") -> Params:
    """Returns a point as a pytree of NumPy arrays.

    Args:
        params: A pytree of arrays or numbers. A list of Python's numbers, which may be nested, is one array.
        objective: In whose type the arrays shall be; that of ``params`` if ``None``.
        called: What messages call it.

    Returns:
        The point.

    Raises:
        UsageError: Some of it is not made of real numbers, or has numbers that are not finite.

    Example:
        >>> as_point({"w": [[1.0, 2.0]], "b": 3.0})
        {'b': array(3.), 'w': array([[1., 2.]])}
    """

    def array(leaf: Any) -> np.ndarray:
        found = np.asarray(leaf)
        if objective is not None and np.issubdtype(found.dtype, np.integer):
            found = found.astype(objective.dtype)
        # JAX's half precisions are of no NumPy kind.
        if not jnp.issubdtype(found.dtype, jnp.floating):
            raise UsageError(f"{called} is made of arrays of float64 or float32; got {found.dtype}{_hint(found)}")
        found = found if objective is None else found.astype(objective.dtype)
        if not np.isfinite(found).all():
            raise UsageError(f"{called} must be finite; it has numbers that are not")
        return found

    point: Params = jax.tree.map(array, params, is_leaf=_is_list_of_numbers)
    return point


def _hint(found: np.ndarray) -> str:
    whole = np.issubdtype(found.dtype, np.integer)
    return "; write whole numbers with a point, as 1.0, or convert the array" if whole else ""


def _is_list_of_numbers(node: Any) -> bool:
    """Returns whether a node of a pytree is what NumPy would make one array of: nested lists of Python's numbers."""
    if not isinstance(node, list) or not node:
        return False
    return all(isinstance(entry, int | float) or _is_list_of_numbers(entry) for entry in node)


def _check_scalar(results: Any, name: str, dtype: np.dtype[Any]) -> None:
    """Raises an error unless a loss returns one number in the type of its point."""
    if len(results) != 1 or results[0].shape != ():
        said = "nothing" if not results else ", ".join(f"shape {result.shape}" for result in results)
        raise UsageError(f"{name}: a loss must return a scalar; it returns {said}")
    if results[0].dtype != dtype:
        raise UsageError(
            f"{name}: a loss must be computed in the type of its point, {dtype}; it returns {results[0].dtype}"
        )


def _same(first: Any, second: Any) -> bool:
    """Returns whether two traces of a loss compute the same from the same constants."""
    if _ADDRESS.sub("", str(first)) != _ADDRESS.sub("", str(second)):
        return False
    return all(
        a is b or np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(first.consts, second.consts, strict=True)
    )
