"""The edge of stability: exact for rules on quadratics, and reached by a small network on its whole training set."""

from __future__ import annotations

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from optbench.analysis.measures.edges import PRECONDITIONED, TOP, edge_of
from optbench.engine.networks.fitting import Fitter, Lane
from optbench.suite.measure import MeasureSpec
from optbench.tasks.data import load
from optbench.tasks.task import Task

LR, STEPS = 0.1, 4000


def walked(rule, hyper, curvature):
    """Distance from the minimum of ``curvature x^2 / 2`` after many steps from 1, in double precision."""
    with jax.enable_x64(True):
        values = {name: jnp.float64(value) for name, value in hyper.items()}
        start = jnp.ones(1, jnp.float64)

        def trip(_, moving):
            params, state, point = moving
            return rule.update(params, state, 0.5 * curvature * point @ point, curvature * point, values)

        run = jax.jit(lambda: jax.lax.fori_loop(0, STEPS, trip, (start, rule.init(start, values), start)))
        return float(jnp.abs(run()[0][0]))


@pytest.mark.parametrize("name", ["sgd", "momentum", "nag"])
@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9])
def test_steps_on_a_quadratic_shrink_below_the_edge_and_grow_above(name, beta):
    rule = catalog.optimizer(name)
    hyper = rule.resolve({"lr": LR} | ({"beta": beta} if "beta" in rule.hyper else {}))
    edge = edge_of(name, hyper)
    assert edge.measure == TOP
    below, above = (walked(rule, hyper, share * edge.multiple / LR) for share in (0.995, 1.005))
    assert below < 0.1
    assert above > 10


@pytest.mark.parametrize("b1", [0.0, 0.5, 0.9, 0.99])
def test_steps_of_adam_with_a_fixed_scale_do_the_same(b1):
    """Late in training ``w' = w - lr m'/P``, ``m' = b1 m + (1 - b1) g``; the two are one linear map of (w, m)."""
    edge = edge_of("adam", {"b1": b1})
    assert edge.measure == PRECONDITIONED

    def radius(curvature):
        pull = (1 - b1) * curvature
        return np.abs(np.linalg.eigvals([[1 - LR * pull, -LR * b1], [pull, b1]])).max()

    assert radius(0.995 * edge.multiple / LR) < 1 - 1e-5
    assert radius(1.005 * edge.multiple / LR) > 1 + 1e-5


def test_rules_of_other_dynamics_have_no_edge():
    assert edge_of("lion", {}) is None
    assert edge_of("sgd+sam", {}) is None
    assert edge_of("rmsprop", {}).multiple == 2.0
    assert edge_of("momentum", {"beta": 0.9}).multiple == pytest.approx(3.8)


@pytest.fixture(scope="module")
def task():
    return Task.of(load("mnist1d"), catalog.model("tanh_mlp"))


def sharpness(task, name, hyper, epochs):
    """Returns gradients and the largest eigenvalue at each point of a run of whole batches, in units of the edge."""
    edge = edge_of(name, {**catalog.optimizer(name).defaults(), **hyper})
    spec = MeasureSpec.model_validate({"name": edge.measure, "along": True, "dtype": "float32", "max_hvps": 20})
    fitter = Fitter(task, catalog.optimizer(name), batch_size=len(task.train.y), along=[spec])
    (fit,) = fitter.fit([Lane(hyper, 0)], epochs=epochs)
    rows = [taken.row for taken in fit.along if taken.row["status"] == "ok"]
    assert all(json.loads(row["details"])["residual"] < 0.03 * row["estimate"] for row in rows)
    found = np.array([(row["evals"], row["estimate"] * hyper["lr"] / edge.multiple) for row in rows])
    return found[:, 0], found[:, 1]


def check(evals, ratio, first):
    """It begins far below the edge, rises steadily, and then stays about the edge, from ``first`` gradients on."""
    assert ratio[evals <= 1].max() < 0.3
    at = {share: evals[np.argmax(ratio > share)] for share in (0.3, 0.6, 0.85)}
    assert 0 < at[0.3] < at[0.6] <= at[0.85] <= first
    late = ratio[evals >= first]
    assert len(late) >= 5
    assert 0.85 < np.median(late) < 1.25
    assert late.max() < 1.6


def test_gradient_descent_on_a_network_comes_to_the_edge_and_stays(task):
    check(*sharpness(task, "sgd", {"lr": 0.4}, 800), 300)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "hyper", "epochs", "first"),
    [
        ("sgd", {"lr": 0.3}, 2000, 500),
        ("momentum", {"lr": 0.15}, 2500, 600),
        ("adam", {"lr": 0.003}, 2000, 500),
    ],
)
def test_momentum_and_adam_come_to_edges_of_their_own(task, name, hyper, epochs, first):
    check(*sharpness(task, name, hyper, epochs), first)
