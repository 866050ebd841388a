"""What ``optbench info`` prints: the facts of an optimizer or a problem, as data and as text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from optbench import catalog
from optbench.core.optimizer import Optimizer
from optbench.errors import UsageError, unknown_name
from optbench.suite import selector
from optbench.suite.parse import shipped
from optbench.suite.selection import problem_spec

_WIDTH = 100
#: Minimizers shown before "and n more".
_MINIMIZERS = 6


def facts(text: str) -> dict[str, Any]:
    """Returns what is known of an optimizer or a problem, as JSON can hold it.

    Args:
        text: ``name``, ``name[key=value,...]`` or ``module:attribute``.

    Returns:
        The facts; ``kind`` says which of the two it is.

    Raises:
        UsageError: The name is unknown, or an option does not fit.
    """
    chosen = selector.parse(text)
    if _is_optimizer(chosen.name):
        return _optimizer_facts(catalog.optimizer(chosen.name), chosen.options)
    return _problem_facts(chosen)


def _is_optimizer(name: str) -> bool:
    if ":" in name:
        return isinstance(catalog.user_object(name), Optimizer)
    optimizers = [entry.name for entry in catalog.OPTIMIZERS]
    problems = [entry.name for entry in catalog.PROBLEMS]
    if name in optimizers or name in problems:
        return name in optimizers
    if name in shipped():
        raise UsageError(f"{name!r} is a suite; see: optbench run {name} --dry-run")
    alias = catalog.ALIASES.get(name)
    if alias:
        raise UsageError(f"unknown name {name!r}; did you mean {alias!r}?")
    raise UsageError(unknown_name("name", name, [*optimizers, *problems]) + " See: optbench list")


def _summary(name: str) -> dict[str, str]:
    for entry in (*catalog.OPTIMIZERS, *catalog.PROBLEMS):
        if entry.name == name:
            return {"group": entry.group, "summary": entry.summary}
    return {"group": "", "summary": ""}


def _optimizer_facts(rule: Optimizer, given: Mapping[str, float]) -> dict[str, Any]:
    values = rule.resolve(given)
    return {
        "kind": "optimizer",
        "name": rule.name,
        **_summary(rule.name),
        "swept": rule.swept,
        "evals_per_step": rule.evals_per_step,
        "looks_ahead": rule.looks_ahead,
        "hyper": {
            name: {"value": values[name], "default": h.default, "range": h.describe(), "source": h.source}
            for name, h in rule.hyper.items()
        },
        "doc": rule.doc,
    }


def _problem_facts(chosen: selector.Selector) -> dict[str, Any]:
    problem = problem_spec(chosen).build()
    function = problem.landscape
    return {
        "kind": "problem",
        **problem.summary(),
        **_summary(function.name),
        "formula": function.formula,
        "dimensions": function.dims.describe(),
        "parameter_rules": {
            name: {"default": p.default, "low": p.low, "high": p.high, "meaning": p.meaning}
            for name, p in function.parameters.items()
        },
        "remarks": function.remarks,
    }


def text(facts: Mapping[str, Any]) -> str:
    """Returns the facts as a person reads them."""
    lines = _optimizer_lines(facts) if facts["kind"] == "optimizer" else _problem_lines(facts)
    return "\n".join(lines)


def _title(facts: Mapping[str, Any]) -> str:
    shelf = f" ({facts['group']})" if facts["group"] else ""
    return f"{facts['name']}: {facts['summary']}{shelf}" if facts["summary"] else facts["name"]


def _optimizer_lines(facts: Mapping[str, Any]) -> Iterator[str]:
    yield _title(facts)
    yield ""
    yield facts["doc"].strip()
    yield ""
    yield f"{'hyperparameter':<16}{'value':<12}{'default':<12}{'range':<12}source of the default"
    for name, h in facts["hyper"].items():
        swept = f"{name} (swept)" if name == facts["swept"] else name
        yield f"{swept:<16}{h['value']:<12g}{h['default']:<12g}{h['range']:<12}{h['source']}"
    yield ""
    yield f"{facts['evals_per_step']} gradient evaluation(s) a step" + (
        ", taken at a lookahead point" if facts["looks_ahead"] else ""
    )


def _problem_lines(facts: Mapping[str, Any]) -> Iterator[str]:
    yield _title(facts)
    yield ""
    rows = [
        ("label", facts["label"]),
        ("formula", facts["formula"]),
        ("dimension", f"{facts['dim']} shown; defined for {facts['dimensions']}"),
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
        ("reference", facts["reference"]),
    ]
    if facts["remarks"]:
        rows.append(("remarks", facts["remarks"]))
    for key, value in rows:
        yield from textwrap.wrap(
            value, _WIDTH - 14, initial_indent=f"{key:<14}", subsequent_indent=" " * 14, break_long_words=False
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


def picture(name: str, facts: Mapping[str, Any], *, encoding: str) -> str:
    """Returns a contour picture of a function of two variables, empty for everything else.

    Args:
        name: What the user named.
        facts: Its facts.
        encoding: Encoding of the terminal.

    Returns:
        Lines of text.
    """
    if facts["kind"] != "problem" or facts["dim"] != 2:
        return ""
    from optbench.cli.contour import draw

    return draw(problem_spec(selector.parse(name)).build(), encoding=encoding)
