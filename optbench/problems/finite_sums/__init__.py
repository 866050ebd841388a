"""Finite sums: f is the mean of many terms, so that a gradient may come from some of them.

Stochastic, mini-batch and batch gradient descent are one rule here, with batches of one term, of some and
of all. ``batches`` draws the index streams; every other module is a shelf of landscapes with ``batch`` and
``n_terms`` (``protocol.md`` section 5).
"""
