"""The optimizers, tasks and runs of a suite with arms: derived from what its arms say, each once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from optbench.core.keys import canonical
from optbench.suite.explaining import explain
from optbench.suite.networks.arm import Arm, Run, Settings
from optbench.suite.networks.ladder import Ladder
from optbench.suite.networks.task import TaskSpec
from optbench.suite.optimizer import OptimizerSpec
from optbench.tasks.task import trips_of

#: What an arm cannot do without.
REQUIRED = ("data", "model", "optimizer", "batch_size", "epochs")
#: How the rate grows with the batch size.
POWERS = {"none": 0.0, "sqrt": 0.5, "linear": 1.0}
#: Regularizers whose strength is a number of examples: they do nothing to batches that are not larger.
OF_LARGER_BATCHES = ("ghost", "batch_noise")
#: Keys of an arm that are a task's, those whose values may differ by batch size left out.
OF_TASK = ("data", "model", "n_train", "n_test", "loss")

#: What is wrong: where it stands, and a message.
Fault = tuple[str, str]


@dataclass(frozen=True)
class Derived:
    """What a suite with arms runs.

    Attributes:
        arms: The arms, each with its runs.
        optimizers: The entries that they name.
        tasks: The tasks that they name, each with a label of its own.
        faults: What is wrong with the arms; if anything is, the rest is of no use.
    """

    arms: tuple[Arm, ...]
    optimizers: tuple[OptimizerSpec, ...]
    tasks: tuple[TaskSpec, ...]
    faults: tuple[Fault, ...]


def derived(ladder: Ladder, arms: Sequence[Arm], *, tuning: str) -> Derived:
    """Returns what arms run, or what is wrong with them.

    Args:
        ladder: What all arms share.
        arms: The arms.
        tuning: How rates are chosen: they are held only where nothing is tuned.

    Returns:
        Their entries in the order of the arms; one that two arms have stands once.

    Example:
        >>> ladder = Ladder(data="mnist1d", model="conv1d", optimizer="sgd", hyper={"lr": 0.05}, batch_size=[20, 400])
        >>> found = derived(ladder, [Arm(name="scaled", epochs=100, scale="linear")], tuning="default")
        >>> [run.optimizer for run in found.arms[0].runs], [task.label for task in found.tasks]
        (['sgd[lr=0.05]', 'sgd[lr=1]'], ['mnist1d-conv1d-b20', 'mnist1d-conv1d-b400'])
    """
    wrong, optimizers, tasks = list[Fault](), dict[str, OptimizerSpec](), dict[str, TaskSpec]()
    pairs = []
    idle: list[Mapping[Fault, bool]] = []
    for index, arm in enumerate(arms):
        place = f"arms[{index}]"
        given = arm.settings(ladder, place)
        found = [*_budget_faults(given, place), *rate_faults(given, tuning)]
        idle.append(_idle(given))
        some = [] if found else [_built(given, size, epochs, tuning, found) for size, epochs in _budgets(given)]
        wrong += found
        for entry, task in some:
            if entry is None or task is None:
                continue
            first = optimizers.setdefault(entry.label, entry)
            if not first.is_same(entry) or first.sweep != entry.sweep:
                message = f"{entry.label} is {first.label} of another arm with other values, or another range"
                wrong.append((f"{place}.{'sweep' if first.sweep != entry.sweep else 'hyper'}", message))
            tasks.setdefault(canonical(task.identity()), task)
            pairs.append((index, entry.label, task))
    labelled = dict(zip(tasks, _labelled(list(tasks.values())), strict=True))
    runs = [
        (index, Run(label, labelled[canonical(task.identity())].label, task.batch_size or 0))
        for index, label, task in pairs
    ]
    return Derived(
        tuple(arm.running(run for owner, run in runs if owner == index) for index, arm in enumerate(arms)),
        tuple(optimizers.values()),
        tuple(labelled.values()),
        tuple(dict.fromkeys([*wrong, *_idle_faults(idle)])),
    )


def rate_faults(given: Settings, tuning: str) -> list[Fault]:
    """Returns what an arm says of its rate that tuning decides, or that its rule has not."""
    optimizer, wrong = given.values["optimizer"], list[Fault]()
    scale = given.values["scale"] or "none"
    try:
        rule = OptimizerSpec(name=optimizer).build()
    except ValidationError:  # what builds the entry says so
        return wrong
    if scale != "none" and "lr" not in rule.hyper:
        wrong.append((given.places["scale"], f"{optimizer} has no rate lr that could be scaled"))
    if tuning == "default":
        return wrong
    said = f"the rate is chosen for each batch size by tuning = {tuning!r}"
    if scale != "none":
        wrong.append((given.places["scale"], f'{said}, so it cannot be scaled; leave it out or set tuning = "default"'))
    if rule.swept in (given.values["hyper"] or {}):
        place = f"{given.places['hyper']}.{rule.swept}"
        wrong.append((place, f'{said}, so it cannot be held; leave it out or set tuning = "default"'))
    return wrong


def _idle(given: Settings) -> dict[Fault, bool]:
    """Returns what is wrong with each setting that acts on some batch sizes alone, should it act on none of these."""
    found, sizes = {}, given.values["batch_size"] or ()
    for name, strength in (given.values["regularization"] or {}).items():
        if name in OF_LARGER_BATCHES and strength:
            message = f"{name} = {strength:g} would do nothing: it acts on batches that are larger, and there are none"
            found[given.places["regularization"], message] = not any(size > strength for size in sizes)
    if (warm := given.values["warm_start"]) is not None:
        message = f"would do nothing: it is for other batch sizes than its own {warm.batch_size}, and there are none"
        found[given.places["warm_start"], message] = all(size == warm.batch_size for size in sizes)
    return found


def _idle_faults(idle: Sequence[Mapping[Fault, bool]]) -> list[Fault]:
    """Returns the settings that act on no batch size of any arm that has them; the ladder's may act in one alone."""
    faults = dict.fromkeys(fault for arm in idle for fault in arm)
    return [fault for fault in faults if all(arm.get(fault, True) for arm in idle)]


