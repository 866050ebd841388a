"""Logistic and softmax regression on scikit-learn's handwritten digits, 1797 images of 8 x 8 pixels."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems.finite_sums import design, minimum
from optbench.problems.finite_sums.logistic_regression import fit
from optbench.problems.landscape import Dims, Landscape, Parameter, box

N_IMAGES = 1797
_CLASSES = 10
#: Pixels and the constant 1 that carries the bias.
_INPUTS = 65
_REFERENCE = (
    "Alpaydin & Kaynak, 1998, Optical recognition of handwritten digits, UCI repository; as scikit-learn embeds it"
)
_REMARKS = (
    "The data are the same for all instances, which differ by a seeded shift of the weights; the regularizer includes "
    "the biases and measures from the shifted origin."
)
_L2 = Parameter(1e-3, 1e-4, 1.0, "weight of the regularizer")


@cache
def images() -> tuple[np.ndarray, np.ndarray]:
    """Returns pixels over 16 with a constant 1 behind them, shape (1797, 65), and digits, shape (1797,)."""
    # It takes seconds to import, and nothing else of optbench needs it.
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return np.column_stack([np.asarray(pixels, np.float64) / 16.0, np.ones(len(pixels))]), np.asarray(labels)


def _digits_logistic(x: Array, l2: Array, signed: Array, shift: Array) -> Array:
    """Mean logistic loss of odd (+1) against even (-1) digits, a linear model with a bias.

    Args:
        x: Point, shape (65,): weights of the pixels, then the bias, all moved by ``shift``.
        l2: Weight of the regularizer.
        signed: Inputs times labels of +1 or -1, shape (1797, 65).
        shift: By how much the instance is moved, shape (65,).

    Returns:
        ``mean_i log(1 + exp(-signed_i . w)) + l2 |w|^2 / 2`` with ``w = x - shift``.

    References:
        Alpaydin & Kaynak, 1998, Optical recognition of handwritten digits, UCI machine learning repository.
    """
    w = x - shift
    return jnp.mean(jax.nn.softplus(-(signed @ w))) + 0.5 * l2 * jnp.sum(w * w)


def _logistic_batch(x: Array, indices: Array, l2: Array, signed: Array, shift: Array) -> Array:
    return _digits_logistic(x, l2, jnp.take(signed, indices, axis=0), shift)


def _signed() -> np.ndarray:
    inputs, labels = images()
    return np.asarray(np.where(labels % 2 == 1, 1.0, -1.0)[:, None] * inputs)


@cache
def _logistic_fit(l2: float) -> tuple[np.ndarray, float]:
    return fit(_signed(), l2)


digits_logistic = Landscape(
    name="digits_logistic",
    f=_digits_logistic,
    dims=Dims(minimum=_INPUTS, maximum=_INPUTS, default=_INPUTS),
    bounds=box(-design.HALF_BOX, design.HALF_BOX),
    x_star=lambda dim, instance, l2: (
        _logistic_fit(l2)[0] + design.shift("digits_logistic", dim, instance, _logistic_fit(l2)[0])
    )[None],
    f_star=lambda dim, instance, l2: _logistic_fit(l2)[1],
    parameters={"l2": _L2},
    data=lambda dim, instance, l2: (_signed(), design.shift("digits_logistic", dim, instance, _logistic_fit(l2)[0])),
    own_instances=True,
    offset=design.offset("digits_logistic"),
    batch=_logistic_batch,
    n_terms=lambda dim: N_IMAGES,
    family="digits",
    formula="mean_i log(1 + exp(-s_i z_i . w)) + l2 |w|^2/2, w = x - shift, s_i = 1 for odd digits, -1 for even ones",
    reference=_REFERENCE,
    remarks=_REMARKS,
)


def _digits_softmax(x: Array, l2: Array, inputs: Array, classes: Array, shift: Array) -> Array:
    """Mean cross-entropy of softmax regression on the ten digits.

    Args:
        x: Point, shape (650,): for each digit the weights of the pixels and the bias, all moved by ``shift``.
        l2: Weight of the regularizer; it makes the minimizer unique, since biases count in it.
        inputs: Pixels and a constant 1, shape (1797, 65).
        classes: One-hot digits, shape (1797, 10).
        shift: By how much the instance is moved, shape (650,).

    Returns:
        ``mean_i (log sum_k exp(z_i . w_k) - z_i . w_{y_i}) + l2 |w|^2 / 2`` with ``w = x - shift``.

    References:
        Alpaydin & Kaynak, 1998, Optical recognition of handwritten digits, UCI machine learning repository.
    """
    w = x - shift
    logits = inputs @ w.reshape(_CLASSES, _INPUTS).T
    losses = jax.nn.logsumexp(logits, axis=1) - jnp.sum(logits * classes, axis=1)
    return jnp.mean(losses) + 0.5 * l2 * jnp.sum(w * w)


def _softmax_batch(x: Array, indices: Array, l2: Array, inputs: Array, classes: Array, shift: Array) -> Array:
    return _digits_softmax(x, l2, jnp.take(inputs, indices, axis=0), jnp.take(classes, indices, axis=0), shift)


def _one_hot() -> np.ndarray:
    return np.asarray(np.eye(_CLASSES)[images()[1]])


@cache
def _softmax_fit(l2: float) -> tuple[np.ndarray, float]:
    """Returns the minimizer before it is moved, shape (650,), and the minimum."""
    inputs, labels = images()
    n, hot = len(inputs), _one_hot()

    def probabilities(w: np.ndarray) -> np.ndarray:
        logits = inputs @ w.reshape(_CLASSES, _INPUTS).T
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    def value(w: np.ndarray) -> float:
        logits = inputs @ w.reshape(_CLASSES, _INPUTS).T
        # The right class against the others: a loss of 1e-9 keeps all its digits.
        behind = logits - logits[np.arange(n), labels][:, None]
        top = behind.max(axis=1)
        others = np.where(hot == 1.0, 0.0, np.exp(behind - top[:, None])).sum(axis=1)
        losses = np.where(top > 0.0, top + np.log(others + np.exp(-top)), np.log1p(others * np.exp(top)))
        return minimum.mean(losses) + 0.5 * l2 * float(w @ w)

    def gradient(w: np.ndarray) -> np.ndarray:
        return np.asarray(((probabilities(w) - hot).T @ inputs / n).ravel() + l2 * w)

    def hessian(w: np.ndarray) -> np.ndarray:
        p = probabilities(w)
        blocks = np.empty((_CLASSES, _INPUTS, _CLASSES, _INPUTS))
        for k in range(_CLASSES):
            for m in range(_CLASSES):
                weight = p[:, k] * (float(k == m) - p[:, m])
                blocks[k, :, m, :] = (inputs.T * weight) @ inputs / n
        return blocks.reshape(w.size, w.size) + l2 * np.eye(w.size)

    w = minimum.newton(value, gradient, hessian, np.zeros(_CLASSES * _INPUTS))
    return w, value(w)


digits_softmax = Landscape(
    name="digits_softmax",
    f=_digits_softmax,
    dims=Dims(minimum=_CLASSES * _INPUTS, maximum=_CLASSES * _INPUTS, default=_CLASSES * _INPUTS),
    bounds=box(-design.HALF_BOX, design.HALF_BOX),
    x_star=lambda dim, instance, l2: (
        _softmax_fit(l2)[0] + design.shift("digits_softmax", dim, instance, _softmax_fit(l2)[0])
    )[None],
    f_star=lambda dim, instance, l2: _softmax_fit(l2)[1],
    parameters={"l2": _L2},
    data=lambda dim, instance, l2: (
        images()[0],
        _one_hot(),
        design.shift("digits_softmax", dim, instance, _softmax_fit(l2)[0]),
    ),
    own_instances=True,
    offset=design.offset("digits_softmax"),
    batch=_softmax_batch,
    n_terms=lambda dim: N_IMAGES,
    family="digits",
    formula="mean_i (log sum_k exp(z_i . w_k) - z_i . w_{y_i}) + l2 |w|^2/2, w = x - shift",
    reference=_REFERENCE,
    remarks=_REMARKS,
)
