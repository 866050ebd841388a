"""The command line: parse, call, print. Data goes to stdout, everything else to stderr.

Only click is imported at the top; each command imports what it needs when it runs, so that
``optbench --help`` and ``optbench list`` answer at once.
"""

from __future__ import annotations

import click

import optbench
from optbench.cli import datasets, exporting, listing, measuring, running, showing, verifying
from optbench.cli.process import Commands

_EPILOG = """\b
Exit codes: 0 done, 1 internal error, 2 wrong usage, 3 done but some cells failed,
5 damaged data, 6 results folder busy, 74 cannot read or write, 130 Ctrl-C, 143 terminated."""


@click.group(
    cls=Commands,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(optbench.__version__, prog_name="optbench")
def cli() -> None:
    """Compares first-order optimizers on loss landscapes, under one stated protocol.

    \b
    Examples:
      optbench run quick                    run the shipped suite, print its table, draw its pictures
      optbench table quick --kind gaps      print a table of the latest run
      optbench info rosenbrock              what a function or an optimizer is
    """


for command in (
    *(listing.list_, listing.info),
    *(running.run, running.status, measuring.measure),
    *(showing.table, showing.plot, verifying.verify),
    *(exporting.export, exporting.cite),
    datasets.data,
):
    cli.add_command(command)


def main() -> None:
    """Runs the command ``optbench``."""
    cli(prog_name="optbench")
