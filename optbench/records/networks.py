"""The rows of a suite of networks: one for each training run.

Scores are of weights as tested: no dropout, nothing augmented. One epoch is as many gradients of single examples as the
training part has examples.
"""

from __future__ import annotations

from optbench.records.row import CELL_ID, CONFIGURATION, OUTCOME
from optbench.records.schema import Column, Curves, Schema

#: Ids of cells and of runs are hashed with it. It rises when what is computed changes, never for a new column.
IDENTITY = 2

_CLOCK = "gradients of batches"
_EXAMPLES = "share of examples"
_LOSS = "loss (of cross-entropy: nats)"

#: Curves are stored as they are: their bytes split are 2 to 4% less of a shard and take as long to read and write.
ROWS = Schema(
    name="networks",
    columns=CELL_ID
    | {"task": Column("string", "label of the task, such as digits-lenet or digits-lenet+dropout=0.5")}
    | CONFIGURATION
    | {"seed": Column("int32", "index of the seed within its split: initialization, order and regularization")}
    | OUTCOME
    | {
        "diverged_at": Column("int32", "first point whose training loss is not finite, -1 for none", _CLOCK),
        "grad_evals": Column("int32", "gradients of batches asked for", _CLOCK),
        "sample_grads": Column("int64", "gradients of single examples asked for", "gradients of single examples"),
        "cost": Column("float64", "sample_grads over the examples of the training part", "epochs (passes)"),
        "chosen": Column(
            "int32", "point of the curve whose weights are judged: validation's best, or the last; -1 for none"
        ),
        "train_loss": Column(
            "float64", "mean of the task's loss over all training examples there; null without such a point", _LOSS
        ),
        "train_accuracy": Column("float64", "training examples that are classified right there", _EXAMPLES),
        "validation_loss": Column("float64", "mean of the task's loss over the validation examples there", _LOSS),
        "validation_accuracy": Column("float64", "validation examples that are classified right there", _EXAMPLES),
        "test_loss": Column(
            "float64",
            "mean of the task's loss over the test examples there; null for tune, which never sees them",
            _LOSS,
        ),
        "test_accuracy": Column("float64", "test examples that are classified right there; null for tune", _EXAMPLES),
        "test_right": Column("list<bool>", "whether each test example is classified right there; empty for tune"),
        "curve_grads": Column(
            "list<int32>",
            "when each point was recorded: at curve_steps, or on the grid of levels, and at the budget",
            _CLOCK,
        ),
        "curve_train_loss": Column(
            "list<float32>",
            "mean of the task's loss over the first 10,000 training examples at each point; over all where there are "
            "levels",
            _LOSS,
        ),
        "curve_train_accuracy": Column(
            "list<float32>", "those of them that are classified right at each point", _EXAMPLES
        ),
        "curve_validation_loss": Column(
            "list<float32>", "mean of the task's loss over the validation examples at each point", _LOSS
        ),
        "curve_validation_accuracy": Column(
            "list<float32>", "validation examples that are classified right at each point", _EXAMPLES
        ),
        "curve_grad_norm": Column(
            "list<float32>", "norm of the last batch's gradient; null before the first", "loss per unit of weight"
        ),
        "level": Column(
            "list<float64>", "training losses at which weights are kept; empty where there are none", _LOSS
        ),
        "level_grads": Column(
            "list<int32>",
            "point whose training loss is the first median of three that is below each; -1 where none is",
            _CLOCK,
        ),
        "level_train_loss": Column("list<float64>", "loss of all training examples there; null without a point", _LOSS),
        "level_train_accuracy": Column("list<float64>", "training examples that are classified right there", _EXAMPLES),
        "level_test_loss": Column("list<float64>", "loss of the test examples there; null for tune", _LOSS),
        "level_test_accuracy": Column(
            "list<float64>", "test examples that are classified right there; null for tune", _EXAMPLES
        ),
    },
    order=("task", "optimizer", "split", "config", "seed"),
    curves=Curves(
        {
            name: f"curve_{name}"
            for name in ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "grad_norm")
        },
        clock="grads",
        clock_column="curve_grads",
    ),
)
