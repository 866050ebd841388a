"""``optbench list`` and ``optbench info``: what there is, and what one thing is."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import click

from optbench import catalog
from optbench.console import text_width
from optbench.problems.cutest import names

KINDS = ("optimizers", "problems", "models", "modifiers", "noise", "measures", "suites")

#: Shown only when asked for: some 200 names that need an extra package.
EXTRA_KINDS = (catalog.CUTEST,)

#: What else may stand there, and what to do with what no name of a rule or a function shows.
_HOW = {
    "optimizers": "and your own Optimizers and optax factories, module:attribute",
    "problems": "and your own Landscapes, module:attribute",
    "models": "and your own Models, module:attribute",
    "modifiers": "added to any optimizer by name: adam+warmup+cosine; info warmup",
    "noise": "given with a problem, as optbench info gaussian shows",
    "measures": "named in a suite, or with optbench measure RUN",
    "cutest": 'problems of the extra "optbench[cutest]"',
}


#: What ``info`` tells of.
_TOLD = (*catalog.OPTIMIZERS, *catalog.PROBLEMS, *catalog.MODELS, *catalog.MODIFIERS, *catalog.NOISE, *catalog.MEASURES)


@click.command("list")
@click.argument("kind", required=False, type=click.Choice((*KINDS, *EXTRA_KINDS)))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(kind: str | None, as_json: bool) -> None:
    """Lists optimizers, problems, models, modifiers, noise, measures and suites; CUTEst's problems when asked for.

    \b
    Examples:
      optbench list
      optbench list optimizers
      optbench list problems --json
      optbench list cutest
    """
    found = {name: _rows(name) for name in ([kind] if kind else KINDS)}
    if as_json:
        click.echo(json.dumps(found if kind is None else found[kind], indent=2))
        return
    # A reader of a pipe gets one line for each name, however long, unless COLUMNS asks for a width.
    width = text_width(sys.stdout, None)
    for number, (name, rows) in enumerate(found.items()):
        if number:
            click.echo()
        for line in _lines(name, rows, width):
            click.echo(line)


def _lines(kind: str, rows: list[dict[str, Any]], width: int | None) -> Iterator[str]:
    """Yields the names of one kind under the headings of their groups."""
    how = f": {_HOW[kind]}" if kind in _HOW else ""
    yield f"{kind} ({len(rows)}){how}"
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row.get("group", ""), []).append(row)
    for group, members in groups.items():
        column = max(len(row["name"]) for row in members)
        if group:
            yield ""
            yield f"{group} ({len(members)})"
        for row in members:
            line = f"  {row['name']:<{column}}  {row['summary']}"
            indent = " " * (column + 4)
            yield from [line] if width is None else textwrap.wrap(line, max(width, 60), subsequent_indent=indent)


def _rows(kind: str) -> list[dict[str, Any]]:
    if kind == "suites":
        return _suites()
    if kind == catalog.CUTEST:
        return [{"name": f"{kind}:{row.name}", "summary": row.summary} for row in names.rows().values()]
    if kind == "models":
        return [_model(entry) for entry in catalog.MODELS]
    shelves = {
        "optimizers": catalog.OPTIMIZERS,
        "problems": catalog.PROBLEMS,
        "modifiers": catalog.MODIFIERS,
        "noise": catalog.NOISE,
        "measures": catalog.MEASURES,
    }
    return [{"name": entry.name, "group": entry.group, "summary": entry.summary} for entry in shelves[kind]]


def _model(entry: catalog.ModelEntry) -> dict[str, Any]:
    shape = "x".join(map(str, entry.input_shape))
    return {
        "name": entry.name,
        "group": entry.group,
        "summary": f"{entry.summary}; {shape}, {entry.parameters:,} parameters",
        "input": list(entry.input_shape),
        "parameters": entry.parameters,
    }


def _suites() -> list[dict[str, str]]:
    """Returns the shipped suites in their own words, without the validation that would load JAX."""
    import tomllib
    from importlib import resources

    files = sorted(
        (item for item in resources.files("optbench").joinpath("suites").iterdir() if item.name.endswith(".toml")),
        key=lambda item: item.name,
    )
    return [
        {"name": item.name.removesuffix(".toml"), "summary": tomllib.loads(item.read_text("utf-8"))["question"]}
        for item in files
    ]


def _names(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Returns the names that begin so, for the shell's completion; after a plus sign the modifiers."""
    base, plus, part = incomplete.rpartition("+")
    if plus:
        return [f"{base}+{entry.name}" for entry in catalog.MODIFIERS if entry.name.startswith(part)]
    # Some names are a rule's or a model's and a modifier's.
    return list(dict.fromkeys(entry.name for entry in _TOLD if entry.name.startswith(part)))


@click.command()
@click.argument("name", shell_complete=_names)
@click.option("--input", "input_shape", metavar="SHAPE", help="Shape of a model's examples, such as 32x32x3.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(name: str, input_shape: str | None, as_json: bool) -> None:
    """Tells what an optimizer, a problem, a model, a modifier, a kind of noise or a measure is.

    Formula, defaults, ranges, cost, optimum, reference; for problems in two dimensions a small picture too.
    For models the table of layers: shapes, parameters, multiply-adds.
    NAME may carry modifiers and options, such as 'adam+cosine[lr=0.1]' or 'ellipsoid[dim=10,condition=1e6]',
    or be a module:attribute of your own. With a plus sign before it, as in +linear, it is a modifier's, and
    behind measure: a measure's.

    \b
    Examples:
      optbench info adam
      optbench info adam+warmup+cosine
      optbench info warmup
      optbench info 'rastrigin[dim=2,instance=1,rotated=true]'
      optbench info lenet --input 32x32x3
      optbench info 'mlp[classes=100]'
      optbench info measure:sam
    """
    from optbench.cli import describing

    facts = describing.facts(name, input_shape)
    if as_json:
        click.echo(json.dumps(facts, indent=2, allow_nan=False))
    else:
        click.echo(describing.text(facts, text_width(sys.stdout, describing.PIPED_WIDTH)))
        picture = describing.picture(name, facts, encoding=sys.stdout.encoding)
        if picture:
            click.echo("\n" + picture)
