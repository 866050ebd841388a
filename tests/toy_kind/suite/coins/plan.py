"""The cells of a suite of coins: coin x optimizer."""

from __future__ import annotations

from dataclasses import dataclass

from optbench.core.keys import digest
from optbench.records.coins import IDENTITY
from optbench.suite.coins.suite import Coin
from optbench.suite.plan import Group, Plan, configurations
from optbench.suite.selection import select


@dataclass(frozen=True)
class CoinGroup(Group):
    """The one cell of a coin and an optimizer."""

    coin: Coin
    tosses: int
    seed: int

    @property
    def labels(self):
        return self.coin.label, self.optimizer_label

    @property
    def trips(self):
        return self.tosses

    @property
    def n_cells(self):
        return 1

    def cell_id(self):
        return digest([IDENTITY, self.coin.identity(), self.optimizer.name, self.tosses, self.seed])


def plan(suite, **selection):
    """Lays out the cells."""
    spec = select(suite, **selection)
    groups = [
        CoinGroup(
            optimizer=entry,
            optimizer_label=entry.label,
            configs=configurations(entry, entry.build(), (), {})[0],
            swept=entry.swept,
            trials=0,
            default=0,
            coin=coin,
            tosses=spec.tosses,
            seed=spec.seed,
        )
        for coin in spec.coins
        for entry in spec.optimizers
    ]
    return Plan(spec, tuple(groups), selection.get("quick", False))
