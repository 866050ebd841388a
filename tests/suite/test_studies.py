"""Suites of studies: what a file may say, what is refused and how, and which models are planned."""

from __future__ import annotations

from collections import Counter

import pytest

from optbench.analysis.statistics.decomposition import FEWEST
from optbench.errors import UsageError
from optbench.suite.parse import load, parse
from optbench.suite.selection import quick_size, select
from optbench.suite.studies.methods import METHODS
from optbench.suite.studies.plan import plan

HEAD = 'name = "mine"\nversion = 1\nquestion = "Does it generalize?"\nseeds = 3\n'
NET = 'data = "digits"\nmodel = "mlp"\noptimizer = "adam"\n'
STUDIES = {
    "cv": f'method = "cross_validation"\n{NET}folds = 4\ngrid = {{ lr = [0.001, 0.01], batch_size = [16, 32, 64] }}\n',
    "bag": f'method = "bootstrap"\n{NET}members = 7\nhyper = {{ lr = 0.01 }}\n',
    "boost": f'method = "boosting"\n{NET}rounds = 4\nepochs = 3\n',
    "bv": f'method = "bias_variance"\n{NET}factor = {{ batch_size = [16, 64] }}\nsets = "bootstrap"\n',
    "poly": 'method = "regression"\ntruth = "sine"\nnoise = 0.3\nn_train = 20\nfactor = { degree = [0, 3, 9] }\n',
    "wide": f'method = "bias_variance"\n{NET}members = 3\nfactor = {{ width = [0.5, 1.0, 2.0] }}\n',
    "learn": f'method = "curve"\n{NET}',
}


def written(*names, head=HEAD, more=""):
    return head + "".join(f'[[studies]]\nname = "{name}"\n{STUDIES[name]}' for name in names) + more


def read(*names, **kwargs):
    return parse(written(*names, **kwargs), source="mine.toml")


def problems(text):
    with pytest.raises(UsageError) as caught:
        parse(text, source="mine.toml")
    return list(caught.value.problems)


def planned(name, **kwargs):
    (group,) = plan(read(name, **kwargs)).groups
    return group


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("cv", {"fold": 24, "refit": 1}),
        ("bag", {"single": 1, "member": 7}),
        ("boost", {"single": 1, "round": 4}),
        ("bv", {"member": 20}),
        ("poly", {"member": 30}),
        ("learn", {"single": 1}),
    ],
)
def test_the_models_of_each_method(name, roles):
    group = planned(name)
    assert Counter(str(cell.role) for cell in group.cells) == roles
    assert group.n_cells == 3 * sum(roles.values())
    ids = [group.cell_id(replicate, cell) for replicate in range(3) for cell in group.cells]
    assert len(set(ids)) == len(ids) == group.n_cells


def test_configurations_are_the_combinations_of_a_grid_whatever_the_order_of_its_keys():
    settings = planned("cv").settings
    assert [(s.batch_size, s.hyper["lr"]) for s in settings] == [
        (16, 0.001), (16, 0.01), (32, 0.001), (32, 0.01), (64, 0.001), (64, 0.01),
    ]  # fmt: skip
    turned = STUDIES["cv"].replace(
        "lr = [0.001, 0.01], batch_size = [16, 32, 64]", "batch_size = [16, 32, 64], lr = [0.001, 0.01]"
    )
    other = parse(HEAD + '[[studies]]\nname = "cv"\n' + turned, source="x")
    assert other.hash() == read("cv").hash()
    assert plan(other).groups[0].settings == settings


def test_values_are_the_studys_own_or_the_suites_or_the_default():
    group = planned("boost")
    assert (group.study.epochs, group.study.rounds, group.study.batch_size) == (3, 4, 32)
    group = planned("bv", head=HEAD + "epochs = 9\nmembers = 5\n")
    assert (group.study.epochs, group.study.members, group.study.sets) == (9, 5, "bootstrap")
    assert [setting.batch_size for setting in group.settings] == [16, 64]


def test_the_default_written_out_changes_neither_the_suite_nor_its_ids():
    given, left = read("bag", head=HEAD + "epochs = 20\n"), read("bag")
    explicit = parse(written("bag") + "batch_size = 32\nepochs = 20\n", source="x")
    assert given.hash() == left.hash() == explicit.hash()
    ids = {plan(suite).groups[0].cell_id(0, plan(suite).groups[0].cells[0]) for suite in (given, left, explicit)}
    assert len(ids) == 1
    assert read("bag", head=HEAD.replace("seeds = 3", "seeds = 4")).hash() != left.hash()


