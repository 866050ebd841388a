"""Which stored run the user means: a path, a suite, or suite/run-id under ./results."""

from __future__ import annotations

import json
from pathlib import Path

from optbench.errors import UsageError, nearest

ROOT = Path("results")
_MANIFEST = "manifest.json"


def find_run(text: str, root: Path = ROOT) -> Path:
    """Returns the folder of a run.

    Args:
        text: The folder of a run; the folder or name of a suite, for its latest run; or ``suite/run-id``.
        root: Where runs are kept.

    Returns:
        A folder with a manifest.

    Raises:
        UsageError: There is no such run; the nearest names are given.
    """
    for folder in (Path(text), root / text):
        if (folder / _MANIFEST).is_file():
            return folder
        runs = [manifest.parent for manifest in folder.glob(f"*/{_MANIFEST}")]
        if runs:
            return max(runs, key=lambda run: (_created(run), run.name))
    known = sorted({run.parent.parent.name for run in root.glob(f"*/*/{_MANIFEST}")})
    known += sorted(f"{run.parent.parent.name}/{run.parent.name}" for run in root.glob(f"*/*/{_MANIFEST}"))
    if not known:
        raise UsageError(f"no run {text!r}: {root}/ holds none yet; start one with: optbench run quick")
    close = nearest(text, known)
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"known: {', '.join(known)}"
    raise UsageError(f"no run {text!r} here or in {root}/; {hint}")


def _created(run: Path) -> str:
    """Returns when a run was created, empty if its manifest does not say: it then counts as the oldest."""
    try:
        manifest = json.loads((run / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(manifest.get("created_utc", "")) if isinstance(manifest, dict) else ""
