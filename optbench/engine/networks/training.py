"""The compiled program that trains a network: one for a task, a rule and a batch size, for any number of epochs.

A rule sees one flat vector of parameters, as it does on a landscape, so all of the catalogue train networks. One trip
of the loop is one gradient of one batch. The order of examples is an operand, drawn on the host, so it is the same on
every device and for every rule.

On a CPU a large batch is passed through in parts, and the mean of the parts' gradients is the gradient of the batch:
``tasks/parts.py`` says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.flatten_util import ravel_pytree
from jax.typing import ArrayLike

from optbench.core.optimizer import Optimizer
from optbench.engine.compile import compile_single
from optbench.engine.networks.scoring import flat_shape, unraveling
from optbench.optimizers.modifiers import decayed
from optbench.tasks.losses import LossName, loss_of
from optbench.tasks.models.network import Network, Stats
from optbench.tasks.regularization import Regularization
from optbench.tasks.regularizers.labels import one_hot

#: Trips of one call.
SEGMENT = 64

#: Precisions of the forward and the backward pass.
DTYPES = ("float32", "bfloat16")

#: The shape of a random key's numbers.
KEY_DATA = jax.ShapeDtypeStruct((2,), jnp.uint32)


def as_key(data: ArrayLike) -> Array:
    """Returns the random key of two 32-bit words, whichever kind of key JAX is set to make by itself."""
    key: Array = jax.random.wrap_key_data(jnp.asarray(data), impl="threefry2x32")
    return key


class TrainingCarry(NamedTuple):
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


@dataclass(frozen=True, eq=False)
class Training:
    """What trains one network by one rule, as functions to be compiled: for one run, or mapped over many.

    Attributes:
        network: Its layers count, its arrays only by their shapes.
        stats: Its running statistics, by their shapes.
        rule: The rule.
        regularization: What is done against overfitting.
        batch_size: Examples of a batch.
        n_classes: Number of classes.
        n_rows: Rows of the arrays of examples.
        part: Examples that are passed through together; a divisor of ``batch_size``.
        dtype: Precision of the forward and the backward pass, of ``DTYPES``; all else is float32.
        loss: Name of the loss.
    """

    network: Network
    stats: Stats
    rule: Optimizer
    regularization: Regularization
    batch_size: int
    n_classes: int
    n_rows: int
    part: int
    dtype: str = "float32"
    loss: LossName = "cross_entropy"

    def begin(self, params: Array, stats: Stats, hyper: Mapping[str, Array]) -> TrainingCarry:
        """Returns the start of a run.

        Args:
            params: Flat parameters.
            stats: Running statistics.
            hyper: Hyperparameters of the rule.
        """
        rule = self._moving
        point = (params, jnp.zeros_like(params)) if rule.curved else params
        return TrainingCarry(params, point, rule.init(params, hyper), stats)

    def advance(
        self,
        carry: TrainingCarry,
        x: Array,
        y: Array,
        order: Array,
        key: Array,
        first: Array,
        n: Array,
        hyper: Mapping[str, Array],
    ) -> tuple[TrainingCarry, Array, Array]:
        """Makes some trips.

        Args:
            carry: The network in training.
            x: Examples.
            y: Their classes.
            order: Examples of each trip, (``SEGMENT``, batch); of a rule whose steps differ in cost those of each
                step, from the one on that the network is in.
            key: Random key of the run.
            first: Number of the first trip in the run.
            n: Trips to make, over the first rows of ``order``.
            hyper: Hyperparameters of the rule.

        Returns:
            The network, and loss and norm of the gradient of the last batch.
        """
        rule = self._moving
        begun = self.step(carry)

        def trip(i: Array, moving: tuple[TrainingCarry, Array, Array]) -> tuple[TrainingCarry, Array, Array]:
            carry, _, _ = moving
            # All gradients of one step are of one batch, as the step's rule means them.
            step = (first + i) // rule.evals_per_step if rule.counts is None else self.step(carry)
            batch_key, loss_key = jax.random.split(jax.random.fold_in(key, step))
            rows = order[i if rule.counts is None else step - begun]
            seen, targets = self.regularization.batch(batch_key, x[rows], one_hot(y[rows], self.n_classes))
            if rule.curved:
                at, along = carry.point

                def both(flat: Array) -> tuple[tuple[Array, Array], Stats]:
                    value, grad, after = self._objective(flat, carry.stats, seen, targets, loss_key)
                    return (value, grad), after

                (value, grad), (_, product), stats = jax.jvp(both, (at,), (along,), has_aux=True)
                given: Any = (grad, product)
            else:
                value, grad, stats = self._objective(carry.point, carry.stats, seen, targets, loss_key)
                given = grad
            params, state, point = rule.update(carry.params, carry.state, value, given, hyper)
            return TrainingCarry(params, point, state, stats), value, jnp.linalg.norm(grad)

        nothing = jnp.full((), jnp.nan, carry.params.dtype)
        trained: tuple[TrainingCarry, Array, Array] = lax.fori_loop(0, n, trip, (carry, nothing, nothing))
        return trained

    def step(self, carry: TrainingCarry) -> Array:
        """Returns the step that a network is in, of a rule whose steps differ in cost; of another one 0."""
        counts = self._moving.counts
        return jnp.zeros((), jnp.int32) if counts is None else jnp.asarray(counts(carry.state).steps, jnp.int32)

    def shapes(self) -> tuple[Any, ...]:
        """Returns the shapes of what ``begin`` takes: parameters, running statistics, hyperparameters."""
        stats = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), self.stats)
        return flat_shape(self.network), stats, dict.fromkeys(self.rule.hyper, jax.ShapeDtypeStruct((), jnp.float32))

    @cached_property
    def _unravel(self) -> Callable[[Array], Network]:
        return unraveling(self.network)

    @cached_property
    def _moving(self) -> Optimizer:
        """The rule with the task's weight decay."""
        if not self.regularization.decay:
            return self.rule

        def decaying(flat: Array) -> Array:
            return ravel_pytree(self.regularization.decaying(self._unravel(flat)))[0]

        return decayed(self.rule, self.regularization.decay, only=decaying)

    def _loss(
        self, flat: Array, stats: Stats, x: Array, targets: Array, shares: Array | None, key: Array
    ) -> tuple[Array, Stats]:
        model = self._unravel(flat)
        if self.dtype != "float32":
            model, x = jax.tree.map(lambda leaf: leaf.astype(self.dtype), (model, x))
        logits, after = model(
            x, stats, key, train=True, dropout=self.regularization.dropout, ghost=self.regularization.ghost or None
        )
        loss, logits = loss_of(self.loss), logits.astype(jnp.float32)
        return loss.mean(logits, targets) if shares is None else jnp.mean(shares * loss.each(logits, targets)), after

    def _gradient(
        self, flat: Array, stats: Stats, x: Array, targets: Array, shares: Array | None, key: Array
    ) -> tuple[Array, Stats, Array]:
        seen = jax.value_and_grad(self._loss, has_aux=True)
        if self.part == self.batch_size:
            (value, after), grad = seen(flat, stats, x, targets, shares, key)
            return value, after, grad
        parts = self.batch_size // self.part
        xs, ts = x.reshape(parts, self.part, *x.shape[1:]), targets.reshape(parts, self.part, -1)
        counts = None if shares is None else shares.reshape(parts, self.part)

        def add(i: Array, sums: tuple[Array, Array]) -> tuple[Array, Array]:
            own = None if counts is None else counts[i]
            (value, _), grad = seen(flat, stats, xs[i], ts[i], own, jax.random.fold_in(key, i))
            return sums[0] + value / parts, sums[1] + grad / parts

        value, grad = lax.fori_loop(0, parts, add, (jnp.zeros(()), jnp.zeros_like(flat)))
        return value, stats, grad

    def _objective(self, flat: Array, stats: Stats, x: Array, targets: Array, key: Array) -> tuple[Array, Array, Stats]:
        # The first two keys are the same however many there are.
        weight_key, drop_key, *rest = jax.random.split(key, 3 if self.regularization.batch_noise else 2)
        noisy = self.regularization.weights(weight_key, flat)
        shares = self.regularization.shares(rest[0], self.batch_size) if rest else None
        value, after, grad = self._gradient(noisy, stats, x, targets, shares, drop_key)
        if self.regularization.penalty:
            added, pull = jax.value_and_grad(lambda flat: self.regularization.added(self._unravel(flat)))(flat)
            value, grad = value + added, grad + pull
        return value, grad, after


