"""Each key of a suite file changes what is run, or its words alone, or is refused: none is accepted and ignored."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from optbench.errors import UsageError
from optbench.records import Split
from optbench.suite import contrast, model, networks, spec
from optbench.suite.network_plan import plan_networks
from optbench.suite.parse import parse
from optbench.suite.plan import plan

LANDSCAPES: dict[str, Any] = {
    "name": "a",
    "version": 1,
    "question": "q",
    "budget": 50,
    "starts": {"tune": 2, "report": 3},
    "noise_seeds": 2,
    "snapshots": [10, 20],
    "grid": {"lr": {"low": 1e-3, "high": 1.0, "points": 4}},
    "optimizers": [
        {
            "name": "momentum",
            "hyper": {"beta": 0.8},
            "search": {"lr": {"low": 1e-3, "high": 1.0, "scale": "log"}},
        },
        {"name": "sgd"},
        {"name": "adam"},
    ],
    "problems": [
        {"name": "ellipsoid", "dim": 3, "instance": 1, "rotated": True, "parameters": {"condition": 100.0}},
        {"name": "two_wells", "noise": {"kind": "gaussian", "level": 0.5}},
        {"name": "two_wells", "noise": {"kind": "gaussian", "level": 1.0}},
    ],
    "quick": {
        "budget": 20,
        "starts": {"tune": 1, "report": 2},
        "noise_seeds": 1,
        "trials": 3,
        "points": 2,
        "optimizers": ["sgd", "adam"],
        "problems": ["two_wells*"],
    },
    "contrasts": [
        {
            "name": "c",
            "claim": "Adam is ahead of SGD.",
            "refuted_by": "SGD is as fast.",
            "left": {"optimizer": "adam"},
            "right": {"optimizer": "sgd"},
            "problems": "two_wells*",
        }
    ],
}
NETWORKS: dict[str, Any] = {
    "name": "a",
    "version": 1,
    "question": "q",
    "grid": {"lr": {"low": 1e-3, "high": 1.0, "points": 3}},
    "optimizers": [
        {"name": "momentum", "hyper": {"beta": 0.8}},
        {"name": "sgd", "sweep": {"lr": {"low": 1e-2, "high": 1.0, "points": 3}}},
    ],
    "tasks": [
        {"data": "digits", "model": "mlp", "regularization": {"penalty": 0.1}},
        {"data": "mnist1d", "model": "conv1d", "batch_size": 64, "epochs": 4, "early_stopping": False},
    ],
    "seeds": {"tune": 2, "report": 3},
    "quick": {
        "epochs": 2,
        "seeds": {"tune": 1, "report": 2},
        "points": 2,
        "optimizers": ["sgd"],
        "tasks": ["mnist1d"],
    },
}

#: Another value for every field of every table: where it stands, and what it becomes.
OTHER_LANDSCAPES: dict[str, tuple[type[model.Model], str, object]] = {
    "name": (spec.SuiteSpec, "name", "b"),
    "version": (spec.SuiteSpec, "version", 2),
    "question": (spec.SuiteSpec, "question", "r"),
    "units": (spec.SuiteSpec, "units", "raw"),
    "budget": (spec.SuiteSpec, "budget", 60),
    "seed": (spec.SuiteSpec, "seed", 1),
    "starts": (spec.SuiteSpec, "starts", {"tune": 3, "report": 3}),
    "starts.tune": (model.Starts, "tune", 3),
    "starts.report": (model.Starts, "report", 4),
    "noise_seeds": (spec.SuiteSpec, "noise_seeds", 3),
    "tuning": (spec.SuiteSpec, "tuning", "random"),
    "trials": (spec.SuiteSpec, "trials", 5),
    "shift_decades": (spec.SuiteSpec, "shift_decades", 1.0),
    "grid": (spec.SuiteSpec, "grid", {"lr": {"low": 1e-2, "high": 1.0, "points": 4}}),
    "grid.lr.low": (model.Grid, "low", 1e-2),
    "grid.lr.high": (model.Grid, "high", 10.0),
    "grid.lr.points": (model.Grid, "points", 3),
    "snapshots": (spec.SuiteSpec, "snapshots", [10]),
    "table": (spec.SuiteSpec, "table", "ert"),
    "quick": (spec.SuiteSpec, "quick", {"budget": 30}),
    "quick.budget": (model.Quick, "budget", 30),
    "quick.starts": (model.Quick, "starts", {"tune": 1, "report": 3}),
    "quick.noise_seeds": (model.Quick, "noise_seeds", 2),
    "quick.trials": (model.Quick, "trials", 4),
    "quick.points": (model.Quick, "points", 3),
    "quick.optimizers": (model.Quick, "optimizers", ["*"]),
    "quick.problems": (model.Quick, "problems", ["ellipsoid*"]),
    "optimizers": (spec.SuiteSpec, "optimizers", [{"name": "sgd"}, {"name": "adam"}]),
    "optimizers.0.name": (spec.OptimizerSpec, "name", "nag"),
    "optimizers.0.hyper": (spec.OptimizerSpec, "hyper", {"beta": 0.7}),
    "optimizers.0.search": (spec.OptimizerSpec, "search", {"lr": {"low": 1e-2, "high": 1.0}}),
    "optimizers.0.search.lr.low": (model.Range, "low", 1e-2),
    "optimizers.0.search.lr.high": (model.Range, "high", 10.0),
    "optimizers.0.search.lr.scale": (model.Range, "scale", "linear"),
    "optimizers.1.sweep": (spec.OptimizerSpec, "sweep", {"lr": {"low": 1e-3, "high": 1.0, "points": 4}}),
    "problems": (spec.SuiteSpec, "problems", LANDSCAPES["problems"][1:]),
    "problems.0.name": (spec.ProblemSpec, "name", "unit_quadratic"),
    "problems.0.dim": (spec.ProblemSpec, "dim", 4),
    "problems.0.instance": (spec.ProblemSpec, "instance", 2),
    "problems.0.rotated": (spec.ProblemSpec, "rotated", False),
    "problems.0.parameters": (spec.ProblemSpec, "parameters", {"condition": 10.0}),
    "problems.1.noise": (spec.ProblemSpec, "noise", {"kind": "gaussian", "level": 2.0}),
    "problems.1.noise.kind": (spec.NoiseSpec, "kind", "multiplicative"),
    "problems.1.noise.level": (spec.NoiseSpec, "level", 2.0),
    "contrasts": (spec.SuiteSpec, "contrasts", []),
    "contrasts.0.name": (contrast.Contrast, "name", "d"),
    "contrasts.0.claim": (contrast.Contrast, "claim", "Another."),
    "contrasts.0.refuted_by": (contrast.Contrast, "refuted_by", "Another."),
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
    "contrasts.0.margin": (contrast.Contrast, "margin", 0.1),
}
OTHER_NETWORKS: dict[str, tuple[type[model.Model], str, object]] = {
    "name": (networks.NetworkSuite, "name", "b"),
    "version": (networks.NetworkSuite, "version", 2),
    "question": (networks.NetworkSuite, "question", "r"),
    "epochs": (networks.NetworkSuite, "epochs", 31),
    "batch_size": (networks.NetworkSuite, "batch_size", 16),
    "early_stopping": (networks.NetworkSuite, "early_stopping", False),
    "seed": (networks.NetworkSuite, "seed", 1),
    "split_seed": (networks.NetworkSuite, "split_seed", 1),
    "seeds": (networks.NetworkSuite, "seeds", {"tune": 3, "report": 10}),
    "seeds.tune": (networks.Seeds, "tune", 3),
    "seeds.report": (networks.Seeds, "report", 4),
    "tuning": (networks.NetworkSuite, "tuning", "default"),
    "dtype": (networks.NetworkSuite, "dtype", "bfloat16"),
    "grid": (networks.NetworkSuite, "grid", {"lr": {"low": 1e-2, "high": 1.0, "points": 3}}),
    "table": (networks.NetworkSuite, "table", "gap"),
    "quick": (networks.NetworkSuite, "quick", {"epochs": 3}),
    "quick.epochs": (networks.NetworkQuick, "epochs", 3),
    "quick.seeds": (networks.NetworkQuick, "seeds", {"tune": 1, "report": 3}),
    "quick.points": (networks.NetworkQuick, "points", 3),
    "quick.optimizers": (networks.NetworkQuick, "optimizers", ["*"]),
    "quick.tasks": (networks.NetworkQuick, "tasks", ["digits*"]),
    "optimizers": (networks.NetworkSuite, "optimizers", [{"name": "sgd"}, {"name": "momentum"}]),
    "optimizers.0.name": (spec.OptimizerSpec, "name", "nag"),
    "optimizers.0.hyper": (spec.OptimizerSpec, "hyper", {"beta": 0.7}),
    "optimizers.0.search": (spec.OptimizerSpec, "search", {"lr": {"low": 1e-2, "high": 1.0}}),
    "optimizers.1.sweep": (spec.OptimizerSpec, "sweep", {"lr": {"low": 1e-3, "high": 1.0, "points": 3}}),
    "tasks": (networks.NetworkSuite, "tasks", [{"data": "mnist1d", "model": "mlp"}]),
    "tasks.0.data": (networks.TaskSpec, "data", "mnist"),
    "tasks.0.model": (networks.TaskSpec, "model", "linear"),
    "tasks.0.regularization": (networks.TaskSpec, "regularization", {"penalty": 0.2}),
    "tasks.1.early_stopping": (networks.TaskSpec, "early_stopping", True),
    "tasks.1.batch_size": (networks.TaskSpec, "batch_size", 32),
    "tasks.1.epochs": (networks.TaskSpec, "epochs", 5),
    "tasks.0.if_present": (networks.TaskSpec, "if_present", True),
}

#: Words for a reader, and what is shown: they change no run.
WORDS = {"question", "table", "contrasts.0.refuted_by"}
#: Its effect needs data that are not here: tests/e2e/test_networks.py.
WHERE_DATA_ARE_ABSENT = {"tasks.0.if_present"}
#: Refused: networks draw nothing at random.
REFUSED = {"optimizers.0.search"}


def toml(value: object) -> str:
    """Returns a value as TOML writes it inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + "}"
    return f"[{', '.join(map(toml, value))}]" if isinstance(value, list) else json.dumps(value)


