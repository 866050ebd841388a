"""Rows of a run of studies as they would be stored, made from known worlds: no network is trained.

Answers of networks come from a margin that a model has over the wrong classes: the same for all models of a replicate,
and noise of its own. So members agree where examples are easy, and averages are better than single models.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from optbench.records.studies import ROWS, Role

N_TEST, CLASSES = 60, 4
STUDIES = {
    "choose": {"method": "cross_validation", "grid": {"lr": [0.01, 0.1]}, "folds": 3},
    "bag": {"method": "bootstrap", "members": 5},
    "boost": {"method": "boosting", "rounds": 4},
    "batches": {"method": "bias_variance", "members": 6, "factor": {"batch_size": [8, 64]}, "sets": "subsample"},
    "fit": {
        "method": "regression",
        "members": 12,
        "factor": {"degree": [1, 3, 9]},
        "truth": "sine",
        "noise": 0.3,
        "interval": [-0.5, 0.5],
        "n_train": 20,
        "n_test": 40,
    },
    "learn": {"method": "curve"},
    "sizes": {"method": "curve", "factor": {"n_train": [50, 200]}},
}


def manifest(replicates=4, origin="split", **changes):
    """Returns what a manifest says of such a run."""
    stated = {}
    for name, facts in STUDIES.items():
        own = dict(facts)
        if facts["method"] != "regression":
            own |= {"data": "digits", "model": "small", "optimizer": "sgd", "n_classes": CLASSES}
            own |= {"new_data": origin == "generated", "shares_test": origin == "official"}
        varied = own.get("factor")
        own["factor"] = {"name": next(iter(varied)), "values": next(iter(varied.values()))} if varied else None
        stated[name] = own
    return {
        "kind": "studies",
        "studies": stated,
        "seeds": replicates,
        "run_id": "0123456789abcdef",
        "version": "0.0",
        "suite": {"name": "made", "version": 1},
        "machine": {"device": "cpu", "cores": 2},
        "versions": {"jax": "0.10"},
        "size": "full",
        "state": "finished",
        **changes,
    }


def softmax(logits):
    p = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return p / p.sum(axis=-1, keepdims=True)


class World:
    """One replicate: labels, how hard examples are, and models of a given noise."""

    def __init__(self, replicate, origin):
        shared = 0 if origin == "official" else replicate
        rng = np.random.default_rng([5, shared])
        self.labels = rng.integers(0, CLASSES, N_TEST)
        self.margin = rng.normal(1.0, 1.2, N_TEST)
        self.rng = np.random.default_rng([6, replicate])

    def answers(self, noise, clear=1.0):
        logits = noise * self.rng.normal(size=(N_TEST, CLASSES))
        logits[np.arange(N_TEST), self.labels] += clear * self.margin
        return softmax(logits).astype(np.float32)

    def row(self, noise=1.0, clear=1.0, **columns):
        p = self.answers(noise, clear)
        accuracy = float((p.argmax(axis=1) == self.labels).mean())
        loss = float(-np.log(p[np.arange(N_TEST), self.labels]).mean())
        return {
            "test_probabilities": p.ravel(),
            "test_labels": self.labels.astype(np.int32),
            "test_accuracy": accuracy,
            "test_loss": loss,
            "train_accuracy": min(1.0, accuracy + 0.08),
            "train_loss": 0.6 * loss,
            "validation_accuracy": accuracy,
            "validation_loss": loss,
            **columns,
        }


def runs(replicates=4, origin="split"):
    """Returns the rows."""
    found = []
    for replicate in range(replicates):
        world = World(replicate, origin)
        for name, facts in STUDIES.items():
            keys = {"study": name, "method": facts["method"], "replicate": replicate}
            found += [{**keys, **row} for row in MAKERS[facts["method"]](world, facts, replicate)]
    frame = pd.DataFrame(found)
    for number, row in enumerate(found):
        frame.loc[number, "cell_id"] = f"{number:016x}"
        if row["method"] == "regression":
            frame.loc[number, ["data", "model", "optimizer"]] = ""
    for name, value in DEFAULTS.items():
        frame[name] = frame[name].where(frame[name].notna(), value) if name in frame else value
    for name in ROWS.columns:
        if name not in frame:
            frame[name] = None
    return frame[list(ROWS.columns)]


DEFAULTS = {
    "data": "digits", "model": "small", "optimizer": "sgd", "hyper": '{"lr":0.05}', "regularization": "{}",
    "batch_size": 32, "epochs": 5, "member": -1, "fold": -1, "config": -1, "factor": "", "status": "ok", "message": "",
    "n_train": 200, "n_params": 1000, "sample_grads": 1000,
}  # fmt: skip


def cross_validation(world, facts, replicate):
    best = {}
    for config, lr in enumerate(facts["grid"]["lr"]):
        for fold in range(facts["folds"]):
            row = world.row(0.8 if config else 1.4)
            best.setdefault(config, []).append(row["validation_accuracy"])
            seen = {"test_probabilities": None, "test_labels": None, "test_accuracy": np.nan, "test_loss": np.nan}
            yield {
                **row,
                **seen,
                "role": str(Role.FOLD),
                "fold": fold,
                "config": config,
                "hyper": json.dumps({"lr": lr}),
            }
    config = max(best, key=lambda c: np.mean(best[c]))
    lr = facts["grid"]["lr"][config]
    yield {**world.row(0.8), "role": str(Role.REFIT), "config": config, "hyper": json.dumps({"lr": lr})}


def bootstrap(world, facts, replicate):
    yield {**world.row(1.0), "role": str(Role.SINGLE)}
    for member in range(facts["members"]):
        yield {**world.row(1.2), "role": str(Role.MEMBER), "member": member}


def boosting(world, facts, replicate):
    yield {**world.row(1.0), "role": str(Role.SINGLE)}
    for member in range(facts["rounds"]):
        row = world.row(1.1)
        vote = {"vote": 2.0 - 0.3 * member, "weighted_error": 0.2 + 0.05 * member}
        yield {**row, "role": str(Role.ROUND), "member": member, **vote}


def bias_variance(world, facts, replicate):
    for value in facts["factor"]["batch_size"]:
        for member in range(facts["members"]):
            row = world.row(0.7 if value == 8 else 1.3)
            yield {**row, "role": str(Role.MEMBER), "member": member, "factor": "batch_size", "factor_value": value,
                   "batch_size": value}  # fmt: skip


def regression(world, facts, replicate):
    low, high = facts["interval"]
    x, at = (np.linspace(low, high, facts[n]) for n in ("n_train", "n_test"))
    rng = np.random.default_rng([9, replicate])
    for degree in facts["factor"]["degree"]:
        fit = np.vander(2 * at, degree + 1) @ np.linalg.pinv(np.vander(2 * x, degree + 1))
        for member in range(facts["members"]):
            y = np.sin(2 * np.pi * x) + facts["noise"] * rng.normal(size=len(x))
            truth = np.sin(2 * np.pi * at)
            targets = truth + facts["noise"] * rng.normal(size=len(at))
            yield {
                "role": str(Role.MEMBER), "member": member, "factor": "degree", "factor_value": degree, "n_train": 20,
                "batch_size": 0, "epochs": 0, "test_points": at, "test_truth": truth, "test_targets": targets,
                "test_predictions": fit @ y, "test_loss": float(((fit @ y - targets) ** 2).mean()),
            }  # fmt: skip


def curve(world, facts, replicate):
    name, values = next(iter(facts.get("factor", {"": [None]}).items()))
    for value in values:
        n_train = value or 200
        grads = np.array([1, 3, 10, 30])
        row = world.row(40 / n_train)
        end = {n: row[f"{p}_{n.split('_')[1]}"] for p in ("train", "test") for n in (f"{p}_loss", f"{p}_accuracy")}
        curves = {
            f"curve_{n}": np.linspace(1.4 if n.endswith("loss") else 0.25, last, 4, dtype=np.float32)
            for n, last in end.items()
        }
        yield {**row, "role": str(Role.SINGLE), "factor": name, "factor_value": np.nan if value is None else value,
               "n_train": n_train, "curve_grads": grads, **curves}  # fmt: skip


MAKERS = {
    "cross_validation": cross_validation, "bootstrap": bootstrap, "boosting": boosting,
    "bias_variance": bias_variance, "regression": regression, "curve": curve,
}  # fmt: skip
