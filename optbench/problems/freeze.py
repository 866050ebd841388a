"""Writes ``constants.json``: ``python -m optbench.problems.freeze``.

Frozen are the literature's form of every landscape at its default dimension and at 2, 10 and 30, and
instance 1 of the problems of the suite ``quick``. The file is the same on every machine: the random
streams are keyed by labels and the constants rounded to 10 digits.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from optbench.problems import multimodal, planar, plates, quadratics, valleys, wells
from optbench.problems.constants import PATH
from optbench.problems.landscape import Landscape
from optbench.problems.problem import Problem, measured

SHELVES = (quadratics, valleys, multimodal, planar, plates, wells)
DIMENSIONS = (2, 10, 30)
#: (landscape, dimension, rotated) of the instances that are frozen beside the literature's forms.
INSTANCES = (
    (valleys.rosenbrock, 2, False),
    (valleys.beale, 2, False),
    (planar.himmelblau, 2, False),
    (multimodal.ackley, 2, False),
    (wells.two_wells, 2, False),
    (quadratics.ellipsoid, 10, False),
    (quadratics.ellipsoid, 10, True),
    (multimodal.rastrigin, 10, False),
    (multimodal.rastrigin, 10, True),
    (quadratics.sphere, 30, False),
    (valleys.dixon_price, 30, False),
    (multimodal.griewank, 30, False),
)


def landscapes() -> list[Landscape]:
    """Returns every landscape of the shelves, in the order of definition."""
    return [value for shelf in SHELVES for value in vars(shelf).values() if isinstance(value, Landscape)]


def problems() -> Iterator[Problem]:
    """Yields every problem whose constants are frozen, each once."""
    for landscape in landscapes():
        for dim in sorted({landscape.dims.default, *DIMENSIONS}):
            if landscape.dims.allows(dim):
                yield Problem(landscape, dim)
    for landscape, dim, rotated in INSTANCES:
        yield Problem(landscape, dim, instance=1, rotated=rotated)


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
