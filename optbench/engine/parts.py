"""How many examples are passed through a network together."""

from __future__ import annotations

#: Pixels of the examples that are passed through together on a CPU: their activations stay in the cache.
PIXELS = 1 << 16


def part_of(batch_size: int, pixels: int, *, whole: bool) -> int:
    """Returns how many examples of a batch are passed through together.

    Args:
        batch_size: Examples of a batch.
        pixels: Numbers of one example.
        whole: Whether the batch must not be divided: its examples are normalized together, or lanes fill the device.

    Returns:
        A divisor of ``batch_size``.

    Example:
        >>> part_of(256, 784, whole=False), part_of(256, 64, whole=False), part_of(90, 784, whole=False)
        (64, 256, 45)
    """
    most = batch_size if whole else max(1, PIXELS // pixels)
    return max(n for n in range(1, batch_size + 1) if batch_size % n == 0 and n <= most)
