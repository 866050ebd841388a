"""Slopes of curves whose slope is known: straight, oscillating, with a factor of the cost, not settled, rounded."""

from __future__ import annotations

import numpy as np
import pytest

from optbench.analysis.quadratics.decay import RECENT, WINDOW, envelope_slope, last_usable, settled_slopes
from optbench.records import curve_steps

COSTS = np.array(curve_steps(10_000))
FLOOR = 1e-280


def curve(log_radius, factor=1.0):
    """Returns ``factor^2 radius^(2 cost)``, the loss along one eigenvector."""
    with np.errstate(under="ignore"):
        return (np.ones(len(COSTS)) * factor) ** 2 * np.exp(2 * COSTS * log_radius)


def slopes(*curves):
    with np.errstate(divide="ignore"):
        return settled_slopes(COSTS, np.array(curves), FLOOR)


def test_straight_curves_give_their_slope():
    rates = [-0.5, -0.05, -0.005]
    np.testing.assert_allclose(slopes(*(curve(rate) for rate in rates)), 2 * np.array(rates), rtol=1e-9)


@pytest.mark.parametrize("angle", [0.05, 0.3, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("rate", [-0.03, -0.2])
def test_oscillation_moves_the_slope_by_less_than_1_percent(angle, rate):
    found = slopes(*(curve(rate, np.cos(angle * COSTS + phase)) for phase in np.linspace(0.1, 3.0, 12)))
    settled = found[~np.isnan(found)]
    assert len(settled) >= 8
    assert np.abs(settled / (2 * rate) - 1.0).max() < 0.01


def test_a_critically_damped_curve_is_fitted_to_1_percent():
    # A double eigenvalue: the distance falls like (1 + c k) radius^k.
    assert slopes(curve(-0.1, 1.0 + 0.1 * COSTS)) == pytest.approx([-0.2], rel=0.01)


def test_a_slope_that_still_changes_is_none():
    # The slow part takes over at cost 7,000 only.
    both = curve(-0.01) + 1e-60 * curve(-0.0001)
    assert np.isnan(slopes(both, curve(-0.0005))).all()


def test_rounding_and_divergence_end_a_curve():
    values = np.array(
        [[4.0, 2.0, 0.0, 1.0], [4.0, np.inf, np.inf, np.inf], [np.nan, 1.0, 1.0, 1.0], [4.0, 3.0, 2.0, 1.0]]
    )
    assert last_usable(values, FLOOR).tolist() == [1, 0, -1, 3]
    floored = curve(-0.01)
    floored[COSTS > 3000] = 1e-30
    assert settled_slopes(COSTS, floored[None], 1e-27) == pytest.approx([-0.02], rel=1e-9)
    assert np.isnan(slopes(np.where(COSTS > 20, np.inf, curve(-0.1)))).all()


def test_the_line_is_the_quantile_regression():
    from scipy.optimize import linprog

    rng = np.random.default_rng(3)
    values = curve(-0.02, np.exp(rng.normal(size=len(COSTS))))
    slope, change = envelope_slope(COSTS, values[None], FLOOR, WINDOW)
    last = int(last_usable(values[None], FLOOR)[0])
    x, y = COSTS[last - WINDOW + 1 : last + 1] / COSTS[last], np.log(values[last - WINDOW + 1 : last + 1])
    # Variables: intercept, slope, and each residual's part above and below the line.
    weights = np.concatenate([[0.0, 0.0], np.full(WINDOW, 0.75), np.full(WINDOW, 0.25)])
    equations = np.column_stack([np.ones(WINDOW), x, np.eye(WINDOW), -np.eye(WINDOW)])
    bounds = [(None, None)] * 2 + [(0, None)] * (2 * WINDOW)
    solved = linprog(weights, A_eq=equations, b_eq=y, bounds=bounds)
    assert slope[0] * COSTS[last] == pytest.approx(solved.x[1], rel=1e-6)
    assert change[0] == pytest.approx(y[-1] - y[0])
    assert RECENT < WINDOW
