"""A suite file becomes a ``SuiteSpec``, or one message with everything that is wrong with it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from optbench.errors import UsageError, unknown_name
from optbench.kinds import KINDS, kind_of
from optbench.suite.expand import expand
from optbench.suite.model import Grid, Model, Quick, Range, Starts
from optbench.suite.networks import NetworkQuick, NetworkSuite, Seeds, TaskSpec
from optbench.suite.source import read
from optbench.suite.spec import NoiseSpec, OptimizerSpec, ProblemSpec, SuiteSpec
from optbench.suite.unused import unused

#: What a table is, by the part of its path that names it; for suggestions.
_TABLES: dict[str | int, type[Model]] = {
    "optimizers": OptimizerSpec,
    "problems": ProblemSpec,
    "noise": NoiseSpec,
    "starts": Starts,
    "grid": Grid,
    "sweep": Grid,
    "search": Range,
    "tasks": TaskSpec,
    "seeds": Seeds,
}

#: What must hold, by pydantic's name of the violation; its context fills the braces.
_CONSTRAINTS = {
    "string_type": "must be a string",
    "string_too_short": "must not be empty",
    "int_type": "must be an integer",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "finite_number": "must be a finite number",
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "literal_error": "must be {expected}",
    "model_type": "must be a table",
    "mapping_type": "must be a table",
    "dict_type": "must be a table",
    "tuple_type": "must be an array of tables",
    "too_short": "must have at least one entry",
    "string_pattern_mismatch": "must be lower-case letters, digits, '.', '_' or '-', at most 64",
}


@dataclass(frozen=True)
class Suite:
    """A suite file that was read.

    Attributes:
        spec: What it says.
        text: Its text, verbatim.
        source: Where it came from: the name of a shipped suite, or a path as the user gave it.
    """

    spec: SuiteSpec | NetworkSuite
    text: str
    source: str


def load(suite: str) -> Suite:
    """Reads and validates a suite.

    Args:
        suite: The name of a shipped suite, or the path of a TOML file.

    Returns:
        The suite.

    Raises:
        UsageError: There is no such suite, the file cannot be read, or something in it does not
            hold; all problems at once, each with its place.

    Example:
        >>> load("quick").spec.budget
        2000
    """
    text = read(suite)
    return Suite(parse(text, source=suite), text, suite)


def parse(text: str, *, source: str) -> SuiteSpec | NetworkSuite:
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
    if not data:
        keys = ", ".join(key for key, field in SuiteSpec.model_fields.items() if field.is_required())
        raise UsageError(f"is empty; a suite needs {keys}", where=source)
    if len(tables := [table for table in KINDS.values() if table in data]) > 1:
        raise UsageError(f"has both {' and '.join(tables)}: a suite is of one kind", where=source)
    suite: type[SuiteSpec | NetworkSuite] = NetworkSuite if kind_of(data) == "networks" else SuiteSpec
    data, places = expand(data)
    try:
        found = suite.model_validate(data)
    except ValidationError as error:
        raise UsageError(list(dict.fromkeys(explain(error, places, suite))), where=source) from None
    if said := unused(found):
        raise UsageError(said, where=source)
    return found


def explain(
    error: ValidationError, places: Mapping[str, Sequence[int]] | None = None, suite: type[Model] = SuiteSpec
) -> list[str]:
    """Returns one line for each thing that is wrong: ``path: what must hold; got what``.

    Args:
        error: What pydantic raised.
        places: Place in the file of each entry, where entries were expanded.
        suite: What the file was read as.

    Returns:
        The lines, in the order of the file's tables.
    """
    return [line for detail in error.errors(include_url=False) for line in _lines(detail, places or {}, suite)]


def _lines(detail: Any, places: Mapping[str, Sequence[int]], suite: type[Model]) -> Iterator[str]:
    loc = detail["loc"]
    if len(loc) > 1 and loc[0] in places and isinstance(loc[1], int):
        loc = (loc[0], places[loc[0]][loc[1]], *loc[2:])
    path = _path(loc)
    kind, context, got = detail["type"], detail.get("ctx", {}), detail["input"]
    if kind == "optbench":
        for key, message in context["items"]:
            place = ".".join(part for part in (path, key) if part)
            yield f"{place}: {message}" if place else message
    elif kind == "missing":
        yield f"{path}: is required"
    elif kind == "extra_forbidden":
        *table, key = loc
        tables = {**_TABLES, "quick": NetworkQuick if suite is NetworkSuite else Quick}
        model = next((tables[part] for part in reversed(table) if part in tables), suite)
        known = list(model.model_fields)
        where = f"{_path(tuple(table))}: " if table else ""
        yield where + unknown_name("key", str(key), known)
    elif kind == "too_short" and got:
        return  # pydantic counts valid entries only; each invalid one has a line of its own
    elif kind in _CONSTRAINTS:
        yield f"{path}: {_CONSTRAINTS[kind].format(**context)}; got {_shown(got)}"
    else:
        yield f"{path}: {detail['msg']}; got {_shown(got)}"


def _path(parts: tuple[str | int, ...]) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return "an array" if value else "an empty array"
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
