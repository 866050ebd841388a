"""What a test function is: a formula for every dimension, with its optimum and its source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jax import Array

from optbench.errors import unknown_name

#: A matrix of points, one a row; or a box, one ``(low, high)`` a row.
Matrix = np.ndarray

#: What a landscape may be tagged with, and what the tag promises.
TAGS: dict[str, str] = {
    "quadratic": "a convex quadratic form",
    "separable": "a sum of functions of one coordinate each",
    "rotation_invariant": "a function of the distance from its minimizer alone",
    "valley": "a long, curved or flat valley",
    "multimodal": "has several minima",
    "nonsmooth": "has kinks, edges or steps at which there is no gradient",
    "plate": "has wide regions where the gradient says little",
    "saddle": "started next to a saddle, scored by the steps to escape",
    "two_wells": "one sharp and one flat minimum",
    "box_only": "falls below f_star outside its box, so it is drawn and listed, never ranked",
    "unranked": "its minimum is not known for certain, so it is drawn and listed, never ranked",
}


@dataclass(frozen=True, slots=True)
class Dims:
    """The dimensions in which a function is defined.

    Attributes:
        minimum: Smallest dimension.
        maximum: Largest dimension; ``None`` for no limit.
        multiple: Every dimension is a multiple of this.
        default: Dimension when the user names none.
    """

    minimum: int = 1
    maximum: int | None = None
    multiple: int = 1
    default: int = 2

    def allows(self, dim: int) -> bool:
        """Returns whether the function is defined for ``dim``."""
        return dim >= self.minimum and (self.maximum is None or dim <= self.maximum) and dim % self.multiple == 0

    def describe(self) -> str:
        """Returns the rule in words, such as ``2 only`` or ``multiples of 4 from 4``."""
        if self.maximum == self.minimum:
            return f"{self.minimum} only"
        if self.multiple > 1:
            return f"multiples of {self.multiple} from {self.minimum}"
        return f"{self.minimum} or more" if self.maximum is None else f"{self.minimum} to {self.maximum}"


#: The rule of a function that exists in two dimensions only.
TWO_D = Dims(minimum=2, maximum=2)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A numeric parameter of a landscape, such as a condition number.

    Attributes:
        default: Value when the user names none.
        low: Smallest value allowed.
        high: Largest value allowed.
        meaning: What it is, in a few words.
    """

    default: float
    low: float
    high: float
    meaning: str

    def allows(self, value: object) -> bool:
        """Returns whether ``value`` is a number in the range; NaN and booleans never are."""
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high


