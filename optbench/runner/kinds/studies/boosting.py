"""Boosting by SAMME: each round draws its rows by the weights that the rounds before have left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optbench.core.keys import generator
from optbench.engine.retraining import drawing, samme
from optbench.engine.retraining.members import Trainer
from optbench.runner.kinds.kind import Tell
from optbench.runner.kinds.studies.replicate import Replicate
from optbench.runner.kinds.studies.rows import Row, of_network
from optbench.suite.studies.plan import Cell


def run(replicates: Sequence[Replicate], trainer: Trainer, tell: Tell) -> list[list[Row]]:
    """Trains the single model of each replicate and then its rounds, those of all replicates side by side.

    A round whose model diverged or failed has no vote and changes no weight; the next one draws anew.

    Args:
        replicates: Replicates of one study.
        trainer: What trains networks.
        tell: Is told what is being done.

    Returns:
        The rows of each replicate.
    """
    group = replicates[0].group
    (setting,) = group.settings
    single, *rounds = group.cells
    tell(f"{group.study.name}: single model")
    bases = [replicate.task(setting) for replicate in replicates]
    alone = trainer.train(
        [replicate.member(setting, single, base) for replicate, base in zip(replicates, bases, strict=True)]
    )
    made = [[of_network(replicate, single, setting, found)] for replicate, found in zip(replicates, alone, strict=True)]
    weights = [samme.equal_weights(len(base.train.y)) for base in bases]
    for cell in rounds:
        tell(f"{group.study.name}: round {cell.member + 1}/{len(rounds)}")
        members = [
            replicate.member(setting, cell, bases[place], rows=_rows(replicate, cell, weights[place]))
            for place, replicate in enumerate(replicates)
        ]
        for place, found in enumerate(trainer.train(members)):
            error, vote = None, 0.0
            if found.is_ok:
                train = bases[place].train
                wrong = np.argmax(found.probabilities(train.x), axis=1) != train.y
                error, vote, weights[place] = samme.update(weights[place], wrong, bases[place].n_classes)
            votes = {"vote": vote, "weighted_error": error}
            made[place].append(of_network(replicates[place], cell, setting, found, **votes))
    return made


def _rows(replicate: Replicate, cell: Cell, weights: np.ndarray) -> np.ndarray:
    """Returns the rows that a round is trained on."""
    rng = generator(replicate.group.seed, "studies", "boosting rows", replicate.index, cell.member)
    return drawing.by_weight(weights, rng)
