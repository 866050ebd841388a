"""What a block of lanes must leave, worked out by slow loops in NumPy, lane by lane and step by step."""

from __future__ import annotations

import math

import numpy as np

from tests.optimizers.notes import path

GAPS = [10 ** (-k / 5) for k in range(1, 51)]


def judge(values, radii, budget, *, f_star, f_scale, f_solved):
    """Returns the facts of one run from the values and radii of its iterates 0 ... budget."""
    row = {"diverged_at": -1, "escaped_at": -1, "hits": [-1] * 51, "f_best": math.inf, "f_last": math.inf}
    targets = [f_star + gap * f_scale for gap in GAPS] + [f_solved]
    good, best = [], []
    for step in range(budget + 1):
        f, r = float(values[step]), float(radii[step])
        if not math.isfinite(f) or f - f_star > 1e6 * f_scale or not r <= 1e3:
            row["diverged_at"] = step
            break
        if row["escaped_at"] < 0 and (f < f_star - 1e-9 * f_scale or r > 10):
            row["escaped_at"] = step
        for k, target in enumerate(targets):
            if row["hits"][k] < 0 and f - f_star <= target - f_star:
                row["hits"][k] = step
        row["f_best"], row["f_last"] = min(row["f_best"], f), f
        good.append(f)
        best.append(row["f_best"])
    grid = {0} | {round(10 ** (k / 10)) for k in range(100)}
    points = sorted(step for step in grid if step <= budget)
    row["curve_f"] = [good[step] if step < len(good) else math.inf for step in points]
    row["curve_best"] = [best[min(step, len(best) - 1)] if best else math.inf for step in points]
    tail = range(budget - max(budget // 10, 1) + 1, budget + 1)
    row["f_tail"] = float(np.median([good[step] for step in tail])) if row["diverged_at"] < 0 else math.inf
    row["settled"] = [settling(good, f_star, target) if row["diverged_at"] < 0 else -1 for target in targets]
    row["f_start"] = row["curve_f"][0]
    row["cost"] = row["grad_evals"] = budget if row["diverged_at"] < 0 else row["diverged_at"]
    row["status"] = "ok" if row["diverged_at"] < 0 else "diverged"
    return row


def settling(values, f_star, target):
    """Returns the first step from which no value is above a target, or -1: from the last one backwards."""
    stays = -1
    for step in reversed(range(len(values))):
        if not values[step] - f_star <= target - f_star:
            break
        stays = step
    return stays


def run(problem, function, rule, hyper, x0, units, budget):
    """Returns the facts of one run and its iterates in ``x``.

    ``function(y, *parameters)`` gives value and gradient in the landscape's own frame; shift, rotation, offset and
    units are worked out here.
    """
    frame = problem.frame()
    R = np.eye(problem.dim) if frame.origin_matrix is None else frame.origin_matrix
    center, width = (problem.bounds[:, 0] + problem.bounds[:, 1]) / 2, np.mean(np.diff(problem.bounds))
    unit, weight = (width / 10, 1 / problem.f_scale) if units == "normalized" else (1.0, 1.0)
    shift = center if units == "normalized" else np.zeros(problem.dim)

    def both(z):
        y = frame.pivot + R @ (shift + unit * z - frame.shift - frame.pivot)
        value, grad = function(y, *frame.theta)
        return value + frame.offset, weight * unit * (R.T @ grad)

    with np.errstate(all="ignore"):
        z = path(rule, lambda z: both(z)[1], (np.asarray(x0) - shift) / unit, budget, hyper)
        x = shift + unit * z
        values = [both(point)[0] for point in z]
        radii = np.abs(x - center).max(axis=1) / width
    constants = {"f_star": problem.f_star, "f_scale": problem.f_scale, "f_solved": problem.f_solved}
    return judge(values, radii, budget, **constants), x


def sphere(y):
    return y @ y, 2 * y


def rosenbrock(y):
    valley, rest = y[1:] - y[:-1] ** 2, 1 - y[:-1]
    grad = np.zeros_like(y)
    grad[:-1] += -400 * y[:-1] * valley - 2 * rest
    grad[1:] += 200 * valley
    return np.sum(100 * valley**2 + rest**2), grad


def ellipsoid(y, condition):
    curvature = condition ** (np.arange(len(y)) / (len(y) - 1))
    return np.sum(curvature * y**2), 2 * curvature * y


def cup(y):
    root = np.sqrt(9 - y[0] ** 2)
    grad = 2 * y
    grad[0] -= y[0] / root
    return y @ y + root, grad


def cone(y):
    root = np.sqrt(1.0 + np.sum(y * y))
    return root - 1.0, y / root


def aside(y):
    return (y[0] - 0.5) ** 2 + (y[1] - 11.5) ** 2, 2 * (y - [0.5, 11.5])


FUNCTIONS = {
    "aside": aside,
    "sphere": sphere,
    "rosenbrock": rosenbrock,
    "ellipsoid": ellipsoid,
    "cone": cone,
    "cup": cup,
    "misjudged": sphere,
}
