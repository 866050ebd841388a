"""Suites of coins: each optimizer bets on coins that are tossed."""

from optbench.suite.coins.suite import CoinSuite

SUITE = CoinSuite
