"""Cross-validation: folds score configurations, the best is trained again, and only that one sees the test part."""

from __future__ import annotations

import math
from collections.abc import Sequence

from optbench.engine.retraining.members import Retrained, Trainer
from optbench.records import Status
from optbench.records.studies import Role
from optbench.runner.kinds.kind import Tell
from optbench.runner.kinds.studies.replicate import Replicate
from optbench.runner.kinds.studies.rows import Row, blank, of_network

#: Of each configuration, accuracy and loss on each fold; ``None`` of a fold whose training failed.
Scores = Sequence[Sequence[tuple[float, float] | None]]


def choose(scores: Scores) -> int | None:
    """Returns the configuration with the best mean accuracy over folds.

    Of equal ones it is that with the lower mean loss, then the first.

    Args:
        scores: Accuracy and loss of each configuration on each fold; ``None`` where training diverged or failed.

    Returns:
        Its index; ``None`` where no configuration was trained on all folds.

    Example:
        >>> choose([[(0.9, 0.5), (0.7, 0.5)], [(0.8, 0.4), (0.8, 0.4)], [(1.0, 0.1), None]])
        1
    """
    ranks = []
    for config, folds in enumerate(scores):
        whole = [fold for fold in folds if fold is not None]
        if len(whole) == len(folds):
            accuracy, loss = (math.fsum(values) / len(whole) for values in zip(*whole, strict=True))
            ranks.append((-accuracy, loss, config))
    return min(ranks)[2] if ranks else None


def run(replicates: Sequence[Replicate], trainer: Trainer, tell: Tell) -> list[list[Row]]:
    """Trains all configurations on all folds, and the chosen one again.

    Args:
        replicates: Replicates of one study.
        trainer: What trains networks.
        tell: Is told what is being done.

    Returns:
        The rows of each replicate.
    """
    return [_run(replicate, trainer, tell) for replicate in replicates]


def _run(replicate: Replicate, trainer: Trainer, tell: Tell) -> list[Row]:
    group = replicate.group
    *cells, last = group.cells
    said = f"{group.study.name} {replicate.index}"
    members = []
    for cell in cells:
        setting = group.settings[cell.config]
        rows, held_out = replicate.pool.folds[cell.fold]
        base = replicate.pooled(setting)
        members.append(replicate.member(setting, cell, base, rows=rows, held_out=held_out, test=False))
    trained = trainer.train(members, lambda done: tell(f"{said}: {done}/{len(members)} folds"))
    scores: list[list[tuple[float, float] | None]] = [[] for _ in group.settings]
    for cell, found in zip(cells, trained, strict=True):
        scores[cell.config].append(_score(found))
    made = [
        of_network(replicate, cell, group.settings[cell.config], found)
        for cell, found in zip(cells, trained, strict=True)
    ]
    chosen = choose(scores)
    if chosen is None:
        message = "nothing to refit: each configuration diverged or failed on some fold"
        return [*made, blank(replicate, last) | {"status": str(Status.ERROR), "message": message}]
    setting = group.settings[chosen]
    tell(f"{said}: refit")
    (refit,) = trainer.train([replicate.member(setting, last, replicate.pooled(setting))])
    assert last.role is Role.REFIT
    return [*made, of_network(replicate, last, setting, refit, config=chosen)]


def _score(trained: Retrained) -> tuple[float, float] | None:
    """Returns accuracy and loss on the fold that was held out, of a network that was trained to the end."""
    if not trained.is_ok:
        return None
    validation = trained.fit.validation
    return float(validation.accuracy[-1]), float(validation.loss[-1])
