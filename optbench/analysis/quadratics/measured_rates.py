"""Rates, edges of stability and stationary losses as rows show them, beside what ``theory`` predicts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.landscapes.rows import Rows, held
from optbench.analysis.quadratics.decay import settled_slopes
from optbench.analysis.quadratics.theory import LOOKS_AHEAD, edge, excess, iteration, quadratic, radius
from optbench.analysis.statistics.arrays import Bools, Floats, Ints
from optbench.analysis.statistics.intervals import LEVEL, student_quantile
from optbench.records import Status, curve_steps

#: Under noise, losses are averaged from the first recorded cost on at which at most this share of the predicted
#: loss can still stem from the start.
REMAINDER = 1e-3
#: Smallest value of a quadratic with its minimum 0 at the origin, in units of ``f_scale``: there is no rounding but
#: underflow, which begins at its square root for coordinates.
TINY = 1e-280

RATES = (
    *("problem", "optimizer", "lr", "beta", "edge", "radius", "radius_measured", "rate_error", "grows"),
    *("noise", "excess", "excess_measured", "excess_low", "excess_high"),
)
EDGES = (
    *("problem", "optimizer", "dim", "beta", "edge", "edge_low", "edge_high", "edge_measured", "edge_error"),
    *("best_lr", "best_radius", "best_measured", "best_error", "n_rates", "rate_error"),
    *("noise", "n_excess", "excess_ratio", "excess_ratio_low", "excess_ratio_high"),
)


#: Columns that are read for it.
COLUMNS = (
    *("problem", "optimizer", "config", "hyper", "swept_value", "split", "start", "noise_seed"),
    *("status", "f_start", "f_last", "curve_f"),
)


@dataclass(frozen=True)
class TheoryAnalysis:
    """Predicted beside measured on quadratics.

    Attributes:
        theory_rates: One row per problem, optimizer and configuration.
        theory_edges: One row per problem and optimizer.
    """

    theory_rates: pd.DataFrame
    theory_edges: pd.DataFrame


def analyze_theory(runs: pd.DataFrame | Rows, manifest: Mapping[str, Any]) -> TheoryAnalysis:
    """Holds measured rates, edges and stationary losses against predicted ones.

    Nothing is chosen, so tuning starts count as well as reported ones.

    Args:
        runs: Rows with the columns of ``records.landscapes``: a frame, or what reads them problem by problem.
        manifest: The run's manifest.

    Returns:
        The frames; empty if no rule that the theory covers ran on a quadratic, or if the rows' curves, which rates
        are read off, were left out.
    """
    rates: list[dict[str, Any]] = []
    edges: list[dict[str, Any]] = []
    for problem, optimizer, plain, noisy in () if manifest.get("curves") else _pairs(held(runs), manifest):
        rows, whole = _compared(problem, optimizer, plain, noisy, manifest)
        rates += rows
        edges.append(whole)
    return TheoryAnalysis(pd.DataFrame(rates, columns=list(RATES)), pd.DataFrame(edges, columns=list(EDGES)))


def _pairs(runs: Rows, manifest: Mapping[str, Any]) -> Iterator[tuple[str, str, pd.DataFrame, pd.DataFrame]]:
    """Yields each quadratic and rule with its rows without noise, and those under the first level of normal noise."""
    problems, entries = manifest["problems"], manifest.get("optimizers", {})
    known = sorted(label for label, problem in problems.items() if quadratic(problem, manifest["units"]) is not None)
    covered = sorted(label for label, entry in entries.items() if entry.get("name", label) in LOOKS_AHEAD)
    # In an order of their own, so that sums are the same to the last bit however rows were stored.
    order = ["problem", "optimizer", "swept_value", "config", "split", "start", "noise_seed"]
    each = (runs.of([label], COLUMNS) for label in known)
    rows = pd.concat([runs.of([], COLUMNS), *(own[own["optimizer"].isin(covered)] for own in each)])
    kept = rows.sort_values(order)
    parts = {place: kept.iloc[at] for place, at in kept.groupby(["problem", "optimizer"]).indices.items()}
    for label in (label for label in known if problems[label]["noise"] is None):
        twins = [other for other in known if other.startswith(f"{label}~")]
        for optimizer in covered:
            if (label, optimizer) in parts:
                noisy = [parts[twin, optimizer] for twin in twins if (twin, optimizer) in parts]
                yield label, optimizer, parts[label, optimizer], noisy[0] if noisy else kept.iloc[:0]


def _compared(
    label: str, optimizer: str, plain: pd.DataFrame, noisy: pd.DataFrame, manifest: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Returns the rows of both frames for one quadratic and one rule."""
    problems, units = manifest["problems"], str(manifest["units"])
    costs = np.array(curve_steps(int(manifest["budget"])))
    rule = str(manifest["optimizers"][optimizer].get("name", optimizer))
    given = quadratic(problems[label], units)
    assert given is not None
    first = plain.drop_duplicates("config")
    hypers = [json.loads(text) for text in first["hyper"]]
    lr, beta = (np.array([hyper.get(name, 0.0) for hyper in hypers]) for name in ("lr", "beta"))
    matrices = iteration(rule, lr, beta, given.curvatures)
    rho, configs = radius(matrices), first["config"].to_numpy()
    measured = _radii(plain, problems[label], costs, configs)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.log(measured) / np.log(rho) - 1.0
    columns = {
        "lr": lr,
        "beta": beta,
        "edge": np.array([edge(rule, b, given.largest) for b in beta]),
        "radius": rho,
        "radius_measured": measured,
        "rate_error": error,
        "grows": _grows(plain, configs),
    }
    twin = str(noisy["problem"].iloc[0]) if len(noisy) else ""
    expected, means = np.full(len(lr), np.nan), np.full((len(lr), 1), np.nan)
    if len(noisy):
        seen = quadratic(problems[twin], units)
        assert seen is not None
        expected = excess(seen, matrices, lr)
        weights = _weights(expected, rho, float(problems[twin]["f_scale"]), costs)
        means = _late_means(noisy, float(problems[twin]["f_star"]), configs, weights)
        expected = np.where(np.isnan(means).any(axis=1), np.nan, expected)
    low, high = interval(means)
    columns |= {"excess": expected, "excess_measured": means.mean(axis=1), "excess_low": low, "excess_high": high}
    names = {"problem": label, "optimizer": optimizer, "noise": twin}
    rows = [{**names, **{name: column[i] for name, column in columns.items()}} for i in range(len(lr))]
    ratio = (means / expected[:, None])[~np.isnan(expected)]
    whole = {**_edges(columns), **_best(columns), **_ratio(ratio)}
    return rows, {**names, "dim": int(problems[label]["dim"]), "beta": float(beta[0]), **whole}


