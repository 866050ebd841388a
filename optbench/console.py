"""The terminal: how wide it is, and progress on stderr: a bar there, a plain line now and then everywhere else."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO, TypeVar

#: Seconds between two plain lines, and between two lines that say the same phase.
PLAIN_INTERVAL_S = 10.0

Fallback = TypeVar("Fallback", int, None)


def text_width(stream: TextIO, piped: Fallback) -> int | Fallback:
    """Returns how many columns a text may fill: what ``COLUMNS`` says, else the terminal's, else a fallback.

    Args:
        stream: Where the text is written, usually ``sys.stdout``.
        piped: What holds where it is no terminal, as in a pipe or a file.

    Returns:
        The number of columns, or the fallback.
    """
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    return shutil.get_terminal_size().columns if stream.isatty() else piped


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        cells_done: Cells whose rows are committed.
        cells_total: Cells planned.
        run_steps_per_s: Steps of single runs a second, compilation left out; 0 if not yet known.
        eta_s: Estimated seconds to the end; ``inf`` if not yet known.
        compile_s: Seconds spent compiling so far.
        phase: What is being done, such as ``compiling`` or ``rosenbrock-2d-i1 adam``.
    """

    cells_done: int
    cells_total: int
    run_steps_per_s: float = 0.0
    eta_s: float = float("inf")
    compile_s: float = 0.0
    phase: str = ""


def duration(seconds: float) -> str:
    """Returns a duration in words of one glance.

    Example:
        >>> duration(4.2), duration(75), duration(7260), duration(float("inf"))
        ('4.2 s', '1 min 15 s', '2 h 01 min', '?')
    """
    if seconds == float("inf"):
        return "?"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def line(progress: Progress) -> str:
    """Returns a progress report as one line of text.

    Example:
        >>> line(Progress(30, 120, 4e7, 12.0, 3.1, "adam"))
        '30/120 cells | 40.0 M run-steps/s | ETA 12.0 s | compiled 3.1 s | adam'
    """
    parts = [f"{progress.cells_done:,}/{progress.cells_total:,} cells"]
    if progress.run_steps_per_s > 0:
        parts.append(f"{_speed(progress.run_steps_per_s)} run-steps/s")
    if progress.cells_done < progress.cells_total:
        parts.append(f"ETA {duration(progress.eta_s)}")
    parts.append(f"compiled {duration(progress.compile_s)}")
    if progress.phase:
        parts.append(progress.phase)
    return " | ".join(parts)


def _speed(run_steps_per_s: float) -> str:
    """Returns a speed with its prefix: networks make hundreds of steps in a second, landscapes millions."""
    factor, prefix = (1e6, "M") if run_steps_per_s >= 5e4 else (1e3, "k")
    return f"{run_steps_per_s / factor:.1f} {prefix}"


@contextmanager
def progress(stream: TextIO) -> Iterator[Callable[[Progress], None]]:
    """Shows progress reports on a stream while the block runs.

    Args:
        stream: Usually ``sys.stderr``.

    Yields:
        The function to call with each report.
    """
    if stream.isatty():
        with _bar(stream) as show:
            yield show
    else:
        yield _plain(stream)


def _plain(stream: TextIO) -> Callable[[Progress], None]:
    """Returns a reporter that writes the first and the last report, and one every ten seconds between."""
    shown_at = float("-inf")
    finished = False

    def show(report: Progress) -> None:
        nonlocal shown_at, finished
        now = time.monotonic()
        last = report.cells_done >= report.cells_total
        if finished or (not last and now - shown_at < PLAIN_INTERVAL_S):
            return
        shown_at, finished = now, last
        stream.write(line(report) + "\n")
        stream.flush()

    return show


@contextmanager
def _bar(stream: TextIO) -> Iterator[Callable[[Progress], None]]:
    """Draws a bar with the numbers beside it; it vanishes at the end."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(bar_width=24), TextColumn("{task.description}"))
    with Bar(*columns, console=Console(file=stream), transient=True, refresh_per_second=8) as bar:
        task = bar.add_task("planning", total=None)

        def show(report: Progress) -> None:
            bar.update(task, total=report.cells_total, completed=report.cells_done, description=escape(line(report)))

        yield show
