"""Wrong suite files end in one message that names every fault and its place."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optbench.errors import UsageError
from optbench.suite.explaining import explain
from optbench.suite.parse import load, parse
from optbench.suite.source import SHIPPED, shipped


def fault(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse(text, source="s.toml")
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize("name", shipped())
def test_shipped_suites_are_valid(name):
    suite = load(name)
    assert suite.spec.name == name
    assert tomllib.loads(suite.text)["name"] == name


def test_quick_is_what_the_protocol_asks():
    spec = load("quick").spec
    assert len(spec.optimizers) == 7
    assert len(spec.problems) == 12
    assert (spec.starts.tune, spec.starts.report, spec.budget, spec.units) == (16, 32, 2000, "normalized")
    assert {spec.grid_of(entry).points for entry in spec.optimizers} == {16}
    assert all(problem.instance == 1 for problem in spec.problems)
    separable = {entry.name for entry in spec.problems if "separable" in entry.build().landscape.tags}
    twins = {entry.name for entry in spec.problems if entry.rotated}
    assert separable - {"sphere"} <= twins
    assert {entry.swept for entry in spec.optimizers if entry.name == "adadelta"} == {"eps"}


def test_all_faults_are_reported_at_once_with_their_places():
    text = """
name = "My Suite"
version = 1
question = "q"
budgt = 3
starts = { tune = -1 }
[grid]
lr = { low = -1e-3, high = nan, points = 16 }
[[optimizers]]
name = "adm"
[[optimizers]]
name = "adam"
hyper = { b1 = 2.0, b3 = 0.1, lr = "0.1" }
[[optimizers]]
name = "momentum"
hyper = { beta = nan }
[[problems]]
name = "sphere"
dimension = 3
[[problems]]
name = "beale"
dim = 10
[[problems]]
name = "rosenbrock"
dim = "2"
"""
    assert fault(text).splitlines() == [
        "s.toml: 11 errors",
        "  name: must be lower-case letters, digits, '.', '_' or '-', at most 64; got 'My Suite'",
        "  grid.lr.low: must be greater than 0; got -0.001",
        "  grid.lr.high: must be a finite number; got nan",
        "  optimizers[0].name: unknown optimizer 'adm'; did you mean 'adam' or 'radam' or 'nadam'?",
        "  optimizers[1].hyper.lr: must be a number; got '0.1'",
        "  optimizers[2].hyper: momentum: beta must be a number in [0, 1); got nan",
        "  starts.tune: must be 0 or more; got -1",
        "  problems[0]: unknown key 'dimension'; did you mean 'dim'?",
        "  problems[1]: beale: dimension must be 2 only; got 10",
        "  problems[2].dim: must be an integer; got '2'",
        "  unknown key 'budgt'; did you mean 'budget'?",
    ]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("budget = 100", "budget = 0", "budget: must be 1 or more; got 0"),
        ("tune = 2", "tune = 0", "starts.tune: must be 1 or more for tuning = 'grid'; got 0"),
        ("budget = 100", "tuning = 'bayes'", "tuning: must be 'grid', 'random' or 'default'; got 'bayes'"),
        ("budget = 100", "trials = 0", "trials: must be 1 or more; got 0"),
        ("budget = 100", "budget = 1.5", "budget: must be an integer; got 1.5"),
        ("budget = 100", "units = 'metric'", "units: must be 'normalized' or 'raw'; got 'metric'"),
        ("seed = 3", "seed = -1", "seed: must be 0 or more; got -1"),
        ("seed = 3", "starts = 3", "is not TOML"),
        ("low = 1e-3, high = 1.0", "low = 1.0, high = 1e-3", "grid.lr.high: must be greater than low = 1; got 0.001"),
        (
            "{ b1 = 0.95 }",
            "{ b1 = 0.95, lr = 1e-3 }",
            "optimizers[1].hyper.lr: is swept, so it cannot be fixed as well",
        ),
        ("{ b1 = 0.95 }", "{ bb = 0.95 }", "optimizers[1].hyper: unknown hyperparameter of adam 'bb'"),
        ("eps = {", "gama = {", "optimizers[2].sweep.gama: unknown hyperparameter of adadelta 'gama'"),
        ("eps = {", "gamma = {", None),
        ("high = 1e-5, points = 4", "high = 1e-5, points = 5", "every entry must have the same number of trials"),
        ("sweep = {", "#", "optimizers[2].sweep: grid has no range for 'eps'; give sweep = "),
        ("rotated = true", "instance = 0", "is not TOML"),
        ("condition = 1e6", "conditon = 1e4", "unknown parameter of ellipsoid 'conditon'; did you mean 'condition'?"),
        ("condition = 1e6", "condition = -1.0", "condition must be a number in [1, 1e+08]; got -1.0"),
        ("instance = 1\n\n", "instance = -1\n\n", "problems[0]: rosenbrock: instance must be an integer"),
        (
            'name = "sgd"',
            'name = "adam"\nhyper = { b1 = 0.95 }',
            "optimizers[1]: 'adam[b1=0.95]' stands in optimizers[0]",
        ),
        ('name = "sgd"', "", "optimizers[0].name: is required"),
        ('question = "Does it plan?"', 'question = ""', "question: must not be empty; got ''"),
    ],
)
def test_one_fault_gives_one_line(small_text, before, after, message):
    assert before in small_text
    broken = small_text.replace(before, after, 1)
    if message is None:
        parse(broken, source="s.toml")
        return
    text = fault(broken)
    assert text.startswith("s.toml: ")
    assert message in text
    assert "\n" not in text


def test_a_misspelled_key_is_also_a_missing_one(small_text):
    assert fault(small_text.replace("points", "pints", 1)).splitlines() == [
        "s.toml: 2 errors",
        "  grid.lr.points: is required",
        "  grid.lr: unknown key 'pints'; did you mean 'points'?",
    ]


def test_negative_and_nan_rates_are_refused(small_text):
    assert "grid.lr.low: must be greater than 0; got -1.0" in fault(small_text.replace("low = 1e-3", "low = -1.0"))
    assert "grid.lr.low: must be a finite number; got nan" in fault(small_text.replace("low = 1e-3", "low = nan"))
    assert "grid.lr.high: must be a finite number; got inf" in fault(small_text.replace("high = 1.0", "high = inf"))


def test_empty_lists_are_refused(small_text):
    head = small_text[: small_text.index("[[optimizers]]")]
    head = head.replace("[grid]", "optimizers = []\nproblems = []\n[grid]")
    text = fault(head)
    assert "optimizers: must have at least one entry; got an empty array" in text
    assert "problems: must have at least one entry; got an empty array" in text


def test_broken_toml_names_the_line():
    assert fault('name = "a"\nversion = = 1\n') == "s.toml: is not TOML: Invalid value (at line 2, column 11)"
    assert "at line 2" in fault('name = "a"\nname = "b"\n')


def test_empty_file_says_what_a_suite_needs():
    assert fault("# nothing\n") == "s.toml: is empty; a suite needs name, version, question, optimizers, problems"


def test_unreadable_files_are_explained(tmp_path, small_text):
    with pytest.raises(UsageError, match=r"unknown suite 'quik'; did you mean 'quick'\?"):
        load("quik")
    with pytest.raises(
        UsageError,
        match=r"unknown suite 'zzz.toml'; shipped: .*quick, regularization, sharpness, .*; or the path of a TOML file",
    ):
        load("zzz.toml")
    for no_path in ("", "x" * 5000):
        with pytest.raises(UsageError, match=rf"unknown suite '{no_path}'; shipped: "):
            load(no_path)
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        load(str(tmp_path))
    latin = tmp_path / "latin.toml"
    latin.write_bytes('question = "é"'.encode("latin-1"))
    with pytest.raises(UsageError, match="must be UTF-8; byte 12 is not"):
        load(str(latin))
    marked = tmp_path / "bom.toml"
    marked.write_bytes(b"\xef\xbb\xbf" + small_text.encode())
    assert load(str(marked)).spec.name == "small"


@given(st.text(max_size=60))
def test_any_text_is_a_suite_or_a_usage_error(text):
    with pytest.raises(UsageError):
        parse(text, source="s.toml")


_SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5))
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner)
)


@given(st.sampled_from(["name", "grid", "starts", "optimizers", "problems", "budget", "x"]), _VALUES)
def test_any_value_of_a_key_is_explained_without_a_traceback(key, value):
    from pydantic import ValidationError

    from optbench.suite.landscapes.suite import LandscapeSuite

    data = {**tomllib.loads((SHIPPED / "smoke.toml").read_text()), key: value}
    lines = ["fine"]
    try:
        LandscapeSuite.model_validate(data)
    except ValidationError as error:
        lines = explain(error, LandscapeSuite)
    assert lines
    assert all(lines)
