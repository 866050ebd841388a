"""A small valid suite as text, to be broken in one place at a time."""

from __future__ import annotations

import pytest

from optbench.suite.landscapes.suite import LandscapeSuite
from optbench.suite.parse import load, parse
from optbench.suite.source import shipped

#: Shipped suites of test functions; the others are of networks.
OF_FUNCTIONS = tuple(name for name in shipped() if isinstance(load(name).spec, LandscapeSuite))

SMALL = """
name = "small"
version = 1
question = "Does it plan?"
budget = 100
seed = 3
starts = { tune = 2, report = 3 }

[grid]
lr = { low = 1e-3, high = 1.0, points = 4 }

[[optimizers]]
name = "sgd"

[[optimizers]]
name = "adam"
hyper = { b1 = 0.95 }

[[optimizers]]
name = "adadelta"
sweep = { eps = { low = 1e-8, high = 1e-5, points = 4 } }

[[problems]]
name = "rosenbrock"
dim = 2
instance = 1

[[problems]]
name = "ellipsoid"
dim = 10
instance = 1
rotated = true
parameters = { condition = 1e6 }
"""


@pytest.fixture
def small_text() -> str:
    return SMALL


@pytest.fixture
def small() -> LandscapeSuite:
    return parse(SMALL, source="small.toml")
