"""Which modules a source imports, and which modules are a user's own.

A source is read, not run: an import inside a function counts, whether or not the function has been called, and nothing
is imported to find out.
"""

from __future__ import annotations

import ast
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path

#: Folders of installed packages; what lies in one is known by a version, not by its text.
INSTALLED = frozenset({"site-packages", "dist-packages"})


def imported(source: bytes, package: str) -> set[str]:
    r"""Returns the modules that a source may import, wherever in it.

    Args:
        source: Text of a Python module.
        package: The package that it belongs to, empty for none; relative imports start there.

    Returns:
        Absolute names. ``from a import b`` gives ``a`` and ``a.b``, which need not be a module. Names that are worked
        out when the code runs are not found; literal ones, as in ``import_module("a")``, are. Text that is no Python
        imports nothing.

    Example:
        >>> sorted(imported(b"import a.b\ndef f():\n    from . import c", "lab"))
        ['a.b', 'lab', 'lab.c']
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return set()
    found = {name for node in ast.walk(tree) for name in _names(node, package)}
    return {name for name in found if all(part.isidentifier() for part in name.split("."))}


def _names(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = _absolute("." * node.level + (node.module or ""), package)
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names if base and alias.name != "*")
    elif isinstance(node, ast.Call) and node.args and _called(node) in ("import_module", "__import__"):
        name = node.args[0]
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            yield _absolute(name.value, package)


def _called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _absolute(name: str, package: str) -> str:
    """Returns the absolute form of a name with leading dots; empty where it leads out of the package."""
    rest = name.lstrip(".")
    level = len(name) - len(rest)
    if not level:
        return name
    parts = package.split(".") if package else []
    if level > len(parts):
        return ""
    base = ".".join(parts[: len(parts) - level + 1])
    return f"{base}.{rest}" if rest else base


def with_parents(name: str) -> list[str]:
    """Returns a module and the packages around it, whose ``__init__`` runs before it does.

    Example:
        >>> with_parents("lab.rules.adam")
        ['lab', 'lab.rules', 'lab.rules.adam']
    """
    parts = name.split(".")
    return [".".join(parts[: n + 1]) for n in range(len(parts))]


def spec_of(name: str) -> ModuleSpec | None:
    """Returns what Python knows of a module, loaded or not; ``None`` where there is no such module. Imports nothing."""
    spec: ModuleSpec | None = getattr(sys.modules.get(name), "__spec__", None)
    if spec is not None:
        return spec
    path = None
    parent = name.rpartition(".")[0]
    if parent:
        above = spec_of(parent)
        if above is None or above.submodule_search_locations is None:
            return None
        path = list(above.submodule_search_locations)
    return _searched(name, path)


def _searched(name: str, path: list[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        found: ModuleSpec | None = None if find is None else find(name, path)
        if found is not None:
            return found
    return None


def file_found_now(name: str) -> str | None:
    """Returns the file that Python would take for a module of no package if it imported it now, whatever it holds."""
    spec = _searched(name, None)
    return None if spec is None or not spec.has_location else spec.origin


def file_of(name: str) -> str | None:
    """Returns the file of a module; ``None`` for one without: built in, a namespace, a notebook, made at run time."""
    module, spec = sys.modules.get(name), spec_of(name)
    if spec is not None and spec.has_location:
        return spec.origin
    return getattr(module, "__file__", None)


@cache
def is_users(path: str) -> bool:
    """Returns whether a file is a user's: neither Python's nor optbench's, nor installed among packages.

    An editable install is a user's: its files lie where they are edited.
    """
    file = Path(path).absolute()
    if INSTALLED & set(file.parts):
        return False
    others = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")]
    others.append(Path(__file__).parents[1])
    return not any(file.is_relative_to(other) or file.resolve().is_relative_to(other.resolve()) for other in others)
