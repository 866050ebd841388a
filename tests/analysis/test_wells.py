"""Sharp or flat: pooled starts, odds against gradient flow, exits, and what may be called a preference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from optbench.analysis.statistics.intervals import mean_interval, wilson
from optbench.analysis.wells import equal_loss
from optbench.analysis.wells.equal_loss import LOSS, control_of, matches, nearest_rate
from optbench.analysis.wells.shares import (
    Odds,
    deeper_well,
    exit_costs,
    odds_ratio,
    share_interval,
    verdict,
    wells,
)
from optbench.records import FLAT, NEITHER, SHARP

COSTS = [10, 100, 1000]
RATES = (0.01, 0.1, 1.0)
WELL, CONTROL = "w-2d~batch=1", "c-2d~batch=1"


def problem(name, *, batch=1, dim=2, wells=None, **parameters):
    return {
        "name": name, "dim": dim, "instance": 0, "f_star": -1.0, "noise": {"kind": "batch", "level": batch},
        "parameters": {"curvature": 1.0, "noise": 2.0, "curvature_noise": 1.0, **parameters}, "wells": wells,
    }  # fmt: skip


def manifest(sharp=-1.0, flat=-1.0):
    both = {"sharp": sharp, "flat": flat, "control": "c"}
    return {
        "snapshots": COSTS,
        "problems": {WELL: problem("w", wells=both, ratio=10.0), CONTROL: problem("c")},
    }


def row(label, rate, start, codes, *, split="report", seed=0, f_tail=-0.9, status="ok", optimizer="sgd"):
    return {
        "problem": label, "optimizer": optimizer, "config": RATES.index(rate), "swept": "lr", "swept_value": rate,
        "split": split, "start": start, "noise_seed": seed, "status": status, "f_tail": f_tail,
        "wells": np.array(codes, np.int32),
    }  # fmt: skip


def frame(*, codes, excess=(0.001, LOSS, 10.0), starts=8, seeds=2):
    """Rows of one rule: ``codes(rate, start, seed)`` on the wells, ``excess`` by rate on the control."""
    rows = [
        row(WELL, rate, start, codes(rate, start, seed), split=split, seed=seed)
        for split in ("tune", "report")
        for rate in RATES
        for start in range(starts)
        for seed in range(seeds)
    ]
    for rate, loss in zip(RATES, excess, strict=True):
        rows += [row(CONTROL, rate, s, [], split="tune", seed=k, f_tail=loss - 1.0) for s in (0, 1) for k in range(2)]
        # What the control shows on reported starts must not matter.
        rows += [row(CONTROL, rate, s, [], f_tail=LOSS / rate - 1.0) for s in range(starts)]
    return pd.DataFrame(rows)


def start_of(start):
    return SHARP if start % 2 else FLAT


def test_outcomes_are_pooled_within_a_start():
    """From the sharp well seed 0 leaves at the second snapshot and seed 1 never."""

    def codes(rate, start, seed):
        began = start_of(start)
        return [began, began, FLAT if began == FLAT or seed == 0 else SHARP, FLAT if began == FLAT else -seed]

    found = wells(frame(codes=codes), manifest()).set_index(["config", "cost"])
    assert len(found) == 9
    first, second, third = (found.loc[(1, cost)] for cost in COSTS)
    assert (first.flat_share, second.flat_share, third.flat_share) == (0.5, 0.75, 0.5)
    shares = np.array([1.0, 0.5] * 4)
    assert (second.flat_low, second.flat_high) == pytest.approx([float(end) for end in mean_interval(shares)])
    assert (second.n_starts, second.n_runs, second.flow_share) == (8, 16, 0.5)
    assert second.odds_ratio == pytest.approx(odds_ratio(shares, np.array([1.0, 0.0] * 4)).ratio)
    assert third.neither_share == 0.25
    assert (second.exit_starts, second.exit_share) == (4, 1.0)
    # Seed 0 left at 100, seed 1 at 1000 (for neither well): the median within the start, then over starts.
    assert second.exit_cost == 550.0


def test_more_seeds_are_no_more_evidence():
    """The same outcome under every seed: eight seeds leave the interval of the odds as wide as one."""
    shares = {k: wells(frame(codes=lambda r, s, _: [start_of(s)] + [FLAT] * 3, seeds=k), manifest()) for k in (1, 8)}
    one, eight = (found[["odds_ratio", "odds_low", "odds_high"]].to_numpy(float) for found in shares.values())
    np.testing.assert_array_equal(one, eight)
    assert eight[0, 1] < 3.0


def test_wilson_is_for_one_run_a_start():
    shares = np.array([1.0, 1.0, 0.0, 1.0])
    assert share_interval(shares, single=True) == wilson(3, 4)
    assert share_interval(shares, single=False) == pytest.approx([float(end) for end in mean_interval(shares)])


def test_only_reported_starts_are_outcomes():
    rows = frame(codes=lambda rate, start, seed: [start_of(start)] + [SHARP] * 3)
    changed = rows["split"].eq("tune") & rows["problem"].eq(WELL)
    rows.loc[changed, "wells"] = pd.Series([np.full(4, FLAT, np.int32)] * int(changed.sum()), rows.index[changed])
    assert (wells(rows, manifest())["flat_share"] == 0).all()


def test_optimizers_are_matched_on_tuning_starts_of_the_control():
    found = matches(frame(codes=lambda *_: [0] * 4), manifest())
    assert list(found) == [(WELL, "sgd")]
    match = found[WELL, "sgd"]
    assert (match.value, match.is_close) == (0.1, True)
    assert match.achieved == pytest.approx(LOSS)
    table = wells(frame(codes=lambda *_: [0] * 4), manifest())
    assert set(table.loc[table["matched"], "swept_value"]) == {0.1}
    far = wells(frame(codes=lambda *_: [0] * 4, excess=(1e-9, 1e-8, np.inf)), manifest())
    assert not far["matched"].any()
    assert far["excess"].notna().all()


def test_diverged_runs_on_the_control_have_infinite_loss():
    rows = frame(codes=lambda *_: [0] * 4, excess=(0.01, 0.05, 0.09))
    bad = rows["problem"].eq(CONTROL) & rows["swept_value"].eq(1.0)
    rows.loc[bad, "status"] = "diverged"
    assert matches(rows, manifest())[WELL, "sgd"].excess.tolist() == pytest.approx([0.01, 0.05, np.inf])


def test_the_control_is_that_of_the_same_noise_and_dimension():
    both = {"sharp": -1.0, "flat": -1.0, "control": "c"}
    problems = {
        "w": problem("w", wells=both, ratio=10.0),
        "other batch": problem("c", batch=8),
        "other dimension": problem("c", dim=10),
        "other noise": problem("c", noise=3.0),
        "sharp": problem("c", curvature=10.0),
        "other kind": problem("d"),
    }
    assert control_of("w", problems) is None
    assert control_of("w", {**problems, "right": problem("c")}) == "right"
    # A user's own wells may have other parameters, or none.
    bare = {"w": {**problems["w"], "parameters": {}}, "right": {**problem("c"), "parameters": {}}}
    assert control_of("w", bare) == "right"


@pytest.mark.parametrize(
    ("excess", "at"),
    [
        ([5.0, 0.01, 0.2, np.inf], 2),  # the middle between 0.01 and 0.2 in logarithms is 0.045
        ([5.0, 0.01, 0.9, np.inf], 2),
        ([5.0, 0.01, 2.0, np.inf], 1),
        ([5.0, 0.01, 0.5, 0.9], 2),
        ([0.1, 0.01, 0.02, 0.03], 3),  # the slow side meets the loss too, and does not count
        ([5.0, 1e-30, 1e-20, np.inf], 2),
        ([5.0, 3.0, 4.0, np.inf], 1),
        ([np.inf] * 4, 0),
    ],
)
def test_the_rate_of_a_given_loss(excess, at):
    assert nearest_rate(np.array([0.001, 0.01, 0.1, 1.0]), np.array(excess), 0.1) == at


def test_runs_that_leave_are_timed_by_the_first_snapshot_elsewhere():
    codes = np.array([[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, NEITHER, 0], [0, 0, 0, 1], [1, 0, 1, 0], [NEITHER, 0, 0, 0]])
    np.testing.assert_array_equal(exit_costs(codes, COSTS), [np.inf, 10, 100, 1000, np.nan, np.nan])


@pytest.mark.parametrize("deeper", ["flat", "equal", "sharp"])
def test_a_preference_is_never_for_the_deeper_well(deeper):
    depths = {"flat": (-1.0, -1.5), "equal": (-1.0, -1.0), "sharp": (-1.5, -1.0)}[deeper]
    assert deeper_well(*depths) == deeper
    for ends, word in ((FLAT, "flat"), (SHARP, "sharp")):
        rows = frame(codes=lambda r, s, k, e=ends: [start_of(s)] + [e] * 3, starts=32)
        (said,) = set(wells(rows, manifest(*depths))["verdict"])
        assert said == ("goes to the deeper" if deeper == word else f"prefers {word}")


def test_less_flat_is_not_more_sharp():
    """Runs that end in neither well prefer none, however few of them are flat."""
    rows = frame(codes=lambda r, s, k: [start_of(s), start_of(s), start_of(s), NEITHER], starts=32)
    last = wells(rows, manifest())
    assert set(last.loc[last["cost"] == 1000, "verdict"]) == {"not shown"}
    assert set(last.loc[last["cost"] == 100, "verdict"]) == {"not shown"}
    assert (last.loc[last["cost"] == 1000, "odds_high"] < 1).all()


def test_an_interval_that_reaches_1_shows_nothing():
    assert verdict(Odds(3.0, 1.0, 9.0), Odds(0.3, 0.1, 1.0), "sharp") == "not shown"


def test_basin_volume_is_no_preference():
    """Nine of ten starts drain flat, and so do the runs: no preference, and none where flow has one end only."""
    rows = frame(codes=lambda r, s, k: [FLAT if s % 10 else SHARP] + [FLAT if s % 10 else SHARP] * 3, starts=40)
    found = wells(rows, manifest())
    assert set(found["verdict"]) == {"not shown"}
    assert (found["flat_share"] == 0.9).all()
    assert found["odds_ratio"].tolist() == pytest.approx([1.0] * len(found))
    nothing = wells(frame(codes=lambda r, s, k: [FLAT] * 4, starts=40), manifest())
    assert nothing["odds_ratio"].isna().all()
    assert set(nothing["verdict"]) == {"not shown"}


def test_the_odds_ratio_by_hand():
    runs, flow = np.array([1.0, 1.0, 0.5, 0.0, 1.0, 1.0]), np.array([1.0, 0.0, 0.0, 0.0, 1.0, 0.0])
    p, q = 5.5 / 8, 3.0 / 8
    found = odds_ratio(runs, flow)
    assert found.ratio == pytest.approx(p / (1 - p) / (q / (1 - q)))
    assert 0 < found.low < found.ratio < found.high < np.inf
    assert odds_ratio(np.ones(6), flow).high == np.inf
    assert odds_ratio(np.zeros(6), flow).low == 0.0


@pytest.mark.parametrize(("stays", "leaves"), [(0.95, 0.3), (0.9, 0.6), (0.99, 0.05), (0.7, 0.7)])
@pytest.mark.parametrize("seeds", [1, 4])
def test_the_interval_covers(stays, leaves, seeds):
    """24 starts, half of them flat; a start has a chance of its own, about which its seeds scatter."""
    rng = np.random.default_rng(5)
    truth = (0.5 * stays + 0.5 * leaves) / (1 - 0.5 * stays - 0.5 * leaves)
    held, trials = 0, 1500
    for _ in range(trials):
        flow = (rng.random(24) < 0.5).astype(float)
        if flow.all() or not flow.any():
            continue
        chance = np.where(flow == 1, stays, leaves)
        chance = rng.beta(8 * chance, 8 * (1 - chance))
        runs = rng.binomial(seeds, chance) / seeds
        found = odds_ratio(runs, flow)
        held += found.low <= truth <= found.high
    assert held / trials >= 0.94


def test_a_run_without_snapshots_or_wells_has_no_outcomes():
    rows = frame(codes=lambda *_: [0] * 4)
    assert wells(rows, {**manifest(), "snapshots": []}).empty
    assert wells(rows[rows["problem"] == CONTROL], manifest()).empty
    assert equal_loss.matches(rows, {"problems": {}}) == {}
