"""What ``optbench info`` tells of an update rule: formula, numbers with their ranges, cost and state."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from optbench import catalog
from optbench.core.optimizer import Hyper, Optimizer

#: Dimensions at which the state is measured; equally spaced, and allowed to every rule.
_DIMS = (20, 40, 60)
#: What a value that a suite fills in is.
TOLD = {
    "horizon": "told the number of steps by suites and ob.trace",
    "f_star": "told the minimum by suites and ob.trace",
}
_SCALES = {"log": "log", "linear": "linear", "complement": "log of 1-x"}


def facts(rule: Optimizer, given: Mapping[str, float]) -> dict[str, Any]:
    """Returns what is known of a rule, as JSON can hold it.

    Args:
        rule: The rule.
        given: Hyperparameters by name; the others stay at their defaults.

    Returns:
        The facts.

    Raises:
        UsageError: A hyperparameter is unknown or out of its range.
    """
    values = rule.resolve(given)
    return {
        "kind": "optimizer",
        "name": rule.name,
        **_place(rule.name),
        "swept": rule.swept,
        "cost": cost(rule),
        "evals_per_step": rule.evals_per_step if rule.counts is None else "varies",
        "hessian_vector_products": rule.curved,
        "looks_ahead": rule.looks_ahead,
        "state": state(rule),
        "ranked": rule.ranked,
        "max_dim": rule.max_dim,
        "hyper": {name: {"value": values[name], **number(h)} for name, h in rule.hyper.items()},
        "doc": rule.doc,
    }


def _place(name: str) -> dict[str, str]:
    """Returns group and summary of a catalogue's entry, of its modifiers too; empty for a user's own."""
    base, *modifiers = name.split("+")
    for entry in catalog.OPTIMIZERS:
        if entry.name == base:
            added = f", with {' and '.join(modifiers)}" if modifiers else ""
            return {"group": entry.group, "summary": entry.summary + added}
    return {"group": "", "summary": ""}


def number(hyper: Hyper) -> dict[str, Any]:
    """Returns what is known of a hyperparameter, as JSON can hold it."""
    search = hyper.search
    drawn = search and {"low": search.low, "high": search.high, "scale": search.scale, "source": search.source}
    return {
        "default": hyper.default,
        "range": hyper.describe(),
        "source": hyper.source,
        "search": drawn,
        "told": hyper.told,
    }


def cost(rule: Optimizer) -> str:
    """Returns the cost of a step in words; a gradient costs 1.

    Example:
        >>> cost(catalog.optimizer("sam")), cost(catalog.optimizer("lbfgs"))
        ('2', 'varies: 1 for each trial point')
    """
    if rule.counts is None:
        return str(rule.evals_per_step)
    if rule.curved:
        return "varies: 1 for each gradient, 2 for each Hessian-vector product"
    return "varies: 1 for each trial point"


def state(rule: Optimizer) -> str:
    """Returns how many numbers a rule keeps for each parameter, from the shapes of its state.

    A handful of counters is not counted, nor the point of the next gradient.

    Example:
        >>> state(catalog.optimizer("adam")), state(catalog.optimizer("newton"))
        ('2', 'dim + 6')
    """
    scalar = jax.ShapeDtypeStruct((), jnp.float64)
    hyper = dict.fromkeys(rule.hyper, scalar)
    with jax.enable_x64(True):
        shapes = [jax.eval_shape(rule.init, jax.ShapeDtypeStruct((dim,), jnp.float64), hyper) for dim in _DIMS]
    first, second, third = (sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shape)) for shape in shapes)
    step = _DIMS[1] - _DIMS[0]
    squares = (third - 2 * second + first) / (2 * step**2)
    linear = (second - first) / step - squares * (_DIMS[0] + _DIMS[1])
    return f"{linear:g}" if squares == 0 else f"{squares:g} dim + {linear:g}".removeprefix("1 ")


def lines(facts: Mapping[str, Any], width: int, whole: int) -> Iterator[str]:
    """Yields the facts below the title as a person reads them.

    Args:
        facts: What ``facts`` returned.
        width: Columns of running text.
        whole: Columns of the terminal, which formulas may fill.

    Yields:
        Lines.
    """
    yield from told(facts, _remarks(facts), width, whole)


def told(facts: Mapping[str, Any], remarks: Iterable[tuple[str, str]], width: int, whole: int) -> Iterator[str]:
    """Yields a page and its numbers.

    Args:
        facts: ``doc`` and ``hyper``, and ``swept`` if there is something swept.
        remarks: What stands at the end, by what it is about.
        width: Columns of running text.
        whole: Columns of the terminal, which formulas may fill.

    Yields:
        Lines.
    """
    for paragraph in facts["doc"].strip().split("\n\n"):
        yield from _paragraph(paragraph, width, whole)
        yield ""
    ranges = [h["range"] for h in facts["hyper"].values()]
    column = max(map(len, [*ranges, "allowed"]), default=0) + 2
    names = {name: f"{name} (swept)" if name == facts.get("swept") else name for name in facts["hyper"]}
    first = max([14, *map(len, names.values())]) + 2
    if not names:
        yield "no hyperparameter of its own"
    else:
        yield f"{'hyperparameter':<{first}}{'value':<10}{'default':<10}{'allowed':<{column}}tuned over"
    for name, h in facts["hyper"].items():
        drawn = h["search"]
        over = f"{drawn['low']:g} to {drawn['high']:g}, {_SCALES[drawn['scale']]}" if drawn else "-"
        yield f"{names[name]:<{first}}{h['value']:<10g}{h['default']:<10g}{h['range']:<{column}}{over}".rstrip()
    if names:
        yield ""
    for name, h in facts["hyper"].items():
        filled = f" {TOLD[h['told']].capitalize()}." if h["told"] else ""
        drawn = f" Range: {_sentence(h['search']['source'])}" if h["search"] else ""
        source = f"{names[name]:<{first}}{_sentence(h['source'])}{filled}{drawn}"
        yield from textwrap.wrap(source, width, subsequent_indent=" " * first, break_on_hyphens=False)
    yield ""
    for key, value in remarks:
        yield from textwrap.wrap(f"{key:<{first}}{value}", width, subsequent_indent=" " * first)


def _sentence(text: str) -> str:
    """Returns a source with one full stop at its end."""
    return text.rstrip(".") + "."


def _remarks(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    ahead = "; gradients are taken elsewhere than at the iterate that is judged" if facts["looks_ahead"] else ""
    yield "cost of a step", f"{facts['cost']}{ahead}"
    kept = facts["state"]
    yield "state", f"{f'({kept})' if ' ' in kept else kept} x the parameters"
    if facts["max_dim"] is not None:
        yield "dimension", f"at most {facts['max_dim']}"
    if not facts["ranked"]:
        yield "rank", "none: a reference line, drawn and listed but never ranked"


def _paragraph(text: str, width: int, whole: int) -> Iterator[str]:
    """Yields a paragraph filled; the lines of a formula or a list as they stand, broken where they are too wide."""
    if text.startswith(("$$", "- ", "|", "    ")):
        for line in text.splitlines():
            wide = textwrap.wrap(line, whole, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
            yield from [line] if len(line) <= whole else wide
    else:
        yield from textwrap.wrap(" ".join(text.split()), width, break_long_words=False, break_on_hyphens=False)
