"""Which entries of a suite are run: the words of ``--optimizers`` and ``--problems``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from pydantic import ValidationError

from optbench import catalog
from optbench.errors import UsageError
from optbench.suite import selector
from optbench.suite.parse import explain
from optbench.suite.spec import OptimizerSpec, ProblemSpec, SuiteSpec, matches

Spec = TypeVar("Spec", bound=OptimizerSpec | ProblemSpec)


def select(
    spec: SuiteSpec,
    *,
    optimizers: Iterable[str] | None = None,
    problems: Iterable[str] | None = None,
    tuning: str | None = None,
    trials: int | None = None,
) -> SuiteSpec:
    """Returns the suite with the named entries only, tuned as asked.

    An item is the name or the label of an entry, a pattern with ``*`` or ``?``, or another entry of
    the catalogue, ``name``, ``name[key=value,...]`` or ``module:attribute``, which then joins.

    Args:
        spec: The suite.
        optimizers: Items; ``None`` for all entries.
        problems: Items; ``None`` for all entries.
        tuning: ``grid``, ``random`` or ``default``; ``None`` for the suite's own.
        trials: Number of trials of random tuning; ``None`` for the suite's own.

    Returns:
        A valid suite: entries in the suite's order, then those that joined; without contrasts about what is left out.

    Raises:
        UsageError: An item names nothing, nothing is selected, trials are asked for where none are drawn, or an
            entry cannot be tuned so; all problems at once.
    """
    wrong: list[str] = []
    if trials is not None and (tuning or spec.tuning) != "random":
        wrong.append(f"--trials needs --tuning random; this suite's tuning is {tuning or spec.tuning!r}")
    chosen_optimizers = choose_optimizers(spec.optimizers, optimizers, wrong)
    chosen_problems = _choose("problem", spec.problems, problems, catalog.PROBLEMS, _problem, wrong)
    if wrong:
        raise UsageError(wrong, where=f"suite {spec.name!r}")
    labels, functions = [entry.label for entry in chosen_optimizers], [entry.label for entry in chosen_problems]
    changed = {
        **{key: value for key, value in (("tuning", tuning), ("trials", trials)) if value is not None},
        "optimizers": chosen_optimizers,
        "problems": chosen_problems,
        # What is about entries that are left out, or would leave some out, has no meaning any more.
        "contrasts": tuple(entry for entry in spec.contrasts if entry.applies(labels, functions)),
        "quick": None,
    }
    try:
        return SuiteSpec(**{**dict(spec), **changed})
    except ValidationError as error:
        raise UsageError(explain(error), where=f"suite {spec.name!r}") from None


def choose_optimizers(
    entries: Sequence[OptimizerSpec], items: Iterable[str] | None, wrong: list[str]
) -> tuple[OptimizerSpec, ...]:
    """Returns the entries that items name, and others of the catalogue that join.

    Args:
        entries: Those of the suite.
        items: Items as in ``select``; ``None`` for all entries.
        wrong: What is wrong is appended to it.
    """
    return _choose("optimizer", entries, items, catalog.OPTIMIZERS, _optimizer, wrong)


def _choose(
    kind: str,
    entries: Sequence[Spec],
    items: Iterable[str] | None,
    shelf: tuple[catalog.Entry, ...],
    build: Callable[[selector.Selector], Spec],
    wrong: list[str],
) -> tuple[Spec, ...]:
    """Returns the selected entries; what is wrong is appended to ``wrong``."""
    if items is None:
        return tuple(entries)
    wanted: set[str] = set()
    joined: dict[str, Spec] = {}
    items = list(items)
    if not items:
        wrong.append(f"--{kind}s selects none of {len(entries)} {kind}s")
    names = {entry.name for entry in shelf}
    for item in items:
        hits = {entry.label for entry in entries if matches(item, entry)}
        wanted |= hits
        if hits:
            continue
        if re.search(r"[*?]", item):
            labels = ", ".join(entry.label for entry in entries)
            wrong.append(f"{item!r} matches none of {len(entries)} {kind}s: {labels}")
            continue
        try:
            named = selector.parse(item)
            base = named.name.partition("+")[0] if kind == "optimizer" else named.name
            if base not in names and ":" not in base:
                wrong.append(catalog.unknown(kind, base, shelf))
                continue
            spec = build(named)
        except ValidationError as error:
            wrong += [f"{item}: {line}" for line in explain(error)]
        except UsageError as error:
            wrong += error.problems
        else:
            other = joined.setdefault(spec.label, spec)
            if not _is_same(other, spec):
                wrong.append(f"{item!r} is {spec.label!r}, as another one is; write values of at most six digits")
    kept = [entry for entry in entries if entry.label in wanted]
    return (*kept, *(spec for label, spec in joined.items() if label not in wanted))


def _is_same(one: Spec, other: Spec) -> bool:
    """Returns whether two entries of one label are one: labels have six digits of a value."""
    if isinstance(one, OptimizerSpec) and isinstance(other, OptimizerSpec):
        return one.build().resolve(one.hyper) == other.build().resolve(other.hyper)
    return one.build() == other.build()


def _optimizer(named: selector.Selector) -> OptimizerSpec:
    return OptimizerSpec.model_validate({"name": named.name, "hyper": named.options})


def _problem(named: selector.Selector) -> ProblemSpec:
    own = {key: value for key, value in named.options.items() if key in ("dim", "instance", "rotated")}
    parameters = {key: value for key, value in named.options.items() if key not in own}
    return ProblemSpec.model_validate({"name": named.name, **own, "parameters": parameters})


def problem_spec(named: selector.Selector) -> ProblemSpec:
    """Returns the problem that a name with options stands for.

    Args:
        named: Name and options: ``dim``, ``instance``, ``rotated`` and the function's parameters.

    Returns:
        The entry, as a suite would have it.

    Raises:
        UsageError: The name or an option is not valid; all problems at once.
    """
    try:
        return _problem(named)
    except ValidationError as error:
        raise UsageError(explain(error)) from None
