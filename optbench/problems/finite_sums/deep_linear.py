"""A deep linear network of three layers on generated data."""

from __future__ import annotations

from functools import cache, lru_cache

import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.problems.finite_sums import design, minimum
from optbench.problems.instances import haar
from optbench.problems.landscape import Dims, Landscape, Matrix, Parameter, box

_HALF_BOX = 3.0
#: Range of the singular values of the map that makes the targets.
_SINGULAR = (0.1, 0.5)


def shape(dim: int) -> tuple[int, int]:
    """Returns the number of inputs p and the width h of the three layers, with ``dim = h p + 2 h^2``.

    The width is the largest divisor of ``dim`` with ``3 h^2 <= dim``: no layer is narrower than the output.

    Args:
        dim: At least 3.

    Returns:
        Inputs and width.

    Example:
        >>> [shape(dim) for dim in (3, 10, 12, 40, 300, 1000)]
        [(1, 1), (8, 1), (2, 2), (16, 2), (10, 10), (80, 10)]
    """
    width = max(h for h in range(1, dim) if dim % h == 0 and 3 * h * h <= dim)
    return dim // width - 2 * width, width


def _product(x: Array, inputs: int) -> Array:
    """Returns the map of the whole network, shape (h, p); each layer is divided by the root of its inputs."""
    width = round((-inputs + (inputs * inputs + 8 * x.shape[0]) ** 0.5) / 4)
    cut = width * inputs
    first = x[:cut].reshape(width, inputs)
    second, third = x[cut:].reshape(2, width, width)
    whole: Array = third @ (second @ first) / (width * inputs**0.5)
    return whole


def _deep_linear(x: Array, noise: Array, inputs: Array, targets: Array) -> Array:
    """Mean of half the squared error of a linear network of three layers.

    Args:
        x: Point, shape (dim,): the layers from the first to the last by rows, of shapes (h, p), (h, h), (h, h).
        noise: Standard deviation of the noise on the targets; it shapes the data.
        inputs: Inputs, shape (N, p).
        targets: Targets, shape (N, h).

    Returns:
        ``sum_i |W3 W2 W1 inputs_i / (h sqrt(p)) - targets_i|^2 / (2 N)``.

    References:
        Baldi & Hornik, 1989, Neural networks and principal component analysis: learning from examples
        without local minima; Saxe, McClelland & Ganguli, 2014, Exact solutions to the nonlinear dynamics of
        learning in deep linear neural networks.
    """
    del noise
    residuals = inputs @ _product(x, inputs.shape[1]).T - targets
    return 0.5 * jnp.mean(jnp.sum(residuals * residuals, axis=1))


def _batch(x: Array, indices: Array, noise: Array, inputs: Array, targets: Array) -> Array:
    return _deep_linear(x, noise, jnp.take(inputs, indices, axis=0), jnp.take(targets, indices, axis=0))


@lru_cache(maxsize=4)
def _data(dim: int, instance: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    p, h = shape(dim)
    rng = design.stream("deep_linear", dim, instance)
    inputs = rng.standard_normal((design.n_terms(p), p))
    teacher = haar(rng, h) * np.linspace(*_SINGULAR[::-1], h) @ haar(rng, p)[:h]
    return inputs, inputs @ teacher.T + noise * rng.standard_normal((len(inputs), h))


@cache
def _minimum(dim: int, instance: int, noise: float) -> tuple[Matrix, float]:
    """Least squares of the whole map, cut into three balanced layers that are turned against each other.

    Args:
        dim: Dimension.
        instance: Number of the instance.
        noise: Standard deviation of the noise on the targets.

    Returns:
        A minimizer, shape (1, dim), and the minimum.
    """
    p, h = shape(dim)
    inputs, targets = _data(dim, instance, noise)
    best = np.linalg.solve(inputs.T @ inputs, inputs.T @ targets).T
    u, s, v = np.linalg.svd(best, full_matrices=False)
    root = np.sqrt(h) * np.cbrt(s)
    rng = design.stream("deep_linear turn", dim, instance)
    while True:
        one, two = haar(rng, h), haar(rng, h)
        layers = (np.sqrt(p / h) * one * root @ v, two * root @ one.T, u * root @ two.T)
        x = np.concatenate([layer.ravel() for layer in layers])
        if np.abs(x).max() <= 0.8 * _HALF_BOX:
            break
    residuals = [minimum.dots(inputs, row, -target) for row, target in zip(best, targets.T, strict=True)]
    return x[None], 0.5 * h * minimum.mean(np.concatenate(residuals) ** 2)


deep_linear = Landscape(
    name="deep_linear",
    f=_deep_linear,
    dims=Dims(minimum=3, maximum=1000, default=40),
    bounds=box(-_HALF_BOX, _HALF_BOX),
    x_star=lambda dim, *which: _minimum(dim, *which)[0],
    f_star=lambda dim, *which: _minimum(dim, *which)[1],
    parameters={"noise": Parameter(0.2, 0.0, 2.0, "standard deviation of the noise on the targets")},
    data=_data,
    own_instances=True,
    offset=design.offset("deep_linear"),
    batch=_batch,
    n_terms=lambda dim: design.n_terms(shape(dim)[0]),
    formula="sum_i |W3 W2 W1 x_i/(h sqrt(p)) - y_i|^2/(2 N), layers of shapes (h, p), (h, h), (h, h)",
    reference="Baldi & Hornik, 1989; Saxe, McClelland & Ganguli, 2014",
    remarks="The layers are as wide as the output, so the minimum is that of least squares. Minimizers are a manifold; "
    "one is listed. Where two layers vanish, the gradient and the Hessian do.",
)
