"""A synthetic run: frames and picture data as analysis and ``run`` would leave them, drawn from formulas."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from optbench.report import figures
from optbench.report.evidence import MEAN, Evidence
from optbench.report.kinds.landscapes import SETTINGS
from tests.report import exported, quadratics

RULES = ("adam", "sgd", "adadelta", "nag", "momentum", "rmsprop", "adagrad")
PROBLEMS = {"rosenbrock-2d-i1": 2, "himmelblau-2d-i1": 2, "sphere-10d-i1": 10}
GRID = 10.0 ** np.linspace(-3, 2, 16)


@pytest.fixture(autouse=True)
def uncollected(monkeypatch):
    """Leaves circles of objects alone: looking for them among all that other tests left takes longer than a figure."""
    monkeypatch.setattr(figures, "gc", SimpleNamespace(collect=int, freeze=int, unfreeze=int))


def same_bytes(kinds):
    """Returns figures and formats whose bytes are compared: order shows in any format, and a format in any figure."""
    kinds = list(kinds)
    return [(kind, "svg") for kind in kinds] + [(kinds[0], form) for form in figures.FORMATS if form != "svg"]


def manifest(problems: dict[str, int]) -> dict:
    minima = {"himmelblau-2d-i1": [[3.0, 2.0], [-2.805118, 3.131312], [-3.77931, -3.283186], [3.584428, -1.848126]]}
    return {
        "version": "0.1.0",
        "suite": {"name": "quick", "version": "1"},
        "run_id": "0123456789abcdef",
        "versions": {"jax": "0.10.2"},
        "machine": {"device": "cpu", "cores": 2},
        "budget": 2000,
        "units": "normalized",
        "n_cells": len(problems) * len(RULES),
        "optimizers": {rule: {"swept": "eps" if rule == "adadelta" else "lr"} for rule in RULES},
        "problems": {
            label: {
                "label": label,
                "dim": dim,
                "f_star": 0.0,
                "x_star": minima.get(label, [[1.0] * dim]),
                "bounds": [[-5.0, 5.0]] * dim,
            }
            for label, dim in problems.items()
        }
        | quadratics.problems(),
    }


def summary(problems: dict[str, int]) -> pd.DataFrame:
    rows = []
    for s, setting in enumerate(SETTINGS):
        for p, problem in enumerate(problems):
            for r, rule in enumerate(RULES):
                gap = 10.0 ** (-1.0 - 1.7 * s - 0.9 * r + 0.4 * p)
                lost = rule == "sgd" and p == 0 and setting == "default"
                reached = 0 if lost else min(32, 10 + 7 * s + 2 * r)
                rows.append({
                    "setting": setting, "problem": problem, "optimizer": rule, "family": problem.split("-")[0],
                    "dim": problems[problem], "config": r + s, "swept": "eps" if rule == "adadelta" else "lr",
                    "swept_value": 1e-6 if rule == "adadelta" else float(GRID[min(15, r + 4 * s)]),
                    "at_edge": r + 4 * s >= 14, "n_starts": 32, "gap_median": np.inf if lost else gap,
                    "gap_low": gap / 3, "gap_high": np.inf if lost else gap * 4, "reach_count": reached,
                    "best_median": np.inf if lost else gap / (40 if (rule, p) == ("adagrad", 0) else 2),
                    "best_low": gap / 60, "best_high": gap * 4, "noisy": False,
                    "reach_share": reached / 32, "reach_low": max(0.0, reached / 32 - 0.13),
                    "reach_high": min(1.0, reached / 32 + 0.11), "solved_count": reached // 2,
                    "solved_share": reached / 64, "solved_low": reached / 80, "solved_high": min(1.0, reached / 40),
                    "evals_median": np.inf if reached < 16 else 40.5 * (r + 1), "evals_low": 30.0 * (r + 1),
                    "evals_high": np.inf if reached < 20 else 55.25 * (r + 1), "censored": 32 - reached,
                    "reach_starts": 32, "solved_starts": 31,
                    "diverged": 20 if lost else 0, "escaped": 2 if lost else 0, "failed": 0, "n_pairs": 1632,
                })  # fmt: skip
    return pd.DataFrame(rows)


def dimension() -> pd.DataFrame:
    """The frame ``dimension``: a function in three dimensions, where sgd misses in the last, and one in two."""
    rows = []
    for s, setting in enumerate(SETTINGS):
        for name, dims in (("sphere-i1", (2, 10, 100)), ("rosenbrock-i1[a=1,a_long_name=2.5]", (2, 10))):
            for r, rule in enumerate(RULES):
                for d, dim in enumerate(dims):
                    lost = rule == "sgd" and dim == 100
                    evals, gap = 10.0 * (r + 1) * dim**0.5, 0.0 if rule == "nag" else 10.0 ** (-3 - s - r + d)
                    rows.append({
                        "setting": setting, "function": name, "optimizer": rule, "dim": dim,
                        "problem": name.replace("-i1", f"-{dim}d-i1"), "n_starts": 8, "reach_starts": 8,
                        "evals_median": np.inf if lost else evals, "evals_low": evals / 2,
                        "evals_high": np.inf if lost or r == 2 else 2 * evals, "censored": 6 if lost else 0,
                        "gap_median": np.inf if lost else gap, "gap_low": gap / 3,
                        "gap_high": np.inf if lost else 3 * gap,
                    })  # fmt: skip
    return pd.DataFrame(rows)


def running_times(problems: dict[str, int]) -> pd.DataFrame:
    """The frame ``running_times``: the summary's rows, where sgd untuned never reaches the target."""
    frame = summary(problems)
    names = ("setting", "problem", "optimizer", "config", "swept", "swept_value", "at_edge", "n_starts", "reach_count")
    count = frame["reach_count"]
    ert = (100.0 * count + 2000.0 * (32 - count)) / count
    frame = frame[list(names)].assign(reach_runs=32, ert=ert, ert_low=0.6 * ert, ert_high=1.9 * ert)
    frame.loc[count == 0, "ert_low"] = 15000.0
    return frame


