"""Executes a suite: plan, programs, rows into the store, picture data; resumes what was stopped."""

from __future__ import annotations

import importlib.metadata
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jax

from optbench import __version__, catalog, environment, store
from optbench.analysis.evidence import arrange
from optbench.analysis.selection import select
from optbench.console import Progress
from optbench.core.keys import digest
from optbench.engine import pictures
from optbench.engine.execute import Engine
from optbench.engine.shelves import Pair, fault, shelf_key
from optbench.errors import UsageError
from optbench.records import SCHEMA_VERSION, Status
from optbench.suite.parse import Suite, load
from optbench.suite.plan import Group, Plan, plan
from optbench.suite.spec import SuiteSpec

#: Rules, and functions, of a suite that have trajectories and basins drawn: more cannot be told apart in a picture.
MOST_PICTURED = 12

Report = Callable[[Progress], None]


def run(
    suite: str,
    *,
    out: str | Path = "results",
    optimizers: Iterable[str] | None = None,
    problems: Iterable[str] | None = None,
    tuning: str | None = None,
    trials: int | None = None,
    quick: bool = False,
    fresh: bool = False,
    progress: Report | None = None,
) -> store.Run:
    """Runs a suite, or what is left of it, and returns what is stored.

    The folder's name is a hash of what is computed, so the same call resumes a run that was stopped
    and returns one that is finished.

    Args:
        suite: Name of a shipped suite or path of a TOML file.
        out: Folder of all results.
        optimizers: Names, labels or patterns of the entries to run; ``None`` for all.
        problems: The same for problems.
        tuning: ``grid``, ``random`` or ``default``; ``None`` for the suite's own.
        trials: Number of trials of random tuning; ``None`` for the suite's own.
        quick: Run the quick size of the suite: its table ``quick`` says what is smaller. It is a run of its own.
        fresh: Compute again, in a new folder beside what is stored.
        progress: Called with each report of how far the run is.

    Returns:
        The finished run.

    Raises:
        OptbenchError: The suite or a name is not valid, or the results folder cannot be used; the
            subclass says which.
    """
    read = load(suite)
    selection: dict[str, Any] = {
        "optimizers": None if optimizers is None else sorted(optimizers),
        "problems": None if problems is None else sorted(problems),
        **({} if tuning is None else {"tuning": tuning}),
        **({} if trials is None else {"trials": trials}),
        **({"quick": True} if quick else {}),
    }
    planned = plan(read.spec, **selection)
    identity = _identity(planned)
    name = identity if fresh else store.stopped_copy(Path(out), planned.spec.name, identity) or identity
    folder = store.run_folder(Path(out), planned.spec.name, name, fresh=fresh)
    command = _command(suite, out, selection)
    with store.writing(folder):
        _Execution(folder, read, planned, selection, command, progress or (lambda report: None)).finish()
    return store.load(folder)


