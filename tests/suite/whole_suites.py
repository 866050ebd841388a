"""Suites that set every key, as TOML has them: one of functions, and of networks one with tasks and two with arms."""

from __future__ import annotations

from typing import Any

LANDSCAPES: dict[str, Any] = {
    "name": "a",
    "version": 1,
    "question": "q",
    "measures": [{"name": "value", "label": "v"}],
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
    "measures": [{"name": "value", "label": "v"}],
    "grid": {"lr": {"low": 1e-3, "high": 1.0, "points": 3}},
    "optimizers": [
        {
            "name": "momentum",
            "hyper": {"beta": 0.8},
            "search": {"lr": {"low": 1e-3, "high": 1.0, "scale": "log"}},
        },
        {"name": "sgd"},
    ],
    "tasks": [
        {"data": "digits", "model": "mlp", "regularization": {"penalty": 0.1}},
        {"data": "digits", "model": "mlp"},
        {"data": "mnist1d", "model": "conv1d", "batch_size": 64, "epochs": 4, "early_stopping": False},
        {"data": "mnist1d", "model": "linear", "warm_start": {"batch_size": 8, "epochs": 2}},
    ],
    "seeds": {"tune": 2, "report": 3},
    "levels": [1.0, 0.1],
    "quick": {
        "epochs": 2,
        "seeds": {"tune": 1, "report": 2},
        "trials": 3,
        "points": 2,
        "optimizers": ["sgd"],
        "tasks": ["mnist1d"],
    },
    "contrasts": [
        {
            "name": "c",
            "claim": "A penalty helps SGD.",
            "refuted_by": "It does not.",
            "left": {"optimizer": "sgd", "task": "digits-mlp+penalty=0.1"},
            "right": {"optimizer": "sgd", "task": "digits-mlp"},
            "tasks": "digits*",
        }
    ],
}

ARMS: dict[str, Any] = {
    "name": "a",
    "version": 1,
    "question": "q",
    "tuning": "default",
    "levels": [1.0, 0.1],
    "primary_level": 0.1,
    "seeds": {"tune": 0, "report": 3},
    "ladder": {
        "data": "mnist1d",
        "model": "mlp",
        "n_train": 1000,
        "n_test": 500,
        "loss": "squared",
        "regularization": {"penalty": 0.1},
        "optimizer": "sgd",
        "hyper": {"lr": 0.1},
        "batch_size": [10, 100],
        "epochs": 5,
        "updates": "equal",
        "scale": "sqrt",
        "warm_start": {"batch_size": 10, "epochs": 2},
    },
    "arms": [{"name": "one", "title": "One", "says": "It is one.", "is_primary": True}, {"name": "two", "epochs": 4}],
    "quick": {"arms": ["o*"], "batch_size": [20, 50], "epochs": 3, "levels": [1.0, 0.1]},
}
#: A ladder whose rates are tuned.
TUNED: dict[str, Any] = {
    "name": "a",
    "version": 1,
    "question": "q",
    "seeds": {"tune": 2, "report": 3},
    "ladder": {
        "data": "digits",
        "model": "linear",
        "optimizer": "sgd",
        "batch_size": [10, 100],
        "epochs": 5,
        "sweep": {"lr": {"low": 1e-3, "high": 1.0, "points": 4}},
    },
    "arms": [{"name": "one"}],
}
