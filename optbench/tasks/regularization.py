"""All regularizers of a task with their strengths, and what they do to a batch and to a loss."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from optbench.errors import UsageError
from optbench.tasks.regularizers import noise
from optbench.tasks.regularizers.augmentation import crop, flip, shift
from optbench.tasks.regularizers.batch_noise import noisy_weights
from optbench.tasks.regularizers.labels import smooth
from optbench.tasks.regularizers.mixing import cutmix, mixup
from optbench.tasks.regularizers.penalty import is_weight, squared_norm

#: Strengths that end somewhere; all others may be any number from 0 on.
RANGES = {"smoothing": (0.0, 1.0), "flip": (0.0, 1.0), "crop": (1e-3, 1.0), "dropout": (0.0, 0.999)}

#: Strengths that are whole numbers, with what they count.
WHOLE = {"shift": "pixels", "ghost": "examples", "batch_noise": "examples"}


@dataclass(frozen=True, slots=True)
class Regularization:
    """Strengths; at its default each changes nothing, and a program leaves it out.

    Attributes:
        smoothing: Weight of the uniform distribution in targets.
        mixup: ``alpha`` of mixup.
        cutmix: ``alpha`` of cutmix; of the two mixers a task has one.
        input_noise: Standard deviation added to inputs.
        weight_noise: Standard deviation added to weights where gradients are taken.
        penalty: ``alpha`` of ``alpha/2 |W|^2``.
        decay: ``lambda`` of decoupled weight decay: each completed step of a rule takes ``lr lambda W`` off, of one
            without a rate ``lambda W``. As with ``penalty``, biases, scales and shifts are free.
        shift: Most pixels of a shift.
        flip: Probability of a mirror image.
        crop: Smallest share of a side that is seen.
        dropout: Rate of the model's dropout layers.
        batch_norm: Whether a model without batch normalization is given some.
        ghost: Examples that batch normalization takes together, consecutive ones of a batch; 0 for the whole batch.
        batch_noise: Examples of a smaller batch whose gradient noise is added; 0 for none. The loss that a rule is
            shown is weighted as its gradient is.
    """

    smoothing: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    input_noise: float = 0.0
    weight_noise: float = 0.0
    penalty: float = 0.0
    decay: float = 0.0
    shift: int = 0
    flip: float = 0.0
    crop: float = 1.0
    dropout: float = 0.0
    batch_norm: bool = False
    ghost: int = 0
    batch_noise: int = 0

    def __post_init__(self) -> None:
        """Checks every strength.

        Raises:
            UsageError: A strength is out of its range, or both mixers are on; all problems at once.
        """
        problems = []
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "bool":
                if not isinstance(value, bool):
                    problems.append(f"{field.name} must be true or false; got {value!r}")
                continue
            low, high = RANGES.get(field.name, (0.0, float("inf")))
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                problems.append(f"{field.name} must be a number in [{low:g}, {high:g}]; got {value!r}")
        for name, unit in WHOLE.items():
            if not problems and float(getattr(self, name)) % 1:
                problems.append(f"{name} must be a whole number of {unit}; got {getattr(self, name)!r}")
        if self.mixup and self.cutmix:
            problems.append("mixup and cutmix are both on: a batch is mixed once; set one of them to 0")
        if problems:
            raise UsageError(problems)
        # A suite file's 16.0 is as good as 16; shapes are made of whole numbers.
        for name in WHOLE:
            object.__setattr__(self, name, int(getattr(self, name)))

    def fits(self, name: str, batch_size: int, *, normalizes: bool) -> None:
        """Checks that batches of a size can be treated so.

        Args:
            name: Whose batches they are, for the message.
            batch_size: Examples of a batch.
            normalizes: Whether the model has batch normalization.

        Raises:
            UsageError: There is nothing that ghost batches could act on, or they do not divide the batch; or the noise
                cannot be added.
        """
        problems = self.noise_problems(batch_size, normalizes=normalizes)
        if problems:
            raise UsageError([f"{name}: {problem}" for problem in problems])
        if self.ghost and not normalizes:
            raise UsageError(f"{name}: ghost = {self.ghost}, but the model has no batch normalization; set ghost to 0")
        if self.ghost and batch_size % self.ghost:
            raise UsageError(f"{name}: ghost = {self.ghost} must divide batch_size = {batch_size}")

    def noise_problems(self, batch_size: int, *, normalizes: bool) -> list[str]:
        """Returns why the noise of a smaller batch cannot be added to that of batches of a size.

        Args:
            batch_size: Examples of a batch.
            normalizes: Whether the model has batch normalization.
        """
        if not self.batch_noise:
            return []
        problems = []
        if normalizes:
            problems.append(
                f"batch_noise = {self.batch_noise}: with batch normalization the examples of a batch have no gradients "
                "of their own; take a model without it, or set batch_noise to 0"
            )
        if self.batch_noise >= batch_size:
            problems.append(
                f"batch_noise = {self.batch_noise}: must be below batch_size = {batch_size}: noise of a smaller batch "
                "is added"
            )
        return problems

    def batch(self, key: Array, x: Array, targets: Array) -> tuple[Array, Array]:
        """Returns a batch as the model shall see it: augmented, noisy, mixed, its targets smoothed.

        Args:
            key: What is drawn from it.
            x: Inputs, (n, *sides, channels).
            targets: Probabilities, (n, classes).

        Returns:
            Inputs and targets of the same shapes.
        """
        keys = jax.random.split(key, 5)
        if self.shift:
            x = shift(keys[0], x, self.shift)
        if self.flip:
            x = flip(keys[1], x, self.flip)
        if self.crop < 1.0:
            x = crop(keys[2], x, self.crop)
        if self.smoothing:
            targets = smooth(targets, self.smoothing)
        if self.mixup or self.cutmix:
            mix, alpha = (mixup, self.mixup) if self.mixup else (cutmix, self.cutmix)
            x, targets = mix(keys[3], x, targets, alpha)
        if self.input_noise:
            x = noise.on_inputs(keys[4], x, self.input_noise)
        return x, targets

    def weights(self, key: Array, params: Any) -> Any:
        """Returns the weights at which gradients are taken."""
        return noise.on_weights(key, params, self.weight_noise) if self.weight_noise else params

    def added(self, params: Any) -> Array | float:
        """Returns what is added to the loss."""
        return squared_norm(params, self.penalty) if self.penalty else 0.0

    def shares(self, key: Array, batch_size: int) -> Array | None:
        """Returns what each example of a batch counts, (batch_size,), of mean 1; ``None`` where all count the same."""
        return noisy_weights(key, batch_size, self.batch_noise) if self.batch_noise else None

    @staticmethod
    def decaying(params: Any) -> Any:
        """Returns the parameters on which ``decay`` acts, and zeros in place of the others."""
        return jax.tree.map(lambda w: w if is_weight(w) else jnp.zeros_like(w), params)