def _radii(rows: pd.DataFrame, problem: Mapping[str, Any], costs: Ints, configs: Ints) -> Floats:
    """Returns the factor of one step on the distance, the median over runs; NaN unless most of them are settled."""
    values = np.stack(rows["curve_f"].to_list()) - problem["f_star"]
    slopes = pd.Series(settled_slopes(costs, values, rounding(problem)), index=rows["config"].to_numpy())
    grouped = slopes.groupby(level=0)
    median = grouped.median().where(2 * grouped.count() > grouped.size())
    return np.exp(median.reindex(configs).to_numpy(np.float64) / 2)


def rounding(problem: Mapping[str, Any]) -> float:
    """Returns the ``f - f_star`` below which a quadratic's values are rounding.

    Args:
        problem: What the manifest says of it.

    Returns:
        The floor in raw units.
    """
    scale, eps = float(problem["f_scale"]), float(np.finfo(np.float64).eps)
    at_origin = problem["f_star"] == 0.0 and not np.any(problem["x_star"]) and not np.any(problem["center"])
    return scale * TINY if at_origin else 1e3 * eps * (abs(float(problem["f_star"])) + 1e3 * eps * scale)


def _grows(rows: pd.DataFrame, configs: Ints) -> Bools:
    """Returns whether more than half of the runs diverged or ended above their start."""
    up = (rows["status"] == Status.DIVERGED.value) | (rows["f_last"] > rows["f_start"])
    share = up.astype(np.float64).groupby(rows["config"]).mean()
    return np.asarray(share.reindex(configs).to_numpy(np.float64) > 0.5)


