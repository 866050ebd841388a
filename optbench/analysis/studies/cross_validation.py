"""Cross-validation: what each configuration of a grid reached, which was chosen, and what its refit is worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.studies.replicates import drawn_of, number_over, share_over
from optbench.analysis.studies.study import KEYS, Study, configured, rights, studies
from optbench.records.studies import Role

#: ``validation`` is the mean accuracy over folds; ``chosen`` counts the replicates in which it was the best; ``test``
#: is the mean accuracy of the refits in those.
CROSS_VALIDATION = (
    *KEYS,
    *("config", "setting"),
    *("n_replicates", "n_folds", "validation", "validation_low", "validation_high", "validation_loss"),
    *("chosen", "test", "failed"),
)
#: ``chosen_validation`` is the chosen configuration's own; ``optimism`` that minus the test accuracy of its refit.
#: ``unchosen`` counts the replicates in which every configuration lost a fold, so that there was nothing to refit.
REFITS = (
    *KEYS,
    *("n_replicates", "n_test", "most_chosen", "chosen", "unchosen"),
    *("chosen_validation", "chosen_validation_low", "chosen_validation_high", "test", "test_low", "test_high"),
    *("optimism", "optimism_low", "optimism_high"),
)


def cross_validation(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Summarizes the folds of each configuration.

    A fold that diverged or failed counts with an accuracy of 0, as it did in the choice.

    Args:
        runs: Rows with the columns of ``records.studies``.
        manifest: The run's manifest.

    Returns:
        One row per study and configuration, with the columns of ``CROSS_VALIDATION``.
    """
    rows = []
    for study in studies(runs, manifest, "cross_validation"):
        folds, refits = study.of(Role.FOLD), study.of(Role.REFIT)
        by_config = folds.drop_duplicates("config").sort_values("config")
        table = _validation(folds)
        for (_, first), setting in zip(by_config.iterrows(), configured(by_config), strict=True):
            own = folds[folds["config"] == first["config"]]
            mine = refits[refits["config"] == first["config"]]
            losses = own["validation_loss"].to_numpy(np.float64)
            rows.append({
                **study.keys,
                "config": int(first["config"]),
                "setting": setting,
                "n_replicates": len(study.replicates),
                "n_folds": int(own["fold"].nunique()),
                **number_over(table.loc[first["config"]].to_numpy(np.float64), 0.0, 1.0).named("validation"),
                "validation_loss": float(losses.mean()) if np.isfinite(losses).all() else np.inf,
                "chosen": len(mine),
                "test": float(mine["test_accuracy"].fillna(0.0).mean()) if len(mine) else np.nan,
                "failed": int((own["status"] != "ok").sum()),
            })  # fmt: skip
    return pd.DataFrame(rows, columns=list(CROSS_VALIDATION))


def refits(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Summarizes the refits of what was chosen.

    A refit that diverged or failed is wrong on every test example.

    Args:
        runs: Rows with the columns of ``records.studies``.
        manifest: The run's manifest.

    Returns:
        One row per study in which something was chosen, with the columns of ``REFITS``.
    """
    found = studies(runs, manifest, "cross_validation")
    rows = [_refitted(study) for study in found if (study.of(Role.REFIT)["config"] >= 0).any()]
    return pd.DataFrame(rows, columns=list(REFITS))


def _validation(folds: pd.DataFrame) -> pd.DataFrame:
    """Returns the mean accuracy over folds, by configuration and replicate; a lost fold counts 0."""
    accuracy = folds["validation_accuracy"].astype(np.float64).fillna(0.0)
    found = folds.assign(accuracy=accuracy).groupby(["config", "replicate"])["accuracy"].mean()
    return found.unstack()


def _refitted(study: Study) -> dict[str, Any]:
    planned = study.of(Role.REFIT)
    refit = planned[planned["config"] >= 0]
    drawn = drawn_of(study)
    table = _validation(study.of(Role.FOLD))
    counts = refit["config"].value_counts()
    most = int(counts[counts == counts.max()].index.min())
    by_config = study.of(Role.FOLD).drop_duplicates("config").sort_values("config")
    words = dict(zip(by_config["config"], configured(by_config), strict=True))
    chosen = np.array([table.loc[c, r] for c, r in zip(refit["config"], refit["replicate"], strict=True)])
    answers = rights(refit)
    return {
        **study.keys,
        "n_replicates": len(refit),
        "n_test": max(map(len, answers)),
        "most_chosen": words.get(most, ""),
        "chosen": int(counts.max()),
        "unchosen": len(planned) - len(refit),
        **number_over(chosen, 0.0, 1.0).named("chosen_validation"),
        **share_over(answers, drawn, (0.0, 1.0)).named("test"),
        **share_over([c - own for c, own in zip(chosen, answers, strict=True)], drawn, (-1.0, 1.0)).named("optimism"),
    }
