"""Random keys of JAX: each is drawn from once or derived from in one way, and no two streams have one key.

``jax.random.fold_in(key, i)`` is the very key of ``split(key, n)[i]``. So the derivations are not read off the code but
written down while it runs, one operation after the other, and then followed over many names, seeds and steps.
"""

from __future__ import annotations

from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from optbench import catalog
from optbench.core.keys import words
from optbench.engine.networks.training import Training, as_key
from optbench.optimizers.from_optax import start_key
from optbench.tasks.regularization import Regularization
from optbench.tasks.task import Examples, Task

N, BATCH = 16, 8
DRAWS = ("uniform", "normal", "bernoulli", "permutation", "beta", "bits", "rademacher")
#: All that draws: two tasks cannot have both mixers.
STRENGTHS = {"input_noise": 0.1, "weight_noise": 0.1, "shift": 1, "flip": 0.5, "crop": 0.8, "dropout": 0.5,
             "batch_noise": 2}  # fmt: skip
MIXERS = ({"mixup": 0.5}, {"cutmix": 0.5})
STEPS = 4000


def data(key):
    return tuple(np.asarray(jax.random.key_data(key) if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else key))


class Log:
    """What was done with keys, by the numbers of each."""

    def __init__(self):
        self.drawn, self.made, self.ways = Counter(), {}, {}

    def derive(self, parent, way, children):
        """Writes down a derivation; the same one may be asked for again, another of the same key may not."""
        assert self.ways.setdefault(data(parent), way[0]) == way[0], f"{way} of a key that {self.ways[data(parent)]}"
        for place, child in enumerate(children):
            made = (data(parent), *way, place)
            assert self.made.setdefault(data(child), made) == made, f"one key by {made} and {self.made[data(child)]}"

    def path(self, key):
        """Returns the derivations that lead from a root to a key, the root itself left out."""
        steps = []
        while key in self.made:
            parent, *way = self.made[key]
            steps.append(tuple(way))
            key = parent
        return tuple(reversed(steps))

    def check(self):
        """No key is drawn from twice, and none is both drawn from and derived from."""
        assert not [key for key, times in self.drawn.items() if times > 1]
        assert not set(self.drawn) & set(self.ways)


@pytest.fixture
def log(monkeypatch):
    """Listens to all that the package and optax ask of ``jax.random``; JAX itself does not go through it."""
    log, real = Log(), {name: getattr(jax.random, name) for name in (*DRAWS, "split", "fold_in")}

    def split(key, num=2):
        children = real["split"](key, num)
        log.derive(key, ("was split", num), children)
        return children

    def fold_in(key, number):
        child = real["fold_in"](key, number)
        # The words of a start are mapped over; ``test_every_start_has_a_key_of_its_own`` looks at what they make.
        if not isinstance(number, jax.core.Tracer):
            log.derive(key, ("had numbers folded in", int(number)), [child])
        return child

    def drawing(name):
        def draw(key, *arguments, **named):
            log.drawn[data(key)] += 1
            return real[name](key, *arguments, **named)

        return draw

    monkeypatch.setattr(jax.random, "split", split)
    monkeypatch.setattr(jax.random, "fold_in", fold_in)
    for name in DRAWS:
        monkeypatch.setattr(jax.random, name, drawing(name))
    with jax.disable_jit():
        yield log


def task_of(name):
    rng = np.random.default_rng(0)
    part = Examples(rng.random((N, 8, 8, 1), dtype=np.float32), np.arange(N, dtype=np.int32) % 2)
    return Task(name, catalog.model("mlp"), part, part, part, 2)


def trained(task, mixer, part, steps, seed):
    """Makes some trips as a run does, operation by operation."""
    with jax.enable_x64(False):
        network, stats = task.start(seed)
        regularization = Regularization(**STRENGTHS, **mixer)
        training = Training(network, stats, catalog.optimizer("sgd"), regularization, BATCH, 2, N, part)
        hyper = {"lr": np.float32(0.1)}
        carry = training.begin(ravel_pytree(network)[0], stats, hyper)
        key = as_key(task.key(seed))
        for step in steps:
            order = jnp.asarray(task.order(seed, 0, BATCH))
            training.advance(carry, task.train.x, task.train.y, order, key, step, 1, hyper)


