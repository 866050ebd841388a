import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from optbench.core.objective import Objective
from optbench.errors import UsageError
from optbench.measures.average import AVERAGE_SHARPNESS, average_sharpness
from optbench.measures.measure import NotApplicable
from optbench.measures.subject import Subject
from tests.measures.quadratics import quadratic
from tests.measures.relu import POINT, loss, rescaled

RNG = np.random.default_rng(5)
FACTOR = RNG.standard_normal((20, 20))
HESSIAN, SLOPE, X = FACTOR.T @ FACTOR / 20, RNG.standard_normal(20), RNG.standard_normal(20)


def exact(relative, rho):
    weights = X**2 if relative else np.ones(20)
    return rho**2 / 2 * float(np.diag(HESSIAN) @ weights)


@pytest.mark.parametrize("relative", [True, False])
def test_a_quadratic_grows_by_half_the_squared_noise_times_the_trace(relative):
    objective = quadratic(HESSIAN, SLOPE)
    found = average_sharpness(objective, X, 0.1, relative=relative, pairs=400)
    assert abs(found.value - exact(relative, 0.1)) < 3 * found.standard_error
    assert found.standard_error < 0.05 * exact(relative, 0.1)
    # Of quadratics it scales with the squared noise, draw by draw.
    twice = average_sharpness(objective, X, 0.2, relative=relative, pairs=400)
    assert twice.value == pytest.approx(4 * found.value, rel=1e-9)
    assert found.centre == objective.value(X)


def test_the_stated_error_covers_and_shrinks():
    objective = quadratic(HESSIAN, SLOPE)
    found = [average_sharpness(objective, X, 0.1, pairs=30, seed=seed) for seed in range(150)]
    off = np.array([abs(each.value - exact(True, 0.1)) / each.standard_error for each in found])
    # Of a normal distribution 95.4 % lie within two standard errors; the standard error of a share here is 1.7 %.
    assert (off < 2).mean() >= 0.94 - 1.5 * 0.017
    errors = [average_sharpness(objective, X, 0.1, pairs=pairs).standard_error for pairs in (100, 1600)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.25)


def test_the_gradient_adds_nothing_to_its_error():
    steep = average_sharpness(quadratic(HESSIAN, 1e6 * SLOPE), X, 0.1)
    level = average_sharpness(quadratic(HESSIAN), X, 0.1)
    assert steep.standard_error == pytest.approx(level.standard_error, rel=1e-2)
    assert steep.noise_floor > level.noise_floor


def test_rescaling_a_relu_network_leaves_it_as_it_is_where_noise_is_relative():
    here, there = (average_sharpness(loss, point, 0.1) for point in (POINT, rescaled(3.0)))
    assert there.value == pytest.approx(here.value, rel=1e-10)
    here, there = (average_sharpness(loss, point, 0.1, relative=False) for point in (POINT, rescaled(3.0)))
    assert abs(there.value / here.value - 1) > 0.1
    assert AVERAGE_SHARPNESS.is_invariant_at(AVERAGE_SHARPNESS.resolve({}))
    assert not AVERAGE_SHARPNESS.is_invariant_at(AVERAGE_SHARPNESS.resolve({"relative": False}))


def test_what_it_cannot_take_says_so():
    with pytest.raises(NotApplicable, match="noise relative to it moves nothing"):
        average_sharpness(quadratic(HESSIAN), np.zeros(20))
    with pytest.raises(UsageError, match="rho must be a number above 0; got 0"):
        average_sharpness(quadratic(HESSIAN), X, 0)
    with pytest.raises(UsageError, match="pairs must be a whole number from 2 on; got 1"):
        average_sharpness(quadratic(HESSIAN), X, pairs=1)
    with pytest.raises(UsageError, match="seed must be a whole number from 0 on; got -1"):
        average_sharpness(quadratic(HESSIAN), X, seed=-1)


def test_the_measure_of_the_catalogue():
    measure = catalog.measure("average_sharpness")
    taken = measure.take(Subject(Objective(loss, POINT), POINT), **measure.resolve({}))
    alone = average_sharpness(loss, POINT)
    assert (taken.estimate, taken.standard_error) == (alone.value, alone.standard_error)
    assert taken.details["pairs"] == 50
    # Noise that leaves the domain of the loss leaves no mean.
    edge = Objective(lambda x: jnp.sum(jnp.log(x)), np.ones(3))
    assert np.isnan(measure.take(Subject(edge, np.ones(3)), **measure.resolve({"rho": 10.0})).estimate)
