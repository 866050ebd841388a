"""How an optimizer looks, in every figure and forever: by its name, never by its place in a list."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple


class Look(NamedTuple):
    """Color, marker and dash pattern of one optimizer.

    Attributes:
        color: ``#rrggbb``.
        marker: Matplotlib marker code.
        dash: Matplotlib dash pattern ``(offset, (on, off, ...))`` in points; ``"-"`` for a solid line.
    """

    color: str
    marker: str
    dash: Any


SOLID: Any = "-"

#: The seven rules of the notes, in their order. Colors: Okabe and Ito, 2008, "Color Universal Design",
#: without the yellow that white paper swallows. Dashes tell apart what lies on top of each other.
LOOKS: dict[str, Look] = {
    "sgd": Look("#000000", "o", SOLID),
    "momentum": Look("#56b4e9", "s", SOLID),
    "nag": Look("#0072b2", "D", (0, (5, 1.6))),
    "adagrad": Look("#cc79a7", "^", SOLID),
    "adadelta": Look("#009e73", "v", (0, (5, 1.6, 1.2, 1.6))),
    "rmsprop": Look("#e69f00", "P", SOLID),
    "adam": Look("#d55e00", "X", (0, (3, 1.2))),
}

#: Colors for every other name: Tol, 2021, "Colour Schemes", the muted set.
FALLBACK_COLORS = (
    "#332288", "#88ccee", "#44aa99", "#117733", "#999933", "#ddcc77", "#cc6677", "#882255", "#aa4499",
)  # fmt: skip
FALLBACK_MARKERS = ("o", "s", "D", "^", "v", "P", "X", "<", ">", "p", "h")
FALLBACK_DASHES = (SOLID, (0, (5, 1.6)), (0, (3, 1.2)), (0, (5, 1.6, 1.2, 1.6)))

#: Figures do not depend on a user's matplotlibrc: these settings stand on matplotlib's own defaults.
RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.labelsize": 9.0,
    "axes.linewidth": 0.7,
    "axes.edgecolor": "#555555",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "xtick.color": "#333333",
    "ytick.color": "#333333",
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "figure.dpi": 100.0,
    "savefig.dpi": 150.0,
    "svg.hashsalt": "optbench",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
}

INK = "#333333"
FAINT = "#777777"


def look(name: str) -> Look:
    """Returns how the optimizer ``name`` is drawn.

    A name outside the literal table gets a color, a marker and a dash from three bytes of its hash: the
    same on every machine and in every figure, whatever else is drawn beside it.

    Args:
        name: Label of the optimizer.

    Returns:
        Its look.

    Example:
        >>> look("adam").color
        '#d55e00'
        >>> look("my_rule") == look("my_rule")
        True
    """
    if name in LOOKS:
        return LOOKS[name]
    a, b, c = hashlib.blake2b(name.encode("utf-8", "backslashreplace"), digest_size=3).digest()
    return Look(
        FALLBACK_COLORS[a % len(FALLBACK_COLORS)],
        FALLBACK_MARKERS[b % len(FALLBACK_MARKERS)],
        FALLBACK_DASHES[c % len(FALLBACK_DASHES)],
    )


def rank(name: str) -> tuple[int, str]:
    """Returns the sort key that puts the seven rules first, in the notes' order, then all others by name.

    Example:
        >>> sorted(["adam", "zeta", "sgd", "alpha"], key=rank)
        ['sgd', 'adam', 'alpha', 'zeta']
    """
    names = list(LOOKS)
    return (names.index(name), name) if name in LOOKS else (len(names), name)
