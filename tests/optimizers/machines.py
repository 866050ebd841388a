"""Drives the phase machines call by call and writes down what they ask for."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from optbench import catalog
from tests.optimizers import plain

#: Lanes of every compiled machine.
WIDTH = 3


class Log(NamedTuple):
    """One line for each call: what was asked, the answer, and the rule's state of affairs before the call.

    Lanes, where there are several, are the second axis. ``after`` is the judged iterate after the call.
    """

    points: np.ndarray
    directions: np.ndarray
    values: np.ndarray
    x: np.ndarray
    after: np.ndarray
    steps: np.ndarray
    hvps: np.ndarray
    state: object

    @property
    def accepted(self):
        """Calls after which the iterate is another."""
        return np.flatnonzero((self.x != self.after).any(axis=-1))


class Function(NamedTuple):
    """A function with its derivatives, compiled; ``lanes`` and ``curved_lanes`` are what rules are answered."""

    f: object
    value_and_grad: object
    hessian: object
    lanes: object
    curved_lanes: object


def function(f, sign=1.0):
    """Returns a function with its derivatives; with ``sign`` -1 rules are told wrong gradients."""

    def told(x):
        value, grad = jax.value_and_grad(f)(x)
        return value, jax.tree.map(lambda part: sign * part, grad)

    def curved(point):
        (value, grad), (_, product) = jax.jvp(told, (point[0],), (point[1],))
        return value, (grad, product)

    one = jax.jit(jax.value_and_grad(f)), jax.jit(jax.hessian(f))
    return Function(f, *one, jax.jit(jax.vmap(told)), jax.jit(jax.vmap(curved)))


@cache
def problem(name, dim):
    return function(catalog.problem(name, dim=dim).f)


@cache
def quadratic(dim=10, condition=100.0):
    """Returns ``x'A x/2 - b'x`` with a full matrix, and A and b."""
    rng = np.random.default_rng(5)
    q, _ = np.linalg.qr(rng.normal(size=(dim, dim)))
    a, b = q @ np.diag(np.geomspace(1, condition, dim)) @ q.T, rng.normal(size=dim)
    return function(lambda x: 0.5 * jnp.sum(x * (jnp.asarray(a) @ x)) - jnp.sum(b * x)), a, b


@cache
def _compiled(rule):
    return jax.jit(jax.vmap(rule.init)), jax.jit(jax.vmap(rule.update))


def lanes(rule, of, starts, calls, hyper=None):
    """Runs several lanes of a rule, with numbers for each where ``hyper`` has arrays, and returns their log."""
    x = jnp.asarray(starts, jnp.float64)
    numbers = {**rule.defaults(), **(hyper or {})}
    values = {name: jnp.broadcast_to(jnp.asarray(value, jnp.float64), x.shape[:1]) for name, value in numbers.items()}
    init, update = _compiled(rule)
    oracle = of.curved_lanes if rule.curved else of.lanes
    state, rows = init(x, values), []
    point = (x, jnp.zeros_like(x)) if rule.curved else x
    for _ in range(calls):
        counts = rule.counts(state)
        value, seen = oracle(point)
        asked = point if rule.curved else (point, jnp.zeros_like(x))
        before = x
        x, state, point = update(x, state, value, seen, values)
        hvps = np.broadcast_to(counts.hvps, counts.steps.shape)
        rows.append([np.asarray(part) for part in (*asked, value, before, x, counts.steps, hvps)])
    return Log(*(np.stack(column) for column in zip(*rows, strict=True)), state)


def drive(rule, of, x0, calls, hyper=None):
    """Runs a rule from one start and returns its log; alone it would only be compiled again."""
    log = lanes(rule, of, np.tile(x0, (WIDTH, 1)), calls, hyper)
    return Log(*(column[:, 0] for column in log[:-1]), jax.tree.map(lambda leaf: leaf[0], log.state))


def textbook(rule, of, x0, machine, hyper=None):
    """Returns points, directions, judged iterates and steps of the plain loops, beside the points of ``machine``."""
    oracle = plain.Oracle(of.value_and_grad, lambda x: np.asarray(of.hessian(x)), machine)
    log = plain.run(plain.METHODS[rule.name], oracle, x0, rule.resolve(hyper))
    points, directions, x, steps = zip(*log, strict=True)
    zero = np.zeros_like(points[0])
    directions = np.stack([zero if d is None else d for d in directions])
    return np.stack(points), directions, np.stack(x), np.array(steps)


#: Function -> its dimension and a start. On these every rule is held to the plain loops.
CASES = {
    "quadratic": (10, np.linspace(-3.0, 4.0, 10)),
    "rosenbrock": (2, np.array([-1.2, 1.0])),
    "rosenbrock-10": (10, np.linspace(-1.2, 1.5, 10)),
    "beale": (2, np.array([1.0, 1.2])),
    "rastrigin": (2, np.array([2.3, -3.4])),
}


def case(name):
    dim, x0 = CASES[name]
    return (quadratic()[0] if name == "quadratic" else problem(name.split("-")[0], dim)), x0


def deviations(rule, name, calls, hyper=None):
    """Returns for each call how far the machine's question is from the loops' one, relative to its size.

    It ends where the gradient has fallen to 1e-5 of the first: there differences of values are rounding, and so
    are the decisions of both.
    """
    of, x0 = case(name)
    log = drive(rule, of, x0, calls, hyper)
    points, directions, x, steps = textbook(rule, of, x0, log.points, hyper)
    lengths = np.linalg.norm(np.stack([of.value_and_grad(point)[1] for point in points]), axis=1)
    low = np.flatnonzero(lengths <= 1e-5 * lengths[0])
    end = low[0] if len(low) else calls
    parts = ((log.points, points), (log.x, x), (log.directions, np.where(log.directions == 0, 0, directions)))
    sizes = [np.maximum(1.0, np.abs(theirs).max(axis=1)) for _, theirs in parts]
    apart = [np.abs(ours - theirs).max(axis=1) / size for (ours, theirs), size in zip(parts, sizes, strict=True)]
    return np.where(log.steps == steps, np.max(apart, axis=0), np.inf)[:end]
