"""What is there of each data set, without changing anything."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from optbench.tasks.data import registry
from optbench.tasks.data.folder import path as path_of
from optbench.tasks.data.folder import root
from optbench.tasks.data.inspecting import Condition, Finding, explained, inspect
from optbench.tasks.data.loading import archive_there, load
from optbench.tasks.data.registry import DataSet, Origin


class Presence(StrEnum):
    """How a data set is."""

    EMBEDDED = "embedded"
    GENERATED = "generated"
    PRESENT = "present"
    ABSENT = "absent"
    INCOMPLETE = "incomplete"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found of a data set.

    Attributes:
        data_set: Which one.
        state: How it is.
        findings: What was found of each of its files.
        archive: Its archive, where that lies beside.
        folder: Root of all data sets.
    """

    data_set: DataSet
    state: Presence
    findings: tuple[Finding, ...]
    archive: Path | None
    folder: Path

    @property
    def is_bad(self) -> bool:
        """Whether some files are there, but the set cannot be used."""
        return self.state in (Presence.DAMAGED, Presence.INCOMPLETE)

    def explanation(self) -> str:
        """Returns the message about files that are missing or damaged."""
        return explained(self.data_set, self.findings, archive=self.archive)


def survey(name: str, folder: Path | str | None = None, *, sums: bool = True) -> Survey:
    """Tells what is there of a data set.

    Args:
        name: Its name.
        folder: Root of all data sets, as in ``load``.
        sums: Whether to check SHA-256 sums, and not sizes alone; the embedded set is loaded then.

    Returns:
        What was found.

    Raises:
        UsageError: There is no such data set.
        DataError: The embedded set is not the original.
        StorageError: The system refused to read a file.
    """
    found = registry.find(name)
    if found.origin is not Origin.FILES:
        if sums:
            load(name)
        return Survey(found, Presence(found.origin), (), None, root(folder))
    findings = tuple(inspect(path_of(found, file, folder), file, sums=sums) for file in found.files)
    return Survey(found, _state(findings), findings, archive_there(found, folder), root(folder))


def _state(findings: tuple[Finding, ...]) -> Presence:
    conditions = {finding.condition for finding in findings}
    if conditions == {Condition.GOOD}:
        return Presence.PRESENT
    if conditions == {Condition.MISSING}:
        return Presence.ABSENT
    return Presence.INCOMPLETE if conditions == {Condition.GOOD, Condition.MISSING} else Presence.DAMAGED
