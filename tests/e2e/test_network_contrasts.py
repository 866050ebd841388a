"""A claim about networks from a suite file to its verdict."""

from __future__ import annotations

import optbench as ob
from optbench.report import tables

SUITE = """
name = "claim"
version = 1
question = "Does a strong penalty hurt?"
epochs = 3
batch_size = 16
tuning = "default"
early_stopping = false
seeds = { tune = 0, report = 10 }
optimizers = [{ name = "adam" }]
tasks = [
    { data = "digits", model = "linear" },
    { data = "digits", model = "linear", regularization = { penalty = 10.0 } },
]

[[contrasts]]
name = "penalty"
claim = "A strong penalty costs accuracy on training examples."
measure = "train"
left = { optimizer = "adam", setting = "default", task = "digits-linear" }
right = { optimizer = "adam", setting = "default", task = "*penalty*" }
"""


def test_a_claim_is_judged_from_its_file_to_its_table(tmp_path):
    (tmp_path / "claim.toml").write_text(SUITE)
    run = ob.run(str(tmp_path / "claim.toml"), out=tmp_path / "results")
    (stated,) = run.manifest["contrasts"]
    assert [tuple(pair) for pair in stated["pairs"]] == [("digits-linear", "digits-linear+penalty=10")]
    assert tables.headline(run) == "contrasts"
    rows = run.runs
    means = rows.groupby("task")["train_accuracy"].mean()
    frame = tables.render(run, "contrasts", "json")
    assert f"{means['digits-linear'] - means['digits-linear+penalty=10']:.6g}"[:6] in frame
    said = tables.render(run, width=140)
    assert "A strong penalty costs accuracy on training examples." in said
    assert "holds" in said
    assert "few seeds" not in said.split("Rows:")[0]
