"""A run whose first gradient is zero: rules that divide by it say so in the row, those that wait are ok."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from optbench.core.optimizer import Hyper, Optimizer
from optbench.engine.landscapes.execute import Engine
from optbench.engine.landscapes.sharing import Pair
from optbench.engine.landscapes.zero_gradient import divides_by_zero
from optbench.engine.networks.lane import NOWHERE, ZERO_GRADIENT, Curve
from optbench.engine.networks.scoring import Scores
from optbench.problems.landscape import Dims, Landscape, at, box
from tests.engine.conftest import group_of
from tests.optimizers.test_conformance import RESTLESS, RULES

HERE = "tests.engine.test_zero_gradient"
SAID = "the gradient at the start is zero, of which {} makes 0/0; the rate is not too large"


def _some_at(place):
    """A third of the starts stands at one place, the others anywhere."""

    def starts(rng, count, dim):
        there = rng.random((count, 1)) < 1 / 3
        return np.where(there, place, rng.uniform(-2.0, 2.0, (count, dim))), np.full(count, np.nan)

    return starts


def _landscape(name, f, place):
    given = {"dims": Dims(default=2), "bounds": box(-2.0, 2.0), "x_star": at(0.0), "sample_starts": _some_at(place)}
    return Landscape(name=name, f=f, formula="", reference="these tests", **given)


bowl = _landscape("bowl", lambda x: jnp.sum(x * x), 0.0)
terrace = _landscape("terrace", lambda x: jnp.minimum(jnp.sum(x * x), 3.0), 1.5)


def _divides(params, state, value, grad, hyper):
    """Made for two dimensions, and 0/0 where there is no slope."""
    assert grad.shape == (2,)
    params = params - hyper["lr"] * grad / jnp.sqrt(jnp.sum(grad * grad))
    return params, state, params


divides = Optimizer("divides", lambda params, hyper: (), _divides, {"lr": Hyper(1e-2, "test")})


@pytest.fixture(scope="module")
def engine():
    rules = ["prodigy", "dadapt_adamw", "dog", "dowg", "cocob", "momo", "sgd", "adagrad", f"{HERE}:divides"]
    engine = Engine(threads=2)
    problems = [catalog.problem(f"{HERE}:{name}") for name in ("bowl", "terrace")]
    engine.prepare(Pair(problem, catalog.optimizer(rule)) for problem in problems for rule in rules)
    assert not engine.faults
    return engine


def rows(engine, problem, rule, configs, **given):
    group = group_of(f"{HERE}:{problem}", rule, configs, starts=12, budget=20, units="raw", **given)
    _, (columns, *_) = next(iter(engine.run([group])))
    flat = np.isin(columns["f_start"], {"bowl": [0.0], "terrace": [3.0]}[problem])
    assert flat.any()
    assert not flat.all()
    return columns, flat


@pytest.mark.parametrize("problem", ["bowl", "terrace"])
@pytest.mark.parametrize(("rule", "cost"), [("prodigy", 1), ("dadapt_adamw", 2), (f"{HERE}:divides", 1)])
def test_a_rule_that_divides_by_zero_says_so(engine, problem, rule, cost):
    columns, flat = rows(engine, problem, rule, [1e-6])
    told = f"not finite or out of bounds at cost {cost}: " + SAID.format(rule)
    found = zip(columns["status"], columns["message"], columns["diverged_at"], flat, strict=True)
    for status, message, when, is_flat in found:
        assert (status, message, when) == (("diverged", told, cost) if is_flat else ("ok", "", -1))


@pytest.mark.parametrize("problem", ["bowl", "terrace"])
@pytest.mark.parametrize("rule", ["dog", "dowg", "cocob", "momo"])
def test_a_rule_that_waits_is_ok(engine, problem, rule):
    columns, flat = rows(engine, problem, rule, [1e-3])
    assert np.array(columns["status"])[flat].tolist() == ["ok"] * flat.sum()
    assert (columns["f_last"] == columns["f_start"])[flat].all()


def test_too_large_a_rate_keeps_its_own_message(engine):
    columns, flat = rows(engine, "bowl", "sgd", [1e9])
    messages = np.array(columns["message"])
    assert set(messages[~flat]) == {"not finite or out of bounds at cost 1"}
    assert set(messages[flat]) == {""}
    columns, flat = rows(engine, "bowl", "prodigy", [1e9])
    assert not any("0/0" in text for text in np.array(columns["message"])[~flat])


def test_an_epsilon_of_zero_is_found_as_well():
    adagrad = catalog.optimizer("adagrad")
    assert divides_by_zero(adagrad, ("eps",))
    assert not divides_by_zero(adagrad)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_which_rules_of_the_catalogue_divide_by_zero(rule):
    assert divides_by_zero(rule) == (RESTLESS.get(rule.name) == "optax's divides 0 by 0")


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([(1, 0.0)], ZERO_GRADIENT),
        ([(1, 0.0), (2, 0.0)], ZERO_GRADIENT),
        ([(1, 0.5)], ""),
        ([(1, 0.0), (2, 0.5)], ""),
        ([(1, np.nan)], ""),
        ([(1, 0.0), (3, 0.0)], ""),
    ],
)
def test_a_network_s_run_says_so_if_each_gradient_is_known_to_be_zero(points, message):
    fine, broken = Scores(1.0, 0.5), Scores(np.nan, 0.1)
    curve = Curve(stop_early=False)
    curve.add(0, fine, fine, np.nan)
    for place, (point, norm) in enumerate(points):
        curve.add(point, broken if place == len(points) - 1 else fine, fine, norm)
    fit = curve.fit(NOWHERE, 0.0)
    assert (str(fit.status), fit.message) == ("diverged", message)