@dataclass(frozen=True, eq=False)
class Trainer:
    """Compiled functions of one network and one rule.

    Attributes:
        start: ``Training.begin``.
        advance: ``Training.advance``.
        part: Examples that are passed through together.
    """

    start: Callable[..., TrainingCarry]
    advance: Callable[..., tuple[TrainingCarry, Array, Array]]
    part: int


def compile_trainer(training: Training) -> Trainer:
    """Compiles what trains one network; taken from the cache on disk where it is known.

    Args:
        training: The functions.

    Returns:
        The compiled functions.
    """
    flat, stats, hyper = training.shapes()
    number = jax.ShapeDtypeStruct((), jnp.int32)
    x = jax.ShapeDtypeStruct((training.n_rows, *training.network.input_shape), jnp.float32)
    y = jax.ShapeDtypeStruct((training.n_rows,), jnp.int32)
    order = jax.ShapeDtypeStruct((SEGMENT, training.batch_size), jnp.int32)
    with jax.enable_x64(False):
        carry = jax.eval_shape(training.begin, flat, stats, hyper)
        key = jax.eval_shape(as_key, KEY_DATA)
    costs = training.network.multiply_adds
    return Trainer(
        compile_single(training.begin, flat, stats, hyper, multiply_adds=costs),
        compile_single(training.advance, carry, x, y, order, key, number, number, hyper, multiply_adds=costs),
        training.part,
    )
