"""Progress: plain lines off a terminal, nothing on stdout, readable durations."""

from __future__ import annotations

import io
import os

from optbench import console
from optbench.console import Progress, duration, line, progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_has_its_own_width_and_a_pipe_the_fallback(monkeypatch):
    monkeypatch.setattr(console.shutil, "get_terminal_size", lambda: os.terminal_size((97, 30)))
    monkeypatch.delenv("COLUMNS", raising=False)
    assert console.text_width(Terminal(), 120) == 97
    assert console.text_width(io.StringIO(), 120) == 120
    assert console.text_width(io.StringIO(), None) is None
    monkeypatch.setenv("COLUMNS", "61")
    assert console.text_width(Terminal(), 120) == console.text_width(io.StringIO(), None) == 61


def test_plain_lines_are_few(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    with progress(stream) as show:
        for done in range(101):
            now[0] += 0.5
            show(Progress(done, 100, 1e6, 3.0, 0.5))
        show(Progress(100, 100))
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("0/100 cells | 1.0 M run-steps/s | ETA 3.0 s | compiled 0.5 s")
    assert lines[-1].startswith("100/100 cells")
    assert len(lines) == 6


def test_bar_shows_the_numbers():
    stream = Terminal()
    with progress(stream) as show:
        show(Progress(3, 10, 2e6, 61.0, 4.0, "adam [bold]"))
    assert "3/10 cells" in stream.getvalue()
    assert "[bold]" in stream.getvalue()


def test_unknown_rates_are_left_out():
    assert line(Progress(0, 5)) == "0/5 cells | ETA ? | compiled 0.0 s"
    assert line(Progress(5, 5, phase="writing")) == "5/5 cells | compiled 0.0 s | writing"


def test_durations_never_read_sixty():
    assert duration(59.97) == "1 min 00 s"
    assert duration(3599.7) == "1 h 00 min"
