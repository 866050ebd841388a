"""A list where an entry has one value stands for one entry for each: suites stay short enough to be read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any


def expand(data: Mapping[str, Any], keys: Mapping[str, tuple[str, ...]]) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """Replaces each entry that has lists by one entry for each combination.

    Args:
        data: A suite as TOML has it.
        keys: Keys of each kind of entry that may be lists.

    Returns:
        The suite with single entries only, and for each kind of entry its place in the file, for messages.

    Example:
        >>> written = {"problems": [{"name": ["sphere", "levy"], "dim": [2, 10]}]}
        >>> suite, places = expand(written, {"problems": ("name", "dim")})
        >>> [(p["name"], p["dim"]) for p in suite["problems"]], places["problems"]
        ([('sphere', 2), ('sphere', 10), ('levy', 2), ('levy', 10)], [0, 0, 0, 0])
    """
    expanded, places = dict(data), {}
    for kind, lists in keys.items():
        entries = data.get(kind)
        if not isinstance(entries, list):
            continue
        found = [(place, single) for place, entry in enumerate(entries) for single in _singles(entry, lists)]
        expanded[kind] = [single for _, single in found]
        places[kind] = [place for place, _ in found]
    return expanded, places


def _singles(entry: Any, keys: tuple[str, ...]) -> Iterator[Any]:
    """Yields the entries that one stands for; what is no table, or has an empty list, is left to validation."""
    if not isinstance(entry, dict):
        yield entry
        return
    entry = {**entry, **_levels(entry)}
    lists = [key for key in keys if isinstance(entry.get(key), list) and entry[key]]
    for values in itertools.product(*(entry[key] for key in lists)):
        yield {**entry, **dict(zip(lists, values, strict=True))}


def _levels(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Returns ``noise`` as a list where its level, or that of one of its kinds, is one."""
    noise = entry.get("noise")
    tables = noise if isinstance(noise, list) else [noise]
    if not any(isinstance(table, dict) and isinstance(table.get("level"), list) for table in tables):
        return {}
    single: list[Any] = []
    for table in tables:
        if isinstance(table, dict) and isinstance(table.get("level"), list):
            single += [{**table, "level": level} for level in table["level"]]
        else:
            single.append(table)
    return {"noise": single}
