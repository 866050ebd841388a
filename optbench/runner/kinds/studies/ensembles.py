"""Studies whose models do not hang on each other: bootstrap members, bias and variance, curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from optbench.core.keys import generator
from optbench.engine.retraining import drawing
from optbench.engine.retraining.members import Member, Trainer
from optbench.records.studies import Role
from optbench.runner.kinds.kind import Tell
from optbench.runner.kinds.studies.replicate import Replicate
from optbench.runner.kinds.studies.rows import Row, curves, of_network
from optbench.suite.studies.plan import Cell


def run(replicates: Sequence[Replicate], trainer: Trainer, tell: Tell) -> list[list[Row]]:
    """Trains all models of some replicates together.

    Args:
        replicates: Replicates of one study.
        trainer: What trains networks.
        tell: Is told what is being done.

    Returns:
        The rows of each replicate.
    """
    group = replicates[0].group
    pairs = [(replicate, cell) for replicate in replicates for cell in group.cells]
    members = [_member(replicate, cell) for replicate, cell in pairs]
    trained = trainer.train(members, lambda done: tell(f"{group.study.name}: {done}/{len(members)} models"))
    made: dict[int, list[Row]] = {replicate.index: [] for replicate in replicates}
    for (replicate, cell), found in zip(pairs, trained, strict=True):
        more = curves(found) if group.study.method == "curve" else {}
        made[replicate.index].append(of_network(replicate, cell, group.settings[cell.value], found, **more))
    return list(made.values())


def _member(replicate: Replicate, cell: Cell) -> Member:
    """Returns a model of a study, with the rows that it is trained on."""
    study, setting = replicate.group.study, replicate.group.settings[cell.value]
    base = replicate.task(setting)
    if study.method == "curve":
        # Nothing is chosen by the part that runs are scored on along their way, so it can be the one that is reported.
        return replicate.member(setting, cell, replace(base, validation=base.test))
    if cell.role is Role.SINGLE:
        return replicate.member(setting, cell, base)
    sets = study.sets or "bootstrap"
    n = len(base.train.y)
    if sets == "fresh":
        return replicate.member(setting, cell, replicate.fresh(setting, cell))
    if sets == "same":
        return replicate.member(setting, cell, base)
    rng = generator(replicate.group.seed, "studies", "rows", sets, replicate.index, cell.member)
    rows = drawing.half(n, rng) if sets == "subsample" else drawing.with_replacement(n, rng)
    return replicate.member(setting, cell, base, rows=rows)
