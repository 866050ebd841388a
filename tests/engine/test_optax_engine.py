"""Each optax optimizer through the engine against optax driven by hand, in raw units."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import optbench as ob
from optbench import catalog
from optbench.engine.landscapes.execute import Engine
from optbench.engine.landscapes.sharing import Pair
from tests.optimizers.by_hand import BY_HAND, drive

X0 = np.array([-0.4, 0.6])
STEPS = 200
#: Rates at which Rosenbrock's valley is followed from (-0.4, 0.6) without divergence; the others take 1e-3.
RATES = {
    "optax_adadelta": 1.0, "prodigy": 1.0, "dadapt_adamw": 1.0, "dog": 1.0, "dowg": 0.2, "cocob": 1.0, "mechanize": 1.0,
    "optax_sgd": 2e-4, "optax_momentum": 1e-4, "optax_nesterov": 1e-4, "noisy_sgd": 2e-4, "reduce_on_plateau": 2e-4,
    "optimistic_gradient_descent": 1e-4, "optax_lbfgs": 0.05, "momo": 2e-4, "polyak_sgd": 2e-4, "lars": 0.1,
    "schedule_free_sgd": 2e-4, "optax_lookahead": 2e-4, "optax_sam": 2e-4, "acprop": 1e-4, "optax_adagrad": 1e-2,
    "simplified_ademamix": 1e-5,
}  # fmt: skip

#: It finds the largest rate at which the valley does not throw it out, and there rounding errors grow a millionfold;
#: ``tests/optimizers`` follows it for 200 steps in a gentler valley.
SHORTER = {"mechanize": 80}


def setting(name):
    """Returns the hyperparameters of a run, and what else the builder by hand needs."""
    rule = catalog.optimizer(name)
    hyper = {**rule.defaults(), "lr": RATES.get(name, 1e-3)}
    if name == "mechanize":
        hyper["s_init"] = 1e-3
    if name != "noisy_sgd":
        return hyper, {}
    data = next(leaf for leaf in jax.tree.leaves(rule.init(jnp.asarray(X0), hyper)) if leaf.dtype == jnp.uint32)
    return hyper, {"key": jax.random.wrap_key_data(data)}


def assert_close(found, judged):
    assert found.shape == judged.shape
    assert np.max(np.abs(found - judged)) <= 1e-10 * np.max(np.abs(judged))
    assert np.max(np.abs(found[-1] - X0)) > 1e-3


@pytest.fixture(scope="module")
def engine():
    """An engine that has compiled Rosenbrock's function and all of optax."""
    engine, problem = Engine(threads=2), catalog.problem("rosenbrock", 2)
    engine.prepare([Pair(problem, catalog.optimizer(name)) for name in BY_HAND])
    assert not engine.faults
    return engine


@pytest.mark.slow
@pytest.mark.parametrize("name", BY_HAND)
def test_the_engine_runs_optax(engine, name):
    problem, rule = catalog.problem("rosenbrock", 2), catalog.optimizer(name)
    hyper, more = setting(name)
    steps = SHORTER.get(name, STEPS)
    task = engine.task(problem, rule, units="raw", budget=steps)
    with jax.enable_x64(True):
        block, lanes = task.start(X0[None], np.array([[hyper[key] for key in rule.hyper]]))
        found = [X0]
        for step in range(steps + 1):
            block = task.advance(block, lanes, step, 1)
            found.append(np.asarray(block.carry.params[0]))
    judged, _ = drive(name, problem.f, X0, hyper, steps, **more)
    assert_close(np.stack(found[:-1]), judged)


@pytest.mark.parametrize("name", ["adamw", "noisy_sgd", "schedule_free_sgd", "optax_lookahead"])
def test_trace_is_optax_driven_by_hand(name):
    hyper, more = setting(name)
    traced = ob.trace("rosenbrock", name, hyper=hyper, x0=X0, steps=STEPS)
    judged, _ = drive(name, catalog.problem("rosenbrock", 2).f, X0, hyper, STEPS, **more)
    assert_close(traced.x, judged)
