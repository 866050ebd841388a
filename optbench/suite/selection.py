"""What of a suite is run: its quick size, and the words of ``--optimizers``, ``--problems``, ``--tasks`` and others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypedDict, TypeVar, Unpack

from pydantic import ValidationError

from optbench.errors import UsageError, unknown_name
from optbench.kinds import KINDS
from optbench.suite.entry import Entry
from optbench.suite.explaining import explain
from optbench.suite.model import Grid
from optbench.suite.optimizer import OptimizerSpec
from optbench.suite.suite import Suite

S = TypeVar("S", bound=Suite)
E = TypeVar("E", bound=Entry)


class Selection(TypedDict, total=False):
    """What is asked for, by option; ``None`` and what is missing leave a suite as it is.

    Attributes:
        optimizers: Names, labels or patterns of entries, or others of the catalogue, which then join.
        problems: The same, of a suite of functions.
        tasks: Names, labels, data sets or patterns of entries, of a suite of networks.
        studies: Names, methods, data sets or patterns of entries, of a suite of studies.
        tuning: ``grid``, ``random`` or ``default``.
        trials: Number of configurations that random tuning draws.
        arms: Names or patterns of arms, of a suite of networks that has some.
        seed: Seed of all that is drawn.
        dtype: Precision, of a suite of networks.
        quick: Whether to take the quick size, before anything is selected.
    """

    optimizers: Iterable[str] | None
    problems: Iterable[str] | None
    tasks: Iterable[str] | None
    studies: Iterable[str] | None
    tuning: str | None
    trials: int | None
    arms: Iterable[str] | None
    seed: int | None
    dtype: str | None
    quick: bool


def select(suite: S, **selection: Unpack[Selection]) -> S:
    """Returns the part of a suite that is to be run, tuned as asked.

    An item is the name or the label of an entry, a pattern with ``*`` or ``?``, or another entry of
    the catalogue, ``name``, ``name[key=value,...]`` or ``module:attribute``, which then joins.

    Args:
        suite: The suite.
        **selection: What is asked for.

    Returns:
        A valid suite: entries in the suite's order, then those that joined; without contrasts about what is left out.

    Raises:
        UsageError: An option is for suites of another kind, an item names nothing, nothing is selected, trials are
            asked for where none are drawn, or an entry cannot be tuned so; all problems at once.
    """
    given = {key: value for key, value in selection.items() if value is not None and key != "quick"}
    where = f"suite {suite.name!r}"
    if foreign := [key for key in given if key not in type(suite).model_fields]:
        instead = f"; --{KINDS[suite.KIND]} selects"
        raise UsageError(
            [f"--{key} is not for a suite of {suite.OF}{instead * (key in KINDS.values())}" for key in foreign],
            where=where,
        )
    if selection.get("quick"):
        suite = quick_size(suite)
    wrong: list[str] = []
    if "trials" in given and (tuning := given.get("tuning") or suite.tuning) != "random":
        wrong.append(f"--trials needs --tuning random; this suite's tuning is {tuning!r}")
    for key, kind in suite.entries().items():
        items = selection.get(key)
        given[key] = _chosen(key, kind, getattr(suite, key), items, wrong, joins=suite.is_open)  # type: ignore[arg-type]
    if wrong:
        raise UsageError(wrong, where=where)
    return suite.selected({**given, "quick": None})


def _chosen(
    key: str, kind: type[E], entries: Sequence[E], items: Iterable[str] | None, wrong: list[str], *, joins: bool
) -> tuple[E, ...]:
    """Returns the selected entries, and others if they may join; what is wrong is appended to ``wrong``."""
    if items is None:
        return tuple(entries)
    wanted: set[str] = set()
    joined: dict[str, E] = {}
    items = list(items)
    if not items:
        wrong.append(f"--{key} selects none of {len(entries)} {key}")
    for item in items:
        hits = {entry.label for entry in kind.meant(item, entries)}
        wanted |= hits
        if hits:
            continue
        if re.search(r"[*?]", item):
            labels = ", ".join(entry.label for entry in entries)
            wrong.append(f"{item!r} matches none of {len(entries)} {key}: {labels}")
            continue
        if not joins:
            wrong.append(unknown_name("entry of the arms", item, [entry.label for entry in entries]))
            continue
        try:
            found = kind.joining(item, entries)
        except ValidationError as error:
            wrong += [f"{item}: {line}" for line in explain(error, kind)]
        except UsageError as error:
            wrong += error.problems
        else:
            if not joined.setdefault(found.label, found).is_same(found):
                wrong.append(f"{item!r} is {found.label!r}, as another one is; write values of at most six digits")
    kept = [entry for entry in entries if entry.label in wanted]
    return (*kept, *(entry for label, entry in joined.items() if label not in wanted))


def quick_size(suite: S) -> S:
    """Returns the quick size of a suite; numbers from it are no evidence.

    Args:
        suite: The suite.

    Returns:
        The suite with the changes of its table ``quick`` made, without contrasts about what is left out.

    Raises:
        UsageError: The suite has no such table.

    Example:
        >>> from optbench.suite.parse import load
        >>> suite = load("noise").spec
        >>> len(quick_size(suite).optimizers) < len(suite.optimizers)
        True
    """
    quick = suite.quick
    if quick is None:
        raise UsageError("has no quick size; a table [quick] in the suite file would name it", where=suite.name)
    changes = suite.lessened()
    changes["grid"] = {name: _resized(grid, quick.points) for name, grid in suite.grid.items()}
    changes["optimizers"] = tuple(_fewer(entry, quick.points) for entry in changes["optimizers"])
    return suite.shrunk({**changes, "quick": None})


def _resized(grid: Grid, points: int | None) -> Grid:
    """Returns the range with another number of values; the same if that is ``None``."""
    return grid if points is None or grid.points == 1 else grid.model_copy(update={"points": points})


def _fewer(entry: OptimizerSpec, points: int | None) -> OptimizerSpec:
    """Returns the entry with another number of values swept; the same if that is ``None``."""
    return entry.model_copy(update={"sweep": {name: _resized(grid, points) for name, grid in entry.sweep.items()}})
