"""The rows of a suite of coins."""

from optbench.records.row import CELL_ID, CONFIGURATION, OUTCOME
from optbench.records.schema import Column, Schema

IDENTITY = 1

ROWS = Schema(
    name="coins",
    columns=CELL_ID
    | {"coin": Column("string", "label of the coin")}
    | CONFIGURATION
    | OUTCOME
    | {"heads": Column("float64", "share of tosses that showed heads")},
    order=("coin", "optimizer"),
)
