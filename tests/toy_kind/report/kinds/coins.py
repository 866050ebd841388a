"""Runs of coins: their clock, settings and frame."""

from optbench.report.kinds.kind import Presentation

KIND = Presentation(
    costs="cost: tosses",
    settings=("default", "tuned"),
    entry="coin",
    reads_in_parts=False,
    frames=lambda evidence, name: {name: evidence.run.runs[["coin", "optimizer", "heads"]]},
    lacks_settling_times=None,
    criterion=lambda evidence: "",
)
