"""Objects of a user's own: ``module:attribute`` finds one, and is the name under which it is shown and stored.

The name that an object carries inside says nothing of which object it is: two may carry the same, or that of a shipped
one. What the user typed names one object alone, so it is the name everywhere: in labels, rows, files and pictures.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from optbench import user_code
from optbench.errors import UsageError, unknown_name
from optbench.problems.cutest.names import PREFIX as CUTEST

if TYPE_CHECKING:
    from optbench.core.optimizer import Optimizer
    from optbench.problems.landscape import Landscape


def is_own(name: str) -> bool:
    """Returns whether a name is that of a user's own object, and neither the catalogue's nor CUTEst's.

    Example:
        >>> is_own("lab:adam+cosine"), is_own("adam"), is_own("cutest:ROSENBR")
        (True, False, False)
    """
    return ":" in name and not name.startswith(f"{CUTEST}:")


def user_object(reference: str) -> Any:
    """Imports ``module:attribute``, which only the user's own words name; ``cutest:NAME`` is CUTEst's.

    Args:
        reference: What the user typed.

    Returns:
        The attribute as the module has it.

    Raises:
        UsageError: The module cannot be imported, or has no such attribute.
    """
    module_name, _, attribute = reference.partition(":")
    if module_name == CUTEST:
        from optbench.problems.cutest import shelf

        return shelf.landscape(attribute)
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        # An installed command does not look there by itself, unlike "python -m".
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # whatever a user's module raises is theirs to read, without our traceback
        missing = isinstance(error, ModuleNotFoundError) and error.name == module_name.partition(".")[0]
        looked = f"; looked for in {here}, then where Python looks" if missing else ""
        message = f"{reference!r}: cannot import {module_name!r}: {type(error).__name__}: {error}{looked}"
        raise UsageError(message) from error
    # What runs from now on is the text of today, whatever becomes of the file.
    user_code.remember(module_name)
    if not hasattr(module, attribute):
        public = [name for name in vars(module) if not name.startswith("_")]
        raise UsageError(unknown_name(f"attribute of {module_name}", attribute, public))
    return getattr(module, attribute)


@cache
def named_rule(found: Optimizer, reference: str) -> Optimizer:
    """Returns a user's rule under the name by which it was asked for.

    Args:
        found: The rule, whatever it calls itself.
        reference: ``module:attribute``.

    Returns:
        The rule; the same object whenever the same one is asked for by the same name.
    """
    return dataclasses.replace(found, name=reference)


@cache
def named_function(found: Landscape, reference: str) -> Landscape:
    """Returns a user's test function under the name by which it was asked for.

    Args:
        found: The function, whatever it calls itself.
        reference: ``module:attribute``.

    Returns:
        The function; the same object whenever the same one is asked for by the same name. Its ``control``, where that
        is a function of the same module, is named likewise, so that a run finds it.
    """
    if found.name == reference:
        return found
    module = reference.partition(":")[0]
    own = isinstance(getattr(sys.modules.get(module), found.control or " ", None), type(found))
    return dataclasses.replace(found, name=reference, control=f"{module}:{found.control}" if own else found.control)
