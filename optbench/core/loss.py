"""A loss in JAX of a pytree of arrays, or a sum of it over parts: its derivatives, and what was compiled of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from optbench.core.compiler_options import Options

#: Terms whose gradients are made together.
TERMS = 16

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
        span: First and last (exclusive) part of a sum that is not divided; ``None`` for the mean of all parts.
    """

    shared: tuple[Any, ...]
    parts: Any
    n: Any
    span: Any = None


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

    def hvps(self, given: Given, params: Params, vectors: Params, count: Any) -> Params:
        """Returns the Hessian at a point times the first ``count`` of several vectors, and zeros for the others.

        What depends on the point alone is computed once for each part. One vector follows the other: together they
        would leave a CPU's caches, and are slower.
        """

        def products(*part: Any) -> Params:
            along = jax.linearize(jax.grad(lambda at: self._of(at, *given.shared, *part)), params)[1]

            def put(place: Array, found: Params) -> Params:
                product = along(_entry(vectors, place))
                return jax.tree.map(
                    lambda all_, one: lax.dynamic_update_index_in_dim(all_, one, place, 0), found, product
                )

            return lax.fori_loop(0, count, put, jax.tree.map(jnp.zeros_like, vectors))

        return _mean(products, given)

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
        """Returns of each term's gradient the squared norm and the product with a vector, (parts x size,) each.

        ``TERMS`` gradients are made together: they stay in the cache, which makes it several times as fast.
        """

        def of_term(term: Any) -> tuple[Array, Array]:
            part = jax.tree.map(lambda leaf: leaf[None], term)
            grad = jax.tree.leaves(jax.grad(self._of)(params, *given.shared, part))
            square = jnp.stack([jnp.sum(leaf * leaf) for leaf in grad])
            slope = jnp.stack([jnp.sum(a * b) for a, b in zip(grad, jax.tree.leaves(vector), strict=True)])
            return jnp.sum(square), jnp.sum(slope)

        terms = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), given.parts)
        found: tuple[Array, Array] = lax.map(of_term, terms, batch_size=TERMS)
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


def _mean(of: Callable[..., Any], given: Given) -> Any:
    """Returns ``of()``, the sum of ``of(part)`` over all parts, divided by ``n``, or the one over a span of parts."""
    if given.parts is None:
        return of()

    def add(sums: Any, part: Any) -> Any:
        return jax.tree.map(jnp.add, sums, of(part))

    shapes = jax.eval_shape(of, jax.tree.map(lambda leaf: leaf[0], given.parts))
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    if given.span is not None:
        begin, end = given.span
        return lax.fori_loop(begin, end, lambda place, sums: add(sums, _entry(given.parts, place)), zeros)
    sums, _ = lax.scan(lambda sums, part: (add(sums, part), None), zeros, given.parts)
    return jax.tree.map(lambda leaf: leaf / given.n, sums)


def _entry(arrays: Any, place: Array) -> Any:
    """Returns one entry along the first axis of all arrays of a pytree."""
    return jax.tree.map(lambda leaf: lax.dynamic_index_in_dim(leaf, place, keepdims=False), arrays)
