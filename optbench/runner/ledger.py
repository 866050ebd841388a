"""The ledger of a run: its manifest, what a resumed run takes over, and the shards that are committed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from optbench import environment, store
from optbench.console import Progress
from optbench.errors import UsageError
from optbench.records.measures import ROWS as MEASURES

Report = Callable[[Progress], None]


class Ledger:
    """The manifest of a run and its committed shards.

    Attributes:
        folder: The run's folder, held by ``store.writing``.
        done: Commit records by shard name.
        manifest: The manifest.
    """

    def __init__(self, folder: Path, manifest: Mapping[str, Any]) -> None:
        """Sets damaged shards aside and takes over what a stopped run had.

        Args:
            folder: The run's folder.
            manifest: What it would be if the run began now.
        """
        store.quarantine(folder)
        self.folder = folder
        self.done = store.committed(folder)
        old = store.read_manifest(folder) if (folder / "manifest.json").exists() else {}
        _check_versions(folder, old if self.done else {})
        taken_over = ("created_utc", "state", "compile_s", "programs", "training")
        self.manifest: dict[str, Any] = {**manifest, **{key: value for key, value in old.items() if key in taken_over}}

    @property
    def is_closed(self) -> bool:
        """Whether the run is finished, and no file of it has changed since."""
        return bool(self.manifest["state"] == "finished" and not store.verify(self.folder))

    def shows_another_table(self) -> None:
        """Writes which table answers the question, if a suite's file names another one since the run was computed."""
        old = store.read_manifest(self.folder)
        if old.get("table") != self.manifest["table"]:
            store.write_manifest(self.folder, {**old, "table": self.manifest["table"]})

    def begin(self) -> None:
        """Says on disk that the run goes on."""
        self.manifest |= {"state": "running", "finished_utc": None}
        self.write()

    def write(self) -> None:
        """Writes the manifest."""
        store.write_manifest(self.folder, self.manifest)

    def note(self, entries: Mapping[str, Any]) -> None:
        """Says on disk what the manifest did not say before."""
        if any(self.manifest.get(key) != value for key, value in entries.items()):
            self.manifest |= entries
            self.write()

    def commit(self, name: str, columns: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        """Writes the rows of a shard.

        Args:
            name: Its name.
            columns: The rows, by column.
            facts: What its record says beside how many ended how: ``run_s``, seconds of the clock, and ``thread_s``,
                those of all threads, if they are others.
        """
        counts = dict(sorted(Counter(columns["status"]).items()))
        record = {"thread_s": facts["run_s"], **facts, "status_counts": counts}
        self.done[name] = store.write_shard(self.folder, name, columns, record, schema=store.row_schema(self.manifest))

    def commit_measures(self, name: str, columns: Mapping[str, Any], seconds: Sequence[float]) -> None:
        """Writes rows of measures beside the rows of runs.

        Args:
            name: Name of the shard.
            columns: The rows, by column.
            seconds: Of the clock, that each row took.
        """
        store.write_shard(self.folder, name, columns, {"seconds": list(seconds)}, schema=MEASURES)

    def close(self, *, compile_s: float, made_s: float, **more: Any) -> None:
        """Says on disk that the run is finished, with the sum of every file.

        Args:
            compile_s: Seconds of compiling of this process.
            made_s: Seconds of making what is stored beside rows.
            **more: Other entries of the manifest.
        """
        records = store.committed(self.folder)
        counts: Counter[str] = Counter()
        for record in records.values():
            counts.update(record["status_counts"])
        self.manifest |= {
            "state": "finished",
            "finished_utc": now(),
            "status_counts": dict(sorted(counts.items())),
            "compile_s": round(self.manifest["compile_s"] + compile_s, 3),
            "run_s": round(sum(record["run_s"] for record in records.values()) + made_s, 3),
            # A shard of an older build has no seconds but those of its threads.
            "thread_s": round(sum(record.get("thread_s", record["run_s"]) for record in records.values()), 3),
            **more,
            "files": store.file_sums(self.folder),
        }
        self.write()


def _check_versions(folder: Path, old: dict[str, Any]) -> None:
    """Refuses to finish under one JAX what was begun under another: bits may differ, and one manifest names one."""
    if old.get("state", "finished") == "finished":
        return
    now = environment.package_versions()
    for package in ("jax", "jaxlib"):
        if old["versions"].get(package) != now.get(package):
            raise UsageError(
                f"{folder} was begun under {package} {old['versions'].get(package)}, this is {now.get(package)}: "
                "finish it there, or compute it again with --fresh"
            )


def now() -> str:
    """Returns the time as manifests have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
