"""What was found of a model, as a row of ``records.studies``."""

from __future__ import annotations

from typing import Any

import numpy as np

from optbench.core.keys import canonical
from optbench.engine.outcomes import without_nan
from optbench.engine.retraining.members import Member, Retrained
from optbench.records import Status
from optbench.records.studies import ROWS, Role
from optbench.runner.kinds.studies.replicate import Replicate
from optbench.suite.studies.plan import Cell
from optbench.suite.studies.setting import Setting

Row = dict[str, Any]

#: Columns of lists, which are empty where there is nothing to say.
_LISTS = tuple(name for name, column in ROWS.columns.items() if column.type.startswith("list"))


def blank(replicate: Replicate, cell: Cell) -> Row:
    """Returns a row that says which model it is of, and nothing of it.

    Args:
        replicate: Its replicate.
        cell: Which model.
    """
    study = replicate.group.study
    factor, values = study.varied
    return {
        **dict.fromkeys(ROWS.columns),
        **{name: [] for name in _LISTS},
        "cell_id": replicate.group.cell_id(replicate.index, cell),
        "study": study.name,
        "method": study.method,
        "data": study.data or "",
        "model": "",
        "optimizer": "",
        "hyper": "{}",
        "regularization": "{}",
        "batch_size": 0,
        "epochs": 0,
        "replicate": replicate.index,
        "role": str(cell.role),
        "member": cell.member,
        "fold": cell.fold,
        "config": cell.config,
        "factor": factor,
        "factor_value": values[cell.value],
        "status": str(Status.OK),
        "message": "",
        "n_train": 0,
        "n_params": 0,
        "sample_grads": 0,
    }


def of_network(replicate: Replicate, cell: Cell, setting: Setting, trained: Retrained, **more: Any) -> Row:
    """Returns the row of a network.

    Args:
        replicate: Its replicate.
        cell: Which model of the study it is.
        setting: How it was trained.
        trained: What became of it.
        **more: Further columns.
    """
    member, fit = trained.member, trained.fit
    task = member.base
    table = task.model.table(task.train.x.shape[1:], task.n_classes)
    row = {
        **blank(replicate, cell),
        **setting.described(),
        "hyper": canonical(dict(member.hyper)),
        "n_train": member.n_train,
        "n_params": sum(layer.weights + layer.biases for layer in table),
        "status": str(fit.status),
        "message": fit.message,
        "sample_grads": trained.sample_grads,
    }
    if trained.is_ok:
        row |= _scores(cell, member, trained)
    return row | more


def _scores(cell: Cell, member: Member, trained: Retrained) -> Row:
    """Returns the columns of a network that was trained to the end: its scores there."""
    fit = trained.fit
    assert fit.judged is not None
    found: Row = {"train_loss": fit.judged.loss, "train_accuracy": fit.judged.accuracy}
    if cell.role is not Role.REFIT:
        found |= {
            "validation_loss": float(fit.validation.loss[-1]),
            "validation_accuracy": float(fit.validation.accuracy[-1]),
        }
    if fit.test is not None:
        test = member.base.test
        found |= {
            "test_loss": fit.test.loss,
            "test_accuracy": fit.test.accuracy,
            "test_probabilities": trained.probabilities(test.x).ravel(),
            "test_labels": test.y,
        }
    return found


def curves(trained: Retrained) -> Row:
    """Returns the columns of a network's curves, whose validation part was the test part.

    Args:
        trained: What became of it.
    """
    fit = trained.fit
    return {
        "validation_loss": None,
        "validation_accuracy": None,
        "curve_grads": fit.grads.astype(np.int32),
        "curve_train_loss": without_nan(fit.train.loss),
        "curve_train_accuracy": without_nan(fit.train.accuracy),
        "curve_test_loss": without_nan(fit.validation.loss),
        "curve_test_accuracy": without_nan(fit.validation.accuracy),
    }
