"""What pydantic found wrong with a table, in lines for the user: where, what must hold, what was there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from optbench.errors import unknown_name
from optbench.suite.model import Model

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


def explain(error: ValidationError, table: type[Model], places: Mapping[str, Sequence[int]] | None = None) -> list[str]:
    """Returns one line for each thing that is wrong: ``path: what must hold; got what``.

    Args:
        error: What pydantic raised.
        table: What was read.
        places: Place in the file of each entry, where entries were expanded.

    Returns:
        The lines, in the order of the table's keys.
    """
    found = (line for detail in error.errors(include_url=False) for line in _lines(detail, places or {}, table))
    return list(dict.fromkeys(found))


def _lines(detail: Any, places: Mapping[str, Sequence[int]], table: type[Model]) -> Iterator[str]:
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
        *outer, key = loc
        where = f"{_path(tuple(outer))}: " if outer else ""
        yield where + unknown_name("key", str(key), _table(table, outer).model_fields)
    elif kind == "too_short" and got:
        return  # pydantic counts valid entries only; each invalid one has a line of its own
    elif kind in _CONSTRAINTS:
        yield f"{path}: {_CONSTRAINTS[kind].format(**context)}; got {_shown(got)}"
    else:
        yield f"{path}: {detail['msg']}; got {_shown(got)}"


def _table(table: type[Model], loc: Sequence[str | int]) -> type[Model]:
    """Returns the table at a place; keys of a user's own, such as names of hyperparameters, lead no further."""
    for part in loc:
        field = table.model_fields.get(str(part))
        inner: list[Any] = [] if field is None else [field.annotation]
        while inner:
            found = inner.pop()
            inner += getattr(found, "__args__", ())
            if isinstance(found, type) and issubclass(found, Model):
                table = found
                break
    return table


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
