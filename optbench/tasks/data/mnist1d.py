"""MNIST-1D: curves of 40 points that look like the ten digits, made by a generator.

The recipe is that of Greydanus 2020, "Scaling down deep learning" (arXiv:2011.14439), with the parameters of its
package ``mnist1d`` 0.0.2 (Apache-2.0). The draws are this package's own: the rows have the same distribution, not the
same numbers. A row is its class's template of 12 points, padded with zeros, stretched to 72 points, scaled, moved
round, with correlated noise where it is zero, independent noise everywhere, a slope, and 40 points of the result.
"""

from __future__ import annotations

import numpy as np

from optbench.core.keys import generator

#: Raised whenever the numbers of a seed change.
VERSION = 1

SEED = 0
N_ROWS = 5000
LENGTH = 40

#: Zeros behind the template: from ... to, both included.
PADDING = (36, 60)
#: Length at which the curves are moved and disturbed: template and longest padding.
_LONG = 12 + PADDING[1]
#: Width of the uniform factor around 1.
SCALE = 0.4
#: Moves are 0 to 47 points.
TRANSLATION = 48
#: Standard deviation of the noise before it is smoothed by a Gaussian of 2 points.
CORRELATED_NOISE, SMOOTHING = 0.25, 2.0
INDEPENDENT_NOISE = 0.02
#: Width of the uniform slope around 0.
SHEAR = 0.75

#: The digits as heights of 12 points, as the package states them.
TEMPLATES = np.array([
    [5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5],
    [5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5],
    [5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5],
    [5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5],
    [5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5],
    [5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5],
    [5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5],
    [5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5],
    [5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5],
    [5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5],
])  # fmt: skip


def templates() -> np.ndarray:
    """Returns the ten curves with standard deviation 1/6 that start and end at 0, shape (10, 12)."""
    scaled = (TEMPLATES - TEMPLATES.mean(1, keepdims=True)) / TEMPLATES.std(1, keepdims=True)
    return np.asarray((scaled - scaled[:, :1]) / 6.0)


def generate(n_rows: int = N_ROWS, seed: int = SEED) -> tuple[np.ndarray, np.ndarray]:
    """Draws curves, in classes' order from row to row, so that classes differ by one row at most.

    Args:
        n_rows: Number of curves.
        seed: Seed of all draws; no global state is read or changed.

    Returns:
        Curves, float32, shape (n_rows, 40, 1), with mean 0 and standard deviation 1 over all of them, and their digits,
        int32, shape (n_rows,): 0, 1, ..., 9, 0, 1, ...

    Example:
        >>> curves, digits = generate(24)
        >>> curves.shape, digits[:11].tolist()
        ((24, 40, 1), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0])
    """
    n = n_rows
    digits = np.arange(n, dtype=np.int32) % 10
    rng = generator(seed, "mnist1d", VERSION)
    curves, drawn = _stretched(templates()[digits], rng.integers(PADDING[0], PADDING[1] + 1, n))
    curves *= 1.0 + SCALE * (rng.random((n, 1)) - 0.5)
    # Move round: the point that comes to place j was at j - move.
    source = (np.arange(_LONG) - rng.integers(TRANSLATION, size=(n, 1))) % _LONG
    curves, drawn = np.take_along_axis(curves, source, 1), np.take_along_axis(drawn, source, 1)
    curves = np.where(drawn, curves, _correlated(rng, n))
    curves += INDEPENDENT_NOISE * rng.standard_normal(curves.shape)
    curves -= SHEAR * (rng.random((n, 1)) - 0.5) * np.linspace(-0.5, 0.5, _LONG)
    curves = _interpolated(curves, np.broadcast_to(np.linspace(0.0, _LONG - 1.0, LENGTH), (n, LENGTH)))
    curves = (curves - curves.mean()) / curves.std()
    return curves[..., None].astype(np.float32), digits


def _stretched(curves: np.ndarray, padding: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pads each curve with its number of zeros and stretches it to the common length.

    Args:
        curves: Templates, shape (n, 12).
        padding: Number of zeros behind each, shape (n,).

    Returns:
        The curves and which of their points are drawn, not zero by the padding; both of shape (n, 72).
    """
    width = curves.shape[1]
    padded = np.pad(curves, ((0, 0), (0, PADDING[1])))
    places = np.linspace(0.0, 1.0, _LONG) * (width + padding[:, None] - 1.0)
    return _interpolated(padded, places), places < width


def _interpolated(curves: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Returns the linear interpolation of each curve between its points, at its own places."""
    left = np.minimum(places.astype(np.int64), curves.shape[1] - 2)
    low, high = np.take_along_axis(curves, left, 1), np.take_along_axis(curves, left + 1, 1)
    return np.asarray(low + (places - left) * (high - low))


def _correlated(rng: np.random.Generator, n: int) -> np.ndarray:
    """Returns smoothed noise, shape (n, 72)."""
    from scipy.ndimage import gaussian_filter1d

    noise = CORRELATED_NOISE * rng.standard_normal((n, _LONG))
    return np.asarray(gaussian_filter1d(noise, SMOOTHING, axis=1))
