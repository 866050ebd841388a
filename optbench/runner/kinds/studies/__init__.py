"""Suites of studies, planned, described and executed."""
