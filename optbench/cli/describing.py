"""What ``optbench info`` prints: the facts of whatever has a name, as data and as text."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from optbench import catalog
from optbench.cli import measure_facts, model_facts, modifier_facts, noise_facts, optimizer_facts, problem_facts
from optbench.errors import UsageError, nearest
from optbench.problems.landscape import Landscape
from optbench.suite import selector
from optbench.suite.landscapes.problem import ProblemSpec
from optbench.suite.measure import options
from optbench.suite.source import shipped
from optbench.tasks.data.registry import SETS
from optbench.tasks.models.model import Model

#: Most columns that running text fills, however wide the terminal is.
PROSE = 80
#: Columns of what goes into a pipe or a file: tables and formulas may be wider than running text.
PIPED_WIDTH = 120
#: Digits of a sum; what an installed package is known by is a version.
SHA256 = 64
#: Most modules that are named; an installed package may have hundreds.
MODULES = 8
#: A narrower terminal breaks lines itself.
NARROWEST = 60

_TELL = {
    "optimizer": optimizer_facts,
    "problem": problem_facts,
    "model": model_facts,
    "modifier": modifier_facts,
    "noise": noise_facts,
    "measure": measure_facts,
}
_RULES = {entry.name for entry in catalog.OPTIMIZERS}
_MODIFIERS = {entry.name: entry for entry in catalog.MODIFIERS}
_NOISE = {entry.name: entry for entry in catalog.NOISE}
_MEASURES = {entry.name: entry for entry in catalog.MEASURES}
#: Before the name of a measure, which a rule may have as well.
_MEASURE = "measure:"


def facts(text: str, input_shape: str | None = None) -> dict[str, Any]:
    """Returns what is known of an optimizer, a problem, a model, a modifier, a kind of noise or a measure, for JSON.

    Args:
        text: ``name``, ``name+modifier``, ``name[key=value,...]`` or ``module:attribute``; with a plus sign before it a
            name is a modifier's, and behind ``measure:`` a measure's.
        input_shape: Shape of a model's examples, such as ``28x28x1``; its default if ``None``.

    Returns:
        The facts; ``kind`` says which of the six it is, and ``sources``, of a user's own, by which code a run is
        known.

    Raises:
        UsageError: The name is unknown, or an option does not fit.
    """
    chosen = _chosen(text)
    found = _facts(chosen, input_shape)
    if ":" not in chosen.name or found["kind"] == "measure":
        return found
    from optbench.runner.sources import sources

    return found | {"sources": sources([chosen.name])}


def _chosen(text: str) -> selector.Selector:
    """Returns a name and what stands in its brackets; settings of measures may be words."""
    name = text.strip().partition("[")[0]
    if name.removeprefix(_MEASURE) in _MEASURES and name not in _RULES and name not in _MODIFIERS:
        return selector.Selector(*options(text))
    return selector.parse(text)


def _facts(chosen: selector.Selector, input_shape: str | None) -> dict[str, Any]:
    if _is_model(chosen.name):
        return model_facts.facts(catalog.model(chosen.name), chosen.options, input_shape)
    measure = chosen.name.removeprefix(_MEASURE)
    if measure != chosen.name and measure not in _MEASURES:
        raise UsageError(catalog.unknown("measure", measure, catalog.MEASURES))
    if input_shape is not None:
        raise UsageError(f"--input is for models; {chosen.name!r} is none. See: optbench list models")
    name = chosen.name.removeprefix("+")
    if chosen.name.startswith("+") and "+" not in name:
        if name not in _MODIFIERS:
            raise UsageError(catalog.unknown("modifier", name, catalog.MODIFIERS))
        return modifier_facts.facts(_MODIFIERS[name], chosen.options)
    if name in _MODIFIERS and name not in _RULES:
        return modifier_facts.facts(_MODIFIERS[name], chosen.options)
    if measure != chosen.name or (name in _MEASURES and name not in _RULES):
        return measure_facts.facts(_MEASURES[measure], chosen.options)
    if name in _NOISE:
        return noise_facts.facts(_NOISE[name], chosen.options)
    if _is_optimizer(chosen.name):
        return optimizer_facts.facts(catalog.optimizer(chosen.name), chosen.options)
    return problem_facts.facts(ProblemSpec.of(chosen).build())


def _is_model(name: str) -> bool:
    if name.startswith(_MEASURE):
        return False
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
    if meant := catalog.alias(name):
        raise UsageError(f"unknown name {name!r}; did you mean {meant!r}?")
    if name in SETS:
        raise UsageError(f"{name!r} is a data set; see: optbench data list")
    if close := nearest(name, [*optimizers, *problems, *models, *_MODIFIERS, *_NOISE, *_MEASURES]):
        raise UsageError(f"unknown name {name!r}; did you mean {' or '.join(map(repr, close))}? See: optbench list")
    raise UsageError(f"unknown name {name!r}; optbench list shows all names")


def text(facts: Mapping[str, Any], width: int = PIPED_WIDTH) -> str:
    """Returns the facts as a person reads them.

    Args:
        facts: What ``facts`` returned.
        width: Columns to fill at most, from 60 on; running text fills no more than ``PROSE``.

    Returns:
        Lines of text.
    """
    width = max(width, NARROWEST)
    prose = min(width, PROSE)
    tell = _TELL[facts["kind"]]
    title = textwrap.wrap(_title(facts), prose, subsequent_indent="  ", break_on_hyphens=False)
    own = textwrap.wrap(_code(facts.get("sources", {})), prose, subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join([*title, *own, *_also(facts), "", *tell.lines(facts, prose, width)])


def _also(facts: Mapping[str, Any]) -> list[str]:
    """Returns how to ask for the other thing of the same name: a modifier may be called as a rule or a model is."""
    name, kind = facts["name"], facts["kind"]
    if kind == "optimizer" and name in _MEASURES:
        return [f"{name} is a measure, too: optbench info {_MEASURE}{name}", *_modifier_too(name, kind)]
    return _modifier_too(name, kind)


def _modifier_too(name: str, kind: str) -> list[str]:
    if kind in ("optimizer", "model") and name in _MODIFIERS:
        return [f"{name} is a modifier, too: optbench info +{name}"]
    if kind == "modifier" and name in _RULES:
        return [f"{name} is an optimizer, too: optbench info {name}"]
    if kind == "modifier" and name in [entry.name for entry in catalog.MODELS]:
        return [f"{name} is a model, too: optbench info {name}"]
    return []


def _code(sources: Mapping[str, str]) -> str:
    """Returns by which code a run is known, with the first digits of each sum."""
    shown = [f"{name} {value[:8]}" if len(value) == SHA256 else value for name, value in sources.items()]
    more = [f"and {len(shown) - MODULES} more modules"] if len(shown) > MODULES else []
    return f"code: {', '.join([*shown[:MODULES], *more])}" if shown else ""


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

    return draw(ProblemSpec.of(selector.parse(name)).build(), encoding=encoding)
