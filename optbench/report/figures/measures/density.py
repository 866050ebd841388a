"""A spectrum as a curve: nodes and weights of stochastic Lanczos quadrature, smoothed by a Gaussian."""

from __future__ import annotations

import numpy as np

from optbench.analysis.statistics.arrays import Floats

#: Variance of the Gaussian, as a share of the width of the spectrum, or of 1 where that is narrower: the default of
#: google/spectral-density and of PyHessian.
SMOOTHING = 1e-5
#: A bell is drawn out to so many standard deviations, by so many points.
_REACH, _POINTS = 6.0, 49


def variance(nodes: Floats) -> float:
    """Returns the variance of the Gaussian for a spectrum: ``1e-5 max(1, largest - smallest node)``.

    Example:
        >>> variance(np.array([0.0, 0.5])), variance(np.array([-1.0, 99.0]))
        (1e-05, 0.001)
    """
    return SMOOTHING * max(1.0, float(nodes.max() - nodes.min()))


def density(at: Floats, nodes: Floats, weights: Floats, squared_width: float | None = None) -> Floats:
    """Returns the smoothed density of a spectrum: ``sum_i w_i N(t; theta_i, s^2) / sum_i w_i``.

    Weights of one probe sum to 1, so of several it is the mean over the probes.

    Args:
        at: Where, shape (k,).
        nodes: The nodes ``theta_i`` of all probes, shape (n,).
        weights: Their weights, shape (n,).
        squared_width: The variance ``s^2``; that of ``variance`` by default.

    Returns:
        The density, shape (k,); its integral is 1.

    Example:
        >>> density(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.array([0.25, 0.75]), 1e-4).round(3).tolist()
        [9.974, 29.921]

    Source: Ghorbani, Krishnan, Xiao 2019, ICML (stochastic Lanczos quadrature of the Hessian's spectrum).
    """
    s = np.sqrt(variance(nodes) if squared_width is None else squared_width)
    bells = np.exp(-0.5 * ((at[:, None] - nodes[None, :]) / s) ** 2) / (s * np.sqrt(2 * np.pi))
    return np.asarray(bells @ (weights / weights.sum()), dtype=np.float64)


def places(nodes: Floats, squared_width: float | None = None) -> Floats:
    """Returns where a density must be known to be drawn: about each node, finer than its bell, and in between.

    Args:
        nodes: The nodes, shape (n,).
        squared_width: The variance of the bells; that of ``variance`` by default.

    Returns:
        Ascending places, shape (k,).
    """
    s = np.sqrt(variance(nodes) if squared_width is None else squared_width)
    bells = nodes[:, None] + s * np.linspace(-_REACH, _REACH, _POINTS)[None, :]
    span = np.linspace(nodes.min() - _REACH * s, nodes.max() + _REACH * s, 200)
    return np.unique(np.concatenate([bells.ravel(), span]))
