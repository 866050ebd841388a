"""Writes what was measured: rows as JSON, a table as Markdown, the machine named in both."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clock import geometric_mean

from optbench import __version__, environment

_WHAT = {
    "throughput": "Run-steps a second, 512 lanes x 2,000 steps in float64, every hyperparameter traced for each lane. "
    "The plain scan's losses are reduced by NumPy to the same best, curve and first hits: by one vectorized pass for "
    "each target (ratio), or by a binary search in each lane, which is faster (searched). Beside them, without a "
    "claim: a scan that traces only the rate and keeps nothing (rate only).",
    "limit": "Run-steps a second in float64: the engine with its records on and all cores at work, against "
    "hand-written C on one core (benchmarks/speed/limit.c), which keeps the best value alone.",
    "builds": "CPU nanoseconds for a step of a lane in one thread, the engine with all its records: another build "
    "(here from before settling times were kept), and this one. The least of all turns; ratio is the other's over "
    "ours.",
    "compile": "Seconds to compile all that a suite needs; what is compiled pair by pair is measured on a sample "
    "and scaled.",
    "loops": "Adam on 2-D Rosenbrock, float64: run-steps a second of the engine on all lanes, and of Python loops.",
    "networks": "LeNet with Adam in float32: examples a second of the training program and of PyTorch's eager loop "
    "on the same cores, with one thread or as many as there are cores, scoring all examples together or 256 at a time, "
    "whichever is fastest. A sweep is sixteen runs, four rates by four seeds, with scores of all training and "
    "validation examples at log-spaced points, our compile seconds included. Sweeps of 5 passes are medians of three "
    "rounds, those of 30 passes were measured once; of PyTorch's sixteen runs, which are one and the same work, four "
    "were timed.",
    "small-batches": "Adam in float32, one pass over 800 training examples with scores of training and validation "
    "examples at log-spaced points: examples a second of one run as a suite makes it (without compile seconds), of a "
    "ladder of four seeds on all cores, and of PyTorch's eager loop, which trains one run after another in one thread, "
    "scoring all examples together or 256 at a time, whichever is faster. ratio_run is one run of ours over PyTorch's, "
    "ratio the ladder's, cpu_ratio that of CPU seconds.",
    "curvature": "Top eigenvalue of the Hessian of a CNN of 30,000 parameters on 2,000 images of 28 x 28, and its "
    "trace, in float32 from the same trained weights: ours from nothing compiled (compile_s of its seconds), "
    "curvlinops 3.0.1 (SciPy's eigsh; hutchinson_trace) and PyHessian 0.1 (power iteration; Hutchinson). error is the "
    "relative residual of the eigenvalue, by PyTorch's product in float64 for ours and curvlinops, or the "
    "relative standard error of the trace. PyHessian's rows and curvlinops' trace are eight products, scaled to "
    "those that the error takes. ratio is the contestant's seconds over ours; cpu_ratio the same of CPU seconds, "
    "which others on the machine change least. In -cost a product is counted in gradients. In -memory the "
    "resident size before a product stands beside what the product adds at its peak, and beside the temporary "
    "memory of the program of one thread.",
    "lanes": "Run-steps a second of the engine alone, records on, against the number of lanes.",
}


def write(out: Path, measured: Mapping[str, Sequence[Mapping[str, Any]]], options: Mapping[str, Any]) -> list[Path]:
    """Writes one JSON and one Markdown file for each part.

    Args:
        out: Folder.
        measured: Rows by part.
        options: What the command line said.

    Returns:
        The files.
    """
    out.mkdir(parents=True, exist_ok=True)
    provenance = environment.provenance()
    machine = {"version": __version__, **provenance["machine"], "versions": provenance["versions"]}
    paths = []
    for part, rows in measured.items():
        facts = {"part": part, "machine": machine, "rounds": options["rounds"], "rows": list(rows)}
        path = out / f"{part}.json"
        path.write_text(json.dumps(facts, indent=1) + "\n")
        table = out / f"{part}.md"
        table.write_text(_markdown(part, rows, machine, options["rounds"]))
        paths += [path, table]
    return paths


def _markdown(part: str, rows: Sequence[Mapping[str, Any]], machine: Mapping[str, Any], rounds: int) -> str:
    columns = list(rows[0])
    lines = [f"# Speed: {part}", "", _WHAT.get(part) or _WHAT[part.split("-")[0]], ""]
    if part not in ("builds", "compile", "curvature-memory"):
        lines += [f"Medians of {rounds} rounds, contestants in turn.", ""]
    lines += ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(_cell(name, row[name]) for name in columns) + " |" for row in rows]
    if part == "throughput":
        names = ("ratio", "ratio_searched", "ratio_rate_only")
        means = [geometric_mean([row[name] for row in rows]) for name in names]
        lines += [
            "",
            "Geometric means: " + ", ".join(f"{n} **{m:.2f}**" for n, m in zip(names, means, strict=True)) + ".",
        ]
    if part in ("builds", "limit"):
        lines += ["", f"Geometric mean of ratio: **{geometric_mean([row['ratio'] for row in rows]):.2f}**."]
    if part == "limit":
        lines += ["", "What bounds each kernel: [docs/speed.md](../../docs/speed.md)."]
    if part == "networks":
        for what in dict.fromkeys(row["what"] for row in rows):
            mean = geometric_mean([row["ratio"] for row in rows if row["what"] == what])
            lines += ["", f"Geometric mean of ratio, {what}: **{mean:.2f}**."]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    lines += ["", f"optbench {machine['version']}; {machine['cpu']}, {machine['cores']} cores; {versions}."]
    return "\n".join(lines) + "\n"


def _cell(name: str, value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    if name == "error":
        return f"{value:.1e}"
    if name.endswith("steps_per_s"):
        return f"{value / 1e6:.2f} M" if value >= 1e4 else f"{value:,.0f}"
    return f"{value:.2f}" if value < 100 else f"{value:,.0f}"
