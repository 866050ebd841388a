"""The rows of a suite of functions: one for each planned cell.

An evaluation is one gradient, or what costs as much. It costs the ``trip_cost`` of its problem: 1, or of a finite sum
the share of the terms in a batch.
"""

from __future__ import annotations

from optbench.records.row import CELL_ID, CONFIGURATION, OUTCOME
from optbench.records.schema import Column, Curves, Schema

#: Ids of cells and of runs are hashed with it. It rises when what is computed changes, never for a new column.
IDENTITY = 3

_CLOCK = "evaluations"
_F = "units of the objective"

ROWS = Schema(
    name="landscapes",
    columns=CELL_ID
    | {"problem": Column("string", "label of the problem, such as rosenbrock-2d-i1")}
    | CONFIGURATION
    | {
        "start": Column("int32", "index of the start within its split"),
        "start_distance": Column(
            "float64", "distance of the start from a saddle's stable manifold; null elsewhere", "units of the box"
        ),
        "noise_seed": Column("int32", "index of the noise of the run; 0 without noise"),
    }
    | OUTCOME
    | {
        "diverged_at": Column("int32", "first bad evaluation, -1 for none", _CLOCK),
        "escaped_at": Column("int32", "first evaluation below f_star or beyond 10 box widths, -1 for none", _CLOCK),
        "f_start": Column("float64", "objective at the start", _F),
        "f_last": Column("float64", "objective at the last good iterate", _F),
        "f_best": Column("float64", "lowest objective of a good iterate", _F),
        "f_tail": Column("float64", "median objective over the last tenth of the budget; inf if diverged", _F),
        "cost": Column(
            "float64",
            "(grad_evals + value_evals + 2 hvps) trip_cost, up to the budget or the first bad step",
            "gradients of the whole function",
        ),
        "grad_evals": Column("int32", "gradients (each with its value) asked for", "gradients"),
        "value_evals": Column("int32", "values alone asked for", "values"),
        "hvps": Column("int32", "Hessian-vector products asked for", "products"),
        "sample_grads": Column(
            "int64",
            "gradients of single terms of a finite sum asked for; 0 where the function is seen whole",
            "gradients of single terms",
        ),
        "hits": Column("list<int32>", "first hit of each of the 51 targets; -1 never, 0 at the start", _CLOCK),
        "settled": Column(
            "list<int32>",
            "first evaluation from which f stays at or below each of the 51 targets to the end of the budget; "
            "-1 never, 0 from the start on",
            _CLOCK,
        ),
        "curve_f": Column(
            "list<float64>",
            "objective at each evaluation of curve_steps; inf from the first bad step on",
            _F,
            splits_bytes=True,
        ),
        "curve_best": Column(
            "list<float64>",
            "best objective so far at the same evaluations, good iterates only",
            _F,
            splits_bytes=True,
        ),
        "wells": Column(
            "list<int32>",
            "well that noise-free gradient flow reaches, from the start and from the judged iterate at each of the "
            "suite's snapshots: 0 sharp, 1 flat, -1 neither; empty without wells or snapshots",
        ),
    },
    order=("problem", "optimizer", "config", "split", "start"),
    curves=Curves({"f": "curve_f", "f_best": "curve_best"}, clock="cost"),
)
