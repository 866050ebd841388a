"""Random directions in the space of parameters, scaled so that pictures of different networks can be compared."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from optbench.core.keys import generator
from optbench.core.objective import Params
from optbench.errors import UsageError, unknown_name
from optbench.measures.checks import check_whole
from optbench.measures.measure import NotApplicable

#: How a direction is scaled.
MODES = ("filter", "layer", "weight", "unit")

#: Added to norms that are divided by, as in the code of Li et al.
EPS = 1e-10


def random_direction(params: Params, *, mode: str = "filter", seed: int = 0, index: int = 0) -> Params:
    """Returns a Gaussian direction, scaled by the parameters.

    - ``"filter"``: ``d_i <- d_i ||w_i|| / (||d_i|| + 1e-10)`` for each filter ``i``. A filter is all that makes one
      output: the last axis counts outputs, so norms are taken over all other axes.
    - ``"layer"``: the same with whole arrays in the place of filters.
    - ``"weight"``: ``d <- d * w``, entry by entry.
    - ``"unit"``: the whole direction gets norm 1, whatever the parameters are; for functions of a vector.

    Except in ``"unit"``, arrays of one axis (biases, scales and shifts of batch normalization) and single numbers stay.

    A network of ReLUs without biases is the same function where its layers are multiplied by numbers whose product is
    1, and so is one with batch normalization where filters before it are multiplied by any numbers. Pictures in
    ``"filter"`` directions stay the same as well; others may be stretched. They do change where each filter has a
    factor of its own that the next layer undoes: that layer's own filters are then changed in shape, not in length.

    Args:
        params: A pytree of arrays.
        mode: One of ``MODES``.
        seed: Seed of the draw; all modes scale the same draw.
        index: Number of the direction: those of one seed are independent.

    Returns:
        A pytree like ``params``.

    Raises:
        UsageError: The mode is unknown, or a number is out of range.
        NotApplicable: No array has two axes, so that nothing would move.

    Example:
        >>> direction = random_direction({"w": np.diag([3.0, 4.0]), "b": np.ones(2)})
        >>> np.linalg.norm(direction["w"], axis=0).round(6).tolist(), direction["b"].tolist()
        ([3.0, 4.0], [0.0, 0.0])

    References:
        Li, Xu, Taylor, Studer & Goldstein, 2018, Visualizing the loss landscape of neural nets, arXiv:1712.09913,
        section 4.
    """
    if mode not in MODES:
        raise UsageError(unknown_name("mode", mode, MODES))
    check_whole("seed", seed, 0)
    check_whole("index", index, 0)
    leaves, tree = jax.tree.flatten(params)
    arrays = [np.asarray(leaf) for leaf in leaves]
    if mode != "unit" and all(array.ndim < 2 for array in arrays):
        raise NotApplicable(
            f"directions of mode {mode!r} move arrays of two axes or more, and this point has none; "
            "mode 'unit' moves all"
        )
    rng = generator("measure", "direction", seed, index)
    drawn = [rng.standard_normal(array.shape) for array in arrays]
    if mode == "unit":
        norm = np.sqrt(sum(float(np.sum(draw * draw)) for draw in drawn))
        scaled = [draw / norm for draw in drawn]
    else:
        scaled = [_scaled(draw, array.astype(np.float64), mode) for draw, array in zip(drawn, arrays, strict=True)]
    made: Params = jax.tree.unflatten(
        tree, [part.astype(array.dtype) for part, array in zip(scaled, arrays, strict=True)]
    )
    return made


def _scaled(drawn: np.ndarray, array: np.ndarray, mode: str) -> np.ndarray:
    """Returns one array of a direction."""
    if array.ndim < 2:
        return np.zeros_like(drawn)
    if mode == "weight":
        weighted: np.ndarray = drawn * array
        return weighted
    axes = tuple(range(array.ndim - 1)) if mode == "filter" else None
    scaled: np.ndarray = drawn * (_norm(array, axes) / (_norm(drawn, axes) + EPS))
    return scaled


def _norm(array: np.ndarray, axes: tuple[int, ...] | None) -> Any:
    return np.sqrt(np.sum(array * array, axis=axes, keepdims=True))


def cosine(first: Params, second: Params) -> float:
    """Returns the cosine of the angle between two directions, summed in float64.

    Args:
        first: A pytree of arrays.
        second: One like it.

    Returns:
        A number in [-1, 1]; NaN where one of them is zero.
    """
    a, b = (
        np.concatenate([np.ravel(leaf).astype(np.float64) for leaf in jax.tree.leaves(direction)])
        for direction in (first, second)
    )
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norms if norms else float("nan")
