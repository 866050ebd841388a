"""Checks that every committed table is what its committed rows give today, byte for byte.

    python benchmarks/rerender.py

Part of ``.ci/run``. Ends with code 1 and the difference of each table that is another.
"""

from __future__ import annotations

import difflib
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from optbench import store
from optbench.report import tables
from optbench.report.evidence import Evidence

ROOT = Path(__file__).parent.parent
FORMATS = {".md": "markdown", ".csv": "csv", ".tex": "latex", ".json": "json", ".txt": "terminal"}


def main() -> int:
    """Compares all tables, each run read once, and returns the exit code."""
    listed = subprocess.run(
        ["git", "ls-files", "results/*/*/tables/*"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    by_run: dict[Path, list[Path]] = defaultdict(list)
    for line in listed.stdout.splitlines():
        by_run[(ROOT / line).parents[1]].append(ROOT / line)
    wrong = 0
    for folder, paths in by_run.items():
        seen = Evidence.of(store.load(folder))
        for path in paths:
            found, stored = tables.render(seen, path.stem, FORMATS[path.suffix]), path.read_text(encoding="utf-8")
            if found != stored:
                wrong += 1
                name = str(path.relative_to(ROOT))
                print("".join(difflib.unified_diff(stored.splitlines(True), found.splitlines(True), name, "today")))
    total = sum(map(len, by_run.values()))
    print(f"{total - wrong} of {total} committed tables are what their rows give")
    return 1 if wrong or not total else 0


if __name__ == "__main__":
    sys.exit(main())
