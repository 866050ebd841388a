"""A user's module as this process has it: the sum of the text that was loaded, and whether that is the text on disk."""

from __future__ import annotations

import hashlib
import importlib.machinery
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

from optbench.user_code.imports import file_of, imported, is_users, spec_of


@dataclass(frozen=True)
class Loaded:
    """A module's text at the time when it was first seen after it was loaded.

    Attributes:
        load: What one loading of the module made and the next one makes anew; ``None`` if it is not loaded.
        file: Where the text is from.
        sha256: SHA-256 of the text.
        imports: Modules that it may import.
        codes: Code of every function in it; ``None`` where that cannot be told, and of an installed package.
        problem: Why no sum can be that of the code that runs, if so.
    """

    load: Any
    file: str
    sha256: str
    imports: frozenset[str]
    codes: frozenset[CodeType] | None
    problem: str = ""


#: Modules by name, as they were loaded last.
_SEEN: dict[str, Loaded] = {}


def _load(name: str) -> Any:
    """Returns what one loading of a module made; ``None`` if it is not loaded."""
    module = sys.modules.get(name)
    # A script that runs as __main__ has no spec: it is loaded once.
    return getattr(module, "__spec__", None) or module


def is_seen(name: str) -> bool:
    """Returns whether a module was read since it was loaded last."""
    return name in _SEEN and _SEEN[name].load is _load(name)


def is_edited(name: str) -> bool:
    """Returns whether the file of a module that was read has another text by now."""
    spec, seen = spec_of(name), _SEEN[name]
    try:
        text = _read(seen.file, None if spec is None else spec.loader)
    except OSError:
        return True
    return hashlib.sha256(text).hexdigest() != seen.sha256


def loaded(name: str) -> Loaded | None:
    """Returns a module as this process has it.

    A module is read when it is first seen, and again once it has been loaded anew; an edit in between does not count,
    since it does not run.

    Args:
        name: Name of the module.

    Returns:
        The module, ``None`` if it has no file.
    """
    file = file_of(name)
    if file is None:
        return None
    if is_seen(name):
        return _SEEN[name]
    load, spec = _load(name), spec_of(name)
    loader = None if spec is None else spec.loader
    try:
        text = _read(file, loader)
    except OSError as error:
        return Loaded(
            load, file, "", frozenset(), None, f"{name!r} was imported from {file}, which is not there: {error}"
        )
    codes, problem = (None, "") if load is None or not is_users(file) else _codes(name, file, text, loader)
    package = name if spec is not None and spec.submodule_search_locations is not None else name.rpartition(".")[0]
    names = imported(text, package) if file.endswith((".py", ".pyw")) else set()
    found = Loaded(load, file, hashlib.sha256(text).hexdigest(), frozenset(names), codes, problem)
    if load is not None:
        _SEEN[name] = found
    return found


def _read(file: str, loader: Any) -> bytes:
    """Returns the bytes of a module's file, which may lie in an archive."""
    path = Path(file)
    if not path.is_file() and hasattr(loader, "get_data"):
        data: bytes = loader.get_data(file)
        return data
    return path.read_bytes()


def _codes(name: str, file: str, text: bytes, loader: Any) -> tuple[frozenset[CodeType] | None, str]:
    """Returns the code of all functions in a text, and what is wrong with what Python keeps of it."""
    try:
        # A loader of another kind may change the text before it compiles it, as jaxtyping's and beartype's do.
        script = importlib.machinery.SourceFileLoader(name, file)
        whole = script.source_to_code(text, file) if loader is None else loader.get_code(name)
        plain = type(loader) is importlib.machinery.SourceFileLoader
        same = not plain or loader.source_to_code(text, file) == whole
    except Exception:  # a loader may be anybody's: what it cannot tell is not checked
        return None, ""
    if not isinstance(whole, CodeType):
        return None, ""
    problem = f"Python keeps bytecode of an older text of {file}, of the same size and second: save it once more"
    return frozenset(_within(whole)), "" if same else problem


def _within(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _within(constant)
