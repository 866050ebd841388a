"""Each key of a suite file changes what is run, or its words alone, or is refused: none is accepted and ignored."""

from __future__ import annotations

import copy
import importlib
import json
from typing import Any

import pytest

from optbench.errors import UsageError
from optbench.records import Split
from optbench.suite import claim, measure, model, optimizer, suite
from optbench.suite.landscapes import contrast, problem
from optbench.suite.landscapes import suite as landscapes
from optbench.suite.networks import arm, ladder, task
from optbench.suite.networks import contrast as of_networks
from optbench.suite.networks import suite as networks
from optbench.suite.parse import parse
from tests.suite.whole_suites import ARMS, LANDSCAPES, NETWORKS, TUNED
from tests.toy_measures import toys

__all__ = ["toys"]

#: Another value for every field of every table: where it stands, and what it becomes. First what both kinds share.
SHARED: dict[str, tuple[type[model.Model], str, object]] = {
    "name": (suite.Suite, "name", "b"),
    "version": (suite.Suite, "version", 2),
    "question": (suite.Suite, "question", "r"),
    "seed": (suite.Suite, "seed", 1),
    "tuning": (suite.Suite, "tuning", "random"),
    "trials": (suite.Suite, "trials", 5),
    "shift_decades": (suite.Suite, "shift_decades", 1.0),
    "grid": (suite.Suite, "grid", {"lr": {"low": 1e-2, "high": 1.0, "points": 3}}),
    "grid.lr.low": (model.Grid, "low", 1e-2),
    "grid.lr.high": (model.Grid, "high", 10.0),
    "grid.lr.points": (model.Grid, "points", 5),
    "quick.trials": (suite.Quick, "trials", 4),
    "quick.points": (suite.Quick, "points", 3),
    "quick.optimizers": (suite.Quick, "optimizers", ["*"]),
    "optimizers": (suite.Suite, "optimizers", [{"name": "sgd"}, {"name": "adam"}]),
    "optimizers.0.name": (optimizer.OptimizerSpec, "name", "nag"),
    "optimizers.0.hyper": (optimizer.OptimizerSpec, "hyper", {"beta": 0.7}),
    "optimizers.0.search": (optimizer.OptimizerSpec, "search", {"lr": {"low": 1e-2, "high": 1.0}}),
    "optimizers.0.search.lr.low": (model.Range, "low", 1e-2),
    "optimizers.0.search.lr.high": (model.Range, "high", 10.0),
    "optimizers.0.search.lr.scale": (model.Range, "scale", "linear"),
    "measures": (suite.Suite, "measures", ["value"]),
    "measures.0.name": (measure.MeasureSpec, "name", "value_together"),
    "measures.0.label": (measure.MeasureSpec, "label", "w"),
    "measures.0.dtype": (measure.MeasureSpec, "dtype", "float32"),
    "measures.0.shift": (measure.MeasureSpec, "settings", 0.5),
    "measures.0.other": (measure.MeasureSpec, "other", "optimizer=adam"),
    "quick.measures": (suite.Quick, "measures", []),
    "contrasts": (suite.Suite, "contrasts", []),
    "contrasts.0.name": (claim.Claim, "name", "d"),
    "contrasts.0.claim": (claim.Claim, "claim", "Another."),
    "contrasts.0.refuted_by": (claim.Claim, "refuted_by", "Another."),
    "contrasts.0.margin": (claim.Claim, "margin", 0.1),
}
OTHER_LANDSCAPES: dict[str, tuple[type[model.Model], str, object]] = {
    "units": (landscapes.LandscapeSuite, "units", "raw"),
    "budget": (landscapes.LandscapeSuite, "budget", 60),
    "starts": (landscapes.LandscapeSuite, "starts", {"tune": 3, "report": 3}),
    "starts.tune": (landscapes.Starts, "tune", 3),
    "starts.report": (landscapes.Starts, "report", 4),
    "noise_seeds": (landscapes.LandscapeSuite, "noise_seeds", 3),
    "snapshots": (landscapes.LandscapeSuite, "snapshots", [10]),
    "table": (landscapes.LandscapeSuite, "table", "ert"),
    "quick": (landscapes.LandscapeSuite, "quick", {"budget": 30}),
    "quick.budget": (landscapes.LandscapeQuick, "budget", 30),
    "quick.starts": (landscapes.LandscapeQuick, "starts", {"tune": 1, "report": 3}),
    "quick.noise_seeds": (landscapes.LandscapeQuick, "noise_seeds", 2),
    "quick.problems": (landscapes.LandscapeQuick, "problems", ["ellipsoid*"]),
    "optimizers.1.sweep": (optimizer.OptimizerSpec, "sweep", {"lr": {"low": 1e-3, "high": 1.0, "points": 4}}),
    "problems": (landscapes.LandscapeSuite, "problems", LANDSCAPES["problems"][1:]),
    "problems.0.name": (problem.ProblemSpec, "name", "unit_quadratic"),
    "problems.0.dim": (problem.ProblemSpec, "dim", 4),
    "problems.0.instance": (problem.ProblemSpec, "instance", 2),
    "problems.0.rotated": (problem.ProblemSpec, "rotated", False),
    "problems.0.parameters": (problem.ProblemSpec, "parameters", {"condition": 10.0}),
    "problems.1.noise": (problem.ProblemSpec, "noise", {"kind": "gaussian", "level": 2.0}),
    "problems.1.noise.kind": (problem.NoiseSpec, "kind", "multiplicative"),
    "problems.1.noise.level": (problem.NoiseSpec, "level", 2.0),
    "contrasts.0.left": (contrast.Contrast, "left", {"optimizer": "m*"}),
    "contrasts.0.left.optimizer": (contrast.Side, "optimizer", "m*"),
    "contrasts.0.left.setting": (contrast.Side, "setting", "default"),
    "contrasts.0.left.at": (contrast.Side, "at", 0.01),
    "contrasts.0.right": (contrast.Contrast, "right", {"optimizer": "m*"}),
    "contrasts.0.problems": (contrast.Contrast, "problems", "*gaussian=1"),
    "contrasts.0.beyond": (contrast.Contrast, "beyond", "*gaussian=0.5"),
    "contrasts.0.groups": (contrast.Contrast, "groups", {"mild": "*gaussian=0.5"}),
    "contrasts.0.measure": (contrast.Contrast, "measure", "reach"),
    "contrasts.0.over": (contrast.Contrast, "over", "worst"),
}
OTHER_NETWORKS: dict[str, tuple[type[model.Model], str, object]] = {
    "measures.0.along": (measure.MeasureSpec, "along", True),
    "measures.0.examples": (measure.MeasureSpec, "examples", 100),
    "measures.0.levels": (measure.MeasureSpec, "levels", "all"),
    "measures.0.rescale": (measure.MeasureSpec, "rescale", 4.0),
    "epochs": (networks.NetworkSuite, "epochs", 31),
    "batch_size": (networks.NetworkSuite, "batch_size", 16),
    "early_stopping": (networks.NetworkSuite, "early_stopping", False),
    "split_seed": (networks.NetworkSuite, "split_seed", 1),
    "seeds": (networks.NetworkSuite, "seeds", {"tune": 3, "report": 10}),
    "seeds.tune": (networks.Seeds, "tune", 3),
    "seeds.report": (networks.Seeds, "report", 4),
    "dtype": (networks.NetworkSuite, "dtype", "bfloat16"),
    "levels": (networks.NetworkSuite, "levels", [1.0]),
    "primary_level": (networks.NetworkSuite, "primary_level", 0.1),
    "table": (networks.NetworkSuite, "table", "gap"),
    "quick": (networks.NetworkSuite, "quick", {"epochs": 3}),
    "quick.epochs": (networks.NetworkQuick, "epochs", 3),
    "quick.seeds": (networks.NetworkQuick, "seeds", {"tune": 1, "report": 3}),
    "quick.tasks": (networks.NetworkQuick, "tasks", ["digits*"]),
    "optimizers.1.sweep": (optimizer.OptimizerSpec, "sweep", {"lr": {"low": 1e-3, "high": 1.0, "points": 3}}),
    "tasks": (networks.NetworkSuite, "tasks", [{"data": "mnist1d", "model": "mlp"}]),
    "tasks.0.data": (task.TaskSpec, "data", "mnist"),
    "tasks.0.model": (task.TaskSpec, "model", "linear"),
    "tasks.0.regularization": (task.TaskSpec, "regularization", {"penalty": 0.2}),
    "tasks.2.early_stopping": (task.TaskSpec, "early_stopping", True),
    "tasks.2.batch_size": (task.TaskSpec, "batch_size", 32),
    "tasks.2.epochs": (task.TaskSpec, "epochs", 5),
    "tasks.2.loss": (task.TaskSpec, "loss", "squared"),
    "tasks.2.n_train": (task.TaskSpec, "n_train", 1000),
    "tasks.2.n_test": (task.TaskSpec, "n_test", 500),
    "tasks.2.warm_start": (task.TaskSpec, "warm_start", {"batch_size": 8, "epochs": 2}),
    "tasks.3.warm_start.batch_size": (task.WarmStart, "batch_size", 16),
    "tasks.3.warm_start.epochs": (task.WarmStart, "epochs", 3),
    "quick.levels": (networks.NetworkQuick, "levels", [1.0]),
    "tasks.0.if_present": (task.TaskSpec, "if_present", True),
    "contrasts.0.left": (of_networks.Contrast, "left", {"optimizer": "momentum[beta=0.8]", "task": "digits-mlp+*"}),
    "contrasts.0.left.optimizer": (of_networks.Side, "optimizer", "momentum[beta=0.8]"),
    "contrasts.0.left.setting": (of_networks.Side, "setting", "default"),
    "contrasts.0.left.task": (of_networks.Side, "task", "digits-mlp+*"),
    "contrasts.0.right": (of_networks.Contrast, "right", {"optimizer": "momentum[beta=0.8]"}),
    "contrasts.0.tasks": (of_networks.Contrast, "tasks", "digits-mlp*"),
    "contrasts.0.measure": (of_networks.Contrast, "measure", "gap"),
}
OTHER_ARMS: dict[str, tuple[type[model.Model], str, object]] = {
    "new_data": (networks.NetworkSuite, "new_data", True),
    "arms": (networks.NetworkSuite, "arms", [{"name": "one", "is_primary": True}]),
    "arms.0.name": (arm.Arm, "name", "other"),
    "arms.0.title": (arm.Arm, "title", "Eins"),
    "arms.0.says": (arm.Arm, "says", "Another."),
    "arms.0.is_primary": (arm.Arm, "is_primary", False),
    "ladder": (networks.NetworkSuite, "ladder", {**ARMS["ladder"], "epochs": 6}),
    "ladder.data": (ladder.Ladder, "data", "mnist"),
    "ladder.model": (ladder.Ladder, "model", "linear"),
    "ladder.n_train": (ladder.Ladder, "n_train", 900),
    "ladder.n_test": (ladder.Ladder, "n_test", 600),
    "ladder.loss": (ladder.Ladder, "loss", "cross_entropy"),
    "ladder.regularization": (ladder.Ladder, "regularization", {"penalty": 0.2}),
    "ladder.optimizer": (ladder.Ladder, "optimizer", "momentum"),
    "ladder.hyper": (ladder.Ladder, "hyper", {"lr": 0.2}),
    "ladder.batch_size": (ladder.Ladder, "batch_size", [10, 50]),
    "ladder.epochs": (ladder.Ladder, "epochs", 6),
    "ladder.updates": (ladder.Ladder, "updates", None),
    "ladder.scale": (ladder.Ladder, "scale", "linear"),
    "ladder.warm_start": (ladder.Ladder, "warm_start", {"batch_size": 20, "epochs": 2}),
    "quick.arms": (networks.NetworkQuick, "arms", ["t*"]),
    "quick.batch_size": (networks.NetworkQuick, "batch_size", [20, 100]),
}
OTHER_TUNED: dict[str, tuple[type[model.Model], str, object]] = {
    "ladder.sweep": (ladder.Ladder, "sweep", {"lr": {"low": 1e-3, "high": 1.0, "points": 5}}),
}

