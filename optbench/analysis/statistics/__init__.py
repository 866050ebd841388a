"""Intervals, simultaneous comparisons and their arrays: statistics that know nothing of optimizers."""
