"""The tables of ``docs/settled.md`` and ``docs/claims.md``, from committed runs and files.

``python -m tests.moved`` writes them anew; a test fails while they differ.
"""

from __future__ import annotations

import json

import pandas as pd

from optbench import store
from optbench.report.evidence import Evidence
from tests.readme import ROOT, committed_run

SETTLED, CLAIMS = ROOT / "docs" / "settled.md", ROOT / "docs" / "claims.md"
STABILITY = ROOT / "results" / "stability"
JUDGED = ROOT / "results" / "claims"
#: The suites of claims, in the order of the page.
SUITES = ("claims", "claims-nag", "claims-long")


def between(name):
    """Returns the marks in a page between which a table stands."""
    return f"<!-- {name}: written by `python -m tests.moved` -->\n", f"<!-- end of {name} -->"


def read(page, name):
    """Returns what stands between the marks of a table."""
    begin, end = between(name)
    return page.read_text(encoding="utf-8").split(begin)[1].split(end)[0]


def write(page, name, table):
    """Replaces what stands between the marks of a table."""
    begin, end = between(name)
    head, rest = page.read_text(encoding="utf-8").split(begin)
    page.write_text(f"{head}{begin}{table}{end}{rest.split(end)[1]}", encoding="utf-8")


def source(manifest):
    """Returns the suite and run that a table comes from."""
    suite = manifest["suite"]
    return f"suite {suite['name']} v{suite['version']}, run {manifest['run_id']}"


def rank(row):
    """Returns a rank interval, empty for a reference line."""
    if pd.isna(row["rank_low"]):
        return ""
    low, high = int(row["rank_low"]), int(row["rank_high"])
    return str(low) if low == high else f"{low}-{high}"


def ranks(frame, setting, chosen=None):
    """Returns scores and ranks by both kinds of targets as a Markdown table.

    Args:
        frame: The frame ``stability``.
        setting: Which setting.
        chosen: Picks rows from (settled, touched), each a row of an entry; all by default.
    """
    ways = {
        way: frame[(frame["scoring"] == way) & (frame["setting"] == setting)].set_index("optimizer")
        for way in ("settled", "touched")
    }
    lines = ["| optimizer | settled: score | rank | touched: score | rank |", "| :--- | ---: | ---: | ---: | ---: |"]
    shown = 0
    for name, settled in ways["settled"].iterrows():
        if name not in ways["touched"].index:
            continue
        touched = ways["touched"].loc[name]
        if chosen is not None and not chosen(settled, touched):
            continue
        cells = [
            cell
            for row in (settled, touched)
            for cell in (f"{row['score']:.3f} [{row['score_low']:.3f}, {row['score_high']:.3f}]", rank(row))
        ]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
        shown += 1
    return lines, shown


def of_quick():
    """Returns how the ranking of ``quick`` moves, default and tuned."""
    run = store.load(committed_run())
    frame = Evidence.of(run).frame("stability")
    default, _ = ranks(frame, "default")
    tuned, _ = ranks(frame, "tuned")
    return "\n".join([
        "Tuned for each function:", "", *tuned, "", "Untuned:", "", *default, "", f"From {source(run.manifest)}.", "",
    ])  # fmt: skip


def scores_apart(settled, touched):
    """Returns whether the two intervals of the score have nothing in common."""
    return settled["score_low"] > touched["score_high"] or settled["score_high"] < touched["score_low"]


def ranks_apart(settled, touched):
    """Returns whether the two rank intervals have no rank in common."""
    return settled["rank_low"] > touched["rank_high"] or settled["rank_high"] < touched["rank_low"]


def of_landscapes():
    """Returns which scores of ``landscapes --quick`` move beyond doubt, tuned."""
    (folder,) = STABILITY.glob("landscapes-quick-*")
    frame = pd.read_csv(folder / "stability.csv")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    lines, shown = ranks(frame, "tuned", scores_apart)
    _, ranked = ranks(frame, "tuned", ranks_apart)
    entries = frame[(frame["scoring"] == "settled") & (frame["setting"] == "tuned") & frame["ranked"]]
    note = (
        f"{shown} of {len(entries)} ranked entries have intervals of the score with nothing in common, and stand here. "
        f"With {int(entries['n_starts'].min())} starts a function rank intervals are wide: those of {ranked} entries "
        f"have no rank in common. From {source(manifest)}, quick size."
    )
    return "\n".join([*lines, "", note, ""])


def difference(row):
    """Returns a difference with its interval."""
    return f"{row['difference']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def verdicts():
    """Returns the verdicts of the three suites of claims, by settled and by touched targets."""
    lines = [
        "| contrast | left | right | measure | difference | verdict | by touched targets | verdict |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for settled, touched in judged():
        for row, other in zip(settled.to_dict("records"), touched.to_dict("records"), strict=True):
            assert row["contrast"] == other["contrast"]
            measure = row["measure"] + (", worst" if row["over"] == "worst" else "")
            sides = (side(row["left"]), side(row["right"]))
            changed = f"**{other['verdict']}**" if other["verdict"] != row["verdict"] else other["verdict"]
            cells = (
                f"`{row['contrast']}`",
                *sides,
                measure,
                difference(row),
                row["verdict"],
                difference(other),
                changed,
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def by_group():
    """Returns the differences of groups of problems, by settled and by touched targets."""
    lines = ["| contrast | group | difference | | by touched targets | |", "|---|---|---|---|---|---|"]
    for settled, touched in judged():
        for row, other in zip(settled.to_dict("records"), touched.to_dict("records"), strict=True):
            if pd.isna(row["by_group"]):
                continue
            for part, counterpart in zip(row["by_group"].split("; "), other["by_group"].split("; "), strict=True):
                (left, right), (_, also) = (half.split(", ", 1) for half in (part, counterpart))
                group, verdict = left.rsplit(" ", 1)
                changed = counterpart.split(", ", 1)[0].rsplit(" ", 1)[1]
                mark = f"**{changed}**" if changed != verdict else changed
                lines.append(f"| `{row['contrast']}` | {group} | {right} | {verdict} | {also} | {mark} |")
    return "\n".join([*lines, ""])


def side(text):
    """Returns a side of a contrast with its optimizer as code."""
    name, _, setting = text.rpartition(", ")
    return f"`{name}`, {setting}"


def judged():
    """Yields the contrasts of each suite of claims by settled and by touched targets."""
    for suite in SUITES:
        (folder,) = (path for path in JUDGED.iterdir() if path.name.rpartition("-")[0] == suite)
        yield tuple(pd.read_csv(folder / f"{name}.csv") for name in ("contrasts", "contrasts-touched"))


TABLES = (
    (SETTLED, "quick", of_quick),
    (SETTLED, "landscapes", of_landscapes),
    (CLAIMS, "verdicts", verdicts),
    (CLAIMS, "groups", by_group),
)


def main():
    """Writes all tables."""
    for page, name, table in TABLES:
        write(page, name, table())


if __name__ == "__main__":
    main()
