"""``list`` and ``info``."""

from __future__ import annotations

import hashlib
import importlib
import json
import re
import tomllib

import pytest

from optbench import catalog
from optbench.cli import listing
from optbench.errors import UsageError
from optbench.problems.noise import Noise
from optbench.suite import source

KINDS = ["optimizers", "problems", "models", "modifiers", "noise", "measures", "suites"]
OWN = "and your own Optimizers and optax factories, module:attribute"
ENTRIES = [*catalog.OPTIMIZERS, *catalog.PROBLEMS, *catalog.MODIFIERS, *catalog.NOISE]


def test_list_names_everything(invoke):
    result = invoke("list")
    assert result.exit_code == 0
    for entry in ENTRIES:
        assert re.search(rf"^  {entry.name} +{re.escape(entry.summary)}$", result.stdout, re.MULTILINE), entry.name
    for name in source.shipped():
        assert re.search(rf"^  {name} +\w.*\?$", result.stdout, re.MULTILINE), name


@pytest.mark.parametrize("kind", KINDS)
def test_list_of_one_kind_as_json(invoke, kind):
    rows = json.loads(invoke("list", kind, "--json").stdout)
    assert all({"name", "summary"} <= set(row) for row in rows)
    assert list(json.loads(invoke("list", "--json").stdout)) == KINDS


def test_list_shows_groups_with_their_counts(invoke):
    lines = invoke("list", "optimizers").stdout.splitlines()
    assert lines[:4] == [f"optimizers ({len(catalog.OPTIMIZERS)}): {OWN}", "", lines[2], lines[3]]
    counts = [int(found[1]) for line in lines[1:] if (found := re.fullmatch(r"[A-Za-z -]+ \((\d+)\)", line))]
    assert len(counts) == len({entry.group for entry in catalog.OPTIMIZERS})
    assert sum(counts) == len(catalog.OPTIMIZERS) >= 60


@pytest.mark.parametrize("width", [80, 120])
def test_list_fits_a_terminal(width):
    kinds = {"optimizers": catalog.OPTIMIZERS, "problems": catalog.PROBLEMS, "noise": catalog.NOISE}
    for kind, entries in kinds.items():
        rows = [{"name": entry.name, "group": entry.group, "summary": entry.summary} for entry in entries]
        lines = list(listing._lines(kind, rows, width))
        assert max(map(len, lines)) <= width
        assert sum(len(line.split()) for line in lines) == sum(
            len(line.split()) for line in listing._lines(kind, rows, None)
        )


def test_names_are_completed_for_the_shell():
    def completed(text):
        return listing._names(None, None, text)

    assert completed("adamw") == ["adamw"]
    assert {"rosenbrock", "rprop"} <= set(completed("r"))
    assert completed("adam+w") == ["adam+warmup"]
    assert completed("warm") == ["warmup"]
    assert completed("gauss") == ["gaussian_wells", "gaussian"]
    assert completed("linear") == ["linear"]
    assert completed("+lin") == ["+linear"]
    assert completed("adam+warmup+co") == ["adam+warmup+constant", "adam+warmup+cosine"]


def test_list_of_something_else_is_refused(invoke):
    result = invoke("list", "optimiser")
    assert result.exit_code == 2
    assert (
        "is not one of 'optimizers', 'problems', 'models', 'modifiers', 'noise', 'measures', 'suites'" in result.stderr
    )


def test_info_of_an_optimizer(invoke):
    text = invoke("info", "adam[b1=0.95]").stdout
    assert text.startswith("adam: ")
    assert "lr (swept)" in text
    assert "b1              0.95      0.9       [0, 1)    0.5 to 0.999, log of 1-x\n" in text
    assert "cost of a step  1\nstate           2 x the parameters\n" in text
    facts = json.loads(invoke("info", "adam", "--json").stdout)
    assert (facts["evals_per_step"], facts["state"], facts["ranked"], facts["max_dim"]) == (1, "2", True, None)
    hyper = catalog.optimizer("adam").hyper
    assert facts["hyper"]["eps"] == {
        "value": 1e-7,
        "default": 1e-7,
        "range": hyper["eps"].describe(),
        "source": hyper["eps"].source,
        "search": {"low": 1e-10, "high": 1.0, "scale": "log", "source": hyper["eps"].search.source},
        "told": "",
    }


