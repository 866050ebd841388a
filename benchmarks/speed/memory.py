"""Measures the peak of memory of whole processes, in this tree and in another; writes ``results/speed/memory.md``.

    python benchmarks/speed/memory.py --base TREE                # all parts, an hour on two quiet cores
    python benchmarks/speed/memory.py --base TREE --part rows    # or: programs, noise, whole

``TREE`` is a checkout of the build to compare with. Each number is the largest resident size of one process from its
start to its end, as the kernel counts it (``ru_maxrss``). Measured parts are kept in ``memory.json``, so that they need
not be measured together.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optbench import environment

HERE = Path(__file__).resolve()
TREE = HERE.parents[2]
RESULTS = TREE / "results" / "speed"
SYNTHETIC = HERE.with_name("synthetic.py")

#: Tables and figures of a stored run in one process, as the end of ``optbench run`` makes them.
READ = """
import sys
from optbench import store
from optbench.report import figures, tables
from optbench.report.evidence import Evidence
evidence = Evidence.of(store.load(sys.argv[1]))
for kind in sys.argv[3].split(","):
    tables.render(evidence, kind, "csv")
if sys.argv[2]:
    figures.draw(evidence, None, "png", sys.argv[2])
"""

#: The runs of some problems of a suite, with the programs of all.
COMPUTE = """
import sys
from pathlib import Path
from optbench import store
from optbench.runner import kinds
from optbench.runner.execution import Execution
from optbench.suite.parse import load
read, folder = load(sys.argv[2]), Path(sys.argv[1])
kind = kinds.planned(read.spec, {})
(folder / "shards").mkdir(parents=True)
with store.writing(folder):
    execution = Execution(folder, read, kind, {}, ["memory"], print)
    execution.compute([name for name, group in kind.groups.items() if group.problem_label in sys.argv[3].split(",")])
