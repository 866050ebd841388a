"""Contrasts in a suite file: what they may name, and that they belong to the run's identity."""

from __future__ import annotations

import pytest

from optbench.errors import UsageError
from optbench.suite.parse import load, parse, shipped

CLAIM = """
[[contrasts]]
name = "first-second"
claim = "The first is better than the second."
left = {{ optimizer = "{left}" }}
right = {{ optimizer = "{right}", setting = "default" }}
"""


def labels(text: str) -> list[str]:
    return [entry.label for entry in parse(text, source="s.toml").optimizers]


def claim(text: str, more: str = "", **change: str) -> str:
    first = labels(text)[0]
    return text + CLAIM.format(**{"left": first, "right": first, **change}) + more


def test_a_contrast_is_read_with_its_defaults(small_text):
    (contrast,) = parse(claim(small_text), source="s.toml").contrasts
    assert (contrast.left.setting, contrast.right.setting) == ("tuned", "default")
    assert (contrast.measure, contrast.problems) == ("score", None)


def test_contrasts_are_part_of_the_runs_identity(small_text):
    plain, stated = (parse(text, source="s.toml") for text in (small_text, claim(small_text)))
    changed = parse(claim(small_text, 'measure = "reach"'), source="s.toml")
    assert len({plain.hash(), stated.hash(), changed.hash()}) == 3


@pytest.mark.parametrize(
    ("more", "change", "message"),
    [
        ("", {"left": "adan"}, r"contrasts\[0\]\.left\.optimizer: unknown entry of the suite 'adan'"),
        ('problems = "nowhere-*"', {}, r"contrasts\[0\]\.problems: 'nowhere-\*' matches no problem"),
        ('measure = "speed"', {}, r"contrasts\[0\]\.measure"),
        (CLAIM.format(left="sgd", right="sgd"), {}, r"contrasts\[1\]: 'first-second' stands in contrasts\[0\]"),
    ],
)
def test_what_a_contrast_names_must_exist(small_text, more, change, message):
    with pytest.raises(UsageError, match=message):
        parse(claim(small_text, more, **change), source="s.toml")


def test_the_two_sides_must_differ(small_text):
    same = claim(small_text).replace(', setting = "default"', "")
    with pytest.raises(UsageError, match="must differ from left"):
        parse(same, source="s.toml")


@pytest.mark.parametrize("name", shipped())
def test_a_suite_without_contrasts_states_none(name):
    spec = load(name).spec
    assert spec.contrasts == () or all(entry.claim.endswith(".") for entry in spec.contrasts)
