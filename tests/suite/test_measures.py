"""The key ``measures`` of a suite file: what it may say, what is refused, and that no run is named by it."""

from __future__ import annotations

import importlib
import json
import re

import pytest

from optbench import catalog
from optbench.errors import UsageError
from optbench.measures.measure import Measure, Setting
from optbench.suite.measure import OWN, named
from optbench.suite.parse import load, parse
from optbench.suite.selection import quick_size, select
from tests.toy_measures import SETTINGS, VALUE, toys

from .conftest import SMALL

__all__ = ["toys"]


def read(value: str, more: str = "") -> tuple:
    """Returns the measures of a suite whose key has a value."""
    return parse(f"measures = {value}\n{SMALL}\n{more}", source="s.toml").measures


def faults(value: str, more: str = "") -> list[str]:
    with pytest.raises(UsageError) as caught:
        read(value, more)
    return list(caught.value.problems)


@pytest.mark.parametrize("entry", catalog.MEASURES, ids=lambda entry: entry.name)
def test_a_line_of_the_catalogue_names_a_measure_that_says_what_it_is(entry):
    measure = catalog.measure(entry.name)
    assert isinstance(measure, Measure)
    assert measure is getattr(importlib.import_module(entry.module), entry.name.upper())
    assert measure.name == entry.name
    assert measure.title
    assert measure.formula
    assert measure.reference
    assert entry.summary
    assert not entry.summary.endswith(".")
    assert measure.resolve({}) == {name: setting.default for name, setting in measure.settings.items()}
    for name, setting in measure.settings.items():
        assert isinstance(setting, Setting)
        assert setting.meaning, name
        assert setting.problem(setting.default) == "", name
    # These keys of a suite's entry hold for any measure.
    assert not {*OWN, "settings"} & set(measure.settings)


def test_names_of_measures_are_unique_and_of_no_function_or_model():
    names = [entry.name for entry in catalog.MEASURES]
    assert len(set(names)) == len(names)
    assert not set(names) & {entry.name for entry in (*catalog.PROBLEMS, *catalog.MODELS, *catalog.NOISE)}


def test_every_measure_of_the_shelf_has_a_line():
    import pkgutil

    import optbench.measures

    found = set()
    for module in pkgutil.walk_packages(optbench.measures.__path__, "optbench.measures."):
        found |= {
            value.name for value in vars(importlib.import_module(module.name)).values() if isinstance(value, Measure)
        }
    assert found == {entry.name for entry in catalog.MEASURES}


def test_entries_are_names_or_tables_with_their_settings(toys):
    plain, shifted, named = read('["value", { name = "value", shift = 1 }, { name = "broken", label = "b" }]')
    assert [entry.title for entry in (plain, shifted, named)] == ["value", "value[shift=1]", "b"]
    assert plain.build() is VALUE
    assert shifted.resolved == {"shift": 1.0, "norm": "l2"}
    assert json.loads(shifted.identity) == {"name": "value", "dtype": "float64", "shift": 1.0, "norm": "l2"}
    assert '"shift":1.0' in shifted.identity
    (single,) = read('[{ name = "value", norm = "max", dtype = "float32" }]')
    assert single.title == "value[dtype=float32,norm=max]"


