"""A ``Landscape`` made of one CUTEst problem: its objective, and a box and a minimizer that CUTEst does not give."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree

from optbench.core.keys import generator
from optbench.problems.cutest.minimum import Descent, Reached
from optbench.problems.cutest.names import PREFIX, Row, row
from optbench.problems.cutest.published import elsewhere
from optbench.problems.cutest.source import folder, problem_class
from optbench.problems.landscape import Dims, Landscape, Matrix

#: The minimizer of a ranked problem lies in this middle part of its box.
_MIDDLE = 0.8
#: The reference value of an unranked problem is sought in a box this many times as wide.
_WIDER = 10.0
#: Random starts of descents in the box of the starts, and as many in one ten times as wide.
STARTS = 5
#: Parts of the median of f(x0) - f_star within which a minimum counts as reached, and below which as undercut.
TOLERANCE = 1e-9


class Source:
    """One problem of sif2jax for every dimension that it has."""

    def __init__(self, found: Row) -> None:
        """Imports the problem.

        Args:
            found: Its line of the list.
        """
        self.row = found
        self._class = problem_class(found.module, found.name)
        self._at = cache(self._sized)
        self.reached = cache(self._reached)
        self.start = cache(self._start)

    def _sized(self, dim: int) -> Any:
        sizes = {self.row.size: dim // self.row.per_size} if self.row.size else {}
        # It is kept, so it must not hold tracers of the trace in which it is first needed.
        with jax.enable_x64(True), jax.ensure_compile_time_eval():
            return self._class(**sizes)

    def f(self, x: Array) -> Array:
        """The objective of a point of shape (dim,), in the type of the point."""
        problem = self._at(x.shape[0])
        value = problem.objective(self._shaped(problem, x), problem.args)
        return jnp.reshape(jnp.asarray(value, x.dtype), ())

    @staticmethod
    def _shaped(problem: Any, x: Array) -> Any:
        """Returns a flat point in the form of the problem's start, which may be several arrays."""
        start = jax.eval_shape(lambda: problem.y0)
        if getattr(start, "shape", None) == x.shape:
            return x
        leaves, form = jax.tree.flatten(start)
        parts = jnp.split(x, np.cumsum([leaf.size for leaf in leaves])[:-1])
        return jax.tree.unflatten(form, [part.reshape(leaf.shape) for part, leaf in zip(parts, leaves, strict=True)])

    def _start(self, dim: int) -> np.ndarray:
        """CUTEst's start, shape (dim,)."""
        with jax.enable_x64(True), jax.ensure_compile_time_eval():
            return np.array(ravel_pytree(self._at(dim).y0)[0], np.float64)

    def published(self, dim: int) -> float | None:
        """The published minimum: sif2jax's, or another source's; ``None`` where there is none for this dimension."""
        known = elsewhere(self.row.name)
        if known is not None:
            return known
        with jax.enable_x64(True), jax.ensure_compile_time_eval():
            try:
                value = self._at(dim).expected_objective_value
            except AssertionError:
                # Four problems state theirs for a list of sizes, and assert that the size is one of them.
                return None
        return None if value is None else float(value)

    def start_box(self, dim: int) -> Matrix:
        """The box of the starts: ``x0 +- max(1, |x0|)`` in every coordinate, shape (dim, 2)."""
        x0 = self.start(dim)
        half = np.maximum(1.0, np.abs(x0))
        return np.stack([x0 - half, x0 + half], axis=1)

    def random_starts(self, dim: int) -> np.ndarray:
        """``STARTS`` points in the box of the starts, then as many in one ten times as wide; shape (2 STARTS, dim)."""
        x0, box = self.start(dim), self.start_box(dim)
        rng = generator("cutest", self.row.name, dim)
        spreads = (1.0, _WIDER)
        return np.concatenate([x0 + s * (box[:, 1] - x0) * rng.uniform(-1, 1, (STARTS, dim)) for s in spreads])

    def _reached(self, dim: int) -> Reached:
        """Where descents end that seek a known minimum: from CUTEst's start and, until it is reached, random ones.

        Returns:
            The lowest point; where no minimum is known, that of the descent from CUTEst's start within ten boxes.
        """
        x0, box = self.start(dim), self.start_box(dim)
        descent = Descent(self.f)
        if self.row.f_star is None:
            return descent.from_(x0, bounds=x0[:, None] + _WIDER * (box - x0[:, None]))
        best = descent.polished(descent.from_(x0))
        starts = self.random_starts(dim)
        values = [descent.value_and_grad(x)[0] for x in starts]
        near = TOLERANCE * (float(np.median(values[:STARTS])) - self.row.f_star)
        for x, value in zip(starts, values, strict=True):
            if best.f <= self.row.f_star + near:
                break
            if np.isfinite(value):
                best = min(best, descent.polished(descent.from_(x)), key=lambda reached: reached.f)
        return best

    def box(self, dim: int) -> Matrix:
        """The box: that of the starts, doubled in each coordinate until a known minimizer is in its middle 80 %."""
        box = self.start_box(dim)
        if self.row.f_star is None:
            return box
        x0 = self.start(dim)
        half = box[:, 1] - x0
        reach = np.abs(self.reached(dim).x - x0) / (_MIDDLE * half)
        half *= 2.0 ** np.ceil(np.log2(np.maximum(reach, 1.0)))
        return np.stack([x0 - half, x0 + half], axis=1)

    def f_star(self, dim: int) -> float:
        """The minimum where it is known, else the lowest value within ten boxes that the descent found."""
        return self.reached(dim).f if self.row.f_star is None else self.row.f_star

    def dims(self) -> Dims:
        """The dimensions in which it is defined."""
        known = self.row
        if not known.size:
            return Dims(minimum=known.dim, maximum=known.dim, default=known.dim)
        return Dims(minimum=known.minimum, multiple=known.multiple, default=known.dim)


def landscape(name: str) -> Landscape:
    """Returns a CUTEst problem as a landscape.

    Args:
        name: CUTEst's name, such as ``ROSENBR``.

    Returns:
        The definition; the same object whenever the same name is asked for.

    Raises:
        UsageError: There is no such problem, or sif2jax is not installed.
    """
    found = row(name)
    folder()
    return _made(found)


@cache
def _made(found: Row) -> Landscape:
    source = Source(found)
    ranked = found.f_star is not None
    remarks = "Starts are uniform in x0 +- max(1, |x0|) around CUTEst's x0; the box is that, doubled to hold x_star."
    if not ranked:
        remarks = (
            f"Unranked: {found.why}. Its f_star is a reference, the lowest value of one descent from CUTEst's start "
            "within ten boxes."
        )
    return Landscape(
        name=f"{PREFIX}:{found.name}",
        f=source.f,
        dims=source.dims(),
        bounds=source.box,
        start_bounds=source.start_box,
        x_star=lambda dim: source.reached(dim).x[None],
        f_star=source.f_star,
        family=found.family,
        tags=frozenset() if ranked else frozenset({"unranked"}),
        formula=f"{found.name} of the CUTEst collection, as in {found.module}.py of sif2jax's unconstrained problems",
        reference="Gould, Orban, Toint, 2015, CUTEst, Computational Optimization and Applications 60; sif2jax",
        remarks=remarks,
    )
