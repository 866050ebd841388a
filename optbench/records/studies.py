"""The rows of a suite of studies: one for each trained model, whatever its part in a study.

A study is a method: ``cross_validation``, ``bootstrap``, ``boosting``, ``bias_variance``, ``regression`` or ``curve``.
What a model is trained for is its ``role``:

- ``single``: trained on the whole training part;
- ``member``: one of many whose training rows or seeds differ;
- ``fold``: trained without one fold and scored on it; it never sees the test part;
- ``refit``: the chosen configuration, trained on all rows outside of the test part;
- ``round``: trained on rows that were drawn by the weights of one round of boosting.

All models of a network are judged at their last step.
"""

from __future__ import annotations

from enum import StrEnum

from optbench.records.row import CELL_ID, OUTCOME
from optbench.records.schema import Column, Curves, Schema

#: Ids of cells and of runs are hashed with it. It rises when what is computed changes, never for a new column.
IDENTITY = 1

_CLOCK = "gradients of batches"
_EXAMPLES = "share of examples"
_POINTS = "units of x"
_TARGETS = "units of y"


class Role(StrEnum):
    """What a model of a study is trained for."""

    SINGLE = "single"
    MEMBER = "member"
    FOLD = "fold"
    REFIT = "refit"
    ROUND = "round"


ROWS = Schema(
    name="studies",
    columns=CELL_ID
    | {
        "study": Column("string", "name of the study in its suite"),
        "method": Column(
            "string", "cross_validation, bootstrap, boosting, bias_variance, regression or curve: what is studied, how"
        ),
        "data": Column("string", "name of the data set; empty for regression, whose data are made by a formula"),
        "model": Column("string", "name of the model; empty for regression"),
        "optimizer": Column("string", "label of the optimizer; empty for regression"),
        "hyper": Column("string", "canonical JSON of all numeric hyperparameters of the optimizer"),
        "regularization": Column("string", "canonical JSON of what is done against overfitting; {} for nothing"),
        "batch_size": Column("int32", "examples of a batch; 0 for regression", "examples"),
        "epochs": Column("int32", "passes over the rows that are trained on; 0 for regression", "epochs (passes)"),
        "replicate": Column("int32", "index of the replicate, which has a split or data of its own"),
        "role": Column("string", "what the model is trained for: single, member, fold, refit or round"),
        "member": Column("int32", "index of the member or of the round of boosting; -1 for other roles"),
        "fold": Column("int32", "index of the fold that was held out; -1 for other roles"),
        "config": Column(
            "int32",
            "index of the configuration that cross-validation compares; of a refit the chosen one; -1 elsewhere",
        ),
        "factor": Column("string", "name of what is varied, such as width; empty where nothing is"),
        "factor_value": Column("float64", "its value; null where nothing is varied"),
        "vote": Column(
            "float64",
            "weight of the round's vote, log((1 - err)/err) + log(K - 1); 0 of one that failed or is no better than "
            "guessing; null for other roles",
        ),
        "weighted_error": Column(
            "float64",
            "weighted share of the training part that the round's model classifies wrong; null for other roles",
            "share of weight",
        ),
    }
    | OUTCOME
    | {
        "n_train": Column("int32", "rows that the model is trained on, each as often as it was drawn", "examples"),
        "n_params": Column("int64", "trained numbers of the model"),
        "sample_grads": Column("int64", "gradients of single examples asked for", "gradients of single examples"),
        "train_loss": Column(
            "float64",
            "mean loss of the rows that it was trained on: cross-entropy, of regression squared error",
            "nats",
        ),
        "train_accuracy": Column("float64", "those of them that are classified right", _EXAMPLES),
        "validation_loss": Column(
            "float64",
            "mean loss of the rows held out: the fold, or the validation part; null where there are none",
            "nats",
        ),
        "validation_accuracy": Column("float64", "those of them that are classified right", _EXAMPLES),
        "test_loss": Column("float64", "mean loss of the test part; null for fold, which never sees it", "nats"),
        "test_accuracy": Column("float64", "those of them that are classified right; null for fold", _EXAMPLES),
        "test_probabilities": Column(
            "list<float32>",
            "probability of each class for each test example, flat in row-major order; empty for fold and regression",
            splits_bytes=True,
        ),
        "test_labels": Column("list<int32>", "class of each test example; empty for fold and regression"),
        "test_points": Column("list<float64>", "where a regression is tested; empty elsewhere", _POINTS),
        "test_truth": Column("list<float64>", "value without noise there", _TARGETS),
        "test_targets": Column("list<float64>", "value with noise there, drawn anew for each model", _TARGETS),
        "test_predictions": Column("list<float64>", "what the model predicts there", _TARGETS),
        "curve_grads": Column(
            "list<int32>", "when each point was recorded: at curve_steps, and at the budget; only for curve", _CLOCK
        ),
        "curve_train_loss": Column("list<float32>", "mean loss of the training rows at each point", "nats"),
        "curve_train_accuracy": Column("list<float32>", "those classified right at each point", _EXAMPLES),
        "curve_test_loss": Column("list<float32>", "mean loss of the test part at each point", "nats"),
        "curve_test_accuracy": Column("list<float32>", "test examples classified right at each point", _EXAMPLES),
    },
    order=("study", "replicate", "role", "factor_value", "config", "fold", "member"),
    curves=Curves(
        {name: f"curve_{name}" for name in ("train_loss", "train_accuracy", "test_loss", "test_accuracy")},
        clock="grads",
        clock_column="curve_grads",
    ),
)
