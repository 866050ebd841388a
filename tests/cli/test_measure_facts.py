"""What ``optbench info`` tells of a measure."""

from __future__ import annotations

import json
import re

import pytest

from optbench import catalog
from optbench.cli import measure_facts
from optbench.errors import UsageError
from tests.toy_measures import toys

__all__ = ["toys"]


@pytest.mark.parametrize("entry", catalog.MEASURES, ids=lambda entry: entry.name)
def test_info_knows_every_measure(invoke, entry):
    facts = json.loads(invoke("info", f"measure:{entry.name}", "--json").stdout)
    assert (facts["kind"], facts["name"]) == ("measure", entry.name)
    text = invoke("info", f"measure:{entry.name}").stdout
    assert text.startswith(f"{entry.name}: ")
    for name, setting in facts["settings"].items():
        assert re.search(rf"^  {name} +\S", text, re.MULTILINE)
        assert setting["value"] == setting["default"]
        assert re.fullmatch(r"(auto|[A-Z]).*\.", setting["meaning"])


def test_info_of_a_measure_shows_an_entry_and_a_command_that_work(invoke):
    text = invoke("info", "keskar[eps=5e-4,columns=unit]").stdout
    assert '\nin a suite    measures = [{ name = "keskar", eps = 0.0005, columns = "unit" }]\n' in text
    assert "\nof a run      optbench measure RUN --measures 'keskar[eps=0.0005,columns=unit]'\n" in text
    # A measure of two is refused without a second run.
    text = invoke("info", "interpolation").stdout
    assert '\nin a suite    measures = [{ name = "interpolation", other = "optimizer=adam" }]\n' in text
    assert "\nof a run      optbench measure RUN --measures 'interpolation[other=optimizer=adam]'\n" in text


def test_info_of_a_measure_tells_formula_settings_and_what_leaves_it_unchanged(invoke, toys):
    told = measure_facts.facts(toys_entry("value"), {"shift": 2})
    assert told["settings"]["shift"] == {
        "default": 0.0, "low": -1.0, "high": 10.0, "choices": [], "meaning": "what is added", "value": 2.0,
    }  # fmt: skip
    lines = list(measure_facts.lines(told, 80, 120))
    assert "more          docs/measures.md" in lines
    assert "formula       f(x)" in lines
    assert "unit          a pure number" in lines
    assert 'in a suite    measures = [{ name = "value", shift = 2 }]' in lines
    assert "  shift  2; from -1 to 10. what is added" in lines
    assert '  norm   "l2"; one of "l2", "max". which norm' in lines
    assert any(line.startswith("rescaling     not invariant: ") for line in lines)
    with pytest.raises(UsageError, match=r"value: shift must lie in \[-1, 10\]; got 11"):
        measure_facts.facts(toys_entry("value"), {"shift": 11})


def toys_entry(name):
    return next(entry for entry in catalog.MEASURES if entry.name == name)


def test_a_measure_that_is_called_as_a_rule_says_how_to_ask_for_it(invoke):
    for name in {entry.name for entry in catalog.MEASURES} & {entry.name for entry in catalog.OPTIMIZERS}:
        assert f"\n{name} is a measure, too: optbench info measure:{name}\n" in invoke("info", name).stdout
    said = invoke("info", "measure:keskr")
    assert said.exit_code == 2
    assert "unknown measure 'keskr'" in said.stderr
