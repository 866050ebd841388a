"""Data of their own for each seed: what is shared then, and what tuning must not see."""

from __future__ import annotations

import pytest

from optbench.errors import UsageError
from optbench.runner import kinds
from optbench.suite.networks.plan import plan
from optbench.suite.parse import parse


def test_tuning_never_sees_what_other_seeds_test_on():
    """A file without a test part is split anew by each seed: most of one's test rows are trained on by another."""
    head = 'name = "s"\nversion = 1\nquestion = "q"\nnew_data = true\noptimizers = [{ name = "sgd" }]\n'
    grid = "grid = { lr = { low = 0.01, high = 1.0, points = 3 } }\n"

    def written(data, tuning="grid"):
        return f'{head}{grid}tuning = "{tuning}"\ntasks = [{{ data = "{data}", model = "linear" }}]\n'

    with pytest.raises(UsageError, match="new_data: each seed would split digits anew, and settings be chosen on exam"):
        parse(written("digits"), source="s")
    for data in ("mnist1d", "mnist"):
        parse(written(data), source="s")
    suite = parse(written("digits", tuning="default"), source="s")
    plan(suite)
    with pytest.raises(UsageError, match="new_data: each seed would split digits anew"):
        plan(suite, tuning="grid")


def test_an_official_test_part_is_shared_by_all_seeds():
    def shares(**values):
        text = "".join(f"{key} = {value}\n" for key, value in values.items())
        head = 'name = "s"\nversion = 1\nquestion = "q"\ntuning = "default"\noptimizers = [{ name = "sgd" }]\n'
        tasks = 'tasks = [{ data = ["digits", "mnist1d", "mnist"], model = "linear" }]\n'
        said = kinds.planned(parse(head + text + tasks, source="s.toml"), {}).manifest()["tasks"]
        return {label.partition("-")[0]: task["shares_test"] for label, task in said.items()}

    assert shares(new_data="true") == {"digits": False, "mnist1d": False, "mnist": True}
    assert shares() == {"digits": True, "mnist1d": True, "mnist": True}
