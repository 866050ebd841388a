"""What pages show of committed runs: figure and table of the README, effects, ratios, batch sizes, studies.

``python -m tests.readme`` writes them anew; a test fails while they differ.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from optbench import store
from optbench.analysis.statistics.intervals import signed_median_interval
from optbench.report.evidence import Evidence, optimizers
from optbench.report.formats.formatting import gap
from optbench.report.tables.landscapes.facts import passed
from tests import batch_sizes, generalization

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
FIGURE = ROOT / "docs" / "images" / "convergence.png"
BEGIN, END = "from results/canonical -->\n", "<!-- end of the table -->"
NETWORKS = ROOT / "docs" / "networks.md"
END_OF_EFFECTS = "<!-- end of the effects -->"
SHARPNESS = ROOT / "docs" / "sharpness.md"
END_OF_RATIOS = "<!-- end of the ratios -->"
BATCH_SIZE = ROOT / "docs" / "batch-size.md"
GENERALIZATION = ROOT / "docs" / "generalization.md"
END_OF_FINDINGS = "<!-- end of the findings -->"
#: Measures whose ratios are shown, by label in the suite ``sharpness``; the loss stands before them.
RATIOS = {
    "hessian_top": "top eigenvalue",
    "hessian_trace[probes=32]": "trace",
    "keskar": "Keskar",
    "sam": "SAM",
    "asam": "ASAM",
    "fisher_rao": "Fisher-Rao",
}


def committed_runs(suite):
    """Returns the folders of the committed runs of a suite; runs of one's own lie in ``results/<suite>``."""
    return sorted(path.parent for path in (ROOT / "results" / "canonical").glob(f"{suite}-*/manifest.json"))


def loaded(suite):
    """Returns the committed runs of a suite, or of suites whose names begin so."""
    return [store.load(folder) for folder in committed_runs(suite)]


def committed_run():
    """Returns the folder of the committed run of the suite ``quick``, or ``None``."""
    return next(iter(committed_runs("quick")), None)


def effects(runs):
    """Returns what each regularizer does under Adam as a Markdown table, tuned on either side."""
    seen = [Evidence.of(run) for run in runs]
    frame = pd.concat([each.frame("network_effects") for each in seen])
    frame = frame[(frame["setting"] == "tuned") & (frame["optimizer"] == "adam")].sort_values(["base", "regularizer"])
    lines = ["| task | regularizer | training | test | gap |", "| :--- | :--- | ---: | ---: | ---: |"]
    for row in frame.to_dict("records"):
        cells = [
            "{:+.1f} [{:+.1f}, {:+.1f}]".format(*(100 * row[f"{name}{end}"] for end in ("", "_low", "_high")))
            for name in ("train", "test", "gap")
        ]
        lines.append(f"| {row['base']} | `{row['regularizer']}` | {' | '.join(cells)} |")
    seeds = runs[0].manifest["seeds"]["report"]
    source = "; ".join(each.footer.split(" · cost")[0] for each in seen)
    note = [
        f"Differences in points of accuracy under Adam, each side at the rate that validation chose, {seeds} seeds;",
        "brackets: 95 %, new seeds and new test examples (training: new seeds). They hold one at a time: of twenty",
        "without any effect one excludes 0. gap: training minus test accuracy. `optbench table regularization --kind",
        f"effects` has momentum and the defaults too. {source}.",
    ]
    return "\n".join([*lines, "", *note, ""])


def ratios(run):
    """Returns by what factor sharpness differs between the largest and the smallest batches, as a Markdown table."""
    seen = Evidence.of(run)
    frame = seen.frame("measured")
    frame = frame[frame["status"] == "ok"]
    small, large = frame["batch"].min(), frame["batch"].max()
    lines = [
        f"| task | optimizer | runs | training loss | {' | '.join(RATIOS.values())} |",
        f"| :--- | :--- | ---: | {' | '.join(['---:'] * (1 + len(RATIOS)))} |",
    ]
    for (family, optimizer), rows in frame.groupby(["family", "optimizer"], sort=True):
        by_batch = {batch: part.pivot(index="unit", columns="measure") for batch, part in rows.groupby("batch")}
        if small not in by_batch or large not in by_batch:
            continue
        seeds = by_batch[small].index.intersection(by_batch[large].index)
        one, other = (by_batch[batch].loc[seeds] for batch in (small, large))
        columns = [("loss", "hessian_top"), *(("estimate", name) for name in RATIOS)]
        cells = [_ratio(other[column].to_numpy(float), one[column].to_numpy(float)) for column in columns]
        lines.append(f"| {family} | `{optimizer}` | {len(seeds)} | {' | '.join(cells)} |")
    note = [
        f"Each number: that of a batch of {large:.0f} over that of a batch of {small:.0f}, same rule, rate and seed;",
        "the median over seeds and its interval, 95 %, by order statistics, one at a time. runs: pairs that ended",
        f"well. {seen.footer.split(' · cost')[0]}.",
    ]
    return "\n".join([*lines, "", *note, ""])


def _ratio(above, below):
    """Returns the median of ratios of pairs with its interval."""
    both = (above > 0) & (below > 0)
    if not both.any():
        return "-"
    logs = np.log(above[both] / below[both])
    low, high = signed_median_interval(logs)
    return "{:.3g} [{:.3g}, {:.3g}]".format(*np.exp([np.median(logs), low, high]))


def table(run):
    """Returns the tuned median gaps as a Markdown table: problems down, rules across."""
    seen = Evidence.of(run)
    summary = seen.frame("summary")
    tuned = summary[summary["setting"] == "tuned"].set_index(["problem", "optimizer"])
    rules = optimizers(set(summary["optimizer"]))
    lines = [f"| function | {' | '.join(rules)} |", f"| :--- |{' ---: |' * len(rules)}"]
    for problem in seen.problems(set(summary["problem"])):
        cells = [tuned.loc[(problem, rule)] for rule in rules]
        gaps = [gap(cell["gap_median"]) + ("†" if cell["at_edge"] else "") for cell in cells]
        shown = [" ".join(filter(None, (text, passed(cell)))) for text, cell in zip(gaps, cells, strict=True)]
        lines.append(f"| `{problem}` | {' | '.join(shown)} |")
    budget, source = run.manifest["budget"], seen.footer.split(" · costs")[0]
    note = f"Median relative gap after {budget:,} gradients; `optbench table quick` has the intervals. {source}."
    return "\n".join([*lines, "", note, ""])


def pages():
    """Yields each page that shows committed runs, what ends that part of it, and what stands there."""
    yield README, END, table(store.load(committed_run()))
    yield NETWORKS, END_OF_EFFECTS, effects(loaded("regularization"))
    yield SHARPNESS, END_OF_RATIOS, ratios(loaded("sharpness")[0])
    yield BATCH_SIZE, END_OF_FINDINGS, batch_sizes.findings(loaded("large-batch"))
    yield GENERALIZATION, END_OF_FINDINGS, generalization.found(loaded("generalization")[0])


def main():
    """Writes what committed runs say into the pages and copies the figure."""
    for page, end, found in pages():
        head, rest = page.read_text(encoding="utf-8").split(BEGIN)
        page.write_text(f"{head}{BEGIN}{found}{end}{rest.split(end)[1]}", encoding="utf-8")
    FIGURE.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(committed_run() / "figures" / "convergence.png", FIGURE)


if __name__ == "__main__":
    main()
