"""``optbench export`` and ``optbench cite``: a run for others, and how to cite it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from optbench.report.citing import Citation

#: As ``report.exporting`` and ``report.citing`` have them, which are not imported before a command runs.
EXPORTS = ("zip", "csv", "parquet")
CITATIONS = ("bibtex", "text", "json")

author_option = click.option(
    "--author", "authors", multiple=True, metavar="NAME", help="Who made the run; may be given several times."
)


@click.command()
@click.argument("run")
@click.option("--out", metavar="FILE", help="Where to write it; by default suite and run id, in the working folder.")
@click.option(
    "--format",
    "form",
    type=click.Choice(EXPORTS),
    help="zip: all of it. csv, parquet: its rows alone. By default what FILE ends in, else zip.",
)
@author_option
@click.option(
    "--license", default="Apache-2.0", show_default=True, metavar="ID", help="Its license, an SPDX identifier."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def export(run: str, out: str | None, form: str | None, authors: tuple[str, ...], license: str, as_json: bool) -> None:
    """Writes a run to one file that can be read without optbench, and prints where it is.

    RUN is the folder of a run, a suite (its latest run), or suite/run-id under ./results.

    A zip has the rows as Parquet and CSV with the meaning of every column, the suite, the manifest, tables,
    figures, checksums, and a page that explains them. The same run gives the same bytes everywhere.

    \b
    Examples:
      optbench export quick
      optbench export quick --out quick.zip --author 'Lovelace, Ada'
      optbench export quick --format csv
    """
    from optbench import store
    from optbench.cli.folders import find_run
    from optbench.report import exporting

    done = exporting.export(store.load(find_run(run)), out, form, authors=authors, license=license)
    size = done.path.stat().st_size
    if as_json:
        facts = {
            "path": str(done.path),
            "format": done.format,
            "files": done.members,
            "bytes": size,
            "rows": done.rows,
            "watermark": done.watermark,
            "left_out": list(done.left_out),
            "footer": done.footer,
        }
        click.echo(json.dumps(facts, indent=2))
        return
    click.echo(done.path)
    click.echo(f"rows:    {done.rows:,}{f', {done.watermark}' if done.watermark else ''}", err=True)
    click.echo(f"size:    {size:,} bytes{f', {done.members:,} files' if done.format == 'zip' else ''}", err=True)
    for said in done.left_out:
        click.echo(f"note:    {said}", err=True)


@click.command()
@click.argument("run", required=False)
@click.option(
    "--format", "form", type=click.Choice(CITATIONS), default="bibtex", show_default=True, help="How to write it."
)
@author_option
def cite(run: str | None, form: str, authors: tuple[str, ...]) -> None:
    """Prints how to cite optbench, or the data of a run.

    RUN is the folder of a run, a suite (its latest run), or suite/run-id under ./results. Without it the software
    is cited.

    \b
    Examples:
      optbench cite
      optbench cite quick --author 'Lovelace, Ada' >> references.bib
      optbench cite quick --format text
    """
    from optbench.report import citing

    click.echo(citing.render(_cited(run, authors), form), nl=False)


def _cited(run: str | None, authors: tuple[str, ...]) -> Citation:
    """Returns what is cited: a run, or the software where none is named.

    Raises:
        UsageError: Authors were named, but no run.
    """
    from optbench import store
    from optbench.cli.folders import find_run
    from optbench.errors import UsageError
    from optbench.report import citing

    if run is not None:
        return citing.of_run(store.load(find_run(run)), authors)
    if authors:
        raise UsageError("--author says who made a run; name the run: optbench cite RUN --author NAME")
    return citing.of_software()
