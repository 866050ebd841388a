"""What a run's own code is known by: the modules of a user whose objects it has."""

from __future__ import annotations

import importlib.metadata
import logging
import sys
from collections.abc import Iterable

from optbench import catalog, user_code

#: Where a run says what its caller should know and may not ask for.
LOG = logging.getLogger("optbench")


def sources(names: Iterable[str]) -> dict[str, str]:
    """Returns what a run's own code is known by.

    Args:
        names: Names of rules, functions and models.

    Returns:
        SHA-256 of the file of each module that holds a user's own, and of each of the user's modules that these import,
        by name of the module. For CUTEst's problems it is the version of the package that they are from.
    """
    objects = _own(names)
    cutest = objects.pop(catalog.CUTEST, None)
    found = dict(user_code.sums(objects).of)
    if cutest:
        found[catalog.CUTEST] = f"sif2jax {importlib.metadata.version('sif2jax')}"
    return found


def warn_of_edits(names: Iterable[str]) -> None:
    """Says which files of a user's own are not what runs: those edited after this process imported them, or hidden.

    Args:
        names: Names of rules, functions and models.
    """
    objects = _own(names)
    objects.pop(catalog.CUTEST, None)
    found = user_code.sums(objects)
    for module in found.edited:
        LOG.warning(
            "%s was edited after this process imported it: what runs, and what the run is known by, is the older text; "
            "a new process or importlib.reload takes the new one",
            module,
        )
    for module, file in found.hidden.items():
        LOG.warning(
            "%s was imported from %s; that of %s is not taken, unless by a new process",
            module,
            sys.modules[module].__file__,
            file,
        )


def _own(names: Iterable[str]) -> dict[str, list[str]]:
    """Returns the attributes that a user named, by module."""
    found: dict[str, list[str]] = {}
    for name in names:
        module, colon, attribute = name.partition(":")
        if colon:
            found.setdefault(module, []).append(attribute.partition("+")[0])
    return found
