"""Writes ``names.json``: ``python -m optbench.problems.cutest.survey`` (with the extra ``cutest``; about half an hour).

The names are those of the unconstrained problems that sif2jax itself offers. Of each it is found out
which dimensions work, and whether the published minimum holds: the descents from CUTEst's start and from random points
in the box and in ten boxes must reach it and must not fall below it, in two dimensions where the dimension is free.
A descent's budget is counted in gradients, so that the list does not depend on how busy the machine is.
"""

from __future__ import annotations

import ast
import dataclasses
import json
import sys
from collections.abc import Iterable, Iterator

import jax
import numpy as np
from jax.flatten_util import ravel_pytree

from optbench.core.keys import generator
from optbench.problems.cutest.minimum import GRADIENTS, Descent, Reached
from optbench.problems.cutest.names import PATH, Row
from optbench.problems.cutest.shelf import STARTS, TOLERANCE, Source
from optbench.problems.cutest.source import folder, problem_class

#: A free dimension is this one by default, or sif2jax's own where that is smaller.
DEFAULT_DIM = 100
#: Published minima have few digits.
PUBLISHED = 1e-3
#: Whether every size works, or only multiples of 2, 3, 4 or 5, is tried with sizes that are multiples of nothing else.
_PROBED = {1: 23, 2: 22, 3: 21, 4: 28, 5: 35}
#: Problems that are defined for whole thirds only, which shows in no value: some terms would be missing.
_THIRDS = "DIXMAAN"
#: A free dimension is also checked at the first one from here on.
_FEW = 20
#: More variables are not checked.
_MANY = 1000
#: A descent that takes longer than this, which is 10 gradients in a second, is given up, and the list says so.
_SECONDS = 1800.0
#: A descent has ended when another step of Newton's method would gain less than this part of what is missing.
_SETTLED = 1e-3
#: Parts of the same median up to which the end of such a descent is 0 but for rounding.
_ROUNDING = 1e-14


def offered() -> dict[str, str]:
    """Returns the modules of sif2jax's unconstrained problems by name, without importing it."""
    tree = ast.parse((folder() / "cutest/_unconstrained_minimisation/__init__.py").read_text(encoding="utf-8"))
    modules = {
        alias.name: node.module for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    made = {call.func.id for call in ast.walk(tree) if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)}
    return {name: str(modules[name]) for name in sorted(made)}


def _works(row: Row, dim: int) -> bool:
    """Returns whether the problem has this dimension: as many variables, all of them used, finite, a true gradient.

    JAX reads past the end of an array without an error, and the gradient of that is wrong.
    """
    try:
        source = Source(dataclasses.replace(row, minimum=1))
        x0 = source.start(dim)
        if x0.shape != (dim,):
            return False
        both = jax.jit(jax.value_and_grad(source.f))
        rng = generator("cutest survey", row.name, dim)
        used = np.zeros(dim, bool)
        with jax.enable_x64(True):
            for spread in (0.0, 1e-3, 0.3):
                value, grad = both(x0 + spread * np.maximum(1.0, np.abs(x0)) * rng.standard_normal(dim))
                used |= np.asarray(grad) != 0
                if spread < 0.1 and not (np.isfinite(value) and np.all(np.isfinite(grad))):
                    return False
            direction = rng.standard_normal(dim) / np.sqrt(dim)
            step = 1e-6 * np.maximum(1.0, np.abs(x0).max())
            value, grad = both(x0)
            rise = float(both(x0 + step * direction)[0] - both(x0 - step * direction)[0]) / (2 * step)
            slope = float(grad @ direction)
            if abs(rise - slope) > 0.1 * max(abs(rise), abs(slope)) + 1e-9 * abs(float(value)) + 1e-9:
                return False
        return bool(used.all())
    except Exception:  # whatever sif2jax raises for a size that it has not
        return False


