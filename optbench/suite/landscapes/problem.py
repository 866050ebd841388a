"""One entry of ``problems``: a test function at one dimension, which instance of it, and its noise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Self

from pydantic import Field, ValidationError, model_validator

from optbench import catalog
from optbench.errors import UsageError
from optbench.problems.noise import Noise
from optbench.problems.problem import Problem
from optbench.suite import selector
from optbench.suite.entry import Entry
from optbench.suite.explaining import explain
from optbench.suite.model import Flag, Model, Positive, Real, Text, Whole, violations


class NoiseSpec(Model):
    """What rules see in place of the true gradient.

    Attributes:
        kind: A key of ``problems.noise.KINDS``.
        level: How much of it; in evaluations for ``delay``, in terms for batches.
    """

    kind: Text
    level: Positive


class ProblemSpec(Entry):
    """One entry: a test function at one dimension, and which instance of it.

    Attributes:
        name: Registry name or ``module:attribute``.
        dim: Dimension; ``None`` for the function's default.
        instance: 0 for the literature's form, else the seed of shift, rotation and offset.
        rotated: Whether the instance is turned.
        parameters: The function's own parameters that differ from their defaults.
        noise: What rules see in place of the true gradient.
    """

    KEYS: ClassVar = ("name", "dim", "instance", "rotated", "noise")

    name: Text
    dim: Whole | None = None
    instance: Whole = 0
    rotated: Flag = False
    parameters: Mapping[str, Real] = Field(default_factory=dict)
    noise: NoiseSpec | None = None

    @model_validator(mode="after")
    def _known(self) -> Self:
        try:
            self.build()
        except UsageError as error:
            raise violations(("", problem) for problem in error.problems) from None
        return self

    def build(self) -> Problem:
        """Returns the problem itself."""
        function = catalog.landscape(self.name)
        dim = function.dims.default if self.dim is None else self.dim
        noise = None if self.noise is None else Noise(self.noise.kind, self.noise.level)
        return Problem(function, dim, self.instance, self.rotated, self.parameters, noise)

    def identity(self) -> dict[str, object]:
        """Returns what its cells are known by; a problem without noise as before there was noise."""
        return self.model_dump(mode="json", exclude={"noise"} if self.noise is None else None)

    @property
    def label(self) -> str:
        """The problem's label, such as ``rastrigin-10d-i1-rot``."""
        return self.build().label

    @property
    def code(self) -> str:
        """The function's name."""
        return self.name

    @classmethod
    def joining(cls, word: str, entries: Iterable[Self]) -> Self:
        """Returns another function of the catalogue or of the user, such as ``rosenbrock[dim=4,instance=2]``."""
        named = selector.parse(word)
        if ":" not in named.name and named.name not in {entry.name for entry in catalog.PROBLEMS}:
            raise UsageError(catalog.unknown("problem", named.name, catalog.PROBLEMS))
        return cls._of(named)

    @classmethod
    def of(cls, named: selector.Selector) -> Self:
        """Returns the problem that a name with options stands for.

        Args:
            named: Name and options: ``dim``, ``instance``, ``rotated`` and the function's parameters.

        Returns:
            The entry, as a suite would have it.

        Raises:
            UsageError: The name or an option is not valid; all problems at once.
        """
        try:
            return cls._of(named)
        except ValidationError as error:
            raise UsageError(explain(error, cls)) from None

    @classmethod
    def _of(cls, named: selector.Selector) -> Self:
        own = {key: value for key, value in named.options.items() if key in ("dim", "instance", "rotated")}
        parameters = {key: value for key, value in named.options.items() if key not in own}
        return cls.model_validate({"name": named.name, **own, "parameters": parameters})

    def is_same(self, other: Self) -> bool:
        """Returns whether two entries of one label are one: labels have six digits of a value."""
        return self.build() == other.build()
