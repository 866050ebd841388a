"""``optbench data``: which data sets there are, downloads, and whether the files are the original ones."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import click

from optbench.console import text_width

if TYPE_CHECKING:
    from optbench.tasks.data.surveying import Survey

#: Seconds between two plain lines of progress.
PLAIN_INTERVAL_S = 10.0


@click.group("data")
def data() -> None:
    """Lists, downloads and checks data sets.

    Files lie in $OPTBENCH_DATA, else in the user's cache, a folder for each set. Only fetch uses the network.

    \b
    Examples:
      optbench data list
      optbench data fetch mnist
      optbench data verify
    """


@data.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:
    """Lists data sets.

    A set counts as present if its files have the right sizes; verify checks their sums too.

    \b
    Examples:
      optbench data list
      optbench data list --json
    """
    from optbench.tasks.data.registry import SETS
    from optbench.tasks.data.surveying import survey

    surveys = [survey(name, sums=False) for name in SETS]
    if as_json:
        click.echo(json.dumps([_facts(found) for found in surveys], indent=2))
        return
    click.echo(f"data sets ({len(surveys)}), files in {surveys[0].folder}")
    width = text_width(sys.stdout, None)
    table = [("name", "shape", "classes", "rows", "test", "MB", "state", "license", "what"), *map(_row, surveys)]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    # Description and license come last: they are what a narrow terminal can do without.
    columns = len(widths)
    while width is not None and columns > 7 and sum(widths[:columns]) + 2 * columns > width:
        columns -= 1
    for row in table:
        cells = [f"{row[c]:>{widths[c]}}" if 2 <= c <= 5 else f"{row[c]:<{widths[c]}}" for c in range(columns)]
        click.echo("  " + "  ".join(cells).rstrip())


@data.command()
@click.argument("name")
def fetch(name: str) -> None:
    """Downloads a data set.

    About 12 MB for mnist, 31 for fashion-mnist, 170 for cifar10. A download that was cut goes on where it stopped.
    Every file is checked by its SHA-256; damaged ones are kept under another name.

    \b
    Examples:
      optbench data fetch mnist
      OPTBENCH_DATA=/data optbench data fetch cifar10
    """
    from optbench.tasks.data.fetching import fetch as download
    from optbench.tasks.data.surveying import Presence, survey

    state = survey(name, sums=False).state
    if state in (Presence.EMBEDDED, Presence.GENERATED):
        click.echo(f"{name}: {state}, needs no files")
        return
    with _progress() as report:
        new = download(name, report=report)
    for path in new:
        click.echo(f"new  {path}")
    click.echo(f"{name}: present, every file checked" + ("" if new else "; nothing to do"))


@data.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(name: str | None, as_json: bool) -> None:
    """Checks files of data sets.

    Compares size and SHA-256 of every file that is there with those of the original; changes nothing.
    Ends with code 5 if a file is damaged, a set is incomplete, or NAME is absent.

    \b
    Examples:
      optbench data verify
      optbench data verify mnist --json
    """
    from optbench.tasks.data.registry import SETS
    from optbench.tasks.data.surveying import Presence, survey

    surveys = [survey(each) for each in ([name] if name else SETS)]
    bad = [found for found in surveys if found.is_bad or (name and found.state is Presence.ABSENT)]
    if as_json:
        facts = [_facts(found) for found in surveys]
        click.echo(json.dumps(facts[0] if name else facts, indent=2))
    else:
        for found in surveys:
            click.echo(_verdict(found))
    if bad:
        _refuse(bad)


def _refuse(bad: list[Survey]) -> NoReturn:
    """Says of each data set what is wrong, and ends the command."""
    from optbench.errors import DataError

    sys.stdout.flush()
    raise DataError("\n".join(found.explanation() for found in bad))


def _verdict(found: Survey) -> str:
    """Returns the line of ``verify`` about a data set."""
    if not found.findings:
        checked = "SHA-256 of scikit-learn's copy checked" if found.state == "embedded" else "needs no files"
        return f"{found.data_set.name}: {found.state}, {checked}"
    good = sum(finding.condition == "good" for finding in found.findings)
    where = found.folder / found.data_set.folder
    return f"{found.data_set.name}: {found.state}, {good} of {len(found.findings)} files good, in {where}"


def _row(found: Survey) -> tuple[str, ...]:
    facts = found.data_set
    size = sum(file.n_bytes for file in facts.downloads) / 1e6
    return (
        facts.name,
        "x".join(map(str, facts.shape)),
        str(facts.n_classes),
        f"{facts.n_train + facts.n_test:,}",
        f"{facts.n_test:,}" if facts.n_test else "by seed",
        f"{size:.0f}" if size else "",
        str(found.state),
        facts.license,
        facts.summary,
    )


def _facts(found: Survey) -> dict[str, object]:
    facts = found.data_set
    return {
        "name": facts.name,
        "summary": facts.summary,
        "shape": list(facts.shape),
        "n_classes": facts.n_classes,
        "n_train": facts.n_train,
        "n_test": facts.n_test,
        "license": facts.license,
        "reference": facts.reference,
        "state": str(found.state),
        "folder": str(found.folder / facts.folder) if facts.folder else None,
        "files": [
            {
                "name": finding.file.name,
                "condition": str(finding.condition),
                "n_bytes": finding.n_bytes,
                "expected_bytes": finding.file.n_bytes,
                "sha256": finding.sha256 or None,
                "expected_sha256": finding.file.sha256,
            }
            for finding in found.findings
        ],
    }


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Shows bytes on stderr: a bar that vanishes on a terminal, a line every ten seconds elsewhere."""
    if not sys.stderr.isatty():
        yield _plain()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        tasks: dict[str, object] = {}

        def show(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total)
            bar.update(tasks[name], completed=done)  # type: ignore[arg-type]

        yield show


def _plain() -> Callable[[str, int, int], None]:
    shown_at = time.monotonic()

    def show(name: str, done: int, total: int) -> None:
        nonlocal shown_at
        if done == total or time.monotonic() - shown_at >= PLAIN_INTERVAL_S:
            shown_at = time.monotonic()
            click.echo(f"{name}: {done / 1e6:,.1f} of {total / 1e6:,.1f} MB", err=True)

    return show
