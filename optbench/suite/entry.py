"""One entry of a suite's lists: what is compared, or what it is compared on; and which entries a word stands for."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar, Self

from optbench.suite.model import Model


class Entry(Model):
    """A name of the catalogue, with what is set of it.

    Attributes:
        KEYS: Keys that a suite file may give lists: one entry for each value.
    """

    KEYS: ClassVar[tuple[str, ...]]

    @property
    @abstractmethod
    def label(self) -> str:
        """The entry's name in tables, unlike any other's of the suite."""

    @property
    @abstractmethod
    def code(self) -> str:
        """The name that a user's own object would have."""

    @property
    def codes(self) -> tuple[str, ...]:
        """All names that a user's own objects would have; more than one where an entry names several."""
        return (self.code,)

    @property
    def names(self) -> tuple[str, ...]:
        """What a word of a user may name it by."""
        return self.code, self.label

    def identity(self) -> dict[str, Any]:
        """Returns what a suite is known by of this entry, ready for JSON."""
        return self.model_dump(mode="json")

    @classmethod
    def meant(cls, word: str, entries: Iterable[Self]) -> list[Self]:
        """Returns the entries that a word stands for.

        Args:
            word: One of the names of an entry, or a pattern with ``*`` or ``?``.
            entries: Entries of a suite.

        Returns:
            Those that are meant, in their order.
        """
        pattern = re.compile(re.escape(word).replace(r"\*", ".*").replace(r"\?", "."))
        return [entry for entry in entries if any(map(pattern.fullmatch, entry.names))]

    @classmethod
    @abstractmethod
    def joining(cls, word: str, entries: Iterable[Self]) -> Self:
        """Returns an entry that a suite does not have and a word names.

        Args:
            word: A word that stands for none of the suite's entries.
            entries: The suite's, for messages.

        Returns:
            The entry, as a suite would have it.

        Raises:
            UsageError: The word names nothing that could join.
        """

    def is_same(self, other: Self) -> bool:
        """Returns whether two entries of one label are one."""
        return self == other
