"""Eigenvalues that landscapes state are those of their Hessian, and the manifest's noise is the engine's."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from optbench.engine.landscapes.disturb import Streams, room_for
from optbench.problems import spectrum
from optbench.problems.noise import Noise
from optbench.problems.problem import Problem

from .shelf import LANDSCAPES, by_name

KNOWN = [landscape for landscape in LANDSCAPES if landscape.eigenvalues is not None]


def test_the_suite_of_the_theory_has_its_landscape():
    assert {"sphere", "ellipsoid", "unit_quadratic"} <= {landscape.name for landscape in KNOWN}


@pytest.mark.parametrize(("instance", "rotated"), [(0, False), (2, True)])
@pytest.mark.parametrize("landscape", KNOWN, ids=lambda landscape: landscape.name)
def test_eigenvalues_are_those_of_the_hessian(landscape, instance, rotated):
    parameters = dict.fromkeys(landscape.parameters, 37.0)
    problem = Problem(landscape, 5, instance, rotated, parameters)
    exact = np.linalg.eigvalsh(np.asarray(jax.hessian(problem.f)(np.full(5, 0.3))))
    summary = spectrum.summary(problem)
    assert summary is not None
    np.testing.assert_allclose(summary["eigenvalues"], exact, rtol=1e-12)
    assert "quadratic" in landscape.tags
    assert summary == problem.summary()["spectrum"]


def test_spread_is_what_rules_see():
    noisy = Problem(by_name("unit_quadratic"), 3, noise=Noise("gaussian", 2.0))
    summary = spectrum.summary(noisy)
    assert summary is not None
    streams = Streams(noisy, "raw", 0, (("report", 0, 0),), room_for([noisy], 1, 1), (0,))
    seen = streams.segment(0, 1)
    assert summary["noise_spread"] == pytest.approx(float(seen.amount))
    assert np.asarray(seen.table).std() == pytest.approx(1.0, abs=0.05)


def test_other_functions_and_other_noise_have_no_theory():
    assert spectrum.summary(Problem(by_name("rosenbrock"), 2)) is None
    student = spectrum.summary(Problem(by_name("sphere"), 2, noise=Noise("student", 1.0)))
    assert student is not None
    assert student["noise_spread"] is None
