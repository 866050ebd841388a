"""The engine's runs on quadratics agree with theory to 1 %: rates, edges of stability, stationary losses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import optbench as ob
from optbench.analysis.quadratics import measured_rates
from optbench.analysis.quadratics.measured_rates import EDGES, RATES, analyze_theory, interval, rounding

#: Rates from 0.8 to 1.05 of the edge, 1.2 % apart.
SWEEP = "sweep = {{ lr = {{ low = {low}, high = {high}, points = 24 }} }}"
ENTRIES = (("sgd", None, 2.0), ("momentum", 0.67, 3.34), ("nag", 0.79, 2 * 1.79 / 2.58))
SUITE = """
name = "rates"
version = 1
question = "Do the engine's runs agree with theory?"
units = "{units}"
budget = 2000
seed = 1
starts = {{ tune = 1, report = 15 }}
noise_seeds = 4
"""


def suite(units="raw", scale=1.0, problem="dim = 3\nparameters = { condition = 20.0 }"):
    text = SUITE.format(units=units)
    for name, beta, border in ENTRIES:
        text += f'\n[[optimizers]]\nname = "{name}"\n' + (f"hyper = {{ beta = {beta} }}\n" if beta else "")
        text += SWEEP.format(low=0.8 * border * scale, high=1.05 * border * scale) + "\n"
    for noise in ("", 'noise = { kind = "gaussian", level = 1.0 }\n'):
        text += f'\n[[problems]]\nname = "unit_quadratic"\n{problem}\n{noise}'
    return text


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("theory")
    (folder / "rates.toml").write_text(suite(), encoding="utf-8")
    return ob.run(str(folder / "rates.toml"), out=folder)


@pytest.fixture(scope="module")
def found(run):
    return analyze_theory(run.runs, run.manifest)


def test_measured_rates_match_the_spectral_radius_to_1_percent(found):
    rates = found.theory_rates
    assert tuple(rates.columns) == RATES
    settled = rates[rates["rate_error"].notna()]
    assert set(settled["optimizer"]) == {"sgd", "momentum[beta=0.67]", "nag[beta=0.79]"}
    assert settled.groupby("optimizer").size().min() >= 15
    assert settled["rate_error"].abs().max() < 0.01
    # Over the grid there is something to predict: near the edge steps count for a tenth as much.
    assert np.log(settled["radius"]).min() < 5 * np.log(settled["radius"]).max()


def test_divergence_sets_in_at_the_predicted_edge_to_1_percent(found):
    edges = found.theory_edges.set_index("optimizer")
    assert tuple(found.theory_edges.columns) == EDGES
    for (name, beta, _), label in zip(ENTRIES, ("sgd", "momentum[beta=0.67]", "nag[beta=0.79]"), strict=True):
        b = beta or 0.0
        # The literature's edges, written once more: L = 1.
        expected = {"sgd": 2.0, "momentum": 2 * (1 + b), "nag": 2 * (1 + b) / (1 + 2 * b)}[name]
        row = edges.loc[label]
        assert row["edge_low"] < expected < row["edge_high"]
        assert abs(row["edge_measured"] / expected - 1.0) < 0.01
        assert abs(row["edge_error"]) < 0.01


def test_stationary_losses_lie_around_the_predicted_one(found):
    edges = found.theory_edges
    assert (edges["n_excess"] >= 18).all()
    half = (edges["excess_ratio_high"] - edges["excess_ratio_low"]) / 2
    assert (half < 0.1).all()
    assert ((edges["excess_ratio"] - 1.0).abs() < half).all()
    rates = found.theory_rates[found.theory_rates["excess"].notna()]
    inside = (rates["excess_low"] <= rates["excess"]) & (rates["excess"] <= rates["excess_high"])
    assert inside.mean() > 0.8


def test_order_of_rows_does_not_matter(run, found):
    again = analyze_theory(run.runs.sample(frac=1.0, random_state=1), run.manifest)
    pd.testing.assert_frame_equal(again.theory_rates, found.theory_rates, check_exact=True)
    pd.testing.assert_frame_equal(again.theory_edges, found.theory_edges, check_exact=True)


@pytest.mark.slow
def test_normalized_units_and_instances_lead_to_the_same_numbers(tmp_path, found):
    problem = ob.problem("unit_quadratic", dim=3, instance=2, rotated=True, condition=20.0)
    entry = "dim = 3\ninstance = 2\nrotated = true\nparameters = { condition = 20.0 }"
    (tmp_path / "other.toml").write_text(suite("normalized", problem.f_scale, entry), encoding="utf-8")
    done = ob.run(str(tmp_path / "other.toml"), out=tmp_path)
    edges = analyze_theory(done.runs, done.manifest).theory_edges
    assert np.allclose(edges["edge"], found.theory_edges["edge"] * problem.f_scale)
    assert (edges["edge_error"].abs() < 0.01).all()
    # An offset leaves 14 decades above rounding. Momentum's complex roots make its losses oscillate, and within these
    # its slope does not settle on any instance: it then has no rate rather than a wrong one.
    rates = edges.set_index("optimizer")[["n_rates", "rate_error"]]
    oscillating = rates.index == "momentum[beta=0.67]"
    assert (rates["n_rates"][~oscillating] > 0).all()
    assert (rates["rate_error"][~oscillating].abs() < 0.03).all()
    assert rates[oscillating].to_numpy().tolist() == [[0.0, pytest.approx(np.nan, nan_ok=True)]]
    half = (edges["excess_ratio_high"] - edges["excess_ratio_low"]) / 2
    assert ((edges["excess_ratio"] - 1.0).abs() < 1.5 * half).all()


def test_rows_of_other_rules_and_functions_are_left_out(run):
    manifest = {**run.manifest, "optimizers": {label: {"name": "adam"} for label in run.manifest["optimizers"]}}
    assert analyze_theory(run.runs, manifest).theory_edges.empty
    unknown = {label: {**facts, "spectrum": None} for label, facts in run.manifest["problems"].items()}
    assert analyze_theory(run.runs, {**run.manifest, "problems": unknown}).theory_rates.empty


def test_rows_whose_curves_were_left_out_have_nothing_to_measure(run):
    """As the committed rows of a canonical run: every figure of it can be drawn."""
    bare = run.runs.assign(curve_f=[[]] * len(run.runs), curve_best=[[]] * len(run.runs))
    left_out = analyze_theory(bare, {**run.manifest, "curves": "left out"})
    assert left_out.theory_rates.empty
    assert left_out.theory_edges.empty


def test_a_wrong_prediction_is_found_out(run, monkeypatch):
    # What theory would say if Nesterov's method were heavy ball.
    monkeypatch.setattr(measured_rates, "LOOKS_AHEAD", {"sgd": 0.0, "momentum": 0.0, "nag": 0.0})
    from optbench.analysis.quadratics import theory

    monkeypatch.setattr(theory, "LOOKS_AHEAD", {"sgd": 0.0, "momentum": 0.0, "nag": 0.0})
    wrong = analyze_theory(run.runs, run.manifest).theory_edges.set_index("optimizer").loc["nag[beta=0.79]"]
    assert abs(wrong["edge_error"]) > 0.3
    assert abs(wrong["rate_error"]) > 0.05
    assert not wrong["excess_ratio_low"] < 1.0 < wrong["excess_ratio_high"]


def test_student_interval_of_a_mean():
    low, high = interval(np.array([[1.0, 2.0, 3.0, 4.0]]))
    # t_{0.975, 3} = 3.182446.
    assert high[0] - 2.5 == pytest.approx(3.182446 * np.sqrt(5 / 3) / 2, rel=2e-3)
    assert low[0] + high[0] == pytest.approx(5.0)
    assert np.isnan(interval(np.array([[1.0]]))).all()


def test_rounding_begins_at_underflow_only_for_a_minimum_of_0_at_the_origin():
    plain = {"f_star": 0.0, "f_scale": 3.0, "x_star": [[0.0, 0.0]], "center": [0.0, 0.0]}
    assert rounding(plain) == pytest.approx(3e-280)
    assert 1e-26 < rounding({**plain, "x_star": [[1.0, 0.0]]}) < 1e-22
    assert 1e-12 < rounding({**plain, "f_star": 8.0}) < 1e-11
