"""What ``optbench info`` tells of a measure: its formula, its settings, and what leaves it unchanged."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from optbench import catalog
from optbench.measures.measure import Setting

_INDENT = 14
#: Which second run a measure of two has in an example.
_OTHER = "optimizer=adam"


def facts(entry: catalog.Entry, given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what is known of a measure, as JSON can hold it.

    Args:
        entry: Its line in the catalogue.
        given: Settings that stood in brackets, to be checked.

    Returns:
        The facts.

    Raises:
        UsageError: A setting is unknown or out of range.
    """
    measure = catalog.measure(entry.name)
    values = measure.resolve(given)
    return {
        "kind": "measure",
        "name": entry.name,
        "group": entry.group,
        "summary": entry.summary,
        "formula": measure.formula,
        "unit": measure.unit,
        "settings": {name: _setting(setting) | {"value": values[name]} for name, setting in measure.settings.items()},
        "is_invariant": measure.is_invariant_at(values),
        "is_of_two": measure.of_two,
        "reference": measure.reference,
    }


def _setting(setting: Setting) -> dict[str, Any]:
    return {
        "default": setting.default,
        "low": setting.low if math.isfinite(setting.low) else None,
        "high": setting.high if math.isfinite(setting.high) else None,
        "choices": list(setting.choices),
        "meaning": setting.meaning,
    }


def lines(facts: Mapping[str, Any], width: int, whole: int) -> Iterator[str]:
    """Yields the facts below the title as a person reads them.

    Args:
        facts: What ``facts`` returned.
        width: Columns of running text.
        whole: Columns of the terminal, which the formula may fill.

    Yields:
        Lines.
    """
    name, settings = facts["name"], facts["settings"]
    yield from _told("formula", facts["formula"], whole)
    yield from _told("unit", facts["unit"] or "a pure number", width)
    same = (
        "invariant: rescaling that leaves a network's function as it is leaves it, too"
        if facts["is_invariant"]
        else "not invariant: rescaling that leaves a network's function as it is changes it"
    )
    yield from _told("rescaling", f"{same} (Dinh et al. 2017)", width)
    changed = {key: _shown(found["value"]) for key, found in settings.items() if found["value"] != found["default"]}
    if facts["is_of_two"]:
        changed["other"] = f'"{_OTHER}"'
    inside = "".join(f", {key} = {value}" for key, value in changed.items())
    yield from _told("in a suite", f'measures = [{{ name = "{name}"{inside} }}]', whole)
    bracket = ",".join(f"{key}={value}" for key, value in changed.items()).replace('"', "")
    asked = f"'{name}[{bracket}]'" if bracket else name
    yield from _told("of a run", f"optbench measure RUN --measures {asked}", whole)
    yield from _told("reference", facts["reference"], width)
    yield from _told("more", "docs/measures.md", width)
    if settings:
        yield ""
        column = max(len(key) for key in settings)
        for key, found in settings.items():
            said = f"{_shown(found['value']) or 'not set'}{_range(found)}. {found['meaning']}"
            yield from textwrap.wrap(
                f"  {key:<{column}}  {said}", width, subsequent_indent=" " * (column + 4), break_on_hyphens=False
            )


def _told(key: str, value: str, width: int) -> Iterator[str]:
    text = f"{key:<{_INDENT}}{value}"
    yield from textwrap.wrap(text, width, subsequent_indent=" " * _INDENT, break_on_hyphens=False)


def _shown(value: Any) -> str:
    """Returns a value as a suite file writes it, empty for none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else f'"{value}"' if isinstance(value, str) else str(value)


def _range(found: Mapping[str, Any]) -> str:
    if found["choices"]:
        return f"; one of {', '.join(map(_shown, found['choices']))}"
    low, high = found["low"], found["high"]
    if low is None and high is None:
        return ""
    if high is None:
        return f"; at least {low:g}"
    return f"; at most {high:g}" if low is None else f"; from {low:g} to {high:g}"
