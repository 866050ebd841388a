"""Every landscape of the catalogue, with the dimensions at which the tests look at it."""

from __future__ import annotations

from functools import partial

import jax

from optbench import catalog
from optbench.problems.landscape import Landscape

#: Compiling is nearly all that tests of one small program for each function cost, so XLA is told to be quick about it.
QUICK = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}
quick = partial(jax.jit, compiler_options=QUICK)

#: Functions on instances of their own have tests of their own, such as ``test_bbob``.
LANDSCAPES: tuple[Landscape, ...] = tuple(
    landscape
    for landscape in (catalog.landscape(entry.name) for entry in catalog.PROBLEMS)
    if not landscape.own_instances
)
NAMES = tuple(landscape.name for landscape in LANDSCAPES)


def by_name(name: str) -> Landscape:
    """Returns one landscape."""
    return catalog.landscape(name)


def defaults(landscape: Landscape) -> tuple[float, ...]:
    """Returns the default parameters in order."""
    return tuple(parameter.default for parameter in landscape.parameters.values())


def dims_of(landscape: Landscape, wanted: tuple[int, ...] = (2, 5)) -> list[int]:
    """Returns those of the wanted dimensions that exist, or the default one."""
    return [dim for dim in wanted if landscape.dims.allows(dim)] or [landscape.dims.default]


def cases(wanted: tuple[int, ...] = (2, 5)) -> list[tuple[str, int]]:
    """Returns (name, dim) for every landscape and existing wanted dimension."""
    return [(landscape.name, dim) for landscape in LANDSCAPES for dim in dims_of(landscape, wanted)]
