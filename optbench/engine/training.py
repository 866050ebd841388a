"""The compiled program that trains a network: one for a task, a rule and a batch size, for any number of epochs.

A rule sees one flat vector of parameters, as it does on a landscape, so all of the catalogue train networks. One trip
of the loop is one gradient of one batch. The order of examples is an operand, drawn on the host, so it is the same on
every device and for every rule.

On a CPU a large batch is passed through in parts, and the mean of the parts' gradients is the gradient of the batch:
activations of 64 images of 28 x 28 stay in the cache, those of 256 do not (LeNet, 1.24 times the speed in training and
in scoring). Parts of 16 leave vector units idle (0.9).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.flatten_util import ravel_pytree

from optbench.core.optimizer import Optimizer
from optbench.engine.compile import kept_programs, network_options
from optbench.tasks.models.network import Network, Stats
from optbench.tasks.regularization import Regularization
from optbench.tasks.regularizers.labels import cross_entropy, one_hot

#: Trips of one call.
SEGMENT = 64

#: Pixels of the examples that are passed through together on a CPU.
PIXELS = 1 << 16

#: Most examples that are evaluated together.
EVALUATED = 256


class Carry(NamedTuple):
    """A network in training.

    Attributes:
        params: Flat parameters that are judged.
        point: Where the next gradient is taken; a pair with a direction for a curved rule.
        state: The rule's state.
        stats: Running statistics of the network.
    """

    params: Any
    point: Any
    state: Any
    stats: Any


class Scores(NamedTuple):
    """How well a network does on a set of examples.

    Attributes:
        loss: Mean cross-entropy in nats.
        accuracy: Share of examples whose largest logit is that of their class.
    """

    loss: Any
    accuracy: Any


@dataclass(frozen=True, eq=False)
class Trainer:
    """Compiled functions of one network and one rule.

    Attributes:
        start: ``(params, stats, hyper) -> Carry``.
        advance: ``(carry, x, y, order, key, first, n, hyper) -> (carry, loss, norm)``: makes ``n`` trips over the
            first rows of ``order``, (SEGMENT, batch); loss and norm of the gradient are those of the last batch.
        evaluate: ``(params, stats, x, y, begin, n) -> Scores`` on ``n`` examples, without what is done in training
            alone; ``x`` and ``y`` go on for at least ``EVALUATED`` rows from the last one on.
        part: Examples that are passed through together.
    """

    start: Callable[..., Carry]
    advance: Callable[..., tuple[Carry, Array, Array]]
    evaluate: Callable[..., Scores]
    part: int


def part_of(batch_size: int, pixels: int, *, whole: bool) -> int:
    """Returns how many examples of a batch are passed through together.

    Args:
        batch_size: Examples of a batch.
        pixels: Numbers of one example.
        whole: Whether the batch must not be divided: its examples are normalized together, or it is an accelerator's.

    Returns:
        A divisor of ``batch_size``.

    Example:
        >>> part_of(256, 784, whole=False), part_of(256, 64, whole=False), part_of(90, 784, whole=False)
        (64, 256, 45)
    """
    most = batch_size if whole else max(1, PIXELS // pixels)
    return max(n for n in range(1, batch_size + 1) if batch_size % n == 0 and n <= most)


def compile_trainer(
    network: Network,
    stats: Stats,
    rule: Optimizer,
    regularization: Regularization,
    *,
    batch_size: int,
    n_classes: int,
    n_rows: int,
) -> Trainer:
    """Compiles what trains a network, in single precision; taken from the cache on disk where it is known.

    Args:
        network: Its layers count, its arrays only by their shapes.
        stats: Its running statistics, by their shapes.
        rule: The rule.
        regularization: What is done against overfitting.
        batch_size: Examples of a batch.
        n_classes: Number of classes.
        n_rows: Rows of the arrays of examples.

    Returns:
        The functions.
    """
    flat, unravel = ravel_pytree(network)
    whole = bool(jax.tree.leaves(stats)) or jax.default_backend() != "cpu"
    pixels = math.prod(network.input_shape)
    part = part_of(batch_size, pixels, whole=whole)
    together = part_of(EVALUATED, pixels, whole=jax.default_backend() != "cpu")

    def loss_of(flat: Array, stats: Stats, x: Array, targets: Array, key: Array) -> tuple[Array, Stats]:
        model = unravel(flat)
        logits, after = model(x, stats, key, train=True, dropout=regularization.dropout)
        return cross_entropy(logits, targets), after

    def gradient(flat: Array, stats: Stats, x: Array, targets: Array, key: Array) -> tuple[Array, Stats, Array]:
        seen = jax.value_and_grad(loss_of, has_aux=True)
        if part == batch_size:
            (value, after), grad = seen(flat, stats, x, targets, key)
            return value, after, grad
        parts = batch_size // part
        xs, ts = x.reshape(parts, part, *x.shape[1:]), targets.reshape(parts, part, -1)

        def add(i: Array, sums: tuple[Array, Array]) -> tuple[Array, Array]:
            (value, _), grad = seen(flat, stats, xs[i], ts[i], jax.random.fold_in(key, i))
            return sums[0] + value / parts, sums[1] + grad / parts

        value, grad = lax.fori_loop(0, parts, add, (jnp.zeros(()), jnp.zeros_like(flat)))
        return value, stats, grad

    def objective(flat: Array, stats: Stats, x: Array, targets: Array, key: Array) -> tuple[Array, Array, Stats]:
        weight_key, drop_key = jax.random.split(key)
        value, after, grad = gradient(regularization.weights(weight_key, flat), stats, x, targets, drop_key)
        if regularization.penalty:
            added, pull = jax.value_and_grad(lambda flat: regularization.added(unravel(flat)))(flat)
            value, grad = value + added, grad + pull
        return value, grad, after

    def begin(params: Array, stats: Stats, hyper: Mapping[str, Array]) -> Carry:
        point = (params, jnp.zeros_like(params)) if rule.curved else params
        return Carry(params, point, rule.init(params, hyper), stats)

    def advance(
        carry: Carry, x: Array, y: Array, order: Array, key: Array, first: Array, n: Array, hyper: Mapping[str, Array]
    ) -> tuple[Carry, Array, Array]:
        def trip(i: Array, moving: tuple[Carry, Array, Array]) -> tuple[Carry, Array, Array]:
            carry, _, _ = moving
            # All gradients of one step are of one batch, as the step's rule means them.
            draw = jax.random.fold_in(key, (first + i) // rule.evals_per_step)
            batch_key, loss_key = jax.random.split(draw)
            rows = order[i]
            seen, targets = regularization.batch(batch_key, x[rows], one_hot(y[rows], n_classes))
            if rule.curved:
                at, along = carry.point

                def both(flat: Array) -> tuple[tuple[Array, Array], Stats]:
                    value, grad, after = objective(flat, carry.stats, seen, targets, loss_key)
                    return (value, grad), after

                (value, grad), (_, product), stats = jax.jvp(both, (at,), (along,), has_aux=True)
                given: Any = (grad, product)
            else:
                value, grad, stats = objective(carry.point, carry.stats, seen, targets, loss_key)
                given = grad
            params, state, point = rule.update(carry.params, carry.state, value, given, hyper)
            return Carry(params, point, state, stats), value, jnp.linalg.norm(grad)

        nothing = jnp.full((), jnp.nan, carry.params.dtype)
        trained: tuple[Carry, Array, Array] = lax.fori_loop(0, n, trip, (carry, nothing, nothing))
        return trained

    def evaluate(params: Array, stats: Stats, x: Array, y: Array, begin: Array, n: Array) -> Scores:
        model = unravel(params)

        def add(i: Array, sums: Scores) -> Scores:
            at = i * together
            seen = lax.dynamic_slice_in_dim(x, begin + at, together)
            labels = lax.dynamic_slice_in_dim(y, begin + at, together)
            inside = at + jnp.arange(together) < n
            logits, _ = model(seen, stats, train=False)
            losses = -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)[:, 0]
            right = inside & (jnp.argmax(logits, axis=1) == labels)
            return Scores(sums.loss + jnp.sum(jnp.where(inside, losses, 0.0)), sums.accuracy + jnp.sum(right))

        zero = jnp.zeros((), params.dtype)
        sums = lax.fori_loop(0, (n + together - 1) // together, add, Scores(zero, zero))
        return Scores(sums.loss / n, sums.accuracy / n)

    number = jax.ShapeDtypeStruct((), jnp.int32)
    hyper = dict.fromkeys(rule.hyper, jax.ShapeDtypeStruct((), jnp.float32))
    x = jax.ShapeDtypeStruct((n_rows, *network.input_shape), jnp.float32)
    y = jax.ShapeDtypeStruct((n_rows,), jnp.int32)
    order = jax.ShapeDtypeStruct((SEGMENT, batch_size), jnp.int32)

    options = network_options(network.multiply_adds)

    def compiled(function: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
        # The precision is a setting of a thread.
        with jax.enable_x64(False):
            made: Callable[..., Any] = jax.jit(function, compiler_options=options).lower(*arguments).compile()
            return made

    with jax.enable_x64(False):
        carry = jax.eval_shape(begin, flat, stats, hyper)
        key = jax.eval_shape(jax.random.key, 0)
    # The longest first: the two others are done meanwhile.
    with kept_programs(), ThreadPoolExecutor(2) as pool:
        advancing = pool.submit(compiled, advance, carry, x, y, order, key, number, number, hyper)
        starting = pool.submit(compiled, begin, flat, stats, hyper)
        evaluating = pool.submit(compiled, evaluate, flat, stats, x, y, number, number)
        return Trainer(starting.result(), advancing.result(), evaluating.result(), part)
