"""The recorder against slow loops on made-up runs in which everything happens: exact, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from optbench import catalog
from optbench.engine.landscapes.chunks import CHUNK
from optbench.engine.landscapes.operands import Goal
from optbench.engine.landscapes.record import CHUNKS, SEGMENT
from optbench.engine.landscapes.recorder import compile_recorder, schedule
from optbench.engine.landscapes.rows import measured
from optbench.records import DIVERGE_WIDTHS, ESCAPE_WIDTHS, GAP_TARGETS, N_TARGETS, SOLVED
from tests.engine.oracle import judge

WIDTH = 256
SGD = catalog.optimizer("sgd")
GOAL = {"f_star": 0.0, "f_scale": 1.0, "f_solved": 3e-7}


def write_down(values, radii, budget, cuts, f_star=0.0, f_scale=1.0, f_solved=3e-7):
    """Returns the columns of runs whose values and radii are given, recorded in pieces as a program leaves them."""
    recorder = compile_recorder(WIDTH)
    thresholds = np.append(np.array(GAP_TARGETS) * f_scale, f_solved - f_star)
    order = np.argsort(-thresholds, kind="stable")
    goal = Goal(np.float64(f_star), np.float64(f_scale), thresholds[order])
    records, first = recorder.blank, 0
    for n in cuts:
        piece = np.full((SEGMENT, WIDTH), np.nan)
        f, r, lanes = values[first : first + n], radii[first : first + n], values.shape[1]
        piece[:n, :lanes] = np.where(np.isnan(f), np.inf, f)
        piece[:n, lanes:] = 0.5
        rows = piece, leaves(r, ESCAPE_WIDTHS), leaves(r, DIVERGE_WIDTHS), *extremes(piece, n)
        records = recorder.call(records, rows, np.int32(first), np.int32(n), goal, schedule(budget))
        first += n
    assert first == budget + 1
    records = type(records)(*(np.asarray(part) for part in records))
    return measured(records, values.shape[1], budget, SGD, order)


def leaves(radii, widths):
    """Returns the first row that is not within so many widths, as a program leaves it: behind all rows if none is."""
    out = np.ones((len(radii) + 1, WIDTH), bool)
    out[:-1] = False
    out[:-1, : radii.shape[1]] = ~(radii <= widths)
    return out.argmax(axis=0).astype(np.int32)


def extremes(piece, n):
    """Returns the lowest and the highest value of each chunk of ``n`` rows, as a program leaves them."""
    lowest, highest = np.zeros((2, CHUNKS, WIDTH))
    for i, begin in enumerate(range(0, n, CHUNK)):
        rows = piece[begin : min(begin + CHUNK, n)]
        lowest[i], highest[i] = rows.min(axis=0), rows.max(axis=0)
    return lowest, highest


def assert_judged(found, values, radii, budget, **goal):
    for lane in range(values.shape[1]):
        expected = judge(values[:, lane], radii[:, lane], budget, **{**GOAL, **goal})
        for name, value in expected.items():
            assert np.array_equal(found[name][lane], value), (lane, name)


def pieces(total, rng=None):
    """Cuts a run into segments: full ones, or of random lengths."""
    cuts = []
    while sum(cuts) < total:
        n = SEGMENT if rng is None else int(rng.integers(1, SEGMENT + 1))
        cuts.append(min(n, total - sum(cuts)))
    return cuts


def adventures(rng, rows, lanes):
    """Returns descending, jumping values and radii with rare events of every kind."""
    slope = rng.uniform(0.0, 24.0, lanes) / rows
    values = 10.0 ** (1.0 - slope * np.arange(rows)[:, None] + 0.5 * rng.standard_normal((rows, lanes)))
    radii = rng.uniform(0.0, 1.0, (rows, lanes))
    events = [(values, x) for x in (np.nan, np.inf, -np.inf, 2e6, -1e-8, -0.5, -1e-10, 9e5)]
    events += [(radii, x) for x in (np.nan, np.inf, 11.0, 2e3, 9.99)]
    for lane in range(0, lanes, 2):
        for _ in range(rng.integers(1, 4)):
            where, x = events[rng.integers(len(events))]
            begin = rng.integers(rows)
            where[begin : begin + rng.integers(1, 5), lane] = x
    return values, radii


@pytest.mark.parametrize("budget", [1, 2, 5, 9, 10, 63, 64, 65, 127, 128, 511, 512, 513, 2000, 5000])
def test_records_are_what_slow_loops_find(budget):
    rng = np.random.default_rng(budget)
    values, radii = adventures(rng, budget + 1, 120 if budget < 600 else 30)
    found = write_down(values, radii, budget, pieces(budget + 1))
    tail = {"f_tail"} if budget > 2569 else set()
    for lane in range(values.shape[1]):
        expected = judge(values[:, lane], radii[:, lane], budget, **GOAL)
        for name in expected.keys() - tail:
            assert np.array_equal(found[name][lane], expected[name]), (lane, name)
    assert {"ok", "diverged"} == set(found["status"]) or budget < 9
    assert (np.asarray(found["escaped_at"]) > 0).any() or budget < 9


@pytest.mark.parametrize("seed", range(3))
def test_where_segments_are_cut_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    values, radii = adventures(rng, 1001, 40)
    found = write_down(values, radii, 1000, pieces(1001, rng))
    assert_judged(found, values, radii, 1000)


def test_padding_repeats_no_event():
    """Rows beyond ``n`` hold rubbish (NaN here), and lanes in the same chunk see none of it."""
    values, radii = np.full((CHUNK + 3, 4), 0.5), np.zeros((CHUNK + 3, 4))
    found = write_down(values, radii, CHUNK + 2, [CHUNK + 3])
    assert found["status"] == ["ok"] * 4
    assert_judged(found, values, radii, CHUNK + 2)


@pytest.mark.parametrize(("at", "row"), [(0, 0), (1, 1), (63, 63), (64, 64), (511, 511), (512, 512), (600, 600)])
def test_a_hit_counts_at_the_very_step(at, row):
    values = np.full((601, 1), 10.0)
    values[at] = 1e-12
    found = write_down(values, np.zeros_like(values), 600, pieces(601))
    assert found["hits"].tolist() == [[row] * N_TARGETS]
    assert found["f_best"].tolist() == [1e-12]


@pytest.mark.parametrize(
    ("f", "radius", "escaped", "diverged"),
    [
        (1e6, 0.0, -1, -1),
        (np.nextafter(1e6, 2e6), 0.0, -1, 2),
        (1.0, 10.0, -1, -1),
        (1.0, np.nextafter(10.0, 11.0), 2, -1),
        (1.0, 1e3, 2, -1),
        (1.0, np.nextafter(1e3, 2e3), -1, 2),
        (-1e-9, 0.0, -1, -1),
        (np.nextafter(-1e-9, -1.0), 0.0, 2, -1),
        (-np.inf, 0.0, -1, 2),
        (np.inf, 0.0, -1, 2),
        (np.nan, 0.0, -1, 2),
        (1.0, np.nan, -1, 2),
        (1.0, np.inf, -1, 2),
    ],
)
def test_bounds_of_the_protocol_hold_to_the_last_bit(f, radius, escaped, diverged):
    values, radii = np.full((6, 1), 1.0), np.zeros((6, 1))
    values[2], radii[2] = f, radius
    found = write_down(values, radii, 5, [6])
    assert (int(found["escaped_at"][0]), int(found["diverged_at"][0])) == (escaped, diverged)


@pytest.mark.parametrize("target", [0, 1, 25, 49])
def test_a_target_is_met_by_a_value_that_equals_it(target):
    values = np.full((3, 2), 10.0)
    values[1] = GAP_TARGETS[target], np.nextafter(GAP_TARGETS[target], 1.0)
    found = write_down(values, np.zeros_like(values), 2, [3])
    assert found["hits"][:, target].tolist() == [1, -1]
    assert (found["hits"][:, :target] == 1).all()


@pytest.mark.parametrize("solved", [0.5, 1e-3, 2e-7, 1e-12])
def test_f_solved_is_the_last_target_wherever_it_stands(solved):
    values = np.full((4, 1), 10.0)
    values[2], values[3] = solved * 1.01, solved * 0.99
    found = write_down(values, np.zeros_like(values), 3, [4], f_solved=solved)
    assert int(found["hits"][0, SOLVED]) == 3
    assert_judged(found, values, np.zeros_like(values), 3, f_solved=solved)


def test_offset_and_scale_move_every_bound():
    rng = np.random.default_rng(7)
    values, radii = adventures(rng, 201, 100)
    # Powers of two and few digits, so that the moved values are exact enough to cross the same targets.
    found = write_down(
        512.0 * values - 64.0, radii, 200, [201], f_star=-64.0, f_scale=512.0, f_solved=-64.0 + 512 * 3e-7
    )
    plain = write_down(values, radii, 200, [201])
    for name in ("diverged_at", "cost"):
        assert np.array_equal(found[name], plain[name])
    assert np.array_equal(found["hits"][:, :25], plain["hits"][:, :25])
    assert (found["hits"][:, :25] > 0).any()


def test_a_frozen_lane_shares_its_chunk_with_living_ones():
    values, radii = np.full((300, 3), 2.0), np.zeros((300, 3))
    values[70, 0], values[71:, 0] = np.nan, 1e-12
    values[200, 1] = 1e-3
    values[150, 2] = -1.0
    found = write_down(values, radii, 299, [300])
    assert found["diverged_at"].tolist() == [70, -1, -1]
    assert found["escaped_at"].tolist() == [-1, -1, 150]
    assert found["f_best"].tolist() == [2.0, 1e-3, -1.0]
    assert found["f_last"].tolist() == [2.0, 2.0, 2.0]
    assert (found["hits"][0] == -1).all()
    assert_judged(found, values, radii, 299)
