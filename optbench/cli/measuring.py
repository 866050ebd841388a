"""``optbench measure``: measures of the points of a finished run."""

from __future__ import annotations

import sys

import click


@click.command()
@click.argument("run")
@click.option("--measures", metavar="A,B", help="Which: names, with settings in brackets; the suite's by default.")
@click.option(
    "--rows", multiple=True, metavar="COLUMN=PATTERN", help="Only these reported rows; may be given several times."
)
def measure(run: str, measures: str | None, rows: tuple[str, ...]) -> None:
    """Measures the judged points of a finished run.

    RUN is the folder of a run, a suite (its latest run), or suite/run-id under ./results. Points that
    run --keep-weights kept are read, all others are made again from their seeds; where stored losses do not come out to
    the bit, it says how far they differ. What is stored is not measured again.

    Of --rows each column must match one of its patterns, in which * and ? stand for anything.

    \b
    Examples:
      optbench measure digits --measures hessian_top
      optbench measure digits --measures 'keskar[eps=5e-4],hessian_trace' --rows optimizer=adam
      optbench measure quick/0f3a --measures hessian_top --rows 'problem=r*,is_default=true'
    """
    from optbench.cli.folders import find_run
    from optbench.cli.process import notes
    from optbench.console import progress
    from optbench.runner.remeasuring import measure as take

    with notes(), progress(sys.stderr) as show:
        measured = take(find_run(run), measures, rows, progress=show)
    _print(measured.measures["measure"].tolist(), measured.measures["status"].tolist())
    click.echo(f"run:     {measured.path}", err=True)
    click.echo(f"table:   optbench table {measured.path} --kind sharpness", err=True)


def _print(measures: list[str], statuses: list[str]) -> None:
    """Prints how many rows of each measure have which status."""
    column = max(map(len, measures), default=0)
    for name in sorted(set(measures)):
        of = [status for measure, status in zip(measures, statuses, strict=True) if measure == name]
        counts = ", ".join(f"{of.count(status):,} {status}" for status in sorted(set(of)))
        click.echo(f"{name:<{column}}  {counts}")
