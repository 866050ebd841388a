"""What may be wrong with a study: keys of other methods, names, values, and rows that are too few."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pydantic import ValidationError

from optbench import catalog
from optbench.errors import UsageError, unknown_name
from optbench.suite.explaining import explain
from optbench.suite.optimizer import OptimizerSpec
from optbench.suite.studies.methods import METHODS, SETS, TRUTHS
from optbench.suite.studies.setting import STRENGTHS, Setting, settings_of
from optbench.tasks.data import registry
from optbench.tasks.data.splitting import Sizes, sizes
from optbench.tasks.models.dense import Dropout
from optbench.tasks.models.normalization import BatchNorm

if TYPE_CHECKING:
    from optbench.suite.studies.study import StudySpec

#: (key, message) of what is wrong.
Fault = tuple[str, str]

#: Keys of a grid and factors that are counts, with the least.
WHOLE = {"batch_size": 1, "epochs": 1, "n_train": 1, "degree": 0}


def of(study: StudySpec) -> Iterator[Fault]:
    """Yields what is wrong with a study.

    Args:
        study: The entry, its types checked.
    """
    if study.method not in METHODS:
        yield "method", unknown_name("method", study.method, METHODS)
        return
    how = study.how
    given = {key for key, value in study if value not in (None, {}) and key not in ("name", "method")}
    for key in sorted(given - how.keys):
        yield key, f"is no key of {study.method}; it takes {', '.join(sorted(how.keys))}"
    missing = sorted(how.needs - given)
    for key in missing:
        yield key, f"is required for {study.method}"
    wrong = list(_of_lists(study))
    yield from wrong
    if not how.is_of_networks:
        yield from _of_regression(study)
        return
    named = list(_of_names(study))
    yield from named
    if not missing and not wrong and not named:
        yield from _of_rows(study)


def _of_lists(study: StudySpec) -> Iterator[Fault]:
    """Yields what is wrong with a factor or a grid: names, or values that are no numbers of their kind."""
    factor, how = study.factor or {}, study.how
    if factor and len(factor) != 1:
        yield "factor", f"one thing is varied; got {', '.join(factor)}"
    for name in factor:
        if how.factors and name not in how.factors:
            yield f"factor.{name}", unknown_name(f"factor of {study.method}", name, how.factors)
    for key, lists in (("factor", factor), ("grid", study.grid or {})):
        for name, values in lists.items():
            least = WHOLE.get(name)
            for value in values:
                if isinstance(value, bool) or not math.isfinite(value):
                    yield f"{key}.{name}", f"must be finite numbers; got {value!r}"
                elif least is not None and (value < least or value != int(value)):
                    yield f"{key}.{name}", f"must be whole numbers, {least} or more; got {value!r}"
                elif name == "width" and not value > 0:
                    yield f"{key}.{name}", f"must be above 0; got {value!r}"
            if len(set(values)) < len(values):
                yield f"{key}.{name}", f"must be different values; got {', '.join(f'{v:g}' for v in values)}"


def _of_names(study: StudySpec) -> Iterator[Fault]:
    """Yields which names, hyperparameters and strengths are not there."""
    if study.data is not None:
        try:
            registry.find(study.data)
        except UsageError as error:
            yield from (("data", problem) for problem in error.problems)
    if study.model is not None:
        try:
            catalog.model(study.model)
        except UsageError as error:
            yield from (("model", problem) for problem in error.problems)
    rule = None
    if study.optimizer is not None:
        try:
            rule = OptimizerSpec(name=study.optimizer, hyper=study.hyper).build()
        except ValidationError as error:
            for line in explain(error, OptimizerSpec):
                key, _, message = line.partition(": ")
                yield "optimizer" if key == "name" else key, message
    for name, strength in study.regularization.items():
        if name not in STRENGTHS:
            yield "regularization", unknown_name("regularizer of a study", name, STRENGTHS)
        elif isinstance(strength, bool):
            yield f"regularization.{name}", f"must be a number, its strength; got {str(strength).lower()}"
    for name in study.grid or ():
        if rule is not None and name not in (*rule.hyper, *STRENGTHS, "batch_size", "epochs"):
            known = (*rule.hyper, *STRENGTHS, "batch_size", "epochs")
            yield f"grid.{name}", unknown_name("hyperparameter of a grid", name, known)
        if name in study.hyper or name in study.regularization:
            yield f"grid.{name}", "is held at a value as well; it is either held or compared"
    if study.sets is not None and study.sets not in SETS:
        yield "sets", unknown_name("way of drawing training sets", study.sets, SETS)
    if study.folds is not None and study.folds < 2:
        yield "folds", f"must be 2 or more: a fold is held out, and the others are trained on; got {study.folds}"


def parts_of(study: StudySpec, n_train: int | None = None) -> Sizes:
    """Returns how many examples the parts of a study's data have.

    Args:
        study: A study of networks.
        n_train: Examples to train on, where they are varied.

    Raises:
        UsageError: There are not so many.
    """
    assert study.data is not None
    return sizes(registry.find(study.data), n_train or study.n_train, study.n_test)


def fewest_rows(study: StudySpec, found: Sizes, folds: int) -> tuple[int, str]:
    """Returns the fewest rows on which a model of a study is trained, and what they are.

    Args:
        study: A study of networks.
        found: Examples of its parts.
        folds: Number of folds, of cross-validation.
    """
    if study.grid is not None:
        rows = found.train + found.validation
        return rows - -(-rows // folds), f"the rows outside of one of {folds} folds"
    if study.method == "bias_variance" and (study.sets or "subsample") == "subsample":
        return found.train // 2, "half of the training part"
    return found.train, "the training part"


def _of_rows(study: StudySpec) -> Iterator[Fault]:
    """Yields which settings cannot be trained: what the data are and how many rows there are."""
    from optbench.suite.studies.study import BATCH_SIZE, FOLDS

    found = registry.find(str(study.data))
    folds = study.folds or FOLDS
    for setting in settings_of(study, epochs=1, batch_size=BATCH_SIZE):
        try:
            there = parts_of(study, setting.n_train)
        except UsageError as error:
            yield from (("n_train", problem) for problem in error.problems)
            continue
        most = (there.train + there.validation) // found.n_classes
        if study.grid is not None and folds > most:
            yield "folds", f"must be at most {most}, the rows of a class outside of the test part; got {folds}"
            continue
        rows, what = fewest_rows(study, there, folds)
        if rows < 2:
            yield "n_train", f"{rows} rows are {what}; there must be two or more to draw from"
        yield from _of_setting(setting, found.shape, found.n_classes, rows, what)
    if study.sets == "fresh" and found.origin is not registry.Origin.GENERATED:
        yield "sets", f"'fresh' needs data that are generated, such as mnist1d; {found.name} is a file"


def _of_setting(setting: Setting, shape: tuple[int, ...], n_classes: int, rows: int, what: str) -> Iterator[Fault]:
    """Yields why a setting cannot be trained on some rows."""
    batch = setting.batch_size
    if batch > rows:
        yield "batch_size", f"must be at most {rows}, {what}; got {batch}"
    try:
        network, strengths = setting.network(), setting.strengths()
        layers = network.layers(shape, n_classes)
        rule = setting.rule().build()
    except UsageError as error:
        yield from (("" if setting.width == 1.0 else "factor.width", problem) for problem in error.problems)
        return
    except ValidationError as error:
        yield from (("grid", line) for line in explain(error, OptimizerSpec))
        return
    if network.definition_only:
        yield "model", f"{setting.model} is there to be counted, not to be trained"
        return
    if strengths.dropout and not any(isinstance(layer, Dropout) for layer in layers):
        yield "regularization.dropout", f"{setting.model} has no place for it"
    if batch == 1 and any(isinstance(layer, BatchNorm) for layer in layers):
        yield "batch_size", f"{setting.model} has batch normalization, which needs more than one example; got 1"
    if setting.hyper.get("weight_decay") or (
        rule.defaults().get("weight_decay") and "weight_decay" not in setting.hyper
    ):
        yield (
            "hyper",
            "weight decay is regularization = { decay = ... }, which leaves biases alone; hold weight_decay at 0",
        )
    n_params = sum(row.weights + row.biases for row in network.table(shape, n_classes))
    if rule.max_dim is not None and n_params > rule.max_dim:
        yield "optimizer", f"{rule.name} takes at most {rule.max_dim:,} parameters; {setting.model} has {n_params:,}"


def _of_regression(study: StudySpec) -> Iterator[Fault]:
    """Yields what is wrong with a regression."""
    if isinstance(study.truth, str) and study.truth not in TRUTHS:
        yield "truth", unknown_name("function", study.truth, TRUTHS)
    if isinstance(study.truth, tuple) and not all(map(math.isfinite, study.truth)):
        yield "truth", "must be finite numbers"
    if study.interval is not None and not -math.inf < study.interval[0] < study.interval[1] < math.inf:
        yield "interval", f"must be two finite numbers, the lower one first; got {list(study.interval)}"
    degrees: Mapping[str, tuple[float, ...]] = study.factor or {}
    for degree in degrees.get("degree", ()):
        if study.n_train is not None and degree >= study.n_train:
            yield "factor.degree", f"must be below n_train = {study.n_train}, the design points; got {degree:g}"
