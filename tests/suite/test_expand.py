"""Lists in entries: every combination, messages that name the place in the file."""

from __future__ import annotations

import pytest

from optbench.errors import UsageError
from optbench.suite.expand import expand
from optbench.suite.parse import parse

HEAD = """
name = "short"
version = 1
question = "?"
[grid]
lr = { low = 1e-2, high = 1.0, points = 3 }
"""


def test_every_combination_is_an_entry_with_what_they_share():
    spec = parse(
        HEAD
        + """
[[optimizers]]
name = ["sgd", "adam"]
[[optimizers]]
name = "momentum"
hyper = { beta = 0.5 }
[[problems]]
name = ["ellipsoid", "rastrigin"]
dim = [2, 10]
instance = 1
rotated = [false, true]
[[problems]]
name = "sphere"
noise = [{ kind = "gaussian", level = [0.1, 1.0] }, { kind = "delay", level = 4 }]
""",
        source="x",
    )
    assert [entry.label for entry in spec.optimizers] == ["sgd", "adam", "momentum[beta=0.5]"]
    labels = [entry.label for entry in spec.problems]
    assert len(labels) == 8 + 3
    assert {"ellipsoid-2d-i1", "rastrigin-10d-i1-rot"} <= set(labels)
    assert labels[-3:] == ["sphere-2d~gaussian=0.1", "sphere-2d~gaussian=1", "sphere-2d~delay=4"]


def test_a_suite_with_lists_is_the_suite_without():
    short = parse(
        HEAD + '[[optimizers]]\nname = ["adam", "sgd"]\n[[problems]]\nname = "sphere"\ndim = [2, 3]', source="x"
    )
    entries = '[[optimizers]]\nname = "adam"\n[[optimizers]]\nname = "sgd"\n'
    problems = '[[problems]]\nname = "sphere"\ndim = 2\n[[problems]]\nname = "sphere"\ndim = 3\n'
    assert short.hash() == parse(HEAD + entries + problems, source="x").hash()


def test_messages_name_the_place_in_the_file_once():
    with pytest.raises(UsageError) as caught:
        parse(
            HEAD
            + '[[optimizers]]\nname = "sgd"\n[[problems]]\nname = ["sphere", "levy"]\n'
            + '[[problems]]\nname = "sphere"\ndim = [2, 3]\nrotated = "no"\n',
            source="x",
        )
    assert list(caught.value.problems) == ["problems[1].rotated: must be true or false; got 'no'"]


@pytest.mark.parametrize("entry", ["sphere", {"name": []}, {"dim": "2"}, {"name": "sphere", "noise": {"level": 1}}])
def test_what_has_no_list_is_left_alone(entry):
    data, places = expand({"problems": [entry]}, {"problems": ("name", "dim", "noise")})
    assert data["problems"] == [entry]
    assert places["problems"] == [0]
