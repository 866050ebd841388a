"""``optbench verify``: is a stored run what it says it is?"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from optbench import store
    from optbench.store import Check, Level

#: Code with which the command ends where something does not hold: that of damaged data.
DOES_NOT_HOLD = 5
#: Columns of the table before what was looked at.
_LEVEL, _VERDICT = 11, 16


@click.command()
@click.argument("run")
@click.option(
    "--rerun", default=0, metavar="K", help="Compute K rows again, drawn from those that ended ok or diverged."
)
@click.option("--seed", default=0, show_default=True, metavar="S", help="Seed of that draw.")
@click.option(
    "--row", "rows", multiple=True, metavar="CELL_ID", help="Compute this row again; may be given several times."
)
@click.option("--own-code", is_flag=True, help="Let modules of your own that the run names be imported.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(run: str, rerun: int, seed: int, rows: tuple[str, ...], own_code: bool, as_json: bool) -> None:
    """Checks whether a stored run is what it says it is; writes nothing.

    RUN is the folder of a run, a suite (its latest run), or suite/run-id under ./results.

    \b
    Levels:
      files      SHA-256 of every file, commit records, page checksums
      rows       one row for each planned cell, and what analysis assumes of rows
      rendering  tables beside the rows, rendered again to the same bytes
      identity   the suite's text, planned anew: its hash, the run's id, the cells' ids
      rerun      rows computed again, to the bit where the environment is the run's

    Ends with code 5 where something does not hold.

    \b
    Examples:
      optbench verify quick
      optbench verify results/canonical/quick-891f94abd910 --rerun 3
      optbench verify quick --row 0f3a5c7e9b1d2f40
      optbench verify quick --json | jq '.checks[] | select(.verdict == "failed")'
    """
    import json

    from optbench.cli.folders import find_run
    from optbench.cli.process import notes

    path = find_run(run)
    with notes():
        checks = list(_checks(path, rerun, seed, rows, own_code))
    failed = [check for check in checks if check.verdict == "failed"]
    if as_json:
        click.echo(json.dumps({"run": str(path), "holds": not failed, "checks": list(map(_facts, checks))}, indent=2))
    else:
        _print(path, checks)
    if failed:
        click.get_current_context().exit(DOES_NOT_HOLD)


def _checks(path: Path, k: int, seed: int, named: Sequence[str], own_code: bool) -> Iterator[Check]:
    """Yields the checks of all levels, the cheap ones first; a level that stands on one that fails is not checked."""
    from optbench import store
    from optbench.report.verifying import check_rendering, check_rows
    from optbench.store import Level

    files = store.check_files(path)
    yield files
    if not files.facts.get("readable"):
        yield from (_left(level, "the files must hold first") for level in Level if level is not Level.FILES)
        return
    stored = store.load(path)
    rows = check_rows(stored)
    yield rows
    if rows.faults:
        yield from (_left(level, "the rows must hold first") for level in (*Level,)[2:])
        return
    from optbench.runner.verifying import check_identity, draw, go_where_it_was_made, replanned

    # What was asked for wrongly is said before minutes are spent.
    cells = draw(stored, k, seed, named) if k or named else {}
    yield check_rendering(stored)
    go_where_it_was_made(stored.manifest)
    planned = replanned(stored, own_code=own_code)
    yield check_identity(stored, planned)
    if k or named:
        yield _rerun(stored, planned, cells)
    else:
        yield _left(Level.RERUN, "nobody asked for it: --rerun K, or --row CELL_ID")


def _rerun(stored: store.Run, planned: Any, cells: dict[str, list[str]]) -> Check:
    """Computes rows again, with progress on stderr."""
    from optbench.console import Progress, progress
    from optbench.runner.verifying import check_rerun

    total = sum(map(len, cells.values()))
    with progress(sys.stderr) as show:
        found = check_rerun(stored, planned, cells, lambda said, done: show(Progress(done, total, phase=said)))
        show(Progress(total, total, phase="done"))
    return found


def _left(level: Level, why: str) -> Check:
    """Returns the check of a level that was not looked at."""
    from optbench.store import Check, Verdict

    return Check(level, Verdict.NOT_CHECKED, why)


def _facts(check: Check) -> dict[str, Any]:
    """Returns a check as JSON has it."""
    return {
        "level": check.level,
        "verdict": check.verdict,
        "said": check.said,
        "faults": [{"file": fault.file, "expected": fault.expected, "found": fault.found} for fault in check.faults],
        **check.facts,
    }


def _print(path: Path, checks: Sequence[Check]) -> None:
    """Prints the levels, the rows that were computed again, each thing that does not hold, and a sentence."""
    import textwrap

    from optbench.cli.showing import PIPED_WIDTH
    from optbench.console import text_width

    width = max(80, text_width(sys.stdout, PIPED_WIDTH))
    indent = " " * (_LEVEL + _VERDICT)
    for check in checks:
        head = f"{check.level:<{_LEVEL}}{check.verdict:<{_VERDICT}}"
        click.echo(textwrap.fill(_plain(check.said), width, initial_indent=head, subsequent_indent=indent))
    rows = [row for check in checks for row in check.facts.get("rows", [])]
    for row in rows:
        click.echo(textwrap.fill(_row(row), width, subsequent_indent="  "))
    for check in checks:
        for fault in check.faults:
            said = f"{check.level}: {fault.file}: must be {fault.expected}; found {fault.found}"
            click.echo(textwrap.fill(_plain(said), width, subsequent_indent="  ", break_on_hyphens=False))
    click.echo(textwrap.fill(_sentence(checks), width))
    if rows:
        click.echo(f"again:   {shlex.join(['optbench', 'verify', str(path), '--row', rows[0]['cell_id']])}", err=True)


def _row(row: dict[str, Any]) -> str:
    """Returns the line of a row that was computed again."""
    apart = ("cell_id", "to_the_bit", "differs", "agrees")
    where = ", ".join(
        f"{name} {value}" for name, value in row.items() if name not in apart and value not in (None, "", -1)
    )
    how = "the same to the bit"
    if not row["to_the_bit"]:
        far = ", ".join(name if by is None else f"{name} by {by:.2g}" for name, by in row["differs"].items())
        how = f"differs in {far}" + ("; within tolerance" if row["agrees"] else "")
    return _plain(f"row {row['cell_id']} ({where}): {how}")


def _sentence(checks: Sequence[Check]) -> str:
    """Returns what was checked and holds, what does not, and what was not checked."""
    of = {verdict: [str(check.level) for check in checks if check.verdict == verdict] for verdict in _VERDICTS}
    if of["failed"]:
        said = f"This does not hold: {', '.join(of['failed'])}."
        said += f" This was checked and holds: {', '.join(of['passed'])}." if of["passed"] else ""
    else:
        said = f"All that was checked holds: {', '.join(of['passed'])}."
    if of["not checked"]:
        said += f" Not checked: {', '.join(of['not checked'])}."
    if of["not applicable"]:
        said += f" Not applicable: {', '.join(of['not applicable'])}."
    return said


_VERDICTS = ("passed", "failed", "not applicable", "not checked")


def _plain(text: str) -> str:
    """Returns text of a stored run without letters that a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
