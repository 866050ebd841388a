"""What a run leaves behind: statuses, targets, the curve grid and the columns of a row.

Both columns of the house read this page: the engine fills rows, the analysis judges them.
"""

from __future__ import annotations

from enum import StrEnum

#: Of what is written. A new column raises it, so that no run that was stored without one is shown for a new command.
SCHEMA_VERSION = 3
#: Of what can be read: columns that a schema did not have are null.
READABLE_SCHEMAS = (2, 3)
#: What ids of cells and runs of networks are hashed with: their columns have not changed since.
NETWORK_SCHEMA = 2

#: Relative gaps 10^-0.2, 10^-0.4 ... 10^-10; target 51 is the problem's own ``f_solved``.
GAP_TARGETS: tuple[float, ...] = tuple(10.0 ** (-k / 5) for k in range(1, 51))
N_TARGETS = len(GAP_TARGETS) + 1
SOLVED = N_TARGETS - 1

#: ``hits`` entry of a target that the run never met; 0 means that its start already met it.
NEVER = -1

#: A run has escaped below ``f_star - ESCAPE_GAP f_scale`` or beyond ESCAPE_WIDTHS box widths.
ESCAPE_GAP = 1e-9
ESCAPE_WIDTHS = 10.0
#: A run has diverged when not finite, or with a gap above, or a distance beyond, these.
DIVERGE_GAP = 1e6
DIVERGE_WIDTHS = 1e3

#: Where gradient flow ends on a function with two wells: the codes of the column ``wells``.
SHARP, FLAT, NEITHER = 0, 1, -1

#: Tags of problems that are drawn and listed and enter no mean: their ``f_star`` cannot be relied on.
UNRANKED_TAGS = frozenset({"box_only", "unranked"})

#: Longest budget: steps are counted in 32 bits, and every recorder has room for its curve.
MAX_BUDGET = 1_000_000_000

#: At most this many iterates of the last tenth of the budget give ``f_tail``.
TAIL_POINTS = 256


class Status(StrEnum):
    """How a planned cell ended. Whether it *solved* the problem is decided by analysis."""

    OK = "ok"
    DIVERGED = "diverged"
    ERROR = "error"
    TIMEOUT = "timeout"
    OOM = "oom"


class Split(StrEnum):
    """Which purpose a start serves; the two never share a start."""

    TUNE = "tune"
    REPORT = "report"


class Scoring(StrEnum):
    """Which time counts of a target: scores, tuning, shares and running times follow it.

    ``SETTLED``: the first cost from which the objective stays at or below the target to the end of the budget, which
    is what a user gets who takes the last iterate. ``TOUCHED``: the first cost at which it is there once, for those
    who keep the best iterate and pay for its value.
    """

    SETTLED = "settled"
    TOUCHED = "touched"


def curve_steps(budget: int) -> tuple[int, ...]:
    """Returns the costs at which a curve is recorded: one absolute log grid, ten a decade.

    A longer budget extends the grid of a shorter one; it moves no point. The budget itself is
    not a point of the grid unless it falls on it: ``f_last`` holds that value.

    Args:
        budget: Largest cost, in gradient evaluations.

    Returns:
        Strictly increasing costs from 0 on, none above ``budget``.

    Example:
        >>> curve_steps(20)
        (0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20)
    """
    steps = {0}
    k = 0
    while (step := round(10 ** (k / 10))) <= budget:
        steps.add(step)
        k += 1
    return tuple(sorted(steps))