def dimensions(name: str, module: str) -> Row:
    """Returns the line of a problem with its dimensions found out and its minimum left open."""
    problem = problem_class(module, name)()
    with jax.enable_x64(True):
        own = int(ravel_pytree(problem.y0)[0].size)
    fixed = Row(name, module, own, "", 1, 1, own, None, "")
    values = {field.name: getattr(problem, field.name) for field in dataclasses.fields(problem)}
    for field, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int) or "y0" in field or value < 1 or own % value:
            continue
        free = dataclasses.replace(fixed, size=field, per_size=own // value)
        # A class may take only some sizes, which shows in those that it refuses, or of which it uses a part.
        for step, probed in _PROBED.items():
            if (step == 3 or not name.startswith(_THIRDS)) and _works(free, free.per_size * probed):
                return _bounded_below(free, free.per_size * step, own)
    return fixed


def _bounded_below(row: Row, unit: int, own: int) -> Row:
    """Adds the smallest dimension and the default to a problem whose dimension is free."""
    sizes = (unit * times for times in (1, 2, 3, 4, 6, 8, 12))
    minimum = next((size for size in sizes if _works(row, size)), unit * 24)
    default = min(own, DEFAULT_DIM // unit * unit)
    return dataclasses.replace(row, multiple=unit, minimum=minimum, dim=max(default, minimum))


def judged(row: Row) -> Row:
    """Returns the line with its minimum, or with the reason why it is not known for certain."""
    dims = {row.dim}
    if row.size:
        dims.add(max(row.minimum, -(-_FEW // row.multiple) * row.multiple))
    minima = []
    for dim in sorted(dims):
        found = _minimum(row, dim)
        if isinstance(found, str):
            return dataclasses.replace(row, why=found)
        minima.append(found)
    if np.ptp(minima) > 1e-10 * np.abs(minima).max():
        return dataclasses.replace(row, why="its minimum changes with the dimension")
    return dataclasses.replace(row, f_star=minima[-1])


def _minimum(row: Row, dim: int) -> float | str:
    """Returns the minimum in one dimension, or the reason why it is not known for certain."""
    source = Source(row)
    published = source.published(dim)
    if published is None:
        return "no minimum is published"
    if dim > _MANY:
        return f"its {dim} variables are too many to check the published minimum"
    starts = source.random_starts(dim)
    descent = Descent(source.f)
    values = np.array([descent.value_and_grad(x)[0] for x in starts])
    scale = float(np.median(values[:STARTS]))
    if not np.isfinite(scale):
        return "it is not finite at most points of its box"
    tried = [source.start(dim), *starts[np.isfinite(values)]]
    best = min((descent.polished(descent.from_(x, seconds=_SECONDS)) for x in tried), key=lambda reached: reached.f)
    return verdict(best, published, scale - best.f, dim if row.size else None)


def verdict(best: Reached, published: float, scale: float, dim: int | None = None) -> float | str:
    """Returns the minimum, or the reason why it is not known for certain.

    Args:
        best: Where the lowest of the descents ended.
        published: The published minimum.
        scale: The median of the value at random starts above that.
        dim: The dimension where it must be said.

    Example:
        >>> verdict(Reached(np.zeros(2), 1.0, 0.0, cut=False), 0.0, 50.0)
        'descents end at 1, and the published minimum is 0'
    """
    where = "" if dim is None else f" in dimension {dim}"
    ended = not best.cut and best.decrement <= _SETTLED * abs(best.f - published)
    near = PUBLISHED * abs(published) if published else (_ROUNDING if ended else TOLERANCE) * scale
    if best.f < published - near:
        return f"descents fall to {best.f:.6g}{where}, below the published minimum {published:.6g}"
    if best.f > published + near:
        if ended:
            return f"descents end at {best.f:.6g}{where}, and the published minimum is {published:.6g}"
        return (
            f"undecided: descents of {GRADIENTS} gradients come down to {best.f:.6g}{where}, "
            f"and the published minimum is {published:.6g}"
        )
    if published == 0.0:
        return 0.0
    if not best.decrement <= min(TOLERANCE * 0.01 * scale, PUBLISHED * abs(published)):
        return "its minimum could not be computed to 11 digits"
    return best.f


def survey(names: Iterable[str] = ()) -> Iterator[Row]:
    """Yields the line of each problem that sif2jax offers, or of the named ones."""
    for name, module in offered().items():
        if not names or name in names:
            yield judged(dimensions(name, module))


def main() -> None:
    """Writes the list, or prints the lines of the problems that are named on the command line."""
    found: dict[str, dict[str, object]] = {}
    for row in survey(sys.argv[1:]):
        found[row.name] = {key: value for key, value in dataclasses.asdict(row).items() if key != "name"}
        sys.stdout.write(f"{row.name:<12} {row.summary}\n")
        sys.stdout.flush()
    if not sys.argv[1:]:
        lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(line)}" for name, line in found.items())
        PATH.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
