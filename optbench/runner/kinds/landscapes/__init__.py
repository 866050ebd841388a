"""Suites of functions, planned, described and executed."""

from collections.abc import Callable

from optbench.runner.kinds.kind import Kind
from optbench.runner.kinds.landscapes.kind import Landscapes
from optbench.suite.selection import Selection
from optbench.suite.suite import Suite

KIND: Callable[[Suite, Selection], Kind] = Landscapes
