"""What a program receives of a problem: numbers only, so an instance is never a recompile."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from optbench.problems.problem import Problem
from optbench.problems.units import units_of
from optbench.records import DIVERGE_GAP, GAP_TARGETS


class Operands(NamedTuple):
    """One problem in one choice of units, as arrays.

    Lanes move in ``z``. The landscape's own frame is ``y = origin + unit (R z)`` and the gradient
    that rules see is ``grad_scale`` times that of ``f`` in ``z``.

    Attributes:
        theta: Parameters of the landscape and its data, flat, padded with zeros.
        origin: See above, shape (dim,).
        rotated: Whether there is a rotation.
        rotation: ``R``, shape (dim, dim); the identity where there is none.
        unit: Length of one unit of ``z``.
        grad_scale: 1 in raw units, ``1/f_scale`` in normalized ones.
        offset: Added to the landscape's value.
        center: Center of the box in ``z``, shape (dim,).
        radius_scale: Box widths for each unit of ``z``.
    """

    theta: np.ndarray
    origin: np.ndarray
    rotated: np.bool_
    rotation: np.ndarray
    unit: np.ndarray
    grad_scale: np.ndarray
    offset: np.ndarray
    center: np.ndarray
    radius_scale: np.ndarray


class Goal(NamedTuple):
    """What the recorder receives of a problem.

    Attributes:
        f_star: Minimum, offset included.
        f_scale: Unit of the gap.
        thresholds: ``f - f_star`` at the 51 targets, descending; ``target_order`` says which is which.
    """

    f_star: np.ndarray
    f_scale: np.ndarray
    thresholds: np.ndarray


def operands(problem: Problem, units: str, n_theta: int) -> Operands:
    """Returns the operands of a problem.

    Args:
        problem: The problem.
        units: ``"normalized"`` or ``"raw"``.
        n_theta: Length to which the parameters are padded.

    Returns:
        Arrays in double precision.
    """
    frame = problem.frame()
    scale = units_of(problem, units)
    if frame.origin_matrix is None:
        rotation = np.eye(problem.dim)
        origin = scale.center - frame.shift
    else:
        rotation = frame.origin_matrix
        origin = frame.pivot + rotation @ (scale.center - frame.shift - frame.pivot)
    numbers = np.concatenate([np.asarray(problem.theta), *(part.ravel() for part in problem.data)])
    theta = np.zeros(n_theta)
    theta[: len(numbers)] = numbers
    return Operands(
        theta=theta,
        origin=origin,
        rotated=np.bool_(frame.origin_matrix is not None),
        rotation=rotation,
        unit=_number(scale.unit),
        grad_scale=_number(scale.grad_scale),
        offset=_number(frame.offset),
        center=scale.inward(problem.center),
        radius_scale=_number(scale.unit / problem.width),
    )


def unpacker(problem: Problem) -> Callable[[Any], list[Any]]:
    """Returns what cuts ``Operands.theta`` into the arguments that the landscape takes after ``x``.

    Args:
        problem: Any instance: the shapes are those of all.

    Returns:
        ``unpack(theta) -> [parameters..., data...]``.
    """
    n, shapes = len(problem.theta), [part.shape for part in problem.data]

    def unpack(theta: Any) -> list[Any]:
        parts, begin = [theta[i] for i in range(n)], n
        for shape in shapes:
            size = math.prod(shape)
            parts.append(theta[begin : begin + size].reshape(shape))
            begin += size
        return parts

    return unpack


def blank(dim: int, n_theta: int) -> Operands:
    """Returns operands of the right shapes, for compiling."""
    one, vector = np.ones(()), np.ones(dim)
    return Operands(np.ones(n_theta), vector, np.bool_(True), np.eye(dim), one, one, one, vector, one)


def goal(problem: Problem) -> Goal:
    """Returns what the recorder needs to know of a problem.

    Of a user's function whose minimum is not known no target can be met, and only what is not finite has diverged.
    """
    if not problem.landscape.knows_minimum:
        most = 0.5 * np.finfo(np.float64).max / DIVERGE_GAP
        return Goal(_number(0.0), _number(most), np.full(len(GAP_TARGETS) + 1, -np.inf))
    thresholds = _thresholds(problem)[target_order(problem)]
    return Goal(_number(problem.f_star), _number(problem.f_scale), thresholds)


def target_order(problem: Problem) -> np.ndarray:
    """Returns the targets of ``records`` from the easiest to the hardest.

    Args:
        problem: The problem; its ``f_solved`` may stand anywhere among the gaps.

    Returns:
        51 indices: entry ``i`` of ``Goal.thresholds`` belongs to target ``target_order[i]``.
    """
    return np.argsort(-_thresholds(problem), kind="stable")


def _thresholds(problem: Problem) -> np.ndarray:
    return np.append(np.asarray(GAP_TARGETS) * problem.f_scale, problem.f_solved - problem.f_star)


def n_theta(problems: Sequence[Problem]) -> int:
    """Returns the most numbers that one of the problems needs, parameters and data: an array is never empty."""
    return max((1, *(len(p.theta) + sum(part.size for part in p.data) for p in problems)))


def _number(value: float) -> np.ndarray:
    return np.asarray(value, np.float64)
