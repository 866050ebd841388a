"""What ``optbench info`` tells of a modifier: formula, the numbers that it adds, what it costs, how it is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from optbench import catalog
from optbench.cli import optimizer_facts
from optbench.errors import UsageError

#: What is modified to see what a modifier does: a rule of one gradient and no state.
_BASE = "sgd"
#: What else than a rule's numbers decides about it.
_NEEDS = {
    "schedule": "rules with a rate lr; one schedule at a time, beside warmup",
    "gradient": "any rule; every gradient that it asks for",
    "weights": "rules without a weight_decay of their own",
    "wrapper": "rules of a single gradient a step",
}
_EXAMPLES = {"warmup": "adam+warmup+cosine", "constant": "adam+warmup+constant", "decay": "momentum+decay"}


def facts(entry: catalog.Entry, given: Mapping[str, float]) -> dict[str, Any]:
    """Returns what is known of a modifier, as JSON can hold it.

    Args:
        entry: Its line in the catalogue.
        given: Numbers by name; the others stay at their defaults.

    Returns:
        The facts.

    Raises:
        UsageError: A number isn't its own, or is out of its range.
    """
    plain, with_it = catalog.optimizer(_BASE), catalog.optimizer(f"{_BASE}+{entry.name}")
    hyper = {name: h for name, h in with_it.hyper.items() if name not in plain.hyper}
    if foreign := sorted(set(given) - set(hyper)):
        own = f"it has {', '.join(hyper)}" if hyper else "it has none"
        raise UsageError(f"{entry.name} has no number {' or '.join(map(repr, foreign))}; {own}")
    values = with_it.resolve(given)
    return {
        "kind": "modifier",
        "name": entry.name,
        "group": entry.group,
        "summary": entry.summary,
        "added_to": "rules whose steps all cost the same" if entry.name == "lookahead" else _NEEDS[entry.group],
        "example": _EXAMPLES.get(entry.name, f"{_BASE}+{entry.name}"),
        "gradients": with_it.evals_per_step if entry.name != "lookahead" else 1,
        "state": optimizer_facts.state(with_it),
        "hyper": {name: {"value": values[name], **optimizer_facts.number(h)} for name, h in hyper.items()},
        # Without a schedule beside it, warm-up goes before the constant one.
        "doc": with_it.doc.removeprefix(plain.doc).strip().split("\n\n**`constant`**")[0],
    }


def lines(facts: Mapping[str, Any], width: int, whole: int) -> Iterator[str]:
    """Yields the facts below the title as a person reads them; arguments as of ``optimizer_facts.lines``."""
    cost = "that of the rule" if facts["gradients"] == 1 else f"{facts['gradients']} gradients where the rule has one"
    remarks = [
        ("added to", facts["added_to"]),
        ("example", facts["example"]),
        ("cost of a step", cost),
        (
            "state",
            "the rule's own" if facts["state"] == "0" else f"the rule's own and {facts['state']} x the parameters",
        ),
    ]
    yield from optimizer_facts.told(facts, remarks, width, whole)
