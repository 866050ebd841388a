"""One entry of ``studies``: a method, what it is applied to, and the method's own keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, Strict, model_validator

from optbench.errors import UsageError, unknown_name
from optbench.suite.entry import Entry
from optbench.suite.model import MAX_INT, Flag, Real, Text, violations
from optbench.suite.studies import faults
from optbench.suite.studies.methods import METHODS, Method

Batch = Annotated[int, Strict(), Field(ge=1, le=MAX_INT)]
Epochs = Annotated[int, Strict(), Field(ge=1, le=100_000)]
Number = Annotated[int, Strict(), Field(ge=1, le=MAX_INT)]
Members = Annotated[int, Strict(), Field(ge=2, le=10_000)]
Rounds = Annotated[int, Strict(), Field(ge=1, le=10_000)]
#: Values of what is varied.
Values = Annotated[tuple[Flag | Annotated[int, Strict()] | Real, ...], Field(min_length=1)]

#: What a study has that says nothing else.
BATCH_SIZE, FOLDS, SET, INTERVAL = 32, 5, "subsample", (-1.0, 1.0)


class StudySpec(Entry):
    """One entry: a method and what it is applied to. Which method takes which keys is in ``methods.METHODS``.

    Attributes:
        name: Name of the study, unlike any other's of the suite.
        method: ``cross_validation``, ``bootstrap``, ``boosting``, ``bias_variance``, ``regression`` or ``curve``.
        data: Name of the data set.
        model: Name of the model.
        optimizer: Name of the rule.
        hyper: Hyperparameters held at other values than the rule's defaults.
        regularization: Strengths by name, those of ``tasks.regularization.Regularization``.
        batch_size: Examples of a batch; 32 if ``None``.
        epochs: Passes over the rows that a model is trained on; the suite's if ``None``.
        n_train: Examples to train on; those of the set if ``None``. Of a regression its design points.
        n_test: Examples to report; those of the set if ``None``. Of a regression as many as design points.
        folds: Number of folds of ``cross_validation``; 5 if ``None``.
        grid: Values by hyperparameter, ``batch_size``, ``epochs`` or strength of a regularizer: each combination is a
            configuration of ``cross_validation``, numbered by names in alphabetical order, values in that of the lists.
        members: Number of models of ``bootstrap``, ``bias_variance`` (at each value) or ``regression``; the suite's if
            ``None``.
        rounds: Number of rounds of ``boosting``; the suite's if ``None``.
        sets: Where training sets of ``bias_variance`` come from, of ``methods.SETS``; ``subsample`` if ``None``.
        factor: What is varied and its values, one of the method's ``factors``, such as ``{ width = [0.5, 1, 2] }``.
        truth: Function that a regression fits: a name of ``methods.TRUTHS``, or coefficients of a polynomial, those of
            low degree first.
        noise: Standard deviation of the noise of a regression.
        interval: Where its design and test points lie, evenly spaced; -1 to 1 if ``None``.
    """

    KEYS: ClassVar = ()

    name: Annotated[str, Strict(), Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    method: Text
    data: Text | None = None
    model: Text | None = None
    optimizer: Text | None = None
    hyper: Mapping[str, Real] = Field(default_factory=dict)
    regularization: Mapping[str, Flag | Real] = Field(default_factory=dict)
    batch_size: Batch | None = None
    epochs: Epochs | None = None
    n_train: Number | None = None
    n_test: Number | None = None
    folds: Annotated[int, Strict()] | None = None
    grid: Mapping[str, Values] | None = None
    members: Members | None = None
    rounds: Rounds | None = None
    sets: Text | None = None
    factor: Mapping[str, Values] | None = None
    truth: Text | Annotated[tuple[Real, ...], Field(min_length=1)] | None = None
    noise: Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)] | None = None
    interval: tuple[Real, Real] | None = None

    @model_validator(mode="after")
    def _known(self) -> Self:
        if wrong := list(faults.of(self)):
            raise violations(wrong)
        return self

    @property
    def how(self) -> Method:
        """The method."""
        return METHODS[self.method]

    @property
    def label(self) -> str:
        """The name."""
        return self.name

    @property
    def code(self) -> str:
        """The model's name."""
        return self.model or ""

    @property
    def codes(self) -> tuple[str, ...]:
        """Names of the model and of the rule."""
        return tuple(name for name in (self.model, self.optimizer) if name)

    @property
    def names(self) -> tuple[str, ...]:
        """Method, data set and name."""
        return tuple(name for name in (self.method, self.data, self.name) if name)

    @property
    def varied(self) -> tuple[str, tuple[float | None, ...]]:
        """What is varied and its values; an empty name and one ``None`` where nothing is."""
        for name, values in (self.factor or {}).items():
            return name, tuple(float(value) for value in values)
        return "", (None,)

    def identity(self) -> dict[str, Any]:
        """Returns the entry, without keys that are not given."""
        return self.model_dump(mode="json", exclude_none=True)

    @classmethod
    def joining(cls, word: str, entries: Iterable[Self]) -> Self:
        """Refuses: what a study is takes more than a word to say."""
        raise UsageError(unknown_name("study of the suite", word, [entry.label for entry in entries]))
