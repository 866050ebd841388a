"""The table ``gap`` of a run with arms, laid out as Tables 2, 3 and 4 of Keskar et al. 2017, theirs beside ours."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from optbench.analysis.batch_sizes.arms import ordered
from optbench.analysis.batch_sizes.differences import COUNTS
from optbench.analysis.batch_sizes.quantities import find_measure, settings_of
from optbench.report.evidence import Evidence
from optbench.report.formats import formatting
from optbench.report.formats.formatting import points
from optbench.report.formats.layout import Cell, Column, Section, Table
from optbench.report.tables.batch_sizes import notes, published
from optbench.report.tables.batch_sizes.arms import Show, ratio
from optbench.report.tables.networks import scores
from optbench.report.tables.side_by_side import Row, interval, rows_of

#: Accuracies of his Table 2.
ACCURACIES = ("train_accuracy", "test_accuracy")
#: Sharpness of his Tables 3 and 4: name, title, and the settings of the measure.
SHARPNESS: dict[str, tuple[str, Mapping[str, Any]]] = {
    "full_1e3": ("full space, eps 1e-3", {"eps": 1e-3, "subspace": 0}),
    "full_5e4": ("full space, eps 5e-4", {"eps": 5e-4, "subspace": 0}),
    "random_1e3": ("100 random directions, eps 1e-3", {"eps": 1e-3, "subspace": 100}),
    "random_5e4": ("100 random directions, eps 5e-4", {"eps": 5e-4, "subspace": 100}),
}
QUANTITIES = (*ACCURACIES, *SHARPNESS)
SIDES = ("small_mean", "small_sd", "large_mean", "large_sd")
#: Machine-readable columns; a comparison is large minus small, of sharpness the logarithm of large over small.
FIELDS = (
    *("origin", "arm", "level", "batches"),
    *COUNTS,
    *(f"{name}_{end}" for name in QUANTITIES for end in (*SIDES, "n", "estimate", "low", "high")),
)


def table(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns the table of gaps: of batch sizes where the run has arms, else of optimizers.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        With arms, a block at the end of the runs, one at the primary level and one of published numbers; without,
        ``scores.gaps``.
    """
    if not notes.has_arms(evidence):
        return scores.gaps(evidence, kind, title)
    records = [*_ours(evidence), *_published()]
    blocks: dict[str, list[tuple[Cell, ...]]] = {}
    for record in records:
        blocks.setdefault(_block(record), []).append(_cells(evidence, record))
    columns = [Column("arm or network"), Column("batches"), Column("pairs")]
    columns += [Column(name, "training accuracy, %") for name in ("small", "large")]
    columns += [Column(name, "test accuracy, %") for name in ("small", "large", "small - large")]
    columns += [
        Column(name, f"sharpness, {of}") for of, _ in SHARPNESS.values() for name in ("small", "large", "large / small")
    ]
    return Table(
        kind=kind,
        title="Small and large batches, laid out as Tables 2, 3 and 4 of Keskar et al. 2017",
        n_keys=1,
        columns=tuple(columns),
        blocks=tuple(Section(label, tuple(cells)) for label, cells in blocks.items()),
        watermark=evidence.watermark,
        notes=tuple(_notes(evidence, records)),
        footer=evidence.footer,
        fields=FIELDS,
        records=tuple({name: formatting.machine(record[name]) for name in FIELDS} for record in records),
        intervals=notes.intervals(evidence),
        block="where",
    )


def _ours(evidence: Evidence) -> Iterator[Row]:
    """Yields the rows of this run: each arm at the end, then at the primary level."""
    settings = settings_of(evidence.measures)
    labels = {name: name for name in ACCURACIES}
    for name, (_, wanted) in SHARPNESS.items():
        if (label := find_measure(settings, "keskar", **wanted)) is not None:
            labels[name] = label
    rows = rows_of(evidence, "arm_differences")
    primary = evidence.manifest.get("primary_level")
    for level in (None, *([] if primary is None else [float(primary)])):
        for arm in ordered(evidence.manifest):
            mine = {
                row["quantity"]: row
                for row in rows
                if row["arm"] == arm["name"]
                and row["large"] == arm["runs"][-1]["batch_size"]
                and (math.isnan(row["level"]) if level is None else row["level"] == level)
            }
            if mine:
                yield _record(arm, np.nan if level is None else level, mine, labels)


def _record(arm: Mapping[str, Any], level: float, rows: Mapping[str, Row], labels: Mapping[str, str]) -> Row:
    first = next(iter(rows.values()))
    record: dict[str, Any] = {
        "origin": "here", "arm": arm["name"], "level": level, "batches": f"{first['small']}, {first['large']}",
        **{name: first[name] for name in COUNTS},
    }  # fmt: skip
    for name in QUANTITIES:
        row = rows.get(labels.get(name, ""))
        for end in (*SIDES, "estimate", "low", "high"):
            record[f"{name}_{end}"] = np.nan if row is None else row[end]
        record[f"{name}_n"] = 0 if row is None else row["n_pairs"]
    return record


