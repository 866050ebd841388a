"""The unit of noise: what is frozen is what the flow gives, and every shipped suite finds its own frozen."""

from __future__ import annotations

import json

import numpy as np
import pytest

from optbench.errors import UsageError
from optbench.problems import constants, freeze
from optbench.problems import measured as measuring
from optbench.problems.gradient_flow import SCALES_PATH, follow, frozen_scales, gradient_scale, measured_scale
from optbench.problems.measured import measured
from optbench.problems.noise import Noise
from optbench.problems.problem import Problem
from optbench.suite.parse import load
from tests.suite.conftest import OF_FUNCTIONS

from .shelf import by_name


def test_the_frozen_file_lists_what_freeze_would_write():
    assert list(json.loads(SCALES_PATH.read_text(encoding="utf-8"))) == [p.label for p in freeze.disturbed()]


@pytest.mark.parametrize(("name", "dim"), [("sphere", 10), ("himmelblau", 2)])
def test_recomputed_scales_equal_the_frozen_ones(name, dim):
    problem = Problem(by_name(name), dim, instance=1)
    assert measured_scale(problem) == pytest.approx(frozen_scales()[problem.label], rel=1e-6)
    assert gradient_scale(problem) == frozen_scales()[problem.label]


@pytest.mark.parametrize("label", [label for label in frozen_scales() if label.startswith("sphere")])
def test_the_scale_of_the_sphere_in_closed_form(label):
    """At a gap of r^2 = 1e-2 f_scale the gradient is 2 r."""
    f_scale = constants.frozen()[label].f_scale
    assert frozen_scales()[label] == pytest.approx(2 * np.sqrt(1e-2 * f_scale), rel=1e-4)


@pytest.mark.parametrize("name", ["sphere", "rosenbrock"])
def test_the_flow_ends_at_the_gap(name):
    problem = Problem(by_name(name), 10, instance=1)
    end = follow(problem, problem.starts(0, "tune", 0)[0], until_gap=1e-2)
    assert end.reached
    assert (problem.f(end.x) - problem.f_star) / problem.f_scale == pytest.approx(1e-2, rel=0.01)


def test_a_function_whose_flow_does_not_get_there_has_no_scale():
    with pytest.raises(UsageError) as caught:
        measured_scale(Problem(by_name("rastrigin"), 10))
    assert str(caught.value) == (
        "rastrigin-10d: noise has no level here: gradient flow must reach a relative gap of 0.01 from 8 of 16 tuning "
        "starts, and does from 0; use another problem, or noise of kind multiplicative, delay or drift"
    )


@pytest.mark.parametrize("level", ["1", None, True, -1.0, float("nan")])
def test_a_level_that_is_no_positive_number_is_explained(level):
    with pytest.raises(UsageError, match=f"noise gaussian: level must be a positive number; got {level!r}"):
        Noise("gaussian", level)


def test_shipped_suites_find_their_constants_frozen():
    for name in OF_FUNCTIONS:
        for entry in load(name).spec.problems:
            if entry.noise is None:
                continue
            label = entry.build().noise_free.label
            assert label in constants.frozen()
            if entry.noise.kind in ("gaussian", "student", "quantized"):
                assert label in frozen_scales()


def test_constants_of_sums_do_not_depend_on_the_parts_in_which_they_are_evaluated(monkeypatch):
    problem = Problem(by_name("least_squares"), 10, instance=1)
    again, stored = measured.__wrapped__(problem), constants.frozen()[problem.label]
    assert (again.gap_second, stored.gap_second) == (None, None)
    assert (again.f_scale, again.gap_shell) == pytest.approx((stored.f_scale, stored.gap_shell), rel=1e-8)
    monkeypatch.setattr(measuring, "_TERM_VALUES", 2**19)
    parts = measuring._split(problem.landscape, np.zeros((10_000, 10)))
    asked = [len(part) for part in parts]
    assert sum(asked) == 10_000
    assert max(asked) * 256 <= 2**19
    assert len(measuring._split(by_name("sphere"), np.zeros((10_000, 10)))) == 1
