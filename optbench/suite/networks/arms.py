"""The arms of a suite: entries derived from them, what is wrong with them, those that are selected, the quick size."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from optbench.errors import UsageError, unknown_name
from optbench.suite.faults import repeated
from optbench.suite.networks.arm import Arm
from optbench.suite.networks.deriving import derived
from optbench.suite.networks.ladder import Ladder

if TYPE_CHECKING:
    from optbench.suite.networks.suite import NetworkQuick

#: Lists of entries that arms derive.
DERIVED = ("optimizers", "tasks")
_ARMS: TypeAdapter[tuple[Arm, ...]] = TypeAdapter(tuple[Arm, ...])

#: What is wrong: where it stands, and a message.
Fault = tuple[str, str]


def with_entries(given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values of a suite with arms, with the entries that they derive.

    Args:
        given: Values by key, as a file has them; or those of a suite, which has its entries already.
    """
    if any(given.get(key) for key in DERIVED):
        return dict(given)
    try:
        ladder = Ladder.model_validate(given.get("ladder") or {})
        arms = _ARMS.validate_python(given["arms"])
    except ValidationError:  # whoever validates the suite says so, and whatever else is wrong with it
        return dict(given)
    found = derived(ladder, arms, tuning=given.get("tuning", "grid"))
    if found.faults:
        return dict(given)
    return {**given, "arms": found.arms, "optimizers": found.optimizers, "tasks": found.tasks}


def written_beside(given: Mapping[str, Any]) -> list[Fault]:
    """Returns which lists of entries a file has beside its arms."""
    own = (key for key in DERIVED if any(isinstance(entry, dict) for entry in given.get(key) or ()))
    return [(key, "is derived from arms, so it cannot stand beside them") for key in own]


def faults(
    ladder: Ladder | None, arms: Sequence[Arm], tuning: str, levels: Collection[float], primary_level: float | None
) -> list[Fault]:
    """Returns what is wrong with the arms of a suite.

    Args:
        ladder: What all arms share.
        arms: The arms; none of a suite that lists its tasks.
        tuning: How rates are chosen.
        levels: Training losses at which weights are kept.
        primary_level: The one at which the primary arm is judged.
    """
    if not arms:
        return [] if ladder is None else [("arms", "is required beside ladder, which says what all arms share")]
    wrong = repeated("arms", [arm.name for arm in arms])
    primary = [(index, arm) for index, arm in enumerate(arms) if arm.is_primary]
    wrong += [
        (f"arms[{index}].is_primary", f"one arm is primary, and {primary[0][1].name!r} is; a second is exploratory")
        for index, _ in primary[1:]
    ]
    for index, arm in primary[:1]:
        given = arm.settings(ladder or Ladder(), f"arms[{index}]")
        sizes = given.values["batch_size"] or ()
        if len(sizes) == 1:
            wrong.append((given.places["batch_size"], "a primary arm compares two batch sizes or more; got 1"))
    if primary and levels and primary_level is None:
        wrong.append(("primary_level", f"is required: the level at which {primary[0][1].name!r} is judged"))
    return wrong + list(derived(ladder or Ladder(), arms, tuning=tuning).faults)


def in_file(wrong: Iterable[Fault], arms: Sequence[Arm], labels: Sequence[str]) -> list[Fault]:
    """Returns faults of derived entries as faults of the arms from which they are derived.

    Args:
        wrong: What is wrong with a suite, by its keys.
        arms: Its arms, each with its runs.
        labels: Labels of its optimizers.
    """
    owners = {run.optimizer: index for index, arm in reversed(list(enumerate(arms))) for run in arm.runs}
    names = {f"optimizers[{place}]": f"arms[{owners[label]}]" for place, label in enumerate(labels) if label in owners}
    found = []
    for key, message in wrong:
        head, dot, rest = key.partition(".")
        name = names.get(head, "arms" if head in DERIVED else head)
        rest = rest if dot or head not in names else "optimizer"
        found.append((f"{name}.{rest}" if rest else name, message))
    return found


def chosen(arms: Sequence[Arm], words: Iterable[str] | None, labels: Mapping[str, Collection[str]]) -> tuple[Arm, ...]:
    """Returns the arms that are selected, each with its runs that are.

    Args:
        arms: The arms of a suite.
        words: Names or patterns of arms; ``None`` for all.
        labels: Labels of the selected optimizers and tasks.

    Raises:
        UsageError: A word stands for no arm, or nothing is left; all problems at once.
    """
    words = None if words is None else list(words)
    wrong = [
        unknown_name("arm", word, [arm.name for arm in arms])
        for word in words or ()
        if not any(arm.is_meant(word) for arm in arms)
    ]
    if words is not None and not words:
        wrong.append(f"--arms selects none of {len(arms)} arms")
    if wrong:
        raise UsageError(wrong)
    meant = (arm for arm in arms if words is None or any(map(arm.is_meant, words)))
    kept = (
        arm.running(run for run in arm.runs if run.optimizer in labels["optimizers"] and run.task in labels["tasks"])
        for arm in meant
    )
    found = tuple(arm for arm in kept if arm.runs)
    if not found:
        raise UsageError("no arm has a run of the selected optimizers on the selected tasks")
    return found


def quick_arms(ladder: Ladder | None, arms: Sequence[Arm], quick: NetworkQuick) -> tuple[Ladder, tuple[Arm, ...]]:
    """Returns the ladder and the arms of the quick size, which is the same for every arm.

    Args:
        ladder: What all arms share.
        arms: The arms.
        quick: What is smaller.
    """
    changes: dict[str, Any] = {key: getattr(quick, key) for key in ("batch_size", "epochs") if getattr(quick, key)}
    if quick.epochs is not None and len(quick.epochs) > 1:
        # Epochs for each batch size are what they are, whatever the number of updates.
        changes["updates"] = None
    kept = (arm for arm in arms if quick.arms is None or any(map(arm.is_meant, quick.arms)))
    smaller = (
        arm.model_copy(update={key: value for key, value in changes.items() if getattr(arm, key) is not None})
        for arm in kept
    )
    return (ladder or Ladder()).model_copy(update=changes), tuple(smaller)


def quick_faults(
    ladder: Ladder | None, arms: Sequence[Arm], tuning: str, quick: NetworkQuick, known: Collection[Fault]
) -> list[Fault]:
    """Returns what is wrong with the quick size of a suite, as far as it is about arms.

    Args:
        ladder: What all arms share.
        arms: The arms.
        tuning: How rates are chosen.
        quick: What is smaller.
        known: What is wrong with the arms themselves, which is not said twice.
    """
    if not arms:
        wrong = [
            (f"quick.{key}", "is for suites with arms; this one has none")
            for key in ("arms", "batch_size")
            if getattr(quick, key) is not None
        ]
        if quick.epochs is not None and len(quick.epochs) > 1:
            wrong.append(("quick.epochs", "is one number in a suite without arms"))
        return wrong
    wrong = [
        (f"quick.{key}", "is derived from arms; name those that stay in quick.arms")
        for key in DERIVED
        if getattr(quick, key) is not None
    ]
    unknown = [word for word in quick.arms or () if not any(arm.is_meant(word) for arm in arms)]
    wrong += [("quick.arms", unknown_name("arm", word, [arm.name for arm in arms])) for word in unknown]
    if wrong:
        return wrong
    smaller = derived(*quick_arms(ladder, arms, quick), tuning=tuning)
    return [(f"quick: {place}", message) for place, message in smaller.faults if (place, message) not in known]
