"""The words with which a user names entries: ``adam``, ``adam[b1=0.95]``, ``ellipsoid[dim=10,condition=1e6]``."""

from __future__ import annotations

from dataclasses import dataclass, field

from optbench.errors import UsageError


@dataclass(frozen=True, slots=True)
class Selector:
    """A name with the options in its brackets.

    Attributes:
        name: What stands before the bracket.
        options: Values by key; numbers and booleans only.
    """

    name: str
    options: dict[str, bool | int | float] = field(default_factory=dict)


def split(text: str) -> list[str]:
    """Splits a comma-separated list, leaving commas inside brackets alone.

    Args:
        text: What the user typed.

    Returns:
        The items, without blanks and empty ones.

    Example:
        >>> split("adam[b1=0.9,b2=0.99], sgd")
        ['adam[b1=0.9,b2=0.99]', 'sgd']
    """
    items = [""]
    depth = 0
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth <= 0:
            items.append("")
        else:
            items[-1] += letter
    return [item.strip() for item in items if item.strip()]


def parse(text: str) -> Selector:
    """Reads ``name`` or ``name[key=value,...]``.

    Args:
        text: One item.

    Returns:
        The name and its options.

    Raises:
        UsageError: The brackets do not close, or an option is not ``key=number`` or ``key=true|false``.

    Example:
        >>> parse("rastrigin[dim=10,rotated=true]")
        Selector(name='rastrigin', options={'dim': 10, 'rotated': True})
    """
    name, bracket, rest = text.strip().partition("[")
    if not bracket:
        return Selector(name)
    if not name or not rest.endswith("]"):
        raise UsageError(f"{text!r}: must be name[key=value,...]")
    options: dict[str, bool | int | float] = {}
    for item in rest[:-1].split(","):
        key, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not key:
            raise UsageError(f"{text!r}: must be name[key=value,...]; got {item.strip()!r}")
        if key in options:
            raise UsageError(f"{text!r}: {key!r} is given twice")
        options[key] = _scalar(text, key, value)
    return Selector(name, options)


def _scalar(text: str, key: str, value: str) -> bool | int | float:
    if value in ("true", "false"):
        return value == "true"
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        raise UsageError(f"{text!r}: {key} must be a number, true or false; got {value!r}") from None
