"""What the figures share: a page with title, legend, notes and footer around a grid of panels."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath
from matplotlib.ticker import LogLocator, NullLocator

from optbench.records import Scoring
from optbench.report import style
from optbench.report.evidence import Evidence
from optbench.report.formats import escaping

#: Width of every figure, in inches: a page of a report, and text that is legible at a README's width.
WIDTH = 9.6
MARGIN = 0.12
LINE = 0.155
PER_PAGE = 12
COLUMNS = 3

T = TypeVar("T")


def judged(evidence: Evidence) -> str:
    """Returns which f a gap is about."""
    return "last" if evidence.scoring is Scoring.SETTLED else "best"


def chunks(items: Sequence[T], size: int) -> list[list[T]]:
    """Returns ``items`` cut into lists of at most ``size``, of about equal length.

    Example:
        >>> chunks([1, 2, 3, 4, 5], 4)
        [[1, 2, 3], [4, 5]]
    """
    if not items:
        return []
    pages = math.ceil(len(items) / size)
    per_page = math.ceil(len(items) / pages)
    return [list(items[i : i + per_page]) for i in range(0, len(items), per_page)]


class Pad(NamedTuple):
    """Distances around and between panels, in inches; they hold titles and tick labels."""

    left: float
    right: float
    above: float
    below: float
    between_columns: float
    between_rows: float


class Page(NamedTuple):
    """A figure with everything around its panels.

    Attributes:
        figure: The figure.
        top: Distance from the figure's lower edge to the upper edge of the panels' space, in inches.
        bottom: The same to its lower edge.
    """

    figure: Figure
    top: float
    bottom: float

    def grid(
        self,
        n_rows: int,
        n_columns: int,
        *,
        pad: Pad,
        width_ratios: Sequence[float] | None = None,
        height_ratios: Sequence[float] | None = None,
    ) -> list[list[Axes]]:
        """Returns a grid of panels; fixed distances, since matplotlib's layout engines take seconds.

        Args:
            n_rows: Rows of panels.
            n_columns: Columns of panels.
            pad: Distances in inches.
            width_ratios: Relative widths of the columns.
            height_ratios: Relative heights of the rows.

        Returns:
            The axes by row.
        """
        height = self.figure.get_figheight()
        cell_h = (self.top - self.bottom - pad.above - pad.below - (n_rows - 1) * pad.between_rows) / n_rows
        cell_w = (WIDTH - pad.left - pad.right - (n_columns - 1) * pad.between_columns) / n_columns
        axes = self.figure.subplots(
            n_rows, n_columns, squeeze=False, width_ratios=width_ratios, height_ratios=height_ratios,
            gridspec_kw={
                "left": pad.left / WIDTH, "right": 1 - pad.right / WIDTH, "wspace": pad.between_columns / cell_w,
                "top": (self.top - pad.above) / height, "bottom": (self.bottom + pad.below) / height,
                "hspace": pad.between_rows / cell_h,
            },
        )  # fmt: skip
        return [list(row) for row in axes]


def page(
    evidence: Evidence,
    title: str,
    subtitle: str,
    notes: Sequence[str],
    body: float,
    handles: Sequence[Artist],
    *,
    scored: bool = True,
) -> Page:
    """Returns an empty page: everything around the panels stands, the space between is left to them.

    Under the figure of a quick size stands first that it is no evidence.

    Args:
        evidence: The run, for footer and watermark.
        title: Title in a few words.
        subtitle: What is drawn, in a sentence.
        notes: How to read it, one or two sentences each.
        body: Height for the panels, in inches.
        handles: Entries of the shared legend.
        scored: Whether what is drawn hangs on scores, so that the footer says what they go by.

    Returns:
        The page; put panels into its grid.
    """
    subtitles = textwrap.wrap(subtitle, 135)
    said = [evidence.size_note, *notes] if evidence.size_note else notes
    wrapped = [line for note in said for line in textwrap.wrap(note, 158)]
    footer = textwrap.wrap(escaping.figure(evidence.footer if scored else evidence.source, limit=400), 175)
    longest = max((len(str(handle.get_label())) for handle in handles), default=0)
    per_row = max(1, min(len(handles), int((WIDTH - 2 * MARGIN) / (0.68 + 0.073 * longest))))
    head = 0.45 + 1.15 * LINE * len(subtitles) + 0.21 * math.ceil(len(handles) / per_row) + 0.06
    foot = LINE * (len(wrapped) + len(footer)) + 0.16
    height = head + body + foot
    figure = Figure(figsize=(WIDTH, height), facecolor="white")

    def write(lines: Sequence[str], y: float, step: float, size: float, color: str) -> float:
        for line in lines:
            figure.text(MARGIN / WIDTH, y / height, line, fontsize=size, va="top", color=color)
            y -= step
        return y

    figure.text(
        MARGIN / WIDTH,
        1 - 0.1 / height,
        evidence.titled(title),
        fontsize=13,
        fontweight="bold",
        va="top",
        color="#111111",
    )
    y = write(subtitles, height - 0.42, 1.15 * LINE, 9.5, style.INK)
    if handles:
        figure.legend(
            handles=[handle for column in range(per_row) for handle in handles[column::per_row]],  # read by rows
            loc="upper left", bbox_to_anchor=(MARGIN / WIDTH, y / height), ncols=per_row,
            handlelength=2.6, columnspacing=1.5, borderaxespad=0.0, borderpad=0.2,
        )  # fmt: skip
    write(footer, write(wrapped, foot - 0.06, LINE, 8.0, style.INK), LINE, 7.2, style.FAINT)
    if evidence.watermark:
        _watermark(figure, evidence.watermark)
    return Page(figure, height - head, foot)


def _watermark(figure: Figure, text: str) -> None:
    figure.text(
        0.5, 0.5, text, fontsize=44, fontweight="bold", color="#bb0000", alpha=0.22, rotation=28,
        ha="center", va="center", zorder=100,
    )  # fmt: skip


#: What is said of them below a figure.
UNJOINED = "Marks without a line: trials in which further hyperparameters were drawn as well."


def unjoined(evidence: Evidence, names: Sequence[str]) -> set[str]:
    """Returns the rules whose trials no line joins: they were drawn with further hyperparameters, not the swept one."""
    entries = evidence.manifest.get("optimizers", {})
    return {name for name in names if len(entries.get(name, {}).get("search", {})) > 1}


def rule_handles(names: Sequence[str], *, solid: bool = False, limit: int = 24) -> list[Artist]:
    """Returns the legend entries of optimizers.

    Args:
        names: Labels of the optimizers; each is drawn as ``style.look`` says.
        solid: Whether all have solid lines.
        limit: Longest name, where names stay apart; else they stand in full.

    Returns:
        The entries, in the order of the names.
    """
    handles: list[Artist] = []
    labels = [escaping.figure(name, limit) for name in names]
    if len(set(labels)) < len(set(names)):
        labels = [escaping.figure(name, limit=120) for name in names]
    for name, label in zip(names, labels, strict=True):
        look = style.look(name)
        dash = style.SOLID if solid else look.dash
        # A leading underscore would hide the entry.
        label = f" {label}" if label.startswith("_") else label
        handles.append(Line2D([], [], color=look.color, marker=look.marker, linestyle=dash, label=label))
    return handles


def small_multiples(
    sheet: Page, labels: Sequence[str], *, between_rows: float, pads: tuple[float, float] = (4.0, 4.0)
) -> list[Axes]:
    """Returns one panel per label in a grid, titled; surplus places stay empty.

    Args:
        sheet: The page.
        labels: Titles of the panels.
        between_rows: Space for tick labels and titles between rows, in inches.
        pads: Points between a panel and its title, in the first row and in the others.

    Returns:
        The axes in the order of ``labels``.
    """
    columns = min(COLUMNS, len(labels))
    pad = Pad(0.68, 0.12, 0.2 + pads[0] / 72, 0.48, 0.52, between_rows)
    axes = [ax for row in sheet.grid(rows(len(labels)), columns, pad=pad) for ax in row]
    for surplus in axes[len(labels) :]:
        surplus.set_axis_off()
    for i, (ax, label) in enumerate(zip(axes, labels, strict=False)):
        panel_title(ax, label, pads[0] if i < columns else pads[1])
    return axes[: len(labels)]


def panel_title(ax: Axes, text: str, above: float) -> None:
    """Writes a panel's title, ``above`` points over it, as small as it must be to end where the panel ends."""
    title = escaping.figure(text, limit=44)
    font = FontProperties(family=style.RC["font.family"], weight="bold", size=style.RC["axes.titlesize"])
    needed, room = TextPath((0, 0), title, prop=font).get_extents().x1, 72 * WIDTH * ax.get_position().width
    size = font.get_size_in_points() * min(1.0, 0.96 * room / needed)  # hinting widens small letters
    # A fixed height spares matplotlib the search for a free one, which takes longer than the curves.
    ax.set_title(title, loc="left", color=style.INK, y=1.0, pad=above, fontsize=size)


