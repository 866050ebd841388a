"""What a measure is: a name, its settings, and a function of a subject that returns numbers with their errors."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from optbench.errors import OptbenchError, UsageError, unknown_name

#: Most numbers in a point of which several are measured together.
MANY = 100

#: What a setting may be: ready for JSON.
Value = float | int | str | bool | None


class NotApplicable(OptbenchError):
    """A measure has no meaning where it was asked for; its row says so and has no number."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a measure: its default and the values it may take.

    Attributes:
        default: Value when the user names none; its type is the setting's, and ``None`` allows any number.
        meaning: What it does, in one sentence.
        low: Smallest number allowed.
        high: Largest number allowed.
        choices: The values allowed; empty for any in the range.
    """

    default: Value
    meaning: str
    low: float = -float("inf")
    high: float = float("inf")
    choices: Sequence[Value] = ()

    def problem(self, value: Any) -> str:
        """Returns what is wrong with a value, empty if nothing is."""
        if self.choices:
            return (
                "" if value in self.choices else f"must be one of {', '.join(map(repr, self.choices))}; got {value!r}"
            )
        if value is None and self.default is None:
            return ""
        kind = int if isinstance(self.default, int) and not isinstance(self.default, bool) else type(self.default)
        if kind in (float, type(None)):
            fits = isinstance(value, int | float) and not isinstance(value, bool)
        else:
            fits = isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
        if not fits:
            return f"must be {_KINDS[kind]}; got {value!r}"
        # Rows are JSON, which has no infinite numbers.
        if isinstance(value, int | float) and not self.low <= value <= min(self.high, sys.float_info.max):
            return f"must {self._range()}; got {value!r}"
        return ""

    def _range(self) -> str:
        """Returns the numbers allowed, in words."""
        if self.high < float("inf"):
            return f"lie in [{self.low:g}, {self.high:g}]"
        return "be finite" + (f" and at least {self.low:g}" if self.low > -float("inf") else "")


_KINDS = {int: "a whole number", float: "a number", type(None): "a number", str: "a text", bool: "true or false"}


class Measured(NamedTuple):
    """What a measure has found.

    Attributes:
        estimate: The number; of a spectrum or a picture one that sums it up.
        standard_error: Of the estimate; 0 where it is exact but for rounding, ``None`` where nothing is known of it.
        details: What else was found or chosen on the way, ready for JSON: residuals, both maxima, evaluations.
        grid: Where ``values`` stand: nodes of a spectrum, coordinates of a picture; flat, its shape in ``details``.
        values: Numbers there: weights, losses; flat, in row-major order.
    """

    estimate: float
    standard_error: float | None = None
    details: Mapping[str, Any] = {}
    grid: np.ndarray | Sequence[float] = ()
    values: np.ndarray | Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of the shelf.

    Attributes:
        name: Registry name.
        title: What a table's column is called.
        formula: Its formula in plain text, with the names of its settings.
        reference: Where it is from.
        take: ``take(subject, **settings)``, the numbers; raises ``NotApplicable`` where it has no meaning.
        settings: By name.
        take_many: ``take_many(subjects, **settings)``, the same of several points of one objective, of at most ``MANY``
            numbers each, faster than one by one: for each what was found, or why it has no meaning there. ``None``
            where nothing is gained.
        of_path: Whether it is of the points on the way of a run, ``Subject.path``.
        of_two: Whether it is of two points, the second one ``Subject.other``.
        of_state: Whether it is of the rule's state at the point, ``Subject.preconditioner``.
        is_invariant: Whether rescaling that leaves a network's function as it is (Dinh et al. 2017) leaves it, too.
        invariant_with: Settings that this needs; with others it is not invariant.
        conflict: What is wrong with settings that are each in range, a (name, message) pair; ``None`` where nothing is.
        unit: In what the estimate is counted, empty for a pure number.
    """

    name: str
    title: str
    formula: str
    reference: str
    take: Callable[..., Measured]
    settings: Mapping[str, Setting] = field(default_factory=dict)
    take_many: Callable[..., Sequence[Measured | NotApplicable]] | None = None
    of_path: bool = False
    of_two: bool = False
    of_state: bool = False
    is_invariant: bool = False
    invariant_with: Mapping[str, Value] = field(default_factory=dict)
    conflict: Callable[[Mapping[str, Any]], tuple[str, str] | None] | None = None
    unit: str = ""

    def is_invariant_at(self, settings: Mapping[str, Value]) -> bool:
        """Returns whether it is invariant with these settings, all of them."""
        return self.is_invariant and all(settings[name] == value for name, value in self.invariant_with.items())

    def faults(self, given: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Returns what is wrong with settings: (name, message) pairs.

        Args:
            given: Settings by name.
        """
        wrong = [
            (name, unknown_name(f"setting of {self.name}", name, self.settings))
            for name in given
            if name not in self.settings
        ]
        wrong += [
            (name, said)
            for name, value in given.items()
            if name in self.settings and (said := self.settings[name].problem(value))
        ]
        if not wrong and self.conflict is not None:
            defaults = {name: setting.default for name, setting in self.settings.items()}
            wrong += [said for said in [self.conflict({**defaults, **given})] if said]
        return wrong

    def resolve(self, given: Mapping[str, Any]) -> dict[str, Value]:
        """Returns all settings, defaults where none is given; equal settings are equal in type as well.

        Args:
            given: Settings by name.

        Raises:
            UsageError: A name is unknown or a value out of range; all of them at once.
        """
        if wrong := self.faults(given):
            raise UsageError([f"{self.name}: {name} {said}" for name, said in wrong])
        found = {name: given.get(name, setting.default) for name, setting in self.settings.items()}
        return {
            name: float(value) if isinstance(self.settings[name].default, float) else value
            for name, value in found.items()
        }
