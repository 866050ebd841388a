"""Regression with known noise: polynomials fitted to fresh data, whose bias and variance have a closed form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optbench.core.keys import generator
from optbench.engine.retraining.least_squares import design, fitted, truth_at
from optbench.engine.retraining.members import Trainer
from optbench.runner.kinds.kind import Tell
from optbench.runner.kinds.studies.replicate import Replicate
from optbench.runner.kinds.studies.rows import Row, blank


def run(replicates: Sequence[Replicate], trainer: Trainer, tell: Tell) -> list[list[Row]]:
    """Fits all degrees to the data of each member.

    Args:
        replicates: Replicates of one study.
        trainer: Not needed: nothing is a network.
        tell: Is told what is being done.

    Returns:
        The rows of each replicate.
    """
    return [_run(replicate) for replicate in replicates]


def _run(replicate: Replicate) -> list[Row]:
    study, group = replicate.group.study, replicate.group
    assert study.truth is not None
    assert study.noise is not None
    assert study.n_train is not None
    assert study.n_test is not None
    assert study.interval is not None
    found = design(study.interval, study.n_train, study.n_test)
    clean, truth = truth_at(study.truth, found.points), truth_at(study.truth, found.test_points)
    _, degrees = study.varied
    made = []
    for cell in group.cells:
        # Degrees share data: they differ in nothing else.
        drawn = generator(group.seed, "studies", "regression noise", replicate.index, cell.member)
        noise = study.noise * drawn.standard_normal(study.n_train + study.n_test)
        y, targets = clean + noise[: study.n_train], truth + noise[study.n_train :]
        degree = degrees[cell.value]
        assert degree is not None
        curve = fitted(found.points, y, int(degree))
        predictions = np.asarray(curve(found.test_points), np.float64)
        made.append(
            blank(replicate, cell)
            | {
                "n_train": study.n_train,
                "n_params": int(degree) + 1,
                "train_loss": float(np.mean((curve(found.points) - y) ** 2)),
                "test_loss": float(np.mean((predictions - targets) ** 2)),
                "test_points": found.test_points,
                "test_truth": truth,
                "test_targets": targets,
                "test_predictions": predictions,
            }
        )
    return made
