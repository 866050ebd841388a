"""What tuning tries: ranges, the Sobol design drawn from them, and the values that a suite tells a rule.

A design depends on the suite's seed and the entry's label alone, so neither the order of entries nor
the number of trials moves a trial: the first k are the design of k trials.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from optbench.core.keys import generator
from optbench.core.optimizer import Optimizer, Search

#: A design varies the swept hyperparameter and at most this many others.
MAX_OTHERS = 3


def told(rule: Optimizer, *, cost: int, f_star: float) -> dict[str, float]:
    """Returns what a rule is told of its task, for the hyperparameters that ask for it.

    Args:
        rule: The rule.
        cost: Gradient evaluations of one run; the horizon is the number of steps that they allow.
        f_star: The minimum, in the units that the rule sees.

    Returns:
        Values by name, empty for a rule that asks for nothing.

    Example:
        >>> from optbench import catalog
        >>> told(catalog.optimizer("sgd"), cost=100, f_star=0.0)
        {}
    """
    known = {"horizon": float(max(cost // rule.evals_per_step, 1)), "f_star": float(f_star)}
    return {name: known[hyper.told] for name, hyper in rule.hyper.items() if hyper.told}


def shifted(search: Search, decades: float) -> Search:
    """Returns a logarithmic range moved by a number of decades; other ranges stay.

    Args:
        search: The range.
        decades: By how much; negative for smaller values.

    Returns:
        The range of the sensitivity arm.

    Example:
        >>> moved = shifted(Search(1e-3, 1e2, ""), 1.0)
        >>> moved.low, moved.high
        (0.01, 1000.0)
    """
    if search.scale != "log" or not decades:
        return search
    low, high = (float(f"{value * 10**decades:.12g}") for value in (search.low, search.high))
    return replace(search, low=low, high=high)


def design(ranges: Mapping[str, Search], trials: int, *, seed: int, label: str) -> tuple[dict[str, float], ...]:
    """Draws configurations from a scrambled Sobol sequence.

    Args:
        ranges: What to draw, by name; their order decides which coordinate is whose.
        trials: Number of configurations.
        seed: Seed of the suite.
        label: Label of the entry; each scrambles its own sequence.

    Returns:
        One value for each range, in the order of the sequence, which is the order of tuning.

    Source: Sobol 1967; scrambling: Owen 1998, J. Complexity 14, 466-489, as in ``scipy.stats.qmc``.
    """
    # Loading scipy.stats takes as long as all else that planning does, and a grid needs none of it.
    from scipy.stats import qmc

    # scipy spawns from what it is given, which a generator with a key of its own cannot do; a number can.
    scramble = int(generator(seed, "sobol", label).integers(2**63))
    sequence = qmc.Sobol(len(ranges), scramble=True, seed=scramble)
    # A sequence is cut from a whole power of two: shorter designs are its beginnings.
    points = sequence.random_base2(math.ceil(math.log2(max(trials, 2))))[:trials]
    return tuple(
        {name: search.at(float(share)) for (name, search), share in zip(ranges.items(), point, strict=True)}
        for point in points
    )
