"""How an optimizer looks, in every figure and forever: by its name, and no two alike in one figure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
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

N_LOOKS = len(FALLBACK_COLORS) * len(FALLBACK_MARKERS) * len(FALLBACK_DASHES)

#: Shipped names whose hash gives the look of another shipped one, and how many of their own looks they pass over. A
#: literal list, so that no new name moves the look of an old one.
TRIES: dict[str, int] = {
    "momentum_restart_value": 1,
    "nag_restart": 1,
    "barzilai_borwein": 2,
    "sm3": 1,
    "schedule_free_sgd": 1,
    "gd_wolfe": 3,
    "nonlinear_cg": 1,
    "lbfgs": 5,
    "newton_cg": 5,
}

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


#: Looks in force within ``apart``.
_APART: ContextVar[Mapping[str, Look] | None] = ContextVar("apart", default=None)


def look(name: str) -> Look:
    """Returns how the optimizer ``name`` is drawn.

    A name outside the literal table gets a color, a marker and a dash from three bytes of its hash: the same on every
    machine and in every figure. Within ``apart``, what is not shipped gives way where two would look alike.

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
    return (_APART.get() or {}).get(name) or _own(name)


@contextmanager
def apart(names: Iterable[str]) -> Iterator[None]:
    """Gives each of some names a look of its own while a figure is drawn.

    Args:
        names: Labels of all optimizers of a run, so that each looks the same in all of its figures.

    Yields:
        Nothing.
    """
    token = _APART.set(looks(names))
    try:
        yield
    finally:
        _APART.reset(token)


def looks(names: Iterable[str]) -> dict[str, Look]:
    """Returns looks of which no two are equal.

    Plain names keep theirs in every figure: the shipped ones differ. Then come names with brackets or modifiers, then a
    user's own, each by name: the first of its own looks that no other one has. Nor do color and marker, or color and
    dash, agree, while there are enough of them: there are 99 and 36, and 396 looks in all. A user's own take colors
    that nothing has, while there are some.

    Args:
        names: Labels of optimizers.

    Returns:
        Looks by label.

    Example:
        >>> len(set(looks([f"lab:rule_{n}" for n in range(300)]).values()))
        300
    """
    found: dict[str, Look] = {}
    taken: set[Any] = set()
    for name in sorted(set(names), key=lambda name: (_guest(name), name)):
        own = _own(name)
        if guest := _guest(name):
            tries = (_tried(name, number) for number in range(N_LOOKS))
            own = min(tries, key=lambda item: _clashes(item, taken, colors=guest > 1))
        found[name] = own
        taken |= {own, own.color, (own.color, own.marker), (own.color, own.dash)}
    return found


def _clashes(item: Look, taken: set[Any], *, colors: bool) -> tuple[bool, int, bool]:
    """Returns what a look shares with those that are taken, the worst first."""
    pairs = ((item.color, item.marker), (item.color, item.dash))
    return item in taken, len(taken.intersection(pairs)), colors and item.color in taken


def _own(name: str) -> Look:
    return LOOKS.get(name) or _tried(name, TRIES.get(name, 0))


def _guest(name: str) -> int:
    """Returns whether a name has no look of its own: 0 for a plain name, 1 for a variant of one, 2 for a user's."""
    return 2 if ":" in name else int("[" in name or "+" in name)


def _tried(name: str, number: int) -> Look:
    """Returns the look that a name tries after a number of others: every color first, then markers, then dashes."""
    a, b, c = hashlib.blake2b(name.encode("utf-8", "backslashreplace"), digest_size=3).digest()
    rest, color = divmod(number, len(FALLBACK_COLORS))
    dash, marker = divmod(rest, len(FALLBACK_MARKERS))
    return Look(
        FALLBACK_COLORS[(a + color) % len(FALLBACK_COLORS)],
        FALLBACK_MARKERS[(b + marker) % len(FALLBACK_MARKERS)],
        FALLBACK_DASHES[(c + dash) % len(FALLBACK_DASHES)],
    )


def rank(name: str) -> tuple[int, str]:
    """Returns the sort key that puts the seven rules first, in the notes' order, then all others by name.

    Example:
        >>> sorted(["adam", "zeta", "sgd", "alpha"], key=rank)
        ['sgd', 'adam', 'alpha', 'zeta']
    """
    names = list(LOOKS)
    return (names.index(name), name) if name in LOOKS else (len(names), name)
