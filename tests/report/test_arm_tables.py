"""Tables of runs with arms: golden texts, what they must say, and published numbers beside ours."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from optbench import store
from optbench.report import tables
from optbench.report.evidence import Evidence
from optbench.report.tables.batch_sizes import published
from tests import arms, batch_sizes, readme
from tests.report.test_tables import EXTENSIONS

GOLDEN = Path(__file__).parent / "golden" / "arms"
KINDS = ("arms", "gap", "levels")


@pytest.fixture(scope="module")
def run():
    return Evidence.of(arms.run())


@pytest.fixture(scope="module")
def small(run):
    """Two arms, two places and two measures: the golden table with a row for each quantity stays readable."""
    few = run.measures[run.measures["measure"].isin(["keskar", "hessian_top"])]
    return Evidence.of(changed(run, measures=few, arms=[run.manifest["arms"][k] for k in (1, 2)], levels=[0.1]))


def changed(run, runs=None, measures=None, **manifest):
    """Returns the run with other rows or manifest entries."""
    runs, measures = run.run.runs if runs is None else runs, run.measures if measures is None else measures
    return SimpleNamespace(runs=runs, measures=measures, manifest={**run.manifest, **manifest}, path=None)


def text(run, kind, form="markdown", **options):
    return tables.render(run, kind, form, **options)


def flat(run, kind):
    return " ".join(text(run, kind, "terminal", width=200).split())


def rows_of(run, kind, **keys):
    rows = csv.DictReader(io.StringIO(text(run, kind, "csv")))
    return [row for row in rows if all(row[name] == value for name, value in keys.items())]


@pytest.mark.parametrize("form", EXTENSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_tables_match_the_golden_files(run, small, kind, form):
    """To renew them after an intended change: delete the files, run the test twice, read the diff."""
    path = GOLDEN / f"{kind}.{EXTENSIONS[form]}"
    found = text(small if kind == "levels" else run, kind, form)
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8", newline="")
        pytest.fail(f"{path.name} was missing and has been written")
    assert path.read_bytes().decode() == found


@pytest.mark.parametrize("form", EXTENSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_rows_does_not_change_a_byte(run, kind, form):
    shuffled = changed(run, run.run.runs.sample(frac=1, random_state=3), run.measures.sample(frac=1, random_state=4))
    assert text(run, kind, form) == text(shuffled, kind, form)


@pytest.mark.parametrize("width", [24, 80, 120, 200])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_terminal_table_keeps_to_its_width(run, kind, width, ascii_only):
    shown = text(run, kind, "terminal", width=width, ascii_only=ascii_only)
    assert max(len(line) for line in shown.splitlines()) <= width
    assert shown.isascii() or not ascii_only


def test_arms_are_what_a_run_with_arms_prints(run):
    assert tables.headline(run) == "arms"
    assert tables.headline(changed(run, table="levels")) == "levels"
    assert tables.headline(changed(run, run.run.runs.iloc[:0])) == "main"


def test_a_run_without_arms_has_the_gap_of_optimizers_and_says_that_it_has_no_arms(run):
    bare = changed(run, arms=[])
    assert "How far training and test are apart" in flat(bare, "gap")
    for kind in ("arms", "levels"):
        assert "No arms: the suite compares no batch sizes." in flat(bare, kind)
    assert tables.headline(bare) == "main"


def test_a_line_of_arms_holds_what_the_frame_holds(run):
    row = run.frame("arms").iloc[0]
    lines = [line for line in text(run, "arms").splitlines() if "constant rate" in line]
    cells = [cell.strip().replace("\\", "") for cell in lines[0].strip("|").split("|")]
    assert cells[0] == "constant rate (primary): Keskar's experiment."
    assert cells[1:3] == ["loss 0.1", "20, 400"]
    assert cells[3] == "{:+.1f} [{:+.1f}, {:+.1f}]".format(*(100 * row[["test", "test_low", "test_high"]]))
    assert cells[4:6] == [f"{row['test_p']:.2g}", "n/a"]
    assert cells[7].startswith(f"{np.exp(row['keskar']):.3g} [")
    assert cells[11:] == ["8/8", "{:.1f}, x{:.3g}".format(
        50 * (row["test_high"] - row["test_low"]), np.exp((row["keskar_high"] - row["keskar_low"]) / 2)
    )]  # fmt: skip


def test_the_primary_contrasts_stand_in_words_with_both_tests(run):
    row = run.frame("arms").iloc[0]
    assert (
        "Primary contrasts, constant rate, training loss 0.1, batches of 20 and 400: test accuracy small minus large "
        f"{-100 * row['test']:+.1f} points [{-100 * row['test_high']:+.1f}, {-100 * row['test_low']:+.1f}], "
        "Student's p <1e-4, sign-flip p 0.0078, 8 pairs; Keskar's metric large over small"
    ) in flat(run, "arms")


def test_what_is_missing_is_counted_beside_every_number_of_pairs(run):
    (line,) = (line for line in text(run, "arms").splitlines() if "| 6/8" in line)
    assert "(1 missing or failed, 1 off the level)" in line
    shown = text(run, "levels")
    assert "6/8 (1 failed, 1 off the level)" in shown
    assert "6/8 (1 failed, 1 not reached)" in shown


def test_levels_compare_every_size_with_the_smallest(run):
    frame = run.frame("arm_differences")
    for size, level, quantity in (("100", 0.3, "test_accuracy"), ("400", 0.1, "hessian_top"), ("400", None, "gap")):
        wanted = frame[
            (frame["arm"] == "equal-updates") & (frame["large"] == int(size)) & (frame["quantity"] == quantity)
        ]
        wanted = wanted[wanted["level"].isna() if level is None else wanted["level"] == level].iloc[0]
        keys = {"arm": "equal-updates", "batch_size": size, "quantity": quantity, "level": str(level or "")}
        (found,) = rows_of(run, "levels", **keys)
        for name in ("estimate", "low", "p_flip"):
            column = {"estimate": "against", "low": "against_low", "p_flip": "against_p"}[name]
            assert float(found[column]) == pytest.approx(wanted[name], rel=1e-9)
        assert found["against_pairs"] == str(wanted["n_pairs"])
        (smallest,) = rows_of(run, "levels", **{**keys, "batch_size": "20"})
        assert smallest["against"] == ""


def test_pairs_that_diverged_are_named_beside_their_number():
    rows = [row | ({"status": "diverged"} if row["seed"] == 3 and row["optimizer"] == "adam" else {})
            for row in arms.rows()]  # fmt: skip
    run = Evidence.of(arms.run(rows))
    for kind in ("arms", "gap"):
        assert "7/8 (1 missing or failed, 1 diverged)" in text(run, kind)


def test_few_pairs_of_keskars_metric_are_named_where_accuracies_have_more(run):
    cells = run.run.runs.query("optimizer == 'sgd' and seed < 3")["cell_id"]
    measures = run.measures.copy()
    measures.loc[measures["cell_id"].isin(cells) & (measures["measure"] == "keskar"), "estimate"] = np.nan
    shown = flat(changed(run, measures=measures), "arms")
    assert "constant at training loss 0.1, Keskar's metric (5 pairs, 0.062 at least)" in shown
    assert "constant at training loss 0.1 (" not in shown


@pytest.mark.parametrize("kind", KINDS)
def test_a_loss_that_is_not_the_cross_entropy_is_named_with_its_unit(run, kind):
    assert "squared" not in flat(run, kind)
    tasks = {label: {**task, "loss": "squared"} for label, task in run.manifest["tasks"].items()}
    assert "Loss: mean of half the squared error, in squared logits." in flat(changed(run, tasks=tasks), kind)
    assert "not comparable" not in flat(changed(run, tasks=tasks), kind)
    some = {**run.manifest["tasks"], (one := arms.label(100, "-long")): tasks[arms.label(100, "-long")]}
    assert (
        f"Loss: mean cross-entropy, in nats (on {one}: mean of half the squared error, in squared logits). Losses, "
        "levels and sharpness of one are not comparable with those of another."
    ) in flat(changed(run, tasks=some), kind)


def test_what_a_reader_must_know_stands_below(run):
    shown = flat(run, "arms")
    for words in (
        "95 %, these tasks, new replicates (data or split, initialization, order)",
        "A run enters a level if its loss there is within 10 % of it, a pair if both runs do.",
        "p, Holm: over both contrasts of all arms at that place",
        "those arms are exploratory",
        "At 8 replicates nothing is ranked.",
        "detectable: half-widths of the intervals of both contrasts",
        "rescaled by 10 so that each computes the same function, have keskar times",
        "Of one batch size, so that there is nothing to compare: warm-1, warm-3, warm-10.",
    ):
        assert words in shown
    assert "this test set" not in shown
    assert "better" not in shown


def test_a_shared_test_set_is_named(run):
    tasks = {label: {**task, "shares_test": True} for label, task in run.manifest["tasks"].items()}
    for kind in KINDS:
        shown = flat(changed(run, tasks=tasks), kind)
        assert "new replicates (data or split, initialization, order), this test set" in shown
        assert "All arms: intervals of test accuracy and gap are for this test set." in shown
    assert "new replicates (initialization, order), this test set" in flat(changed(run, new_data=False), "arms")
    some = {**run.manifest["tasks"], arms.label(100, "-long"): {**tasks[arms.label(100, "-long")]}}
    assert "Arms equal-updates: intervals of test accuracy" in flat(changed(run, tasks=some), "arms")


def test_fewer_than_six_pairs_cannot_come_below_five_percent():
    few = arms.run([row for row in arms.rows() if row["seed"] < 5], seeds={"tune": 0, "report": 5})
    shown = flat(few, "arms")
    assert (
        "Fewer than 6 pairs, with which no sign-flip p below 0.05 is possible: constant at training loss 0.1 (5 "
        in (shown)
    )
    assert "(5 pairs, 0.062 at least)" in shown
    three = arms.run([row for row in arms.rows() if row["seed"] < 3], seeds={"tune": 0, "report": 3})
    assert "At 3 replicates nothing is ranked." in flat(three, "arms")


def test_the_gap_is_laid_out_as_keskars_tables(run):
    header = text(run, "gap").splitlines()
    found = next(line for line in header if line.startswith("| where") or "arm or network" in line)
    assert found.count("small") >= 7
    row = run.frame("arm_differences")
    row = row[(row["arm"] == "constant") & row["level"].isna() & (row["quantity"] == "test_accuracy")].iloc[0]
    (ours,) = rows_of(run, "gap", origin="here", arm="constant", level="")
    assert float(ours["test_accuracy_small_mean"]) == pytest.approx(row["small_mean"])
    assert float(ours["test_accuracy_large_sd"]) == pytest.approx(row["large_sd"])
    assert float(ours["test_accuracy_estimate"]) == pytest.approx(row["estimate"])
    for name, quantity in (("full_5e4", "keskar[eps=0.0005]"), ("random_1e3", "keskar[subspace=100]")):
        frame = run.frame("arm_differences")
        row = frame[(frame["arm"] == "constant") & frame["level"].isna() & (frame["quantity"] == quantity)].iloc[0]
        assert float(ours[f"{name}_small_mean"]) == pytest.approx(row["small_mean"])
        assert float(ours[f"{name}_high"]) == pytest.approx(row["high"])


def test_published_numbers_stand_beside_ours_and_are_marked(run):
    shown = flat(run, "gap")
    assert "published: Tables 2 to 4 of arXiv 1609.04836" in shown
    assert "networks, data and length of training are others than here" in shown
    rows = rows_of(run, "gap", origin="published")
    assert [row["arm"].split(",")[0] for row in rows] == ["F1", "F2", "C1", "C2", "C3", "C4"]
    assert all(row["test_accuracy_low"] == "" for row in rows)


def test_published_numbers_give_the_ratios_and_gaps_of_the_reference():
    """LB/SB ratios at 1e-3 and gaps, as the project's reference has them from the same tables."""
    full = [round(net.full[0][1][0] / net.full[0][0][0]) for net in published.NETWORKS]
    random = [round(net.random[0][1][0] / net.random[0][0][0]) for net in published.NETWORKS]
    assert full == [167, 223, 25, 107, 9, 33]
    assert random == [84, 81, 63, 26, 14, 12]
    gaps = [round(net.test[0][0] - net.test[1][0], 2) for net in published.NETWORKS]
    assert gaps == [0.22, 4.57, 2.78, 1.98, 3.13, 5.27]


