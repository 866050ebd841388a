"""The line-search methods as textbooks write them: ordinary nested loops in NumPy, beside no code of the package.

Each method runs until its oracle has answered as often as it may. The oracle writes down where it was asked, so
that a phase machine can be held to the same questions in the same order.
"""

from __future__ import annotations

from collections import deque

import numpy as np

TRIALS = 20


class SpentError(Exception):
    """The oracle has answered as often as it may."""


class Oracle:
    """Answers with value and gradient, or a Hessian-vector product at the price of two, and keeps a log.

    ``log`` has one line for each unit of cost: the point, the direction or None, the judged iterate and the steps
    completed when it was asked. A question within 1e-9 of the one that ``machine`` asked in its place is answered
    for that one: else steepest descent would blow up one rounding to another path within fifty calls.
    """

    def __init__(self, value_and_grad, hessian, machine):
        self.value_and_grad, self.hessian, self.machine = value_and_grad, hessian, machine
        self.log, self.x, self.steps = [], None, 0

    def write(self, point, direction=None):
        if len(self.log) == len(self.machine):
            raise SpentError
        self.log.append((np.array(point), direction, np.array(self.x), self.steps))

    def ask(self, point):
        if self.x is None:
            self.x = point
        self.write(point)
        asked = self.machine[len(self.log) - 1]
        value, grad = self.value_and_grad(asked if np.allclose(asked, point, rtol=1e-9, atol=1e-9) else point)
        if not (np.isfinite(value) and np.all(np.isfinite(grad))):
            return np.inf, np.zeros_like(grad)
        return float(value), np.asarray(grad)

    def product(self, p):
        self.write(self.x)
        self.write(self.x, p)
        return self.hessian(self.x) @ p

    def step(self, x):
        self.x, self.steps = x, self.steps + 1


def run(method, oracle, x0, hyper):
    """Runs a method until its oracle is spent and returns the log."""
    try:
        with np.errstate(all="ignore"):
            method(oracle, np.asarray(x0, np.float64), **hyper)
    except SpentError:
        return oracle.log
    raise AssertionError("a method never ends by itself")


def gd_armijo(oracle, x, *, lr, c1, shrink, growth):
    f, g = oracle.ask(x)
    alpha = lr
    while True:
        for _ in range(TRIALS):
            new_f, new_g = oracle.ask(x - alpha * g)
            if new_f <= f - c1 * alpha * (g @ g):
                x, f, g, alpha = x - alpha * g, new_f, new_g, alpha * growth
                break
            alpha *= shrink
        oracle.step(x)


def cubic_minimizer(a, fa, sa, b, fb, sb):
    """Returns the step of Nocedal and Wright 2006, equation 3.59: another form rounds to other steps."""
    d1 = sa + sb - 3 * (fa - fb) / (a - b)
    d2 = np.sign(b - a) * np.sqrt(d1**2 - sa * sb)
    return b - (b - a) * (sb + d2 - d1) / (sb - sa + 2 * d2)


def wolfe_search(phi, f0, s0, alpha, c1, c2):
    """Returns ``(alpha, answer)`` of the accepted step, or ``(next trial, None)`` of a failed search.

    ``phi(alpha)`` answers ``(value, slope, gradient)``.
    """

    def higher(trial, lowest):
        return trial[1] > f0 + c1 * trial[0] * s0 or trial[1] > lowest[1]

    last, trials = (0.0, f0, s0), 0
    while True:
        f, s, g = phi(alpha)
        here, trials = (alpha, f, s), trials + 1
        if higher(here, last):
            lo, hi = last, here
            break
        if abs(s) <= -c2 * s0 or trials == TRIALS:
            return alpha, (f, g)
        if s >= 0:
            lo, hi = here, last
            break
        t = cubic_minimizer(*last, *here)
        near, far = alpha + 1.1 * (alpha - last[0]), alpha + 4 * (alpha - last[0])
        last, alpha = here, (min(max(t, near), far) if t > alpha else far)
    while True:
        t = cubic_minimizer(*lo, *hi)
        w = hi[0] - lo[0]
        edges = sorted((lo[0] + 0.1 * w, hi[0] - 0.1 * w))
        alpha = min(max(t, edges[0]), edges[1]) if np.isfinite(t) else lo[0] + 0.5 * w
        if trials == TRIALS:
            break
        f, s, g = phi(alpha)
        here, trials = (alpha, f, s), trials + 1
        if higher(here, lo):
            hi = here
            continue
        if abs(s) <= -c2 * s0 or trials == TRIALS:
            return alpha, (f, g)
        lo, hi = here, (lo if s * (hi[0] - lo[0]) >= 0 else hi)
    if lo[0] == 0:
        return alpha, None
    f, _, g = phi(lo[0])
    return lo[0], (f, g)


def along(oracle, x, d):
    def phi(alpha):
        f, g = oracle.ask(x + alpha * d)
        return f, g @ d, g

    return phi


def scaled(alpha, s, new_s):
    ratio = alpha * s / new_s
    return ratio if np.isfinite(ratio) and ratio > 0 else alpha


def gd_wolfe(oracle, x, *, lr, c1, c2):
    f, g = oracle.ask(x)
    alpha = lr
    while True:
        d, s = -g, -(g @ g)
        alpha, found = wolfe_search(along(oracle, x, d), f, s, alpha, c1, c2)
        if found:
            x, (f, g) = x + alpha * d, found
        oracle.step(x)
        alpha = scaled(alpha, s, -(g @ g))


