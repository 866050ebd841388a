"""The ranking: scores, rank intervals and the confidence set for the best, in each setting.

Nobody is named as the winner. An entry is *in the confidence set for the best* if no other is
better beyond doubt, all pairs being judged at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.landscapes.coincide import coinciding, joint_name
from optbench.analysis.landscapes.evidence import Arranged
from optbench.analysis.landscapes.field import Choices
from optbench.analysis.landscapes.redraw import freedom
from optbench.analysis.landscapes.standings import Standings, standings
from optbench.analysis.statistics import families, simultaneous
from optbench.analysis.statistics.arrays import Floats, Ints
from optbench.analysis.statistics.groups import critical_groups, letters
from optbench.analysis.statistics.intervals import REPLICATES

#: ``new_*`` is about new problems like these; ``new_kind`` says whether its ends are a 95 %
#: ``interval`` or the ``range`` with one family left out. ``detectable_*`` are over the pairs.
RANKING = (
    *("setting", "optimizer", "ranked", "n_problems", "n_families", "n_starts"),
    *("score", "score_low", "score_high", "new_low", "new_high", "new_kind"),
    *("rank_low", "rank_high", "in_set", "groups", "new_rank_low", "new_rank_high", "new_in_set"),
    *("detectable_low", "detectable", "detectable_high", "new_detectable"),
)


def ranking(
    evidence: Arranged,
    choices: Choices,
    manifest: Mapping[str, Any],
    *,
    seed: int = 0,
    replicates: int = REPLICATES,
) -> pd.DataFrame:
    """Ranks the entries of a run.

    The score is the area score, averaged over the starts of a problem, then over the ranked
    problems. Entries whose paths coincide stand once, under a joint name; reference lines are
    shown with their scores and take no part in ranks.

    Args:
        evidence: The judged rows.
        choices: The configuration in each setting.
        manifest: The run's manifest.
        seed: Seed of the bootstrap.
        replicates: Number of bootstrap replicates.

    Returns:
        One row per setting and entry, by decreasing score.
    """
    found = standings(evidence, choices, manifest, seed=seed, replicates=replicates)
    if found is None:
        return pd.DataFrame(columns=list(RANKING))
    entries, parts = found.field.entries, []
    for setting in found.mean:
        able = np.flatnonzero(found.able(setting)).tolist()
        groups = coinciding(evidence, [entries[e] for e in able if e < found.n_ranked], found.field.problems, setting)
        shown = [*groups, *((entries[e],) for e in able if e >= found.n_ranked)]
        at = np.array([entries.index(group[0]) for group in shown], dtype=np.int64)
        parts.append(_setting(found, setting, [joint_name(group) for group in shown], len(groups), at, seed))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(RANKING))


def _setting(found: Standings, setting: str, names: list[str], n: int, at: Ints, seed: int) -> pd.DataFrame:
    """Returns the rows of the entries ``at``; the first ``n`` of them are ranked, the others reference lines."""
    field, mean, replicates = found.field, found.mean[setting][:, at], found.sums[setting][..., at]
    score, low, high = (values[at] for values in found.scores(setting))
    totals = replicates.sum(axis=1) / len(field.problems)
    free = freedom(field)
    sums, sizes = field.by_family(mean), field.sizes
    enough = len(sizes) >= families.FEWEST
    new = families.interval(sums, sizes, replicates, seed=seed, low=0.0) if enough else families.left_out(sums, sizes)
    these = simultaneous.compare(score[:n], totals[:, :n], free)
    others = families.compare(sums[:, :n], sizes, replicates[..., :n], seed=seed)
    first, last = critical_groups(mean[:, :n])
    absent = np.full(n, np.nan)
    new_low, new_high = (absent, absent) if others is None else others.ranks
    detectable = these.detectable
    columns: dict[str, Any] = {
        "setting": setting,
        "optimizer": names,
        "ranked": np.arange(len(names)) < n,
        "n_problems": len(field.problems),
        "n_families": len(sizes),
        "n_starts": min(report.shape[2] for report in field.report),
        "score": score,
        "score_low": low,
        "score_high": high,
        "new_low": new[0],
        "new_high": new[1],
        "new_kind": "interval" if enough else "range",
        "rank_low": _padded(these.ranks[0], len(names)),
        "rank_high": _padded(these.ranks[1], len(names)),
        "in_set": [*map(bool, these.best), *[False] * (len(names) - n)],
        "groups": [*map(letters, first.tolist(), last.tolist()), *[""] * (len(names) - n)],
        "new_rank_low": _padded(new_low, len(names)),
        "new_rank_high": _padded(new_high, len(names)),
        "new_in_set": _padded(absent if others is None else others.best, len(names)),
        **dict(zip(("detectable_low", "detectable", "detectable_high"), detectable, strict=True)),
        "new_detectable": np.nan if others is None else others.detectable[1],
    }
    frame = pd.DataFrame({name: columns[name] for name in RANKING})
    return frame.sort_values(["score", "optimizer"], ascending=[False, True], ignore_index=True)


def _padded(values: Floats | Ints | np.ndarray, length: int) -> Floats:
    """Returns values followed by NaN for the reference lines."""
    return np.append(np.asarray(values, dtype=np.float64), np.full(length - len(values), np.nan))
