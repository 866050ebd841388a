"""One line of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the catalogue.

    Attributes:
        name: Registry name; ``module`` exports the object under it.
        module: Where the object stands.
        group: Shelf on which it is listed.
        summary: What it is, in a few words.
    """

    name: str
    module: str
    group: str
    summary: str
