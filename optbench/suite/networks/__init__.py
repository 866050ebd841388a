"""Suites of networks: tasks that are learned, seeds, a budget in epochs."""

from optbench.suite.networks.suite import NetworkSuite

SUITE = NetworkSuite
