"""One entry of ``arms``: one way of training, at several batch sizes that are compared."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field, PrivateAttr, Strict

from optbench.suite.model import Flag, Text
from optbench.suite.networks.ladder import Ladder


class Run(NamedTuple):
    """What an arm trains at one batch size.

    Attributes:
        optimizer: Label of an entry of the suite.
        task: Label of a task of the suite.
        batch_size: Examples of a batch.
    """

    optimizer: str
    task: str
    batch_size: int


@dataclass(frozen=True)
class Settings:
    """What holds for an arm, and where it stands.

    Attributes:
        values: By key of ``Ladder``; ``None`` where neither the arm nor the ladder says it.
        places: Where each value stands in the file, for messages.
    """

    values: dict[str, Any]
    places: dict[str, str]


class Arm(Ladder):
    """One way of training, at several batch sizes; what it does not say, the ladder does.

    Attributes:
        name: Short name.
        title: What tables call it; its name if ``None``.
        says: Whose objection it tests, in a sentence.
        is_primary: Whether the suite's two primary contrasts are about it; all other arms are exploratory.
    """

    #: Keys of the ladder that belong to another one: an arm with a value of its own for that inherits neither.
    BELONGS: ClassVar = {"hyper": "optimizer", "sweep": "optimizer", "updates": "epochs"}

    name: Annotated[str, Strict(), Field(pattern=r"^[a-z0-9][a-z0-9._=-]{0,63}$")]
    title: Text | None = None
    says: Text | None = None
    is_primary: Flag = False

    _runs: tuple[Run, ...] = PrivateAttr(default=())

    @property
    def runs(self) -> tuple[Run, ...]:
        """What it trains, by ascending batch size; empty until a suite has derived its entries."""
        return self._runs

    def running(self, runs: Iterable[Run]) -> Arm:
        """Returns the same arm with what it trains."""
        other = self.model_copy()
        other._runs = tuple(runs)
        return other

    def settings(self, ladder: Ladder, place: str) -> Settings:
        """Returns what holds for the arm.

        Args:
            ladder: What all arms share.
            place: Where the arm stands in its file.
        """
        values, places = {}, {}
        for key in Ladder.model_fields:
            own = getattr(self, key)
            is_cut_off = key in self.BELONGS and getattr(self, self.BELONGS[key]) is not None
            inherited = None if is_cut_off else getattr(ladder, key)
            values[key] = inherited if own is None else own
            places[key] = f"{place}.{key}" if own is not None else f"ladder.{key}"
        return Settings(values, places)

    def is_meant(self, word: str) -> bool:
        """Returns whether a word stands for it: its name, or a pattern with ``*`` or ``?``."""
        pattern = re.escape(word).replace(r"\*", ".*").replace(r"\?", ".")
        return re.fullmatch(pattern, self.name) is not None
