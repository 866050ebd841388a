"""Writes ``constants.json`` and ``noise_scales.json``: ``python -m optbench.problems.freeze``.

Frozen is every landscape of the shelves, at its default dimension and at 2, 10, 30 and 40: the literature's
form, instance 1, and the rotated twin of instance 1 where the function is separable; and the finite sums that
number their own instances, at their default dimension, 10 and 40. Other landscapes of that kind have their constants
computed when needed. So are frozen the problems with other parameters on which the shipped suites put noise, and the
noise scales of all on which they put noise that has a level. A
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
from optbench.problems.finite_sums import (
    deep_linear,
    digits,
    least_squares,
    logistic_regression,
    matrix_factorization,
    noisy_wells,
    robust_regression,
    wells_from_both,
)
from optbench.problems.gradient_flow import SCALES_PATH, measured_scale
from optbench.problems.instances import MIDDLE
from optbench.problems.landscape import Landscape
from optbench.problems.measured import measured
from optbench.problems.problem import Problem

SHELVES = (
    *(quadratics, valleys, multimodal, planar, plates, wells),
    *(spectra, powers, chains, ripples, foxholes, troughs, noisy_wells, wells_from_both),
)
DIMENSIONS = (2, 10, 30, 40)
SUMS = (
    *(least_squares.least_squares, robust_regression.robust_regression, logistic_regression.logistic_regression),
    *(digits.digits_logistic, digits.digits_softmax),
    *(matrix_factorization.matrix_factorization, deep_linear.deep_linear),
)
SUM_DIMENSIONS = (10, 40)
#: Functions whose noise scale is frozen, at every dimension of ``DIMENSIONS`` up to 10 that they have.
DISTURBED = ("sphere", "ellipsoid", "rosenbrock", "himmelblau")
#: Parameters at which the shipped suites run the wells with the noise of batches, in 2 and 10 dimensions.
BATCHES = {"noise": 6.0, "curvature_noise": 1.0}
WELL_SHAPES: tuple[dict[str, float], ...] = tuple(
    {**ratio, **depth} for ratio in ({}, {"ratio": 100.0}) for depth in ({}, {"flat_depth": 1.5}, {"sharp_depth": 1.5})
)


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

    yield from sums()
    yield from wells_of_suites()
    for problem in disturbed_by_suites():
        if problem.instance:
            # An instance is placed by its plain form, which would be measured each time if it were not frozen.
            yield Problem(problem.landscape, problem.dim, parameters=problem.parameters)
        yield problem


def sums() -> Iterator[Problem]:
    """Yields the finite sums on instances of their own whose constants are frozen, each once."""
    for landscape in SUMS:
        for dim in sorted({landscape.dims.default, *SUM_DIMENSIONS}):
            if landscape.dims.allows(dim):
                yield Problem(landscape, dim, instance=1)


def wells_of_suites() -> Iterator[Problem]:
    """Yields the wells with batch noise at the parameters of the shipped suites, each once."""
    for dim in (2, 10):
        for shape in WELL_SHAPES:
            for landscape in (wells_from_both.two_wells_sum_from_both, wells_from_both.two_wells_isotropic_from_both):
                yield Problem(landscape, dim, parameters={**shape, **BATCHES})
        for landscape in (noisy_wells.one_well, noisy_wells.one_well_isotropic):
            yield Problem(landscape, dim, parameters=BATCHES)


def disturbed_by_suites() -> Iterator[Problem]:
    """Yields the problems beyond the shelves' own on which the shipped suites put noise that has a level, each once."""
    for condition in (1e2, 1e6):
        yield Problem(quadratics.ellipsoid, 10, instance=1, rotated=True, parameters={"condition": condition})
    yield Problem(chains.chebyshev_rosenbrock, 6, instance=1)
    for dim in (2, 10):
        for condition in (1e1, 1e2, 1e3):
            yield Problem(quadratics.unit_quadratic, dim, parameters={"condition": condition})


def disturbed() -> Iterator[Problem]:
    """Yields every problem whose noise scale is frozen, each once."""
    others = list(disturbed_by_suites())
    for problem in problems():
        if problem in others or (problem.name in DISTURBED and problem.dim <= 10 and problem.instance == 1):
            yield problem


def write_scales(path: Path = SCALES_PATH) -> None:
    """Computes all noise scales anew and writes the file.

    Args:
        path: Where to write.
    """
    scales = {problem.label: measured_scale(problem) for problem in disturbed()}
    path.write_text(json.dumps(scales, indent=2) + "\n", encoding="utf-8")


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
    write_scales()