def test_all_that_is_wrong_is_said_at_once_with_its_place(toys):
    said = faults(
        '["valu", { name = "value", shift = 11.0, nrm = "l2", label = "A b" }, { shift = 1.0 }, 3,'
        ' { name = "value", shift = "1", norm = "l3", dtype = "float16" }]'
    )
    assert said == [
        "measures[0].name: unknown measure 'valu'; did you mean 'value'?",
        "measures[1].label: must be lower-case letters, digits, '.', '_' or '-', at most 64; got 'A b'",
        "measures[2].name: is required",
        "measures[3]: must be a table; got 3",
        "measures[4].dtype: must be 'float32' or 'float64'; got 'float16'",
    ]
    said = faults('[{ name = "value", shift = 11.0, nrm = "l2" }, { name = "value", shift = "1", norm = "l3" }]')
    assert said == [
        "measures[0].nrm: unknown setting of value 'nrm'; did you mean 'norm'?",
        "measures[0].shift: must lie in [-1, 10]; got 11.0",
        "measures[1].shift: must be a number; got '1'",
        "measures[1].norm: must be one of 'l2', 'max'; got 'l3'",
    ]


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e400", "1" + "0" * 400])
def test_settings_are_finite(value):
    """No JSON has an infinite number, and rows name their settings in it."""
    (said,) = faults(f'[{{ name = "sam", rho = {value} }}]')
    assert said.startswith("measures[0].rho: must be finite and at least 1e-12; got ")
    with pytest.raises(UsageError, match="rho: must be finite and at least 1e-12; got"):
        named(f"sam[rho={value}]")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (5, "--measures must be names of measures; got 5"),
        ([5], "5: must be the name of a measure"),
        ([None, "sam"], "None: must be the name of a measure"),
        (b"sam", "115: must be the name of a measure"),
        ("keskar[name=sam]", "'keskar[name=sam]': the name stands before the brackets"),
    ],
)
def test_words_name_measures(words, said):
    with pytest.raises(UsageError, match=re.escape(said)):
        named(words)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('{ name = "interpolation", low = 2.5 }', "low: must be less than high, 2.0; got 2.5"),
        ('{ name = "noise_scale", method = "batches", large = 32 }', "small: must be less than large, 32; got 32"),
        ('{ name = "noise_scale", terms = 2 }', "terms: must be 0 for all, or 3 or more; got 2"),
    ],
)
def test_settings_that_do_not_go_together_are_refused_before_anything_runs(entry, said):
    assert faults(f"[{entry}]") == [f"measures[0].{said}"]
    assert not read('[{ name = "noise_scale", large = 32 }]')[0].build().faults({"large": 32})


@pytest.mark.parametrize("words", ["asam[p=inf]", "asam[p=2,eta=0.1]", "m_sharpness[relative=true,p=inf]"])
def test_a_title_names_its_measure_again(words):
    (spec,) = named(words)
    assert isinstance(spec.resolved["p"], str)
    assert named(spec.title)[0].identity == spec.identity


def test_a_label_may_look_like_a_number():
    assert [spec.title for spec in named("sam[label=1e-3]")] == ["1e-3"]


def test_second_runs_are_named_by_columns_that_there_are(toys):
    (entry,) = read('[{ name = "between", other = "optimizer=adam config=0" }]')
    assert entry.title == "between[other=optimizer=adam config=0]"
    assert json.loads(entry.identity)["other"] == "optimizer=adam config=0"
    assert faults('[{ name = "value", other = "optimizer=adam" }]') == [
        "measures[0].other: is for measures of two runs, such as interpolation; value is of one"
    ]
    assert faults('[{ name = "between", other = "optimiser=adam seed" }]') == [
        "measures[0].other: 'optimiser=adam': unknown column 'optimiser'; did you mean 'optimizer'?",
        "measures[0].other: 'seed' must be column=pattern, such as optimizer=adam or is_default=true",
    ]


def test_labels_are_unlike_and_no_measure_stands_twice(toys):
    assert faults('["value", { name = "broken", label = "value" }]') == [
        "measures[1]: 'value' stands in measures[0] already"
    ]
    assert faults('["value", { name = "value", shift = 0, label = "again" }]') == [
        "measures[1]: 'again' is measures[0] under another label"
    ]
    assert faults("[]", '[quick]\nmeasures = ["value", "value"]') == [
        "quick.measures[1]: 'value' stands in quick.measures[0] already"
    ]


