"""Suites of functions, planned, described and executed."""