"""

FOUR = "ackley-2d-i1,beale-2d-i1,rosenbrock-2d-i1,sphere-2d-i1"
SIXTEEN = (
    f"{FOUR},booth-2d-i1,branin-2d-i1,bukin-2d-i1,cube-2d-i1,easom-2d-i1,griewank-2d-i1,himmelblau-2d-i1,levy-2d-i1,"
    "matyas-2d-i1,rastrigin-2d-i1,trid-2d-i1,zakharov-2d-i1"
)
TWELVE = "ackley-*d-i1,levy-*d-i1,rosenbrock-*d-i1,sphere-*d-i1"
THREE = "sphere-*d-i1"
MORE = f"{TWELVE},ellipsoid-*d-i1,griewank-*d-i1,rastrigin-*d-i1,zakharov-*d-i1"
ALL = "main,ranking,tuning"


@dataclass(frozen=True)
class Case:
    """One row: a process whose peak is measured.

    Attributes:
        what: For a reader.
        words: Its words after ``python``; ``RUN`` stands for a stored run, ``OUT`` for a fresh folder.
        rows: What ``synthetic.py`` is told to make ``RUN``; none for a case that needs no run.
        alone: Whether the other tree is left out: it would need more memory than there is, or hours.
    """

    what: str
    words: tuple[str, ...]
    rows: tuple[str, ...] = ()
    alone: bool = False


def run(suite: str, *options: str) -> tuple[str, ...]:
    """Returns the words of ``optbench run``."""
    return ("-m", "optbench", "run", suite, *options, "--out", "OUT")


def read(kinds: str, figures: bool) -> tuple[str, ...]:
    """Returns the words that make tables, and all figures, of ``RUN``."""
    return ("-c", READ, "RUN", "OUT" if figures else "", kinds)


PARTS: dict[str, list[Case]] = {
    "programs": [
        Case("`landscapes`, 4 functions in 2-D, 8 trials", run("landscapes", "--problems", FOUR, "--trials", "8")),
        Case("the same, 32 trials", run("landscapes", "--problems", FOUR, "--trials", "32")),
        Case("16 functions in 2-D, 8 trials", run("landscapes", "--problems", SIXTEEN, "--trials", "8")),
        Case("4 functions in 2-D, 10-D and 40-D", run("landscapes", "--problems", TWELVE, "--trials", "8")),
    ],
    "rows": [
        Case("main table, 3 problems", read("main", False), ("landscapes", "--problems", THREE)),
        Case("main table, 12 problems", read("main", False), ("landscapes", "--problems", TWELVE)),
        Case("main table, 24 problems", read("main", False), ("landscapes", "--problems", MORE)),
        Case("main, ranking, tuning and figures, 12", read(ALL, True), ("landscapes", "--problems", TWELVE)),
    ],
    "whole": [
        Case(
            "all programs of `landscapes`, runs of 3 of its 208 problems",
            ("-c", COMPUTE, "OUT", "landscapes", "sphere-2d-i1,sphere-10d-i1,sphere-40d-i1"),
            alone=True,
        ),
        Case("`optbench table landscapes --kind ranking`", read("ranking", False), ("landscapes",), alone=True),
        Case("`optbench table landscapes --kind main`", read("main", False), ("landscapes",), alone=True),
    ],
    "noise": [
        Case("`noise`, main, ranking, tuning and figures", read(ALL, True), ("noise",)),
    ],
}


TITLES = {
    "programs": "Runs of parts of `landscapes`, all 81 rules, to the last figure, nothing kept from before",
    "rows": "Tables of stored runs of `landscapes`, by number of problems; each has 31,590 rows",
    "noise": "A stored run of `noise`, 856,920 rows, in one process",
    "whole": "`landscapes` as a whole, 6.6 million rows: what no process of the build before could hold",
}


def peak(words: Sequence[str], tree: Path, cache: Path) -> tuple[float, float, float]:
    """Runs a process and returns its largest resident size in bytes, its seconds and its seconds of CPU."""
    env = {**os.environ, "PYTHONPATH": str(tree), "OPTBENCH_CACHE": str(cache)}
    begin = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words], env=env, cwd=cache, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(words)[:200]} in {tree} ended with {os.waitstatus_to_exitcode(status)}")
    return used.ru_maxrss * 1024.0, time.perf_counter() - begin, used.ru_utime + used.ru_stime


def measured(case: Case, tree: Path) -> dict[str, float]:
    """Returns what one case takes in one tree, its rows made by that tree and its programs compiled anew."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        words = [str(root / "out") if word == "OUT" else word for word in case.words]
        if case.rows:
            made = subprocess.run(
                [sys.executable, str(SYNTHETIC), case.rows[0], str(root / "made"), *case.rows[1:]],
                env={**os.environ, "PYTHONPATH": str(tree)},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            words = [made.stdout.strip() if word == "RUN" else word for word in words]
        size, seconds, cpu = peak(words, tree, root)
        return {"peak": size, "seconds": seconds, "cpu": cpu}


def compared(case: Case, base: Path | None) -> dict[str, Any]:
    """Returns the row of one case."""
    row: dict[str, Any] = {"what": case.what, "now": measured(case, TREE)}
    if base is not None and not case.alone:
        row["base"] = measured(case, base)
    print(row, flush=True)
    return row


def table(parts: dict[str, list[dict[str, Any]]], machine: dict[str, Any]) -> str:
    """Returns the page."""
    lines = [
        "# Memory",
        "",
        "Largest resident size of a whole process, here and in the build before:",
        "`python benchmarks/speed/memory.py --base TREE`. Stored rows are made from formulas,",
        "as many as a suite plans, by `benchmarks/speed/synthetic.py`.",
    ]
    for part, rows in parts.items():
        lines += [
            "",
            f"## {TITLES[part]}",
            "",
            "| what | before, GB | now, GB | ratio | CPU s before | now |",
            "|---|---|---|---|---|---|",
        ]
        for row in rows:
            now, base = row["now"], row.get("base")
            cells = (
                [f"{base['peak'] / 1e9:.2f}", f"{now['peak'] / base['peak']:.2f}", f"{base['cpu']:.0f}"]
                if base
                else ["-"] * 3
            )
            lines.append(
                f"| {row['what']} | {cells[0]} | {now['peak'] / 1e9:.2f} | {cells[1]} | {cells[2]} | {now['cpu']:.0f} |"
            )
    lines += ["", f"{machine['cpu']}, {machine['cores']} cores."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measures the parts that were asked for and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, help="tree of the build to compare with")
    parser.add_argument("--part", choices=list(PARTS), action="append", help="may be repeated; all by default")
    given = parser.parse_args()
    kept = RESULTS / "memory.json"
    parts = json.loads(kept.read_text())["parts"] if kept.exists() else {}
    for part in given.part or PARTS:
        for case in PARTS[part]:
            row = compared(case, None if given.base is None else given.base.resolve())
            others = [old for old in parts.get(part, []) if old["what"] != case.what]
            parts[part] = sorted([*others, row], key=lambda row: [case.what for case in PARTS[part]].index(row["what"]))
            machine = environment.provenance()["machine"]
            kept.write_text(json.dumps({"machine": machine, "parts": parts}, indent=1) + "\n")
            (RESULTS / "memory.md").write_text(table(parts, machine))


if __name__ == "__main__":
    main()