def test_no_id_depends_on_measures(toys):
    from optbench.suite.landscapes.plan import plan

    without, with_them = parse(SMALL, source="s"), parse(f'measures = ["value"]\n{SMALL}', source="s")
    assert without.hash() == with_them.hash()
    ids = [[group.cell_ids() for group in plan(suite).groups] for suite in (without, with_them)]
    assert ids[0] == ids[1]


def test_a_quick_size_measures_the_same_unless_it_says_otherwise(toys):
    same = parse(f'measures = ["value", "broken"]\n{SMALL}\n[quick]\nbudget = 20', source="s")
    assert [entry.name for entry in quick_size(same).measures] == ["value", "broken"]
    fewer = parse(f'measures = ["value", "broken"]\n{SMALL}\n[quick]\nmeasures = ["value"]', source="s")
    assert [entry.name for entry in quick_size(fewer).measures] == ["value"]
    assert [entry.name for entry in select(same, optimizers=["sgd"]).measures] == ["value", "broken"]


def test_suites_of_networks_have_the_key_as_well(toys):
    text = """
    name = "n"
    version = 1
    question = "q"
    measures = [{ name = "value", shift = 0.5 }]
    tuning = "default"
    optimizers = [{ name = "sgd" }]
    tasks = [{ data = "digits", model = "mlp" }]
    """
    assert parse(text, source="n").measures[0].title == "value[shift=0.5]"


def test_settings_are_those_of_the_measure():
    assert VALUE.settings is SETTINGS
    with pytest.raises(UsageError, match=r"value: shift must lie in \[-1, 10\]; got -2"):
        VALUE.resolve({"shift": -2})


def test_a_dry_run_names_what_is_measured(toys):
    from optbench.runner import kinds

    suite = parse(f'measures = ["value", {{ name = "broken", label = "b" }}]\n{SMALL}', source="s")
    said = "\nmeasures of reported runs, beyond the estimates\n  value, b\n"
    assert said in kinds.planned(suite, {}).describe()
    assert "measures" not in kinds.planned(parse(SMALL, source="s"), {}).describe()


@pytest.mark.parametrize("name", ["quick", "networks"])
def test_shipped_suites_without_the_key_measure_nothing(name):
    assert load(name).spec.measures == ()


@pytest.mark.parametrize(("settings", "is_invariant"), [("", False), (", relative = true", True)])
def test_a_manifest_says_of_settings_whether_they_make_a_measure_invariant(settings, is_invariant):
    (entry,) = read(f'[{{ name = "m_sharpness"{settings} }}]')
    assert entry.described["is_invariant"] is is_invariant
    assert entry.described["settings"]["relative"] is is_invariant


def test_the_suite_of_sharpness_reports_every_rate_at_every_batch_size():
    spec = load("sharpness").spec
    assert (len(spec.optimizers), len(spec.tasks), spec.seeds.report) == (6, 6, 10)
    assert {entry.hyper["lr"] for entry in spec.optimizers if entry.name == "sgd"} == {0.03, 0.1, 0.3}
    small = quick_size(spec)
    assert len(small.measures) == len(spec.measures)
    assert [task.label for task in small.tasks] == ["digits-tanh_mlp-b16", "digits-tanh_mlp-b256"]


def test_a_rate_may_be_held_only_where_nothing_is_tuned():
    held = SMALL.replace("{ b1 = 0.95 }", "[{ lr = 1e-3 }, { lr = 1e-2 }]")
    assert held != SMALL
    with pytest.raises(UsageError, match=r"optimizers\[\d\]\.hyper\.lr: is swept, so it cannot be fixed as well"):
        parse(held, source="s.toml")
    text = """
    name = "n"
    version = 1
    question = "q"
    tuning = "default"
    optimizers = [{ name = "adam", hyper = [{ lr = 1e-3 }, { lr = 1e-2 }] }]
    tasks = [{ data = "digits", model = "mlp" }]
    """
    assert [entry.label for entry in parse(text, source="n").optimizers] == ["adam", "adam[lr=0.01]"]
