"""Paths of a stored run: those that it has, and those that the engine computes under its protocol."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from optbench import __version__, catalog
from optbench.analysis.landscapes.evidence import arrange
from optbench.analysis.landscapes.selection import gentle
from optbench.engine.landscapes import pictures
from optbench.engine.landscapes.execute import Engine
from optbench.engine.landscapes.sharing import Pair, fault
from optbench.errors import DataError, UsageError, unknown_name
from optbench.plotting import wishes
from optbench.plotting.wishes import OTHERS, Rate, Start
from optbench.records import Split
from optbench.report import figures
from optbench.report.chosen import chosen, labels_of
from optbench.report.evidence import Evidence
from optbench.report.figures.landscapes import trajectories
from optbench.report.formats import formatting

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: A rate that differs by less from a value of the sweep means that value: tables show two digits.
NEAR = 0.05

#: Columns of rows that say what ran.
COLUMNS = ("problem", "optimizer", "config", "split", "start", "is_default", "swept", "swept_value", "hyper")


class Wanted(NamedTuple):
    """One rule at one configuration on one problem.

    Attributes:
        problem: Label of the problem.
        optimizer: Label of the rule.
        hyper: All numeric hyperparameters.
        swept_value: The value of the swept one.
    """

    problem: str
    optimizer: str
    hyper: dict[str, float]
    swept_value: float


def figures_of_run(
    evidence: Evidence,
    optimizers: Any,
    problems: Any,
    rates: dict[str, list[Rate]],
    starts: list[Start],
) -> list[Figure]:
    """Draws chosen paths of a run.

    Args:
        evidence: The run.
        optimizers: Names, labels or patterns; ``None`` for those that have pictures.
        problems: The same of problems; ``None`` for all of two dimensions.
        rates: Rates by label of the optimizer, ``OTHERS`` for all that are not named.
        starts: Numbers of reported starts, and points.

    Returns:
        One figure a page.

    Raises:
        UsageError: A name, rate or start is not in the run; all at once.
        DataError: It has no function of two variables.
    """
    if "trajectories" not in figures.KINDS[evidence.kind]:
        raise DataError(f"trajectories: a run of {evidence.kind} has none; they are of functions of two variables")
    flat = [
        label
        for label, entry in evidence.manifest.get("problems", {}).items()
        if entry.get("dim") == 2 and entry.get("noise") is None
    ]
    if not flat:
        raise DataError("trajectories: the run has no function of two variables without noise")
    faults: list[str] = []
    stored = evidence.picture("trajectories")
    labels = flat if problems is None else labels_of(evidence, "problems", problems, faults)
    faults += [f"{label}: paths are drawn of functions of two variables" for label in labels if label not in flat]
    if optimizers is not None:
        rules = labels_of(evidence, "optimizers", optimizers, faults)
    else:
        known = evidence.manifest.get("optimizers", {})
        rules = [rule for rule in known if stored is None or rule in set(stored["optimizer"])]
    faults += [unknown_name("optimizer among those drawn", name, rules) for name in rates if name and name not in rules]
    rows = evidence.rows.of(labels, COLUMNS)
    for label in labels:
        reported = rows[(rows["problem"] == label) & (rows["split"] == Split.REPORT)]["start"]
        n_reported = int(reported.max()) + 1 if len(reported) else 0
        bounds = evidence.problem(label)["bounds"]
        faults += [said for s in starts if (said := wishes.place(s, bounds, label, n_reported))]
    if faults:
        raise UsageError(list(dict.fromkeys(faults)))
    wanted = [
        found
        for label in labels
        for rule in rules
        for rate in dict.fromkeys(rates.get(rule) or rates.get(OTHERS) or ["gentle"])
        if (found := _wanted(evidence, rows, stored, label, rule, rate, faults)) is not None
    ]
    if faults:
        raise UsageError(list(dict.fromkeys(faults)))
    # Two words may mean one configuration, such as a default that is of the sweep.
    different = {(one.problem, one.optimizer, one.swept_value): one for one in wanted}
    return _drawn(evidence, list(different.values()), stored, starts)


def _wanted(
    evidence: Evidence,
    rows: pd.DataFrame,
    stored: pd.DataFrame | None,
    label: str,
    rule: str,
    rate: Rate,
    faults: list[str],
) -> Wanted | None:
    """Returns the configuration that a rate means, ``None`` where the run has no rows of the pair."""
    mine = rows[(rows["problem"] == label) & (rows["optimizer"] == rule)].drop_duplicates("config")
    if mine.empty:
        return None
    if rate == "default":
        found = mine[mine["is_default"]]
    elif isinstance(rate, str):
        config = _tuned(evidence, label, rule) if rate == "tuned" else _gentle(evidence, mine, stored, label, rule)
        found = mine[mine["config"] == config]
    else:
        off = (mine["swept_value"] / float(rate) - 1).abs() if rate else mine["swept_value"].abs() + 1
        found = mine[off == off.min()] if off.min() <= NEAR else mine[:0]
    if found.empty:
        tried = ", ".join(map(formatting.rate, sorted(set(mine["swept_value"]))))
        faults.append(
            f"rates: {rule} has no run at {rate if isinstance(rate, str) else format(rate, 'g')}; its "
            f"{mine['swept'].iloc[0]} was {tried}; or say gentle, tuned or default"
        )
        return None
    row = found.iloc[0]
    return Wanted(label, rule, json.loads(row["hyper"]), float(row["swept_value"]))


def _gentle(evidence: Evidence, mine: pd.DataFrame, stored: pd.DataFrame | None, label: str, rule: str) -> int:
    """Returns the number of the configuration of the run's own pictures: of a rule without one, found as theirs is."""
    if stored is not None:
        drawn = stored[(stored["problem"] == label) & (stored["optimizer"] == rule)]["swept_value"]
        same = mine[mine["swept_value"].isin(drawn)]
        if len(same) == 1:
            return int(same["config"].iloc[0])
    tuning = arrange(evidence.rows.of([label]), evidence.manifest, evidence.scoring).tuning.get((label, rule))
    position = None if tuning is None else gentle(tuning)
    return -1 if tuning is None or position is None else int(tuning.sweep.config[position])


