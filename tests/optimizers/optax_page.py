"""The lists of ``docs/optax.md``, made from the catalogue: ``python -m tests.optimizers.optax_page`` writes them."""

from __future__ import annotations

import math
import re
from pathlib import Path

import jax
import jax.numpy as jnp

from optbench import catalog
from tests.optimizers.optax_names import BLOCKS, ENTRIES, EXCLUDED

PAGE = Path(__file__).parents[2] / "docs" / "optax.md"


def numbers_kept(rule, dim):
    """Returns how many numbers the state of a rule has, from its shapes."""
    x, scalar = jax.ShapeDtypeStruct((dim,), jnp.float64), jax.ShapeDtypeStruct((), jnp.float64)
    leaves = jax.tree.leaves(jax.eval_shape(rule.init, x, dict.fromkeys(rule.hyper, scalar)))
    return sum(math.prod(leaf.shape) for leaf in leaves)


def entries():
    """Returns the table of entries: a line each, in the order of the catalogue."""
    made_of = {name: theirs for theirs, names in ENTRIES.items() for name in names}
    lines = ["| name | made of | paper | cost of a step | state / parameters | defaults |", "|---|---|---|---|---|---|"]
    for entry in catalog.OPTIMIZERS:
        if entry.name in made_of:
            rule = catalog.optimizer(entry.name)
            paper = re.search(r"Reference: (.*?\d{4})", rule.doc, re.DOTALL)
            cited = re.sub(r"\s+", " ", paper[1]) if paper else "none"
            multiple = numbers_kept(rule, 1001) - numbers_kept(rule, 1000)
            cost = rule.evals_per_step if rule.counts is None else "1, and 3 with a Hessian-vector product"
            defaults = ", ".join(f"`{key}` {value:g}" for key, value in rule.defaults().items())
            lines.append(f"| `{entry.name}` | `{made_of[entry.name]}` | {cited} | {cost} | {multiple} | {defaults} |")
    return "\n".join(lines)


def exclusions():
    """Returns the table of what is no entry, with the reason."""
    lines = ["| name | why it is no entry |", "|---|---|"]
    lines += [f"| `{name}` | {reason} |" for name, reason in EXCLUDED.items()]
    for pattern, reason in BLOCKS.items():
        shown = ", ".join(f"`{part.replace('.*', '*')}`" for part in pattern.split("|"))
        lines.append(f"| {shown} | {reason} |")
    return "\n".join(lines)


def filled(text):
    """Returns the page with both tables as they should be."""
    for name, table in (("entries", entries()), ("exclusions", exclusions())):
        begin, end = f"<!-- {name}: written by tests/optimizers/optax_page.py -->\n", f"\n<!-- end of {name} -->"
        before, rest = text.split(begin)
        text = before + begin + table + end + rest.split(end, 1)[1]
    return text


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
