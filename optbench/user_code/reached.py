"""What an object is made of: the functions that will run, through closures, bound arguments and fields."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType, MethodType
from typing import Any

from optbench.user_code.imports import file_of, is_users

#: A container of more items holds data and no functions.
MOST_ITEMS = 10_000


def functions(values: Iterable[Any]) -> Iterator[FunctionType]:
    """Yields each Python function that some objects are made of, once.

    Args:
        values: Functions, optimizers, test functions, models, transformations.

    Yields:
        The functions: fields of data classes, items of containers, bound arguments, defaults, enclosed variables,
        what a decorator such as ``jax.jit`` wraps, and methods of a user's classes. What a function finds in its module
        when it runs is not followed.
    """
    seen: set[int] = set()
    waiting = list(values)
    kept = []
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        # A part that only this walk holds would be freed, and its id be that of another.
        kept.append(value)
        if isinstance(value, FunctionType):
            yield value
        waiting += _parts(value)


def _parts(value: Any) -> list[Any]:
    if isinstance(value, FunctionType):
        return [
            *_enclosed(value),
            *(value.__defaults__ or ()),
            *(value.__kwdefaults__ or {}).values(),
            *_wrapped(value),
        ]
    if isinstance(value, MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, functools.partial):
        return [value.func, *value.args, *value.keywords.values()]
    if isinstance(value, Mapping | tuple | list | set | frozenset):
        if len(value) > MOST_ITEMS:
            return []
        return list(value.values() if isinstance(value, Mapping) else value)
    if isinstance(value, type):
        if not _is_own(value):
            return []
        return [getattr(part, "__func__", getattr(part, "fget", part)) for part in vars(value).values()]
    if dataclasses.is_dataclass(value):
        return [type(value), *(getattr(value, field.name, None) for field in dataclasses.fields(value))]
    return _wrapped(value) if callable(value) else []


def _is_own(value: type) -> bool:
    file = file_of(value.__module__)
    return file is not None and is_users(file)


def _enclosed(function: FunctionType) -> list[Any]:
    found = []
    for cell in function.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:  # not yet bound
            continue
    return found


def _wrapped(value: Any) -> list[Any]:
    # Looked up without asking: some objects, such as ``unittest.mock.call``, answer every question with a new one.
    inner = inspect.getattr_static(value, "__wrapped__", None)
    return [] if inner is None else [inner]