def convergence(problems: dict[str, int]) -> pd.DataFrame:
    cost = np.unique(np.round(10 ** (np.arange(34) / 10)).astype(int))
    frames = []
    for setting in SETTINGS:
        for p, problem in enumerate(problems):
            for r, rule in enumerate(RULES):
                median = 0.8 * cost ** -(0.3 + 0.5 * r) * np.exp(-cost / 10 ** (3.5 - 0.4 * p))
                if (rule, p) == ("sgd", 0):
                    median = np.where(cost > 50, np.inf, median)
                if (rule, p) == ("adam", 2):
                    median = np.where(cost > 400, 0.0, median)
                spread = 1 + np.log10(cost)
                columns = {"cost": cost, "q25": median / spread, "median": median, "q75": median * spread}
                frames.append(pd.DataFrame({"setting": setting, "problem": problem, "optimizer": rule, **columns}))
    return pd.concat(frames, ignore_index=True)


def sensitivity(problems: dict[str, int]) -> pd.DataFrame:
    frames = []
    for p, problem in enumerate(problems):
        for r, rule in enumerate(RULES):
            is_eps = rule == "adadelta"
            x = np.log10(GRID)
            score = 0.8 * np.exp(-((x + 1.5 - 0.45 * r + 0.2 * p) ** 2) / 1.5)
            diverged = np.zeros(16) if is_eps else 1 / (1 + np.exp(-6 * (x - 0.9 - 0.15 * r)))
            score = score * (1 - diverged)
            frames.append(pd.DataFrame({
                "problem": problem, "optimizer": rule, "swept": "eps" if is_eps else "lr",
                "swept_value": GRID * 1e-7 if is_eps else GRID, "score_mean": score, "score_low": score * 0.85,
                "score_high": np.minimum(1, score * 1.15), "gap_median": 10 ** (-8 * score),
                "diverged_share": np.round(diverged, 2),
            }))  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def tuning(problems: dict[str, int]) -> dict[str, pd.DataFrame]:
    """The frames of ``analysis.landscapes.tuning``: 16 trials, 4 starts, 2000 evaluations."""
    k = np.arange(1, 9)
    curves, gains, pairs = [], [], []
    for r, rule in enumerate(RULES):
        for p, problem in enumerate((MEAN, *problems)):
            score = np.full(8, 0.2) if rule == "adadelta" else (0.2 + 0.07 * r) * (1 - 0.5 / k**0.5) / (1 + 0.2 * p)
            data = {"k": k, "score": score, "low": 0.9 * score, "high": np.minimum(1, 1.15 * score)}
            curves.append(pd.DataFrame({"problem": problem, "optimizer": rule, **data}))
        row = {"optimizer": rule, "n_problems": len(problems), "has_rate": rule != "adadelta"}
        for s, setting in enumerate(SETTINGS):
            score = 0.05 + 0.06 * r + 0.1 * s
            row |= {setting: score, f"{setting}_low": score - 0.031, f"{setting}_high": score + 0.042}
        spent = {"trials": 16.0, "tune_starts": 4.0, "cost": 128000.0, "runs": 64.0, "edge_count": r % 3}
        gains.append(row | spent)
        for t, other in enumerate(RULES):
            difference = 0.03 * (t - r) + 0.06
            ends = {"difference": difference, "low": difference - 0.05, "high": difference + 0.04}
            row = {"untuned": rule, "tuned": other, "n_problems": len(problems), **ends, "share": (r + t) % 4 / 3}
            pairs.append(row)
    return {
        "best_of_k": pd.concat(curves, ignore_index=True),
        "gain": pd.DataFrame(gains),
        "matrix": pd.DataFrame(pairs),
    }


