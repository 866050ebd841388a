"""One problem of sif2jax, imported by itself.

``import sif2jax`` makes some 850 problems and takes a minute and a half. One problem is one module that needs
two more, so it is imported under a package name of our own whose ``__init__`` is never run. A user's own
``import sif2jax`` is not touched by that.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import jax

from optbench.errors import UsageError

#: The package under whose name problems are imported.
_ALIAS = "optbench_sif2jax"
_SHELF = "cutest._unconstrained_minimisation"


def folder() -> Path:
    """Returns the folder of the installed sif2jax, which is not imported.

    Raises:
        UsageError: It is not installed.
    """
    spec = importlib.util.find_spec("sif2jax")
    if spec is None or not spec.submodule_search_locations:
        raise UsageError('CUTEst problems need the package sif2jax; install it with: pip install "optbench[cutest]"')
    return Path(spec.submodule_search_locations[0])


def version() -> str:
    """Returns the version of the installed sif2jax."""
    return importlib.metadata.version("sif2jax")


@cache
def _package() -> str:
    """Declares the packages around the problems, with their folders and without their code."""
    place, name = folder(), _ALIAS
    for part in ("", *_SHELF.split(".")):
        name, place = (f"{name}.{part}", place / part) if part else (name, place)
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(place)]
        sys.modules[name] = importlib.util.module_from_spec(spec)
    return name


@cache
def problem_class(module: str, name: str) -> Any:
    """Imports the class of one problem.

    Args:
        module: Module of sif2jax's unconstrained problems.
        name: Class in it.

    Returns:
        The class; its instances have ``objective(y, args)``, ``y0`` and ``args``.

    Raises:
        UsageError: sif2jax is not installed, lacks a package, or has no such problem in this version.
    """
    package = _package()
    # Constants that a module makes when it is imported must have double precision, too.
    with jax.enable_x64(True):
        try:
            return getattr(importlib.import_module(f"{package}.{module}"), name)
        except (ImportError, AttributeError) as error:
            raise UsageError(
                f"sif2jax {version()} cannot provide {name}: {type(error).__name__}: {error}; "
                'install the packages that it needs with: pip install "optbench[cutest]"'
            ) from error
