"""What ``optbench info`` tells of a kind of noise: what a rule sees, what its level means, how a suite asks for it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from optbench import catalog
from optbench.errors import UsageError
from optbench.problems.noise import KINDS, LEVELS, SOURCES

_EXAMPLES = {
    "delay": '{ name = "rosenbrock", dim = 10, noise = { kind = "delay", level = 4 } }',
    "batch": '{ name = "digits_logistic", noise = { kind = "batch", level = 64 } }',
    "batch_replace": '{ name = "digits_logistic", noise = { kind = "batch_replace", level = 64 } }',
}


def facts(entry: catalog.Entry, given: Mapping[str, float]) -> dict[str, Any]:
    """Returns what is known of a kind of noise, as JSON can hold it.

    Args:
        entry: Its line in the catalogue.
        given: What stood in brackets: nothing may.

    Returns:
        The facts.

    Raises:
        UsageError: Something stood in brackets.
    """
    usual = f'{{ name = "rosenbrock", dim = 10, noise = {{ kind = "{entry.name}", level = 1.0 }} }}'
    example = _EXAMPLES.get(entry.name, usual)
    if given:
        raise UsageError(f"{entry.name} takes its level with a problem: {example}; got {', '.join(given)}")
    return {
        "kind": "noise",
        "name": entry.name,
        "group": entry.group,
        "summary": entry.summary,
        "sees": KINDS[entry.name],
        "level": LEVELS[entry.name],
        "default": None,
        "example": example,
        "reference": SOURCES[entry.name],
    }


def lines(facts: Mapping[str, Any], width: int, whole: int) -> Iterator[str]:
    """Yields the facts below the title as a person reads them.

    Args:
        facts: What ``facts`` returned.
        width: Columns of running text.
        whole: Columns of the terminal, which nothing here fills.

    Yields:
        Lines.
    """
    told = {
        "a rule sees": facts["sees"],
        "level": f"{facts['level']}; it has no default",
        "G": "median gradient norm at a relative gap of 1e-2 along gradient flow from the tuning starts",
        "scored is": "the function without noise" + (", where it stands then" if facts["name"] == "drift" else ""),
        "in a suite": facts["example"],
        "reference": facts["reference"],
    }
    if "G" not in facts["sees"]:
        del told["G"]
    for key, value in told.items():
        yield from textwrap.wrap(f"{key:<14}{value}", width, subsequent_indent=" " * 14, break_on_hyphens=False)
