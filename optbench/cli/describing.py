"""What ``optbench info`` prints: the facts of an optimizer, a problem or a model, as data and as text."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from optbench import catalog
from optbench.cli import model_facts, optimizer_facts, problem_facts
from optbench.errors import UsageError, unknown_name
from optbench.problems.landscape import Landscape
from optbench.suite import selector
from optbench.suite.parse import shipped
from optbench.suite.selection import problem_spec
from optbench.tasks.models.model import Model

#: Columns of the text; formulas in LaTeX may be wider.
WIDTH = 80


def facts(text: str, input_shape: str | None = None) -> dict[str, Any]:
    """Returns what is known of an optimizer, a problem or a model, as JSON can hold it.

    Args:
        text: ``name``, ``name+modifier``, ``name[key=value,...]`` or ``module:attribute``.
        input_shape: Shape of a model's examples, such as ``28x28x1``; its default if ``None``.

    Returns:
        The facts; ``kind`` says which of the three it is.

    Raises:
        UsageError: The name is unknown, or an option does not fit.
    """
    chosen = selector.parse(text)
    if _is_model(chosen.name):
        return model_facts.facts(catalog.model(chosen.name), chosen.options, input_shape)
    if input_shape is not None:
        raise UsageError(f"--input is for models; {chosen.name!r} is none. See: optbench list models")
    if _is_optimizer(chosen.name):
        return optimizer_facts.facts(catalog.optimizer(chosen.name), chosen.options)
    return problem_facts.facts(problem_spec(chosen).build())


def _is_model(name: str) -> bool:
    if ":" in name and "+" not in name:
        return isinstance(catalog.user_object(name), Model)
    return name in [entry.name for entry in catalog.MODELS]


def _is_optimizer(name: str) -> bool:
    base, *modifiers = name.split("+")
    if ":" in base:
        return not isinstance(catalog.user_object(base), Landscape)
    optimizers = [entry.name for entry in catalog.OPTIMIZERS]
    problems = [entry.name for entry in catalog.PROBLEMS]
    models = [entry.name for entry in catalog.MODELS]
    if base in optimizers or modifiers:
        return True
    if name in problems:
        return False
    if name in shipped():
        raise UsageError(f"{name!r} is a suite; see: optbench run {name} --dry-run")
    if name in [entry.name for entry in catalog.MODIFIERS]:
        raise UsageError(f"{name!r} is a modifier, as in sgd+{name}; see: optbench list modifiers")
    if name in [entry.name for entry in catalog.NOISE]:
        raise UsageError(f"{name!r} is a kind of noise; see: optbench list noise")
    if meant := catalog.alias(name):
        raise UsageError(f"unknown name {name!r}; did you mean {meant!r}?")
    raise UsageError(unknown_name("name", name, [*optimizers, *problems, *models]) + " See: optbench list")


def text(facts: Mapping[str, Any]) -> str:
    """Returns the facts as a person reads them."""
    tell = {"optimizer": optimizer_facts, "problem": problem_facts, "model": model_facts}[facts["kind"]]
    title = textwrap.wrap(_title(facts), WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join([*title, "", *tell.lines(facts, WIDTH)])


def _title(facts: Mapping[str, Any]) -> str:
    shelf = f" ({facts['group']})" if facts["group"] else ""
    return f"{facts['name']}: {facts['summary']}{shelf}" if facts["summary"] else facts["name"]


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
