import numpy as np
import pytest

from optbench import catalog
from optbench.core.objective import Objective
from optbench.errors import UsageError
from optbench.measures.batch_sharpness import M_SHARPNESS, m_sharpness
from optbench.measures.measure import NotApplicable
from optbench.measures.of_problem import subject_of
from optbench.measures.sam import adaptive_sharpness, sam_sharpness
from optbench.measures.subject import Subject
from tests.measures.quadratics import best_in_ball, quadratic
from tests.measures.relu import POINT, loss, rescaled

RNG = np.random.default_rng(6)
HESSIANS = [factor.T @ factor / 10 for factor in RNG.standard_normal((4, 10, 10))]
X = RNG.standard_normal(10)


def test_it_is_the_mean_of_the_maxima_of_batches_with_the_error_of_a_mean():
    found = m_sharpness([quadratic(h) for h in HESSIANS], X, 0.1)
    exact = np.array([best_in_ball(h, h @ X, 0.1) for h in HESSIANS])
    assert np.array(found.by_batch) == pytest.approx(exact, rel=1e-2)
    assert found.value == pytest.approx(np.mean(found.by_batch), rel=1e-15)
    assert found.standard_error == pytest.approx(np.std(found.by_batch, ddof=1) / 2, rel=1e-12)
    steps = [0.1 * h @ X / np.linalg.norm(h @ X) for h in HESSIANS]
    grown = [s @ h @ X + s @ h @ s / 2 for s, h in zip(steps, HESSIANS, strict=True)]
    assert found.one_step == pytest.approx(np.mean(grown), rel=1e-10)


def test_it_is_at_least_the_sharpness_of_the_mean():
    assert (
        m_sharpness([quadratic(h) for h in HESSIANS], X, 0.1).value
        >= sam_sharpness(quadratic(np.mean(HESSIANS, axis=0)), X, 0.1).value
    )


def test_one_batch_has_no_error_and_a_batch_without_gradient_no_step():
    found = m_sharpness([quadratic(HESSIANS[0])], np.zeros(10))
    assert (found.standard_error, found.one_step) == (None, None)
    assert found.value == sam_sharpness(quadratic(HESSIANS[0]), np.zeros(10)).value


def test_rescaling_a_relu_network_leaves_the_relative_one_as_it_is():
    here, there = (m_sharpness([loss], point, 0.5, relative=True) for point in (POINT, rescaled(3.0)))
    assert there.value == pytest.approx(here.value, rel=1e-10)
    assert here.value == adaptive_sharpness(loss, POINT, 0.5).value
    assert M_SHARPNESS.is_invariant_at(M_SHARPNESS.resolve({"relative": True}))
    assert not M_SHARPNESS.is_invariant_at(M_SHARPNESS.resolve({}))


def test_what_it_cannot_take_says_so():
    with pytest.raises(UsageError, match="needs the loss of at least one batch"):
        m_sharpness([], X)
    with pytest.raises(UsageError, match="losses must be a list with the loss of each batch; got function"):
        m_sharpness(lambda w: w @ w, np.zeros(2))
    with pytest.raises(UsageError, match="p must be 2 unless relative; got 'inf'"):
        m_sharpness([loss], POINT, p="inf")
    plain = Subject(Objective(loss, POINT), POINT)
    with pytest.raises(NotApplicable, match="the loss has no terms"):
        M_SHARPNESS.take(plain, **M_SHARPNESS.resolve({}))
    with pytest.raises(NotApplicable, match="a plain ball has the norm 2; p = 'inf' is for relative = true"):
        M_SHARPNESS.take(
            Subject(plain.objective, POINT, n_terms=500, terms=lambda rows: plain.objective),
            **M_SHARPNESS.resolve({"p": "inf"}),
        )


def test_the_batches_of_a_finite_sum_share_no_term():
    problem = catalog.problem("least_squares", dim=2)
    subject = subject_of(problem, RNG.standard_normal(2), units="raw")
    drawn = []

    def terms(rows):
        drawn.append(rows)
        return subject.terms(rows)

    watched = Subject(subject.objective, subject.params, n_terms=subject.n_terms, terms=terms)
    m = subject.n_terms // 3
    taken = M_SHARPNESS.take(watched, **M_SHARPNESS.resolve({"m": m}))
    assert taken.details["batches"] == len(drawn) == len(taken.values) == 3
    assert {len(rows) for rows in drawn} == {m}
    assert len(np.unique(np.concatenate(drawn))) == 3 * m
    alone = m_sharpness([subject.terms(rows) for rows in drawn], subject.params)
    assert (taken.estimate, taken.standard_error) == (alone.value, alone.standard_error)
    with pytest.raises(NotApplicable, match=f"a batch of 100000 terms cannot be drawn from {subject.n_terms}"):
        M_SHARPNESS.take(watched, **M_SHARPNESS.resolve({"m": 100_000}))