def row_title(ax: Axes, text: str, above: float) -> None:
    """Writes a row's title over its first panel, ``above`` points over the panel's upper edge."""
    ax.annotate(
        escaping.figure(text, 60), (0.0, 1.0), xytext=(0, above), xycoords="axes fraction",
        textcoords="offset points", ha="left", fontsize=9.5, fontweight="bold", color=style.INK,
    )  # fmt: skip


def rows(n_panels: int) -> int:
    """Returns how many rows of panels ``n_panels`` need."""
    return math.ceil(n_panels / COLUMNS)


def is_left(index: int) -> bool:
    """Returns whether panel ``index`` stands in the left column."""
    return index % COLUMNS == 0


def is_bottom(index: int, n_panels: int) -> bool:
    """Returns whether no panel stands below panel ``index``."""
    return index + COLUMNS >= n_panels


def log_ticks(ax: Axes, axis: str, numticks: int) -> None:
    """Puts at most ``numticks`` powers of ten on a logarithmic axis; minor ticks would take half the drawing time."""
    target = ax.xaxis if axis == "x" else ax.yaxis
    target.set_major_locator(LogLocator(numticks=numticks))
    target.set_minor_locator(NullLocator())


def few_ticks(ax: Axes, axis: str = "y") -> None:
    """Puts ticks on a logarithmic axis that may span less than a decade: at 1, 2 and 5 of each, as plain numbers."""
    target = ax.xaxis if axis == "x" else ax.yaxis
    target.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=12))
    target.set_minor_locator(NullLocator())
    target.set_major_formatter(lambda value, _: f"{value:g}")


def remark(ax: Axes, lines: Sequence[str], *, top: bool = False) -> None:
    """Writes small lines into a panel's corner: what the curves alone would hide."""
    if lines:
        ax.text(
            0.02, 0.97 if top else 0.03, "\n".join(lines), transform=ax.transAxes, fontsize=7, color=style.INK,
            va="top" if top else "bottom", ha="left", zorder=20,
            bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.2},
        )  # fmt: skip