def nonlinear_cg(oracle, x, *, lr, c1, c2):
    f, g = oracle.ask(x)
    alpha, d = lr, -g
    while True:
        s = g @ d
        alpha, found = wolfe_search(along(oracle, x, d), f, s, alpha, c1, c2)
        beta = 0.0
        if found:
            x, f = x + alpha * d, found[0]
            beta = max(0.0, found[1] @ (found[1] - g) / (g @ g))
            g = found[1]
        oracle.step(x)
        d = -g + beta * d
        if g @ d >= 0:
            d = -g
        alpha = scaled(alpha, s, g @ d)


def two_loops(g, pairs):
    """Returns ``H g`` for the pairs ``(s, y)``, oldest first (Nocedal and Wright 2006, algorithm 7.4)."""
    q, weights = g.copy(), []
    for s, y in reversed(pairs):
        weights.append((s @ q) / (s @ y))
        q -= weights[-1] * y
    s, y = pairs[-1]
    q *= (s @ y) / (y @ y)
    for (s, y), weight in zip(pairs, reversed(weights), strict=True):
        q += (weight - (y @ q) / (s @ y)) * s
    return q


def lbfgs(oracle, x, *, lr, c1, c2):
    f, g = oracle.ask(x)
    pairs, alpha, d = deque(maxlen=10), lr, -g * min(1.0, 1 / np.linalg.norm(g))
    while True:
        s = g @ d
        alpha, found = wolfe_search(along(oracle, x, d), f, s, alpha, c1, c2)
        if found is None:
            pairs.clear()
            oracle.step(x)
            d = -g
            alpha = scaled(alpha, s, g @ d)
            continue
        pair = alpha * d, found[1] - g
        x, f, g = x + pair[0], *found
        oracle.step(x)
        alpha = 1.0
        if pair[0] @ pair[1] > 0:
            pairs.append(pair)
        else:
            pairs.clear()
        d = -two_loops(g, pairs) if pairs else -g
        if g @ d >= 0:
            pairs.clear()
            d = -g


def armijo_search(oracle, x, f, g, d, lr, c1):
    """Returns the new point with its value and gradient, after as many failed searches along -g as it takes."""
    alpha = lr
    while True:
        s = g @ d
        for _ in range(TRIALS):
            new_f, new_g = oracle.ask(x + alpha * d)
            if new_f <= f + c1 * alpha * s:
                x = x + alpha * d
                oracle.step(x)
                return x, new_f, new_g
            alpha /= 2
        oracle.step(x)
        d = -g
        alpha = scaled(alpha, s, g @ d)


def newton_cg(oracle, x, *, lr, c1):
    f, g = oracle.ask(x)
    while True:
        length = np.linalg.norm(g)
        tolerance = min(0.5, np.sqrt(length)) * length
        z, r, p = np.zeros_like(x), g, -g
        for j in range(len(x)):
            hp = oracle.product(p)
            if p @ hp <= 0:
                z = p if j == 0 else z
                break
            alpha = (r @ r) / (p @ hp)
            z, new_r = z + alpha * p, r + alpha * hp
            if np.linalg.norm(new_r) <= tolerance:
                break
            p, r = -new_r + (new_r @ new_r) / (r @ r) * p, new_r
        x, f, g = armijo_search(oracle, x, f, g, z if g @ z < 0 else -g, lr, c1)


def modified_factors(hessian):
    """Returns L and the pivots of Gill, Murray and Wright's H + E = L D L', by elimination, largest pivot first.

    L has a column and a row for each index of H, so it is triangular only in the order of elimination.
    """
    n, eps = len(hessian), np.finfo(np.float64).eps
    gamma = max(abs(hessian[i, i]) for i in range(n))
    xi = max((abs(hessian[i, j]) for i in range(n) for j in range(i)), default=0.0)
    beta2 = max(gamma, xi / np.sqrt(max(n * n - 1, 1)), eps)
    delta = eps * max(gamma + xi, 1.0)
    left, lower, pivots, rest = hessian.copy(), np.eye(n), np.zeros(n), list(range(n))
    while rest:
        q = max(rest, key=lambda i: abs(left[i, i]))
        rest.remove(q)
        theta = max((abs(left[i, q]) for i in rest), default=0.0)
        pivots[q] = max(abs(left[q, q]), theta**2 / beta2, delta)
        for i in rest:
            lower[i, q] = left[i, q] / pivots[q]
        for i in rest:
            for j in rest:
                left[i, j] -= lower[i, q] * pivots[q] * lower[j, q]
    return lower, pivots


def newton(oracle, x, *, lr, c1):
    f, g = oracle.ask(x)
    while True:
        for axis in np.eye(len(x)):
            oracle.write(oracle.x, axis)
        for _ in x:
            oracle.write(oracle.x)
        lower, pivots = modified_factors(oracle.hessian(x))
        d = np.linalg.solve(lower @ np.diag(pivots) @ lower.T, -g)
        x, f, g = armijo_search(oracle, x, f, g, d, lr, c1)


METHODS = {
    "gd_armijo": gd_armijo,
    "gd_wolfe": gd_wolfe,
    "nonlinear_cg": nonlinear_cg,
    "lbfgs": lbfgs,
    "newton_cg": newton_cg,
    "newton": newton,
}
