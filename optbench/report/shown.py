"""What a run printed and drew, kept beside it: shown again as it is, while rows, code and libraries are the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from optbench import environment
from optbench.report.evidence import StoredRun
from optbench.store import files, verify

NAME = "shown.json"
FIGURES = "figures"


class Kept(NamedTuple):
    """What is kept of what a run showed.

    Attributes:
        tables: Texts, by all that they depend on beside the run.
        figures: SHA-256 of each file, by its name.
        is_current: Whether they were made of this manifest by this code and these libraries.
    """

    tables: dict[str, str]
    figures: dict[str, str]
    is_current: bool


def kept(run: StoredRun) -> Kept | None:
    """Returns what is kept of what a run showed, ``None`` where there is nothing that can be read.

    Args:
        run: The stored run.
    """
    found = _read(Path(run.path) / NAME)
    return Kept(found["tables"], found["figures"], found.get("key") == _key(run.manifest)) if found else None


class Shown:
    """Tables and figures of a run, made where they are not there or not current.

    Attributes:
        path: The run's folder.
    """

    def __init__(self, run: StoredRun) -> None:
        """Reads what is kept.

        Args:
            run: The stored run, whose manifest has the sum of every file of evidence.
        """
        self.path = Path(run.path)
        self._key = _key(run.manifest)
        kept = _read(self.path / NAME)
        is_whole = run.manifest.get("state") == "finished"
        # Files that were changed since are for whoever reads the rows to explain.
        is_current = is_whole and kept.get("key") == self._key and not verify(self.path)
        self._tables: dict[str, str] = dict(kept["tables"]) if is_current else {}
        self._figures: dict[str, str] = dict(kept["figures"]) if is_current else {}

    def table(self, asked: str, make: Callable[[], str]) -> str:
        """Returns a table as text.

        Args:
            asked: All that the text depends on beside the run: kind, format, width, letters.
            make: Makes it.
        """
        if asked not in self._tables:
            # One of each width would pile up: what is shown again is what was shown last.
            self._tables = {asked: make()}
        return self._tables[asked]

    def figures(self, make: Callable[[], list[Path]]) -> list[Path]:
        """Returns the files of the figures; they are left alone where all are there as they were drawn.

        Args:
            make: Draws them into the folder ``figures`` of the run.
        """
        drawn = [self.path / FIGURES / name for name in self._figures]
        if drawn and all(path.is_file() and _sum(path) == self._figures[path.name] for path in drawn):
            return drawn
        drawn = make()
        self._figures = {path.name: _sum(path) for path in drawn}
        return drawn

    def keep(self) -> None:
        """Writes down what was shown."""
        content = {"key": self._key, "tables": self._tables, "figures": self._figures}
        files.write_atomic(self.path / NAME, (json.dumps(content, indent=1) + "\n").encode())


def _key(manifest: Mapping[str, Any]) -> str:
    """Returns the hash of all that tables and figures are made from and by."""
    made = [manifest, environment.code_sha256(), environment.package_versions()]
    return hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    """Returns what is kept, empty where nothing is; a damaged file is nothing, since all of it can be made again."""
    try:
        kept = json.loads(files.read(path)) if path.is_file() else {}
    except ValueError:
        return {}
    known = isinstance(kept, dict) and all(isinstance(kept.get(part), dict) for part in ("tables", "figures"))
    return kept if known else {}


def _sum(path: Path) -> str:
    return hashlib.sha256(files.read(path)).hexdigest()
