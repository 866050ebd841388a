"""Suites of coins, planned, described and executed."""
