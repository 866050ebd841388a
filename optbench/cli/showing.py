"""``optbench table`` and ``optbench plot``: what was stored, as a person reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from optbench.errors import UsageError
from optbench.records import Scoring

if TYPE_CHECKING:
    from optbench import store
    from optbench.report.evidence import Evidence
    from optbench.report.shown import Shown

FORMATS = ("terminal", "markdown", "csv", "latex", "json")
PICTURES = ("png", "svg", "pdf")

#: Columns of a table that goes into a pipe or a file, where ``COLUMNS`` says nothing else.
PIPED_WIDTH = 120

#: What a run shows unless another kind is asked for.
ANSWERS = "The one that answers the suite's question"

score_option = click.option(
    "--score",
    type=click.Choice([way.value for way in Scoring]),
    help="Which targets count: settled ones (the last iterate), which is the default, or touched ones (the best).",
)


class KindOption(click.Option):
    """``--kind``, whose help names the kinds that the report has; they are looked up when help is asked for."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Returns the option and its help."""
        from optbench.report import figures, tables

        names = figures.names() if self.multiple else tables.names()
        said = [f"Of a run of {of}: {', '.join(kinds[:-1])} or {kinds[-1]}." for of, kinds in names.items()]
        said.append("May be repeated; all by default." if self.multiple else f"{ANSWERS} by default.")
        self.help = " ".join(said)
        return super().get_help_record(ctx)


@click.command()
@click.argument("run")
@click.option("--kind", cls=KindOption, metavar="K")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="terminal", show_default=True, help="How to write it."
)
@score_option
def table(run: str, kind: str | None, form: str, score: str | None) -> None:
    """Prints a table of a run, computed from its stored rows alone.

    RUN is the folder of a run, a suite (its latest run), or suite/run-id under ./results.

    \b
    Examples:
      optbench table quick
      optbench table quick --kind long --format csv > quick.csv
      optbench table quick --kind ranking --score touched
    """
    from optbench import store
    from optbench.cli.folders import find_run
    from optbench.report.shown import Shown

    stored = store.load(find_run(run))
    print_table(stored, Shown(stored), kind, form, score)


def print_table(run: store.Run | Evidence, shown: Shown, kind: str | None, form: str, score: str | None = None) -> None:
    """Prints a table on stdout, in letters that its encoding has, as wide as the terminal or ``COLUMNS``.

    Args:
        run: The run.
        shown: What was shown of it before.
        kind: Which table; ``None`` for the one that answers the suite's question.
        form: Format.
        score: Which targets count; ``None`` for what the run has.
    """
    import json
    import sys

    from optbench.console import text_width

    width = text_width(sys.stdout, PIPED_WIDTH)
    ascii_only = not can_encode("─†≤×", sys.stdout.encoding)

    def make() -> str:
        from optbench.report import tables

        return tables.render(run, kind, form, score=score, width=width, ascii_only=ascii_only)

    click.echo(shown.table(json.dumps([kind, form, score, width, ascii_only]), make), nl=False)


def can_encode(text: str, encoding: str) -> bool:
    """Returns whether a stream of this encoding can show ``text``."""
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


@click.command()
@click.argument("run")
@click.option("--kind", "kinds", cls=KindOption, multiple=True, metavar="K")
@click.option("--format", "form", type=click.Choice(PICTURES), default="png", show_default=True, help="File format.")
@click.option("--out", metavar="DIR", help="Where to write them; by default the run's own folder figures/.")
@click.option("--optimizers", metavar="A,B", help="Show only these of the run: names, labels or patterns.")
@click.option("--problems", metavar="X,Y", help="Show only these problems (or tasks) of the run.")
@click.option(
    "--rates",
    metavar="R,A=R",
    help="Trajectories: values of the swept constant (0.01, or adam=0.1 for one), or gentle, tuned, default.",
)
@click.option(
    "--starts",
    metavar="N,X:Y",
    help="Trajectories: numbers of reported starts (0,3), or points (-1.5:2).",
)
@score_option
def plot(
    run: str,
    kinds: tuple[str, ...],
    form: str,
    out: str | None,
    optimizers: str | None,
    problems: str | None,
    rates: str | None,
    starts: str | None,
    score: str | None,
) -> None:
    """Draws the pictures of a run, and prints where they are.

    RUN is the folder of a run, a suite (its latest run), or suite/run-id under ./results.

    \b
    Examples:
      optbench plot quick
      optbench plot quick --kind convergence --format pdf --out paper/
      optbench plot quick --kind trajectories --rates 0.1,adam=0.01 --starts 0,-1.5:2
    """
    from pathlib import Path

    from optbench import store
    from optbench.cli.folders import find_run
    from optbench.report import figures
    from optbench.report.chosen import chosen
    from optbench.report.evidence import Evidence
    from optbench.suite.selector import split

    names, labels = (None if text is None else split(text) for text in (optimizers, problems))
    path = find_run(run)
    folder = path / "figures" if out is None else Path(out)
    evidence = Evidence.of(store.load(path), score)
    if _chooses_paths(kinds, rates, starts) or (kinds == ("trajectories",) and (names or labels)):
        from optbench.plotting import wishes
        from optbench.plotting.trajectories import plot_trajectories

        pages = plot_trajectories(
            evidence,
            names,
            rates=None if rates is None else wishes.read_rates(split(rates)),
            starts=(0, 1, 2) if starts is None else wishes.read_starts(starts),
            problems=labels,
        )
        written = figures.write(pages, "trajectories-chosen", form, folder)
    else:
        shown = chosen(evidence, optimizers=names, problems=labels)
        written = figures.draw(shown, list(kinds) or None, form, folder, score=score)
    for drawn in written:
        click.echo(drawn)


def _chooses_paths(kinds: tuple[str, ...], rates: str | None, starts: str | None) -> bool:
    """Returns whether rates or starts were named; they are of one kind of figure alone."""
    if rates is None and starts is None:
        return False
    if kinds != ("trajectories",):
        raise UsageError("--rates and --starts say which paths are drawn: they go with --kind trajectories alone")
    return True
