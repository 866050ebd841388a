"""What ``optbench info`` tells of a test function: formula, box, optimum, constants, instances."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from optbench import catalog
from optbench.problems.problem import Problem

#: Minimizers shown before "and n more".
_MINIMIZERS = 6
#: Column at which the values begin.
_INDENT = 14


def facts(problem: Problem) -> dict[str, Any]:
    """Returns what is known of a test function and of one instance of it, as JSON can hold it.

    Args:
        problem: The instance.

    Returns:
        The facts.
    """
    function = problem.landscape
    found = {entry.name: entry for entry in catalog.PROBLEMS}.get(function.name)
    return {
        "kind": "problem",
        **problem.summary(),
        "group": found.group if found else "",
        "summary": found.summary if found else "",
        "formula": function.formula,
        "dimensions": function.dims.describe(),
        "instances": _instances(problem),
        "n_terms": None if function.n_terms is None else function.n_terms(problem.dim),
        "parameter_rules": {
            name: {"default": p.default, "low": p.low, "high": p.high, "meaning": p.meaning}
            for name, p in function.parameters.items()
        },
        "remarks": function.remarks,
    }


def _instances(problem: Problem) -> str:
    function = problem.landscape
    if function.own_instances:
        return f"{problem.instance} shown; numbered from 1 on as the literature does, and 0 stands for 1"
    if "box_only" in function.tags:
        return "0 only, since the minimum holds only in the literature's box"
    turned = ", rotated" if problem.rotated else ""
    return f"{problem.instance}{turned} shown; 0 is the literature's form, others are seeds of shift, rotation, offset"


def lines(facts: Mapping[str, Any], width: int, whole: int) -> Iterator[str]:
    """Yields the facts below the title as a person reads them.

    Args:
        facts: What ``facts`` returned.
        width: Columns of running text.
        whole: Columns of the terminal; nothing here needs them.

    Yields:
        Lines.
    """
    del whole
    rows = [
        ("label", facts["label"]),
        ("formula", facts["formula"]),
        ("dimension", f"{facts['dim']} shown; defined for {facts['dimensions']}"),
        ("instance", facts["instances"]),
        ("box", _box(np.asarray(facts["bounds"]))),
        *(
            (f"  {name}", f"{facts['parameters'][name]:g} in [{p['low']:g}, {p['high']:g}]: {p['meaning']}")
            for name, p in facts["parameter_rules"].items()
        ),
        ("minimum", f"{facts['f_star']:.12g}"),
        ("at", _points(np.asarray(facts["x_star"]))),
        ("next minimum", "none known" if facts["f_second"] is None else f"{facts['f_second']:.12g}"),
        ("f_scale", f"{facts['f_scale']:.6g}, the median of f(x0) - f_star over the starts"),
        ("f_solved", f"{facts['f_solved']:.12g}, below which a run has solved it"),
        ("tags", ", ".join(facts["tags"]) or "none"),
        ("family", facts["family"]),
        ("reference", facts["reference"]),
    ]
    if facts["n_terms"] is not None:
        seen = f"{facts['n_terms']}; noise of kind batch shows a rule some of them at a time"
        rows.insert(5, ("terms", seen))
    if facts["remarks"]:
        rows.append(("remarks", facts["remarks"]))
    for key, value in rows:
        yield from textwrap.wrap(
            # A parameter may have a longer name than the column is wide.
            value if len(key) < _INDENT else f"{key[_INDENT - 1 :]} {value}",
            width,
            initial_indent=f"{key[: _INDENT - 1]:<{_INDENT}}" if len(key) < _INDENT else key[: _INDENT - 1],
            subsequent_indent=" " * _INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _box(bounds: np.ndarray) -> str:
    intervals = [f"[{low:g}, {high:g}]" for low, high in bounds]
    if len(set(intervals)) == 1:
        return intervals[0] + (f"^{len(intervals)}" if len(intervals) > 1 else "")
    shown = " x ".join(intervals[:4])
    return shown if len(intervals) <= 4 else f"{shown} x ... ({len(intervals)} intervals)"


def _points(x_star: np.ndarray) -> str:
    def point(x: np.ndarray) -> str:
        return f"({', '.join(f'{value:.6g}' for value in x[:4])}{', ...' if len(x) > 4 else ''})"

    shown = "; ".join(point(x) for x in x_star[:_MINIMIZERS])
    return shown if len(x_star) <= _MINIMIZERS else f"{shown}; and {len(x_star) - _MINIMIZERS} more"
