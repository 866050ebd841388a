"""Is a stored run the one that its name says: its suite, its plan, and the ids of its cells?"""

from __future__ import annotations

from collections.abc import Iterator

from optbench import __version__, environment, store
from optbench.core.keys import digest
from optbench.errors import OptbenchError
from optbench.runner.kinds import Kind
from optbench.runner.manifest import identity
from optbench.runner.sources import sources
from optbench.runner.verifying.planning import own_names
from optbench.store import Check, Fault, Level, Verdict


def check_identity(run: store.Run, planned: Kind | str) -> Check:
    """Checks the hash of the suite's text and, planned anew, the suite's hash, the run's id, its shards and its cells.

    Args:
        run: A run whose files and rows were found whole.
        planned: What ``replanned`` returned.

    Returns:
        What was found. Another version plans other cells, so of its runs only the text is checked.
    """
    manifest, suite = run.manifest, run.manifest["suite"]
    faults = []
    if (found := digest(suite.get("text", ""), size=32)) != suite.get("source_sha256"):
        faults.append(Fault("manifest.json: suite.text", f"a text of hash {suite.get('source_sha256')}", found))
    if manifest["version"] != __version__:
        said = f"the suite's text has its hash; planned by optbench {manifest['version']}, this is {__version__}, so "
        return Check.of(Level.IDENTITY, said + "the run's id and its cells were not planned again", faults)
    if isinstance(planned, str):
        if own_names(manifest):
            return Check(Level.IDENTITY, Verdict.FAILED if faults else Verdict.NOT_CHECKED, planned, faults)
        faults.append(Fault("manifest.json: suite", "a suite that this build can plan", planned))
        return Check.of(Level.IDENTITY, "the suite was planned again", faults)
    here = set(planned.plan.absent) ^ set(manifest.get("absent", {}))
    if here:
        why = f"data of {', '.join(sorted(here))} are here and were not there, or the other way round"
        return Check(Level.IDENTITY, Verdict.FAILED if faults else Verdict.NOT_APPLICABLE, why, faults)
    cells = list(_cell_faults(run, planned))
    if cells and _is_of_other_code(run, planned):
        why = "the code of this build plans other cells: what is computed has changed since the run was made"
        return Check(Level.IDENTITY, Verdict.FAILED if faults else Verdict.NOT_APPLICABLE, why, faults)
    faults += [*_plan_faults(run, planned), *cells]
    said = f"suite, run id {manifest.get('run_id')} and the ids of {manifest['n_cells']:,} cells, planned anew"
    return Check.of(Level.IDENTITY, said, faults)


def _plan_faults(run: store.Run, kind: Kind) -> Iterator[Fault]:
    """Yields what of the plan is not what the manifest says."""
    manifest = run.manifest
    backend = str(manifest["machine"].get("platform", "cpu"))
    for key, expected, found in (
        ("suite.hash", kind.plan.spec.hash(), manifest["suite"].get("hash")),
        ("suite.name", kind.plan.spec.name, manifest["suite"].get("name")),
        ("run_id", identity(kind, backend), manifest.get("run_id")),
    ):
        if expected != found:
            yield Fault(f"manifest.json: {key}", str(expected), str(found))
    stored, here = manifest.get("sources") or {}, sources(kind.plan.names)
    for module in sorted({*stored, *here}):
        if stored.get(module) != here.get(module):
            said = (str(one.get(module, "no such module")) for one in (stored, here))
            yield Fault(f"the module {module}, code of your own", *said)
    planned = [part.shard for part in kind.parts()]
    for name in [name for name in planned if name not in manifest["shards"]]:
        yield Fault("manifest.json: shards", f"the shard {name}, which the suite plans", "not there")
    for name in [name for name in manifest["shards"] if name not in planned]:
        yield Fault("manifest.json: shards", "shards that the suite plans", name)


def _cell_faults(run: store.Run, kind: Kind) -> Iterator[Fault]:
    """Yields shards whose cells are not those of the plan."""
    planned = {part.shard for part in kind.parts()}
    for shard in (name for name in store.committed(run.path) if name in planned):
        stored = set(store.read_shards(run.path, [shard], ["cell_id"], schema=run.schema)["cell_id"])
        try:
            expected = set(kind.expected_ids(shard, run.path))
        except (OptbenchError, KeyError) as error:
            yield Fault(f"shards/{shard}.parquet", "cells that the stored tuning leads to", str(error))
            continue
        if stored != expected:
            lost, more = len(expected - stored), sorted(stored - expected)
            known = f"{lost:,} of them missing, {len(more):,} others" + (f", such as {more[0]}" if more else "")
            yield Fault(f"shards/{shard}.parquet", f"the {len(expected):,} cells that the suite plans", known)


def _is_of_other_code(run: store.Run, kind: Kind) -> bool:
    """Returns whether the suite is the same and the code is another that plans none of its cells: ids hash both."""
    same_suite = kind.plan.spec.hash() == run.manifest["suite"].get("hash")
    if not same_suite or run.manifest.get("code_sha256") == environment.code_sha256():
        return False
    planned = {part.shard for part in kind.parts()}
    for shard in (name for name in store.committed(run.path) if name in planned):
        stored = store.read_shards(run.path, [shard], ["cell_id"], schema=run.schema)["cell_id"]
        if not set(stored).isdisjoint(kind.expected_ids(shard, run.path)):
            return False
    return True
