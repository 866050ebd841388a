import numpy as np
import pytest

from optbench import catalog
from optbench.core.keys import generator
from optbench.core.objective import Objective
from optbench.errors import UsageError
from optbench.measures.measure import NotApplicable
from optbench.measures.pac_bayes import PAC_BAYES, TOLERANCE, pac_bayes_flatness
from optbench.measures.subject import Scored, Subject
from tests.measures.relu import POINT, X, loss, rescaled

N = 500
HERE = np.random.default_rng(8).uniform(1.0, 2.0, N)


def accuracy(w):
    """It falls by the mean squared noise, so the drop is ``sigma^2`` and ``sigma`` the root of 0.1."""
    return 0.95 - float(np.mean((w - HERE) ** 2))


def relative_accuracy(w):
    return 0.95 - float(np.mean((w / HERE - 1) ** 2))


@pytest.mark.parametrize(("of", "relative"), [(accuracy, False), (relative_accuracy, True)])
@pytest.mark.parametrize("drop", [0.1, 0.02])
def test_the_noise_that_costs_a_known_accuracy(of, relative, drop):
    found = pac_bayes_flatness(of, HERE, drop=drop, draws=20, relative=relative)
    # To three standard errors and what bisection leaves open of 1 / sigma^2.
    assert abs(found.value - 1 / drop) < 3 * found.standard_error + 2 * TOLERANCE / drop
    assert found.standard_error == pytest.approx(np.sqrt(2 / N / 20) / drop, rel=0.6)
    assert found.sigma == found.value**-0.5
    assert found.accuracy == 0.95
    assert found.drop == pytest.approx(drop, rel=2 * TOLERANCE)


def test_the_error_is_that_of_the_mean_drop_over_its_slope():
    """Draw d costs ``c_d sigma^2``, so the value is the mean of c over the drop, and its error that of this mean."""
    squares = [np.mean(generator("noise of PAC-Bayes", 4, draw).standard_normal(N) ** 2) for draw in range(6)]
    found = pac_bayes_flatness(accuracy, HERE, draws=6, seed=4)
    assert found.value == pytest.approx(np.mean(squares) / 0.1, rel=2 * TOLERANCE)
    # The slope is that between two levels of noise a factor of 1.25^2 apart, 3 % above the one at the level itself.
    assert found.standard_error == pytest.approx(np.std(squares, ddof=1) / np.sqrt(6) / 0.1, rel=0.05)


def test_noise_of_the_squared_standard_deviation_would_show():
    """The trap: ``N(0, sigma^2)`` given to a function of a standard deviation finds the root of sigma."""
    sigma = pac_bayes_flatness(accuracy, HERE, draws=20).sigma
    assert abs(sigma - 0.1**0.5) < 0.02 < abs(sigma - 0.1**0.25)


@pytest.mark.parametrize("width", [1e-9, 1e5])
def test_noise_of_any_size_is_found(width):
    found = pac_bayes_flatness(lambda w: 1.0 - float(np.mean(((w - HERE) / width) ** 2)), HERE, draws=4)
    assert found.sigma == pytest.approx(width * 0.1**0.5, rel=0.1)


def test_all_accuracies_are_counted_and_follow_from_the_seed():
    calls = []

    def counted(w):
        calls.append(w)
        return accuracy(w)

    found = pac_bayes_flatness(counted, HERE, draws=3)
    assert found.evaluations == len(calls)
    assert pac_bayes_flatness(accuracy, HERE, draws=3) == found
    assert pac_bayes_flatness(accuracy, HERE, draws=3, seed=1).sigma != found.sigma


def test_where_accuracy_rises_again_around_the_noise_there_is_no_error():
    """Accuracy falls by 0.1 at 0.3; it has a dent at 0.24, through which no step of the bisection leads."""

    def dented(w):
        size = float(np.std(w - HERE))
        return 1.0 if size == 0 else 0.5 if 0.22 < size < 0.26 else 0.9 - 2 * (size - 0.3)

    found = pac_bayes_flatness(dented, HERE, draws=4)
    assert found.sigma == pytest.approx(0.3, rel=0.05)
    assert found.standard_error is None


def test_on_a_cliff_there_is_no_error():
    """Draws of so many numbers are equally long, so all of them lie on the same side of it."""
    found = pac_bayes_flatness(lambda w: 1.0 if float(np.std(w)) < 0.3 else 0.5, np.zeros(10**6), draws=2)
    assert found.sigma == pytest.approx(0.3, rel=TOLERANCE)
    assert found.standard_error is None


def classified(w):
    """Share of inputs of which a network says the same as the unmoved one."""

    def of(w):
        return (np.maximum(X @ w["first"], 0) @ w["second"]).argmax(axis=1)

    return float((of(w) == of(POINT)).mean())


def test_rescaling_a_relu_network_leaves_the_relative_one_as_it_is():
    here, there = (pac_bayes_flatness(classified, point, relative=True) for point in (POINT, rescaled(4.0)))
    assert there.value == pytest.approx(here.value, rel=1e-10)
    here, there = (pac_bayes_flatness(classified, point) for point in (POINT, rescaled(4.0)))
    assert abs(there.value / here.value - 1) > 0.1


def test_what_it_cannot_take_says_so():
    with pytest.raises(NotApplicable, match=r"training accuracy is 0\.05, so it cannot fall by 0\.1"):
        pac_bayes_flatness(lambda w: 0.05, HERE)
    with pytest.raises(NotApplicable, match=r"no noise up to a standard deviation of 1e\+06 lowers accuracy by 0\.1"):
        pac_bayes_flatness(lambda w: 1.0, HERE)
    with pytest.raises(
        NotApplicable, match=r"noise of a standard deviation of 1e-12 lowers accuracy by more than 0\.1"
    ):
        pac_bayes_flatness(lambda w: float(np.array_equal(w, HERE)), HERE)
    with pytest.raises(NotApplicable, match="noise relative to it moves nothing"):
        pac_bayes_flatness(accuracy, np.zeros(N), relative=True)
    with pytest.raises(UsageError, match="drop must be a number above 0; got 0"):
        pac_bayes_flatness(accuracy, HERE, drop=0)
    with pytest.raises(UsageError, match="draws must be a whole number from 2 on; got 1"):
        pac_bayes_flatness(accuracy, HERE, draws=1)
    with pytest.raises(UsageError, match="seed must be a whole number from 0 on; got True"):
        pac_bayes_flatness(accuracy, HERE, seed=True)


def test_the_measure_of_the_catalogue():
    measure = catalog.measure("pac_bayes")
    objective = Objective(loss, POINT)
    with pytest.raises(NotApplicable, match="the accuracy of a network, and a function has none"):
        measure.take(Subject(objective, POINT), **measure.resolve({}))
    subject = Subject(objective, POINT, parts={"train": Scored(objective, classified)})
    taken = measure.take(subject, **measure.resolve({"relative": True}))
    alone = pac_bayes_flatness(classified, POINT, relative=True)
    assert (taken.estimate, taken.standard_error) == (alone.value, alone.standard_error)
    assert taken.details["sigma"] == alone.sigma
    assert PAC_BAYES.is_invariant_at(PAC_BAYES.resolve({"relative": True}))
    assert not PAC_BAYES.is_invariant_at(PAC_BAYES.resolve({}))
