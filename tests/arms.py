"""A run with arms, drawn from formulas: small and large batches that reach the same training losses."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd

from optbench.records.measures import ROWS as MEASURES
from optbench.records.networks import ROWS
from tests import networks

LEVELS = (0.3, 0.1, 0.03)
PRIMARY_LEVEL = 0.1
N_REPLICATES, N_TRAIN = 8, networks.N_TRAIN
LEVEL_COLUMNS = tuple(name for name in ROWS.columns if name.startswith("level"))

#: Name, title, whose objection it tests, whether it is primary, optimizer, batch sizes, end of the task's label.
_ARMS = (
    ("constant", "constant rate", "Keskar's experiment.", True, "sgd", (20, 400), ""),
    ("equal-updates", "equal updates", "Hoffer: the gap is one of updates.", False, "sgd", (20, 100, 400), "-long"),
    ("adam", "Adam", "Keskar's optimizer.", False, "adam", (20, 400), ""),
)
#: Epochs of the warm start of an arm that has the largest batch alone.
WARM = (1, 3, 10)


def _keskar(eps: float, subspace: int) -> dict:
    return {"name": "keskar", "title": "Keskar", "unit": "%", "is_invariant": False,
            "settings": {"eps": eps, "subspace": subspace}}  # fmt: skip


MEASURED = {
    "keskar": _keskar(1e-3, 0),
    "keskar[eps=0.0005]": _keskar(5e-4, 0),
    "keskar[subspace=100]": _keskar(1e-3, 100),
    "keskar[eps=0.0005,subspace=100]": _keskar(5e-4, 100),
    "hessian_top": {"name": "hessian_top", "title": "top eigenvalue", "unit": "", "is_invariant": False,
                    "settings": {"steps": 30}},
    "keskar[rescale=10]": {**_keskar(1e-3, 0), "settings": {"eps": 1e-3, "subspace": 0, "rescale": 10.0}},
}  # fmt: skip


def label(size: int, end: str = "", epochs: int | None = None) -> str:
    """Returns the label of a task."""
    return f"digits-lenet-b{size}{end}" + ("" if epochs is None else f"+warm={epochs}")


def arms() -> list[dict]:
    """Returns the arms as a manifest has them."""
    found = [
        {"name": name, "title": title, "says": says, "is_primary": is_primary,
         "runs": [{"optimizer": rule, "task": label(size, end), "batch_size": size, "setting": "default"}
                  for size in sizes]}
        for name, title, says, is_primary, rule, sizes, end in _ARMS
    ]  # fmt: skip
    return found + [
        {"name": f"warm-{epochs}", "title": f"warm start, {epochs} epochs", "says": "Keskar's Figure 5.",
         "is_primary": False,
         "runs": [{"optimizer": "sgd", "task": label(400, "", epochs), "batch_size": 400, "setting": "default"}]}
        for epochs in WARM
    ]  # fmt: skip


def manifest(**entries) -> dict:
    """Returns the manifest of the run with arms, with other entries in place of its own."""
    base = {**networks.manifest()["tasks"]["digits-lenet"], "shares_test": False, "loss": "cross_entropy",
            "warm_start": None, "early_stopping": False}  # fmt: skip
    tasks = {run["task"]: {**base, "batch_size": run["batch_size"]} for arm in arms() for run in arm["runs"]}
    for epochs in WARM:
        tasks[label(400, "", epochs)]["warm_start"] = {"batch_size": 20, "epochs": epochs}
    given = {"tasks": tasks, "arms": arms(), "levels": list(LEVELS), "primary_level": PRIMARY_LEVEL, "new_data": True,
             "seeds": {"tune": 0, "report": N_REPLICATES}, "tuning": "default", "measures": MEASURED}  # fmt: skip
    return networks.manifest(**{**given, **entries})


def row(run: dict, seed: int, **entries) -> dict:
    """Returns the row of one run: a large batch tests 4 points worse, and takes longer to reach a level."""
    size, rng = run["batch_size"], np.random.Generator(np.random.Philox([seed, run["batch_size"], len(run["task"])]))
    warm = 0.01 * sum(f"+warm={epochs}" in run["task"] for epochs in (3, 10))
    hard = 0.02 * np.random.Generator(np.random.Philox([seed])).standard_normal()
    test = float(np.clip(0.92 - 0.0031 * size**0.43 + warm + hard + 0.01 * rng.standard_normal(), 0, 1))
    right = np.arange(networks.N_TEST) < round(test * networks.N_TEST)
    found = networks.row(
        run["task"], run["optimizer"], networks.DEFAULT, "report", seed, level=0.9, right=right, train_loss=0.02,
        chosen=len(networks.row("t", "sgd", 0, "report", 0)["curve_grads"]) - 1,
    )  # fmt: skip
    found |= {"grad_evals": 140, "sample_grads": 140 * size, "cost": 140 * size / N_TRAIN}
    n = len(LEVELS)
    found |= {
        "level": np.array(LEVELS), "level_grads": np.array([40, 80, 130]),
        "level_train_loss": np.array([level * (0.96 + 0.01 * rng.random()) for level in LEVELS]),
        "level_train_accuracy": np.array([0.9, 0.97, 0.99]), "level_test_loss": np.full(n, 0.5),
        "level_test_accuracy": np.array([test - 0.05, test - 0.02, test]),
    }  # fmt: skip
    return {**found, **entries}


def unreached(found: dict, place: int) -> dict:
    """Returns a row whose run never reached a level."""
    changed = {name: np.array(found[name], dtype=float) for name in LEVEL_COLUMNS[2:]}
    for values in changed.values():
        values[place] = np.nan
    grads = np.array(found["level_grads"])
    grads[place] = -1
    return {**found, **changed, "level_grads": grads}


def frame(rows: list[dict]) -> pd.DataFrame:
    """Returns rows as the store returns them."""
    return pd.DataFrame(rows, columns=list(ROWS.columns))


def rows(n: int = N_REPLICATES) -> list[dict]:
    """Returns all rows: one run of Adam's large batch failed, one never reached the lowest level, one lies far off."""
    runs = {(run["optimizer"], run["task"]): run for arm in arms() for run in arm["runs"]}
    found = [row(run, seed) for run in runs.values() for seed in range(n)]
    for index, one in enumerate(found):
        if (one["optimizer"], one["task"]) == ("adam", label(400)):
            if one["seed"] == 0:
                found[index] = {**networks.row(one["task"], "adam", networks.DEFAULT, "report", 0, status="oom"),
                                **dict.fromkeys(LEVEL_COLUMNS)}  # fmt: skip
            if one["seed"] == 1:
                found[index] = unreached(one, 2)
            if one["seed"] == 2:
                losses = np.array(one["level_train_loss"])
                losses[1] = 0.08
                found[index] = {**one, "level_train_loss": losses}
    return found


