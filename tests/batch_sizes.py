"""What the page on batch sizes says was measured: sentences made from committed runs, one for each arm."""

from __future__ import annotations

import textwrap

import numpy as np

from optbench.analysis.batch_sizes.arms import labels_of
from optbench.analysis.batch_sizes.quantities import settings_of, titles_of
from optbench.report.evidence import Evidence
from optbench.report.tables.batch_sizes import correlations, factorial, notes
from optbench.report.tables.batch_sizes.arms import ratio
from optbench.report.tables.side_by_side import rows_of

#: What stands where nothing is committed yet.
NOTHING = "No run of these suites is committed yet: `python -m tests.readme` writes what was measured here.\n"


def findings(runs):
    """Returns what was measured, a heading for each run and a sentence for each arm, as Markdown."""
    return "\n".join(_of_run(Evidence.of(run)) for run in runs) if runs else NOTHING


def _of_run(seen):
    rows = rows_of(seen, "arms")
    # NaN, the end of the runs, equals nothing: places are told apart by their names.
    places = list(dict.fromkeys(notes.place(row["level"]) for row in rows))
    lines = [f"### `{seen.manifest['suite']['name']}`: {seen.manifest['suite']['question']}", ""]
    for arm in dict.fromkeys(row["arm"] for row in rows):
        mine = [row for row in rows if row["arm"] == arm]
        lines += _wrapped(f"- **{mine[0]['title']}.** {_says(mine[0])}{' '.join(map(_sentence, mine))}")
    lines += [line for row in rows_of(seen, "arm_placebo") for line in _wrapped(_placebo(row))]
    levels = {notes.place(level): level for level in notes.judged_at(seen)}
    for place in places:
        lines += _wrapped(_factorial(seen, place, levels[place]))
        lines += _wrapped(_correlations(seen, place))
        lines += [line for arm in correlations.by_arm(seen, levels[place])[1:] for line in _nested(*arm)]
    return "\n".join([*lines, "", *_source(seen), ""])


def _where(place):
    """Returns a place to stand after "at"."""
    return "the end" if place.startswith("end") else f"a {place.replace('loss ', 'loss of ')}"


def _says(row):
    return f"*{row['says']}* " if row["says"] else ""


def _sentence(row):
    """Returns one arm at one place: both contrasts with their intervals, and what became of the pairs."""
    where = f"At {_where(notes.place(row['level']))}"
    pairs = " ".join(filter(None, (f"{row['test_n']} of {row['n_planned']} pairs", notes.missing(row))))
    said = f"{where}, batches of {row['small']} and {row['large']}, {pairs}: "
    if np.isnan(row["test_low"]):
        return f"{said}no two pairs to compare."
    low, middle, high = (-100 * row[f"test{end}"] for end in ("_high", "", "_low"))
    said += f"test accuracy small minus large {middle:+.2f} points [{low:+.2f}, {high:+.2f}], "
    said += _word(row, "test", low, high, "higher")
    if not np.isnan(row["keskar_low"]):
        low, middle, high = (row[f"keskar{end}"] for end in ("_low", "", "_high"))
        said += f"; Keskar's metric large over small {ratio(middle)} [{ratio(low)}, {ratio(high)}], "
        said += _word(row, "keskar", -high, -low, "larger")
    return f"{said}."


def _word(row, name, low, high, more):
    """Returns on which side of 0 the interval of small minus large lies, and what the test says."""
    side = "small" if low > 0 else "large" if high < 0 else ""
    word = f"{more} with the {side} batch" if side else "no difference is shown"
    holm = row[f"{name}_p_holm"]
    if np.isnan(holm):
        return f"{word} (primary, sign-flip p {notes.p_value(row[f'{name}_p'])})"
    lost = ", not after correction" if side and holm > 0.05 else ""
    return f"{word}{lost} (exploratory, Holm's p {notes.p_value(holm)})"


def _placebo(row):
    ends = " to ".join(f"{row[end]:.3g}" for end in ("low", "high"))
    return (
        f"- **Placebo.** Rescaled by {row['rescale']:g}, {row['n_runs']} networks that compute what they computed "
        f"before have `{row['of']}` times {row['ratio']:.3g} ({ends}). Their test "
        "accuracies and gaps are the same numbers."
    )


def _factorial(seen, place, level):
    """Returns what rate and batch size do apart, where the arms are a factorial of both; else nothing."""
    rows = factorial.at(seen, level)
    if not rows:
        return ""
    said = (
        f"- **Rate and batch size apart** at {_where(place)}, {rows[0]['n_rates']} rates by {rows[0]['n_sizes']} batch "
        "sizes; batch: change per doubling of the batch size at a fixed rate; rate: of the rate at a fixed batch size; "
        "both: of both at a fixed ratio, 0 if the ratio alone counts"
    )
    return " ".join([f"{said}.", *(f"{_told(seen, row)}." for row in rows)])


def _told(seen, row):
    """Returns the slopes of one outcome, and whether the ratio may be all that counts."""
    title = factorial.TITLES[row["outcome"]]
    name = title[:1].upper() + title[1:]
    unit = "in points" if row["outcome"] in factorial.SHARES else "in log2"
    said = f"{name}, {unit}: {factorial.changes(seen, row)}"
    if np.isnan(row["both_low"]):
        return said
    moves = row["both_low"] > 0 or row["both_high"] < 0
    return f"{said}, {'it changes at a fixed ratio' if moves else 'no change at a fixed ratio is shown'}"


def _correlations(seen, place):
    rows = [row for row in rows_of(seen, "arm_correlations") if notes.place(row["level"]) == place and not row["arm"]]
    if not rows:
        return ""
    # The metric of the sentences above has its name there.
    keskar = labels_of(settings_of(seen.measures))["keskar"]
    known = {**titles_of(seen.measures, seen.manifest), keskar: correlations.TITLES["keskar"]}
    parts = [f"{known[row['measure']]} {correlations.rho(row)}" for row in rows]
    n = max(int(row["n_runs"]) for row in rows)
    of = " of all arms" if len(seen.manifest["arms"]) > 1 else ""
    said = f"- **Sharpness and the gap** at {_where(place)}, Spearman's rank correlation over {n} networks{of}"
    return f"{said}: {', '.join(parts)}."


def _nested(title, said):
    return _wrapped(f"  - {title}: {said}.", indent="    ")


def _wrapped(text, indent="  "):
    return textwrap.wrap(text, 120, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


def _source(seen):
    return _wrapped(f"Brackets: {notes.intervals(seen)}. {seen.footer.split(' · cost')[0]}.", indent="")
