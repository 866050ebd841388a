"""Runs on test functions, judged: rows, selection, scores, rankings and what tuning buys."""
