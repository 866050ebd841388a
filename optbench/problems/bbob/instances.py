"""COCO's instances: where each function's optimum lies, how it is turned, and what is added to it.

All follow from one seed, ``function + 10000 instance``. Arrays are in float64 and drawn on the host.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from jax import Array

from optbench.problems.bbob.randomness import gaussian, rotation, uniform
from optbench.problems.bbob.transforms import ramp
from optbench.problems.landscape import Dims, Landscape, box

#: Distance of the seeds of the first rotation and of the second.
_FIRST_ROTATION = 1_000_000
#: Functions that share the seed, and so optimum and offset, of another one.
_SHARED_SEEDS = {4: 3, 18: 17}
#: COCO holds 6000 numbers for a rotation, two for each entry: beyond dimension 54 it has no instances.
_DIMS = Dims(minimum=2, maximum=54)


def seed_of(number: int, instance: int) -> int:
    """Returns the seed of an instance.

    Args:
        number: Number of the function, 1 to 24.
        instance: Number of the instance, from 1 on.

    Returns:
        The seed.

    Example:
        >>> seed_of(18, 2)
        20017
    """
    return _SHARED_SEEDS.get(number, number) + 10_000 * instance


def f_opt(number: int, instance: int) -> float:
    """Returns the minimum: a quotient of two normal numbers, with two decimals, within 1000 of 0.

    Args:
        number: Number of the function.
        instance: Number of the instance.

    Returns:
        The value, the same in every dimension.

    Example:
        >>> f_opt(1, 1)
        79.48
    """
    seed = seed_of(number, instance)
    quotient = gaussian(1, seed)[0] / gaussian(1, seed + 1)[0]
    return float(np.clip(math.floor(1e4 * quotient + 0.5) / 100.0, -1000.0, 1000.0))


def place(seed: int, dim: int) -> np.ndarray:
    """Returns an optimum in [-4, 4]^dim with four decimals, no coordinate of which is 0."""
    drawn = 8.0 * np.floor(1e4 * uniform(dim, seed)) / 1e4 - 4.0
    return np.where(drawn == 0.0, -1e-5, drawn)


def first_rotation(seed: int, dim: int) -> np.ndarray:
    """Returns the rotation R of the BBOB document."""
    return rotation(seed + _FIRST_ROTATION, dim)


def second_rotation(seed: int, dim: int) -> np.ndarray:
    """Returns the rotation Q of the BBOB document."""
    return rotation(seed, dim)


def between(seed: int, dim: int, condition: float) -> np.ndarray:
    """Returns the matrix ``R diag(condition^(i / (2 (dim - 1)))) Q``.

    Args:
        seed: Seed of the instance.
        dim: Dimension.
        condition: Square of the matrix's condition number; below 1, the first axis is the longest.

    Returns:
        Matrix of shape (dim, dim).
    """
    return np.asarray((first_rotation(seed, dim) * condition ** (0.5 * ramp(dim))) @ second_rotation(seed, dim))


def bbob(
    number: int,
    *,
    f: Callable[..., Array],
    optimum: Callable[[int, int], np.ndarray] = place,
    data: Callable[[int, int], tuple[np.ndarray, ...]],
    second: Callable[[int, int], float | None] = lambda seed, dim: None,
    family: str,
    tags: frozenset[str],
    formula: str,
    remarks: str,
) -> Landscape:
    """Returns the landscape of a BBOB function, with what all 24 have in common.

    Args:
        number: Number of the function.
        f: ``f(x, *data)``.
        optimum: ``optimum(seed, dim)``: the minimizer that COCO names, shape (dim,).
        data: ``data(seed, dim)``: the arrays that ``f`` takes.
        second: ``second(seed, dim)``: lowest other local minimum value known, or ``None``.
        family: Family of the landscape.
        tags: Tags of the landscape.
        formula: Formula in plain text.
        remarks: Name in the BBOB document, and what to know.

    Returns:
        The landscape.
    """
    return Landscape(
        name=f"bbob_f{number:02d}",
        f=f,
        dims=_DIMS,
        bounds=box(-5.0, 5.0),
        x_star=lambda dim, instance: optimum(seed_of(number, instance), dim)[None, :],
        f_second=lambda dim, instance: second(seed_of(number, instance), dim),
        data=lambda dim, instance: data(seed_of(number, instance), dim),
        own_instances=True,
        offset=lambda dim, instance: f_opt(number, instance),
        family=family,
        tags=tags,
        formula=formula,
        reference=f"Hansen, Finck, Ros & Auger, 2009, INRIA RR-6829, f{number}; instances: COCO",
        remarks=remarks,
    )
