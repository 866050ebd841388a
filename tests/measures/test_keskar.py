import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from optbench.core.objective import Objective
from optbench.errors import UsageError
from optbench.measures.keskar import KESKAR, keskar_sharpness
from optbench.measures.measure import NotApplicable
from optbench.measures.perturbations import box, random_basis
from optbench.measures.subject import Subject
from tests.measures.quadratics import quadratic
from tests.measures.relu import POINT, loss, rescaled

RNG = np.random.default_rng(2)


@pytest.mark.parametrize("eps", [1e-3, 5e-4])
def test_the_formula_on_a_linear_loss(eps):
    """In closed form: ``100 sum |c_i| eps (|x_i| + 1) / (1 + f)``."""
    n = 25
    x, slope = RNG.standard_normal(n), RNG.standard_normal(n)
    found = keskar_sharpness(quadratic(np.zeros((n, n)), slope, 20.0), x, eps)
    at = 20.0 + slope @ x
    gain = np.abs(slope) @ (eps * (np.abs(x) + 1))
    assert found.centre == pytest.approx(at, rel=1e-12)
    assert found.maximum == pytest.approx(at + gain, rel=1e-12)
    assert found.value == pytest.approx(100 * gain / (1 + at), rel=1e-9)
    assert found.maxima.keys() == {"lbfgsb", "vertex_ascent"}
    assert max(found.maxima.values()) == found.maximum == found.maxima[found.method]
    assert (found.dtype, found.not_finite) == ("float64", 0)


def test_it_grows_with_the_box_and_as_its_square_at_a_stationary_point():
    factor = RNG.standard_normal((30, 30))
    objective = quadratic(factor.T @ factor / 30)
    sizes = [1e-4, 2e-4, 5e-4, 1e-3, 1e-2]
    values = [keskar_sharpness(objective, np.zeros(30), eps).value for eps in sizes]
    assert np.all(np.diff(values) > 0)
    ratios = np.array(values) / np.square(sizes)
    assert ratios == pytest.approx(ratios[0], rel=1e-9)

    # A loss that is no quadratic comes to that as the box shrinks.
    def well(x):
        return jnp.sum(jnp.cosh(x) - jnp.ones((), x.dtype)) + jnp.sum(x**4)

    ratios = [keskar_sharpness(well, np.zeros(8), eps).value / eps**2 for eps in (1e-1, 1e-2, 1e-3)]
    assert ratios[0] > ratios[1] > ratios[2]
    assert ratios[2] == pytest.approx(100 * 8 / 2, rel=1e-4)


def test_a_subspace_is_searched_in_its_own_box():
    """A linear loss: the gain is ``sum |A'c|_i eps (|(A+ x)_i| + 1)``."""
    n, p = 50, 10
    x, slope = RNG.standard_normal(n), RNG.standard_normal(n)
    objective = quadratic(np.zeros((n, n)), slope, 100.0)
    gains = {}
    for columns in ("normal", "unit"):
        found = keskar_sharpness(objective, x, 1e-3, p, 3, columns=columns)
        basis = random_basis(n, p, columns, 3)
        gains[columns] = np.abs(basis.T @ slope) @ (1e-3 * (np.abs(np.linalg.pinv(basis) @ x) + 1))
        assert found.maximum - found.centre == pytest.approx(gains[columns], rel=1e-9)
    assert gains["normal"] > 4 * gains["unit"]
    whole, same = (keskar_sharpness(objective, x, 1e-3, subspace) for subspace in (None, np.eye(n)))
    assert same.value == pytest.approx(whole.value, rel=1e-12)


def test_no_random_point_of_the_box_is_higher_on_a_network():
    objective = Objective(loss, POINT)
    found = keskar_sharpness(objective, POINT, 1e-2)
    x = np.concatenate([POINT["first"].ravel(), POINT["second"].ravel()])
    flat = Objective(lambda w: loss({"first": w[:30].reshape(5, 6), "second": w[30:].reshape(6, 2)}), x)
    points = RNG.choice([-1.0, 1.0], (5000, len(x))) * box(x, 1e-2).scale
    assert found.maximum >= flat.values_along(x, list(np.eye(len(x))), points).max()


def test_rescaling_a_relu_network_changes_it():
    """Dinh et al. 2017: the function is the same, and the box is not; so the measure is not marked as invariant."""
    here, there = (keskar_sharpness(loss, point).value for point in (POINT, rescaled(10.0)))
    assert loss(rescaled(10.0)) == pytest.approx(float(loss(POINT)), rel=1e-12)
    assert abs(there / here - 1) > 0.1
    assert not KESKAR.is_invariant


def test_single_precision_is_said_with_what_it_rounds_away():
    single = jax.tree.map(lambda leaf: leaf.astype(np.float32), POINT)

    def of(w):
        hidden = jax.nn.relu(jnp.ones((3, 5), w["first"].dtype) @ w["first"])
        return jnp.mean((hidden @ w["second"]) ** 2)

    here, there = keskar_sharpness(of, single), keskar_sharpness(of, POINT)
    assert (here.dtype, there.dtype) == ("float32", "float64")
    assert here.noise_floor > 1e6 * there.noise_floor
    assert here.value == pytest.approx(there.value, rel=1e-2)


def test_what_it_cannot_take_says_so():
    objective = quadratic(np.eye(3))
    with pytest.raises(NotApplicable, match=r"divides by 1 \+ f\(x\), which must be positive; f\(x\) is -2"):
        keskar_sharpness(quadratic(np.eye(3), value=-2.0), np.zeros(3))
    with pytest.raises(NotApplicable, match="a subspace of 100 dimensions does not fit into a space of 3"):
        keskar_sharpness(objective, np.zeros(3), subspace=100)
    with pytest.raises(UsageError, match="eps must be a number above 0; got 0"):
        keskar_sharpness(objective, np.zeros(3), 0)
    with pytest.raises(UsageError, match=r"seed must be a whole number from 0 on; got 1\.5"):
        keskar_sharpness(objective, np.zeros(3), seed=1.5)
    with pytest.raises(UsageError, match="subspace must be a whole number from 1 on; got True"):
        keskar_sharpness(objective, np.zeros(3), subspace=True)


def test_the_measure_of_the_catalogue():
    measure = catalog.measure("keskar")
    subject = Subject(Objective(loss, POINT), POINT)
    settings = measure.resolve({})
    assert settings == {"eps": 1e-3, "subspace": 0, "seed": 0, "columns": "normal"}
    taken = measure.take(subject, **settings)
    assert taken.estimate == keskar_sharpness(loss, POINT).value
    assert taken.details["maxima"].keys() == {"lbfgsb", "vertex_ascent"}
    inside = measure.take(subject, **measure.resolve({"subspace": 5, "columns": "unit"}))
    assert inside.estimate == keskar_sharpness(loss, POINT, subspace=5, columns="unit").value
    # A loss that is no number there has no sharpness, and says so without one.
    nowhere = Subject(Objective(lambda x: jnp.log(x[0]), -np.ones(1)), -np.ones(1))
    taken = measure.take(nowhere, **settings)
    assert np.isnan(taken.estimate)
    assert taken.details["maximum"] is None