class Wells(NamedTuple):
    """The two minima of a function on which sharp is held against flat.

    Attributes:
        bottoms: The minimizers, the sharp one first, shape (2, dim).
        radii: For each a radius within which the gradient points away from it everywhere, so that gradient
            flow that enters the ball ends in it, shape (2,).
    """

    bottoms: Matrix
    radii: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class Landscape:
    """A test function for every dimension in which it is defined.

    Attributes:
        name: The literature's name in snake_case.
        f: ``f(x, *parameters) -> scalar`` with ``x`` of shape (dim,), in pure ``jax.numpy``; the
            parameters are traced scalars in the order of ``parameters``.
        dims: The dimensions in which it is defined.
        bounds: ``bounds(dim) -> (dim, 2)`` array, the literature's box.
        x_star: ``x_star(dim, *parameters) -> (m, dim)``: all global minimizers in the box, to 1e-14.
        f_star: ``f_star(dim, *parameters) -> float``, to 1e-14 relative.
        knows_minimum: Whether both are known; where they are not, ``x_star`` or ``f_star`` raises a ``UsageError``.
        f_second: ``f_second(dim, *parameters)``: lowest other local minimum value known, or ``None``.
        f_saddle: ``f_saddle(dim, *parameters)``: value at the saddle next to which runs start.
        parameters: Parameters by name, in the order in which ``f`` takes them.
        data: ``data(dim, instance, *parameters) -> arrays``: float64 arrays that ``f`` takes after its
            parameters, such as rotations or a data set. Their shapes depend on ``dim`` alone.
        own_instances: Whether the literature numbers the instances itself, from 1 on. Then nothing is
            shifted or turned here: ``x_star``, ``f_star`` and ``f_second`` take ``instance`` between ``dim`` and
            the parameters, and ``offset`` gives what is added to ``f``.
        offset: ``offset(dim, instance)``, for ``own_instances`` only.
        batch: ``batch(x, indices, *parameters, *data)`` of a finite sum: the mean of the terms ``indices``,
            with the regularizer in full; the mean over all of them is ``f``.
        n_terms: ``n_terms(dim)``: the number of terms of a finite sum.
        family: Name shared by functions that are no independent evidence; by default ``name``.
        wells: ``wells(dim, *parameters) -> Wells``, of a function with a sharp and a flat well.
        control: Of such a function, the name of the single well on which optimizers are brought to equal loss; of a
            user's own it may be one of the same module.
        eigenvalues: ``eigenvalues(dim, *parameters) -> (dim,)``: those of the Hessian of a quadratic, where they are
            known in closed form, in any order; ``None`` elsewhere.
        start_bounds: Box of the start distribution where it is not ``bounds``.
        sample_starts: ``sample_starts(rng, count, dim, *parameters) -> (x0, distance)`` of shapes
            (count, dim) and (count,), for functions whose starts are no box: saddles, with the
            distance from the stable manifold.
        tags: Keys of ``TAGS``.
        formula: The formula in plain text, one line.
        reference: Author, year, work, number of the function in it.
        remarks: What to know before using it, one or two sentences.
    """

    name: str
    f: Callable[..., Array]
    dims: Dims = field(default_factory=Dims)
    bounds: Callable[[int], Matrix]
    x_star: Callable[..., Matrix]
    f_star: Callable[..., float] = lambda dim, *parameters: 0.0
    knows_minimum: bool = True
    f_second: Callable[..., float | None] = lambda dim, *parameters: None
    f_saddle: Callable[..., float] | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    data: Callable[..., tuple[np.ndarray, ...]] = lambda dim, instance, *parameters: ()
    own_instances: bool = False
    offset: Callable[[int, int], float] = lambda dim, instance: 0.0
    batch: Callable[..., Array] | None = None
    n_terms: Callable[[int], int] | None = None
    family: str = ""
    wells: Callable[..., Wells] | None = None
    control: str = ""
    eigenvalues: Callable[..., np.ndarray] | None = None
    start_bounds: Callable[[int], Matrix] | None = None
    sample_starts: Callable[..., tuple[Matrix, np.ndarray]] | None = None
    tags: frozenset[str] = frozenset()
    formula: str
    reference: str
    remarks: str = ""

    def faults(self, dim: int, parameters: Mapping[str, float]) -> list[str]:
        """Returns what is wrong with a dimension and with parameters, one line each.

        Args:
            dim: Dimension asked for.
            parameters: Values by name.

        Returns:
            Messages for a ``UsageError``; empty when all is well.
        """
        found = []
        if isinstance(dim, bool) or not isinstance(dim, int) or not self.dims.allows(dim):
            found.append(f"{self.name}: dimension must be {self.dims.describe()}; got {dim!r}")
        for name, value in parameters.items():
            if name not in self.parameters:
                if self.parameters:
                    found.append(unknown_name(f"parameter of {self.name}", name, self.parameters))
                else:
                    found.append(f"{self.name} has no parameters; got {name!r}")
            elif not self.parameters[name].allows(value):
                rule = self.parameters[name]
                found.append(f"{self.name}: {name} must be a number in [{rule.low:g}, {rule.high:g}]; got {value!r}")
        return found


def box(low: float, high: float) -> Callable[[int], Matrix]:
    """Returns the rule of a box with the same interval in every coordinate."""
    return lambda dim: np.tile([float(low), float(high)], (dim, 1))


def at(*points: float | tuple[float, ...]) -> Callable[..., Matrix]:
    """Returns the rule of minimizers: numbers stand for all coordinates, tuples for whole points.

    Args:
        *points: A number for each minimizer with equal coordinates, a tuple for any other.

    Returns:
        ``x_star(dim, *parameters)``.

    Example:
        >>> at(1.0)(3)
        array([[1., 1., 1.]])
        >>> at((3.0, 2.0), (0.0, 1.0))(2)
        array([[3., 2.],
               [0., 1.]])
    """
    return lambda dim, *parameters: np.array([np.full(dim, p) if isinstance(p, float) else p for p in points])


def constant(value: float) -> Callable[..., float]:
    """Returns the rule of a value that depends on neither dimension nor parameters."""
    return lambda dim, *parameters: value
