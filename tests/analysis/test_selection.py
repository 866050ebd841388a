"""The three settings, worked by hand; nothing is chosen on reported starts."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from optbench.analysis import arrange, select
from optbench.analysis.landscapes import selection
from optbench.analysis.landscapes.evidence import Tuning
from optbench.analysis.landscapes.facts import Facts
from optbench.analysis.landscapes.selection import best, gentle, is_at_edge
from optbench.analysis.landscapes.sweep import Sweep
from optbench.errors import DataError

from .synthetic import make_runs


def sweep(values: list[float], default: int | None = None) -> Sweep:
    value = np.array(values)
    order = np.argsort(value, kind="stable")
    return Sweep("lr", np.arange(len(values)), value, default, order, order, order)


def test_tuning_never_chooses_a_default_that_lies_off_the_grid():
    """Unless every entry has one: all have the same number of trials, so the default is shown, not chosen."""
    runs, manifest = make_runs({"p1": "f1", "p2": "f2"}, ["adam", "sgd"], n_configs=4, default=3)
    for column in ("hits", "settled"):
        runs.loc[runs["config"] == 3, column] = runs.loc[runs["config"] == 3, column].map(
            lambda h: np.where(h > 1, 1, h)
        )
    free = select(arrange(runs, manifest).tuning, arrange(runs, manifest).facts)
    manifest["optimizers"] = {"adam": {"grid": [0.1, 1.0, 10.0]}, "sgd": {"grid": [0.1, 1.0, 10.0, 100.0]}}
    bound = select(arrange(runs, manifest).tuning, arrange(runs, manifest).facts)
    assert free["tuned", ("p1", "adam")].position == 3
    assert bound["tuned", ("p1", "adam")].position < 3
    assert bound["default", ("p1", "adam")].position == 3


def facts(family: str, *, ranked: bool = True) -> Facts:
    return Facts(family, 2, 0.0, 1.0, 1e-6, None, ranked)


def tuning(scores: list[list[float]], values: list[float] | None = None, default: int | None = 0) -> Tuning:
    return Tuning(sweep(values or [0.1 * 10**k for k in range(len(scores))], default), np.array(scores))


#: Three problems of two families, three configurations, two tuning starts; mean scores beside them.
HAND = {
    ("p1", "adam"): tuning([[0.1, 0.3], [0.6, 0.4], [0.3, 0.3]]),  # 0.2  0.5  0.3
    ("p2", "adam"): tuning([[0.9, 0.9], [0.0, 0.2], [0.8, 0.8]]),  # 0.9  0.1  0.8
    ("p3", "adam"): tuning([[0.0, 0.0], [0.2, 0.2], [0.6, 0.8]]),  # 0.0  0.2  0.7
}
FACTS = {"p1": facts("a"), "p2": facts("a"), "p3": facts("b")}


def test_three_settings_worked_by_hand() -> None:
    choices = select(HAND, FACTS)
    positions = {place: choice.position for place, choice in choices.items()}
    assert positions == {
        **{("default", (p, "adam")): 0 for p in FACTS},
        ("tuned", ("p1", "adam")): 1,
        ("tuned", ("p2", "adam")): 0,
        ("tuned", ("p3", "adam")): 2,
        # For p1 and p2 only p3 is of another family; for p3 the means are 0.55, 0.3, 0.55: the smaller rate.
        ("one_for_all", ("p1", "adam")): 2,
        ("one_for_all", ("p2", "adam")): 2,
        ("one_for_all", ("p3", "adam")): 0,
    }


def test_ties_go_to_the_smaller_rate_whatever_the_order_and_the_rounding() -> None:
    values = sweep([1.0, 0.01, 0.1])
    assert best(np.array([0.5, 0.5, 0.5]), values) == 1
    assert best(np.array([0.5, 0.5 - 1e-14, 0.4]), values) == 1
    assert best(np.array([[0.6, 0.5, 0.5], [0.1, 0.2, 0.2 + 1e-15]]), values).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ([0.5, 0.3, 0.1], True),
        ([0.5, 0.495, 0.1], False),
        ([0.1, 0.3, 0.2], False),
        ([0.1, 0.3, 0.9], True),
        ([0.0, 0.0, 0.0], False),
        ([0.7], False),
    ],
)
def test_a_choice_at_the_edge_is_flagged_unless_flat(score: list[float], expected: bool) -> None:
    values = sweep([0.1 * 10**k for k in range(len(score))])
    position = int(best(np.array(score), values))
    assert is_at_edge(np.array(score), values, position) is expected


def test_a_setting_without_meaning_is_absent() -> None:
    alone = {("p1", "adam"): tuning([[0.1], [0.2]], default=None)}
    assert set(select(alone, {"p1": facts("a")})) == {("tuned", ("p1", "adam"))}


def test_functions_that_are_never_ranked_choose_for_nobody() -> None:
    unranked = {**FACTS, "p3": facts("b", ranked=False)}
    choices = select(HAND, unranked)
    assert ("one_for_all", ("p1", "adam")) not in choices
    assert ("one_for_all", ("p3", "adam")) in choices


def test_other_configurations_on_another_problem_are_refused() -> None:
    mixed = {**HAND, ("p3", "adam"): tuning([[0.1], [0.2], [0.3]], values=[1.0, 2.0, 3.0])}
    with pytest.raises(DataError, match="adam: configurations on p3 must be those of the other problems"):
        select(mixed, FACTS)


def test_selection_cannot_receive_reported_rows() -> None:
    """By type: no function of the module takes rows or ``Reported``."""
    for _, function in inspect.getmembers(selection, inspect.isfunction):
        if function.__module__ == selection.__name__:
            annotations = " ".join(map(str, function.__annotations__.values()))
            assert "Reported" not in annotations
            assert "DataFrame" not in annotations
            assert "Arranged" not in annotations


def test_poisoned_report_rows_change_no_choice() -> None:
    runs, manifest = make_runs({"p1": "a", "p2": "b", "p3": "c"}, ["adam", "sgd"], n_configs=4, diverging=(3,))
    expected = arrange(runs, manifest)
    poisoned = runs.copy()
    report = poisoned["split"] == "report"
    rng = np.random.default_rng(1)
    poisoned.loc[report, "f_best"] = rng.random(int(report.sum())) + 3
    poisoned.loc[report, "status"] = "ok"
    poisoned.loc[report, "hits"] = poisoned.loc[report, "hits"].map(lambda _: np.full(51, 1 + int(rng.integers(50))))
    poisoned.loc[report, "settled"] = poisoned.loc[report, "hits"]
    changed = arrange(poisoned, manifest)
    assert select(changed.tuning, changed.facts) == select(expected.tuning, expected.facts)


def test_a_diverged_trial_scores_zero() -> None:
    runs, manifest = make_runs({"p1": "a"}, ["adam"], diverging=(1,))
    score = arrange(runs, manifest).tuning["p1", "adam"].score
    assert (score[1] == 0).all()
    assert (score[[0, 2]] > 0).all()


def test_pictures_are_drawn_at_the_smallest_value_that_scores_half_of_the_best():
    assert gentle(tuning([[0.1, 0.3], [0.25, 0.25], [0.6, 0.4], [0.3, 0.3]])) == 1  # 0.2  0.25  0.5  0.3
    assert gentle(tuning([[0.1, 0.3], [0.6, 0.4], [0.3, 0.3]], values=[10.0, 1.0, 0.1])) == 2


def test_pictures_show_the_default_where_no_value_works():
    assert gentle(tuning([[0.01, 0.03], [0.04, 0.04], [0.0, 0.0]], default=2)) == 2
    assert gentle(tuning([[0.0, 0.0], [0.0, 0.0]], default=None)) == 0
    assert gentle(tuning([[0.01, 0.03], [0.06, 0.04], [0.0, 0.0]], default=2)) == 1


def test_pictures_of_what_was_never_tuned_show_the_default():
    assert gentle(Tuning(sweep([0.1, 1.0], 1), np.empty((2, 0)))) == 1
    assert gentle(Tuning(sweep([0.1, 1.0], None), np.empty((2, 0)))) is None


@pytest.mark.parametrize(
    ("chosen", "scores", "flagged"),
    [
        (2, [0.1, 0.2, 0.9, 0.899], True),  # the last trial; the default inside it is no neighbor
        (3, [0.1, 0.2, 0.8, 0.9], False),  # the default, with a trial on either side
    ],
)
def test_a_default_says_nothing_of_the_edge_unless_it_is_chosen(chosen, scores, flagged):
    """Trials at 0.01, 0.1 and 1, the default at 0.5 beside them."""
    value = np.array([0.01, 0.1, 1.0, 0.5])
    order = np.argsort(value)
    placed = Sweep("lr", np.arange(4), value, 3, order, np.arange(3), order)
    assert is_at_edge(np.array(scores), placed, chosen) is flagged
