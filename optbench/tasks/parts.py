"""How many examples are passed through a network together."""

from __future__ import annotations

import math

import jax

#: Pixels of the examples that are trained on together on a CPU. LeNet, batches of 256: parts of 64 are 10 % faster than
#: the whole where every core has a run of its own, since activations stay in the cache; the whole is 19 % faster for a
#: run that has two cores, and may not depend on company, since bits do.
PIXELS = 1 << 18

#: Pixels of the examples that are scored together.
SCORED_PIXELS = 1 << 16

#: Most examples that are scored together.
EVALUATED = 256


def part_of(batch_size: int, pixels: int, *, whole: bool, most_pixels: int | None = None) -> int:
    """Returns how many examples of a batch are passed through together.

    Args:
        batch_size: Examples of a batch.
        pixels: Numbers of one example.
        whole: Whether the batch must not be divided: its examples are normalized together, or lanes fill the device.
        most_pixels: Most numbers of a part; ``PIXELS`` if ``None``.

    Returns:
        A divisor of ``batch_size``.

    Example:
        >>> part_of(256, 784, whole=False), part_of(256, 64, whole=False), part_of(90, 784, whole=False)
        (256, 256, 90)
    """
    most = batch_size if whole else max(1, (most_pixels or PIXELS) // pixels)
    return max(n for n in range(1, batch_size + 1) if batch_size % n == 0 and n <= most)


def scored_together(shape: tuple[int, ...]) -> int:
    """Returns how many examples of a shape are scored together on this backend, whoever asks for the score."""
    whole = jax.default_backend() != "cpu"
    return part_of(EVALUATED, math.prod(shape), whole=whole, most_pixels=SCORED_PIXELS)
