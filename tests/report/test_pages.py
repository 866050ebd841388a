"""Pages are drawn one by one."""

from __future__ import annotations

import gc
import weakref
from types import SimpleNamespace

import pytest
from matplotlib.figure import Figure

from optbench.report import figures
from optbench.report.figures.pages import Pages


def test_a_page_is_drawn_when_it_is_asked_for_and_not_kept():
    made = []
    pages = Pages([lambda name=name: made.append(name) or name for name in "abc"])
    assert len(pages) == 3
    assert not made
    assert pages[1] == "b"
    assert list(pages[1:]) == ["b", "c"]
    assert list(pages) == ["a", "b", "c"]
    assert "".join(made) == "bbcabc"
    with pytest.raises(IndexError):
        pages[3]


def test_writing_holds_one_page_at_a_time(tmp_path):
    said = []

    def page(number):
        said.append(f"drawn {number}")
        return SimpleNamespace(savefig=lambda buffer, **_: said.append(f"saved {number}"))

    written = figures.write(Pages([lambda: page(1), lambda: page(2)]), "many", "png", tmp_path)
    assert said == ["drawn 1", "saved 1", "drawn 2", "saved 2"]
    assert [path.name for path in written] == ["many.png", "many-2.png"]


def test_a_page_is_gone_when_the_next_is_drawn(tmp_path, monkeypatch):
    """Matplotlib's figures are circles of objects, which Python frees when it happens to look for them."""
    # Other tests of figures do without, for speed.
    monkeypatch.setattr(figures, "gc", gc)
    drawn = []

    def page():
        assert all(figure() is None for figure in drawn)
        figure = Figure()
        figure.add_subplot().plot([1, 2])
        drawn.append(weakref.ref(figure))
        return figure

    frozen = gc.get_freeze_count()
    gc.disable()
    try:
        figures.write(Pages([page] * 3), "many", "png", tmp_path)
    finally:
        gc.enable()
    assert len(drawn) == 3
    assert gc.get_freeze_count() == frozen