class _Execution:
    """One run on its way: what is planned, what is committed, what remains."""

    def __init__(
        self,
        folder: Path,
        read: Suite,
        planned: Plan,
        selection: dict[str, Any],
        command: list[str],
        report: Report,
    ) -> None:
        """Finds out what is committed and writes the manifest of a run that has begun."""
        self.folder, self.planned, self.report = folder, planned, report
        store.quarantine(folder)
        self.done = store.committed(folder)
        self.engine = Engine()
        old = store.read_manifest(folder) if (folder / "manifest.json").exists() else {}
        _check_versions(folder, old if self.done else {})
        self.manifest = {**_manifest(read, planned, selection, command, self.engine), **_kept(old)}
        self.groups = {store.shard_name(g.problem_label, g.optimizer_label): g for g in planned.groups}

    def finish(self) -> None:
        """Runs what is not committed, then draws and closes the books."""
        if self.manifest["state"] == "finished" and not self._missing() and not store.verify(self.folder):
            return
        self.manifest |= {"state": "running", "finished_utc": None}
        store.write_manifest(self.folder, self.manifest)
        missing = self._missing()
        if missing:
            self._tell("compiling")
            self._prepare(_pair(group) for group in missing)
            self._rows(missing)
        self._tell("picture data")
        self._pictures()
        records = store.committed(self.folder)
        counts: Counter[str] = Counter()
        for record in records.values():
            counts.update(record["status_counts"])
        self.manifest |= {
            "state": "finished",
            "finished_utc": _now(),
            "status_counts": dict(sorted(counts.items())),
            "compile_s": round(self.manifest["compile_s"] + self.engine.compile_s, 3),
            "run_s": round(sum(record["run_s"] for record in records.values()), 3),
            "programs": self._programs() or self.manifest["programs"],
            "files": store.file_sums(self.folder),
        }
        store.write_manifest(self.folder, self.manifest)
        self._tell("done")

    def _missing(self) -> list[Group]:
        return [group for name, group in self.groups.items() if name not in self.done]

    def _rows(self, missing: list[Group]) -> None:
        """Runs groups and commits each as it ends."""
        begin, steps = time.perf_counter(), 0
        work = [group.n_cells * group.trips * (group.dim + 1) for group in missing]
        ahead = sum(work)
        for weight, (group, columns, facts) in zip(work, self.engine.run(missing), strict=True):
            name = store.shard_name(group.problem_label, group.optimizer_label)
            facts["status_counts"] = dict(sorted(Counter(columns["status"]).items()))
            self.done[name] = store.write_shard(self.folder, name, columns, facts)
            steps += group.n_cells * group.trips
            ahead -= weight
            elapsed = time.perf_counter() - begin
            self._tell(
                f"{group.problem_label} {group.optimizer_label}",
                rate=steps / elapsed,
                eta_s=elapsed * ahead / (sum(work) - ahead),
            )

    def _pictures(self) -> None:
        """Stores what the plots of two-dimensional problems need, each rule tuned, where it was."""
        flat = _pictured(self.planned.groups)
        if not flat:
            return
        evidence = arrange(store.read_runs(self.folder), self.manifest)
        chosen = select(evidence.tuning, evidence.facts)
        shots = []
        for group in flat:
            counts = self.done[store.shard_name(group.problem_label, group.optimizer_label)]["status_counts"]
            if any(counts.get(status, 0) for status in (Status.ERROR, Status.OOM, Status.TIMEOUT)):
                continue
            place = (group.problem_label, group.optimizer_label)
            choice = chosen.get(("tuned", place)) or chosen.get(("default", place))
            if choice is None or (group.problem_label, group.optimizer.build().name) in self.engine.faults:
                continue
            pair, hyper = _pair(group), dict(group.configs[choice.position])
            shots.append(
                pictures.Shot(
                    problem=pair.problem,
                    rule=pair.rule,
                    optimizer=group.optimizer_label,
                    hyper={name: hyper[name] for name in pair.rule.hyper},
                    swept_value=hyper[group.swept],
                    units=group.units,
                    budget=group.budget,
                    seed=group.seed,
                )
            )
        self._prepare(Pair(shot.problem, shot.rule) for shot in shots)
        for name, columns in pictures.draw(self.engine, shots).items():
            store.write_picture(self.folder, name, columns)

    def _prepare(self, pairs: Iterable[Pair]) -> None:
        """Compiles programs for some pairs, each with all of the plan's pairs that belong to it.

        A run that was stopped goes on with the programs that it began with: they are in the cache, and a neighbor in a
        program may change the last bit of a value.
        """
        keys = {shelf_key(pair) for pair in pairs if fault(pair) is None}
        planned = dict.fromkeys(_pair(group) for group in self.planned.groups)
        self.engine.prepare(pair for pair in planned if fault(pair) is not None or shelf_key(pair) in keys)

    def _programs(self) -> list[dict[str, Any]]:
        return [
            {
                "dim": program.shelf.dim,
                "lanes": program.shelf.lanes,
                "state_arrays": len(program.template.state),
                "problems": [p.name for p in program.shelf.problems],
                "rules": [rule.name for rule in program.shelf.rules],
                "compile_s": round(program.compile_s, 3),
            }
            for _, program in sorted(self.engine.programs.items())
        ]

    def _tell(self, phase: str, *, rate: float = 0.0, eta_s: float = float("inf")) -> None:
        total = self.planned.n_cells
        done = sum(self.groups[name].n_cells for name in self.done if name in self.groups)
        # The last report is the one at which all is stored, not the one of the last shard.
        shown = min(done, total - 1) if phase != "done" else total
        self.report(Progress(shown, total, rate, eta_s, self.engine.compile_s, phase))


def _pair(group: Group) -> Pair:
    return Pair(group.problem.build(), group.optimizer.build(), len(group.starts), group.noise_seeds)


def _pictured(groups: Iterable[Group]) -> list[Group]:
    """Returns the groups that have pictures: the first dozen rules and 2-D functions in the catalogue's order."""
    flat = [group for group in groups if group.dim == 2 and group.problem.noise is None]
    rules = _first({g.optimizer_label: g.optimizer.name for g in flat}, [entry.name for entry in catalog.OPTIMIZERS])
    problems = _first({g.problem_label: g.problem.name for g in flat}, [entry.name for entry in catalog.PROBLEMS])
    return [group for group in flat if group.optimizer_label in rules and group.problem_label in problems]