def test_a_wider_model_has_more_numbers():
    group = planned("wide")
    counts = [sum(row.weights + row.biases for row in s.network().table((8, 8, 1), 10)) for s in group.settings]
    hidden = [(64, 32), (128, 64), (256, 128)]
    assert counts == [65 * a + (a + 1) * b + (b + 1) * 10 for a, b in hidden]


def test_seeds_are_shared_where_models_are_compared():
    group = planned("bv")
    by_value = {}
    for cell in group.cells:
        by_value.setdefault(cell.value, []).append(group.run_seed(1, cell))
    assert by_value[0] == by_value[1]
    assert len(set(by_value[0])) == len(by_value[0])
    boost = planned("boost")
    single, first, second = boost.cells[:3]
    assert boost.run_seed(0, single) == boost.run_seed(0, first) != boost.run_seed(0, second)
    assert boost.split_seed(0) == group.split_seed(0) != group.split_seed(1)


def test_a_suite_has_everything_that_is_wrong_with_it_in_one_message():
    text = written("cv", "bag", "bv", "poly")
    text = text.replace("folds = 4", "folds = 1").replace("members = 7", "members = 1\nrounds = 3\ngird = 2")
    text = text.replace('sets = "bootstrap"', 'sets = "boostrap"').replace(
        "degree = [0, 3, 9]", "degree = [0, 20, 2.5]"
    )
    found = "\n".join(problems(text))
    for said in (
        "studies[0].folds: must be 2 or more: a fold is held out, and the others are trained on; got 1",
        "studies[1].members: must be 2 or more; got 1",
        "studies[1]: unknown key 'gird'; did you mean 'grid'?",
        "studies[2].sets: unknown way of drawing training sets 'boostrap'; did you mean 'bootstrap'?",
        "studies[3].factor.degree: must be whole numbers, 0 or more; got 2.5",
    ):
        assert said in found, found


#: A study, what is changed of its text, and how the message begins that says so; ``studies[0].`` stands before each.
WRONG = [
    (
        "cv",
        '"cross_validation"',
        '"cross_validaton"',
        "method: unknown method 'cross_validaton'; did you mean 'cross_v",
    ),
    ("cv", "lr = [", "lrr = [", "grid.lrr: unknown hyperparameter of a grid 'lrr'; did you mean 'lr'?"),
    ("cv", "[0.001, 0.01]", "[0.01, 0.01]", "grid.lr: must be different values; got 0.01, 0.01"),
    ("cv", "folds = 4", "folds = 200", "folds: must be at most 143, the rows of a class outside of the test part; got"),
    ("cv", "[16, 32, 64]", "[1100]", "batch_size: must be at most 1078, the rows outside of one of 4 folds; got 1100"),
    (
        "cv",
        "folds = 4\n",
        "hyper = { lr = 0.1 }\n",
        "grid.lr: is held at a value as well; it is either held or compared",
    ),
    ("cv", 'data = "digits"', 'data = "digit"', "data: "),
    ("bag", 'model = "mlp"', 'model = "mpl"', "model: unknown model 'mpl'; did you mean 'mlp'"),
    ("bag", 'optimizer = "adam"', 'optimizer = "adm"', "optimizer: unknown optimizer 'adm'; did you mean 'adam'"),
    ("bag", "lr = 0.01", "rate = 0.01", "hyper: "),
    ("bag", "hyper", "regularization", "regularization: unknown regularizer of a study 'lr'; known: decay, dropout, p"),
    (
        "bag",
        "hyper = { lr = 0.01 }",
        "regularization = { decay = true }",
        "regularization.decay: must be a number, its",
    ),
    ("wide", "members = 3", "members = 2", "members: must be 3 or more for bias_variance, of study 'wide'; got 2"),
    ("bag", "members = 7", "batch_size = 1295", "batch_size: must be at most 1294, the training part; got 1295"),
    ("bag", "members = 7", "rounds = 7", "rounds: is no key of bootstrap; it takes batch_size, data, epochs, "),
    ("bag", 'model = "mlp"\n', "", "model: is required for bootstrap"),
    ("bv", "batch_size = [", "rounds = [", "factor.rounds: unknown factor of bias_variance 'rounds'; "),
    ("bv", "[16, 64]", "[16], epochs = [1]", "factor: one thing is varied; got batch_size, epochs"),
    ("bv", '"bootstrap"', '"fresh"', "sets: 'fresh' needs data that are generated, such as mnist1d; digits is a"),
    ("bv", "batch_size = [16, 64]", "width = [0.0]", "factor.width: must be above 0; got 0.0"),
    ("wide", '"mlp"', '"linear"', "factor.width: linear: an input of 8x8x1 does not suit: linear has no hi"),
    ("poly", '"sine"', '"sinus"', "truth: unknown function 'sinus'; did you mean 'sine'?"),
    ("poly", "[0, 3, 9]", "[20]", "factor.degree: must be below n_train = 20, the design points; got 20"),
    ("poly", "noise = 0.3\n", "", "noise: is required for regression"),
    ("poly", "noise = 0.3", "noise = -0.3", "noise: must be 0.0 or more; got -0.3"),
    (
        "poly",
        "noise = 0.3",
        "noise = 0.3\ninterval = [1.0, 0.0]",
        "interval: must be two finite numbers, the lower one f",
    ),
]


