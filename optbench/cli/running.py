"""``optbench run`` and ``optbench status``: execute a suite, and how far a run is."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from typing import Any

import click


@click.command()
@click.argument("suite")
@click.option("--out", default="results", show_default=True, metavar="DIR", help="Where runs are kept.")
@click.option("--optimizers", metavar="A,B", help="Only these: names, labels, patterns, or others to add.")
@click.option("--problems", metavar="X,Y", help="Only these: names, labels, patterns, or others to add.")
@click.option("--tasks", metavar="X,Y", help="The same of a suite of networks: names, labels, data sets, patterns.")
@click.option("--studies", metavar="X,Y", help="The same of a suite of studies: names, methods, data sets, patterns.")
@click.option("--arms", metavar="A,B", help="Only these arms of a suite that has some: names, patterns.")
@click.option("--tuning", metavar="T", help="grid, random or default; the suite's own by default.")
@click.option("--trials", type=int, metavar="K", help="How many configurations random tuning draws.")
@click.option("--seed", type=int, metavar="N", help="Another seed of all that is drawn: a run of its own.")
@click.option("--dtype", metavar="D", help="float32 or bfloat16, of a suite of networks.")
@click.option("--device", metavar="D", help="cpu, gpu or tpu; what JAX finds first by default.")
@click.option("--quick", is_flag=True, help="Run the quick size, as the suite's table [quick] has it.")
@click.option("--fresh", is_flag=True, help="Compute again, beside what is stored.")
@click.option("--keep-weights", is_flag=True, help="Keep the judged points of reported runs: optbench measure is fast.")
@click.option("--dry-run", is_flag=True, help="Print cells, programs, estimated memory and time; run nothing.")
def run(suite: str, out: str, fresh: bool, dry_run: bool, keep_weights: bool, **options: Any) -> None:
    """Runs a suite, prints its table and draws its pictures.

    SUITE is the name of a shipped suite or the path of a TOML file. The same command again resumes a
    run that was stopped, and shows one that is finished.

    \b
    Examples:
      optbench run quick
      optbench run quick --optimizers sgd,'adam[b1=0.95]' --problems 'rastrigin*'
      optbench run quick --tuning random --trials 64
      optbench run noise --quick
      optbench run networks --quick
      optbench run networks --device gpu
      optbench run networks --tasks digits --optimizers adam,sgd
      optbench run my-suite.toml --dry-run
    """
    from optbench.runner.running import command, describe

    if dry_run:
        click.echo(describe(suite, **options))
        return
    options |= {"keep_weights": keep_weights}
    _execute(suite, out, options, fresh, shlex.join(command(suite, out, **options)))


def _execute(suite: str, out: str, chosen: dict[str, Any], fresh: bool, command: str) -> None:
    from optbench.cli.process import FAILED_CELLS, notes
    from optbench.cli.showing import print_table
    from optbench.console import Progress, progress
    from optbench.report import figures
    from optbench.report.evidence import Evidence
    from optbench.report.shown import FIGURES, Shown
    from optbench.runner import run as run_suite

    latest = Progress(0, 0)

    def note(report: Progress) -> None:
        nonlocal latest
        latest = report
        show(report)

    try:
        with notes(), progress(sys.stderr) as show:
            stored = run_suite(suite, out=out, **chosen, fresh=fresh, progress=note)
    except KeyboardInterrupt:
        click.echo(f"\nsaved {latest.cells_done:,}/{latest.cells_total:,} cells; resume with: {command}", err=True)
        raise
    # Both are made from one analysis, and only where they are not there already.
    evidence, shown = Evidence.of(stored), Shown(stored)
    print_table(evidence, shown, None, "terminal")
    drawn = shown.figures(lambda: figures.draw(evidence, None, "png", stored.path / FIGURES))
    shown.keep()
    click.echo(f"run:     {stored.path}", err=True)
    click.echo(f"figures: {stored.path / FIGURES} ({len(drawn)} files)", err=True)
    click.echo(f"again:   optbench table {stored.path}", err=True)
    if stored.manifest.get("measures") and stored.manifest.get("table") != "sharpness":
        click.echo(f"also:    optbench table {stored.path} --kind sharpness", err=True)
    failed = {
        name: count for name, count in stored.manifest["status_counts"].items() if name in ("error", "timeout", "oom")
    }
    if sum(failed.values()):
        words = ", ".join(f"{count:,} {name}" for name, count in failed.items() if count)
        click.echo(f"some cells failed: {words}; see the column message of the rows", err=True)
        raise click.exceptions.Exit(FAILED_CELLS)


@click.command()
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(run: str, as_json: bool) -> None:
    """Tells how far a run is.

    RUN is the folder of a run, a suite (its latest run), or suite/run-id under ./results.

    \b
    Examples:
      optbench status quick
      optbench status results/quick/0f3a --json
    """
    import json

    from optbench import store
    from optbench.cli.folders import find_run
    from optbench.report.part import part

    path = find_run(run)
    manifest = store.load(path).manifest
    committed = {name: record for name, record in store.committed(path).items() if name in manifest["shards"]}
    counts: Counter[str] = Counter()
    for record in committed.values():
        counts.update(record.get("status_counts", {}))
    facts = {
        "run": str(path),
        "suite": manifest["suite"]["name"],
        "part": part(manifest),
        "run_id": path.resolve().name,
        "state": manifest["state"],
        "shards_done": len(committed),
        "shards_total": len(manifest["shards"]),
        "cells_done": sum(counts.values()),
        "cells_total": manifest.get("n_cells"),
        "status_counts": dict(sorted(counts.items())),
        "created_utc": manifest["created_utc"],
        "finished_utc": manifest.get("finished_utc"),
        "command": shlex.join(manifest["command"]),
    }
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    shards = f"{len(committed)}/{facts['shards_total']} shards committed"
    click.echo(f"{facts['suite']}/{facts['run_id']}: {facts['state']}, {shards}")
    if counts:
        of = "" if facts["cells_total"] is None else f" of {facts['cells_total']:,}"
        words = ", ".join(f"{count:,} {name}" for name, count in facts["status_counts"].items())
        click.echo(f"cells:    {facts['cells_done']:,}{of}: {words}")
    if facts["part"]:
        click.echo(f"part:     {facts['part'].partition(': ')[2]}")
    click.echo(f"created:  {facts['created_utc']}")
    if facts["finished_utc"]:
        click.echo(f"finished: {facts['finished_utc']}")
    if facts["state"] != "finished":
        click.echo(f"resume:   {facts['command']}")
