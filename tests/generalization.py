"""What the page on generalization says was found: a sentence for each study, from the committed run."""

from __future__ import annotations

import textwrap

from optbench.report.evidence import Evidence
from optbench.report.tables.side_by_side import rows_of
from optbench.report.tables.studies.sheet import three
from optbench.report.tables.studies.summary import where


def points(row, name):
    """Returns a difference of accuracies with its interval, in points."""
    middle, low, high = (100 * row[f"{name}{end}"] for end in ("", "_low", "_high"))
    return f"{middle:+.1f} points [{low:+.1f}, {high:+.1f}]"


def percent(row, name):
    """Returns an accuracy with its interval, in percent."""
    middle, low, high = (100 * row[f"{name}{end}"] for end in ("", "_low", "_high"))
    return f"{middle:.1f} % [{low:.1f}, {high:.1f}]"


def number(row, name):
    """Returns a part of an error with its interval."""
    return f"{three(row[name])} [{three(row[f'{name}_low'])}, {three(row[f'{name}_high'])}]"


def refitted(seen):
    """Yields what cross-validation chose."""
    for row in rows_of(seen, "refits"):
        yield (
            row,
            (
                f"`{row['most_chosen']}` is chosen in {row['chosen']} of {row['n_replicates']} replicates. The refits "
                f"are right on {percent(row, 'test')} of test examples; the validation accuracy of the choice minus "
                "that is "
                f"{points(row, 'optimism')}."
            ),
        )


def gained(seen):
    """Yields what ensembles gain, and whether the interval has 0 inside."""
    said = {
        "above 0": "The interval excludes 0.",
        "below 0": "The interval excludes 0: it is worse.",
        "holds 0": "The interval holds 0: no gain is shown.",
    }
    for row in rows_of(seen, "ensembles"):
        if row["members"] != row["most"] or row["way"] == "vote":
            continue
        how = "bagged" if row["way"] == "average" else "boosted"
        side = where(row["gain_low"], row["gain_high"], row["new_gain_low"], row["new_gain_high"])
        more = said[side.removesuffix(" here")]
        if row["origin"] == "split":
            wide = {"gain": row["gain"], "gain_low": row["new_gain_low"], "gain_high": row["new_gain_high"]}
            ends = points(wide, "gain").split("points ")[1]
            inside = "holds 0" if row["new_gain_low"] <= 0 <= row["new_gain_high"] else "excludes 0 as well"
            more += f" That is for new splits of this file; for new data it is {ends}, which {inside}."
        yield (
            row,
            (
                f"{row['members']} {how} models are right on {percent(row, 'accuracy')} of test examples, one on "
                f"{percent(row, 'single')}: {points(row, 'gain')}, at {row['cost']:.3g} times the gradients. {more}"
            ),
        )


def varied(seen):
    """Yields how the parts of the Brier score change."""
    for row in rows_of(seen, "decomposition_changes"):
        if row["loss"] == "Brier":
            yield (
                row,
                (
                    f"from {row['factor']} {row['first']:g} to {row['last']:g} the Brier score of a model changes by "
                    f"{number(row, 'error')}, its bias² and noise by {number(row, 'bias')}, its variance by "
                    f"{number(row, 'variance')}."
                ),
            )


def regressed(seen):
    """Yields how far a regression is from its closed form."""
    rows = [row for row in rows_of(seen, "decomposition") if row["loss"] == "squared"]
    for name in dict.fromkeys(row["study"] for row in rows):
        own = [row for row in rows if row["study"] == name]
        parts = [(row, part) for row in own for part in ("bias", "variance", "noise")]
        inside = sum(row[f"{part}_low"] <= row[f"closed_{part}"] <= row[f"{part}_high"] for row, part in parts)
        best = min(own, key=lambda row: row["error"])
        ends = [f"{own[place]['factor']} {own[place]['factor_value']:g}" for place in (0, -1)]
        yield (
            best,
            (
                f"the error is least at {best['factor']} {best['factor_value']:g}, {number(best, 'error')}: bias² is "
                f"{three(own[0]['bias'])} at {ends[0]} and {three(own[-1]['bias'])} at {ends[1]}, variance "
                f"{three(own[0]['variance'])} and {three(own[-1]['variance'])}. The closed form lies in {inside} of "
                f"{len(parts)} intervals of 95 %."
            ),
        )


def fitted(seen):
    """Yields the gap at the end of curves."""
    rows = rows_of(seen, "curve_ends")
    for name in dict.fromkeys(row["study"] for row in rows):
        own = [row for row in rows if row["study"] == name]
        last = own[-1]
        said = f"{percent(last, 'train_accuracy')} of training and {percent(last, 'test_accuracy')} of test examples"
        gap = f"a gap of {points(last, 'gap').lstrip('+')}"
        if len(own) > 1:
            first = own[0]
            said = (
                f"with {first['factor']} {first['factor_value']:g} the gap is {points(first, 'gap').lstrip('+')}, with"
            )
            yield last, f"{said} {last['factor_value']:g} it is {points(last, 'gap').lstrip('+')}."
        else:
            learning = [row for row in rows_of(seen, "learning_curves") if row["study"] == name]
            least = min(learning, key=lambda row: row["test_loss_median"])
            end = learning[-1]["test_loss_median"]
            yield (
                last,
                (
                    f"at the end {said} are right, {gap}. The test loss is least after {least['passes']:.3g} passes, "
                    f"{least['test_loss_median']:.2f} nats in the median, and {end:.2f} at the end."
                ),
            )


def found(run):
    """Returns a line for each study, in the suite's order, and where the numbers come from."""
    seen = Evidence.of(run)
    said = {}
    for make in (refitted, gained, varied, regressed, fitted):
        for row, words in make(seen):
            of = ", ".join(part for part in (row["data"], row["model"]) if part)
            label = f"`{row['study']}` ({of})" if of else f"`{row['study']}`"
            said[row["study"]] = f"- {label}: {words}"
    stated = [*run.manifest["studies"]]
    lines = [
        line
        for name in sorted(said, key=stated.index)
        for line in textwrap.wrap(said[name], 120, subsequent_indent="  ", break_on_hyphens=False)
    ]
    note = (
        f"Intervals: 95 %, over {run.manifest['seeds']} replicates, one at a time. {seen.footer.split(' · cost')[0]}."
    )
    return "\n".join([*lines, "", *textwrap.wrap(note, 120), ""])