def test_info_of_a_rule_with_modifiers(invoke):
    text = invoke("info", "adam+warmup+cosine[horizon=500]").stdout
    assert text.startswith("adam+warmup+cosine: ")
    assert ",\n  with warmup and cosine (adaptive)\n" in text
    assert re.search(r"^horizon +500 +1000 +\[1, inf\) +-$", text, re.MULTILINE)
    assert "Told the number of steps by suites" in " ".join(text.split())
    assert "**`cosine`**" in text


@pytest.mark.parametrize(
    ("name", "remarks"),
    [
        ("sam", ["cost of a step 2; gradients are taken elsewhere"]),
        ("lbfgs", ["cost of a step varies: 1 for each trial point; gradients"]),
        ("newton_cg", ["varies: 1 for each gradient, 2 for each Hessian-vector product", "rank none"]),
        ("newton", ["state (dim + 6) x the parameters", "dimension at most 100", "rank none: a reference line"]),
        ("polyak_told", ["Told the minimum by suites", "rank none", "state 0 x the parameters"]),
        ("lion", ["state 1 x the parameters"]),
    ],
)
def test_info_says_what_is_special(invoke, name, remarks):
    text = " ".join(invoke("info", name).stdout.split())
    assert [remark for remark in remarks if remark not in text] == []


def test_info_of_objects_of_ones_own(invoke, tmp_path):
    (tmp_path / "own_things.py").write_text(
        "import functools\nimport optax\nfrom optbench import catalog\n"
        "quick = functools.partial(optax.adam, b1=0.8)\nbowl = catalog.landscape('sphere')\n"
        "rule = catalog.optimizer('nag')\n"
    )
    importlib.invalidate_caches()
    facts = json.loads(invoke("info", "own_things:quick+cosine", "--json").stdout)
    assert (facts["kind"], facts["name"], facts["state"]) == ("optimizer", "own_things:quick+cosine", "2")
    assert "horizon" in facts["hyper"]
    assert json.loads(invoke("info", "own_things:bowl", "--json").stdout)["kind"] == "problem"
    lines = invoke("info", "own_things:rule").stdout.splitlines()
    sha = hashlib.sha256((tmp_path / "own_things.py").read_bytes()).hexdigest()
    assert lines[:3] == ["own_things:rule", f"code: own_things {sha[:8]}", ""]
    assert facts["sources"] == {"own_things": sha}
    # It is a shipped rule under another name: nothing is said of it that the catalogue says of the shipped one.
    assert (facts["group"], facts["summary"]) == ("", "")


def test_info_of_ones_own_names_the_modules_that_it_imports(invoke, tmp_path):
    (tmp_path / "own_named.py").write_text("from own_helper import adam\n")
    (tmp_path / "own_helper.py").write_text(
        "from dataclasses import replace\nfrom optbench import catalog\n"
        "adam = replace(catalog.optimizer('sgd'), name='adam')\n"
    )
    importlib.invalidate_caches()
    facts = json.loads(invoke("info", "own_named:adam", "--json").stdout)
    assert (facts["name"], facts["summary"], sorted(facts["sources"])) == (
        "own_named:adam",
        "",
        ["own_helper", "own_named"],
    )
    assert "sources" not in json.loads(invoke("info", "adam", "--json").stdout)
    assert "more modules\n" in invoke("info", "optax:sgd").stdout


def test_info_of_a_problem(invoke):
    text = invoke("info", "himmelblau").stdout
    for part in ("formula ", "2 only", "[-5, 5]^2", "(3, 2); (-2.80512, 3.13131)", "Himmelblau"):
        assert part in text
    assert text.count("×") == 4 + 1  # four minimizers and the key
    facts = json.loads(invoke("info", "ellipsoid[dim=3,instance=1,condition=100]", "--json").stdout)
    assert (facts["label"], facts["parameters"]) == ("ellipsoid-3d-i1[condition=100]", {"condition": 100.0})


def test_info_of_numbered_instances_and_of_a_finite_sum(invoke):
    text = " ".join(invoke("info", "bbob_f08[dim=5,instance=3]").stdout.split())
    assert "label bbob_f08-5d-i3 " in text
    assert "instance 3 shown; numbered from 1 on" in text
    assert "family rosenbrock" in text
    text = invoke("info", "least_squares").stdout
    terms = catalog.landscape("least_squares").n_terms(catalog.problem("least_squares").dim)
    assert f"\nterms         {terms}; noise of kind batch" in text
    facts = json.loads(invoke("info", "least_squares", "--json").stdout)
    assert facts["n_terms"] == terms
    assert json.loads(invoke("info", "sphere", "--json").stdout)["n_terms"] is None


