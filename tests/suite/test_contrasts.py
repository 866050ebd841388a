"""Contrasts in a suite file: what they may name, and that they belong to the run's identity."""

from __future__ import annotations

import pytest

from optbench.errors import UsageError
from optbench.suite.parse import load, parse
from optbench.suite.selection import quick_size
from tests.suite.conftest import OF_FUNCTIONS

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


SUITE = """
name = "s"
version = 1
question = "?"
starts = { tune = 4, report = 6 }
[grid]
lr = { low = 1e-2, high = 1.0, points = 3 }
[[optimizers]]
name = ["sgd", "momentum", "nag"]
[[optimizers]]
name = "nag"
hyper = { beta = 0.5 }
[[problems]]
name = ["sphere", "rosenbrock"]
dim = 2
instance = 1
[[problems]]
name = "sphere"
dim = 2
instance = 1
noise = { kind = "gaussian", level = [0.1, 1.0] }
[[contrasts]]
name = "c"
claim = "It is so."
"""


def with_contrast(left: str, right: str, more: str = "", suite: str = SUITE):
    return parse(f"{suite}left = {{ {left} }}\nright = {{ {right} }}\n{more}", source="s")


def test_a_side_may_be_a_set_of_entries_or_one_value_of_the_grid():
    (found,) = with_contrast('optimizer = "nag*"', 'optimizer = "sgd", at = 0.1').contrasts
    assert found.left.members(["sgd", "nag", "nag[beta=0.5]"]) == ["nag", "nag[beta=0.5]"]
    assert (found.left.at, found.right.at, found.over, found.margin) == (None, 0.1, "mean", 0.0)


def test_a_pattern_may_name_several_parts_and_a_twin():
    more = 'problems = "*gaussian=1 rosen*"\nbeyond = "sphere-2d-i1 *"'
    with pytest.raises(UsageError, match=r"contrasts\[0\]\.beyond"):
        with_contrast('optimizer = "nag"', 'optimizer = "sgd"', more.replace("sphere-2d-i1 *", "sphere-2d-i1"))
    (found,) = with_contrast('optimizer = "nag"', 'optimizer = "sgd"', more).contrasts
    labels = ["sphere-2d-i1", "sphere-2d-i1~gaussian=1", "rosenbrock-2d-i1"]
    assert found.about(labels) == ["sphere-2d-i1~gaussian=1", "rosenbrock-2d-i1"]


@pytest.mark.parametrize(
    ("left", "right", "more", "message"),
    [
        ('optimizer = "lion*"', 'optimizer = "sgd"', "", r"left\.optimizer: unknown entry of the suite 'lion\*'"),
        ('optimizer = "nag*", setting = "default"', 'optimizer = "sgd"', "", r"left\.setting: a set of entries has no"),
        ('optimizer = "sgd"', 'optimizer = "nag*", at = 0.1', "", r"right\.at: a set of entries has no"),
        (
            'optimizer = "nag", at = 0.2',
            'optimizer = "sgd"',
            "",
            r"left\.at: must be one of the values of nag: 0.01, 0.1, 1",
        ),
        (
            'optimizer = "nag*"',
            'optimizer = "sgd"',
            'measure = "width"',
            r"left\.optimizer: width belongs to the sweep",
        ),
        ('optimizer = "nag"', 'optimizer = "sgd", at = 0.1', 'measure = "even"', r"right\.at: even belongs to a whole"),
        (
            'optimizer = "nag"',
            'optimizer = "sgd"',
            'problems = "*gauss*"\nbeyond = "sphere-2d-i1"',
            r"beyond: each problem",
        ),
        (
            'optimizer = "nag"',
            'optimizer = "sgd"',
            'over = "worst"\ngroups = { a = "*" }',
            r"groups: the worst problem",
        ),
        ('optimizer = "nag"', 'optimizer = "sgd"', "margin = -0.1", r"margin: must be 0.0 or more"),
        ('optimizer = "nag"', 'optimizer = "sgd"', 'over = "best"', r"over: must be 'mean' or 'worst'"),
    ],
)
def test_what_sides_and_problems_cannot_be(left, right, more, message):
    with pytest.raises(UsageError, match=message):
        with_contrast(left, right, more)


def test_a_value_needs_a_grid():
    with pytest.raises(UsageError, match="at: needs a grid"):
        with_contrast('optimizer = "nag", at = 0.1', 'optimizer = "sgd"', suite='tuning = "random"\n' + SUITE)


def test_words_of_what_refutes_a_claim_change_no_run():
    plain, said = (with_contrast('optimizer = "nag"', 'optimizer = "sgd"', more) for more in ("", 'refuted_by = "It."'))
    assert plain.hash() == said.hash()
    assert with_contrast('optimizer = "nag"', 'optimizer = "sgd"', "margin = 0.1").hash() != plain.hash()


CLAIMS = ("claims", "claims-long", "claims-nag")


@pytest.mark.parametrize("name", CLAIMS)
@pytest.mark.parametrize("quick", [False, True])
def test_claims_of_the_notes_say_what_refutes_them_and_are_about_something(name, quick):
    spec = load(name).spec
    spec = quick_size(spec) if quick else spec
    labels = [entry.label for entry in spec.problems]
    assert len(spec.contrasts) == len(load(name).spec.contrasts)
    for entry in spec.contrasts:
        assert entry.refuted_by
        about = entry.about(labels)
        assert about
        parts = [
            x for pattern in entry.groups.values() for x in entry.model_copy(update={"problems": pattern}).about(about)
        ]
        assert not entry.groups or sorted(parts) == sorted(about), "groups cover the problems, each once"


def test_the_values_of_the_cycle_are_those_of_theory():
    """Heavy ball at 4/(sqrt L + sqrt m)^2, NAG at 1/L, for m = 1 and L = 25, in raw units."""
    spec = load("claims-nag").spec
    (cycle,) = [entry for entry in spec.contrasts if entry.name == "cycle"]
    assert (cycle.left.at, cycle.right.at) == (1 / 25, pytest.approx(1 / 9, rel=1e-10))
    betas = {entry.label: entry.hyper.get("beta") for entry in spec.optimizers}
    assert (betas[cycle.left.optimizer], betas[cycle.right.optimizer]) == (pytest.approx(2 / 3), pytest.approx(4 / 9))
    assert spec.units == "raw"


@pytest.mark.parametrize("name", OF_FUNCTIONS)
def test_a_suite_without_contrasts_states_none(name):
    spec = load(name).spec
    assert spec.contrasts == () or all(entry.claim.endswith(".") for entry in spec.contrasts)