def test_what_was_not_measured_is_named(run):
    bare = changed(run, measures=run.measures.iloc[:0])
    assert "Not measured in this run: Keskar's metric and top eigenvalue." in flat(bare, "arms")
    assert "Sharpness that was not measured here: full space, eps 1e-3; full space, eps 5e-4" in flat(bare, "gap")
    assert "Keskar's metric has no number" in flat(bare, "arms")


@pytest.mark.parametrize("folder", readme.committed_runs("large-batch"), ids=lambda folder: folder.name)
def test_committed_tables_are_those_of_the_committed_rows(folder):
    run = Evidence.of(store.load(folder))
    forms = {ending: form for form, ending in EXTENSIONS.items()}
    for path in sorted((folder / "tables").iterdir()):
        assert path.read_bytes().decode() == text(run, path.stem, forms[path.suffix[1:]]), path.name


def test_a_run_that_has_only_begun_has_tables(run):
    begun = changed(run, run.run.runs.iloc[:0], run.measures.iloc[:0])
    assert "No two batch sizes of an arm have runs yet." in flat(begun, "arms")
    assert "No two batch sizes of an arm have runs yet." in flat(begun, "gap")
    assert "INCOMPLETE 0/80" in flat(begun, "levels")
    assert all(row["n_runs"] == 0 for row in json.loads(text(begun, "levels", "json"))["rows"])


