"""One entry of ``measures``: a measure with its settings, taken of the judged points of runs or along their paths."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
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
from optbench.suite.model import MAX_INT, Flag, Model, Positive, Text, violations

#: Keys of an entry that are not settings of its measure.
OWN = ("name", "label", "dtype", "along", "examples", "other", "levels", "rescale")

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
        levels: Levels of the training loss, of those that the suite has, or ``"all"`` of them: it is taken of points
            that are kept for them as well as of the judged point.
        rescale: Of which network it is taken: that of the point, or, the same function with other weights, that after
            ``tasks.models.rescaling.rescaled`` with this factor.
        settings: Settings of the measure that are given.
    """

    name: Text
    label: Label | None = None
    dtype: Literal["float32", "float64"] = "float64"
    along: Flag = False
    examples: Annotated[int, Strict(), Field(ge=0, le=MAX_INT)] = 0
    other: Text | None = None
    levels: Literal["all"] | tuple[Positive, ...] = ()
    rescale: Positive | None = None
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
        if "levels" in own:
            own["levels"] = _listed(own["levels"])
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
        wrong += self._beyond()
        if wrong:
            raise violations(wrong)
        return self

    def _beyond(self) -> list[tuple[str, str]]:
        """Returns which of its keys do not go together with what the measure is of."""
        measure, judged = self.build(), "is for measures of the judged point"
        of = {
            "measures along the path": self.along,
            "measures of two runs": measure.of_two,
            "measures of points on the way": measure.of_path,
            "measures of the rule's state": measure.of_state,
        }
        keys = [key for key, given in (("levels", self.levels), ("rescale", self.rescale)) if given]
        return [(key, f"{judged}, not for {what}") for key in keys for what, is_so in of.items() if is_so]

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
        changed |= self._newer(levels=False)
        changed |= {key: value for key, value in self.resolved.items() if value != defaults[key]}
        shown = [f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}" for key, value in changed.items()]
        return self.name + (f"[{','.join(shown)}]" if shown else "")

    @property
    def identity(self) -> str:
        """What is measured and how, as rows have it: two entries of one identity would give the same numbers."""
        along = {"along": True, "examples": self.examples} if self.along else {}
        other = {"other": self.other} if self.other else {}
        return canonical(
            {"name": self.name, "dtype": self.dtype, **along, **other, **self._newer(levels=True), **self.resolved}
        )

    def _newer(self, *, levels: bool) -> dict[str, Any]:
        """Returns keys that entries did not always have, where they are given: what leaves them out is as it was."""
        kept = self.levels if isinstance(self.levels, str) else sorted(set(self.levels), reverse=True)
        found: dict[str, Any] = {"levels": kept} if levels and kept else {}
        return found | ({"rescale": self.rescale} if self.rescale is not None else {})

    def levels_of(self, levels: Iterable[float]) -> tuple[float, ...]:
        """Returns the levels at which it is taken.

        Args:
            levels: Those of the suite.
        """
        return tuple(level for level in levels if self.levels == "all" or level in self.levels)

    @property
    def described(self) -> dict[str, Any]:
        """What manifests say of it, so that tables and figures need not load measures."""
        measure = self.build()
        return {
            "name": self.name,
            "title": measure.title,
            "unit": measure.unit,
            "is_invariant": measure.is_invariant_at(self.resolved),
            "settings": {"dtype": self.dtype, **self._newer(levels=True), **self.resolved},
        }


def measure_faults(
    key: str,
    entries: Sequence[MeasureSpec],
    *,
    along: bool,
    levels: Collection[float] | None = None,
    schema: Schema | None = None,
) -> list[tuple[str, str]]:
    """Returns what is wrong with entries together: labels twice, or one measure under two labels.

    Args:
        key: The key of the list, for messages.
        entries: The list.
        along: Whether runs of this kind can be measured along their paths, and are of networks.
        levels: Levels of the training loss that the suite has; ``None`` where they are checked elsewhere.
        schema: What rows of runs have, by which ``other`` names second runs; ``None`` where it is checked elsewhere.
    """
    said = "is of suites of networks: nothing is measured along the path of a function's runs"
    beyond = [] if along else [(f"{key}[{index}].along", said) for index, entry in enumerate(entries) if entry.along]
    said = "is of suites of networks: a function has no layers whose weights could be scaled"
    beyond += [] if along else [(f"{key}[{index}].rescale", said) for index, e in enumerate(entries) if e.rescale]
    if levels is not None:
        for index, entry in enumerate(entries):
            beyond += [(f"{key}[{index}].levels", said) for said in _level_faults(entry, levels)]
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


def _level_faults(entry: MeasureSpec, levels: Collection[float]) -> list[str]:
    """Returns why an entry cannot be taken at levels of a suite."""
    if entry.levels and not levels:
        return ["needs a suite that keeps weights: levels = [...] of a suite of networks; this suite has none"]
    known = ", ".join(f"{level:g}" for level in levels)
    unknown = [level for level in entry.levels if level not in levels] if entry.levels != "all" else []
    return [f"must be of the suite's levels, {known}, or 'all'; got {level:g}" for level in unknown]


def _listed(given: Any) -> Any:
    """Returns levels as a list, also of one number or, as brackets of a name have them, of a text with blanks."""
    if isinstance(given, str) and given != "all":
        return tuple(_value(word) for word in given.split())
    return (given,) if isinstance(given, int | float) and not isinstance(given, bool) else given


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
