"""The generated curves against the recipe step by step, and against the package of the paper's author."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from optbench.tasks import data
from optbench.tasks.data import mnist1d

#: Curves of each digit in the comparisons.
N = 1000


#: Of the first curve, so that a change of the generator is not missed: raise its version then.
FIRST = [-0.54728085, -0.3329474, -0.41077903, -0.26332173, 0.38934258]


def test_the_set_has_the_papers_sizes_and_scale():
    found = data.load("mnist1d")
    assert (found.x.shape, found.x.dtype, found.y.dtype, found.n_test) == ((5000, 40, 1), np.float32, np.int32, 1000)
    assert np.bincount(found.y[found.official_test]).tolist() == [100] * 10
    assert found.x.mean(dtype=np.float64) == pytest.approx(0, abs=1e-6)
    assert found.x.std(dtype=np.float64) == pytest.approx(1, abs=1e-6)


def test_a_seed_gives_these_curves_whatever_the_global_seed_is():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    curves, digits = mnist1d.generate()
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
    np.testing.assert_allclose(curves[0, :5, 0], FIRST, atol=1e-5)
    np.testing.assert_array_equal(mnist1d.generate()[0], curves)
    assert digits[:12].tolist() == [*range(10), 0, 1]
    other = mnist1d.generate(seed=1)[0]
    assert abs(np.corrcoef(curves[..., 0].ravel(), other[..., 0].ravel())[0, 1]) < 0.3


def test_templates_start_at_zero_with_a_standard_deviation_of_a_sixth():
    found = mnist1d.templates()
    assert found.shape == (10, 12)
    np.testing.assert_allclose(found[:, 0], 0, atol=1e-15)
    np.testing.assert_allclose(found[:, -1], 0, atol=1e-15)
    np.testing.assert_allclose(found.std(1), 1 / 6, rtol=1e-12)
    # Zero's heights 5, 6, 6.5 ... have the mean 6.5 and the variance 0.4375.
    assert found[0, 1] == pytest.approx((6 - 5) / np.std(mnist1d.TEMPLATES[0]) / 6, rel=1e-12)


@pytest.mark.parametrize("zeros", [36, 47, 60])
def test_padding_and_stretching_are_numpys_interpolation(zeros):
    curves = mnist1d.templates()
    found, drawn = mnist1d._stretched(curves, np.full(10, zeros))
    places = np.linspace(0, 1, 12 + zeros)
    for curve, row in zip(curves, found, strict=True):
        padded = np.concatenate([curve, np.zeros(zeros)])
        np.testing.assert_allclose(row, np.interp(np.linspace(0, 1, 72), places, padded), atol=1e-12)
    assert (found[~drawn] == 0).all()
    # The template takes the 12 first of 12 + zeros points.
    assert drawn[0].mean() == pytest.approx(12 / (12 + zeros), abs=0.02)


def test_correlated_noise_is_smoothed_by_rows():
    noise = mnist1d._correlated(np.random.default_rng(0), 3)
    white = mnist1d.CORRELATED_NOISE * np.random.default_rng(0).standard_normal((3, 72))
    for row, expected in zip(noise, white, strict=True):
        np.testing.assert_allclose(row, gaussian_filter(expected, 2), atol=1e-14)


@pytest.fixture(scope="module")
def original():
    """As many curves of each digit from the author's package, ordered by digit: shape (10, N, 40)."""
    package = pytest.importorskip("mnist1d.data", reason="the package mnist1d is not installed")
    arguments = importlib.import_module("mnist1d.utils").ObjectView(
        {
            **package.get_dataset_args(as_dict=True),
            "num_samples": 10 * N,
            "train_split": 1.0,
        }
    )
    before = np.random.get_state()  # noqa: NPY002  (the package seeds NumPy's global generator)
    found = package.make_dataset(arguments)
    np.random.set_state(before)  # noqa: NPY002
    return np.stack([found["x"][found["y"] == digit] for digit in range(10)])


@pytest.fixture(scope="module")
def ours():
    curves, digits = mnist1d.generate(10 * N, seed=7)
    return np.stack([curves[digits == digit, :, 0] for digit in range(10)]).astype(np.float64)


def distances(a, b):
    """Differences of the means over axis 1 in their standard errors."""
    error = np.sqrt(a.var(1, ddof=1) / a.shape[1] + b.var(1, ddof=1) / b.shape[1])
    return (a.mean(1) - b.mean(1)) / error


def centered(curves):
    return curves - curves.mean(1, keepdims=True)


STATISTICS = {
    "mean": lambda curves: curves,
    "variance": lambda curves: centered(curves) ** 2,
    **{
        f"autocovariance {lag}": (lambda curves, lag=lag: centered(curves)[..., lag:] * centered(curves)[..., :-lag])
        for lag in (1, 2, 4, 8, 16)
    },
    "roughness": lambda curves: np.diff(curves, n=2, axis=2) ** 2,
    "fourth power": lambda curves: centered(curves) ** 4,
    "range": lambda curves: np.ptp(curves, axis=2)[..., None],
    "spread of ranges": lambda curves: centered(np.ptp(curves, axis=2)[..., None]) ** 2,
    "slope": lambda curves: (curves @ np.linspace(-1, 1, 40))[..., None] ** 2,
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", STATISTICS)
def test_every_digit_is_distributed_as_the_packages(original, ours, name):
    found = distances(STATISTICS[name](original), STATISTICS[name](ours))
    # Of some 400 standard normal numbers, in correlated runs of a few.
    assert abs(found).max() < 4.5
    assert 0.5 < np.sqrt(np.mean(found**2)) < 1.5


@pytest.mark.oracle
def test_the_comparison_sees_other_parameters(original, monkeypatch):
    changes = {"CORRELATED_NOISE": 0.28, "SHEAR": 0.65, "TRANSLATION": 44, "SCALE": 0.8, "INDEPENDENT_NOISE": 0.024}
    for name, value in changes.items():
        with monkeypatch.context() as patch:
            patch.setattr(mnist1d, name, value)
            curves, digits = mnist1d.generate(10 * N, seed=7)
        changed = np.stack([curves[digits == digit, :, 0] for digit in range(10)]).astype(np.float64)
        worst = max(
            np.sqrt(np.mean(distances(statistic(original), statistic(changed)) ** 2))
            for statistic in STATISTICS.values()
        )
        assert worst > 1.5, (name, worst)
