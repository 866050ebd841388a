"""Which configuration stands for an optimizer: default, one for all, or tuned.

Selection sees ``Tuning`` alone: area scores on tuning starts. Reported rows cannot reach it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from optbench.analysis.landscapes.evidence import Tuning
from optbench.analysis.landscapes.facts import Facts, Key
from optbench.analysis.landscapes.sweep import Sweep
from optbench.analysis.statistics.arrays import Floats, Ints
from optbench.analysis.statistics.ranges import is_at_end
from optbench.errors import DataError

#: ``default`` as published; ``one_for_all``: for each problem, best with its family left out;
#: ``tuned``: best on this problem.
SETTINGS = ("default", "one_for_all", "tuned")

#: Scores closer than this are equal; the smaller value of the swept hyperparameter wins.
TIE = 1e-12
#: A choice at the edge of the range is not flagged if a trial further inside scores within this.
FLAT = 0.01
#: Share of the best score that is enough for a picture.
HALF = 0.5
#: A best score below this is that of a rule that gets nowhere at any value.
SOME = 0.05


@dataclass(frozen=True, slots=True)
class Choice:
    """A configuration chosen for one problem.

    Attributes:
        position: Its position in the sweep.
        at_edge: Whether it lies at an end of the swept range and the score still rises there, so
            that a better value may lie outside.
    """

    position: int
    at_edge: bool


def criterion(setting: str, key: Key, means: Mapping[Key, Floats], facts: Mapping[str, Facts]) -> Floats | None:
    """Returns the score by which a setting chooses.

    Args:
        setting: ``"one_for_all"`` or ``"tuned"``.
        key: Problem and optimizer for which to choose.
        means: Mean tuning scores of the configurations, shape (..., c), by problem and optimizer;
            leading axes are bootstrap replicates.
        facts: The problems, for their families.

    Returns:
        Scores, shape (..., c): the problem's own, or the mean over the ranked problems of other
        families. ``None`` where nothing was tuned on.
    """
    problem, optimizer = key
    if setting == "tuned":
        return means.get(key)
    others = [
        means[p, o]
        for p, o in sorted(means)
        if o == optimizer and facts[p].family != facts[problem].family and facts[p].ranked
    ]
    return np.mean(others, axis=0) if others else None


def best(score: Floats, sweep: Sweep) -> Ints:
    """Returns the position of the best score along the last axis, ties to the smaller value.

    Args:
        score: Scores of the configurations, shape (..., c).
        sweep: The configurations.

    Returns:
        Positions, shape (...).
    """
    ordered = score[..., sweep.candidates]
    near = ordered >= ordered.max(axis=-1, keepdims=True) - TIE
    return np.asarray(sweep.candidates[near.argmax(axis=-1)])


def is_at_edge(score: Floats, sweep: Sweep, position: int) -> bool:
    """Returns whether a choice lies at an end of the range where the score is not flat.

    On a grid the end is its last value, and flat means that the neighbor inside scores at most ``FLAT``
    less. Of drawn trials the ends are the outer sixteenths of the range, and flat means that some trial
    between them scores at most ``FLAT`` less.

    Args:
        score: The criterion, shape (c,).
        sweep: The configurations.
        position: The choice.

    Returns:
        Whether to flag it; never for a sweep of one value.
    """
    # A default says nothing of its neighborhood, unless it is the choice.
    trials = set(sweep.trials.tolist())
    order = [at for at in sweep.candidates.tolist() if at in trials or at == position]
    if len(order) < 2:
        return False
    if sweep.share is not None:
        return is_at_end(score[order], sweep.share[order], order.index(position), FLAT)
    if position not in {order[0], order[-1]}:
        return False
    neighbor = order[1] if position == order[0] else order[-2]
    return bool(score[neighbor] < score[position] - FLAT)


def select(tuning: Mapping[Key, Tuning], facts: Mapping[str, Facts]) -> dict[tuple[str, Key], Choice]:
    """Chooses the configuration of every problem and optimizer in each setting.

    Args:
        tuning: Scores on tuning starts.
        facts: The problems.

    Returns:
        Choices by (setting, (problem, optimizer)). A setting is absent where it has no meaning: no
        default in the sweep, or no problem of another family to choose on.
    """
    check_sweeps(tuning)
    means = {key: t.score.mean(axis=1) for key, t in tuning.items() if t.score.shape[1]}
    choices: dict[tuple[str, Key], Choice] = {}
    for key, t in sorted(tuning.items()):
        if t.sweep.default is not None:
            choices["default", key] = Choice(t.sweep.default, at_edge=False)
        for setting in ("one_for_all", "tuned"):
            score = criterion(setting, key, means, facts)
            if score is not None:
                position = int(best(score, t.sweep))
                choices[setting, key] = Choice(position, is_at_edge(score, t.sweep, position))
    return choices


def gentle(tuning: Tuning) -> int | None:
    """Returns the configuration at which a rule is drawn: the smallest value that scores at least half of the best.

    The best rate is often the largest at which a rule still settles. It gets there in leaps, and its path shows the
    rate and not the rule. Where no value scores ``SOME``, half of nothing is noise, and the default is drawn.

    Args:
        tuning: Scores on tuning starts.

    Returns:
        Its position in the sweep; the default's where nothing was tuned or works, ``None`` where there is none.
    """
    if not tuning.score.shape[1] or not len(tuning.sweep.candidates):
        return tuning.sweep.default
    score = tuning.score.mean(axis=1)[tuning.sweep.candidates]
    if score.max() < SOME and tuning.sweep.default is not None:
        return tuning.sweep.default
    return int(tuning.sweep.candidates[np.argmax(score >= HALF * score.max())])


def check_sweeps(tuning: Mapping[Key, Tuning]) -> None:
    """Checks that each optimizer has the same configurations on every problem.

    Args:
        tuning: Scores on tuning starts.

    Raises:
        DataError: They differ, so no configuration is one for all.
    """
    first: dict[str, Sweep] = {}
    for (problem, optimizer), t in sorted(tuning.items()):
        sweep = first.setdefault(optimizer, t.sweep)
        same = np.array_equal(sweep.config, t.sweep.config) and np.array_equal(sweep.value, t.sweep.value, True)
        if not same:
            raise DataError(f"{optimizer}: configurations on {problem} must be those of the other problems")
