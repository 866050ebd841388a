"""What rescaling of a ReLU network does to each measure, of which the catalogue says whether it changes.

Reference: Dinh et al. 2017, Sharp minima can generalize for deep nets, arXiv 1703.04933.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from optbench.core.objective import Objective
from optbench.measures import eigenvalues, keskar_sharpness, sam_sharpness, trace
from optbench.measures.subject import Scored, Subject
from tests.measures.relu import POINT, X, Y, loss, rescaled

SHARPNESS = [entry.name for entry in catalog.MEASURES if entry.group == "sharpness"]


def of_examples(w, part):
    x, y = part
    return jnp.sum((jax.nn.relu(x @ w["first"]) @ w["second"] - y) ** 2)


def within_reach(w):
    """Share of examples whose output lies near what it was: an accuracy that noise lowers."""

    def of(w):
        return np.maximum(X @ w["first"], 0) @ w["second"]

    return float((np.abs(of(w) - of(POINT)).max(axis=1) < 1.0).mean())


#: One objective for all points, so that each measure compiles once.
BY_TERM = Objective(of_examples, POINT, parts=(X.reshape(4, 10, 5), Y.reshape(4, 10, 2)), n=40, of_terms=True)


def subject(point):
    objective = Objective(loss, POINT)
    return Subject(
        BY_TERM,
        point,
        n_terms=40,
        terms=lambda rows: objective,
        parts={"train": Scored(objective, within_reach)},
    )


def taken(name, factor, **given):
    measure = catalog.measure(name)
    settings = measure.resolve(({"m": 10, "batches": 1} if name == "m_sharpness" else {}) | given)
    point = POINT if factor == 1.0 else rescaled(factor)
    return measure.take(subject(point), **settings).estimate, measure.is_invariant_at(settings)


def cases():
    for name in SHARPNESS:
        settings = catalog.measure(name).settings
        yield from ((name, {"relative": told}) for told in (True, False)) if "relative" in settings else ((name, {}),)
    yield "asam", {"eta": 0.01}
    yield "asam", {"p": "inf", "rho": 0.01}
    yield "keskar", {"subspace": 7}


@pytest.mark.parametrize(("name", "given"), list(cases()), ids=str)
def test_the_catalogue_says_which_measures_rescaling_changes(name, given):
    (here, is_invariant), (there, _) = taken(name, 1.0, **given), taken(name, 5.0, **given)
    assert np.isfinite(here)
    assert here > 0
    if is_invariant:
        assert there == pytest.approx(here, rel=1e-10)
    else:
        assert abs(there / here - 1) > 1e-3


def test_some_are_invariant_and_some_are_not():
    marks = {(name, str(given)): taken(name, 1.0, **given)[1] for name, given in cases() if name in ("asam", "keskar")}
    assert marks["asam", "{}"]
    assert not marks["asam", "{'eta': 0.01}"]
    assert not marks["keskar", "{}"]


@pytest.mark.parametrize("factor", [3.0, 0.5])
def test_eigenvalue_trace_and_maxima_move_by_the_predicted_factor(factor):
    """One ReLU between two weights: ``H = P^2 (1/w)(1/w)'`` where ``w1 w2 = P``, so its one eigenvalue is known."""
    product = 6.0

    def fit(w):
        return (w[1] * jax.nn.relu(w[0]) - product) ** 2 / 2

    def exact(w):
        return product**2 * float(np.sum(1 / w**2))

    here, there = np.array([2.0, 3.0]), np.array([2.0 * factor, 3.0 / factor])
    predicted = exact(there) / exact(here)
    assert fit(jnp.asarray(here)) == fit(jnp.asarray(there)) == 0.0
    top, total, ball, box = (
        [of(fit, at) for at in (here, there)]
        for of in (
            lambda loss, at: eigenvalues(loss, at).values[0],
            lambda loss, at: trace(loss, at, method="exact").estimate,
            lambda loss, at: sam_sharpness(loss, at, 1e-5).value,
            lambda loss, at: keskar_sharpness(loss, at, 1e-6).value,
        )
    )
    assert top == pytest.approx([exact(here), exact(there)], rel=1e-8)
    assert total == pytest.approx([exact(here), exact(there)], rel=1e-8)
    assert ball[1] / ball[0] == pytest.approx(predicted, rel=1e-4)
    # In a box the best corner is (1, 1): phi = 100 P^2 (sum eps (1 + 1 / |w|))^2 / 2.
    corners = [100 * product**2 * (1e-6 * float(np.sum(1 + 1 / at))) ** 2 / 2 for at in (here, there)]
    assert box == pytest.approx(corners, rel=1e-4)
