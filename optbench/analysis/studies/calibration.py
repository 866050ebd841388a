"""Calibration of single models, of refits and of bootstrap ensembles, and how far members are apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.statistics import calibration as of
from optbench.analysis.statistics.arrays import Floats, Ints
from optbench.analysis.statistics.bootstrap import bootstrap, jackknife, resamples
from optbench.analysis.statistics.intervals import hull, wilson
from optbench.analysis.studies.replicates import Over, number_over
from optbench.analysis.studies.study import KEYS, Study, has_answers, probabilities, studies
from optbench.records.studies import Role

#: Metrics by column.
METRICS: dict[str, Callable[[Floats, Ints], float]] = {
    "calibration_error": of.calibration_error,
    "brier": of.brier,
    "likelihood": of.negative_log_likelihood,
}
SPREADS = ("deviation", "disagreement", "information")
#: ``what`` is ``single``, ``ensemble`` (the mean probabilities of all members), ``ensemble - single`` (paired by
#: replicate) or ``refit``. Spreads are of ensembles alone.
CALIBRATION = (
    *KEYS,
    *("what", "n_replicates", "n_members", "n_test", "bins"),
    *(f"{name}{end}" for name in (*METRICS, *SPREADS) for end in ("", "_low", "_high")),
)
#: Bins of confidence, pooled over replicates.
RELIABILITY = (
    *KEYS,
    *("what", "low", "high", "n_examples", "confidence"),
    *("accuracy", "accuracy_low", "accuracy_high"),
)
#: Draws of the bootstrap where there is a single replicate.
DRAWS = 999

#: Probabilities and labels of one replicate.
Said = tuple[Floats, Ints]


def study_calibration(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Summarizes calibration and spread.

    Intervals are over replicates, Student's; of a single one BCa over its test examples, where that has a meaning.
    Replicates in which a model diverged or failed are left out of its rows, and of an ensemble's if a member did.

    Args:
        runs: Rows with the columns of ``records.studies``.
        manifest: The run's manifest.

    Returns:
        One row per study and kind of model, with the columns of ``CALIBRATION``.
    """
    rows = []
    for study in studies(runs, manifest, "bootstrap", "cross_validation"):
        found = _said(study)
        spreads = [of.spread(said) for said in _members(study)]
        for what, by_replicate in found.items():
            row: dict[str, Any] = {**study.keys, "what": what, "n_replicates": len(by_replicate), "bins": of.BINS}
            row |= {"n_members": 1, "n_test": max(len(labels) for _, labels in by_replicate.values())}
            for name, metric in METRICS.items():
                row |= _over(metric, list(by_replicate.values())).named(name)
            if what == "ensemble":
                row["n_members"] = max(len(said) for said in _members(study))
                for name in SPREADS:
                    values = np.array([getattr(spread, name) for spread in spreads])
                    row |= number_over(values, 0.0).named(name)
            rows.append(row)
        if {"single", "ensemble"} <= found.keys():
            rows.append(_difference(study, found))
    return pd.DataFrame(rows, columns=list(CALIBRATION))


def study_reliability(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Returns the data of reliability diagrams, pooled over replicates.

    Args:
        runs: Rows with the columns of ``records.studies``.
        manifest: The run's manifest.

    Returns:
        One row per study, kind of model and bin that has examples, with the columns of ``RELIABILITY``. Intervals are
        over replicates, by leaving each out, and Wilson's at least; NaN where fewer than three have any in the bin.
    """
    rows = []
    for study in studies(runs, manifest, "bootstrap", "cross_validation"):
        for what, by_replicate in _said(study).items():
            found = [of.reliability(said, labels) for said, labels in by_replicate.values()]
            counts = np.stack([each.n_examples for each in found])
            rights, sures = (
                np.stack([np.nan_to_num(getattr(each, name)) * each.n_examples for each in found])
                for name in ("accuracy", "confidence")
            )
            for b in np.flatnonzero(counts.sum(axis=0)):
                n = counts[:, b].sum()
                rows.append({
                    **study.keys,
                    "what": what,
                    "low": float(found[0].edges[b]),
                    "high": float(found[0].edges[b + 1]),
                    "n_examples": int(n),
                    "confidence": float(sures[:, b].sum() / n),
                    **_share(rights[:, b], counts[:, b]).named("accuracy"),
                })  # fmt: skip
    return pd.DataFrame(rows, columns=list(RELIABILITY))


def _said(study: Study) -> dict[str, dict[int, Said]]:
    """Returns the probabilities of each kind of model by replicate."""
    found: dict[str, dict[int, Said]] = {}
    for what, role in (("single", Role.SINGLE), ("refit", Role.REFIT)):
        for _, row in study.of(role).iterrows():
            one = row.to_frame().T
            if has_answers(one)[0]:
                said, labels = probabilities(one)
                found.setdefault(what, {})[int(row["replicate"])] = said[0], labels
    for replicate in study.replicates:
        members = study.of(Role.MEMBER, replicate=replicate)
        if _is_whole(members):
            said, labels = probabilities(members)
            found.setdefault("ensemble", {})[replicate] = said.mean(axis=0), labels
    return found


def _members(study: Study) -> Iterator[Floats]:
    """Yields the probabilities of the members of each replicate whose members all have some."""
    for replicate in study.replicates:
        members = study.of(Role.MEMBER, replicate=replicate)
        if _is_whole(members):
            yield probabilities(members)[0]


def _is_whole(members: pd.DataFrame) -> bool:
    return len(members) > 0 and bool(has_answers(members).all())


def _over(metric: Callable[[Floats, Ints], float], said: list[Said]) -> Over:
    if len(said) == 1:
        draws = resamples(len(said[0][1]), DRAWS, "calibration")
        found = bootstrap(metric, *said[0], draws=draws)
        return Over(found.estimate, found.low, found.high)
    return number_over(np.array([metric(*each) for each in said]), 0.0)


def _difference(study: Study, found: Mapping[str, Mapping[int, Said]]) -> dict[str, Any]:
    both = sorted(found["single"].keys() & found["ensemble"].keys())
    row: dict[str, Any] = {**study.keys, "what": "ensemble - single", "n_replicates": len(both), "bins": of.BINS}
    row |= {"n_members": np.nan, "n_test": max((len(found["single"][r][1]) for r in both), default=0)}
    for name, metric in METRICS.items():
        values = [metric(*found["ensemble"][r]) - metric(*found["single"][r]) for r in both]
        row |= number_over(np.array(values, dtype=np.float64)).named(name)
    return row


def _share(rights: Floats, counts: Ints) -> Over:
    """Returns a share of counts pooled over replicates, with its interval over those that have any."""
    some = counts > 0
    share = float(rights.sum() / counts.sum())
    if some.sum() < 3:
        return Over(share, np.nan, np.nan)
    found = jackknife(lambda right, n: float(right.sum() / n.sum()), rights[some], counts[some])
    low, high = np.clip(found.interval(), 0.0, 1.0)
    # All right in every replicate is no certainty.
    return Over(share, *hull((float(low), float(high)), wilson(round(rights.sum()), int(counts.sum()))))
