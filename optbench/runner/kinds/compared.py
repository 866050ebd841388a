"""What of a row is compared with the same row computed again, where an environment does not promise its bits."""

from __future__ import annotations

from typing import NamedTuple

#: Columns that say which configuration a run has.
CONFIGURATION = ("optimizer", "config", "hyper", "swept", "swept_value", "is_default", "split")
#: Scores that a network's run led to.
SCORES = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "test_loss", "test_accuracy")


class Compared(NamedTuple):
    """What of the rows of a kind is compared where bits are not promised.

    Attributes:
        planned: Columns that are the same everywhere.
        starts: Numbers that nothing but the start decides.
        curves: Curves, whose first points are compared.
        clock: The column that says when they were recorded; empty where it is ``curve_steps``.
        outcomes: Numbers that a run led to.
        peers: Columns in which rows agree that differ in start or seed alone.
    """

    planned: tuple[str, ...]
    starts: tuple[str, ...]
    curves: tuple[str, ...]
    clock: str
    outcomes: tuple[str, ...]
    peers: tuple[str, ...]
