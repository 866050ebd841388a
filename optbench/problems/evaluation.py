"""How a problem is evaluated: numbers in double precision, tracers of JAX's in their own.

Both hold whatever ``jax_enable_x64`` says, and neither changes what the other finds. So every constant reaches JAX as
a fresh copy in the type of the point, and what is kept for numbers is an executable alone: JAX 0.10 remembers, for as
long as a trace lives, in which precision it has read a NumPy array, and would read it so under the other setting, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from optbench.core.objective import Objective
from optbench.errors import UsageError


def with_own_arrays(function: Callable[..., Array], *shapes: Any) -> Callable[..., Array]:
    """Traces a function once and puts copies in place of the NumPy arrays that it holds.

    A program that is kept then holds the copies, and whoever made the function may use it under either setting.

    Args:
        function: A user's function, of arrays.
        *shapes: Shape and type of each argument.

    Returns:
        The same function, for arguments of these shapes.

    Example:
        >>> held = np.array([1.0, 2.0], np.float32)
        >>> same = with_own_arrays(lambda x: jnp.sum(x * held), jax.ShapeDtypeStruct((2,), np.float32))
        >>> float(same(np.ones(2, np.float32)))
        3.0
    """
    traced = jax.make_jaxpr(lambda *given: function(*given))(*shapes)
    copies = [np.array(part) if isinstance(part, np.ndarray) else part for part in traced.consts]
    again = jaxpr_as_fun(ClosedJaxpr(traced.jaxpr, copies))

    def same(*given: Any) -> Array:
        value: Array = again(*given)[0]
        return value

    return same


class Evaluation:
    """A function of one point, for whatever a caller has as a point.

    Attributes:
        objective: The function for points that are arrays of double precision, or tracers.

    Example:
        >>> square = Evaluation(lambda x: jnp.sum(x * x), 2, "square")
        >>> square.value([1, 2]), jax.grad(square.value)(jnp.array([1.0, 2.0])).tolist()
        (5.0, [2.0, 4.0])
    """

    def __init__(self, value: Callable[[Array], Array], dim: int, label: str) -> None:
        """Keeps what is evaluated.

        Args:
            value: The function in pure JAX, in the type of its point.
            dim: Length of a point.
            label: What messages call the function.
        """
        self._dim, self._label = dim, label
        self.objective = Objective(value, jax.ShapeDtypeStruct((dim,), np.float64), label=label)

    def value(self, x: Any) -> Any:
        """Returns the value: a Python float in double precision, a traced scalar for a tracer."""
        return self.objective.value(self._point(x))

    def value_and_grad(self, x: Any) -> tuple[Any, Any]:
        """Returns the value and the gradient: a float and a NumPy array, or two traced arrays."""
        return self.objective.value_and_grad(self._point(x))

    def _point(self, x: Any) -> Any:
        traced = self._traced(x)
        return self._numbers(x) if traced is None else traced

    def _traced(self, x: Any) -> Array | None:
        """Returns a point of tracers as one array in single precision or better, ``None`` for numbers."""
        if isinstance(x, list | tuple) and any(isinstance(part, jax.core.Tracer) for part in x):
            x = jnp.stack([jnp.asarray(part) for part in x])
        if not isinstance(x, jax.core.Tracer):
            return None
        self._check(x.shape)
        if x.dtype in (jnp.float32, jnp.float64):
            return x
        if jnp.issubdtype(x.dtype, jnp.complexfloating):
            raise self._no_numbers(x.dtype)
        # Half precision has too few digits to compute with; whole numbers are read as JAX reads Python's.
        return x.astype(jnp.float32 if jnp.issubdtype(x.dtype, jnp.floating) else jnp.result_type(float))

    def _numbers(self, x: Any) -> np.ndarray:
        try:
            given = np.asarray(x)
            if np.iscomplexobj(given):
                raise self._no_numbers(given.dtype)
            point = given.astype(np.float64)
        except (TypeError, ValueError):
            raise self._no_numbers(repr(x)) from None
        self._check(point.shape)
        return point

    def _check(self, shape: tuple[int, ...]) -> None:
        if shape != (self._dim,):
            raise UsageError(f"{self._label}: a point has shape ({self._dim},); got {shape}")

    def _no_numbers(self, given: Any) -> UsageError:
        return UsageError(f"{self._label}: a point must be real numbers; got {given}")