#: Words for a reader, what is shown, and what is measured of the points of runs: they change no run.
WORDS = {"question", "table", "contrasts.0.refuted_by", "arms.0.title", "arms.0.says"}
MEASURED = {key for key in SHARED | OTHER_NETWORKS if "measures" in key}
#: Keys of measures that are refused for functions, nothing of which is measured along the path.
OF_NETWORKS = {"along", "examples", "levels", "rescale"}
#: Its effect needs data that are not here: tests/e2e/test_networks.py.
WHERE_DATA_ARE_ABSENT = {"tasks.0.if_present"}


def toml(value: object) -> str:
    """Returns a value as TOML writes it inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(item)}" for key, item in value.items() if item is not None) + "}"
    return f"[{', '.join(map(toml, value))}]" if isinstance(value, list) else json.dumps(value)


def text(content: dict[str, Any]) -> str:
    return "".join(f"{key} = {toml(value)}\n" for key, value in content.items() if value is not None)


def changed(content: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    content = copy.deepcopy(content)
    *way, key = path.split(".")
    place: Any = content
    for step in way:
        place = place[int(step) if isinstance(place, list) else step]
    assert place.get(key) != value
    place[key] = value
    return content


def runs(content: dict[str, Any]) -> list[object]:
    """Returns all that the commands on a suite run: as it is, in its quick size, and tuned in another way."""
    found = parse(text(content), source="s.toml")
    plan = importlib.import_module(f"optbench.suite.{found.KIND}.plan").plan
    plans = [plan(found, quick=quick) for quick in ((False, True) if found.quick else (False,))]
    if getattr(found, "arms", ()):
        return [
            [planned.spec.hash() for planned in plans],
            [ids(group) for planned in plans for group in planned.groups],
        ]
    if not any(getattr(side, "at", None) for entry in found.contrasts for side in (entry.left, entry.right)):
        plans += [plan(found, tuning="random", quick=quick) for quick in (False, True)]
    return [[planned.spec.hash() for planned in plans], [ids(group) for planned in plans for group in planned.groups]]


def ids(group: Any) -> list[str]:
    """Returns the ids of a group's cells, those that the first configuration would have if it is chosen among them."""
    if not hasattr(group, "tuned"):
        return group.cell_ids()
    return [*group.cell_ids(Split.TUNE, group.tuned), *group.cell_ids(Split.REPORT, group.reported(0))]


