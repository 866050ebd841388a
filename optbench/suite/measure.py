"""One entry of ``measures``: a measure with its settings, taken of the judged points of runs or along their paths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, Strict, ValidationError, model_validator

from optbench import catalog
from optbench.core.keys import canonical
from optbench.errors import UsageError
from optbench.measures.measure import Measure
from optbench.records.schema import Schema
from optbench.suite import row_filter, selector
from optbench.suite.explaining import explain
from optbench.suite.faults import repeated
from optbench.suite.model import MAX_INT, Flag, Model, Text, violations

#: Keys of an entry that are not settings of its measure.
OWN = ("name", "label", "dtype", "along", "examples", "other")

Label = Annotated[str, Strict(), Field(pattern=r"^[a-z0-9][a-z0-9._=,\[\]-]{0,63}$")]


class MeasureSpec(Model):
    """One entry: a name, or a table with it, settings of the measure, and what holds for any measure.

    Attributes:
        name: Registry name.
        label: What its rows are called; the name with the settings that differ from their defaults if ``None``.
        dtype: Precision in which the loss of a network is computed; functions are always in double precision.
        along: Whether it is taken at each point of the curve of a reported run of a network, while that is trained, and
            not of the judged point.
        examples: Training examples of which it is taken along the path, the same at all points of all runs of a task;
            0 for all.
        other: Of a measure of two runs, which reported run is the second: ``column=pattern`` pairs with blanks between
            them, such as ``task=*-b512 optimizer=sgd``. It is the one that matches with the same seed or start.
        settings: Settings of the measure that are given.
    """

    name: Text
    label: Label | None = None
    dtype: Literal["float32", "float64"] = "float64"
    along: Flag = False
    examples: Annotated[int, Strict(), Field(ge=0, le=MAX_INT)] = 0
    other: Text | None = None
    settings: Mapping[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, given: Any) -> Any:
        """A name alone stands for its table, and settings stand beside the other keys."""
        if isinstance(given, str):
            return {"name": given}
        if not isinstance(given, dict):
            return given
        own = {key: value for key, value in given.items() if key in OWN}
        return own | {"settings": {key: value for key, value in given.items() if key not in own}}

    @model_validator(mode="after")
    def _known(self) -> MeasureSpec:
        try:
            measure = self.build()
        except UsageError as error:
            raise violations([("name", str(error))]) from None
        wrong = measure.faults(self.settings)
        if self.examples and not self.along:
            wrong.append(("examples", "is for measures along the path, along = true; the others take all examples"))
        if self.other and not measure.of_two:
            wrong.append(("other", f"is for measures of two runs, such as interpolation; {self.name} is of one"))
        if wrong:
            raise violations(wrong)
        return self

    def build(self) -> Measure:
        """Returns the measure itself."""
        return catalog.measure(self.name)

    @property
    def of_path(self) -> bool:
        """Whether it is of the points on the way of a run, which are then kept until it is taken."""
        return self.build().of_path

    @property
    def of_state(self) -> bool:
        """Whether it is of the rule's state at the point, which is then kept until it is taken."""
        return self.build().of_state

    @property
    def resolved(self) -> dict[str, Any]:
        """All settings of the measure, defaults where none is given."""
        return self.build().resolve(self.settings)

    @property
    def title(self) -> str:
        """What its rows are called."""
        if self.label is not None:
            return self.label
        defaults = self.build().resolve({})
        changed: dict[str, Any] = {"dtype": self.dtype} if self.dtype != "float64" else {}
        changed |= {"along": self.examples or "all"} if self.along else {}
        changed |= {"other": self.other} if self.other else {}
        changed |= {key: value for key, value in self.resolved.items() if value != defaults[key]}
        shown = [f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}" for key, value in changed.items()]
        return self.name + (f"[{','.join(shown)}]" if shown else "")

    @property
    def identity(self) -> str:
        """What is measured and how, as rows have it: two entries of one identity would give the same numbers."""
        along = {"along": True, "examples": self.examples} if self.along else {}
        other = {"other": self.other} if self.other else {}
        return canonical({"name": self.name, "dtype": self.dtype, **along, **other, **self.resolved})

    @property
    def described(self) -> dict[str, Any]:
        """What manifests say of it, so that tables and figures need not load measures."""
        measure = self.build()
        return {
            "name": self.name,
            "title": measure.title,
            "unit": measure.unit,
            "is_invariant": measure.is_invariant_at(self.resolved),
            "settings": {"dtype": self.dtype, **self.resolved},
        }