@pytest.fixture(params=MIXERS, ids=lambda mixer: next(iter(mixer)))
def paths(log, request):
    """How each key that is drawn from comes from its step's key, in whole batches and in parts of batches."""
    found = {}
    for part in (BATCH, BATCH // 2):
        before = set(log.drawn)
        trained(task_of(f"of parts of {part}"), request.param, part, (0, 999), seed=3)
        paths = [log.path(key) for key in set(log.drawn) - before]
        assert {path[0][0] for path in paths} == {"had numbers folded in"}, "the first derivation is that of the step"
        found[part] = sorted({path[1:] for path in paths}, key=repr)
        assert len(paths) == 2 * len(found[part]), "each step draws in the same places"
    log.check()
    return found


def followed(path, keys):
    """Derives from many keys at once."""
    for way, number, place in path:
        if way == "was split":
            keys = jax.vmap(lambda key, number=number, place=place: jax.random.split(key, number)[place])(keys)
        else:
            keys = jax.vmap(lambda key, number=number: jax.random.fold_in(key, number))(keys)
    return keys


def test_training_draws_from_each_key_once_over_many_names_and_steps(paths, monkeypatch, request):
    monkeypatch.undo()
    # Shift, flip, two of a crop, two or three of a mixer, noise of inputs, of weights and of a smaller batch; two
    # layers of dropout, which act on each part of a batch.
    whole, parts = paths.values()
    assert len(whole) == 11 + ("cutmix" in request.node.name)
    assert len(parts) == len(whole) + 2
    tasks = ["digits-lenet", "mnist1d-mlp", "fashion-mnist-lenet"]
    roots = [words(task, "regularization", seed) for task in tasks for seed in (0, 1, 2**31 - 1)]
    with jax.disable_jit(False):
        steps = jnp.arange(STEPS)
        for way in (whole, parts):

            @jax.jit
            def every(root, way=tuple(way)):
                at = jax.vmap(lambda step: jax.random.fold_in(root, step))(steps)
                return [jax.random.key_data(followed(path, at)) for path in way]

            found = np.concatenate([keys for root in roots for keys in every(as_key(root))])
            assert len(found) == len(roots) * len(way) * STEPS
            assert len(np.unique(found.astype(np.uint64) @ np.array([1 << 32, 1], np.uint64))) == len(found)


RULES = ("noisy_sgd", "sophia")


def driven(rule, start, steps=12):
    x = jnp.asarray(start)
    hyper = {name: np.float64(value) for name, value in rule.defaults().items()}
    state = rule.init(x, hyper)
    for _ in range(steps):
        grad = (x, x) if rule.curved else x
        x, state, _ = rule.update(x, state, jnp.zeros(()), grad, hyper)


def test_rules_that_draw_share_no_key(log):
    keys = {}
    for name in RULES:
        log.drawn.clear()
        driven(catalog.optimizer(name), [1.0, 2.0])
        keys[name] = set(log.drawn)
        # Sophia takes a product every ten steps, and asks for the signs of one in each call until it is used.
        assert len(keys[name]) >= 2
        assert not keys[name] & set(log.ways)
    assert not keys["noisy_sgd"] & keys["sophia"]


def test_every_start_has_a_key_of_its_own():
    corners = [np.where(np.arange(64)[i] >> np.arange(6) & 1, 1.0, -1.0) for i in range(64)]
    grid = [np.array([x, y]) for x in np.linspace(-2, 2, 33) for y in np.linspace(-2, 2, 33)]
    close = [np.array([1.0, 1.0 + 2.0**-k]) for k in range(20, 53)]
    origins = [[np.zeros(dim)] for dim in (1, 3, 4)]
    found = []
    for name, sets in (("noisy_sgd", [corners, [*grid, *close], *origins]), ("sophia", [[*grid, *close]])):
        key = jax.jit(jax.vmap(lambda start, name=name: jax.random.key_data(start_key(start, name))))
        found += [tuple(words) for starts in sets for words in np.asarray(key(np.stack(starts)))]
    assert len(set(found)) == len(found) == 64 + 2 * (33**2 + 33) + 3
    again = jax.random.key_data(start_key(jnp.asarray(grid[0]), "noisy_sgd"))
    assert tuple(np.asarray(again)) in found, "the same in each run"