def _budget_faults(given: Settings, place: str) -> list[Fault]:
    """Returns what is missing, and what is wrong with batch sizes and epochs."""
    values, places = given.values, given.places
    wrong = [(f"{place}.{key}", "is required, here or in ladder") for key in REQUIRED if values[key] is None]
    sizes, epochs = values["batch_size"] or (), values["epochs"] or ()
    if list(sizes) != sorted(set(sizes)):
        wrong.append((places["batch_size"], f"must ascend; got {', '.join(map(str, sizes))}"))
    if len(epochs) not in (0, 1, len(sizes)):
        got = f"got {len(epochs)} numbers for {len(sizes)} batch sizes"
        wrong.append((places["epochs"], f"must be one number, or one for each batch size; {got}"))
    elif values["updates"] and len(epochs) > 1:
        wrong.append((places["epochs"], f"must be one number where updates are equal; got {len(epochs)}"))
    return wrong


def _budgets(given: Settings) -> list[tuple[int, int]]:
    """Returns each batch size with its epochs."""
    sizes, epochs = given.values["batch_size"], given.values["epochs"]
    if not given.values["updates"]:
        return list(zip(sizes, epochs if len(epochs) == len(sizes) else epochs * len(sizes), strict=True))
    return [(size, _epochs_of_as_many(given, size)) for size in sizes]


