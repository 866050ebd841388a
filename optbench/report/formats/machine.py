"""CSV and JSON: the table for programs. Numbers in full, infinity said, nothing dropped."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

from optbench.report.formats.escaping import spreadsheet
from optbench.report.formats.layout import Table


def render_csv(table: Table) -> str:
    """Returns the table as CSV with a header line, quoted where needed, lines ending in LF.

    Infinity is ``inf``, a missing number an empty cell, a truth value ``true`` or ``false``. The last three
    columns are the same in every line, so that a line cut out of the file still says what it is.

    Args:
        table: The table.

    Returns:
        The text.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*(spreadsheet(name) for name in table.fields), "intervals", "watermark", "source"])
    constant = [spreadsheet(table.intervals), spreadsheet(table.watermark), spreadsheet(table.footer)]
    for record in table.records:
        writer.writerow([*(_csv_cell(record[name]) for name in table.fields), *constant])
    return out.getvalue()


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return spreadsheet(value) if isinstance(value, str) else repr(value)


def render_json(table: Table) -> str:
    """Returns the table as JSON that every parser takes: no NaN, infinity as the text ``"inf"``.

    Args:
        table: The table.

    Returns:
        The text; missing numbers are ``null``, keys keep the order of the table.
    """
    content = {
        "kind": table.kind,
        "title": table.title,
        "watermark": table.watermark or None,
        "intervals": table.intervals,
        "notes": list(table.notes),
        "source": table.footer,
        "columns": list(table.fields),
        "rows": [{name: _json_value(record[name]) for name in table.fields} for record in table.records],
    }
    # ASCII output keeps control and direction characters of a hostile name escaped.
    return json.dumps(content, indent=1, allow_nan=False, ensure_ascii=True) + "\n"


def _json_value(value: Any) -> Any:
    if isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value
