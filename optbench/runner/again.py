"""A finished run that the same command asks for again: found by what its manifest says, without planning or JAX.

What a run is named by is a hash of its plan, and planning loads every rule and function. The same text, selection and
code make the same plan, so a run that has all three is the one; wherever that may not hold, planning decides.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from optbench import __version__, environment, store
from optbench.errors import DataError
from optbench.suite import source


def finished(suite: str, out: Path, selection: Mapping[str, Any], device: str | None) -> store.Run | None:
    """Returns the finished run that a command computed before, its files as they were written.

    Args:
        suite: Name of a shipped suite or path of a TOML file.
        out: Folder of all results.
        selection: What is selected, as manifests have it.
        device: What the command asks for.

    Returns:
        The run, or ``None`` where there is none, or where only planning can tell.

    Raises:
        UsageError: There is no such suite.
    """
    text = source.read(suite)
    if device not in (None, "cpu") or not _is_cpu_alone():
        return None
    try:
        name = str(tomllib.loads(text).get("name"))
        found = [(path.parent, store.read_manifest(path.parent)) for path in _manifests(out, name)]
    except (tomllib.TOMLDecodeError, DataError):
        return None
    # Code is hashed only where there is a run to compare it with.
    asked = {
        "version": __version__,
        "selection": dict(selection),
        "code_sha256": environment.code_sha256() if found else "",
    }
    mine = [(folder, manifest) for folder, manifest in found if _is_of(manifest, text, asked)]
    if not mine or any(manifest["state"] != "finished" for _, manifest in mine):
        return None
    # A copy that was made with --fresh has a number behind its name.
    first = [folder for folder, manifest in mine if folder.name == manifest["run_id"]]
    if len(first) != 1 or store.verify(first[0]):
        return None
    return store.load(first[0])


def _manifests(out: Path, name: str) -> list[Path]:
    return sorted((out / store.slug(name)).glob("*/manifest.json"))


def _is_cpu_alone() -> bool:
    """Returns whether JAX can find no accelerator, so that a run is one of the CPU whatever it is told."""
    named = os.environ.get("JAX_PLATFORMS", "") in ("", "cpu")
    return (
        named and not metadata.entry_points(group="jax_plugins") and not any(map(find_spec, ("jax_plugins", "libtpu")))
    )


def _is_of(manifest: Mapping[str, Any], text: str, asked: Mapping[str, Any]) -> bool:
    """Returns whether a run is what these words ask for: by the same code, and by nothing else that may change."""
    same = all(manifest.get(key) == value for key, value in asked.items()) and manifest["suite"].get("text") == text
    on_cpu = manifest["machine"].get("platform") == "cpu"
    # A user's own modules, and data sets that may be there or not, are looked at when the run is planned.
    return same and on_cpu and not manifest["sources"] and "if_present" not in text