def judged(problems: dict[str, int]) -> dict[str, pd.DataFrame]:
    """The frames ``ranking`` and ``contrasts``; the last rule is a reference line, two coincide."""
    names = ["nag = sgd", *(rule for rule in RULES if rule not in {"nag", "sgd"})]
    rows = []
    for s, setting in enumerate(SETTINGS):
        for r, rule in enumerate(names):
            ranked, score = rule != "adagrad", 0.6 - 0.07 * r - 0.05 * s
            low, high = (max(1.0, r), min(5.0, r + 2.0)) if ranked else (np.nan, np.nan)
            rows.append({
                "setting": setting, "optimizer": rule, "ranked": ranked, "n_problems": len(problems),
                "n_families": 3 if s else 14, "n_starts": 32, "score": score, "score_low": score - 0.02,
                "score_high": score + 0.02, "new_low": score - 0.1, "new_high": score + 0.12,
                "new_kind": "range" if s else "interval", "rank_low": low, "rank_high": high,
                "in_set": ranked and low == 1, "groups": "ab" if ranked else "",
                "new_rank_low": np.nan if s else low, "new_rank_high": np.nan if s else high,
                "new_in_set": np.nan if s or not ranked else float(low == 1), "detectable_low": 0.01,
                "detectable": 0.02, "detectable_high": 0.04, "new_detectable": np.nan if s else 0.15,
            })  # fmt: skip
    claims = []
    for k, verdict in enumerate(("holds", "fails", "depends", "not run")):
        middle = np.nan if verdict == "not run" else (0.1, -0.2, 0.01)[k]
        claims.append({
            "contrast": f"c{k}", "claim": f"Claim {k} is so.", "left": "nag, tuned", "right": "sgd, default",
            "measure": ("score", "width", "solved", "reach")[k], "n_problems": len(problems), "n_families": 3,
            "n_starts": 32, "difference": middle, "low": middle - 0.05, "high": middle + 0.05, "level": 0.9875,
            "new_low": middle - 0.1, "new_high": middle + 0.1, "new_kind": "range" if k else "interval",
            "p": 0.001 * k + 0 * middle, "p_holm": 0.004 * k + 0 * middle, "verdict": verdict,
            "detectable": 0.05 + 0 * middle,
        })  # fmt: skip
    ways = []
    for scoring, factor in (("settled", 0.7), ("touched", 1.0)):
        frame = pd.DataFrame(rows)
        names = ["score", "score_low", "score_high", "new_low", "new_high"]
        ways.append(frame.assign(scoring=scoring, **{name: factor * frame[name] for name in names}))
    stability = pd.concat(ways, ignore_index=True)[["scoring", *pd.DataFrame(rows).columns]]
    return {"ranking": pd.DataFrame(rows), "contrasts": pd.DataFrame(claims), "stability": stability}


def wells() -> pd.DataFrame:
    """The frame ``wells``: one rule on two landscapes at three batch sizes, at the last of which nothing is matched."""
    rows = []
    for land, deeper in (("w-2d", "equal"), ("w-2d[flat_depth=1.5]", "flat")):
        for batch, at in ((1, 1), (8, 2), (64, None)):
            for config, rate in enumerate((0.01, 0.1, 1.0)):
                for cost in (10, 100, 1000):
                    flat = min(1.0, 0.5 + 0.25 * config * np.log10(cost) / batch**0.5)
                    lost = batch == 1 and config == 2
                    rows.append({
                        "problem": f"{land}~batch={batch}", "optimizer": "sgd", "config": config, "swept": "lr",
                        "swept_value": rate, "deeper": deeper, "ratio": 10.0, "dim": 2, "noise": "batch",
                        "batch": float(batch), "matched": config == at, "excess": 0.05 * (1 + config) / batch,
                        "cost": cost, "n_starts": 24, "n_runs": 48, "flat_share": 0.0 if lost else flat,
                        "flat_low": 0.0 if lost else flat - 0.1, "flat_high": 0.1 if lost else min(1.0, flat + 0.1),
                        "neither_share": 0.9 if lost else 0.0, "flow_share": 0.5,
                        "odds_ratio": 1.0 + config, "odds_low": 0.5 + config, "odds_high": np.inf if config else 2.0,
                        "exit_starts": 12, "exit_share": config / 2, "exit_cost": 10.0 if config == 2 else np.inf,
                        "exit_low": 10.0 if config else np.inf, "exit_high": np.inf,
                        "verdict": "not shown" if config == 0 else "prefers flat" if deeper != "flat"
                        else "goes to the deeper",
                    })  # fmt: skip
    return pd.DataFrame(rows)


