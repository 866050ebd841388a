"""A small suite of studies that has every method, and what runs it."""

from __future__ import annotations

import optbench as ob
from optbench.runner.kinds.studies.kind import Studies
from optbench.suite.parse import parse

NET = 'data = "mnist1d"\nmodel = "mlp"\noptimizer = "adam"\nn_train = 120\nn_test = 60\nbatch_size = 20\nepochs = 2\n'
SUITE = f"""
name = "little"
version = 1
question = "Does every method run?"
seeds = 2

[[studies]]
name = "cv"
method = "cross_validation"
{NET}folds = 3
grid = {{ lr = [1e-4, 1e-2], penalty = [0.0, 0.1] }}

[[studies]]
name = "bag"
method = "bootstrap"
{NET}members = 3

[[studies]]
name = "boost"
method = "boosting"
{NET}rounds = 3

[[studies]]
name = "bv"
method = "bias_variance"
{NET}members = 3
factor = {{ batch_size = [10, 30] }}

[[studies]]
name = "poly"
method = "regression"
truth = [0.0, 1.0, -2.0]
noise = 0.5
n_train = 12
factor = {{ degree = [1, 4] }}
members = 4

[[studies]]
name = "learn"
method = "curve"
{NET}factor = {{ n_train = [40, 120] }}

[[studies]]
name = "wide"
method = "bias_variance"
{NET}members = 3
sets = "same"
factor = {{ width = [0.5, 1.0] }}
"""


def run_in(folder, text=SUITE, **options):
    path = folder / "little.toml"
    path.write_text(text)
    return ob.run(path, out=folder / "results", **options)


def group_of(name, text=SUITE):
    planned = Studies(parse(text, source="s"), {})
    return next(group for group in planned.plan.groups if group.study.name == name)
