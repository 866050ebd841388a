"""``optbench measure``: measures of the points of a finished run, which are kept or made again from its seeds."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

import pandas as pd

from optbench import store
from optbench.console import Progress
from optbench.errors import DataError, UsageError
from optbench.records import Split
from optbench.records.measures import ROWS
from optbench.runner import kinds
from optbench.runner.kinds.kind import Cell, cells_of
from optbench.runner.ledger import Ledger
from optbench.runner.measuring import Measuring
from optbench.runner.pairs import Pairs
from optbench.runner.points import Points
from optbench.suite import row_filter
from optbench.suite.measure import MeasureSpec, measure_faults, named
from optbench.suite.parse import parse
from optbench.suite.selection import Selection

#: Where a run says what its caller should know and may not ask for.
LOG = logging.getLogger("optbench")


def measure(
    run: str | Path,
    measures: str | Iterable[str] | None = None,
    rows: str | Iterable[str] = (),
    *,
    progress: Callable[[Progress], None] | None = None,
) -> store.Run:
    """Measures the judged points of a finished run's reported cells; what is stored is not measured again.

    Points are taken from where ``keep_weights`` kept them, or their runs are made again from their seeds. Where the
    losses that are stored do not come out to the bit, the logger ``optbench`` says how far they differ, and so do the
    details of the rows.

    Args:
        run: The run's folder ``<out>/<suite>/<run-id>``, or ``<out>/<suite>`` if it holds one run.
        measures: Names, with settings in brackets as in ``keskar[eps=5e-4]``; in a list, or in a text with commas.
            Those of the run's suite if ``None``.
        rows: Which cells: ``column=pattern`` pairs, such as ``task=digits*``; in a list, or in a text with commas. A
            cell is meant if each column matches one of its patterns; all reported cells by default.
        progress: Called with each report of how far it is.

    Returns:
        The run, whose ``measures`` have the new rows.

    Raises:
        UsageError: A name, a setting or a pattern is not valid, no row is meant, or the run is not finished.
        DataError: Files of the run are damaged, or another version made it.
    """
    stored = store.load(run)
    if stored.manifest.get("state") != "finished":
        raise UsageError(f"{stored.path} is not finished; resume it with: {' '.join(stored.manifest['command'])}")
    spec = parse(stored.manifest["suite"]["text"], source=f"{stored.path}: the suite")
    if not spec.MEASURED:
        raise UsageError(f"{stored.path} is of a suite of {spec.OF}, whose points are not measured")
    chosen = None if measures is None else named(measures)
    texts = [rows] if isinstance(rows, str) else list(rows) if isinstance(rows, Iterable) else [rows]
    if odd := [text for text in texts if not isinstance(text, str)]:
        raise UsageError(f"--rows must be column=pattern texts; got {odd[0]!r}")
    if said := [f"--rows {fault}" for text in texts for fault in row_filter.faults(text, stored.schema)]:
        raise UsageError(said)
    patterns = row_filter.parse(texts, stored.schema)
    kind = kinds.planned(spec, cast(Selection, stored.manifest["selection"]))
    specs = list(kind.plan.spec.measures) if chosen is None else chosen
    if wrong := measure_faults(
        "--measures", specs, along=spec.ALONG, levels=kind.plan.spec.kept_levels, schema=stored.schema
    ):
        raise UsageError([f"{key}: {said}" for key, said in wrong])
    if not specs:
        raise UsageError(f"suite {spec.name!r} names no measures: choose some with --measures; optbench list measures")
    kind.check()
    planned = {part.shard for part in kind.parts()}
    if unknown := [name for name in stored.manifest["shards"] if name not in planned]:
        raise DataError(f"{stored.path}: this build has no shard {unknown[0]}; another version made the run")
    with store.writing(stored.path):
        _verified(stored.path)
        try:
            _measure(stored, kind, specs, patterns, progress or (lambda report: None))
        finally:
            store.add_sums(stored.path, ROWS)
    return store.load(stored.path)


def _measure(
    stored: store.Run,
    kind: kinds.Kind,
    specs: list[MeasureSpec],
    patterns: dict[str, list[str]],
    report: Callable[[Progress], None],
) -> None:
    """Takes what is not stored yet, shard by shard."""
    said = [0, 0]

    def tell(phase: str) -> None:
        report(Progress(said[0], said[1], compile_s=kind.compile_s, phase=phase))

    ledger = Ledger(stored.path, stored.manifest)
    measuring, points = Measuring(kind, ledger, specs, tell), Points(kind, ledger, tell)
    pairs = Pairs(kind, ledger, points)
    _check_labels(stored, specs)
    cells = _meant(stored, kind, patterns)
    left = {shard: found for shard, some in cells.items() if (found := measuring.left(some))}
    said[1] = sum(len(some) for found in left.values() for _, some in found)
    if not left:
        LOG.warning("everything that was asked for is measured; nothing was left to do")
    for shard, found in left.items():
        wanted = {cell["cell_id"] for _, some in found for cell in some}
        again = points.of(
            shard, [cell for cell in cells[shard] if cell["cell_id"] in wanted], [spec for spec, _ in found]
        )
        others = {spec.identity: pairs.of(spec, some) for spec, some in found if spec.other}
        measuring.take(shard, found, again.ends, again.along, again.notes, others)
        said[0] += sum(len(some) for _, some in found)
        tell(shard)
    known = {**stored.manifest.get("measures", {}), **{spec.title: spec.described for spec in specs}}
    if known != stored.manifest.get("measures"):
        store.write_manifest(stored.path, {**store.read_manifest(stored.path), "measures": known})


def _meant(stored: store.Run, kind: kinds.Kind, patterns: dict[str, list[str]]) -> dict[str, list[Cell]]:
    """Returns the reported cells that are meant, by the shard of their rows."""
    columns = list(dict.fromkeys([*kind.cell_columns, *patterns]))
    found: dict[str, list[Cell]] = {}
    everything = []
    for shard in store.committed(stored.path):
        rows = store.read_shards(stored.path, [shard], columns, schema=stored.schema)
        rows = rows[rows["split"] == str(Split.REPORT)]
        everything.append(rows[list(patterns)])
        rows = rows[row_filter.matching(rows, patterns)]
        if len(rows):
            found[shard] = cells_of({name: rows[name].tolist() for name in columns}, kind.cell_columns)
    if not found:
        raise UsageError(f"{stored.path}: {row_filter.explained(pd.concat(everything), patterns)}")
    return found


def _check_labels(stored: store.Run, specs: list[MeasureSpec]) -> None:
    """Refuses a label under which other settings are stored: tables tell measures apart by labels."""
    known: dict[str, Any] = dict(zip(stored.measures["measure"], stored.measures["settings"], strict=True))
    wrong = [
        f"{spec.title!r} is stored with other settings, {known[spec.title]}; give it another label, as in "
        f"{spec.name}[label=...]"
        for spec in specs
        if known.get(spec.title, spec.identity) != spec.identity
    ]
    if wrong:
        raise UsageError(wrong, where=str(stored.path))


def _verified(folder: Path) -> None:
    """Refuses a run whose rows are not as they were written; what is wrong with measures is set aside."""
    wrong = [line for line in store.verify(folder) if not line.startswith("shards/measures/")]
    if wrong:
        raise DataError(f"{folder}: run the suite again, which repairs it\n" + "\n".join(f"  {line}" for line in wrong))
