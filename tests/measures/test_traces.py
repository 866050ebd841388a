"""The trace: exact cases, three standard errors, their fall, the coverage of intervals, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from optbench import measures
from optbench.core.keys import generator
from optbench.errors import UsageError
from optbench.measures.probes import signs
from optbench.measures.subject import Subject
from optbench.measures.traces import HESSIAN_TRACE
from tests.measures.quadratics import quadratic, symmetric

N = 48
#: Spectra that make a mean of few probes hard or easy: one eigenvalue alone, a network's, none that stands out.
MATRICES = {
    "rank one": symmetric(np.r_[1.0, np.zeros(N - 1)]),
    "outliers": symmetric(np.r_[10.0, 8, 6, 5, 4, np.geomspace(0.5, 1e-3, N - 5)]),
    "indefinite": symmetric(np.linspace(-1, 2, N)),
}


def at(matrix):
    return quadratic(matrix), np.ones(len(matrix))


def test_of_a_diagonal_hessian_each_probe_has_the_whole_trace():
    found = measures.trace(*at(np.diag(np.arange(1.0, 8.0))), probes=2)
    assert found == (28.0, 0.0, 3, 2)


def test_all_unit_vectors_have_the_exact_trace():
    matrix = MATRICES["indefinite"]
    found = measures.trace(*at(matrix), method="exact")
    assert found.estimate == pytest.approx(np.trace(matrix), rel=1e-14)
    assert (found.standard_error, found.hvps, found.probes) == (0.0, N + 1, 0)


def test_a_sketch_of_the_whole_space_has_the_exact_trace():
    matrix = symmetric([3.0, -1.0, 2.0, 0.5])
    found = measures.trace(*at(matrix), probes=12, method="hutch++")
    assert found.estimate == pytest.approx(4.5, rel=1e-13)
    assert (found.standard_error, found.hvps) == (0.0, 9)


def test_a_sketch_of_as_many_vectors_as_the_rank_leaves_nothing_to_estimate():
    matrix = symmetric(np.r_[5.0, 2.0, -1.0, np.zeros(N - 3)])
    found = measures.trace(*at(matrix), probes=15, method="hutch++")
    assert found.estimate == pytest.approx(6.0, rel=1e-12)
    assert found.standard_error < 1e-12
    assert measures.trace(*at(np.zeros((N, N))), probes=6, method="hutch++")[:2] == (0.0, 0.0)


@pytest.mark.parametrize("method", ["hutchinson", "hutch++"])
@pytest.mark.parametrize("name", MATRICES)
def test_errors_are_as_large_as_the_standard_errors_say_and_shrink_with_probes(name, method):
    """Root mean squares over 60 seeds. Of normal errors 1 in 370 is beyond three standard errors, of skew ones more."""
    loss, params = at(MATRICES[name])
    truth, spread = np.trace(MATRICES[name]), {}
    for probes in (24, 96):
        found = [measures.trace(loss, params, probes, seed, method) for seed in range(60)]
        errors = np.array([one.estimate - truth for one in found])
        said = np.array([one.standard_error for one in found])
        assert np.mean(np.abs(errors) <= 3 * said + 1e-12) >= 0.95
        spread[probes] = np.sqrt(np.mean(said**2))
        assert np.sqrt(np.mean(errors**2)) == pytest.approx(spread[probes], rel=0.25, abs=1e-12)
    if method == "hutchinson":
        assert spread[24] / spread[96] == pytest.approx(2, rel=0.05)
    else:
        assert spread[96] <= spread[24] / 2


def test_a_sketch_pays_where_few_eigenvalues_stand_out():
    loss, params = at(MATRICES["outliers"])
    plain, sketched = (measures.trace(loss, params, 48, method=method) for method in ("hutchinson", "hutch++"))
    assert plain.hvps == sketched.hvps == 49
    assert sketched.standard_error < plain.standard_error / 5


def exact_variance(matrix, probes):
    return 2 * (np.sum(matrix**2) - np.sum(np.diag(matrix) ** 2)) / probes


@pytest.mark.parametrize("name", MATRICES)
def test_the_square_of_the_standard_error_is_an_unbiased_estimate_of_the_variance(name):
    loss, params = at(MATRICES[name])
    squares = [measures.trace(loss, params, 16, seed).standard_error ** 2 for seed in range(60)]
    off = np.std(squares, ddof=1) / np.sqrt(60)
    assert abs(np.mean(squares) - exact_variance(MATRICES[name], 16)) < 3 * off


def covered(matrix, probes, runs, **arguments):
    loss, params = at(matrix)
    found = [measures.trace(loss, params, probes, seed, **arguments) for seed in range(runs)]
    return np.mean([abs(one.estimate - np.trace(matrix)) <= 1.96 * one.standard_error for one in found])


SIMULATED = [
    ({"method": "hutchinson"}, 64),
    ({"method": "hutch++"}, 96),
    ({"method": "hutchinson", "relative_error": 0.1}, 64),
]


@pytest.mark.parametrize(("arguments", "probes"), SIMULATED, ids=str)
def test_intervals_cover_the_trace_as_often_as_they_say(arguments, probes):
    """Of 150 runs: the slow test below has enough of them to tell 94 % from 92 %."""
    assert covered(MATRICES["outliers"], probes, 150, **arguments) >= 0.92


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "probes"), SIMULATED, ids=str)
@pytest.mark.parametrize("name", MATRICES)
def test_95_percent_intervals_cover_at_least_94_percent(name, arguments, probes, monkeypatch):
    """With products by NumPy, since 200,000 of them are needed."""
    monkeypatch.setattr(measures.Hessian, "products", lambda self, vectors: vectors @ MATRICES[name])
    if (name, arguments["method"]) == ("rank one", "hutch++"):
        # The sketch has all of it: what is left is rounding, of which no interval is claimed.
        assert measures.trace(*at(MATRICES[name]), probes, **arguments).estimate == pytest.approx(1, abs=1e-13)
    else:
        assert covered(MATRICES[name], probes, 2000, **arguments) >= 0.94


def test_more_probes_leave_the_first_as_they_are():
    vectors = [signs(generator("trace probe", 5, i), 130) for i in range(3)]
    assert len({tuple(vector) for vector in vectors}) == 3
    assert set(np.unique(vectors)) == {-1.0, 1.0}
    draws = np.stack([signs(generator("trace probe", 0, i), 130) for i in range(2000)])
    assert np.abs(draws.mean(axis=0)).max() < 5 / np.sqrt(2000)
    assert np.abs(draws.T @ draws / 2000 - np.eye(130)).max() < 5.5 / np.sqrt(2000)
    loss, params = at(MATRICES["indefinite"])
    assert measures.trace(loss, params, 16, 7) == measures.trace(loss, params, 16, 7)
    assert measures.trace(loss, params, 16, 7).estimate != measures.trace(loss, params, 16, 8).estimate


@pytest.mark.parametrize("method", ["hutchinson", "hutch++"])
def test_it_goes_on_to_a_relative_error_or_to_its_last_probe(method):
    loss, params = at(MATRICES["outliers"])
    found = measures.trace(loss, params, 18, method=method, relative_error=0.02)
    assert found.standard_error <= 0.02 * found.estimate
    sketched = 6 if method == "hutch++" else 0
    assert found.hvps == 1 + 2 * sketched + found.probes
    again = measures.trace(loss, params, 18, method=method, relative_error=1e-9, max_probes=50)
    assert again.hvps == 51
    assert again.standard_error > 1e-9 * again.estimate


def test_a_loss_in_float32_gives_the_trace_to_its_rounding():
    loss = quadratic(MATRICES["outliers"], dtype=np.float32)
    exact = measures.trace(loss, np.ones(N), method="exact").estimate
    assert exact == pytest.approx(np.trace(MATRICES["outliers"]), rel=1e-6)


@pytest.mark.parametrize(("settings", "method", "hvps"), [({}, "exact", N + 1), ({"probes": 30}, "hutchinson", 31)])
def test_the_measure_is_exact_where_that_takes_no_more_products(settings, method, hvps):
    matrix = MATRICES["indefinite"]
    found = HESSIAN_TRACE.take(Subject(*at(matrix)), **HESSIAN_TRACE.resolve(settings))
    assert (found.details["method"], found.details["hvps"]) == (method, hvps)
    assert abs(found.estimate - np.trace(matrix)) <= 3 * found.standard_error + 1e-12


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"probes": 1}, "probes must be a whole number from 2 on; got 1"),
        (
            {"probes": 5, "method": "hutch++"},
            "probes must be a whole number from 6 on; got 5",
        ),
        ({"method": "hutchison"}, "unknown method 'hutchison'; did you mean 'hutchinson' or 'hutch++'?"),
        ({"relative_error": 0.0}, "relative_error must be a number above 0; got 0.0"),
    ],
)
def test_what_cannot_be_estimated_is_refused(arguments, message):
    with pytest.raises(UsageError) as raised:
        measures.trace(*at(np.eye(3)), **arguments)
    assert str(raised.value) == message
