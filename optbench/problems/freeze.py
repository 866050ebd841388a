"""Writes ``constants.json``: ``python -m optbench.problems.freeze``.

Frozen is every landscape of the shelves, at its default dimension and at 2, 10, 30 and 40: the literature's
form, instance 1, and the rotated twin of instance 1 where the function is separable. Landscapes that number
their own instances have their constants computed when needed. The
file is the same on every machine: the random streams are keyed by labels and the constants rounded to 10 digits.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from optbench.problems import (
    chains,
    foxholes,
    multimodal,
    planar,
    plates,
    powers,
    quadratics,
    ripples,
    spectra,
    troughs,
    valleys,
    wells,
)
from optbench.problems.constants import PATH
from optbench.problems.finite_sums import noisy_wells
from optbench.problems.instances import MIDDLE
from optbench.problems.landscape import Landscape
from optbench.problems.problem import Problem, measured

SHELVES = (
    *(quadratics, valleys, multimodal, planar, plates, wells),
    *(spectra, powers, chains, ripples, foxholes, troughs, noisy_wells),
)
DIMENSIONS = (2, 10, 30, 40)


def landscapes() -> list[Landscape]:
    """Returns every landscape of the shelves once, in the order of definition."""
    found = [value for shelf in SHELVES for value in vars(shelf).values() if isinstance(value, Landscape)]
    return list(dict.fromkeys(found))


def movable(landscape: Landscape, dim: int) -> bool:
    """Returns whether instances from 1 on exist: the minimum holds everywhere, and its points fit in the middle."""
    bounds = landscape.bounds(dim)
    points = landscape.x_star(dim, *(parameter.default for parameter in landscape.parameters.values()))
    fits = np.all(np.ptp(points, axis=0) <= MIDDLE * (bounds[:, 1] - bounds[:, 0]))
    return "box_only" not in landscape.tags and bool(fits)


def problems() -> Iterator[Problem]:
    """Yields every problem whose constants are frozen, each once."""
    for landscape in landscapes():
        for dim in sorted({landscape.dims.default, *DIMENSIONS}):
            if not landscape.dims.allows(dim):
                continue
            yield Problem(landscape, dim)
            if movable(landscape, dim):
                yield Problem(landscape, dim, instance=1)
                if "separable" in landscape.tags:
                    yield Problem(landscape, dim, instance=1, rotated=True)


def main(path: Path = PATH) -> None:
    """Computes all constants anew and writes the file.

    Args:
        path: Where to write.
    """
    rows = {}
    for problem in problems():
        rows[problem.label] = json.dumps(measured(problem)._asdict(), allow_nan=False)
        print(problem.label, file=sys.stderr)
    lines = [f"  {json.dumps(label)}: {row}" for label, row in rows.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
