"""Runs of studies, judged: what cross-validation, ensembles, retraining and curves found, with intervals."""
