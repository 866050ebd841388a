"""A stored run's suite, planned anew from its manifest; a user's own code is not imported unless that is asked for."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any, cast

from optbench import __version__, catalog, store
from optbench.errors import OptbenchError
from optbench.runner import kinds
from optbench.suite.parse import parse
from optbench.suite.selection import Selection

#: Keys of a suite file whose texts are for readers and name nothing.
_PROSE = ("question", "title", "says", "reason")
_OWN = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def own_names(manifest: dict[str, Any]) -> list[str]:
    r"""Returns the names of a user's own objects in a run's suite and selection, found in the text alone.

    Planning a suite imports the modules that it names, and a run may come from anyone.

    Args:
        manifest: The run's manifest.

    Returns:
        Each ``module:attribute``, sorted.

    Example:
        >>> own_names({"suite": {"text": 'question = "why: how"\noptimizers = ["lab:adam+cosine"]'}, "selection": {}})
        ['lab:adam']
    """
    try:
        suite = tomllib.loads(str(manifest["suite"].get("text", "")))
    except tomllib.TOMLDecodeError:
        suite = {}
    found = {name for text in _texts([suite, manifest["selection"]]) for name in _OWN.findall(text)}
    return sorted(name for name in found if catalog.is_own(name))


def _texts(part: Any, key: str = "") -> Iterator[str]:
    """Yields all texts and keys of nested entries but those that are prose."""
    if isinstance(part, str) and key not in _PROSE:
        yield part
    elif isinstance(part, dict):
        for name, value in part.items():
            yield str(name)
            yield from _texts(value, name)
    elif isinstance(part, list):
        for value in part:
            yield from _texts(value, key)


def replanned(run: store.Run, *, own_code: bool = False) -> kinds.Kind | str:
    """Returns the plan of a stored run, or in one line why it has none here.

    Args:
        run: The run.
        own_code: Whether modules of a user's own that the suite names may be imported.
    """
    manifest = run.manifest
    if (own := own_names(manifest)) and not own_code:
        return f"the suite names {', '.join(own)}, code of your own, which runs only with --own-code"
    if unknown := sorted(set(manifest["selection"]) - set(Selection.__annotations__)):
        return f"this build knows no selection by {', '.join(unknown)}; optbench {manifest['version']} made the run"
    try:
        spec = parse(manifest["suite"]["text"], source=f"the suite of {manifest['suite'].get('name', 'the run')}")
        return kinds.planned(spec, cast(Selection, manifest["selection"]))
    except (OptbenchError, KeyError, TypeError) as error:
        made_by = "" if manifest["version"] == __version__ else f" (made by optbench {manifest['version']})"
        return f"the suite cannot be planned{made_by}: {' '.join(str(error).split())}"