def test_sentences_for_the_page_hold_what_the_frame_holds(run):
    """One item for each arm, with both places, intervals, tests, and the word that the interval allows."""
    found = " ".join(batch_sizes.findings([run.run]).split())
    row = run.frame("arms").iloc[0]
    assert (
        "- **constant rate.** *Keskar's experiment.* At a training loss of 0.1, batches of 20 and 400, 8 of 8 pairs: "
        f"test accuracy small minus large {-100 * row['test']:+.2f} points [{-100 * row['test_high']:+.2f}, "
        f"{-100 * row['test_low']:+.2f}], higher with the small batch (primary, sign-flip p 0.0078); Keskar's metric "
        f"large over small {np.exp(row['keskar']):.3g} ["
    ) in found
    assert found.count("- **Adam.**") == 1
    assert "6 of 8 pairs (1 missing or failed, 1 off the level)" in found
    assert "larger with the large batch, not after correction (exploratory, Holm's p 0.062)" in found
    assert found.count("Spearman's rank correlation over") == 2
    assert "- **Placebo.** Rescaled by 10, 16 networks" in found


def test_an_interval_that_holds_0_shows_no_difference(run):
    equal = [row for row in arms.rows() if row["optimizer"] == "sgd"]
    for row in equal:
        up = (row["task"] == arms.label(400)) == bool(row["seed"] % 2)
        row["level_test_accuracy"] = np.full(3, 0.81 if up else 0.8)
    found = " ".join(batch_sizes.findings([arms.run(equal)]).split())
    assert "no difference is shown (primary, sign-flip p" in found
    assert batch_sizes.findings([]) == batch_sizes.NOTHING