CASES = [
    pytest.param(content, path, value, id=f"{kind}-{path}")
    for kind, content, others in (("functions", LANDSCAPES, OTHER_LANDSCAPES), ("networks", NETWORKS, OTHER_NETWORKS))
    for path, (_, _, value) in (SHARED | others).items()
] + [
    pytest.param(content, path, value, id=f"arms-{path}")
    for content, others in ((ARMS, OTHER_ARMS), (TUNED, OTHER_TUNED))
    for path, (_, _, value) in others.items()
]


@pytest.mark.parametrize(("content", "path", "value"), CASES)
def test_another_value_is_another_run(content, path, value, toys):
    # A claim about tasks would not fit other tasks.
    content = {**content, "contrasts": []} if path.startswith("tasks") else content
    if path == "measures.0.examples":
        content = changed(content, "measures.0.along", True)
    if path == "measures.0.other":
        content = changed(content, "measures.0.name", "between")
    other = changed(content, path, value)
    if path == "contrasts.0.beyond":
        other = changed(other, "contrasts.0.problems", "*gaussian=1")
        content = changed(content, "contrasts.0.problems", "*gaussian=1")
    is_same = runs(other) == runs(content)
    assert is_same == (path in WORDS | MEASURED | WHERE_DATA_ARE_ABSENT)


