"""Bias, variance and noise: sums to rounding, closed forms of least squares, and how often intervals hold."""

from __future__ import annotations

import numpy as np
import pytest

from optbench.analysis.statistics.decomposition import brier_parts, squared_parts, zero_one_parts
from optbench.errors import DataError


def features(x, degree):
    return np.vander(x, degree + 1, increasing=True)


def world(degree, n_members, sigma=0.3, seed=0, n_train=24, n_test=200):
    """Returns members of polynomial least squares on noisy sines of one design, and the parts in closed form.

    With the hat matrix H of the test points, the mean of the members is H h(x) and their variance sigma^2 diag(H H').
    """
    rng = np.random.default_rng([seed, degree])
    x, at = np.linspace(-1, 1, n_train), rng.uniform(-1, 1, n_test)

    def truth(z):
        return np.sin(3 * z)

    hat = features(at, degree) @ np.linalg.pinv(features(x, degree))
    targets = truth(x) + sigma * rng.normal(size=(n_members, n_train))
    noisy = truth(at) + sigma * rng.normal(size=n_test)
    expected = {
        "bias": float(((hat @ truth(x) - truth(at)) ** 2).mean()),
        "variance": float(sigma**2 * (hat**2).sum(axis=1).mean()),
        "noise": sigma**2,
    }
    return targets @ hat.T, noisy, truth(at), expected


@pytest.mark.parametrize("degree", [0, 1, 3, 5, 9])
def test_parts_of_polynomial_regression_are_those_of_the_closed_form(degree):
    """Within three standard errors, which are small beside the whole."""
    predictions, noisy, truth, expected = world(degree, 200)
    found = squared_parts(predictions, noisy, truth)
    for name, value in expected.items():
        part = getattr(found, name)
        error = np.sqrt(part.seeds + part.examples)
        assert abs(part.estimate - value) <= 3 * error, name
        assert error < 0.2 * sum(expected.values())
    # The test points are those of the closed form, so only members err in bias and variance.
    assert abs(found.variance.estimate - expected["variance"]) <= 4 * np.sqrt(found.variance.seeds)
    assert abs(found.bias.estimate - expected["bias"]) <= 4 * np.sqrt(found.bias.seeds) + 1e-12


@pytest.mark.parametrize("n_members", [3, 5, 20])
def test_finitely_many_members_are_corrected_for(n_members):
    """Mean over 400 worlds of three members is the closed form; without the correction bias would be a third of the
    variance too large."""
    worlds = [world(3, n_members, seed=seed, n_test=20) for seed in range(400)]
    found = [squared_parts(predictions, noisy, truth) for predictions, noisy, truth, _ in worlds]
    for name in ("bias", "variance", "noise"):
        differences = np.array(
            [getattr(parts, name).estimate - w[3][name] for parts, w in zip(found, worlds, strict=True)]
        )
        error = differences.std(ddof=1) / 20
        assert abs(differences.mean()) < 3.5 * error, name
        if name == "bias":
            assert error < worlds[0][3]["variance"] / n_members / 4


@pytest.mark.parametrize("with_truth", [True, False])
def test_parts_sum_to_the_measured_error(with_truth):
    predictions, noisy, truth, _ = world(5, 7)
    found = squared_parts(predictions, noisy, truth if with_truth else None)
    measured = ((predictions - noisy) ** 2).mean()
    total = found.bias.estimate + found.variance.estimate + (found.noise.estimate if found.noise else 0.0)
    assert found.error.estimate == pytest.approx(measured, abs=1e-12)
    assert total == pytest.approx(measured, abs=1e-12)
    assert (found.noise is not None) == with_truth


