"""A run seen through a choice: tables' and figures' frames with some rules, problems or tasks alone."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import numpy as np

from optbench.errors import UsageError, unknown_name
from optbench.kinds import KINDS
from optbench.report.evidence import MEAN, Evidence

if TYPE_CHECKING:
    import pandas as pd

#: Columns by what they name. The numbers stay those of the whole run: nothing is judged anew.
_COLUMNS = {"optimizers": ("optimizer", "untuned", "tuned")}
#: Between the labels of rules that coincide and are ranked as one.
_SAME = " = "


class Chosen(Evidence):
    """Evidence that shows some entries alone, and says so in its footer."""

    def __init__(self, whole: Evidence, shown: dict[str, list[str]]) -> None:
        """Wraps evidence.

        Args:
            whole: All of it.
            shown: Labels by ``optimizers`` or by the manifest's table of the kind, such as ``problems``; what is not
                named is shown whole.
        """
        super().__init__(whole.run, scoring=None)
        self._wanted = whole._wanted
        self._whole, self._shown = whole, shown

    @property
    def whole(self) -> Evidence:
        """All of the evidence: means and ranks are over it, whatever is shown."""
        return self._whole

    def frame(self, name: str) -> pd.DataFrame:
        """Returns a frame of analysis with the chosen entries alone."""
        return self._kept(self._whole.frame(name))

    def picture(self, name: str) -> pd.DataFrame | None:
        """Returns stored picture data of the chosen entries alone."""
        found = self._whole.picture(name)
        kept = None if found is None else self._kept(found)
        return None if kept is None or kept.empty else kept

    @property
    def footer(self) -> str:
        """Where the numbers come from and what scores go by, and what of it is shown."""
        return " · ".join([self._whole.footer, self._said])

    @property
    def source(self) -> str:
        """Where the numbers come from, and what of it is shown."""
        return " · ".join([self._whole.source, self._said])

    @property
    def _said(self) -> str:
        said = [f"{len(labels)} of {len(self._whole.manifest[what])} {what}" for what, labels in self._shown.items()]
        return f"shown: {', '.join(said)}"

    def _kept(self, frame: pd.DataFrame) -> pd.DataFrame:
        for what, labels in self._shown.items():
            wanted = {*labels, MEAN}
            for column in _COLUMNS.get(what, (self.of_kind.entry,)):
                if column in frame.columns and frame[column].dtype.kind not in "fiub":
                    names = frame[column].astype(str)
                    frame = frame[np.array([bool(wanted & set(name.split(_SAME))) for name in names], dtype=bool)]
        return frame.reset_index(drop=True)


def chosen(
    evidence: Evidence,
    *,
    optimizers: Iterable[str] | None = None,
    problems: Iterable[str] | None = None,
) -> Evidence:
    """Returns evidence that shows some entries alone.

    Args:
        evidence: A run.
        optimizers: Names, labels or patterns of its optimizers; ``None`` for all.
        problems: The same of its problems; of what a run of another kind has in their place, such as tasks.

    Returns:
        The evidence; itself if nothing was chosen.

    Raises:
        UsageError: The run has no such entry; all wrong names at once.
    """
    what = KINDS[evidence.kind]
    asked = {"optimizers": optimizers, what: problems}
    faults: list[str] = []
    shown = {kind: labels_of(evidence, kind, names, faults) for kind, names in asked.items() if names is not None}
    if faults:
        raise UsageError(faults)
    return Chosen(evidence, shown) if shown else evidence


def labels_of(evidence: Evidence, what: str, names: str | Iterable[str], faults: list[str]) -> list[str]:
    """Returns the labels that names stand for, in the manifest's order.

    Args:
        evidence: A run.
        what: ``optimizers``, or the manifest's table of the kind, such as ``problems``.
        names: Labels, names or patterns, or a single one.
        faults: Where messages about unknown names go.

    Returns:
        The labels.
    """
    entries = evidence.manifest.get(what, {})
    found: set[str] = set()
    for name in [names] if isinstance(names, str) else names:
        hits = {
            label for label, entry in entries.items() if name in (label, entry.get("name")) or fnmatchcase(label, name)
        }
        if not hits:
            noun = what[:-1] if what == "optimizers" else evidence.of_kind.entry
            faults.append(unknown_name(f"{noun} of this run", name, entries))
        found |= hits
    return [label for label in entries if label in found]
