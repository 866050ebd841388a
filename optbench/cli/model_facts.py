"""What ``optbench info`` tells of a model: its layers with shapes, parameters and multiply-adds."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from optbench import catalog
from optbench.errors import UsageError, unknown_name
from optbench.tasks.models.arithmetic import describe, parse_shape
from optbench.tasks.models.model import Model

#: Column at which the values begin.
_INDENT = 14


def facts(model: Model, options: Mapping[str, bool | int | float], input_shape: str | None) -> dict[str, Any]:
    """Returns what is known of a model for one shape of examples, as JSON can hold it.

    Args:
        model: The design.
        options: ``classes``, where it is not the default.
        input_shape: Shape of an example as a person writes it; the default if ``None``.

    Returns:
        The facts.

    Raises:
        UsageError: There is no such option, or the model does not take such examples.
    """
    for key in options:
        if key != "classes":
            raise UsageError(f"{model.name}: {unknown_name('option', key, ['classes'])}")
    classes = options.get("classes", model.n_classes)
    if isinstance(classes, bool) or not isinstance(classes, int):
        raise UsageError(f"{model.name}: classes must be an integer of at least 2; got {classes}")
    shape = model.input_shape if input_shape is None else parse_shape(input_shape)
    rows = model.table(shape, classes)
    recounted = model.recounted(shape, classes)
    found = next((entry for entry in catalog.MODELS if catalog.model(entry.name) is model), None)
    return {
        "kind": "model",
        "name": model.name,
        "group": found.group if found else "",
        "summary": found.summary if found else "",
        "input": list(shape),
        "classes": classes,
        "reference": model.reference,
        "remarks": model.remarks,
        "layers": [
            dataclasses.asdict(row)
            | {"recounted": recounted[row.name].weights if row.name in recounted else row.weights}
            for row in rows
        ],
        "recount": model.recount[0] if model.recount else None,
        "totals": {
            "weights": sum(row.weights for row in rows),
            "biases": sum(row.biases for row in rows),
            "parameters": sum(row.weights + row.biases for row in rows),
            "multiply_adds": sum(row.multiply_adds for row in rows),
            "recounted": sum(row.weights for row in recounted.values()) if recounted else None,
        },
    }


def lines(facts: Mapping[str, Any], width: int, whole: int) -> Iterator[str]:
    """Yields the facts below the title as a person reads them.

    Args:
        facts: What ``facts`` returned.
        width: Columns of running text.
        whole: Columns of the terminal, which the table may fill.

    Yields:
        Lines.
    """
    totals = facts["totals"]
    rows = [
        ("input", describe(tuple(facts["input"]))),
        ("classes", str(facts["classes"])),
        ("parameters", f"{totals['parameters']:,}"),
        ("reference", facts["reference"]),
        ("remarks", facts["remarks"]),
    ]
    for key, value in rows:
        yield from textwrap.wrap(
            value,
            width,
            initial_indent=f"{key:<{_INDENT}}",
            subsequent_indent=" " * _INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        )
    yield ""
    yield from _table(facts, whole)
    yield ""
    yield from textwrap.wrap(
        "Scales of batch normalization are weights, its shifts biases. Multiply-adds are of convolutions and dense "
        "layers, for one example.",
        width,
        break_on_hyphens=False,
    )


def _table(facts: Mapping[str, Any], width: int) -> Iterator[str]:
    """Yields the table of layers; one that is too wide in two parts, shapes and counts."""
    other = facts["recount"]
    head = ["layer", "output", "kernel", "stride", "padding", "weights", "biases", "multiply-adds"]
    body = [
        [row["name"], describe(tuple(row["shape"]))]
        + ["" if row[key] is None else str(row[key]) for key in ("kernel", "stride", "padding")]
        + [f"{row[key]:,}" if row[key] else "" for key in ("weights", "biases", "multiply_adds")]
        for row in facts["layers"]
    ]
    totals = facts["totals"]
    last = ["total", "", "", "", "", *(f"{totals[key]:,}" for key in ("weights", "biases", "multiply_adds"))]
    if other:
        # Beside the weights, with which they are compared.
        head.insert(6, other)
        for row, layer in zip(body, facts["layers"], strict=True):
            row.insert(6, f"{layer['recounted']:,}" if layer["recounted"] else "")
        last.insert(6, f"{totals['recounted']:,}")
    table = [head, *body, last]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    columns, counts = list(range(1, len(head))), head.index("weights")
    fits = sum(widths) + 2 * len(columns) <= width
    for part in [columns] if fits else [columns[: counts - 1], columns[counts - 1 :]]:
        if part[0] > 1:
            yield ""
        # Beside the counts alone, layers without any are not repeated.
        for row in (row for row in table if part[0] == 1 or any(row[column] for column in part)):
            cells = [f"{row[0]:<{widths[0]}}", *(f"{row[column]:>{widths[column]}}" for column in part)]
            yield "  ".join(cells).rstrip()
