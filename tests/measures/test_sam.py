import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from optbench.core.objective import Objective
from optbench.errors import UsageError
from optbench.measures.measure import NotApplicable
from optbench.measures.sam import ASAM, SAM, adaptive_sharpness, sam_sharpness
from optbench.measures.subject import Subject
from tests.measures.quadratics import best_in_ball, quadratic
from tests.measures.relu import POINT, loss, rescaled

RNG = np.random.default_rng(4)
SLOPE = jax.grad(loss)(POINT)


def moved(step):
    return float(loss(jax.tree.map(lambda w, e: w + e, POINT, step)) - loss(POINT))


def test_at_a_minimum_it_is_half_the_squared_radius_times_the_top_eigenvalue():
    factor = RNG.standard_normal((60, 60))
    hessian = factor.T @ factor / 60
    found = sam_sharpness(quadratic(hessian), np.zeros(60), 0.05)
    assert found.value == pytest.approx(0.05**2 * np.linalg.eigvalsh(hessian)[-1] / 2, rel=1e-2)
    assert found.one_step is None


def test_away_from_it_the_secular_equation_tells():
    factor = RNG.standard_normal((60, 60))
    hessian, x = factor.T @ factor / 60, 0.1 * RNG.standard_normal(60)
    found = sam_sharpness(quadratic(hessian), x, 0.05)
    assert found.value == pytest.approx(best_in_ball(hessian, hessian @ x, 0.05), rel=1e-2)
    assert found.maxima.keys() == {"lbfgs", "apgd", "vertex_ascent"}
    assert found.maxima[found.method] == found.maximum == found.centre + found.value


def test_the_step_of_sam_against_its_formula():
    norm = math.sqrt(sum(float((g**2).sum()) for g in SLOPE.values()))
    step = {name: 0.05 * g / norm for name, g in SLOPE.items()}
    found = sam_sharpness(loss, POINT, 0.05)
    assert found.one_step == pytest.approx(moved(step), rel=1e-10)
    assert found.value >= found.one_step


@pytest.mark.parametrize("eta", [0.0, 0.01])
def test_the_steps_of_asam_against_their_formulas(eta):
    scale = {name: np.abs(w) + eta for name, w in POINT.items()}
    norm = math.sqrt(sum(float(((scale[name] * g) ** 2).sum()) for name, g in SLOPE.items()))
    step = {name: 0.5 * scale[name] ** 2 * g / norm for name, g in SLOPE.items()}
    assert adaptive_sharpness(loss, POINT, 0.5, eta).one_step == pytest.approx(moved(step), rel=1e-10)
    step = {name: 0.5 * scale[name] * np.sign(g) for name, g in SLOPE.items()}
    assert adaptive_sharpness(loss, POINT, 0.5, eta, math.inf).one_step == pytest.approx(moved(step), rel=1e-10)


def test_the_ellipsoid_of_a_quadratic():
    factor = RNG.standard_normal((30, 30))
    hessian, x = factor.T @ factor / 30, RNG.standard_normal(30)
    scale = np.abs(x) + 0.01
    true = best_in_ball(hessian * np.outer(scale, scale), scale * (hessian @ x), 0.5)
    assert adaptive_sharpness(quadratic(hessian), x, 0.5, 0.01).value == pytest.approx(true, rel=1e-2)


@pytest.mark.parametrize("factor", [3.0, 0.1])
@pytest.mark.parametrize("p", [2, "inf"])
def test_rescaling_a_relu_network_leaves_adaptive_sharpness_as_it_is(factor, p):
    rho = 0.5 if p == 2 else 0.01
    here, there = (adaptive_sharpness(loss, point, rho, p=p) for point in (POINT, rescaled(factor)))
    assert there.value == pytest.approx(here.value, rel=1e-10)
    assert there.one_step == pytest.approx(here.one_step, rel=1e-10)
    # The unit of 0.01 that the authors add is one of length again.
    here, there = (adaptive_sharpness(loss, point, rho, 0.01, p).value for point in (POINT, rescaled(factor)))
    assert abs(there / here - 1) > 1e-4


def test_rescaling_moves_the_sharpness_of_a_small_ball_as_the_gradient():
    """To first order ``rho ||g||``; the gradient of a layer is divided by what the layer is multiplied with."""
    factor, rho = 10.0, 1e-7
    here, there = (sam_sharpness(loss, point, rho).value for point in (POINT, rescaled(factor)))
    first, second = (float((SLOPE[name] ** 2).sum()) for name in ("first", "second"))
    predicted = math.sqrt((first / factor**2 + second * factor**2) / (first + second))
    assert there / here == pytest.approx(predicted, rel=1e-4)


def test_what_cannot_be_taken_says_so():
    objective = quadratic(np.eye(3))
    with pytest.raises(UsageError, match="rho must be a number above 0; got -1"):
        sam_sharpness(objective, np.zeros(3), -1)
    with pytest.raises(UsageError, match=r"eta must be a number from 0 on; got -0\.1"):
        adaptive_sharpness(objective, np.ones(3), 0.5, -0.1)
    with pytest.raises(UsageError, match="p must be 2 or 'inf'; got 3"):
        adaptive_sharpness(objective, np.ones(3), p=3)
    with pytest.raises(UsageError, match="seed must be a whole number from 0 on; got None"):
        sam_sharpness(objective, np.ones(3), seed=None)
    with pytest.raises(NotApplicable, match="there is no room to move"):
        adaptive_sharpness(objective, np.zeros(3))


def test_the_measures_of_the_catalogue():
    subject = Subject(Objective(loss, POINT), POINT)
    taken = catalog.measure("sam").take(subject, **SAM.resolve({}))
    assert taken.estimate == sam_sharpness(loss, POINT, 0.05).value
    assert taken.details["one_step"] == sam_sharpness(loss, POINT, 0.05).one_step
    given = {"rho": 0.01, "eta": 0.01, "p": "inf"}
    taken = catalog.measure("asam").take(subject, **ASAM.resolve(given))
    assert taken.estimate == adaptive_sharpness(loss, POINT, 0.01, 0.01, "inf").value
    assert ASAM.is_invariant_at(ASAM.resolve({}))
    assert not ASAM.is_invariant_at(ASAM.resolve(given))
    assert not SAM.is_invariant_at(SAM.resolve({}))
    with pytest.raises(UsageError, match="asam: p must be one of '2', 'inf'; got '1'"):
        ASAM.resolve({"p": "1"})
    nowhere = Subject(Objective(lambda x: jnp.log(x[0]), -np.ones(1)), -np.ones(1))
    assert np.isnan(SAM.take(nowhere, **SAM.resolve({})).estimate)
