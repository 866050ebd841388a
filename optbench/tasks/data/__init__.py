"""Data sets of small images: what there is, where the files lie, and how rows are split.

    from optbench.tasks import data

    digits = data.load("digits")                      # embedded in scikit-learn: works anywhere
    rows = data.split(digits, seed=0)                 # rows of training, validation and test
    pairs = data.folds(digits, k=5, seed=0)           # cross-validation that never touches the test rows

Nothing here downloads, except ``fetch``, which the command ``optbench data fetch NAME`` calls.
"""

from __future__ import annotations

from optbench.tasks.data.dataset import Dataset
from optbench.tasks.data.fetching import fetch
from optbench.tasks.data.loading import load
from optbench.tasks.data.registry import SETS
from optbench.tasks.data.splitting import Parts, folds, split

__all__ = ["SETS", "Dataset", "Parts", "fetch", "folds", "load", "split"]