def classifiers(n_members=9, n=80, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    logits = 1.5 * rng.normal(size=(n, classes)) + rng.normal(size=(n_members, n, classes))
    p = np.exp(logits)
    return p / p.sum(axis=2, keepdims=True), rng.integers(0, classes, n)


def test_parts_of_the_brier_score_are_sums_of_squares_over_classes():
    probabilities, labels = classifiers()
    found = brier_parts(probabilities, labels)
    one_hot = np.eye(4)[labels]
    assert found.error.estimate == pytest.approx(((probabilities - one_hot) ** 2).sum(axis=2).mean(), abs=1e-12)
    assert found.bias.estimate + found.variance.estimate == pytest.approx(found.error.estimate, abs=1e-12)
    assert found.variance.estimate == pytest.approx(probabilities.var(axis=0, ddof=1).sum(axis=1).mean())
    assert found.noise is None


def test_the_brier_score_s_parts_of_known_members():
    """Members drawn from a Dirichlet distribution with mean q: bias^2 |q - y|^2, variance (1 - |q|^2)/(a + 1)."""
    rng = np.random.default_rng(4)
    q, a = np.array([0.6, 0.3, 0.1]), 5.0
    members = rng.dirichlet(a * q, (400, 300))
    found = brier_parts(members, np.zeros(300, np.int64))
    assert found.bias.estimate == pytest.approx(0.4**2 + 0.3**2 + 0.1**2, abs=4 * np.sqrt(found.bias.seeds))
    assert found.variance.estimate == pytest.approx((1 - q @ q) / 6, abs=4 * np.sqrt(found.variance.seeds))


def test_parts_of_the_share_of_wrong_answers():
    """By loops over examples and members, from Domingos's definitions."""
    probabilities, labels = classifiers()
    answers = probabilities.argmax(axis=2)
    bias, unbiased, biased = [], [], []
    for j, label in enumerate(labels):
        main = int(np.bincount(answers[:, j]).argmax())
        bias.append(main != label)
        unbiased.append(np.mean([a != main for a in answers[:, j]]) if main == label else 0.0)
        biased.append(np.mean([a != main and a == label for a in answers[:, j]]) if main != label else 0.0)
    found = zero_one_parts(answers, labels)
    assert [part.estimate for part in found[1:]] == pytest.approx([np.mean(bias), np.mean(unbiased), np.mean(biased)])
    assert found.error.estimate == pytest.approx((answers != labels).mean())
    assert found.error.estimate == pytest.approx(
        found.bias.estimate + found.unbiased.estimate - found.biased.estimate, abs=1e-12
    )


def test_of_two_classes_the_net_variance_is_domingos_s():
    """There ``error = bias + mean of (1 - 2 bias_j) variance_j``: whoever leaves a wrong answer is right."""
    probabilities, labels = classifiers(classes=2)
    answers = probabilities.argmax(axis=2)
    main = np.array([np.bincount(column).argmax() for column in answers.T])
    variance, wrong = (answers != main).mean(axis=0), main != labels
    found = zero_one_parts(answers, labels)
    assert found.unbiased.estimate - found.biased.estimate == pytest.approx(((1 - 2 * wrong) * variance).mean())


def test_errors_of_a_part_are_those_of_members_and_of_examples():
    """The mean squared error is a mean over the crossed table: both its errors are known."""
    predictions, noisy, _, _ = world(3, 10)
    found = squared_parts(predictions, noisy).error
    squares = (predictions - noisy) ** 2
    assert found.seeds == pytest.approx(squares.mean(axis=1).var(ddof=1) / 10)
    assert found.examples == pytest.approx(squares.mean(axis=0).var(ddof=1) / 200)


@pytest.mark.slow
@pytest.mark.parametrize("n_members", [10, 20])
def test_intervals_of_parts_cover(n_members):
    """New members, new test points and new noise: at least 94 % for each part, within the simulation's error."""
    degree, times = 3, 1000
    truth = {}
    large = [world(degree, 50, seed=seed, n_test=20_000)[3] for seed in range(4)]
    for name in ("bias", "variance", "noise"):
        truth[name] = float(np.mean([parts[name] for parts in large]))
    hits = dict.fromkeys(truth, 0)
    for seed in range(times):
        predictions, noisy, at, _ = world(degree, n_members, seed=1000 + seed)
        found = squared_parts(predictions, noisy, at)
        for name, value in truth.items():
            low, high = getattr(found, name).interval()
            hits[name] += low <= value <= high
    least = 0.94 - 2 * np.sqrt(0.94 * 0.06 / times)
    assert all(count / times >= least for count in hits.values()), hits


def test_members_may_have_targets_of_their_own():
    """Noise is then the mean over members; all parts still sum to the error."""
    predictions, _, truth, expected = world(3, 60)
    own = truth + 0.3 * np.random.default_rng(1).normal(size=predictions.shape)
    found = squared_parts(predictions, own, truth)
    assert found.error.estimate == pytest.approx(((predictions - own) ** 2).mean(), abs=1e-12)
    total = found.bias.estimate + found.variance.estimate + found.noise.estimate
    assert total == pytest.approx(found.error.estimate, abs=1e-12)
    assert found.noise.estimate == pytest.approx(expected["noise"], abs=0.005)
    assert found.bias.estimate == squared_parts(predictions, truth, truth).bias.estimate
    with pytest.raises(DataError, match=r"targets must have the shape of the truth or of the predictions; got \(5,\)"):
        squared_parts(predictions, np.ones(5), truth)
    with pytest.raises(DataError, match="for the targets of shape"):
        squared_parts(predictions, own)


def test_what_cannot_be_split_is_refused():
    with pytest.raises(DataError, match=r"at least 3 members for the targets of shape \(5,\); got shape \(2, 5\)"):
        squared_parts(np.ones((2, 5)), np.ones(5))
    with pytest.raises(DataError, match=r"for the targets of shape \(4,\); got shape \(3, 5\)"):
        zero_one_parts(np.ones((3, 5), np.int64), np.ones(4, np.int64))
