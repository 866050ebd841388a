"""Columns that the rows of every kind have: which cell a row is of, and how it ended."""

from __future__ import annotations

from optbench.records.schema import Column

CELL_ID = {"cell_id": Column("string", "16 hexadecimal digits, the hash of the cell's content")}

CONFIGURATION = {
    "optimizer": Column("string", "label of the optimizer"),
    "config": Column("int32", "index of the configuration in the optimizer's sweep"),
    "hyper": Column("string", "canonical JSON of all numeric hyperparameters"),
    "swept": Column("string", "name of the swept hyperparameter"),
    "swept_value": Column("float64", "its value"),
    "is_default": Column("bool", "whether this configuration is the optimizer's default"),
    "split": Column("string", "tune or report"),
}

OUTCOME = {
    "status": Column("string", "ok, diverged, error, timeout or oom"),
    "message": Column("string", "what went wrong, empty for ok"),
}
