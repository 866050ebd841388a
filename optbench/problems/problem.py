"""What a suite runs: one landscape at one dimension, with its parameters, instance and constants.

A ``Landscape`` (``landscape.py``) is the definition for every dimension. A ``Problem`` is a value:
it evaluates, draws starts, and knows its optimum and the three constants of ``constants.json``.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import jax
import numpy as np
from jax import Array

from optbench.core.keys import generator
from optbench.core.objective import Objective
from optbench.errors import UsageError
from optbench.problems import constants, instances, summary
from optbench.problems.constants import Constants
from optbench.problems.evaluation import Evaluation
from optbench.problems.instances import Frame
from optbench.problems.landscape import TWO_D, Dims, Landscape, Parameter, Wells, box
from optbench.problems.measured import measured
from optbench.problems.noise import Noise
from optbench.problems.units import units_of

__all__ = ["TWO_D", "Dims", "Frame", "Landscape", "Parameter", "Problem", "box"]


@dataclass(frozen=True)
class Problem:
    """One landscape at one dimension, with its instance; what ``optbench.problem`` returns.

    The instance maps ``x`` to the landscape's own frame, ``y = pivot + R (x - shift - pivot)``, and
    adds ``offset`` to the value: ``f(x) = landscape.f(y, *parameters) + offset``. Instance 0 is the
    literature's form: no shift, no rotation, no offset. Rotations turn about the first minimizer.

    Attributes:
        landscape: The definition.
        dim: Dimension.
        instance: 0 for the literature's form, else the seed of shift, rotation and offset. Of a function whose
            instances the literature numbers, from 1 on, it is that number, and 0 stands for 1.
        rotated: Whether the instance is turned; the rotated twin of a separable function.
        parameters: Values of all the landscape's parameters, in its order; the others' defaults are filled in.
        noise: What rules see in place of the true gradient; ``None`` for the gradient itself. ``f`` and
            ``value_and_grad`` are always those without noise.

    Raises:
        UsageError: The function has no such dimension, parameter or instance; all problems at once.

    Example:
        >>> from optbench.problems.valleys import rosenbrock
        >>> Problem(rosenbrock, 2).f([0.0, 0.0])
        1.0
        >>> Problem(rosenbrock, 10, instance=3).label
        'rosenbrock-10d-i3'
    """

    landscape: Landscape
    dim: int
    instance: int = 0
    rotated: bool = False
    parameters: Mapping[str, float] = field(default_factory=dict)
    noise: Noise | None = None

    def __post_init__(self) -> None:
        """Checks the request and fills in the defaults of the parameters."""
        name = self.landscape.name
        faults = self.landscape.faults(self.dim, self.parameters)
        if isinstance(self.instance, bool) or not isinstance(self.instance, int) or self.instance < 0:
            faults.append(f"{name}: instance must be an integer of at least 0; got {self.instance!r}")
        elif self.rotated and self.landscape.own_instances:
            faults.append(f"{name}: its own instances say what is rotated; leave rotated out")
        elif self.instance and "box_only" in self.landscape.tags:
            faults.append(
                f"{name}: only instance 0 exists, since the minimum holds only in the literature's box; "
                f"got {self.instance}"
            )
        elif self.rotated and self.instance == 0:
            faults.append(f"{name}: instance 0 is the literature's form and is never rotated; use instance 1")
        if self.noise is not None and self.noise.is_batch and not faults:
            n_terms = None if self.landscape.n_terms is None else self.landscape.n_terms(self.dim)
            if n_terms is None:
                faults.append(f"{name}: noise {self.noise.kind} needs a finite sum, and it is none")
            elif self.noise.level > n_terms:
                faults.append(f"{name}: a batch has at most {n_terms} terms; got {self.noise.level:g}")
        if faults:
            raise UsageError(faults)
        if self.landscape.own_instances and self.instance == 0:
            object.__setattr__(self, "instance", 1)
        given = {key: float(self.parameters.get(key, p.default)) for key, p in self.landscape.parameters.items()}
        object.__setattr__(self, "parameters", given)

    def __hash__(self) -> int:
        return hash((self.landscape, self.label))

    @cached_property
    def label(self) -> str:
        """Name, dimension, instance, changed parameters, noise: such as ``ellipsoid-10d-i1-rot[condition=1e+06]``."""
        return self._plain_label if self.noise is None else f"{self._plain_label}~{self.noise.label}"

    @cached_property
    def _plain_label(self) -> str:
        """The label without the noise: it keys the starts, which all levels of noise share."""
        text = f"{self.landscape.name}-{self.dim}d"
        if self.instance:
            text += f"-i{self.instance}"
        if self.rotated:
            text += "-rot"
        rules = self.landscape.parameters
        changed = [f"{key}={_short(value)}" for key, value in self.parameters.items() if value != rules[key].default]
        return f"{text}[{','.join(changed)}]" if changed else text

    @cached_property
    def noise_free(self) -> Problem:
        """The same problem without noise."""
        return self if self.noise is None else replace(self, noise=None)

    @property
    def batch_size(self) -> int | None:
        """Terms of a mini-batch, ``None`` where the whole function is seen."""
        return int(self.noise.level) if self.noise is not None and self.noise.is_batch else None

    @cached_property
    def trip_cost(self) -> float:
        """Cost of one gradient as rules see it: 1, or the share of a finite sum's terms that a batch has."""
        size, count = self.batch_size, self.landscape.n_terms
        return 1.0 if size is None or count is None else size / count(self.dim)

    @property
    def name(self) -> str:
        """Registry name of the landscape."""
        return self.landscape.name

    @property
    def family(self) -> str:
        """Name of the landscape's family: problems of one family are no independent evidence."""
        return self.landscape.family or self.landscape.name

    @property
    def tags(self) -> frozenset[str]:
        """The landscape's tags, without ``separable`` on a rotated instance."""
        return self.landscape.tags - {"separable"} if self.rotated else self.landscape.tags

    @property
    def reference(self) -> str:
        """Where the function is from."""
        return self.landscape.reference

    @cached_property
    def theta(self) -> tuple[float, ...]:
        """Parameters in the order in which the landscape takes them."""
        return tuple(self.parameters.values())

    @cached_property
    def bounds(self) -> np.ndarray:
        """The literature's box, shape (dim, 2)."""
        return _fixed(self.landscape.bounds(self.dim))

    @cached_property
    def center(self) -> np.ndarray:
        """Center of the box, shape (dim,)."""
        return _fixed(self.bounds.mean(axis=1))

    @cached_property
    def width(self) -> float:
        """Mean width of the box over the coordinates."""
        return float(np.mean(self.bounds[:, 1] - self.bounds[:, 0]))

    @cached_property
    def _frame(self) -> Frame:
        if self.landscape.own_instances:
            return instances.literature(self.dim, self.theta)._replace(
                offset=float(self.landscape.offset(self.dim, self.instance))
            )
        if self.instance == 0:
            return instances.literature(self.dim, self.theta)
        # An instance is placed by its plain form, which may have to be measured, and the first who asks may be a trace.
        with jax.ensure_compile_time_eval():
            return instances.draw(
                self.name,
                self.instance,
                rotated=self.rotated,
                bounds=self.bounds,
                x_star=self.landscape.x_star(self.dim, *self.which),
                f_scale=Problem(self.landscape, self.dim, parameters=self.parameters).f_scale,
                theta=self.theta,
            )

    def frame(self) -> Frame:
        """Returns what maps ``x`` to the landscape's frame; the engine passes it as operands."""
        return self._frame

    @property
    def which(self) -> tuple[float, ...]:
        """What picks the optimum of a landscape beside the dimension: its instance or its parameters."""
        return (self.instance, *self.theta) if self.landscape.own_instances else self.theta

    @cached_property
    def data(self) -> tuple[np.ndarray, ...]:
        """Arrays that the landscape takes after its parameters."""
        return tuple(_fixed(part) for part in self.landscape.data(self.dim, self.instance, *self.theta))

    @cached_property
    def x_star(self) -> np.ndarray:
        """All global minimizers in the box, shape (m, dim)."""
        return _fixed(self._frame.outward(self.landscape.x_star(self.dim, *self.which)))

    @cached_property
    def f_star(self) -> float:
        """Minimum, offset included."""
        return float(self.landscape.f_star(self.dim, *self.which)) + self._frame.offset

    @cached_property
    def f_second(self) -> float | None:
        """Lowest other local minimum value known, offset included; ``None`` where there is none."""
        second = self.landscape.f_second(self.dim, *self.which)
        return None if second is None else float(second) + self._frame.offset

    @cached_property
    def f_saddle(self) -> float | None:
        """Value at the saddle next to which runs start, offset included; ``None`` elsewhere."""
        saddle = self.landscape.f_saddle
        return None if saddle is None else float(saddle(self.dim, *self.which)) + self._frame.offset

    @cached_property
    def wells(self) -> Wells | None:
        """The sharp and the flat well, of a function that has them."""
        rule = self.landscape.wells
        if rule is None:
            return None
        bottoms, radii = rule(self.dim, *self.which)
        return Wells(_fixed(self._frame.outward(bottoms)), _fixed(radii))

    @property
    def is_shipped(self) -> bool:
        """Whether the function is one of ours: a user's may bear the name of one, its constants are its own.

        Ours stands under its name in the module of its ``f``; a copy of it with another box does not.
        """
        module = getattr(self.landscape.f, "__module__", None) or ""
        ours = module.startswith("optbench.problems.")
        return ours and getattr(sys.modules.get(module), self.landscape.name, None) is self.landscape

    @cached_property
    def constants(self) -> Constants:
        """The frozen constants, or computed ones where none are frozen."""
        if self.is_shipped and self._plain_label in constants.frozen():
            return constants.frozen()[self._plain_label]
        return measured(self.noise_free)

    @property
    def f_scale(self) -> float:
        """Median of f(x0) - f_star over 10^5 starts: the unit of every gap."""
        return self.constants.f_scale

    @property
    def f_solved(self) -> float:
        """Value from which on the problem counts as solved, offset included."""
        return self.f_star + self.constants.gap_solved

    def raw(self, x: Array) -> Array:
        """The objective without its offset, in pure JAX, in the type of ``x``."""
        # Copies, always: see ``evaluation``.
        data = (np.array(part, x.dtype) for part in self.data)
        return self.landscape.f(self._frame.inward(x), *self._frame.theta, *data)

    def _value(self, x: Array) -> Array:
        """The objective in pure JAX."""
        return self.raw(x) + self._frame.offset

    @cached_property
    def _evaluation(self) -> Evaluation:
        return Evaluation(self._value, self.dim, self.label)

    def f(self, x: Any) -> Any:
        """Evaluates the objective at one point.

        Args:
            x: A point of shape (dim,): a list or an array of numbers, which are computed in double precision whatever
                ``jax_enable_x64`` says; or a tracer, as inside ``jax.grad`` or ``jax.jit``, computed in its own type.

        Returns:
            The value as a Python float, also for a JAX array; a traced scalar for a tracer, in the type of the
            point, or in single precision for a point in half precision.

        Raises:
            UsageError: It is no point of this dimension.

        Example:
            >>> from optbench.problems.valleys import rosenbrock
            >>> problem = Problem(rosenbrock, 2)
            >>> problem.f([-1, 1]), jax.grad(problem.f)(np.array([-1.0, 1.0])).tolist()
            (4.0, [-4.0, 0.0])
        """
        return self._evaluation.value(x)

    def value_and_grad(self, x: Any) -> tuple[Any, Any]:
        """Evaluates the objective and its gradient at one point.

        Args:
            x: As for ``f``.

        Returns:
            The value and the gradient of shape (dim,): a float and a NumPy array in double precision, or two
            traced arrays.

        Raises:
            UsageError: It is no point of this dimension.
        """
        return self._evaluation.value_and_grad(x)

    def objective(self, units: str = "raw") -> Objective:
        """Returns the function without noise as an objective of a point of shape (dim,), in double precision.

        Args:
            units: ``"raw"``: ``f(x)``, as ``f`` has it; ``"normalized"``: ``f(center + width z/10)/f_scale``, the units
                in which most suites run rules, so that curvatures of different problems can be compared.

        Returns:
            The objective.

        Raises:
            UsageError: There are no such units.

        Example:
            >>> from optbench.problems.quadratics import sphere
            >>> objective = Problem(sphere, 2).objective()
            >>> objective.value(np.array([3.0, 4.0])), objective.hvp(np.zeros(2), np.array([1.0, 0.0])).tolist()
            (25.0, [2.0, 0.0])
        """
        scale = units_of(self, units)
        if units == "raw":
            return self._evaluation.objective

        def value(z: Array) -> Array:
            return self._value(scale.unit * z + np.array(scale.center, z.dtype)) * scale.grad_scale

        return Objective(value, jax.ShapeDtypeStruct((self.dim,), np.float64), label=self.label)

    def starts(self, seed: int, split: str, index: int) -> tuple[np.ndarray, float]:
        """Draws one start, the same for every optimizer.

        Args:
            seed: Seed of the suite.
            split: ``tune`` or ``report``; the two share no start.
            index: Number of the start in its split.

        Returns:
            The start, shape (dim,), and its distance from the stable manifold of the saddle (NaN where
            the problem is none).

        Example:
            >>> from optbench.problems.quadratics import sphere
            >>> x0, distance = Problem(sphere, 2).starts(0, "report", 0)
            >>> x0.shape, distance
            ((2,), nan)
        """
        x0, distance = self.draw_starts(generator(seed, "start", self._plain_label, split, index), 1)
        return x0[0], float(distance[0])

    def draw_starts(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Draws ``count`` starts, one a row, with their distances."""
        if self.landscape.sample_starts is not None:
            y, distance = self.landscape.sample_starts(rng, count, self.dim, *self.theta)
            return self._frame.outward(y), distance
        bounds = self.bounds
        if self.landscape.start_bounds is not None:
            bounds = self.landscape.start_bounds(self.dim) + self._frame.shift[:, None]
        low, high = bounds.T
        return low + (high - low) * rng.random((count, self.dim)), np.full(count, math.nan)

    def summary(self) -> dict[str, Any]:
        """Returns what a manifest keeps of the problem, ready for JSON."""
        return summary.of(self)


def _short(value: float) -> str:
    """Returns ``%g`` of a parameter, or all its digits where ``%g`` would name another value."""
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)


def _fixed(array: np.ndarray) -> np.ndarray:
    """Returns ``array`` read-only: a cached value that a caller changed would change for everyone."""
    array = np.array(array, np.float64)
    array.flags.writeable = False
    return array