def _epochs_of_as_many(given: Settings, batch_size: int) -> int:
    """Returns the epochs in which a batch size makes as many updates as the smallest one, or nearly as many."""
    smallest, epochs = int(given.values["batch_size"][0]), int(given.values["epochs"][0])
    try:
        n_train = TaskSpec(**{key: given.values[key] for key in OF_TASK if given.values[key] is not None}).parts().train
    except ValidationError:  # what builds the task says so
        return epochs
    return round(epochs * (n_train // smallest) / max(1, n_train // batch_size))


def _built(
    given: Settings, batch_size: int, epochs: int, tuning: str, wrong: list[Fault]
) -> tuple[OptimizerSpec | None, TaskSpec | None]:
    """Returns the entry and the task of one batch size; what is wrong with them is appended to ``wrong``."""
    values, places = given.values, given.places
    kept = {
        name: strength
        for name, strength in (values["regularization"] or {}).items()
        if name not in OF_LARGER_BATCHES or strength < batch_size
    }
    warm = values["warm_start"]
    is_warm = warm is not None and warm.batch_size != batch_size
    task_values = {key: values[key] for key in OF_TASK if values[key] is not None}
    task_values |= {"batch_size": batch_size, "epochs": epochs, "regularization": kept}
    task = _valid(TaskSpec, task_values | ({"warm_start": warm} if is_warm else {}), places, wrong)
    tunes = tuning != "default"
    hyper = values["hyper"] or {} if tunes else _scaled(given, batch_size)
    sweep = values["sweep"] or {} if tunes else {}
    entry_places = {**places, "name": places["optimizer"]}
    entry_values = {"name": values["optimizer"], "hyper": hyper, "sweep": sweep}
    entry = _valid(OptimizerSpec, entry_values, entry_places, wrong)
    if task is not None:
        wrong += [(places[key], message) for key, message in task.batch_faults(batch_size)]
        n_train, per_step = task.parts().train, 1 if entry is None else entry.build().evals_per_step
        if batch_size <= n_train and not trips_of(n_train, batch_size, epochs, per_step):
            least = math.ceil(per_step / (n_train // batch_size))
            said = f"must be at least {least} for one step of {values['optimizer']} with batches of {batch_size}"
            wrong.append((places["epochs"], f"{said}; got {epochs}"))
    return entry, task


def _scaled(given: Settings, batch_size: int) -> dict[str, float]:
    """Returns the hyperparameters of one batch size, the rate scaled."""
    hyper, smallest = dict(given.values["hyper"] or {}), given.values["batch_size"][0]
    power = POWERS[given.values["scale"] or "none"]
    if not power:
        return hyper
    try:
        rule = OptimizerSpec(name=given.values["optimizer"]).build()
    except ValidationError:
        return hyper
    rate = hyper.get("lr", rule.hyper["lr"].default)
    # Six digits are what a label shows of it.
    return {**hyper, "lr": float(f"{rate * (batch_size / smallest) ** power:.6g}")}


def _valid(kind: type[Any], values: dict[str, Any], places: dict[str, str], wrong: list[Fault]) -> Any:
    """Returns an entry, or ``None`` and says where in the file what is wrong stands."""
    try:
        return kind(**values)
    except ValidationError as error:
        wrong += (_placed(line, places) for line in explain(error, kind))
        return None


def _placed(line: str, places: dict[str, str]) -> Fault:
    """Returns a line of ``explain``, ``key.rest: message``, as a fault of the file; one without a key has no place."""
    path, colon, message = line.partition(": ")
    key = next((key for key in places if colon and path.partition(".")[0].partition("[")[0] == key), None)
    return ("arms", line) if key is None else (places[key] + path[len(key) :], message)


def _labelled(tasks: Sequence[TaskSpec]) -> list[TaskSpec]:
    """Returns tasks whose labels say in which epochs or sizes they differ where they differ in nothing else."""
    alike: dict[str, list[TaskSpec]] = {}
    for task in tasks:
        alike.setdefault(task.showing(()).label, []).append(task)
    return [task.showing(_differing(alike[task.showing(()).label])) for task in tasks]


def _differing(tasks: Iterable[TaskSpec]) -> list[str]:
    keys = ("epochs", "n_train", "n_test")
    return [key for key in keys if len({getattr(task, key) for task in tasks}) > 1]
