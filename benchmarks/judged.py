"""Makes the committed judgements of suites whose rows are too many to commit: tables as CSV beside the manifest.

    python benchmarks/judged.py claims claims-nag claims-long
    python benchmarks/judged.py landscapes --quick

The verdicts of claims go to ``results/claims/<suite>-<run-id>``, by settled and by touched targets; the rankings by
both of another suite to ``results/stability/<suite>-quick-<run-id>``. ``python -m tests.moved`` then writes their
tables into the pages.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import optbench as ob
from optbench import store
from optbench.report import tables

#: Files of a run with contrasts, and of another, as name, kind of table and score.
CLAIMS = (("contrasts", "contrasts", "settled"), ("contrasts-touched", "contrasts", "touched"))
RANKINGS = (("stability", "stability", None),)


def main() -> None:
    """Runs suites and writes what became of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="+")
    parser.add_argument("--quick", action="store_true", help="the quick size of the suites")
    parser.add_argument("--runs", type=Path, default=Path("results"), help="where runs are kept")
    parser.add_argument("--out", type=Path, default=Path("results"))
    options = parser.parse_args()
    for suite in options.suites:
        run = ob.run(suite, out=options.runs, quick=options.quick)
        print(judge(run, options.out))


def judge(run: store.Run, out: Path) -> Path:
    """Writes the judgements of a run in the place of those of other runs of its suite, and returns their folder."""
    claims = bool(run.manifest["contrasts"])
    size = "-quick" if run.manifest["size"] == "quick" else ""
    place, name = out / ("claims" if claims else "stability"), f"{run.manifest['suite']['name']}{size}"
    for old in place.glob(f"{name}-*"):
        if old.name.rpartition("-")[0] == name:
            shutil.rmtree(old)
    folder = place / f"{name}-{run.manifest['run_id']}"
    folder.mkdir(parents=True)
    for file, kind, score in CLAIMS if claims else RANKINGS:
        text = tables.render(run, kind, "csv", score=score)
        (folder / f"{file}.csv").write_text(text, encoding="utf-8", newline="")
    # The rows stay where they are, so the sums of their files say nothing here.
    facts = {key: value for key, value in run.manifest.items() if key != "files"} | {"rows": "left out"}
    text = json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    return folder


if __name__ == "__main__":
    main()
