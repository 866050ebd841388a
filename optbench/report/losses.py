"""The losses that networks are trained on, in words: of a task that has another than most, its name stands beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from optbench.report.evidence import Evidence


class Loss(NamedTuple):
    """What a loss is called.

    Attributes:
        title: Its mean over examples.
        unit: Its unit.
    """

    title: str
    unit: str


#: By the names that suites have for them; ``tasks.losses``, which needs JAX, says the same.
LOSSES: Mapping[str, Loss] = {
    "cross_entropy": Loss("mean cross-entropy", "nats"),
    "squared": Loss("mean of half the squared error", "squared logits"),
}
#: That of a run from before tasks had one.
USUAL = "cross_entropy"


def told(evidence: Evidence, say: Callable[[Loss], str]) -> str:
    """Returns words about the loss of a run's tasks; where they differ, which tasks have another than most.

    Args:
        evidence: A run of networks.
        say: What to say of a loss.

    Example:
        >>> from types import SimpleNamespace
        >>> tasks = {"a": {}, "b": {"loss": "squared"}, "c": {"loss": "cross_entropy"}}
        >>> told(SimpleNamespace(manifest={"tasks": tasks}), lambda loss: f"in {loss.unit}")
        'in nats (on b: in squared logits)'
    """
    by_loss = _by_loss(evidence)
    usual = max(by_loss, key=lambda name: (len(by_loss[name]), name == USUAL), default=USUAL)
    others = [f"on {', '.join(found)}: {say(LOSSES[name])}" for name, found in sorted(by_loss.items()) if name != usual]
    return say(LOSSES[usual]) + (f" ({'; '.join(others)})" if others else "")


def noted(evidence: Evidence) -> list[str]:
    """Returns which loss the tasks have, where any has another than the cross-entropy; else nothing.

    Args:
        evidence: A run of networks.
    """
    by_loss = _by_loss(evidence)
    if set(by_loss) <= {USUAL}:
        return []
    mixed = " Losses, levels and sharpness of one are not comparable with those of another." if len(by_loss) > 1 else ""
    return [f"Loss: {told(evidence, lambda loss: f'{loss.title}, in {loss.unit}')}.{mixed}"]


def _by_loss(evidence: Evidence) -> dict[str, list[str]]:
    """Returns the labels of the tasks that have each loss."""
    found: dict[str, list[str]] = {}
    for label, task in evidence.manifest.get("tasks", {}).items():
        found.setdefault(str(task.get("loss", USUAL)), []).append(label)
    return found
