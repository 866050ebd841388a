"""Modules of a user's, in a folder of their own."""

from __future__ import annotations

import importlib
import sys

import pytest

from optbench.user_code import loaded


class Lab:
    """Writes modules, imports them, and forgets them as a new process would."""

    def __init__(self, folder):
        self.folder = folder
        self.names = set()

    def write(self, paths=None, **texts):
        for name, text in {**(paths or {}), **texts}.items():
            parts = name.split("/")
            path = self.folder.joinpath(*parts).with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            self.names.add(parts[0])
        importlib.invalidate_caches()

    def forget(self):
        for name in [name for name in sys.modules if name.partition(".")[0] in self.names]:
            del sys.modules[name]
            loaded._SEEN.pop(name, None)
        importlib.invalidate_caches()

    def load(self, name):
        return importlib.import_module(name)


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """An empty folder that Python looks in; no bytecode is kept, whose times have whole seconds."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    found = Lab(tmp_path)
    yield found
    found.forget()
