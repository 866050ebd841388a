"""What of a path is drawn boldly, and where its arrowheads sit."""

from __future__ import annotations

import numpy as np

from optbench.report.figures.landscapes.strokes import APART, BOLD, FAR, LEAP, arrows, finite, strokes


def line(n, step):
    return np.stack([0.01 + step * np.arange(n), np.full(n, 0.5)], axis=1)


def test_a_short_path_is_one_bold_stroke_from_end_to_end():
    way = line(80, 0.01)
    (part,) = strokes(way)
    assert part.is_bold
    assert part.points[[0, -1]].tolist() == way[[0, -1]].tolist()


def test_small_steps_are_drawn_as_one_and_the_end_is_kept():
    way = np.concatenate([line(50, 0.01), line(50, 0.01)[-1] + 1e-5 * np.arange(1, 2000)[:, None]])
    (part,) = strokes(way)
    assert len(part.points) < 60
    assert np.array_equal(part.points[-1], way[-1])


def test_what_wanders_on_is_faint():
    rng = np.random.default_rng(0)
    way = np.clip(0.5 + np.cumsum(rng.normal(0, 0.02, (1000, 2)), axis=0), 0, 1)
    bold, faint = strokes(way)
    assert (bold.is_bold, faint.is_bold) == (True, False)
    length = np.linalg.norm(np.diff(bold.points, axis=0), axis=1).sum()
    assert BOLD <= length <= BOLD + 0.2
    assert np.array_equal(bold.points[-1], faint.points[0])


def test_a_leap_is_faint():
    way = np.array([[0.1, 0.1], [0.2, 0.1], [0.3 + LEAP, 0.1], [0.2 + LEAP, 0.1]])
    assert [part.is_bold for part in strokes(way)] == [True, False, True]


def test_a_single_point_has_no_stroke_and_no_arrow():
    point = np.array([[0.5, 0.5]])
    assert strokes(point) == []
    assert arrows(point, np.array([0])) == []


def test_arrows_point_along_the_path_at_powers_of_three_and_ten():
    way = np.stack([np.full(61, 0.5), 0.02 + 0.015 * np.arange(61)], axis=1)
    found = arrows(way, np.arange(61))
    assert [round(float(arrow.point[1]), 6) for arrow in found] == [0.17, 0.47]
    assert [arrow.degrees for arrow in found] == [0.0, 0.0]
    assert [arrow.degrees for arrow in arrows(way[:, ::-1], np.arange(61))] == [-90.0, -90.0]


def test_arrows_keep_apart_and_stay_in_the_panel():
    way = line(200, 0.02)
    found = [arrow.point for arrow in arrows(way, np.arange(200))]
    assert found
    assert all(0 <= value <= 1 for point in found for value in point)
    for i, point in enumerate(found):
        assert all(np.linalg.norm(point - other) >= APART for other in [way[0], way[-1], *found[:i]])


def test_a_path_ends_where_it_is_no_point_and_stays_near_enough_to_be_drawn():
    way = np.array([[0.0, 0.0], [1e300, 0.0], [np.nan, 0.0], [0.5, 0.5]])
    assert finite(way).tolist() == [[0.0, 0.0], [FAR, 0.0]]
