"""Paths on a problem without any run: rules in raw units, as ``optbench.trace`` runs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
import pandas as pd

from optbench import __version__, catalog
from optbench.core.optimizer import Optimizer
from optbench.engine.landscapes import pictures
from optbench.engine.landscapes.execute import Engine
from optbench.engine.landscapes.sharing import Pair, fault
from optbench.engine.landscapes.trace import resolved
from optbench.errors import UsageError, unknown_name
from optbench.plotting import wishes
from optbench.plotting.wishes import OTHERS, Rate, Start
from optbench.problems.problem import Problem
from optbench.records import Split
from optbench.report import figures
from optbench.report.evidence import Evidence
from optbench.report.figures.landscapes import trajectories

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Rules that are shown where none is named.
USUAL = ("sgd", "momentum", "adam")


@dataclass(frozen=True)
class NoRun:
    """In place of a stored run: no rows, and a manifest that says what is drawn."""

    manifest: Mapping[str, Any]
    runs: pd.DataFrame = field(default_factory=pd.DataFrame)
    path: Path = Path()


class Sketch(Evidence):
    """What a picture needs to know that is of no run."""

    watermark = ""

    @property
    def footer(self) -> str:
        """What computed the picture; nothing in it hangs on a score."""
        return self.source

    @cached_property
    def source(self) -> str:
        """What computed the picture."""
        said = self.manifest
        return f"optbench {__version__} · {said['said']} · jax {jax.__version__} {jax.default_backend()}"


def figure_of_problem(
    problem: Any,
    optimizers: Any,
    rates: dict[str, list[Rate]],
    starts: list[Start],
    *,
    steps: int,
    seed: int,
) -> Figure:
    """Draws paths on a problem.

    Args:
        problem: A problem of two dimensions, or its registry name.
        optimizers: What ``optbench.trace`` takes, in a list or a mapping from labels; ``None`` for a few usual rules.
        rates: Rates by label, ``OTHERS`` for all that are not named.
        starts: Numbers of reported starts, and points.
        steps: Gradient evaluations.
        seed: Seed of reported starts.

    Returns:
        The figure.

    Raises:
        UsageError: A name, value or start is not valid.
    """
    if not isinstance(problem, Problem):
        problem = catalog.problem(problem)
    if problem.dim != 2:
        raise UsageError(f"{problem.label}: paths are drawn of functions of two variables")
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise UsageError(f"steps must be a whole number of at least 1; got {steps!r}")
    rules = _rules(USUAL if optimizers is None else optimizers)
    faults = [unknown_name("optimizer among those drawn", name, rules) for name in rates if name and name not in rules]
    bounds = problem.bounds.tolist()
    faults += [said for start in starts if (said := wishes.place(start, bounds, problem.label, None))]
    shots = []
    for label, rule in rules.items():
        for rate in dict.fromkeys(rates.get(label) or rates.get(OTHERS) or ["default"]):
            if rate in ("gentle", "tuned"):
                faults.append(f"rates: nothing is tuned on a problem alone; give {label} a number, or 'default'")
                continue
            try:
                hyper = resolved(rule, problem, {} if isinstance(rate, str) else {rule.swept: rate}, steps)
            except UsageError as error:
                faults += error.problems
                continue
            shots.append(pictures.Shot(problem, rule, label, hyper, hyper[rule.swept], "raw", steps, seed))
    pairs = [Pair(problem, rule) for rule in rules.values()]
    faults += [said for pair in pairs if (said := fault(pair))]
    if faults:
        raise UsageError(faults)
    engine = Engine()
    engine.prepare(pairs)
    points = np.array([problem.starts(seed, Split.REPORT, s)[0] if isinstance(s, int) else s for s in starts])
    paths = pictures.trajectories(engine, shots, [points] * len(shots))
    return figures.styled(
        lambda: trajectories.pages(
            Sketch(NoRun(_manifest(problem, rules, steps))),
            pd.DataFrame(pictures.contours([problem])),
            pd.DataFrame(paths),
            {k: wishes.title(start) for k, start in enumerate(starts)},
            f"Paths of {steps:,} gradient evaluations from the same starts, each at the rate beside its name.",
            [],
        )[0],
        rules,
    )


def _rules(given: Any) -> dict[str, Optimizer]:
    """Returns rules by label."""
    if isinstance(given, Mapping):
        return {str(label): catalog.optimizer(found) for label, found in given.items()}
    if isinstance(given, str):
        raise UsageError(f"optimizers: a list of rules, such as ['sgd', 'adam']; got {given!r}")
    found: dict[str, Optimizer] = {}
    for rule in map(catalog.optimizer, given):
        if found.setdefault(rule.name, rule) is not rule:
            raise UsageError(f"optimizers: two are called {rule.name}; give a mapping from labels to them")
    if not found:
        raise UsageError("optimizers: none is named")
    return found


def _manifest(problem: Problem, rules: Mapping[str, Optimizer], steps: int) -> dict[str, Any]:
    """Returns what the picture reads: the box, the minimum where it is known, and which constant is swept."""
    entry: dict[str, Any] = {"label": problem.label, "dim": 2, "bounds": problem.bounds.tolist()}
    if problem.landscape.knows_minimum:
        entry |= {"f_star": problem.f_star, "x_star": problem.x_star.tolist()}
    return {
        "said": f"{problem.label}, raw units, {steps:,} gradient evaluations",
        "problems": {problem.label: entry},
        "optimizers": {label: {"swept": rule.swept} for label, rule in rules.items()},
    }
