"""The stored models of each study: what every judgement of studies starts from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.statistics.arrays import Bools, Floats, Ints
from optbench.records import Status
from optbench.records.studies import Role

#: Where the test examples of replicates may come from: made anew for each, one part for all, splits of one file.
GENERATED, OFFICIAL, SPLIT = "generated", "official", "split"
#: The columns with which every frame of studies begins.
KEYS = ("study", "method", "data", "model", "origin")


@dataclass(frozen=True)
class Study:
    """The rows of one study.

    Attributes:
        name: Its name.
        facts: What the manifest says of it.
        rows: Its rows, in the order in which they are stored.
    """

    name: str
    facts: Mapping[str, Any]
    rows: pd.DataFrame

    @cached_property
    def method(self) -> str:
        """The method."""
        return str(self.rows["method"].iloc[0])

    @cached_property
    def keys(self) -> dict[str, Any]:
        """The values of ``KEYS``."""
        first = self.rows.iloc[0]
        return dict(
            zip(KEYS, (self.name, self.method, str(first["data"]), str(first["model"]), self.origin), strict=True)
        )

    @cached_property
    def origin(self) -> str:
        """Where the test examples of its replicates come from."""
        if self.method == "regression" or self.facts.get("new_data"):
            return GENERATED
        return OFFICIAL if self.facts.get("shares_test") else SPLIT

    @cached_property
    def replicates(self) -> tuple[int, ...]:
        """Numbers of the replicates, ascending."""
        return tuple(int(number) for number in np.unique(self.rows["replicate"].to_numpy()))

    def of(self, *roles: Role, **where: Any) -> pd.DataFrame:
        """Returns the rows of some roles.

        Args:
            *roles: The roles.
            **where: Values of other columns.
        """
        kept = self.rows["role"].isin([str(role) for role in roles])
        for column, value in where.items():
            kept &= self.rows[column] == value
        return self.rows[kept]

    @cached_property
    def failed(self) -> int:
        """Number of models that diverged or left no scores."""
        return int((self.rows["status"] != str(Status.OK)).sum())


def studies(runs: pd.DataFrame, manifest: Mapping[str, Any], *methods: str) -> Iterator[Study]:
    """Yields the studies of some methods, in the manifest's order.

    Args:
        runs: Rows with the columns of ``records.studies``.
        manifest: The run's manifest.
        *methods: Names of methods; all if none is given.

    Yields:
        Studies that have rows.
    """
    stated = manifest.get("studies", {})
    found = {str(name): rows for name, rows in runs.groupby("study", sort=True)}
    for name in sorted(found, key=lambda name: (list(stated).index(name) if name in stated else len(stated), name)):
        study = Study(name, stated.get(name, {}), found[name])
        if not methods or study.method in methods:
            yield study


def has_answers(rows: pd.DataFrame) -> Bools:
    """Returns which models have finite probabilities of every test example, shape (M,)."""
    return np.array(
        [p is not None and len(p) > 0 and bool(np.isfinite(p).all()) for p in rows["test_probabilities"]],
        dtype=np.bool_,
    )


def probabilities(rows: pd.DataFrame) -> tuple[Floats, Ints]:
    """Returns what models of one replicate say of its test part.

    Args:
        rows: Their rows.

    Returns:
        Probabilities, shape (M, N, C), and labels, shape (N,). A model that diverged or failed says nothing: it gives
        every class the same probability, which moves no answer of an ensemble. Without any answers both are empty.
    """
    some = has_answers(rows)
    if not some.any():
        return np.zeros((len(rows), 0, 2)), np.zeros(0, np.int64)
    first = rows[some].iloc[0]
    labels = np.asarray(first["test_labels"], dtype=np.int64)
    classes = len(first["test_probabilities"]) // len(labels)
    found = np.full((len(rows), len(labels), classes), 1.0 / classes)
    for place, values in enumerate(rows["test_probabilities"]):
        if some[place]:
            found[place] = np.asarray(values, dtype=np.float64).reshape(len(labels), classes)
    return found, labels


def right(answers: Floats, some: Bools, labels: Ints) -> Floats:
    """Returns right (1) or wrong (0) by model and test example; a model without answers is wrong on all.

    Args:
        answers: Probabilities, shape (M, N, C).
        some: Which models have answers, shape (M,).
        labels: The right classes, shape (N,).

    Returns:
        Shape (M, N).
    """
    return np.asarray((answers.argmax(axis=2) == labels) & some[:, None], dtype=np.float64)


def rights(models: pd.DataFrame) -> list[Floats]:
    """Returns right (1) or wrong (0) by test example for single models of replicates of their own.

    Args:
        models: Their rows.

    Returns:
        One array for each row. A model that diverged or failed is wrong on as many examples as others have at most.
    """
    tables: list[Floats] = []
    for place in range(len(models)):
        one = models.iloc[place : place + 1]
        answers, labels = probabilities(one)
        tables.append(right(answers, has_answers(one), labels)[0])
    longest = max((len(table) for table in tables), default=0)
    return [table if len(table) else np.zeros(longest) for table in tables]


def configured(rows: pd.DataFrame) -> list[str]:
    """Returns in words what each of some rows has set that not all of them have alike.

    Args:
        rows: Rows with ``hyper``, ``regularization``, ``batch_size`` and ``epochs``.

    Returns:
        Words such as ``lr=0.1, penalty=0.001``, a line for each row; empty where nothing differs.

    Example:
        >>> configured(pd.DataFrame({"hyper": ['{"lr":0.1}', '{"lr":0.01}'], "regularization": ["{}", "{}"],
        ...                          "batch_size": [32, 32], "epochs": [5, 5]}))
        ['lr=0.1', 'lr=0.01']
    """
    settings = [
        {
            **json.loads(row["hyper"] or "{}"),
            **json.loads(row["regularization"] or "{}"),
            **{name: int(row[name]) for name in ("batch_size", "epochs")},
        }
        for _, row in rows.iterrows()
    ]
    names = sorted({name for setting in settings for name in setting})
    varied = [name for name in names if len({setting.get(name) for setting in settings}) > 1]
    return [", ".join(f"{name}={setting.get(name, 0):g}" for name in varied) for setting in settings]
