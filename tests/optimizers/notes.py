"""The seven update rules transcribed from the project's notes into plain NumPy loops, beside no code of the package.

Each rule is written as the notes' table has it: one line a formula, powers as ``b**t``, and it asks for
its gradients itself, so NAG's stands at the lookahead point because the formula says so.
"""

from __future__ import annotations

import numpy as np

#: Rule -> hyperparameters that differ from its defaults: rates at which paths of 1,000 steps are not chaotic, and
#: an epsilon that is felt in the tenth digit of every step.
HYPER = {
    "sgd": {"lr": 1e-3},
    "momentum": {"lr": 1e-4, "beta": 0.8},
    "nag": {"lr": 1e-4, "beta": 0.85},
    "adagrad": {"lr": 0.1, "eps": 1e-3},
    "adadelta": {"gamma": 0.9, "eps": 1e-8},
    "rmsprop": {"lr": 1e-3, "gamma": 0.95, "eps": 1e-2},
    "adam": {"lr": 1e-3, "b1": 0.8, "b2": 0.99, "eps": 1e-3},
}


def sgd(grad, W, steps, *, lr):
    for _ in range(steps):
        W = W - lr * grad(W)
        yield W


def momentum(grad, W, steps, *, lr, beta):
    a = 0.0 * W
    for _ in range(steps):
        a = beta * a + grad(W)
        W = W - lr * a
        yield W


def nag(grad, W, steps, *, lr, beta):
    a = 0.0 * W
    for _ in range(steps):
        a = beta * a + grad(W - lr * beta * a)
        W = W - lr * a
        yield W


def adagrad(grad, W, steps, *, lr, eps):
    G = 0.0 * W
    for _ in range(steps):
        g = grad(W)
        G = G + g**2
        W = W - lr / np.sqrt(G + eps) * g
        yield W


def adadelta(grad, W, steps, *, gamma, eps):
    G, H = 0.0 * W, 0.0 * W
    for _ in range(steps):
        g = grad(W)
        G = gamma * G + (1 - gamma) * g**2
        dW = -np.sqrt(H + eps) / np.sqrt(G + eps) * g
        W = W + dW
        H = gamma * H + (1 - gamma) * dW**2
        yield W


def rmsprop(grad, W, steps, *, lr, gamma, eps):
    G = 0.0 * W
    for _ in range(steps):
        g = grad(W)
        G = gamma * G + (1 - gamma) * g**2
        W = W - lr / np.sqrt(G + eps) * g
        yield W


def adam(grad, W, steps, *, lr, b1, b2, eps):
    m, v = 0.0 * W, 0.0 * W
    for t in range(1, steps + 1):
        g = grad(W)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        W = W - lr / np.sqrt(v + eps) * np.sqrt(1 - b2**t) / (1 - b1**t) * m
        yield W


RULES = {"sgd": sgd, "momentum": momentum, "nag": nag, "adagrad": adagrad, "adadelta": adadelta, "rmsprop": rmsprop}
RULES["adam"] = adam


def path(rule, grad, x0, steps, hyper):
    """Returns the iterates, start included, shape (steps + 1, dim)."""
    x0 = np.asarray(x0, np.float64)
    return np.stack([x0, *RULES[rule](grad, x0, steps, **hyper)])


def error(x, reference):
    """Returns the largest deviation of a path, each iterate's relative to the reference's largest coordinate."""
    return float((np.abs(x - reference).max(axis=-1) / np.abs(reference).max(axis=-1)).max())


def booth(x):
    return np.array([10 * x[0] + 8 * x[1] - 34, 8 * x[0] + 10 * x[1] - 38])


def rosenbrock(x):
    valley = x[1] - x[0] ** 2
    return np.array([-400 * x[0] * valley - 2 * (1 - x[0]), 200 * valley])


def matyas(x):
    return np.array([0.52 * x[0] - 0.48 * x[1], 0.52 * x[1] - 0.48 * x[0]])


def zakharov(x):
    weights = 0.5 * np.arange(1, len(x) + 1)
    s = weights @ x
    return 2 * x + (2 * s + 4 * s**3) * weights


#: Function -> its gradient by hand, and a start.
GRADIENTS = {
    "booth": (booth, (-4.0, -6.0)),
    "rosenbrock": (rosenbrock, (-1.2, 1.0)),
    "matyas": (matyas, (9.0, -7.0)),
    "zakharov": (zakharov, (3.0, -2.0)),
}

#: Rosenbrock's valley amplifies one rounding of RMSprop and Adadelta to 1e-3 within 600 steps.
CHAOTIC = {("rmsprop", "rosenbrock"), ("adadelta", "rosenbrock")}
CASES = [(rule, name) for rule in RULES for name in GRADIENTS if (rule, name) not in CHAOTIC]