def height(problem: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if problem.startswith("himmelblau"):
        return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2
    return 100 * (y - x**2) ** 2 + (1 - x) ** 2


def slope(problem: str, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if problem.startswith("himmelblau"):
        a, b = x**2 + y - 11, x + y**2 - 7
        return 4 * x * a + 2 * b, 2 * a + 4 * y * b
    return -400 * x * (y - x**2) - 2 * (1 - x), 200 * (y - x**2)


def write_pictures(folder: Path, problems: dict[str, int], n_grid: int, n_basin: int) -> None:
    plane = [label for label, dim in problems.items() if dim == 2]
    folder.mkdir(parents=True, exist_ok=True)
    contours, trajectories, basins = [], [], []
    for label in plane:
        axis = np.linspace(-5, 5, n_grid)
        ix, iy = map(np.ravel, np.meshgrid(np.arange(n_grid), np.arange(n_grid), indexing="ij"))
        x, y = axis[ix], axis[iy]
        f = height(label, x, y)
        contours.append(pd.DataFrame({"problem": label, "ix": ix, "iy": iy, "x": x, "y": y, "f": f}))
        for r, rule in enumerate(RULES):
            about = {"problem": label, "optimizer": rule, "swept_value": float(GRID[r])}
            for start, begin in enumerate(((-4.0, 3.0), (0.5, -4.2), (4.4, 4.0))):
                point, points = np.array(begin), [np.array(begin)]
                while len(points) <= 150 and np.abs(point).max() < 1e3:
                    g = np.array(slope(label, point[0], point[1]))
                    point = point - (0.04 + 0.02 * r) * g / (np.hypot(*g) ** (0.4 + 0.1 * r) + 1e-3)
                    points.append(point)
                path = np.array(points)
                f = height(label, path[:, 0], path[:, 1])
                data = {"start": start, "cost": np.arange(len(path)), "x": path[:, 0], "y": path[:, 1], "f": f}
                trajectories.append(pd.DataFrame({**about, **data}))
            axis = np.linspace(-4.9, 4.9, n_basin)
            ix, iy = map(np.ravel, np.meshgrid(np.arange(n_basin), np.arange(n_basin), indexing="ij"))
            minimum = np.where(axis[iy] + 0.1 * r * np.sin(3 * axis[ix]) > 0, 0, 2) + (axis[ix] < 0)
            if label.startswith("rosenbrock"):
                minimum = np.where(np.abs(axis[iy]) > 4 - 0.4 * r, -2, np.where(axis[ix] < -3, -1, 0))
                minimum = np.where(np.hypot(axis[ix] - 3, axis[iy]) < 1, 100, minimum)
            data = {"ix": ix, "iy": iy, "x": axis[ix], "y": axis[iy], "minimum": minimum}
            basins.append(pd.DataFrame({**about, **data}))
    for name, frames in (("contours", contours), ("trajectories", trajectories), ("basins", basins)):
        if frames:
            pd.concat(frames, ignore_index=True).to_parquet(folder / f"{name}.parquet")


def make(path: Path, problems: dict[str, int], *, n_grid: int = 21, n_basin: int = 8) -> Evidence:
    frames = {"summary": summary(problems), "convergence": convergence(problems), "sensitivity": sensitivity(problems)}
    frames |= tuning(problems) | judged(problems) | {"wells": wells()} | quadratics.frames()
    frames |= {"dimension": dimension(), "running_times": running_times(problems)}
    ran = {"status": "ok", "settled": [1]}
    runs = pd.DataFrame([{"problem": p, "optimizer": r, **ran} for p in problems for r in RULES])
    write_pictures(path / "pictures", problems, n_grid, n_basin)
    return Evidence(SimpleNamespace(runs=runs, manifest=manifest(problems), path=path), frames)


@pytest.fixture(scope="session")
def evidence(tmp_path_factory) -> Evidence:
    return make(tmp_path_factory.mktemp("run"), PROBLEMS)


@pytest.fixture(scope="session")
def exports(tmp_path_factory):
    """Returns the function that returns the export of a run of a kind, made once."""
    found = {}

    def of(kind):
        if kind not in found:
            found[kind] = exported.Export(kind, tmp_path_factory.mktemp(kind))
        return found[kind]

    return of


@pytest.fixture(params=list(exported.MAKERS))
def each_export(exports, request):
    return exports(request.param)