def test_info_draws_only_two_dimensions(invoke):
    assert "│" in invoke("info", "sphere").stdout
    assert "│" not in invoke("info", "sphere[dim=3]").stdout


def assert_told(invoke, entry, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    result = invoke("info", entry.name)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert " ".join(result.stdout.split()).startswith(f"{entry.name}: {entry.summary} ({entry.group}) ")
    assert [line for line in lines if len(line) > 80] == []


@pytest.mark.parametrize("entry", catalog.OPTIMIZERS, ids=lambda entry: entry.name)
def test_info_knows_every_optimizer_and_fits_a_terminal(invoke, entry, monkeypatch):
    assert_told(invoke, entry, monkeypatch)


@pytest.mark.parametrize("entry", catalog.MODELS, ids=lambda entry: entry.name)
def test_info_knows_every_model_and_fits_a_terminal(invoke, entry, monkeypatch):
    assert_told(invoke, entry, monkeypatch)


@pytest.mark.parametrize("entry", catalog.MODIFIERS, ids=lambda entry: entry.name)
def test_info_knows_every_modifier_and_fits_a_terminal(invoke, entry, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    text = invoke("info", f"+{entry.name}").stdout
    assert " ".join(text.split()).startswith(f"{entry.name}: {entry.summary} ({entry.group}) ")
    assert max(map(len, text.splitlines())) <= 80
    facts = json.loads(invoke("info", f"+{entry.name}", "--json").stdout)
    added = catalog.optimizer(f"sgd+{entry.name}").hyper
    assert list(facts["hyper"]) == [name for name in added if name not in ("lr",)]
    for name, h in facts["hyper"].items():
        assert re.search(rf"^{name} +{h['value']:g} +{h['default']:g} +{re.escape(h['range'])} ", text, re.MULTILINE)
    assert "Reference: " in text or entry.name == "constant"
    assert facts["doc"].count("Reference: ") <= 1
    assert f"\nexample         {facts['example']}\n" in text
    assert catalog.optimizer(facts["example"]).name == facts["example"]


def test_info_of_a_modifier_says_what_it_costs_and_takes_values(invoke):
    text = invoke("info", "warmup[warmup_share=0.1]").stdout
    assert re.search(r"^warmup_share +0.1 +0.05 +\[0, 1\)", text, re.MULTILINE)
    assert "cost of a step  that of the rule\nstate           the rule's own\n" in text
    assert "cost of a step  2 gradients where the rule has one\n" in invoke("info", "+sam").stdout
    assert "state           the rule's own and 1 x the parameters\n" in invoke("info", "+lookahead").stdout


def test_a_name_that_is_two_things_says_how_to_ask_for_the_other(invoke):
    rules, modifiers = ({entry.name for entry in shelf} for shelf in (catalog.OPTIMIZERS, catalog.MODIFIERS))
    models = {entry.name for entry in catalog.MODELS}
    two = modifiers & (rules | models)
    assert two == {"linear", "sam", "asam", "lookahead"}
    for name in two:
        kind = "an optimizer" if name in rules else "a model"
        assert f"\n{name} is a modifier, too: optbench info +{name}\n" in invoke("info", name).stdout
        assert f"\n{name} is {kind}, too: optbench info {name}\n" in invoke("info", f"+{name}").stdout
    assert ", too: " not in invoke("info", "warmup").stdout + invoke("info", "adam").stdout


@pytest.mark.parametrize("entry", catalog.NOISE, ids=lambda entry: entry.name)
def test_info_knows_every_kind_of_noise_and_its_example_is_one(invoke, entry, monkeypatch):
    assert_told(invoke, entry, monkeypatch)
    facts = json.loads(invoke("info", entry.name, "--json").stdout)
    assert facts["kind"] == "noise"
    given = tomllib.loads(f"problem = {facts['example']}")["problem"]
    assert given["noise"]["kind"] == entry.name
    assert Noise(**given["noise"]).label.startswith(f"{entry.name}=")
    assert re.search(r"\d{4}", facts["reference"])
    # The range is that which the noise itself checks.
    whole = "whole number" in facts["level"]
    with pytest.raises(UsageError, match=r"level must be a (whole|positive) number"):
        Noise(entry.name, 1.5 if whole else 0.0)


def test_a_table_of_layers_that_is_too_wide_shows_shapes_and_counts_apart(invoke, monkeypatch):
    def tables(columns):
        monkeypatch.setenv("COLUMNS", columns)
        return [line.split() for line in invoke("info", "alexnet").stdout.splitlines() if line.startswith("layer ")]

    shapes, counts = ["output", "kernel", "stride", "padding"], ["weights", "unpooled", "biases", "multiply-adds"]
    assert tables("80") == [["layer", *shapes], ["layer", *counts]]
    assert tables("91") == [["layer", *shapes, *counts]]


def test_a_formula_is_broken_only_where_it_must_be(invoke, monkeypatch):
    whole = r"$$m' = \beta_1 m + (1-\beta_1) g, \qquad v' = \beta_2 v + (1-\beta_2) g^2, \qquad"
    shown = {}
    for columns in ("80", "120"):
        monkeypatch.setenv("COLUMNS", columns)
        shown[columns] = invoke("info", "adam").stdout
    assert f"\n{whole}\n" in shown["120"]
    assert f"\n{whole}\n" not in shown["80"]
    assert " ".join(shown["80"].split()) == " ".join(shown["120"].split())


@pytest.mark.parametrize("words", [("list",), ("list", "cutest"), ("data", "list")], ids=" ".join)
def test_a_pipe_gets_the_width_that_columns_asks_for(invoke, words, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, invoke(*words).stdout.splitlines()[1:])) <= 80
    monkeypatch.delenv("COLUMNS")
    assert max(map(len, invoke(*words).stdout.splitlines()[1:])) > 80


#: One function of each group, whose optimum and scale take no long search.
SAMPLE = {"ellipsoid", "rosenbrock", "rastrigin", "plateau", "two_wells", "bbob_f01", "least_squares"}
#: Their constants take minutes.
LONG = {"digits_softmax"}


def test_the_sample_has_every_group():
    assert {entry.group for entry in catalog.PROBLEMS} == {e.group for e in catalog.PROBLEMS if e.name in SAMPLE}


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(entry, marks=() if entry.name in SAMPLE else pytest.mark.slow)
        for entry in catalog.PROBLEMS
        if entry.name not in LONG
    ],
    ids=lambda entry: entry.name,
)
def test_info_knows_every_problem(invoke, entry, monkeypatch):
    assert_told(invoke, entry, monkeypatch)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("adm", "error: unknown name 'adm'; did you mean 'adam'"),
        ("mnist", "error: 'mnist' is a data set; see: optbench data list\n"),
        ("qqqqqq", "error: unknown name 'qqqqqq'; optbench list shows all names\n"),
        ("nesterov", "error: unknown name 'nesterov'; did you mean 'nag'?\n"),
        ("L-BFGS", "error: unknown name 'L-BFGS'; did you mean 'lbfgs'?\n"),
        ("cosin", "error: unknown name 'cosin'; did you mean 'cosine' or "),
        ("gausian", "error: unknown name 'gausian'; did you mean 'gaussian' or "),
        ("+cosin", "error: unknown modifier 'cosin'; did you mean 'cosine'?\n"),
        ("+adam", "error: unknown modifier 'adam'; did you mean 'asam' or 'sam'?\n"),
        ("warmup[lr=1]", "error: warmup has no number 'lr'; it has horizon, warmup_share\n"),
        ("warmup[warmup_share=2]", "error: sgd+warmup: warmup_share must be a number in [0, 1); got 2\n"),
        ("gaussian[level=2]", "error: gaussian takes its level with a problem: { name = "),
        ("adam+cosin", "error: unknown modifier 'cosin'; did you mean 'cosine'?\n"),
        ("sphere+cosine", "error: unknown optimizer 'sphere'"),
        ("quick", "error: 'quick' is a suite; see: optbench run quick --dry-run\n"),
        ("beale[dim=10]", "error: beale: dimension must be 2 only; got 10\n"),
        ("adam[lr=-1]", "error: adam: lr must be a number in (0, inf); got -1\n"),
        ("adam[lr=nan]", "error: adam: lr must be a number in (0, inf); got nan\n"),
        ("sphere[dim=3,", "error: 'sphere[dim=3,': must be name[key=value,...]\n"),
        ("sphere[rotated=3]", "error: rotated: must be true or false; got 3\n"),
        ("no.module:x", "error: 'no.module:x': cannot import 'no.module'"),
    ],
)
def test_wrong_names_are_explained(invoke, name, message):
    result = invoke("info", name)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(message)


def test_picture_without_unicode(shell):
    result = shell("info", "sphere", env={"PYTHONIOENCODING": "ascii"})
    assert result.returncode == 0
    assert "@@@@@" in result.stdout
    assert result.stdout.isascii()
