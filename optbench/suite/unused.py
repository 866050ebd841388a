"""What a suite file says and nothing in it uses: a key that changes no run is a mistake, such as a misspelled name."""

from __future__ import annotations

from collections.abc import Iterator

from optbench.suite.networks import NetworkSuite
from optbench.suite.spec import SuiteSpec


def unused(suite: SuiteSpec | NetworkSuite) -> list[str]:
    """Returns what a suite file says in vain.

    A part of a suite may leave unused what the whole uses, so this is asked of files alone.

    Args:
        suite: A valid suite.

    Returns:
        One line for each key: its place, what it would need, and what there is.
    """
    return [*_ranges(suite), *(_effects(suite) if isinstance(suite, SuiteSpec) else _drawn(suite))]


def _ranges(suite: SuiteSpec | NetworkSuite) -> Iterator[str]:
    swept = sorted({entry.swept for entry in suite.optimizers})
    for name in suite.grid:
        if name not in swept:
            yield f"grid.{name}: no entry sweeps {name!r}; the entries sweep {', '.join(swept)}"
        elif all(name in entry.sweep for entry in suite.optimizers if entry.swept == name):
            yield f"grid.{name}: every entry that sweeps {name!r} has a range of its own in sweep"


def _effects(suite: SuiteSpec) -> Iterator[str]:
    if suite.snapshots and not any(entry.build().wells for entry in suite.problems):
        yield "snapshots: no problem has two wells, so there is nothing to name"
    if suite.noise_seeds > 1 and not any(entry.noise for entry in suite.problems):
        yield f"noise_seeds: no problem has noise, so all {suite.noise_seeds} runs of a start would be one"


def _drawn(suite: NetworkSuite) -> Iterator[str]:
    for index, entry in enumerate(suite.optimizers):
        if entry.search:
            names = ", ".join(entry.search)
            yield (
                f"optimizers[{index}].search: a suite of networks draws nothing at random; got ranges for {names}. "
                "An entry there may have name, hyper and sweep"
            )
