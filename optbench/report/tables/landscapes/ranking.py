"""The two tables that judge: who may be the best, and what became of the suite's claims."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from optbench.report.evidence import SETTING_TITLES, Evidence
from optbench.report.formats import formatting
from optbench.report.formats.layout import Cell, Column, Section, Table
from optbench.report.kinds.landscapes import SETTINGS
from optbench.report.tables import claims, common_notes
from optbench.report.tables.landscapes import notes
from optbench.report.tables.side_by_side import rows_of

#: A row of a frame by column name.
Row = Mapping[str, Any]

THESE, NEW = "these problems, new starts", "new problems like these"

#: What a ranking says of an entry.
COLUMNS = (
    *(Column(name, THESE) for name in ("score", "rank", "in set")),
    *(Column(name, NEW) for name in ("score", "rank")),
    Column("groups"),
)


def score(value: float) -> str:
    """Returns a score or a difference of scores with three decimals."""
    return formatting.MISSING if math.isnan(value) else f"{value:.3f}"


def interval(low: float, high: float, kind: str = "interval") -> str:
    """Returns an interval in brackets; a range says that it is none.

    Example:
        >>> interval(0.1, 0.25), interval(0.1, 0.25, "range")
        ('[0.100, 0.250]', '0.100 to 0.250')
    """
    if math.isnan(low) or math.isnan(high):
        return formatting.MISSING
    return f"[{score(low)}, {score(high)}]" if kind == "interval" else f"{score(low)} to {score(high)}"


def ranks(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns the ranking, one block per setting.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        Entries by decreasing score.
    """
    places = {setting: place for place, setting in enumerate(SETTINGS)}
    rows = sorted(rows_of(evidence, "ranking"), key=lambda r: (places[r["setting"]], -r["score"], r["optimizer"]))
    blocks: dict[str, list[tuple[Cell, ...]]] = {}
    for row in rows:
        blocks.setdefault(SETTING_TITLES[row["setting"]], []).append(entry(row))
    fields = tuple(str(name) for name in evidence.frame("ranking").columns)
    return Table(
        kind=kind,
        title=title,
        n_keys=1,
        columns=(Column("optimizer"), *COLUMNS),
        blocks=tuple(Section(label, tuple(cells)) for label, cells in blocks.items()),
        watermark=evidence.watermark,
        notes=tuple(ranking_notes(evidence, rows, f"{evidence.scoring} ")),
        footer=evidence.footer,
        fields=fields,
        records=tuple({name: formatting.machine(row[name]) for name in fields} for row in rows),
        intervals=f"95 %, score and rank: {THESE}; new_: {NEW}",
        block="setting",
    )


def entry(row: Row) -> tuple[Cell, ...]:
    """Returns the cells of an entry: its name, then one for each of ``COLUMNS``."""
    if not row["ranked"]:
        place = [Cell("ref."), Cell("")]
        group, new_rank = Cell(""), Cell("")
    else:
        place = [Cell(formatting.rank(row["rank_low"], row["rank_high"])), Cell("yes" if row["in_set"] else "no")]
        group, new_rank = Cell(row["groups"]), Cell(formatting.rank(row["new_rank_low"], row["new_rank_high"]))
    new = Cell(interval(row["new_low"], row["new_high"], row["new_kind"]))
    shown = Cell(score(row["score"]), interval(row["score_low"], row["score_high"]))
    return (Cell(row["optimizer"], is_text=True), shown, *place, new, new_rank, group)


def ranking_notes(evidence: Evidence, rows: Sequence[Row], which: str = "") -> list[str]:
    """Returns how to read a ranking; ``which`` targets, with a blank behind, if all rows go by the same."""
    said = [common_notes.counted(evidence)]
    if not rows:
        return [*said, "No entry can be ranked: none ran on ranked problems."]
    first = rows[0]
    said += [
        f"score: log-time area over the 51 {which}targets, mean over starts, then over the "
        f"{first['n_problems']} ranked problems ({first['n_families']} families, {first['n_starts']} or more starts "
        "each); 1 best, 0 if no target is met. A diverged run is 0.",
        "Settings: default, the rule's own defaults; one for all, chosen for each problem with its family left out; "
        "tuned, chosen per problem. Choices use other starts, and every bootstrap replicate chooses again.",
        f"{THESE}: 95 % intervals, each problem stays and its starts are drawn anew. rank: simultaneous 95 % rank "
        "intervals by max-T over all paired differences. in set: in the confidence set for the best, since no entry is "
        "better in those intervals. No winner is named.",
        _new(first),
        "groups: entries that share a letter are not told apart by pairwise Wilcoxon tests over problems with Holm's "
        "correction; a-d stands for abcd.",
        _detectable(rows),
    ]
    if any(" = " in row["optimizer"] for row in rows):
        said.append("a = b: paths that coincide on every problem; ranked once.")
    if any(not row["ranked"] for row in rows):
        said.append("ref.: reference line, told more than its rivals or of another cost; it takes no part in ranks.")
    shown = {name for row in rows for name in row["optimizer"].split(" = ")}
    if absent := sorted(set(evidence.manifest.get("optimizers", {})) - shown):
        said.append(f"Not ranked, since not all {first['n_problems']} problems have their runs: {', '.join(absent)}.")
    return said