def _tuned(evidence: Evidence, label: str, rule: str) -> int:
    """Returns the number of the tuned configuration, or of the default where nothing was tuned."""
    table = evidence.frame("summary")
    here = table[(table["problem"] == label) & (table["optimizer"] == rule)]
    for setting in ("tuned", "default"):
        found = here[here["setting"] == setting]
        if len(found):
            return int(found["config"].iloc[0])
    return -1


def _drawn(
    evidence: Evidence, wanted: Sequence[Wanted], stored: pd.DataFrame | None, starts: list[Start]
) -> list[Figure]:
    """Collects what is stored, computes the rest, and draws."""
    import pandas as pd

    parts, missing = [], []
    for one in wanted:
        found = None if stored is None else _stored(stored, one, starts)
        if found is None:
            missing.append(one)
        else:
            parts.append(found)
    if missing:
        parts.append(_computed(evidence, missing, starts))
    labels = list(dict.fromkeys(one.problem for one in wanted))
    contours = evidence.picture("contours")
    if contours is None or not set(labels) <= set(contours["problem"]):
        contours = pd.DataFrame(pictures.contours([_problem(evidence, label) for label in labels]))
    notes = ["Reported starts were not used for tuning."] if any(isinstance(s, int) for s in starts) else []
    if missing:
        notes.append(f"Paths that the run has not stored were computed by optbench {__version__} for this picture.")
    shown = chosen(evidence, optimizers=dict.fromkeys(one.optimizer for one in wanted), problems=labels)
    return figures.styled(
        lambda: trajectories.pages(
            shown,
            contours,
            pd.concat(parts, ignore_index=True),
            {k: wishes.title(start) for k, start in enumerate(starts)},
            "Paths from the same starts, each at the rate beside its name.",
            notes,
        ),
        evidence.manifest["optimizers"],
    )


def _stored(stored: pd.DataFrame, one: Wanted, starts: list[Start]) -> pd.DataFrame | None:
    """Returns the stored paths of a rule, ``None`` unless all starts are there at its rate."""
    mine = stored[
        (stored["problem"] == one.problem)
        & (stored["optimizer"] == one.optimizer)
        & (stored["swept_value"] == one.swept_value)
    ]
    if not set(starts) <= {int(start) for start in mine["start"]}:
        return None
    places: dict[Any, int] = {start: place for place, start in enumerate(starts)}
    kept = mine[mine["start"].isin(list(places))]
    return kept.assign(start=[places[int(start)] for start in kept["start"]])


def _computed(evidence: Evidence, missing: Sequence[Wanted], starts: list[Start]) -> pd.DataFrame:
    """Has the engine follow paths under the run's own protocol."""
    import numpy as np
    import pandas as pd

    manifest = evidence.manifest
    problems = {label: _problem(evidence, label) for label in dict.fromkeys(one.problem for one in missing)}
    rules = {
        label: catalog.optimizer(str(manifest["optimizers"][label]["name"]))
        for label in dict.fromkeys(one.optimizer for one in missing)
    }
    seed, budget, units = int(manifest["seed"]), int(manifest["budget"]), str(manifest["units"])
    pairs = [Pair(problems[one.problem], rules[one.optimizer]) for one in missing]
    if faults := [said for pair in dict.fromkeys(pairs) if (said := fault(pair))]:
        raise UsageError(faults)
    shots = [
        pictures.Shot(
            problem=pair.problem,
            rule=pair.rule,
            optimizer=one.optimizer,
            hyper={name: one.hyper[name] for name in pair.rule.hyper},
            swept_value=one.swept_value,
            units=units,
            budget=budget,
            seed=seed,
        )
        for one, pair in zip(missing, pairs, strict=True)
    ]
    engine = Engine()
    engine.prepare(pairs)
    points = [
        np.array([pair.problem.starts(seed, Split.REPORT, s)[0] if isinstance(s, int) else s for s in starts])
        for pair in pairs
    ]
    return pd.DataFrame(pictures.trajectories(engine, shots, points))


def _problem(evidence: Evidence, label: str) -> Any:
    """Returns the problem of a label, as the manifest describes it."""
    entry = evidence.problem(label)
    problem = catalog.problem(
        str(entry["name"]),
        dim=int(entry["dim"]),
        instance=int(entry["instance"]),
        rotated=bool(entry["rotated"]),
        **entry["parameters"],
    )
    if not math.isclose(problem.f_star, float(entry["f_star"]), rel_tol=1e-9, abs_tol=1e-12):
        raise UsageError(f"{label}: its definition is no longer that of the run; run the suite again")
    return problem