def measures_of(runs: pd.DataFrame, measured: dict = MEASURED) -> pd.DataFrame:
    """Returns the measures of each run at each level that it reached and at its end: larger batches are sharper."""
    found = []
    for _, run in runs.iterrows():
        if run["status"] == "oom":
            found += [_measure(run, name, told, "judged", -1, None) for name, told in measured.items()]
            continue
        size = int(run["task"].split("-b")[1].split("-")[0].split("+")[0])
        rng = np.random.Generator(np.random.Philox([int(run["seed"]), size]))
        places = [("level", int(g), k + 1) for k, g in enumerate(run["level_grads"]) if g >= 0]
        for point, evals, k in (*places, ("judged", int(run["curve_grads"][run["chosen"]]), 4)):
            for name, told in measured.items():
                given = told["settings"]
                scale = 1e3 * given.get("eps", 1e-3) * (0.1 if given.get("subspace") else 1.0) * given.get("rescale", 1)
                value = 3 * scale * size**0.5 / k * float(np.exp(0.2 * rng.standard_normal()))
                found.append(_measure(run, name, told, point, evals, value))
    return pd.DataFrame(found, columns=list(MEASURES.columns))


def _measure(run: pd.Series, name: str, told: dict, point: str, evals: int, value: float | None) -> dict:
    return {
        "cell_id": run["cell_id"], "point": point, "evals": evals, "other_cell_id": "", "measure": name,
        "estimate": np.nan if value is None else value, "standard_error": np.nan,
        "settings": json.dumps({"name": told["name"], "dtype": "float64", **told["settings"]}), "details": "{}",
        "grid": np.empty(0), "values": np.empty(0), "status": "no_point" if value is None else "ok", "message": "",
    }  # fmt: skip


def run(given: list[dict] | None = None, **entries) -> SimpleNamespace:
    """Returns the run with arms as ``store.load`` would."""
    runs = frame(rows() if given is None else given)
    counts = runs["status"].value_counts().to_dict()
    facts = manifest(n_cells=len(runs), status_counts=counts)
    return SimpleNamespace(runs=runs, measures=measures_of(runs), manifest=facts | entries, path=None)
