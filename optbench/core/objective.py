"""An objective: a loss of a pytree of arrays, with its gradient and its Hessian's products, as measures take it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from optbench.core.compiler_options import PRODUCTS
from optbench.core.loss import Given, Loss, Params
from optbench.core.spread import spans, summed
from optbench.errors import UsageError

__all__ = ["Objective", "Params"]

#: Methods of a loss whose results are sums over parts.
SUMS = ("value", "value_and_grad", "hvp", "hvps")
#: Vectors of one call of several products; fewer are filled up, so that every number of them has one program.
VECTORS = 8


class Objective:
    """A loss of a pytree of arrays that is the same at every call: nothing is drawn, no state is kept.

    Points are pytrees like the one that it was built for. Numbers give numbers in ``dtype``, whatever
    ``jax_enable_x64`` says: a Python float, and NumPy arrays. A tracer of JAX's, as inside ``jax.jit`` or ``jax.grad``,
    gives a traced result in its own type; what the loss is given is a constant of that trace.

    Attributes:
        n_params: Numbers in a point.
        dtype: Their type: float64 or float32.
        n_terms: Terms whose gradients ``term_gradients`` has one by one; 0 where it has none.

    Example:
        >>> import jax.numpy as jnp
        >>> bowl = Objective(lambda w: jnp.sum(w["a"] ** 2) + w["b"] ** 3, {"a": np.zeros(2), "b": np.zeros(())})
        >>> at = {"a": np.ones(2), "b": np.array(2.0)}
        >>> bowl.n_params, bowl.dtype, bowl.value(at)
        (3, dtype('float64'), 10.0)
        >>> bowl.hvp(at, {"a": np.ones(2), "b": np.array(1.0)})
        {'a': array([2., 2.]), 'b': array(12.)}
    """

    def __init__(
        self,
        loss: Callable[..., Array] | Loss,
        like: Params,
        *,
        shared: tuple[Any, ...] = (),
        parts: Any = None,
        n: int = 1,
        of_terms: bool = False,
        label: str = "objective",
    ) -> None:
        """Places what the loss is given on the device; compiles at first use.

        Args:
            loss: The loss, or one whose executables others use as well; see ``Loss``.
            like: A pytree of arrays, or of their shapes and types, like all points.
            shared: Arguments of the loss after the point; numbers of them are cast to the type of points.
            parts: Arrays with one leading axis, over whose entries the loss is summed; ``None`` for no sum.
            n: What the sum is divided by.
            of_terms: Whether a part is a sum of terms itself, one for each entry of its arrays' leading axis, that can
                be evaluated one by one. There are ``n`` terms, the first ones; entries behind them are zero.
            label: What messages call it.

        Raises:
            UsageError: A point has no numbers, or they are not all of float64 or all of float32.
        """
        leaves, tree = jax.tree.flatten(like)
        self._tree: Any = tree
        kinds = {np.dtype(leaf.dtype) for leaf in leaves}
        if len(kinds) != 1 or not kinds <= {np.dtype(np.float64), np.dtype(np.float32)}:
            said = ", ".join(sorted(map(str, kinds))) or "none"
            raise UsageError(f"{label}: the arrays of a point must all be float64 or all float32; got {said}")
        (self.dtype,) = kinds
        self._shapes = [tuple(leaf.shape) for leaf in leaves]
        self.n_params = sum(int(np.prod(shape)) for shape in self._shapes)
        if not self.n_params:
            raise UsageError(f"{label}: a point must have a number at least; got {_described(tree, self._shapes)}")
        self._label = label
        self.n_terms = n if of_terms else 0
        self._loss = loss if isinstance(loss, Loss) else Loss(loss)
        self._given = self._placed(Given(shared, parts, np.asarray(n, self.dtype)))
        leaves = jax.tree.leaves(parts)
        self._spans = spans(len(leaves[0])) if leaves else []
        self._runs: dict[str, Callable[..., Any]] = {}

    def point(self, params: Params) -> Params:
        """Returns a point as NumPy arrays in the objective's type.

        Args:
            params: The point, in numbers.

        Returns:
            A pytree like it.

        Raises:
            UsageError: The point has another structure or other shapes.
        """
        return self._numbers(*jax.tree.flatten(params))

    def value(self, params: Params) -> Any:
        """Returns the value at a point.

        Args:
            params: The point.

        Returns:
            A float, or a traced scalar for tracers.

        Raises:
            UsageError: The point has another structure or other shapes.
        """
        value, traced = self._run("value", params)
        return value if traced else float(value)

    def value_and_grad(self, params: Params) -> tuple[Any, Params]:
        """Returns the value and the gradient at a point.

        Args:
            params: The point.

        Returns:
            The value, as ``value`` has it, and a pytree like the point.

        Raises:
            UsageError: The point has another structure or other shapes.
        """
        (value, grad), traced = self._run("value_and_grad", params)
        return (value, grad) if traced else (float(value), jax.tree.map(np.asarray, grad))

    def hvp(self, params: Params, vector: Params) -> Params:
        """Returns the Hessian at a point times a vector, ``H v``, as the derivative of the gradient along it.

        Args:
            params: The point.
            vector: ``v``, a pytree like the point.

        Returns:
            A pytree like the point; it costs about as much as two gradients.

        Raises:
            UsageError: The point or the vector has another structure or other shapes.
        """
        product, traced = self._run("hvp", params, vector)
        return product if traced else jax.tree.map(np.asarray, product)

    def hvps(self, params: Params, vectors: Params) -> Params:
        """Returns the Hessian at a point times several vectors; what depends on the point alone is computed once.

        Args:
            params: The point.
            vectors: A pytree like the point whose leaves have one more axis, the first: one vector after the other.

        Returns:
            The products, as the vectors stand. It takes the memory of one part for each vector.

        Raises:
            UsageError: The point has another structure or other shapes, or the vectors are none of it.

        Example:
            >>> bowl = Objective(lambda w: w[0] ** 3 + w[1] ** 3, np.zeros(2))
            >>> bowl.hvps(np.array([1.0, 2.0]), np.array([[1.0, 0.0], [0.0, 1.0]])).tolist()
            [[6.0, 0.0], [0.0, 12.0]]
        """
        leaves, tree = jax.tree.flatten(vectors)
        if _is_traced(params) or _is_traced(vectors):
            return self._loss.hvps(self._given, params, vectors, len(leaves[0]))
        at, many = self.point(params), self._numbers(leaves, tree, 1)
        n = len(jax.tree.leaves(many)[0])
        found = []
        for begin in range(0, max(n, 1), VECTORS):
            count = min(VECTORS, n - begin)
            block = jax.tree.map(
                lambda leaf, begin=begin, count=count: np.concatenate(
                    [leaf[begin : begin + count], np.zeros((VECTORS - count, *leaf.shape[1:]), self.dtype)]
                ),
                many,
            )
            products = self._evaluated("hvps", at, block, np.int32(count))
            found.append(jax.tree.map(lambda leaf, count=count: np.asarray(leaf)[:count], products))
        return jax.tree.map(lambda *blocks: np.concatenate(blocks), *found)

    def values_along(self, origin: Params, directions: Sequence[Params], coordinates: ArrayLike) -> np.ndarray:
        """Returns the values at many points of a line, a plane or any other slice, compiled as one program.

        Point ``i`` is ``origin + sum_k coordinates[i, k] directions[k]``. Calls with equally many points share what is
        compiled, and threads may call at the same time.

        Args:
            origin: A point.
            directions: Pytrees like a point, K of them.
            coordinates: Numbers, (n, K).

        Returns:
            (n,), in the objective's type.

        Raises:
            UsageError: A pytree has another structure or other shapes, or the coordinates have another shape.

        Example:
            >>> bowl = Objective(lambda x: x @ x, np.zeros(2))
            >>> bowl.values_along(np.ones(2), [np.array([1.0, 0.0])], [[-1.0], [0.0], [2.0]]).tolist()
            [1.0, 2.0, 10.0]
        """
        start, *along = (self._numbers(*jax.tree.flatten(point)) for point in (origin, *directions))
        steps = np.asarray(coordinates, self.dtype)
        if steps.ndim != 2 or steps.shape[1] != len(along):
            raise UsageError(
                f"{self._label}: coordinates must have shape (n, {len(along)}), a number for each direction; "
                f"got {steps.shape}"
            )
        arguments = (self._given, start, tuple(along), steps)
        with jax.enable_x64(self.dtype == np.float64), jax.default_matmul_precision(PRODUCTS):
            return np.asarray(self._loss.compiled("values_along", *arguments)(*arguments))

    def term_gradients(self, params: Params, vector: Params) -> tuple[Any, Any]:
        """Returns what is known of the gradients ``g_i`` of the terms of which the loss is the mean.

        Args:
            params: The point.
            vector: ``v``, a pytree like the point.

        Returns:
            ``|g_i|^2`` and ``g_i . v``, each of shape (n_terms,). No gradient is kept, so it takes the memory of those
            of a few terms.

        Raises:
            UsageError: The loss is not known as a sum of terms, or the point or the vector is no point of it.
        """
        if not self.n_terms:
            raise UsageError(f"{self._label}: it is not known as a mean of terms, so there are no gradients of terms")
        found, traced = self._run("term_gradients", params, vector)
        squares, slopes = (each[: self.n_terms] for each in found)
        return (squares, slopes) if traced else (np.asarray(squares), np.asarray(slopes))

    def _run(self, name: str, *points: Params) -> tuple[Any, bool]:
        """Returns what a method of the loss finds, and whether it is traced."""
        if any(map(_is_traced, points)):
            return getattr(self._loss, name)(self._given, *points), True
        return self._evaluated(name, *map(self.point, points)), False

    def _evaluated(self, name: str, *numbers: Any) -> Any:
        """Returns what a method of the loss finds for numbers."""
        is_spread = bool(self._spans) and name in SUMS
        given = self._given._replace(span=(np.int32(0), np.int32(0))) if is_spread else self._given
        with self._precision():
            run = self._runs.get(name)
            if run is None:
                with jax.default_matmul_precision(PRODUCTS):
                    run = self._runs[name] = self._loss.compiled(name, given, *numbers)
            if not is_spread:
                return run(given, *numbers)
            placed = jax.device_put(numbers)

        def call(begin: int, end: int) -> Any:
            # What a thread is told of precision it tells no other.
            with self._precision():
                return jax.tree.map(np.asarray, run(given._replace(span=(np.int32(begin), np.int32(end))), *placed))

        sums = summed(call, self._spans)
        return jax.tree.map(lambda leaf: np.asarray(leaf / float(self._given.n), self.dtype), sums)

    def _precision(self) -> Any:
        """Returns the context in which JAX has numbers of the objective's type."""
        return jax.enable_x64(self.dtype == np.float64)

    def _numbers(self, leaves: list[Any], tree: Any, more_axes: int = 0) -> Params:
        """Returns a point, or several with an axis before their own, in the objective's type."""
        arrays = [np.asarray(leaf, self.dtype) for leaf in leaves]
        shapes = [array.shape for array in arrays]
        if tree != self._tree or [shape[more_axes:] for shape in shapes] != self._shapes:
            raise UsageError(
                f"{self._label}: a point has {_described(self._tree, self._shapes)}; got {_described(tree, shapes)}"
            )
        if more_axes and len({shape[:more_axes] for shape in shapes}) > 1:
            raise UsageError(
                f"{self._label}: vectors must be equally many in all arrays; got {_described(tree, shapes)}"
            )
        return jax.tree.unflatten(tree, arrays)

    def _placed(self, given: Given) -> Given:
        """Returns what the loss is given, on the device, its numbers in the objective's type."""

        def cast(leaf: Any) -> Any:
            array = np.asarray(leaf)
            return array.astype(self.dtype) if np.issubdtype(array.dtype, np.floating) else array

        # An objective may be made within a trace, of which nothing may stay behind.
        with jax.enable_x64(self.dtype == np.float64), jax.ensure_compile_time_eval():
            placed: Given = jax.device_put(jax.tree.map(cast, given))
        return placed


def _described(tree: Any, shapes: list[tuple[int, ...]]) -> str:
    """Returns the structure of a point in a few words."""
    if tree == jax.tree.structure(0):
        return f"shape {shapes[0]}"
    more = ", ..." if len(shapes) > 4 else ""
    return f"{len(shapes)} arrays of shapes {', '.join(map(str, shapes[:4]))}{more}"


def _is_traced(point: Params) -> bool:
    """Returns whether some of a point is a tracer."""
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(point))
