"""Softmax regression on digits, in NumPy and double precision: what training of networks is tested against."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np

from optbench.tasks.data import load
from optbench.tasks.models.fully_connected import linear
from optbench.tasks.parts import EVALUATED
from optbench.tasks.task import Examples, Task


def digits_task(model=linear, n=300, **changes):
    """Returns a task with the first ``n`` training examples."""
    whole = Task.of(load("digits"), model)
    return dataclasses.replace(whole, train=Examples(whole.train.x[:n], whole.train.y[:n]), **changes)


def filled(examples):
    """Returns examples with rows of zeros behind them, as a trainer takes them."""
    x, y = examples
    return np.pad(x, [(0, EVALUATED)] + [(0, 0)] * (x.ndim - 1)), np.pad(y, (0, EVALUATED))


def start_of(task, seed):
    """Returns weights (64, 10) and biases of the linear model in double precision."""
    network, _ = task.start(seed)
    (arrays,) = (layer for layer in network.params if layer)
    by_shape = {np.asarray(a).ndim: np.asarray(a, np.float64) for a in arrays.values()}
    return by_shape[2].reshape(64, 10) if by_shape[2].shape == (64, 10) else by_shape[2].T, by_shape[1]


def softmax_gradient(w, b, x, y):
    """Returns the gradient of the mean cross-entropy: ``x^T (p - t)/n``."""
    z = x @ w + b
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    p[np.arange(len(y)), y] -= 1.0
    return x.T @ p / len(y), p.mean(0)


def loss_of(w, b, x, y):
    z = x @ w + b
    return float(np.mean(np.log(np.exp(z).sum(1)) - z[np.arange(len(y)), y]))


def batches(task, seed, epochs, size):
    for epoch in range(epochs):
        for rows in task.order(seed, epoch, size):
            yield task.train.x[rows].reshape(size, -1).astype(np.float64), task.train.y[rows]


def judged(fit):
    """Returns the parameters of a run at its judged point, as one vector."""
    return np.concatenate([leaf.ravel() for leaf in jax.tree.leaves(fit.ends["judged"].params)])
