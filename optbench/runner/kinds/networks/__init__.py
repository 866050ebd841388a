"""Suites of networks, planned, described and executed."""
