"""How a stored run is computed again by somebody else: its command without the folders in which it was made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_PATH = re.compile(r"[/\\]|\.toml$", re.IGNORECASE)
#: Of the command that was given, what the manifest's selection does not say and what decides where numbers are made.
_DEVICE = "--device"


def rerun(manifest: Mapping[str, Any], suite: str | None = None) -> list[str]:
    """Returns the words of the command that computes a run again, anywhere.

    Args:
        manifest: Its manifest.
        suite: What stands for the suite; by default what the command had, of a path the name of the file alone.

    Returns:
        The words; a run whose manifest has no command gets the shortest.

    Example:
        >>> made = {"command": ["optbench", "run", "/home/ada/mine.toml", "--out", "/data", "--device", "gpu"]}
        >>> rerun(made | {"selection": {"optimizers": ["adam", "sgd"], "problems": None, "seed": 3, "quick": True}})
        ['optbench', 'run', 'mine.toml', '--optimizers', 'adam,sgd', '--seed', '3', '--quick', '--device', 'gpu']
        >>> rerun({"command": ["optbench", "run", "quick"]}, "suite.toml")
        ['optbench', 'run', 'suite.toml']
    """
    words = [str(word) for word in manifest.get("command") or ()]
    name = str(manifest.get("suite", {}).get("name", "?"))
    given = words[2] if len(words) > 2 else name
    # A published run's command may be shortened; what was selected is not.
    options: list[str] = []
    for option, value in (manifest.get("selection") or {}).items():
        if value is True:
            options.append(f"--{option}")
        elif value is not None and value is not False:
            options += [f"--{option}", ",".join(map(str, value)) if isinstance(value, list) else str(value)]
    if _DEVICE in words[:-1]:
        options += [_DEVICE, words[words.index(_DEVICE) + 1]]
    return ["optbench", "run", suite or (re.split(r"[/\\]", given)[-1] if _PATH.search(given) else given), *options]


def without_places(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a manifest whose command says no folder; all else stays as it is."""
    return {**manifest, "command": rerun(manifest)} if "command" in manifest else dict(manifest)
