"""The two tables about tuning: what it bought and cost, and A untuned against B tuned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optbench.report.evidence import MEAN, SETTING_TITLES, Evidence, optimizers
from optbench.report.formats import formatting
from optbench.report.formats.layout import Cell, Column, Section, Table
from optbench.report.kinds.landscapes import SETTINGS
from optbench.report.tables import common_notes
from optbench.report.tables.landscapes import notes

#: Numbers of trials whose expected best the table shows, where the run has twice as many.
BEST_OF = (1, 4, 16, 32)

#: Marks a difference whose interval excludes 0.
CLEAR = "*"


def _score_note(evidence: Evidence) -> str:
    return (
        f"score: mean log-time area over the 51 {evidence.scoring} targets on report starts, 1 best, 0 if none is met; "
        "a diverged run is 0."
    )


def gains(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns the table of scores untuned, tuned and after k trials, beside the cost of tuning.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        One row per optimizer.
    """
    gain = {str(row["optimizer"]): row for row in evidence.frame("gain").to_dict("records")}
    curves = evidence.frame("best_of_k")
    curves = curves[curves["problem"] == MEAN]
    best = {(str(o), int(k)): (s, low, high) for _, o, k, s, low, high in curves.itertuples(index=False)}
    ks = [k for k in BEST_OF if any(found == k for _, found in best)]
    rules = optimizers(gain)
    columns = (
        Column("optimizer"),
        *(Column(SETTING_TITLES[setting], "score") for setting in SETTINGS),
        *(Column(f"{k}", "best of k trials") for k in ks),
        *(Column(name, "tuning") for name in ("evals", "x run", "edge")),
    )
    rows, records = [], []
    for rule in rules:
        row = gain[rule]
        settings = [_score(*(row[f"{setting}{end}"] for end in ("", "_low", "_high"))) for setting in SETTINGS]
        after = [_score(*best[rule, k]) if (rule, k) in best else Cell(formatting.MISSING) for k in ks]
        spent = (
            Cell(formatting.significant(row["cost"], 3, trim=True)),
            Cell(formatting.count(row["runs"])),
            Cell(f"{formatting.count(row['edge_count'])}/{formatting.count(row['n_problems'])}"),
        )
        rows.append((Cell(rule, is_text=True), *settings, *after, *spent))
        record = {str(name): formatting.machine(value) for name, value in row.items()}
        for k in ks:
            values = best.get((rule, k), (None, None, None))
            names = (f"best_of_{k}{end}" for end in ("", "_low", "_high"))
            record |= {name: formatting.machine(value) for name, value in zip(names, values, strict=True)}
        records.append(record)
    ends = [f"best_of_{k}{end}" for k in ks for end in ("", "_low", "_high")]
    label = _pooled(row["n_problems"] for row in gain.values())
    return Table(
        kind=kind,
        title=title,
        n_keys=1,
        columns=columns,
        blocks=(Section(label, tuple(rows)),) if rows else (),
        watermark=evidence.watermark,
        notes=(
            common_notes.counted(evidence),
            _score_note(evidence),
            "Settings: default, the rule's own defaults; one for all, one configuration for all problems, chosen for "
            "each problem with its family left out; tuned, chosen per problem, on tuning starts only.",
            "Best of k: the score to expect on other starts after k of the trials, by order statistics over one sweep; "
            "k up to half of the trials. A rule without a learning rate enters at its default, whatever k.",
            "Tuning, per problem: evals, gradient evaluations (candidates x tuning starts x budget, stopped ones in "
            "full); x run, the same in runs; edge, problems whose choice lies at the edge of its range.",
            f"Brackets: {notes.INTERVALS}; every replicate chooses again, for best of k among trials drawn anew.",
        ),
        footer=evidence.footer,
        fields=(*(str(name) for name in evidence.frame("gain").columns), *ends),
        records=tuple(records),
        intervals=notes.INTERVALS,
    )


def _score(value: float, low: float, high: float) -> Cell:
    if value != value:
        return Cell(formatting.MISSING)
    return Cell(f"{value:.3f}", f"[{low:.3f}, {high:.3f}]")


def _pooled(counts: Any) -> str:
    found = sorted({int(n) for n in counts})
    shown = str(found[0]) if len(found) == 1 else f"{found[0]} to {found[-1]}" if found else "0"
    return f"mean over {shown} problems"


def versus(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns the matrix of defaults against tuned rivals.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        One row per untuned optimizer, one column per tuned one; machine formats have a record per pair.
    """
    frame = evidence.frame("matrix")
    pairs: dict[tuple[str, str], Mapping[str, Any]] = {
        (str(row["untuned"]), str(row["tuned"])): {str(name): value for name, value in row.items()}
        for row in frame.to_dict("records")
    }
    untuned, tuned = optimizers(a for a, _ in pairs), optimizers(b for _, b in pairs)
    rows = tuple((Cell(a, is_text=True), *(_difference(pairs.get((a, b))) for b in tuned)) for a in untuned)
    order = [(a, b) for a in untuned for b in tuned if (a, b) in pairs]
    return Table(
        kind=kind,
        title=title,
        n_keys=1,
        columns=(Column("untuned"), *(Column(b, "tuned") for b in tuned)),
        blocks=(Section(_pooled(row["n_problems"] for row in pairs.values()), rows),) if rows else (),
        watermark=evidence.watermark,
        notes=(
            common_notes.counted(evidence),
            "Each entry: score of the column's rule, tuned per problem, minus that of the row's rule at its default, "
            "paired by report starts, mean over problems. Positive: tuning the rival pays; on the diagonal: what it "
            "gains the rule itself.",
            f"{CLEAR}: the 95 % interval of the difference excludes 0 ({notes.INTERVALS}; every replicate chooses "
            "again; no correction for the number of pairs). Intervals stand in CSV and JSON.",
            "In parentheses: share of problems on which the row's default scores at least as much as the column's "
            "tuned rule.",
            _score_note(evidence),
        ),
        footer=evidence.footer,
        fields=tuple(str(name) for name in frame.columns),
        records=tuple({name: formatting.machine(value) for name, value in pairs[pair].items()} for pair in order),
        intervals=notes.INTERVALS,
    )


def _difference(row: Mapping[str, Any] | None) -> Cell:
    if row is None:
        return Cell(formatting.MISSING)
    clear = CLEAR if row["low"] > 0 or row["high"] < 0 else ""
    return Cell(f"{row['difference']:+.2f}{clear}", f"({row['share']:.2f})")
