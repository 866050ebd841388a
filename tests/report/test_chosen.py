"""A run seen through a choice: what stays, what the footer says, and which names are refused."""

from __future__ import annotations

import pytest
from matplotlib.text import Text

from optbench.errors import UsageError
from optbench.report import figures
from optbench.report.chosen import chosen
from optbench.report.evidence import MEAN


def test_nothing_chosen_is_the_run_itself(evidence):
    assert chosen(evidence) is evidence


def test_frames_have_the_chosen_entries_and_the_numbers_of_the_whole(evidence):
    part = chosen(evidence, optimizers=["adam", "sgd"], problems=["*-2d-i1"])
    frame = part.frame("summary")
    assert set(frame["optimizer"]) == {"adam", "sgd"}
    assert set(frame["problem"]) == {"rosenbrock-2d-i1", "himmelblau-2d-i1"}
    whole = evidence.frame("summary")
    same = whole[whole["optimizer"].isin(["adam", "sgd"]) & whole["problem"].isin(set(frame["problem"]))]
    assert frame.equals(same.reset_index(drop=True))
    assert set(part.picture("trajectories")["optimizer"]) == {"adam", "sgd"}


def test_both_sides_of_a_pair_are_chosen(evidence):
    frame = chosen(evidence, optimizers=["adam", "sgd"]).frame("matrix")
    assert set(frame["untuned"]) == set(frame["tuned"]) == {"adam", "sgd"}


def test_rules_that_coincide_and_means_over_problems_stay(evidence):
    part = chosen(evidence, optimizers="nag", problems=["sphere-10d-i1"])
    assert set(part.frame("ranking")["optimizer"]) == {"nag = sgd"}
    assert set(part.frame("best_of_k")["problem"]) == {MEAN, "sphere-10d-i1"}


def test_the_footer_says_that_not_all_is_shown(evidence):
    footer = chosen(evidence, optimizers=["adam"], problems=["sphere*"]).footer
    assert footer == f"{evidence.footer} · shown: 1 of 7 optimizers, 1 of 5 problems"


def test_unknown_names_are_reported_together(evidence):
    with pytest.raises(UsageError) as caught:
        chosen(evidence, optimizers=["adm"], problems=["spher-10d"])
    assert caught.value.problems == (
        "unknown optimizer of this run 'adm'; did you mean 'adam'?",
        "unknown problem of this run 'spher-10d'; did you mean 'sphere-10d-i1'?",
    )


def test_files_of_a_choice_do_not_replace_those_of_the_run(evidence, tmp_path):
    (path,) = figures.draw(chosen(evidence, optimizers=["adam"]), ["convergence"], out_dir=tmp_path)
    assert path.name == "convergence-chosen.png"


def test_drawn_figures_are_those_that_are_written(evidence, tmp_path):
    (figure,) = figures.drawn(evidence, "ranks")
    (again,) = figures.write([figure], "ranks", "svg", tmp_path / "a")
    (path,) = figures.draw(evidence, ["ranks"], "svg", tmp_path / "b")
    assert again.read_bytes() == path.read_bytes()


def texts(evidence, kind):
    """All words of the figures of a kind."""
    pages = figures.drawn(evidence, kind)
    return " ".join(text.get_text() for page in pages for text in page.findobj(Text))


def test_a_mean_over_all_problems_is_not_called_one_over_those_shown(evidence):
    whole, part = texts(evidence, "best_of_k"), texts(chosen(evidence, problems=["sphere*"]), "best_of_k")
    assert "Mean over 3 problems" in whole
    assert "Mean over 3 problems" in part


def test_rank_intervals_of_some_entries_stay_on_the_axis(evidence):
    part = chosen(evidence, optimizers=["momentum", "rmsprop"])
    highest = part.frame("ranking").query("setting == 'tuned'")["rank_high"].max()
    (page,) = figures.drawn(part, "ranks")
    ends = [ax.get_xlim()[1] for ax in page.axes if "rank" in ax.get_xlabel()]
    assert ends
    assert all(end > highest for end in ends)
