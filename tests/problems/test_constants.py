"""f_scale, f_second and f_solved: what is frozen is what their definitions give."""

from __future__ import annotations

import json

import numpy as np
import pytest

from optbench.core.keys import generator
from optbench.problems import freeze
from optbench.problems.constants import PATH, Constants, frozen
from optbench.problems.landscape import Landscape, at, box
from optbench.problems.measured import measured
from optbench.problems.problem import Problem

from .shelf import LANDSCAPES, by_name


def test_freeze_covers_the_catalogue():
    assert freeze.landscapes() == sorted(LANDSCAPES, key=freeze.landscapes().index)


def test_frozen_file_lists_what_freeze_would_write():
    assert list(json.loads(PATH.read_text(encoding="utf-8"))) == [problem.label for problem in freeze.problems()]


@pytest.mark.parametrize(
    ("name", "dim", "instance", "rotated"),
    [
        ("sphere", 2, 0, False),
        ("rosenbrock", 10, 0, False),
        ("saddle", 10, 0, False),
        ("easom", 2, 0, False),
        ("eggholder", 2, 0, False),
        ("ackley", 2, 1, False),
        ("rastrigin", 10, 1, True),
    ],
)
def test_recomputed_constants_equal_the_frozen_ones(name, dim, instance, rotated):
    problem = Problem(by_name(name), dim, instance, rotated)
    again = measured(problem)
    for ours, stored in zip(again, frozen()[problem.label], strict=True):
        assert (ours is None) == (stored is None)
        assert ours is None or ours == pytest.approx(stored, rel=1e-9)


@pytest.mark.slow
def test_freeze_writes_the_same_file_again(tmp_path):
    path = tmp_path / "constants.json"
    freeze.main(path)
    old, new = (json.loads(p.read_text(encoding="utf-8")) for p in (PATH, path))
    assert list(old) == list(new)
    for label, row in old.items():
        assert {k: v for k, v in row.items() if v is not None} == pytest.approx(
            {k: v for k, v in new[label].items() if v is not None}, rel=1e-9
        )


def test_f_scale_is_the_median_gap_of_the_starts():
    problem = Problem(by_name("sphere"), 2, instance=1)
    gaps = [problem.f(problem.starts(9, "report", k)[0]) - problem.f_star for k in range(2000)]
    assert np.median(gaps) == pytest.approx(problem.f_scale, rel=0.1)


def test_f_scale_has_a_stream_of_its_own():
    problem = Problem(by_name("sphere"), 2)
    first = problem.draw_starts(generator("f_scale", problem.label), 1)[0][0]
    assert all(not np.array_equal(first, problem.starts(s, "tune", k)[0]) for s in range(3) for k in range(3))


def test_f_solved_is_the_smallest_of_its_three_parts():
    assert Constants(10.0, 1e-5, None, 1.0).gap_solved == 1e-5
    assert Constants(10.0, 1e-5, 1e-6, 1.0).gap_solved == 1e-6
    assert Constants(10.0, 1e-5, 1e-6, 1e-7).gap_solved == 1e-7


def test_parts_of_f_solved_follow_their_definitions():
    problem = Problem(by_name("rosenbrock"), 10)
    parts = problem.constants
    assert parts.gap_scale == pytest.approx(1e-6 * parts.f_scale, rel=1e-9)
    assert parts.gap_second == pytest.approx(0.1 * (problem.f_second - problem.f_star), rel=1e-9)
    sphere = Problem(by_name("sphere"), 2)
    # On the edge of a square of half-width h the squared distance is h^2 + u^2, u uniform in [-h, h]: median 5/4 h^2.
    assert sphere.constants.gap_shell == pytest.approx(1.25 * (0.01 * 10.24) ** 2, rel=1e-2)


@pytest.mark.parametrize("label", list(frozen()))
def test_f_solved_lies_between_f_star_and_the_second_minimum(label):
    parts = frozen()[label]
    assert 0 < parts.gap_solved <= 1e-6 * parts.f_scale * (1 + 1e-9)
    assert parts.gap_second is None or parts.gap_solved <= parts.gap_second


def test_a_user_landscape_of_a_known_name_gets_its_own_constants():
    own = Landscape(
        name="sphere",
        f=lambda x: 1000.0 * (x * x).sum(),
        bounds=box(-5.12, 5.12),
        x_star=at(0.0),
        formula="1000 sum x_i^2",
        reference="a test",
    )
    ratio = Problem(own, 2).f_scale / Problem(by_name("sphere"), 2).f_scale
    assert ratio == pytest.approx(1000.0, rel=1e-9)