def _first(names: Mapping[str, str], order: list[str]) -> set[str]:
    """Returns the labels of the first ``MOST_PICTURED`` names; what is not in ``order`` comes last."""
    place = {name: index for index, name in enumerate(order)}
    labels = sorted(names, key=lambda label: (place.get(names[label], len(order)), label))
    return set(labels[:MOST_PICTURED])


def _kept(old: dict[str, Any]) -> dict[str, Any]:
    """Returns what a resumed run takes over from the manifest of its beginning."""
    return {key: old[key] for key in ("created_utc", "state", "compile_s", "programs") if key in old}


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


def _identity(planned: Plan) -> str:
    content: dict[str, object] = {
        "suite": planned.spec.hash(),
        "seed": planned.spec.seed,
        "version": __version__,
        "schema": SCHEMA_VERSION,
        "backend": jax.default_backend(),
    }
    if planned.quick:
        content["size"] = "quick"
    if sources := _user_sources(planned):
        content["sources"] = sources
    return store.run_id(content)


def _user_sources(planned: Plan) -> dict[str, str]:
    """Returns the hash of each file that holds a user's own rule or function: changed code is another run.

    For CUTEst's problems it is the version of the package that they are from.
    """
    spec = planned.spec
    names = [entry.name for entry in spec.optimizers] + [entry.name for entry in spec.problems]
    modules = {module for module, colon, _ in (name.partition(":") for name in names) if colon}
    files = {module: sys.modules[module].__file__ for module in sorted(modules - {catalog.CUTEST})}
    sources = {module: digest(Path(file).read_text(), size=16) for module, file in files.items() if file}
    if catalog.CUTEST in modules:
        sources[catalog.CUTEST] = f"sif2jax {importlib.metadata.version('sif2jax')}"
    return sources


def _command(suite: str, out: str | Path, selection: dict[str, Any]) -> list[str]:
    """Returns the command that computes and resumes a run, whoever asked for it."""
    command = ["optbench", "run", suite, "--out", str(out)]
    for option, value in selection.items():
        if value is True:
            command.append(f"--{option}")
        elif value is not None:
            command += [f"--{option}", ",".join(value) if isinstance(value, list) else str(value)]
    return command


def _manifest(
    read: Suite, planned: Plan, selection: dict[str, Any], command: list[str], engine: Engine
) -> dict[str, Any]:
    spec = planned.spec
    device = jax.devices()[0]
    provenance = environment.provenance(command)
    provenance["machine"] |= {"device_kind": device.device_kind, "platform": device.platform, "threads": engine.threads}
    problems = {group.problem_label: group.problem.build() for group in planned.groups}
    rules = {group.optimizer_label: _entry(spec, group) for group in planned.groups}
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": _identity(planned),
        "suite": {
            "name": spec.name,
            "version": spec.version,
            "question": spec.question,
            "hash": spec.hash(),
            "source_sha256": digest(read.text, size=32),
            "text": read.text,
        },
        "selection": selection,
        "size": "quick" if planned.quick else "full",
        "seed": spec.seed,
        "units": spec.units,
        "budget": spec.budget,
        "snapshots": [cost for cost in spec.snapshots if cost <= spec.budget],
        "tuning": spec.tuning,
        "dtype": "float64",
        "n_cells": planned.n_cells,
        "created_utc": _now(),
        "finished_utc": None,
        "state": "running",
        **provenance,
        "problems": {label: problem.summary() for label, problem in problems.items()},
        "optimizers": rules,
        "contrasts": [entry.model_dump(mode="json") for entry in spec.contrasts],
        "shards": [store.shard_name(g.problem_label, g.optimizer_label) for g in planned.groups],
        "programs": [],
        "status_counts": {},
        "files": {},
        "compile_s": 0.0,
        "run_s": 0.0,
    }


def _entry(spec: SuiteSpec, group: Group) -> dict[str, Any]:
    """Returns what the manifest says of an entry: what it is, and what its trials tried."""
    rule = group.optimizer.build()
    ranges = spec.ranges_of(group.optimizer) if spec.tuning == "random" else {}
    return {
        "name": group.optimizer.name,
        "swept": group.swept,
        "has_rate": "lr" in rule.hyper,
        "ranked": rule.ranked,
        "defaults": rule.defaults(),
        "grid": [config[group.swept] for config in group.configs[: group.trials]],
        "search": {name: asdict(search) for name, search in ranges.items()},
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