def measure_faults(
    key: str, entries: Sequence[MeasureSpec], *, along: bool, schema: Schema | None = None
) -> list[tuple[str, str]]:
    """Returns what is wrong with entries together: labels twice, or one measure under two labels.

    Args:
        key: The key of the list, for messages.
        entries: The list.
        along: Whether runs of this kind can be measured along their paths.
        schema: What rows of runs have, by which ``other`` names second runs; ``None`` where it is checked elsewhere.
    """
    said = "is of suites of networks: nothing is measured along the path of a function's runs"
    beyond = [] if along else [(f"{key}[{index}].along", said) for index, entry in enumerate(entries) if entry.along]
    if schema is not None:
        others = ((index, entry.other) for index, entry in enumerate(entries) if entry.other)
        beyond += [
            (f"{key}[{index}].other", said) for index, text in others for said in row_filter.faults(text, schema)
        ]
    wrong, first = beyond + repeated(key, [entry.title for entry in entries]), dict[str, int]()
    for index, entry in enumerate(entries):
        other = first.setdefault(entry.identity, index)
        if other != index and entries[other].title != entry.title:
            wrong.append((f"{key}[{index}]", f"{entry.title!r} is {key}[{other}] under another label"))
    return wrong


def named(words: str | Iterable[str]) -> list[MeasureSpec]:
    """Returns the measures that words name.

    Args:
        words: ``name`` or ``name[key=value,...]``, with the keys that a suite's entry may have; in a list, or in a text
            with commas between them.

    Raises:
        UsageError: A word names no measure, or a setting is not valid; all problems at once.
    """
    found, wrong = [], []
    if not isinstance(words, str | Iterable):
        raise UsageError(f"--measures must be names of measures; got {words!r}")
    for word in selector.split(words) if isinstance(words, str) else list(words):
        try:
            name, given = options(word)
            found.append(MeasureSpec.model_validate({**given, "name": name}))
        except ValidationError as error:
            wrong += [f"{word}: {line}" for line in explain(error, MeasureSpec)]
        except UsageError as error:
            wrong += error.problems
    wrong += [f"{key}: {said}" for key, said in measure_faults("--measures", found, along=True)]
    if not found and not wrong:
        wrong.append("--measures names none; optbench list measures shows all")
    if wrong:
        raise UsageError(wrong)
    return found


def options(word: str) -> tuple[str, dict[str, Any]]:
    """Returns a measure's name and what stands in its brackets: numbers, ``true``, ``false``, and texts as they are.

    Args:
        word: ``name`` or ``name[key=value,...]``.

    Raises:
        UsageError: The brackets do not close, an item is not ``key=value``, or a key stands twice.

    Example:
        >>> options("keskar[eps=5e-4,columns=unit]")
        ('keskar', {'eps': 0.0005, 'columns': 'unit'})
    """
    if not isinstance(word, str):
        raise UsageError(f"{word!r}: must be the name of a measure, name[key=value,...]")
    name, bracket, rest = word.strip().partition("[")
    if bracket and not rest.endswith("]"):
        raise UsageError(f"{word!r}: must be name[key=value,...]")
    given: dict[str, Any] = {}
    texts = _texts(name)
    for item in rest[:-1].split(",") if bracket else ():
        key, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not key or not value:
            raise UsageError(f"{word!r}: must be name[key=value,...]; got {item.strip()!r}")
        if key == "name":
            raise UsageError(f"{word!r}: the name stands before the brackets")
        if key in given:
            raise UsageError(f"{word!r}: {key!r} is given twice")
        given[key] = value if key in texts else _value(value)
    return name, given


def _texts(name: str) -> set[str]:
    """Returns the keys whose values are texts, even where they look like numbers: a norm may be 2 or inf."""
    own = {"label", "dtype", "other"}
    try:
        settings = catalog.measure(name).settings
    except UsageError:  # whoever checks the entry says it
        return own
    return own | {key for key, setting in settings.items() if isinstance(setting.default, str)}


def _value(text: str) -> bool | int | float | str:
    # Titles of rows have them as Python writes them.
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
