"""One trip of the training program: what draws in it, and what it hands on."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from optbench import catalog
from optbench.engine.networks.training import SEGMENT, Training, compile_trainer
from optbench.tasks import parts
from optbench.tasks.parts import EVALUATED, part_of
from optbench.tasks.regularization import Regularization

N = 48


@pytest.fixture(autouse=True)
def single_precision():
    """Networks are float32, whatever other tests want."""
    with jax.enable_x64(False):
        yield


class Trips:
    """Single trips of one model from its start, all over the same batch."""

    def __init__(self, model, side, rule="sgd", batch_size=N, alike=False, **strengths):
        rng = np.random.default_rng(0)
        self.x = rng.random((N + EVALUATED, side, side, 1), dtype=np.float32)
        if alike:
            self.x[:] = self.x[0]
        self.y = np.zeros(N + EVALUATED, np.int32) if alike else (np.arange(N + EVALUATED) % 10).astype(np.int32)
        self.network, self.stats = catalog.model(model).build(rng, (side, side, 1), 10)
        chosen = catalog.optimizer(rule)
        part = part_of(batch_size, side * side, whole=bool(jax.tree.leaves(self.stats)))
        training = Training(
            self.network,
            self.stats,
            chosen,
            Regularization(**strengths),
            batch_size=batch_size,
            n_classes=10,
            n_rows=len(self.y),
            part=part,
        )
        self.trainer = compile_trainer(training)
        self.hyper = {name: np.float32(value) for name, value in chosen.defaults().items()}
        self.order = np.arange(batch_size, dtype=np.int32)[None].repeat(SEGMENT, 0)
        self.start = self.trainer.start(ravel_pytree(self.network)[0], self.stats, self.hyper)

    def make(self, first=0, seed=0):
        """Makes one trip, the ``first``-th of a run, from the start."""
        return self.trainer.advance(
            self.start, self.x, self.y, self.order, jax.random.key(seed), np.int32(first), np.int32(1), self.hyper
        )

    def loss(self, first=0, seed=0):
        """Returns the loss that the rule was shown."""
        return float(self.make(first, seed)[1])


STRENGTHS = {
    "smoothing": 0.2,
    "mixup": 1.0,
    "cutmix": 1.0,
    "input_noise": 0.3,
    "weight_noise": 0.1,
    "penalty": 0.1,
    "shift": 2,
    "flip": 0.5,
    "crop": 0.6,
    "dropout": 0.5,
    "batch_noise": 4,
}


@pytest.mark.parametrize("name", STRENGTHS)
def test_each_regularizer_is_at_work_and_draws_anew_in_each_step(name):
    plain, trips = Trips("mlp", 8), Trips("mlp", 8, **{name: STRENGTHS[name]})
    assert trips.loss() == trips.loss()
    assert trips.loss() != pytest.approx(plain.loss(), rel=1e-6)
    drawn = {trips.loss(first, seed) for first in (0, 1, 2) for seed in (0, 1)}
    assert len(drawn) == (1 if name in ("smoothing", "penalty") else 6)


def test_the_gradients_of_one_step_see_one_draw():
    trips = Trips("mlp", 8, rule="sam", input_noise=0.3)
    assert trips.loss(0) == trips.loss(1) != trips.loss(2)
    assert trips.loss(2) == trips.loss(3)


def test_running_statistics_are_those_of_the_network_s_own_pass():
    trips = Trips("vgg", 8)
    carry, _, _ = trips.make()
    passed = jax.jit(lambda x, stats: trips.network(x, stats, jax.random.key(0), train=True, dropout=0.0)[1])
    expected = passed(trips.x[:N], trips.stats)
    before, after, own = (
        np.concatenate([np.ravel(a) for a in jax.tree.leaves(s)]) for s in (trips.stats, carry.stats, expected)
    )
    np.testing.assert_allclose(after, own, rtol=2e-5, atol=1e-6)
    assert not np.allclose(after, before)


def test_parts_of_a_batch_drop_different_neurons(monkeypatch):
    """Of one image in many copies, the mean of three parts that draw apart varies less than one part does."""
    monkeypatch.setattr(parts, "PIXELS", 1 << 14)
    whole, one = (Trips("lenet", 28, batch_size=n, alike=True, dropout=0.5) for n in (N, 16))
    assert (whole.trainer.part, one.trainer.part) == (16, 16)
    spread = [np.var([trips.loss(first) for first in range(150)]) for trips in (whole, one)]
    assert spread[0] / spread[1] < 0.6  # a third, or all of it if parts shared their draw


def test_parameters_and_scores_are_single_precision_whatever_the_process_is_set_to():
    with jax.enable_x64(True):
        carry, _, _ = Trips("mlp", 8).make()
    assert carry.params.dtype == np.float32