def text(content: dict[str, Any]) -> str:
    return "".join(f"{key} = {toml(value)}\n" for key, value in content.items())


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
    suite = parse(text(content), source="s.toml")
    if isinstance(suite, networks.NetworkSuite):
        plans: list[Any] = [plan_networks(suite, quick=quick) for quick in (False, True)]
        groups = [group for planned in plans for group in planned.groups]
        cells = [[*g.cell_ids(Split.TUNE, g.tuned), *g.cell_ids(Split.REPORT, g.reported(0))] for g in groups]
    else:
        plans = [plan(suite, quick=quick) for quick in (False, True)]
        if not any(side.at for entry in suite.contrasts for side in (entry.left, entry.right)):
            plans += [plan(suite, tuning="random"), plan(suite, tuning="random", quick=True)]
        cells = [group.cell_ids() for planned in plans for group in planned.groups]
    return [[planned.spec.hash() for planned in plans], cells]


CASES = [
    pytest.param(content, path, value, id=f"{kind}-{path}")
    for kind, content, others in (("functions", LANDSCAPES, OTHER_LANDSCAPES), ("networks", NETWORKS, OTHER_NETWORKS))
    for path, (_, _, value) in others.items()
]


@pytest.mark.parametrize(("content", "path", "value"), CASES)
def test_another_value_is_another_run_or_is_refused(content, path, value):
    is_of_networks = content is NETWORKS
    if is_of_networks and path in REFUSED:
        with pytest.raises(UsageError, match="draws nothing at random; got ranges for lr"):
            parse(text(changed(content, path, value)), source="s.toml")
        return
    other = changed(content, path, value)
    if path == "contrasts.0.beyond":
        other = changed(other, "contrasts.0.problems", "*gaussian=1")
        content = changed(content, "contrasts.0.problems", "*gaussian=1")
    is_same = runs(other) == runs(content)
    assert is_same == (path in WORDS | WHERE_DATA_ARE_ABSENT)


def tables(suite: type[model.Model]) -> set[type[model.Model]]:
    """Returns a table of a suite file and all tables in it."""
    found = {suite}
    for field in suite.model_fields.values():
        inner: list[Any] = [field.annotation]
        while inner:
            kind = inner.pop()
            inner += getattr(kind, "__args__", ())
            if isinstance(kind, type) and issubclass(kind, model.Model) and kind not in found:
                found |= tables(kind)
    return found


@pytest.mark.parametrize(
    ("suite", "others"),
    [(spec.SuiteSpec, OTHER_LANDSCAPES), (networks.NetworkSuite, OTHER_NETWORKS)],
    ids=["functions", "networks"],
)
def test_every_field_of_every_table_has_its_case(suite, others):
    shared = {model.Grid, model.Range} if suite is networks.NetworkSuite else set()
    due = {(table, name) for table in tables(suite) - shared for name in table.model_fields}
    assert due - {(table, name) for table, name, _ in others.values()} == set()


def faults(content: dict[str, Any]) -> str:
    with pytest.raises(UsageError) as caught:
        parse(text(content), source="s.toml")
    return str(caught.value)


def test_what_nothing_uses_is_refused_with_what_there_is():
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
