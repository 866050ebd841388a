"""Bagging and boosting: how often the first m members together are right, and what that gains over a single model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.statistics.arrays import Floats, Ints
from optbench.analysis.statistics.ensembles import averaged, voted
from optbench.analysis.studies.replicates import drawn_of, share_over
from optbench.analysis.studies.study import KEYS, Study, has_answers, probabilities, right, studies
from optbench.records.studies import Role

#: ``gain`` is the accuracy of the ensemble minus that of the single model of the same replicate, on the same examples;
#: ``new_gain`` ends are for new data where replicates split one file, else the same. ``failed`` counts models of
#: the study that diverged or failed.
ENSEMBLES = (
    *KEYS,
    *("way", "members", "most", "n_replicates", "n_test"),
    *("accuracy", "accuracy_low", "accuracy_high", "single", "single_low", "single_high"),
    *("gain", "gain_low", "gain_high", "new_gain_low", "new_gain_high", "cost", "failed"),
)


def ensembles(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Summarizes ensembles of bootstrap and boosting studies by their number of members.

    Ways: ``average`` of probabilities and ``vote`` of bagging, ``weighted vote`` of boosting. A member that diverged or
    failed moves no answer; a single model that did is wrong on every example. ``cost`` is the gradients of the ensemble
    over those of the single model.

    Args:
        runs: Rows with the columns of ``records.studies``.
        manifest: The run's manifest.

    Returns:
        One row per study, way and number of members, with the columns of ``ENSEMBLES``.
    """
    rows: list[dict[str, Any]] = []
    for study in studies(runs, manifest, "bootstrap", "boosting"):
        rows += _summarized(study)
    return pd.DataFrame(rows, columns=list(ENSEMBLES))


def _summarized(study: Study) -> Iterator[dict[str, Any]]:
    drawn = drawn_of(study)
    singles: list[Floats] = []
    grown: dict[str, list[Floats]] = {}
    costs = []
    for replicate in study.replicates:
        single = study.of(Role.SINGLE, replicate=replicate)
        members = study.of(Role.MEMBER, Role.ROUND, replicate=replicate).sort_values("member")
        together, labels = probabilities(pd.concat([single, members]))
        if not len(single) or not len(members) or not len(labels):
            continue
        singles.append(right(together[:1], has_answers(single), labels)[0])
        for way, answers in answered(members, together[1:]).items():
            grown.setdefault(way, []).append(np.asarray(answers == labels, dtype=np.float64))
        costs.append(members["sample_grads"].to_numpy(np.float64).cumsum() / float(single["sample_grads"].iloc[0]))
    for way, tables in grown.items():
        most = min(len(table) for table in tables)
        for m in range(1, most + 1):
            own = [table[m - 1] for table in tables]
            gains = [table - single for table, single in zip(own, singles, strict=True)]
            new = share_over(gains, drawn, (-1.0, 1.0), new_data=True)
            yield {
                **study.keys,
                "way": way,
                "members": m,
                "most": most,
                "n_replicates": len(own),
                "n_test": len(own[0]),
                **share_over(own, drawn, (0.0, 1.0)).named("accuracy"),
                **share_over(singles, drawn, (0.0, 1.0)).named("single"),
                **share_over(gains, drawn, (-1.0, 1.0)).named("gain"),
                "new_gain_low": new.low,
                "new_gain_high": new.high,
                "cost": float(np.mean([cost[m - 1] for cost in costs])),
                "failed": study.failed,
            }


def answered(members: pd.DataFrame, said: Floats) -> dict[str, Ints]:
    """Returns the answers of the first m members of one replicate, for every m.

    Args:
        members: Their rows: members of a bootstrap study, or rounds of boosting.
        said: Their probabilities, shape (M, N, C).

    Returns:
        Predicted classes by way of putting members together, shape (M, N) each.
    """
    some, classes = has_answers(members), said.shape[2]
    own = said.argmax(axis=2)
    if members["role"].iloc[0] == str(Role.ROUND):
        weights = np.where(some, members["vote"].to_numpy(np.float64, na_value=0.0), 0.0)
        # Before any round has a vote, the first one's model is all there is.
        return {"weighted vote": np.where(weights.cumsum()[:, None] > 0, voted(own, classes, weights), own[0])}
    return {"average": averaged(said).argmax(axis=2), "vote": voted(own, classes, some.astype(np.float64))}
