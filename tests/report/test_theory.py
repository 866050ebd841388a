"""Table and figure of theory beside measurement, from frames whose numbers are made up."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from optbench.analysis.quadratics.measured_rates import EDGES, RATES
from optbench.report.evidence import Evidence
from optbench.report.figures import draw
from optbench.report.figures.landscapes import theory
from optbench.report.tables import render
from optbench.report.tables.landscapes import theory as theory_table

RULES = ("sgd", "momentum[beta=0.5]", "nag[beta=0.5]", "nag[beta=0.9]")
CONDITIONS = (10.0, 1000.0, 100.0)


def label(condition):
    return f"unit_quadratic-2d[condition={condition:g}]"


@pytest.fixture
def evidence(tmp_path):
    problems = {
        label(c): {"label": label(c), "dim": 2, "spectrum": {"eigenvalues": [1 / c, 1.0], "noise_spread": 0.0}}
        for c in CONDITIONS
    }
    manifest = {"problems": problems, "units": "raw", "suite": {"name": "theory", "version": 1}, "run_id": "0" * 12}
    runs = pd.DataFrame({"status": ["ok"], "problem": [label(10.0)], "optimizer": ["sgd"]})
    rates, edges = [], []
    for c in CONDITIONS:
        for rule in RULES:
            for lr in (0.01, 1.0, 1.5, 1.9, 2.1):
                stable = lr < 2.0
                error = 0.001 if stable and lr > 0.5 else np.nan
                radius = 1 - lr / c if stable else 1.1
                loss = lr / c if stable else np.nan
                values = (label(c), rule, lr, 0.5, 2.0, radius, radius ** (1 + error), error, not stable, "noise")
                rates.append((*values, loss, loss * 1.02, loss * 0.9, loss * 1.1))
            last = rule == "nag[beta=0.9]"
            ends = (1.9, 2.1, 1.998, -0.001) if not last else (1.9, np.nan, np.nan, np.nan)
            best = (1.9, 0.9, 0.9001, -0.00123, 3, 0.00456) if not last else (1.9, 0.9, np.nan, np.nan, 0, np.nan)
            ratio = (4, 1.02, 0.9 if rule != "sgd" else 1.01, 1.1)
            edges.append((label(c), rule, 2, 0.5, 2.0, *ends, *best, "noise", *ratio))
    frames = {"theory_rates": pd.DataFrame(rates, columns=RATES), "theory_edges": pd.DataFrame(edges, columns=EDGES)}
    run = SimpleNamespace(runs=runs, manifest=manifest | {"n_cells": 1}, path=tmp_path)
    return Evidence(run, frames)


def test_table_shows_theory_beside_measurement(evidence):
    text = render(evidence, "theory", "terminal", width=180)
    blocks = [line.strip() for line in text.splitlines() if line.startswith("unit_quadratic")]
    assert blocks == [label(c) for c in sorted(CONDITIONS)]
    row = next(line for line in text.splitlines() if line.strip().startswith("momentum"))
    for part in ("2.000", "1.998 [1.900, 2.100]", "-0.10 %", "0.90000", "0.90010", "-0.12 %", "+0.46 %", "1.02 [0.900"):
        assert part in row
    assert "hold 1 in 9 of 12" in " ".join(text.split())
    assert "Largest error of an edge -0.10 %, of a rate +0.46 %" in " ".join(text.split())


def test_table_says_what_was_not_measured(evidence):
    text = render(evidence, "theory", "terminal", width=180)
    row = next(line for line in text.splitlines() if line.strip().startswith("nag[beta=0.9]"))
    assert row.count("n/a") >= 4


def test_the_order_of_rows_does_not_choose_between_errors_that_differ_in_sign(evidence):
    edges = evidence.frame("theory_edges").dropna().copy()
    edges["rate_error"] = np.where(np.arange(len(edges)) % 2, 0.01, -0.01)
    for frame in (edges, edges.iloc[1:], edges.iloc[::-1]):
        some = Evidence(evidence.run, {"theory_edges": frame})
        assert "of a rate +1.00 %" in " ".join(render(some, "theory", "terminal", width=180).split())


def test_machine_formats_hold_every_column(evidence):
    records = json.loads(render(evidence, "theory", "json"))["rows"]
    assert len(records) == 12
    assert set(EDGES) <= set(records[0])
    assert render(evidence, "theory", "csv").count(label(10.0)) >= 4


def test_a_run_without_quadratics_says_so(evidence):
    frames = {"theory_rates": pd.DataFrame(columns=RATES), "theory_edges": pd.DataFrame(columns=EDGES)}
    empty = Evidence(evidence.run, frames)
    assert "none ran" in render(empty, "theory", "markdown")
    assert theory.draw(empty, "tuned") == []


def test_figure_has_rates_above_losses_and_a_column_per_condition(evidence):
    (figure,) = theory.draw(evidence, "tuned")
    axes = figure.axes
    assert [ax.get_title(loc="left") for ax in axes[:3]] == ["condition 10", "condition 100", "condition 1,000"]
    assert len(axes) == 6
    # Every rule: a line, its marks, its predicted edge and where runs begin to diverge.
    lines = axes[0].get_lines()
    assert len(lines) == 4 * len(RULES)
    assert lines[0].get_xdata().tolist() == [1.0, 1.5, 1.9]
    np.testing.assert_allclose(lines[0].get_ydata(), -np.log([0.9, 0.85, 0.81]))
    np.testing.assert_allclose(lines[1].get_ydata(), -1.001 * np.log([0.9, 0.85, 0.81]))
    assert lines[2].get_xdata() == [2.0, 2.0]
    assert lines[3].get_xdata().tolist() == [1.9, 2.1]
    assert axes[3].get_ylabel() == "stationary loss"


def test_a_grid_that_ends_far_below_the_edge_has_its_line(evidence):
    rates = evidence.frame("theory_rates").assign(edge=1e4)
    some = Evidence(evidence.run, {"theory_rates": rates, "theory_edges": evidence.frame("theory_edges")})
    (figure,) = theory.draw(some, "tuned")
    assert all(len(ax.get_lines()[0].get_xdata()) >= 3 for ax in figure.axes[:3])


def test_a_grid_that_steps_over_the_edge_has_what_lies_below_it(evidence, tmp_path):
    """From far below to beyond: near the edge no rate is stable, and a logarithmic axis would have nothing to show."""
    rates = evidence.frame("theory_rates")
    near = rates["lr"] > 0.1 * rates["edge"]
    rates = rates.assign(lr=rates["lr"].where(~near | (rates["radius"] >= 1), 0.01 * rates["lr"]))
    some = Evidence(evidence.run, {"theory_rates": rates, "theory_edges": evidence.frame("theory_edges")})
    (figure,) = theory.draw(some, "tuned")
    for ax in figure.axes[:3]:
        low, high = ax.get_xlim()
        assert all(low < lr < high for lr in ax.get_lines()[0].get_xdata())
        assert len(ax.get_lines()[0].get_xdata()) >= 3
    assert [path.name for path in draw(some, ["theory"], "svg", tmp_path)] == ["theory.svg"]


def test_figure_is_the_same_to_the_byte(evidence, tmp_path):
    first = draw(evidence, ["theory"], "svg", tmp_path / "a")
    second = draw(evidence, ["theory"], "svg", tmp_path / "b")
    assert [path.name for path in first] == ["theory.svg"]
    assert first[0].read_bytes() == second[0].read_bytes()


def test_a_panel_without_values_is_left_empty(evidence, tmp_path):
    """No noise on one quadratic, and on another a grid beyond every edge: a logarithmic axis has nothing to show."""
    rates = evidence.frame("theory_rates").copy()
    rates.loc[rates["problem"] == label(10.0), ["excess", "excess_measured", "excess_low", "excess_high"]] = np.nan
    rates.loc[rates["problem"] == label(100.0), "radius"] = 1.1
    some = Evidence(evidence.run, {"theory_rates": rates, "theory_edges": evidence.frame("theory_edges")})
    assert [path.name for path in draw(some, ["theory"], "svg", tmp_path)] == ["theory.svg"]


def test_entries_of_one_rule_differ_in_shade_and_marker():
    shown = theory.looks(list(RULES))
    nags = [shown[rule] for rule in RULES[2:]]
    assert len({look.color for look in shown.values()}) == len(RULES)
    assert nags[0].marker != nags[1].marker
    assert shown["sgd"].color == "#000000"


def test_condition_is_the_ratio_of_the_ends():
    assert theory_table.condition({"spectrum": {"eigenvalues": [2.0, 4.0, 8.0]}}) == 4.0


def test_errors_are_in_percent():
    assert theory_table.percent(-1e-9) == "+0.00 %"
