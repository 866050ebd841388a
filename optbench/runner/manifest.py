"""What a run is named by, and what the manifest of any run says when it begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax

from optbench import __version__, environment, store
from optbench.core.keys import digest
from optbench.runner.kinds import Kind
from optbench.runner.ledger import now
from optbench.runner.part import part_of
from optbench.runner.sources import sources
from optbench.suite.parse import SuiteFile


def identity(kind: Kind, backend: str | None = None) -> str:
    """Returns the name of a run: the hash of what it computes, and with which code.

    Args:
        kind: The planned suite.
        backend: JAX's name of the platform that computes it; the one here if ``None``.
    """
    plan = kind.plan
    whole: dict[str, object] = {
        "suite": plan.spec.hash(),
        "seed": plan.spec.seed,
        "version": __version__,
        "schema": kind.schema,
        "backend": jax.default_backend() if backend is None else backend,
    }
    if plan.quick:
        whole["size"] = "quick"
    if found := sources(plan.names):
        whole["sources"] = found
    return store.run_id(whole)


def opening(read: SuiteFile, kind: Kind, selection: Mapping[str, Any], command: list[str]) -> dict[str, Any]:
    """Returns what the manifest of any run says when it begins.

    Args:
        read: The suite as it was read.
        kind: What of it is run.
        selection: What was selected.
        command: The command that computes it.

    Returns:
        Entries of a manifest.
    """
    spec, device = kind.plan.spec, jax.devices()[0]
    provenance = environment.provenance(command)
    provenance["machine"] |= {"device_kind": device.device_kind, "platform": device.platform, "threads": kind.threads}
    return {
        "run_id": identity(kind),
        "suite": {
            "name": spec.name,
            "version": spec.version,
            "question": spec.question,
            "hash": spec.hash(),
            "source_sha256": digest(read.text, size=32),
            "text": read.text,
        },
        "selection": dict(selection),
        "part": part_of(read.spec, spec, kind.plan.absent),
        "size": "quick" if kind.plan.quick else "full",
        "seed": spec.seed,
        "tuning": spec.tuning,
        "table": spec.table,
        **({"measures": {entry.title: entry.described for entry in spec.measures}} if spec.measures else {}),
        "n_cells": kind.plan.n_cells,
        "created_utc": now(),
        "finished_utc": None,
        "state": "running",
        **provenance,
        "sources": sources(kind.plan.names),
        "programs": [],
        "status_counts": {},
        "files": {},
        "compile_s": 0.0,
        "run_s": 0.0,
        "thread_s": 0.0,
    }
