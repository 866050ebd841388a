"""What an entry of a suite is run with: its trials, and its default."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from optbench.core.optimizer import Optimizer
from optbench.suite.spec import OptimizerSpec


def configurations(
    entry: OptimizerSpec, rule: Optimizer, trials: Sequence[Mapping[str, float]], known: Mapping[str, float]
) -> tuple[tuple[dict[str, float], ...], int]:
    """Returns the configurations of an entry and the index of its default.

    Args:
        entry: An entry of a suite.
        rule: Its rule.
        trials: What each trial tries, in the order of tuning.
        known: What the suite tells the rule.

    Returns:
        All hyperparameters of each configuration, the trials first; the default comes last if it is none of them.
    """
    fixed = {**known, **entry.hyper}
    default = rule.resolve(fixed)
    configs = [rule.resolve({**fixed, **trial}) for trial in trials]
    same = [
        index
        for index, config in enumerate(configs)
        if all(math.isclose(config[name], value, rel_tol=1e-9) for name, value in default.items())
    ]
    if not same:
        configs.append(default)
    index = same[0] if same else len(configs) - 1
    configs[index] = default
    return tuple(configs), index