def _weights(expected: Floats, rho: Floats, start: float, costs: Ints) -> Floats:
    """Returns how much each recorded value tells of the stationary loss, shape (rates, costs).

    Nothing while more than ``REMAINDER`` of the loss can stem from ``start``, the loss at the start. Then the number
    of steps since the value before it, up to the time ``1/(2 log 1/rho)`` in which losses forget one another: the
    logarithmic grid lies closer than that at first and further apart later.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        left = start * rho[:, None] ** (2.0 * costs)
        late = (left <= REMAINDER * expected[:, None]) & np.isfinite(expected)[:, None]
        memory = np.maximum(0.5 / -np.log(rho), 1.0)
        return np.where(late, np.minimum(np.diff(costs, prepend=0), memory[:, None]), 0.0)


def _late_means(rows: pd.DataFrame, f_star: float, configs: Ints, weights: Floats) -> Floats:
    """Returns the mean ``f - f_star`` of each start over costs and noise seeds, shape (rates, starts)."""
    own = weights[pd.Series(np.arange(len(configs)), index=configs).loc[rows["config"]].to_numpy()]
    values = np.where(own > 0, np.stack(rows["curve_f"].to_list()) - f_star, 0.0)
    with np.errstate(invalid="ignore"):
        means = (values * own).sum(axis=1) / own.sum(axis=1)
    table = rows.assign(mean=means).groupby(["config", "split", "start"])["mean"].mean().unstack(["split", "start"])
    return np.asarray(table.reindex(configs).to_numpy(np.float64))


def interval(values: Floats) -> tuple[Floats, Floats]:
    """Returns Student's interval of the mean along the last axis.

    Args:
        values: One value a start, shape (..., starts).

    Returns:
        Lower and upper ends, shape (...); NaN with fewer than two starts.
    """
    n = values.shape[-1]
    if n < 2:
        return np.full(values.shape[:-1], np.nan), np.full(values.shape[:-1], np.nan)
    with np.errstate(invalid="ignore"):
        half = student_quantile(n - 1, (1 + LEVEL) / 2) * values.std(axis=-1, ddof=1) / sqrt(n)
        return values.mean(axis=-1) - half, values.mean(axis=-1) + half


def _edges(columns: Mapping[str, Any]) -> dict[str, float]:
    """Returns the edge of stability: between the largest rate up to which all runs fall, and the next."""
    lr, grows, predicted = columns["lr"], columns["grows"], float(columns["edge"][0])
    first = int(grows.argmax()) if grows.any() else len(lr)
    low = float(lr[first - 1]) if first > 0 else float("nan")
    high = float(lr[first]) if first < len(lr) else float("nan")
    middle = sqrt(low * high)
    return {
        "edge": predicted, "edge_low": low, "edge_high": high, "edge_measured": middle,
        "edge_error": middle / predicted - 1.0,
    }  # fmt: skip


def _best(columns: Mapping[str, Any]) -> dict[str, float]:
    """Returns the rate that theory calls fastest among those measured, and the largest error over all of them."""
    error = columns["rate_error"]
    settled = error[~np.isnan(error)]
    best = int(np.argmin(np.where(np.isnan(error), np.inf, columns["radius"])))
    return {
        "best_lr": float(columns["lr"][best]),
        "best_radius": float(columns["radius"][best]),
        "best_measured": float(columns["radius_measured"][best]),
        "best_error": float(error[best]),
        "n_rates": len(settled),
        "rate_error": float(settled[np.abs(settled).argmax()]) if len(settled) else float("nan"),
    }


def _ratio(ratio: Floats) -> dict[str, float]:
    """Returns measured over predicted loss, in the mean over rates, with its interval over starts."""
    means = ratio.mean(axis=0) if len(ratio) else np.full(1, np.nan)
    low, high = interval(means)
    return {
        "n_excess": len(ratio), "excess_ratio": float(means.mean()), "excess_ratio_low": float(low),
        "excess_ratio_high": float(high),
    }  # fmt: skip