@pytest.mark.parametrize("name", ["bv", "poly"])
def test_members_that_cannot_be_split_are_refused_wherever_they_are_said(name):
    said = f"must be 3 or more for {read(name).studies[0].method}, of study {name!r}; got 2"
    assert problems(written(name, head=f"{HEAD}members = 2\n")) == [f"members: {said}"]
    assert problems(written(name, more="[quick]\nmembers = 2\n")) == [f"quick.members: {said}"]
    assert read("bag", head=f"{HEAD}members = 2\n").members == 2
    assert METHODS[read(name).studies[0].method].fewest_members == FEWEST


@pytest.mark.parametrize(("name", "old", "new", "said"), WRONG)
def test_what_is_wrong_is_said_with_its_place(name, old, new, said):
    text = written(name)
    assert old in text
    found = problems(text.replace(old, new))
    assert any(problem.startswith(f"studies[0].{said}") for problem in found), found


def test_what_no_study_has_is_refused():
    head = HEAD + 'optimizers = [{ name = "sgd" }]\nmeasures = ["hessian_top"]\n'
    head += "[grid]\nlr = { low = 0.1, high = 1.0, points = 2 }\n"
    found = problems(written("bag", head=head))
    assert [problem.partition(":")[0] for problem in found] == ["optimizers", "grid", "measures"]


def test_names_stand_once_and_so_do_studies():
    again = '[[studies]]\nname = "bag"\n' + STUDIES["boost"]
    assert problems(written("bag", more=again)) == ["studies[1]: 'bag' stands in studies[0] already"]
    other = '[[studies]]\nname = "other"\nbatch_size = 32\n' + STUDIES["bag"]
    assert problems(written("bag", more=other)) == [
        "studies[1]: 'other' is the same study as 'bag': what it sets is the default"
    ]


def test_studies_are_selected_by_name_method_data_or_pattern():
    suite = read(*STUDIES)
    assert [study.name for study in select(suite, studies=["cv", "bootstrap"]).studies] == ["cv", "bag"]
    assert len(select(suite, studies=["digits"]).studies) == 6
    with pytest.raises(UsageError, match="unknown study of the suite 'cw'"):
        select(suite, studies=["cw"])
    with pytest.raises(UsageError, match="--tasks is not for a suite of studies; --studies selects"):
        select(suite, tasks=["cv"])


def test_the_quick_size_changes_every_study():
    more = '[quick]\nseeds = 1\nepochs = 2\nmembers = 3\nrounds = 2\nstudies = ["ba*", "boost", "bv"]\n'
    small = quick_size(read(*STUDIES, more=more))
    assert [(group.study.name, group.study.epochs, group.n_cells) for group in plan(small).groups] == [
        ("bag", 2, 4), ("boost", 2, 3), ("bv", 2, 6),
    ]  # fmt: skip


def test_shipped_suites_of_other_kinds_are_not_of_this_one():
    assert load("quick").spec.KIND != read("bag").KIND
