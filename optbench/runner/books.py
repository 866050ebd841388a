"""The books of a run: what every manifest says, what a resumed run takes over, and how a run is closed."""

from __future__ import annotations

import importlib.metadata
import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jax

from optbench import __version__, catalog, environment, store, user_code
from optbench.console import Progress
from optbench.core.keys import digest
from optbench.errors import UsageError
from optbench.records.schema import SCHEMA_VERSION
from optbench.runner.part import part_of
from optbench.suite.networks import NetworkSuite
from optbench.suite.parse import Suite
from optbench.suite.spec import SuiteSpec

Report = Callable[[Progress], None]

#: Where a run says what its caller should know and may not ask for.
LOG = logging.getLogger("optbench")


class Books:
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

    def commit(self, name: str, columns: Mapping[str, Any], facts: dict[str, Any]) -> None:
        """Writes the rows of a shard, with how many ended how."""
        facts["status_counts"] = dict(sorted(Counter(columns["status"]).items()))
        self.done[name] = store.write_shard(self.folder, name, columns, facts, schema=store.row_schema(self.manifest))

    def close(self, *, compile_s: float, pictures_s: float = 0.0, **more: Any) -> None:
        """Says on disk that the run is finished, with the sum of every file.

        Args:
            compile_s: Seconds of compiling of this process.
            pictures_s: Seconds of making picture data.
            **more: Other entries of the manifest.
        """
        records = store.committed(self.folder)
        counts: Counter[str] = Counter()
        for record in records.values():
            counts.update(record["status_counts"])
        self.manifest |= {
            "state": "finished",
            "finished_utc": _now(),
            "status_counts": dict(sorted(counts.items())),
            "compile_s": round(self.manifest["compile_s"] + compile_s, 3),
            "run_s": round(sum(record["run_s"] for record in records.values()) + pictures_s, 3),
            # A shard of an older build has no seconds but those of its threads.
            "thread_s": round(sum(record.get("thread_s", record["run_s"]) for record in records.values()), 3),
            **more,
            "files": store.file_sums(self.folder),
        }
        self.write()


def opening(
    read: Suite,
    spec: SuiteSpec | NetworkSuite,
    *,
    run_id: str,
    quick: bool,
    selection: Mapping[str, Any],
    command: list[str],
    threads: int,
    names: Iterable[str],
    absent: Iterable[str] = (),
) -> dict[str, Any]:
    """Returns what the manifest of any run says when it begins.

    Args:
        read: The suite as it was read.
        spec: The suite that is run: after selection, or in its quick size.
        run_id: The run's name.
        quick: Whether it is the quick size.
        selection: What was selected.
        command: The command that computes it.
        threads: Calls in flight.
        names: Names of its rules, functions and models.
        absent: Labels of tasks whose data are not here.

    Returns:
        Entries of a manifest.
    """
    device = jax.devices()[0]
    provenance = environment.provenance(command)
    provenance["machine"] |= {"device_kind": device.device_kind, "platform": device.platform, "threads": threads}
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": run_id,
        "suite": {
            "name": spec.name,
            "version": spec.version,
            "question": spec.question,
            "hash": spec.hash(),
            "source_sha256": digest(read.text, size=32),
            "text": read.text,
        },
        "selection": dict(selection),
        "part": part_of(read.spec, spec, absent),
        "size": "quick" if quick else "full",
        "seed": spec.seed,
        "tuning": spec.tuning,
        "table": spec.table,
        "created_utc": _now(),
        "finished_utc": None,
        "state": "running",
        **provenance,
        "sources": sources(names),
        "programs": [],
        "status_counts": {},
        "files": {},
        "compile_s": 0.0,
        "run_s": 0.0,
        "thread_s": 0.0,
    }


def identity(content: Mapping[str, object], names: Iterable[str], *, seed: int, quick: bool, schema: int) -> str:
    """Returns the name of a run: the hash of what it computes, and with which code.

    Args:
        content: What the suite computes.
        names: Names of rules, functions and models; a user's own count by their code.
        seed: The suite's seed.
        quick: Whether it is the quick size.
        schema: The identity of its schema of rows, ``IDENTITY`` of ``records.landscapes`` or ``records.networks``.

    Returns:
        The identity.
    """
    whole: dict[str, object] = {
        **content,
        "seed": seed,
        "version": __version__,
        "schema": schema,
        "backend": jax.default_backend(),
    }
    if quick:
        whole["size"] = "quick"
    if found := sources(names):
        whole["sources"] = found
    return store.run_id(whole)


def sources(names: Iterable[str]) -> dict[str, str]:
    """Returns what a run's own code is known by.

    Args:
        names: Names of rules, functions and models.

    Returns:
        SHA-256 of the file of each module that holds a user's own, and of each of the user's modules that these import,
        by name of the module. For CUTEst's problems it is the version of the package that they are from.
    """
    objects = _own(names)
    cutest = objects.pop(catalog.CUTEST, None)
    found = dict(user_code.sums(objects).of)
    if cutest:
        found[catalog.CUTEST] = f"sif2jax {importlib.metadata.version('sif2jax')}"
    return found


def warn_of_edits(names: Iterable[str]) -> None:
    """Says which files of a user's own are not what runs: those edited after this process imported them, or hidden.

    Args:
        names: Names of rules, functions and models.
    """
    objects = _own(names)
    objects.pop(catalog.CUTEST, None)
    found = user_code.sums(objects)
    for module in found.edited:
        LOG.warning(
            "%s was edited after this process imported it: what runs, and what the run is known by, is the older text; "
            "a new process or importlib.reload takes the new one",
            module,
        )
    for module, file in found.hidden.items():
        LOG.warning(
            "%s was imported from %s; that of %s is not taken, unless by a new process",
            module,
            sys.modules[module].__file__,
            file,
        )


def _own(names: Iterable[str]) -> dict[str, list[str]]:
    """Returns the attributes that a user named, by module."""
    found: dict[str, list[str]] = {}
    for name in names:
        module, colon, attribute = name.partition(":")
        if colon:
            found.setdefault(module, []).append(attribute.partition("+")[0])
    return found


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


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