#: Columns of ``runs``: name -> (Parquet type, meaning with unit). One row per planned cell. A trip is one gradient, or
#: what costs as much; it costs ``trip_cost`` of its problem: 1, or of a finite sum the share of the terms in a batch.
RUN_COLUMNS: dict[str, tuple[str, str]] = {
    "cell_id": ("string", "16 hexadecimal digits, the hash of the cell's content"),
    "problem": ("string", "label of the problem, such as rosenbrock-2d-i1"),
    "optimizer": ("string", "label of the optimizer"),
    "config": ("int32", "index of the configuration in the optimizer's sweep"),
    "hyper": ("string", "canonical JSON of all numeric hyperparameters"),
    "swept": ("string", "name of the swept hyperparameter"),
    "swept_value": ("float64", "its value"),
    "is_default": ("bool", "whether this configuration is the optimizer's default"),
    "split": ("string", "tune or report"),
    "start": ("int32", "index of the start within its split"),
    "start_distance": ("float64", "distance of the start from a saddle's stable manifold; null elsewhere"),
    "noise_seed": ("int32", "index of the noise of the run; 0 without noise"),
    "status": ("string", "ok, diverged, error, timeout or oom"),
    "message": ("string", "what went wrong, empty for ok"),
    "diverged_at": ("int32", "first bad trip, -1 for none"),
    "escaped_at": ("int32", "first trip below f_star or beyond 10 box widths, -1 for none"),
    "f_start": ("float64", "objective at the start"),
    "f_last": ("float64", "objective at the last good iterate"),
    "f_best": ("float64", "lowest objective of a good iterate"),
    "f_tail": ("float64", "median objective over the last tenth of the budget; inf if diverged"),
    "cost": ("float64", "(grad_evals + value_evals + 2 hvps) trip_cost, up to the budget or the first bad step"),
    "grad_evals": ("int32", "gradients (each with its value) asked for"),
    "value_evals": ("int32", "values alone asked for"),
    "hvps": ("int32", "Hessian-vector products asked for"),
    "sample_grads": (
        "int64",
        "gradients of single terms of a finite sum asked for; 0 where the function is seen whole",
    ),
    "hits": ("list<int32>", "trip of the first hit of each of the 51 targets; -1 never, 0 at the start"),
    "settled": (
        "list<int32>",
        "trip of the first evaluation from which f stays at or below each of the 51 targets to the end of the budget; "
        "-1 never, 0 from the start on",
    ),
    "curve_f": ("list<float64>", "objective at each trip of curve_steps; inf from the first bad step on"),
    "curve_best": ("list<float64>", "best objective so far at the same trips, good iterates only"),
    "wells": (
        "list<int32>",
        "well that noise-free gradient flow reaches, from the start and from the judged iterate at each of the suite's "
        "snapshots: 0 sharp, 1 flat, -1 neither; empty without wells or snapshots",
    ),
}

#: The order in which rows are read, whatever the order in which shards were written.
ROW_ORDER = ("problem", "optimizer", "config", "split", "start")

#: Most training examples that the points of a network's curve are scored on: of tens of thousands, scoring all at every
#: point would take several times as long as training.
SCORED = 10_000

#: Columns of ``runs`` of a suite of networks. Scores are of weights as tested: no dropout, nothing augmented. One pass
#: is as many gradients of single examples as the training part has examples.
NETWORK_COLUMNS: dict[str, tuple[str, str]] = {
    "cell_id": ("string", "16 hexadecimal digits, the hash of the cell's content"),
    "task": ("string", "label of the task, such as digits-lenet or digits-lenet+dropout=0.5"),
    "optimizer": ("string", "label of the optimizer"),
    "config": ("int32", "index of the configuration in the optimizer's sweep"),
    "hyper": ("string", "canonical JSON of all numeric hyperparameters"),
    "swept": ("string", "name of the swept hyperparameter"),
    "swept_value": ("float64", "its value"),
    "is_default": ("bool", "whether this configuration is the optimizer's default"),
    "split": ("string", "tune or report"),
    "seed": ("int32", "index of the seed within its split: initialization, order and regularization"),
    "status": ("string", "ok, diverged, error, timeout or oom"),
    "message": ("string", "what went wrong, empty for ok"),
    "diverged_at": ("int32", "gradients of batches at the first point whose training loss is not finite, -1 for none"),
    "grad_evals": ("int32", "gradients of batches asked for"),
    "sample_grads": ("int64", "gradients of single examples asked for"),
    "cost": ("float64", "passes: sample_grads over the examples of the training part"),
    "chosen": ("int32", "point of the curve whose weights are judged: validation's best, or the last; -1 for none"),
    "train_loss": ("float64", "mean cross-entropy of all training examples in nats there; null without such a point"),
    "train_accuracy": ("float64", "share of training examples that are classified right there"),
    "validation_loss": ("float64", "the same on validation examples"),
    "validation_accuracy": ("float64", "the same on validation examples"),
    "test_loss": ("float64", "the same on test examples; null for tune, which never sees them"),
    "test_accuracy": ("float64", "the same on test examples; null for tune"),
    "test_right": ("list<bool>", "whether each test example is classified right there; empty for tune"),
    "curve_grads": ("list<int32>", "gradients of batches at each point: those of curve_steps, and the budget"),
    "curve_train_loss": ("list<float32>", "mean cross-entropy on the first 10,000 training examples at each point"),
    "curve_train_accuracy": ("list<float32>", "share of them that are classified right"),
    "curve_validation_loss": ("list<float32>", "the same on validation examples"),
    "curve_validation_accuracy": ("list<float32>", "the same on validation examples"),
    "curve_grad_norm": ("list<float32>", "norm of the last batch's gradient; null before the first"),
}
NETWORK_ROW_ORDER = ("task", "optimizer", "split", "config", "seed")
