"""Which groups of a suite of functions have pictures, and what is drawn: each rule at a gentle configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from optbench import catalog, store
from optbench.analysis.landscapes.evidence import arrange
from optbench.analysis.landscapes.selection import gentle
from optbench.engine.landscapes import pictures
from optbench.records import Status
from optbench.runner.ledger import Ledger
from optbench.suite.landscapes.plan import LandscapeGroup

#: Rules, and functions, of a suite that have trajectories and basins drawn: more cannot be told apart in a picture.
MOST_PICTURED = 12


def pictured(groups: Iterable[LandscapeGroup]) -> list[LandscapeGroup]:
    """Returns the groups that have pictures: the first dozen rules and 2-D functions, a user's own before others."""
    flat = [group for group in groups if group.dim == 2 and group.problem.noise is None]
    rules = _first({g.optimizer_label: g.optimizer.name for g in flat}, [entry.name for entry in catalog.OPTIMIZERS])
    problems = _first({g.problem_label: g.problem.name for g in flat}, [entry.name for entry in catalog.PROBLEMS])
    return [group for group in flat if group.optimizer_label in rules and group.problem_label in problems]


def _first(names: Mapping[str, str], order: list[str]) -> set[str]:
    """Returns the labels of the first ``MOST_PICTURED`` names: a user's own, then those in ``order``, then others."""
    place = {name: index for index, name in enumerate(order)}
    place |= dict.fromkeys((name for name in names.values() if catalog.is_own(name)), -1)
    labels = sorted(names, key=lambda label: (place.get(names[label], len(order)), label))
    return set(labels[:MOST_PICTURED])


def shots(groups: Iterable[LandscapeGroup], ledger: Ledger) -> list[pictures.Shot]:
    """Returns what is drawn of two-dimensional problems.

    Args:
        groups: All groups of a run.
        ledger: Its committed rows.

    Returns:
        One shot for each group that has pictures, whose runs did not fail and whose tuning found a configuration.
    """
    flat = pictured(groups)
    if not flat:
        return []
    rows = store.StoredRows(ledger.folder, ledger.manifest, {group.problem_label for group in flat})
    evidence = arrange(rows, ledger.manifest)
    found = []
    for group in flat:
        counts = ledger.done[store.shard_name(*group.labels)]["status_counts"]
        if any(counts.get(status, 0) for status in (Status.ERROR, Status.OOM, Status.TIMEOUT)):
            continue
        position = gentle(evidence.tuning[group.labels]) if group.labels in evidence.tuning else None
        if position is None:
            continue
        rule, hyper = group.optimizer.build(), group.configs[position]
        found.append(
            pictures.Shot(
                problem=group.problem.build(),
                rule=rule,
                optimizer=group.optimizer_label,
                hyper={name: hyper[name] for name in rule.hyper},
                swept_value=hyper[group.swept],
                units=group.units,
                budget=group.budget,
                seed=group.seed,
            )
        )
    return found
