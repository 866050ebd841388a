"""The figure and the table of the README, and the effects of regularizers in ``docs/networks.md``, from committed runs.

``python -m tests.readme`` writes them anew; a test fails while they differ.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd

from optbench import store
from optbench.report.evidence import Evidence, optimizers
from optbench.report.formats.formatting import gap
from optbench.report.tables.landscapes.facts import passed

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
FIGURE = ROOT / "docs" / "images" / "convergence.png"
BEGIN, END = "from results/canonical -->\n", "<!-- end of the table -->"
NETWORKS = ROOT / "docs" / "networks.md"
END_OF_EFFECTS = "<!-- end of the effects -->"


def committed_runs(suite):
    """Returns the folders of the committed runs of a suite; runs of one's own lie in ``results/<suite>``."""
    return sorted(path.parent for path in (ROOT / "results" / "canonical").glob(f"{suite}-*/manifest.json"))


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


def main():
    """Writes the table into the README and copies the figure."""
    folder = committed_run()
    head, rest = README.read_text(encoding="utf-8").split(BEGIN)
    tail = rest.split(END)[1]
    README.write_text(f"{head}{BEGIN}{table(store.load(folder))}{END}{tail}", encoding="utf-8")
    head, rest = NETWORKS.read_text(encoding="utf-8").split(BEGIN)
    tail = rest.split(END_OF_EFFECTS)[1]
    found = effects([store.load(folder) for folder in committed_runs("regularization")])
    NETWORKS.write_text(f"{head}{BEGIN}{found}{END_OF_EFFECTS}{tail}", encoding="utf-8")
    FIGURE.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / "figures" / "convergence.png", FIGURE)


if __name__ == "__main__":
    main()
