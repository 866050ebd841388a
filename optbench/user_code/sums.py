"""The sums of a user's modules: those of the objects that are named, and of all that these import.

A run is known by them, so changed code is another run. They are of the code that this process runs: a file that was
edited after it was imported counts as it was, until it is loaded anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from optbench.errors import UsageError
from optbench.user_code.imports import file_found_now, file_of, is_users, spec_of, with_parents
from optbench.user_code.loaded import Loaded, is_edited, is_seen, loaded
from optbench.user_code.reached import functions


@dataclass(frozen=True)
class Sums:
    """The code that some objects run.

    Attributes:
        of: SHA-256 of each module's file, by name of the module.
        edited: Modules whose files were edited after this process imported them.
        hidden: By module the file that would be found now, where this process has it from another one.
    """

    of: Mapping[str, str]
    edited: tuple[str, ...] = ()
    hidden: Mapping[str, str] = field(default_factory=dict)


def remember(module: str) -> None:
    """Reads a module and what it imports, if they have been loaded since they were last read.

    Args:
        module: Name of a loaded module.
    """
    if not is_seen(module):
        _closure({module: []})


def sums(objects: Mapping[str, Iterable[str]]) -> Sums:
    """Returns the sums of the code of some objects.

    Args:
        objects: Names of attributes by name of the module, which is loaded.

    Returns:
        The sums of these modules and of the user's modules that they import, directly or not, packages around them
        included.

    Raises:
        UsageError: A module has no file, or the code that runs is not that of its file, so that no sum could tell which
            it is.
    """
    wanted = {name: [getattr(sys.modules[name], part) for part in parts] for name, parts in objects.items()}
    wrong = [_without_file(name) for name in wanted if file_of(name) is None]
    found = _closure(wanted)
    wrong += [item.problem for item in found.values() if item.problem]
    wrong += [] if wrong else _strays(found, wanted)
    if wrong:
        raise UsageError(wrong)
    ordered = sorted(found.items())
    return Sums(
        {name: item.sha256 for name, item in ordered},
        tuple(name for name, item in ordered if item.load is not None and is_edited(name)),
        _hidden({name.partition(".")[0] for name in wanted}),
    )


def _hidden(tops: Iterable[str]) -> dict[str, str]:
    """Returns which files of the names of modules are hidden by others: two folders may each have a ``lab.py``."""
    found = {}
    for name in sorted(tops):
        file, now = file_of(name), file_found_now(name)
        if getattr(sys.modules.get(name), "__spec__", None) is not None and file and now and now != file:
            found[name] = now
    return found


def _without_file(name: str) -> str:
    return (
        f"{name!r} has no file, so a run of its objects could not be told from one of other code: "
        "write them into a module, such as lab.py, and name lab:attribute"
    )


def _closure(wanted: Mapping[str, list[Any]]) -> dict[str, Loaded]:
    """Returns the user's modules that some objects need, by name."""
    # What is named is the user's wherever it lies, and so is all of its package.
    own = {name.partition(".")[0] for name in wanted}
    found: dict[str, Loaded] = {}
    waiting = [name for root, objects in wanted.items() for name in (root, *_homes(objects))]
    tried: dict[str, bool] = {}
    while waiting:
        for name in with_parents(waiting.pop()):
            if name not in tried:
                tried[name] = _may_hold(name, own)
                item = loaded(name) if tried[name] else None
                if item is not None:
                    found[name] = item
                    waiting += [*item.imports, *_homes(_space(name))]
            if not tried[name]:
                break
    return found


def _may_hold(name: str, own: set[str]) -> bool:
    """Returns whether a module is the user's, or a package without a file, in which some may be."""
    top, file = name.partition(".")[0], file_of(name)
    if file is None:
        return spec_of(name) is not None or top in own
    return top != "optbench" and (top in own or is_users(file))


def _space(name: str) -> list[Any]:
    """Returns what a loaded module has, but for what Python puts there."""
    return [value for key, value in vars(sys.modules.get(name, object)).items() if not key.startswith("__")]


def _homes(values: Iterable[Any]) -> set[str]:
    """Returns the modules that functions, and the classes among some objects, come from."""
    values = list(values)
    made = [*functions(values), *(value for value in values if isinstance(value, type))]
    return {str(value.__module__) for value in made if getattr(value, "__module__", None)}


def _strays(found: Mapping[str, Loaded], wanted: Mapping[str, list[Any]]) -> list[str]:
    """Returns which functions would run that are not in the text of their module: those of an older load."""
    wrong = {}
    values = [*(o for objects in wanted.values() for o in objects), *(v for name in found for v in _space(name))]
    for function in functions(values):
        item = found.get(function.__module__ or "")
        if item is not None and _is_stray(function, item):
            wrong[function.__module__] = function.__qualname__
    return [
        f"{name}.{what}, which would run, is not the one in {found[name].file}: begin a new process, or reload "
        f"{name!r} and then every module that imports it (importlib.reload)"
        for name, what in sorted(wrong.items())
    ]


def _is_stray(function: FunctionType, item: Loaded) -> bool:
    code = function.__code__
    # Functions that a library writes for a module, such as a data class's __init__, are in no file.
    return item.codes is not None and code.co_filename == item.file and code not in item.codes
