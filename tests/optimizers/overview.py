"""The table of all rules in ``docs/optimizers.md``: ``python -m tests.optimizers.overview`` writes it."""

from __future__ import annotations

from pathlib import Path

from optbench import catalog
from optbench.cli import optimizer_facts

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "optimizers.md"
#: Pages that have a line with the defaults of some rules.
PAGES = ("optimizers.md", "line-searches.md", "optax.md")
BEGIN, END = "<!-- overview: written by tests/optimizers/overview.py -->\n", "\n<!-- end of overview -->"


def defaults_line(name):
    """Returns page and line on which a rule stands with its defaults."""
    for page in PAGES:
        text = (DOCS / page).read_text(encoding="utf-8")
        if page == PAGE.name:
            text = text.split(BEGIN)[0] + text.split(END)[1]
        for line in text.splitlines():
            if line.startswith(f"| `{name}` |"):
                return page, line
    return None


def remarks(rule):
    """Returns what is particular about a rule, in a few words."""
    told = {"horizon": "told the number of steps", "f_star": "told the minimum"}
    found = [told[h.told] for h in rule.hyper.values() if h.told]
    found += ["a reference line, never ranked"] if not rule.ranked else []
    found += [f"at most {rule.max_dim} dimensions"] if rule.max_dim is not None else []
    return ", ".join(found)


def table():
    """Returns the table: a line for each rule, in the order of the catalogue."""
    lines = ["| name | group | cost of a step | state / parameters | page | remarks |", "|---|---|---|---|---|---|"]
    for entry in catalog.OPTIMIZERS:
        rule = catalog.optimizer(entry.name)
        page, _ = defaults_line(entry.name)
        link = "here" if page == PAGE.name else f"[{page.removesuffix('.md')}]({page})"
        cost = "varies, 2 for a Hessian-vector product" if rule.curved else optimizer_facts.cost(rule).split(":")[0]
        cells = (f"`{entry.name}`", entry.group, cost, optimizer_facts.state(rule), link, remarks(rule))
        lines.append(f"| {' | '.join(cells)} |".replace("|  |", "| |"))
    return "\n".join(lines)


def filled(text):
    """Returns the page with the table as it should be."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END, 1)[1]


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