def _new(row: Row) -> str:
    if row["new_kind"] == "range":
        return (
            f"{NEW}: with {row['n_families']} families, fewer than 12, no interval is claimed; shown is the range of "
            "the score when one family is left out."
        )
    return (
        f"{NEW}: 95 % intervals and simultaneous rank intervals, studentized bootstrap over {row['n_families']} "
        "families; a pair that differs in fewer than half of them is not told apart."
    )


def _detectable(rows: Sequence[Row]) -> str:
    parts = []
    for setting in SETTINGS:
        row = next((r for r in rows if r["setting"] == setting), None)
        if row is not None and not math.isnan(row["detectable"]):
            ends = " to ".join(formatting.significant(row[f"detectable_{end}"]) for end in ("low", "high"))
            new = "" if math.isnan(row["new_detectable"]) else formatting.significant(row["new_detectable"])
            ends += f"; new problems {new}" if new else ""
            middle = formatting.significant(row["detectable"])
            parts.append(f"{SETTING_TITLES[setting]} {middle} (pairs: {ends})")
    return (
        "Smallest difference that could have been detected, median over pairs (half-width of a pair's simultaneous "
        f"interval): {', '.join(parts) or formatting.MISSING}."
    )


def verdicts(evidence: Evidence, kind: str, title: str) -> Table:
    """Returns the contrasts of the suite, each under its claim.

    Args:
        evidence: The run.
        kind: Name of the kind.
        title: Its title.

    Returns:
        One row per contrast, in the suite's order.
    """
    return claims.verdicts(
        evidence,
        kind,
        title,
        columns=[
            *(Column(name) for name in ("contrast", "left", "right", "measure")),
            *(Column("difference", group) for group in (THESE, NEW)),
            *(Column(name) for name in ("p, Holm", "verdict")),
        ],
        cells=_verdict,
        notes=_contrast_notes,
        intervals=f"at the level of Holm's step; low, high: {THESE}; new_: {NEW}",
    )


def _verdict(row: Row) -> tuple[Cell, ...]:
    measure = row["measure"] + (", worst" if row.get("over") == "worst" else "")
    names = (Cell(text, is_text=True) for text in (row["contrast"], row["left"], row["right"], measure))
    if row["verdict"] == "not run":
        return (*names, *(Cell(formatting.MISSING) for _ in range(3)), Cell(row["verdict"], is_text=True))
    return (
        *names,
        Cell(score(row["difference"]), interval(row["low"], row["high"])),
        Cell(interval(row["new_low"], row["new_high"], row["new_kind"])),
        Cell(formatting.significant(row["p_holm"]) if row["p_holm"] >= 1e-4 else "<1e-4"),
        Cell(row["verdict"], is_text=True),
    )


def _contrast_notes(evidence: Evidence, rows: Sequence[Row]) -> list[str]:
    # Analysis loads pandas, which help and errors need not wait for.
    from optbench.analysis.landscapes.contrasts.measures import MEASURES

    said = [common_notes.counted(evidence)]
    if not rows:
        return [*said, common_notes.NO_CONTRASTS]
    said += [
        notes.targets(evidence),
        "Contrasts stand in the suite file and are part of the run's identity: none was added afterwards. difference: "
        "left minus right, paired on starts, mean over problems; more is better.",
        f"{THESE}: intervals at the level of each contrast's step in Holm's procedure over all {len(rows)} contrasts; "
        "every bootstrap replicate chooses again. holds: above 0; fails: below 0; depends: 0 lies inside.",
        f"{NEW}: studentized bootstrap over families at the same level; with fewer than 12 families the range when one "
        "family is left out, written a to b, which is no interval.",
    ]
    halves = [float(row["detectable"]) for row in rows if not math.isnan(row["detectable"])]
    if halves:
        ends = " to ".join(formatting.significant(end) for end in sorted({min(halves), max(halves)}))
        said.append(f"Smallest difference that could have been detected (half-width of the interval): {ends}.")
    said += [f"{name}: {m.title}." for name, m in MEASURES.items() if any(row["measure"] == name for row in rows)]
    if any(row.get("over") == "worst" for row in rows):
        said.append(
            "worst: the smallest difference over the problems in place of the mean; its lower end needs no correction, "
            "its upper end has Bonferroni's."
        )
    said += [
        f"{row['contrast']}: left may be worse by {row['margin']:g}; the difference shown includes it."
        for row in rows
        if row.get("margin", 0.0) > 0
    ]
    if grouped := [f"{row['contrast']}, by group: {row['by_group']}." for row in rows if row.get("by_group")]:
        said += ["A claim also depends where one group of its problems lies above 0 and another below.", *grouped]
    return said
