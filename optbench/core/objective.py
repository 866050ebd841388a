"""An objective: a loss of a pytree of arrays, with its gradient and its Hessian's products, as measures take it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from optbench.core.compiler_options import PRODUCTS, Options
from optbench.errors import UsageError

#: Points of a slice that an accelerator evaluates together.
TOGETHER = 32

#: A pytree of arrays: a point ``x`` of shape (dim,) of a function, or a network's parameters.
Params = Any


class Given(NamedTuple):
    """What a loss is given beside the point. All of it is an operand: a constant would be compiled into the program.

    Attributes:
        shared: Arguments after the point.
        parts: A pytree of arrays with one leading axis: one part of a sum after the other; ``None`` for no sum.
        n: What the sum is divided by.
    """

    shared: tuple[Any, ...]
    parts: Any
    n: Any


class Loss:
    """A loss in JAX and what was compiled of it: objectives of one loss compile once for each set of shapes.

    The loss is ``of(params, *shared)``, or ``sum_p of(params, *shared, p) / n`` over parts. A part is differentiated
    before the next one is looked at, so a gradient and a product take the memory of one part.
    """

    def __init__(self, of: Callable[..., Array], options: Options | None = None) -> None:
        """Keeps the loss.

        Args:
            of: ``of(params, *shared)`` or ``of(params, *shared, part)``, a scalar in the type of its point.
            options: What XLA is told when it compiles; its own choice if ``None``.
        """
        self._of, self._options = of, options
        self._executables: dict[Any, Callable[..., Any]] = {}
        # Threads that measure points of one loss must not compile it twice.
        self._compiling = threading.Lock()

    def value(self, given: Given, params: Params) -> Array:
        """Returns the value at a point."""
        value: Array = _mean(lambda *part: self._of(params, *given.shared, *part), given)
        return value

    def value_and_grad(self, given: Given, params: Params) -> tuple[Array, Params]:
        """Returns the value and the gradient at a point."""
        of = jax.value_and_grad(self._of)
        found: tuple[Array, Params] = _mean(lambda *part: of(params, *given.shared, *part), given)
        return found

    def hvp(self, given: Given, params: Params, vector: Params) -> Params:
        """Returns the Hessian at a point times a vector."""

        def product(*part: Any) -> Params:
            slope = jax.grad(lambda at: self._of(at, *given.shared, *part))
            return jax.jvp(slope, (params,), (vector,))[1]

        return _mean(product, given)

    def values_along(self, given: Given, origin: Params, directions: tuple[Params, ...], coordinates: Array) -> Array:
        """Returns the values at ``origin + sum_k coordinates[i, k] directions[k]`` for all ``i``.

        Each point is made when its turn comes, so memory does not grow with their number. A CPU takes one after the
        other, since a product for each of several points is slower there than one; an accelerator takes ``TOGETHER``.
        """

        def at(steps: Array) -> Array:
            point = jax.tree.map(
                lambda start, *along: start + sum(step * part for step, part in zip(steps, along, strict=True)),
                origin,
                *directions,
            )
            return self.value(given, point)

        together = None if jax.default_backend() == "cpu" else TOGETHER
        values: Array = lax.map(at, coordinates, batch_size=together)
        return values

    def term_gradients(self, given: Given, params: Params, vector: Params) -> tuple[Array, Array]:
        """Returns of each term's gradient the squared norm and the product with a vector, (parts, size) each."""

        def of_term(term: Any) -> tuple[Array, Array]:
            part = jax.tree.map(lambda leaf: leaf[None], term)
            grad = jax.tree.leaves(jax.grad(self._of)(params, *given.shared, part))
            square = jnp.stack([jnp.sum(leaf * leaf) for leaf in grad])
            slope = jnp.stack([jnp.sum(a * b) for a, b in zip(grad, jax.tree.leaves(vector), strict=True)])
            return jnp.sum(square), jnp.sum(slope)

        found: tuple[Array, Array] = lax.map(jax.vmap(of_term), given.parts)
        return found

    def compiled(self, name: str, *arguments: Any) -> Callable[..., Any]:
        """Returns the executable of a method for arguments of certain shapes."""
        leaves, tree = jax.tree.flatten(arguments)
        key = name, tree, *((np.shape(leaf), leaf.dtype) for leaf in leaves)
        with self._compiling:
            if key not in self._executables:
                shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(np.shape(leaf), leaf.dtype), arguments)
                method = getattr(self, name)
                # JAX keeps a trace as long as its function lives: here it is one that nobody else has.
                lowered = jax.jit(lambda *given: method(*given)).lower(*shapes)
                self._executables[key] = lowered.compile(compiler_options=self._options)
            return self._executables[key]


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
        self._label = label
        self.n_terms = n if of_terms else 0
        self._loss = loss if isinstance(loss, Loss) else Loss(loss)
        self._given = self._placed(Given(shared, parts, np.asarray(n, self.dtype)))
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
            ``|g_i|^2`` and ``g_i . v``, each of shape (n_terms,). No gradient is kept, so it takes the memory of the
            gradients of one part's terms.

        Raises:
            UsageError: The loss is not known as a sum of terms, or the point or the vector is no point of it.
        """
        if not self.n_terms:
            raise UsageError(f"{self._label}: it is not known as a mean of terms, so there are no gradients of terms")
        found, traced = self._run("term_gradients", params, vector)
        squares, slopes = (each.reshape(-1)[: self.n_terms] for each in found)
        return (squares, slopes) if traced else (np.asarray(squares), np.asarray(slopes))

    def _run(self, name: str, *points: Params) -> tuple[Any, bool]:
        """Returns what a method of the loss finds, and whether it is traced."""
        flat = [jax.tree.flatten(point) for point in points]
        if any(isinstance(leaf, jax.core.Tracer) for leaves, _ in flat for leaf in leaves):
            return getattr(self._loss, name)(self._given, *points), True
        numbers = [self._numbers(leaves, tree) for leaves, tree in flat]
        with jax.enable_x64(self.dtype == np.float64):
            run = self._runs.get(name)
            if run is None:
                with jax.default_matmul_precision(PRODUCTS):
                    run = self._runs[name] = self._loss.compiled(name, self._given, *numbers)
            return run(self._given, *numbers), False

    def _numbers(self, leaves: list[Any], tree: Any) -> Params:
        """Returns a point in the objective's type."""
        arrays = [np.asarray(leaf, self.dtype) for leaf in leaves]
        shapes = [array.shape for array in arrays]
        if tree != self._tree or shapes != self._shapes:
            raise UsageError(
                f"{self._label}: a point has {_described(self._tree, self._shapes)}; got {_described(tree, shapes)}"
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


def _mean(of: Callable[..., Any], given: Given) -> Any:
    """Returns ``of()``, or the sum of ``of(part)`` over all parts, divided by ``n``."""
    if given.parts is None:
        return of()

    def add(sums: Any, part: Any) -> tuple[Any, None]:
        return jax.tree.map(jnp.add, sums, of(part)), None

    shapes = jax.eval_shape(of, jax.tree.map(lambda leaf: leaf[0], given.parts))
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    sums, _ = lax.scan(add, zeros, given.parts)
    return jax.tree.map(lambda leaf: leaf / given.n, sums)


def _described(tree: Any, shapes: list[tuple[int, ...]]) -> str:
    """Returns the structure of a point in a few words."""
    if tree == jax.tree.structure(0):
        return f"shape {shapes[0]}"
    more = ", ..." if len(shapes) > 4 else ""
    return f"{len(shapes)} arrays of shapes {', '.join(map(str, shapes[:4]))}{more}"
