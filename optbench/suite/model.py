"""The small tables of a suite file, and how a table says what is wrong with it.

A table is frozen and reports everything that is wrong with it at once, as one pydantic error that carries
(key, message) pairs; ``optbench.suite.parse`` turns it into lines for the user.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, Strict, model_validator
from pydantic_core import PydanticCustomError

Text = Annotated[str, Strict(), Field(min_length=1)]
Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict()]
Real = Annotated[float, Strict()]
Positive = Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)]

#: Largest seed.
MAX_INT = 2**31 - 1


def violations(wrong: Iterable[tuple[str, str]]) -> PydanticCustomError:
    """Returns the one pydantic error that carries (key, message) pairs."""
    items = list(wrong)
    return PydanticCustomError("optbench", "{text}", {"text": "; ".join(m for _, m in items), "items": items})


class Model(BaseModel):
    """A frozen table that knows each of its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Grid(Model):
    """Values of one swept hyperparameter, evenly spaced in its logarithm.

    Attributes:
        low: Smallest value.
        high: Largest value.
        points: Number of values.
    """

    low: Positive
    high: Positive
    points: Annotated[int, Strict(), Field(ge=1, le=1000)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.points > 1 and self.low >= self.high:
            raise violations([("high", f"must be greater than low = {self.low:g}; got {self.high:g}")])
        if self.points == 1 and self.low != self.high:
            raise violations([("points", f"one point needs low = high; got {self.low:g} and {self.high:g}")])
        return self

    def values(self) -> tuple[float, ...]:
        """Returns the values, rounded to 12 digits so that powers of ten are exact everywhere.

        Example:
            >>> Grid(low=1e-3, high=1.0, points=4).values()
            (0.001, 0.01, 0.1, 1.0)
        """
        low, high = math.log10(self.low), math.log10(self.high)
        share = [k / max(self.points - 1, 1) for k in range(self.points)]
        return tuple(float(f"{10 ** (low + (high - low) * s):.12g}") for s in share)


class Range(Model):
    """Values from which random tuning draws one hyperparameter.

    Attributes:
        low: Smallest value.
        high: Largest value.
        scale: ``log``, ``linear``, or ``complement`` for decay rates close to 1.
    """

    low: Real
    high: Real
    scale: Literal["log", "linear", "complement"] = "log"

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        wrong = []
        if not self.low < self.high or math.isinf(self.low) or math.isinf(self.high):
            wrong.append(("high", f"must be a number greater than low = {self.low:g}; got {self.high:g}"))
        if self.scale == "log" and not self.low > 0:
            wrong.append(("low", f"a logarithmic range must be positive; got {self.low:g}"))
        if self.scale == "complement" and not self.high < 1:
            wrong.append(("high", f"must be less than 1 on the complement's scale; got {self.high:g}"))
        if wrong:
            raise violations(wrong)
        return self
