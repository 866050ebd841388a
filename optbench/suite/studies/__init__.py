"""Suites of studies: what cross-validation, ensembles and retraining say about how a model generalizes."""

from optbench.suite.studies.suite import StudySuite

SUITE = StudySuite
