"""``optbench list`` and ``optbench info``: what there is, and what one thing is."""

from __future__ import annotations

import json

import click

from optbench import catalog

KINDS = ("optimizers", "problems", "suites")


@click.command("list")
@click.argument("kind", required=False, type=click.Choice(KINDS))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(kind: str | None, as_json: bool) -> None:
    """Lists optimizers, problems and suites.

    \b
    Examples:
      optbench list
      optbench list problems --json
    """
    found = {name: _rows(name) for name in ([kind] if kind else KINDS)}
    if as_json:
        click.echo(json.dumps(found if kind is None else found[kind], indent=2))
        return
    for number, (name, rows) in enumerate(found.items()):
        click.echo(f"{'' if number == 0 else chr(10)}{name} ({len(rows)})")
        name_width = max(len(row["name"]) for row in rows)
        group_width = max(len(row.get("group", "")) for row in rows)
        for row in rows:
            group = f"{row['group']:<{group_width}}  " if group_width else ""
            click.echo(f"  {row['name']:<{name_width}}  {group}{row['summary']}")


def _rows(kind: str) -> list[dict[str, str]]:
    if kind == "suites":
        return _suites()
    entries = catalog.OPTIMIZERS if kind == "optimizers" else catalog.PROBLEMS
    return [{"name": entry.name, "group": entry.group, "summary": entry.summary} for entry in entries]


def _suites() -> list[dict[str, str]]:
    """Returns the shipped suites in their own words, without the validation that would load JAX."""
    import tomllib
    from pathlib import Path

    files = sorted((Path(catalog.__file__).parent / "suites").glob("*.toml"))
    return [
        {"name": path.stem, "summary": tomllib.loads(path.read_text(encoding="utf-8"))["question"]} for path in files
    ]


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(name: str, as_json: bool) -> None:
    """Tells what an optimizer or a problem is.

    Formula, defaults, ranges, optimum, reference; for problems in two dimensions a small picture too.
    NAME may carry options, such as 'ellipsoid[dim=10,condition=1e6]', or be a module:attribute of your own.

    \b
    Examples:
      optbench info adam
      optbench info 'rastrigin[dim=2,instance=1,rotated=true]'
    """
    import sys

    from optbench.cli import describing

    facts = describing.facts(name)
    if as_json:
        click.echo(json.dumps(facts, indent=2, allow_nan=False))
    else:
        click.echo(describing.text(facts))
        picture = describing.picture(name, facts, encoding=sys.stdout.encoding)
        if picture:
            click.echo("\n" + picture)