def _published() -> Iterator[Row]:
    """Yields the rows of the paper, whose differences and ratios have no interval: its runs are not paired."""
    for network in published.NETWORKS:
        record: dict[str, Any] = {
            "origin": "published", "arm": f"{network.name}, {network.data}", "level": np.nan,
            "batches": published.BATCHES, **dict.fromkeys(COUNTS, 0), "n_planned": published.N_RUNS,
        }  # fmt: skip
        pairs = (network.train, network.test, *network.full, *network.random)
        for name, (small, large) in zip(QUANTITIES, pairs, strict=True):
            scale = 0.01 if name in ACCURACIES else 1.0
            record |= dict(zip((f"{name}_{end}" for end in SIDES), scale * np.array([*small, *large]), strict=True))
            compared = scale * (large[0] - small[0]) if name in ACCURACIES else math.log(large[0] / small[0])
            record |= {f"{name}_n": published.N_RUNS, f"{name}_estimate": compared}
            record |= {f"{name}_low": np.nan, f"{name}_high": np.nan}
        yield record


def _block(record: Row) -> str:
    if record["origin"] == "published":
        return "published: Keskar et al. 2017, other networks and data"
    return f"here, {notes.place(record['level'])}"


def _cells(evidence: Evidence, record: Row) -> tuple[Cell, ...]:
    is_ours = record["origin"] == "here"
    show: Show = points(_n_test(evidence, record["arm"]) if is_ours else formatting.FINE)
    title = next((arm.get("title") or arm["name"] for arm in evidence.manifest["arms"]
                  if is_ours and arm["name"] == record["arm"]), record["arm"])  # fmt: skip
    pairs = f"{record['test_accuracy_n']}/{record['n_planned']}" if is_ours else f"{published.N_RUNS} runs"
    cells = [
        Cell(title, is_text=True),
        Cell(record["batches"], is_text=True),
        Cell(pairs, aside=notes.missing(record) if is_ours else ""),
        *(_side(record, "train_accuracy", side, show) for side in ("small", "large")),
        *(_side(record, "test_accuracy", side, show) for side in ("small", "large")),
        _gap(record, points(_n_test(evidence, record["arm"]) if is_ours else formatting.FINE, signed=True)),
    ]
    for name in SHARPNESS:
        cells += [_side(record, name, side, _three if is_ours else _printed) for side in ("small", "large")]
        n = int(record[f"{name}_n"])
        without = notes.aside([(int(record["test_accuracy_n"]) - n if n else 0, "without")])
        ends = interval(record, f"{name}_low", f"{name}_high", ratio)
        cells.append(Cell(ratio(record[f"{name}_estimate"]), ends, aside=without))
    return tuple(cells)


def _side(record: Row, name: str, side: str, show: Show) -> Cell:
    """Returns mean and standard deviation of one side, as the paper has them."""
    sd = record[f"{name}_{side}_sd"]
    return Cell(show(record[f"{name}_{side}_mean"]), "" if math.isnan(sd) else f"±{show(sd)}")


def _gap(record: Row, show: Show) -> Cell:
    """Returns the difference of test accuracies with the sign of the paper."""
    turned = {end: -record[f"test_accuracy_{end}"] for end in ("estimate", "low", "high")}
    return Cell(show(turned["estimate"]), interval(turned, "high", "low", show))


def _n_test(evidence: Evidence, name: str) -> int:
    arm = next(arm for arm in evidence.manifest["arms"] if arm["name"] == name)
    return min(int(evidence.task(run["task"]).get("n_test", 0)) for run in arm["runs"])


def _three(value: float) -> str:
    return formatting.significant(value, 3, trim=True)


def _printed(value: float) -> str:
    """Returns a number of the paper with as many decimals as it has there."""
    return f"{value:.2f}"


def _notes(evidence: Evidence, records: Sequence[Row]) -> list[str]:
    ours = [record for record in records if record["origin"] == "here"]
    said = notes.begun(evidence)
    if not ours:
        said.append("No two batch sizes of an arm have runs yet.")
    said += [
        "Each side: mean ± standard deviation between replicates, as the paper has them, over the pairs that enter, "
        "smallest and largest batch of each arm. Sharpness: his metric 2.1, in percent. small - large: mean paired "
        "difference; large / small: geometric mean of the ratios of pairs. Brackets: Student's intervals, "
        f"{notes.intervals(evidence)}.",
        *notes.levels(evidence),
        *notes.of_test_set(evidence),
        "published: Tables 2 to 4 of arXiv 1609.04836, mean ± standard deviation of 5 runs, Adam, batches of 256 and "
        "of 10 % of the training data; networks, data and length of training are others than here. Differences and "
        "ratios there are of the printed means and have no interval.",
        *notes.few([(f"{r['arm']} at {notes.place(r['level'])}", int(r["test_accuracy_n"])) for r in ours]),
        *notes.single(evidence),
    ]
    absent = [of for name, (of, _) in SHARPNESS.items() if all(r[f"{name}_n"] == 0 for r in ours)]
    return [*said, *([f"Sharpness that was not measured here: {'; '.join(absent)}."] if absent and ours else [])]
