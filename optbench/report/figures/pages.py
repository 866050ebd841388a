"""Pages of a figure that are drawn one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Pages(Sequence["Figure"]):
    """Pages, each drawn anew when it is asked for: those of two hundred problems would take gigabytes together."""

    def __init__(self, makers: Sequence[Callable[[], Figure]]) -> None:
        """Draws nothing yet.

        Args:
            makers: What draws each page.
        """
        self._makers = makers

    def __len__(self) -> int:
        """Returns the number of pages."""
        return len(self._makers)

    @overload
    def __getitem__(self, number: int) -> Figure: ...
    @overload
    def __getitem__(self, number: slice) -> Pages: ...
    def __getitem__(self, number: int | slice) -> Figure | Pages:
        """Returns a page, drawn, or some of them."""
        return Pages(self._makers[number]) if isinstance(number, slice) else self._makers[number]()
