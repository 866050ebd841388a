"""A suite of coins: each is tossed in one phase."""

from __future__ import annotations

import json
import zlib

import numpy as np

from optbench import store
from optbench.engine.outcomes import Outcome
from optbench.records.coins import IDENTITY
from optbench.runner.kinds.entries import entry_of, heading
from optbench.runner.kinds.kind import Part, Shard
from optbench.suite.coins.plan import plan


class Coins:
    """A planned suite of coins."""

    schema = IDENTITY
    compared = None
    threads = 1
    compile_s = 0.0

    def __init__(self, suite, selection):
        self.plan = plan(suite, **selection)

    def describe(self):
        return "\n".join([*heading(self.plan.spec, quick=False), f"{self.plan.n_cells} coins to toss"])

    def check(self):
        pass

    def manifest(self):
        spec = self.plan.spec
        return {
            "kind": spec.KIND,
            "coins": {coin.label: {"name": coin.name} for coin in spec.coins},
            "optimizers": {group.optimizer_label: entry_of(group) for group in self.plan.groups},
            "shards": [part.shard for part in self.parts()],
        }

    def parts(self):
        return [
            Part(store.shard_name(*group.labels), " ".join(group.labels), 1, group.tosses, group.tosses)
            for group in self.plan.groups
        ]

    def execute(self, missing, ledger, tell, *, ends):
        for part, group in zip(self.parts(), self.plan.groups, strict=True):
            if part.shard in missing:
                yield Shard(part, Outcome(toss(group), {}, []))

    def expected_ids(self, shard, folder):
        return [self._group(shard).cell_id()]

    def remake(self, shard, cells, folder, tell):
        return toss(self._group(shard))

    def _group(self, shard):
        return next(group for group in self.plan.groups if store.shard_name(*group.labels) == shard)

    def finish(self, ledger, tell):
        return {}


def toss(group):
    rng = np.random.default_rng([group.seed, zlib.crc32(group.coin.label.encode())])
    (config,) = group.configs
    row = {
        "cell_id": group.cell_id(),
        "coin": group.coin.label,
        "optimizer": group.optimizer_label,
        "config": 0,
        "hyper": json.dumps(config),
        "swept": group.swept,
        "swept_value": config[group.swept],
        "is_default": True,
        "split": "report",
        "status": "ok",
        "message": "",
        "heads": float((rng.random(group.tosses) < group.coin.heads).mean()),
    }
    return {name: [value] for name, value in row.items()}


KIND = Coins