def tables(of: type[model.Model]) -> set[type[model.Model]]:
    """Returns a table of a suite file and all tables in it."""
    found = {of}
    for field in of.model_fields.values():
        inner: list[Any] = [field.annotation]
        while inner:
            kind = inner.pop()
            inner += getattr(kind, "__args__", ())
            if isinstance(kind, type) and issubclass(kind, model.Model) and kind not in found:
                found |= tables(kind)
    return found


@pytest.mark.parametrize(
    ("of", "others"),
    [
        (landscapes.LandscapeSuite, OTHER_LANDSCAPES),
        (networks.NetworkSuite, OTHER_NETWORKS | OTHER_ARMS | OTHER_TUNED),
    ],
    ids=["functions", "networks"],
)
def test_every_field_of_every_table_has_its_case(of, others):
    found = [(table, name) for table, name, _ in (SHARED | others).values()]
    for table in tables(of):
        refused = OF_NETWORKS if table is measure.MeasureSpec and of is landscapes.LandscapeSuite else set()
        assert set(table.model_fields) - refused <= {name for other, name in found if issubclass(table, other)}, table


def faults(content: dict[str, Any]) -> str:
    with pytest.raises(UsageError) as caught:
        parse(text(content), source="s.toml")
    return str(caught.value)


def test_what_nothing_uses_is_refused_with_what_there_is(toys):
    grid = {"low": 1e-3, "high": 1.0, "points": 4}
    said = faults(changed(LANDSCAPES, "grid", {"lr": grid, "lrr": grid}))
    assert "grid.lrr: no entry sweeps 'lrr'; the entries sweep lr" in said
    said = faults(
        changed(
            changed(
                LANDSCAPES,
                "optimizers",
                [{"name": "sgd", "sweep": {"lr": grid}}, {"name": "adam", "sweep": {"lr": grid}}],
            ),
            "quick",
            {"budget": 20},
        )
    )
    assert "grid.lr: every entry that sweeps 'lr' has a range of its own in sweep" in said
    plain = changed({**LANDSCAPES, "contrasts": []}, "problems", [{"name": "sphere"}])
    plain["quick"] = {"budget": 20}
    said = faults(plain)
    assert "snapshots: no problem has two wells, so there is nothing to name" in said
    assert "noise_seeds: no problem has noise, so all 2 runs of a start would be one" in said
