"""A suite file becomes a ``Suite``, or one message with everything that is wrong with it."""

from __future__ import annotations

import importlib
import tomllib
from dataclasses import dataclass

from pydantic import ValidationError

from optbench.errors import UsageError
from optbench.kinds import KINDS, kind_of
from optbench.suite.expand import expand
from optbench.suite.explaining import explain
from optbench.suite.source import read
from optbench.suite.suite import Suite


@dataclass(frozen=True)
class SuiteFile:
    """A suite file that was read.

    Attributes:
        spec: What it says.
        text: Its text, verbatim.
        source: Where it came from: the name of a shipped suite, or a path as the user gave it.
    """

    spec: Suite
    text: str
    source: str


def load(suite: str) -> SuiteFile:
    """Reads and validates a suite.

    Args:
        suite: The name of a shipped suite, or the path of a TOML file.

    Returns:
        The suite.

    Raises:
        UsageError: There is no such suite, the file cannot be read, or something in it does not
            hold; all problems at once, each with its place.

    Example:
        >>> load("quick").spec.seed
        0
    """
    text = read(suite)
    return SuiteFile(parse(text, source=suite), text, suite)


def parse(text: str, *, source: str) -> Suite:
    """Validates the text of a suite.

    Args:
        text: TOML.
        source: What to call it in messages.

    Returns:
        The suite.

    Raises:
        UsageError: Something does not hold; all problems at once, each with its place.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"is not TOML: {error}", where=source) from None
    suite: type[Suite] = importlib.import_module(f"optbench.suite.{kind_of(data)}").SUITE
    if not data:
        keys = ", ".join(key for key, field in suite.model_fields.items() if field.is_required())
        raise UsageError(f"is empty; a suite needs {keys}", where=source)
    if len(tables := [table for table in KINDS.values() if table in data]) > 1:
        raise UsageError(f"has both {' and '.join(tables)}: a suite is of one kind", where=source)
    data, places = expand(data, {table: entry.KEYS for table, entry in suite.entries().items()})
    try:
        found = suite.model_validate(data)
    except ValidationError as error:
        raise UsageError(explain(error, suite, places), where=source) from None
    if said := list(found.unused()):
        raise UsageError(said, where=source)
    return found
