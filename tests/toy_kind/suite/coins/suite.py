"""A suite of coins as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self

from optbench.errors import UsageError
from optbench.suite.entry import Entry
from optbench.suite.model import Text
from optbench.suite.suite import Suite


class Coin(Entry):
    """A coin that shows heads with some probability."""

    KEYS: ClassVar = ("name", "heads")

    name: Text
    heads: float = 0.5

    @property
    def label(self) -> str:
        return f"{self.name}-{self.heads:g}"

    @property
    def code(self) -> str:
        return self.name

    @classmethod
    def joining(cls, word: str, entries: Iterable[Self]) -> Self:
        raise UsageError(f"there is no coin {word!r}")


class CoinSuite(Suite):
    """A suite of coins."""

    KIND: ClassVar = "coins"
    OF: ClassVar = "coins"
    SUBJECT: ClassVar = Coin
    REPEATS: ClassVar = "tosses"

    tosses: int = 10
    coins: tuple[Coin, ...]

    def faults_of(self, claim: Any) -> list[tuple[str, str]]:
        return []

    def can_judge(self, claim: Any, changes: Mapping[str, Any]) -> bool:
        return True
