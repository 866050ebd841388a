"""Which terms a step sees: index streams that depend on the seed, the problem and the batch size alone.

Neither the optimizer nor the start enters, so all optimizers see the same batches at the same step.
"""

from __future__ import annotations

import numpy as np

from optbench.core.keys import generator
from optbench.errors import UsageError


def index_stream(
    seed: int, problem_label: str, n_terms: int, b: int, steps: int, *, first: int = 0, replace: bool = False
) -> np.ndarray | None:
    """Draws the terms of each step's batch.

    Without replacement an epoch is one permutation of all terms, cut into batches; the last batch is dropped
    where it is short, ``dropped`` terms an epoch. All batch sizes cut the same permutations. With replacement
    each index is uniform and independent. A longer stream begins with the shorter one.

    Args:
        seed: Noise seed.
        problem_label: Label of the problem.
        n_terms: Number of terms N.
        b: Batch size, 1 to N.
        steps: Number of steps.
        first: Step with which to begin; earlier epochs are not drawn.
        replace: Whether terms are drawn with replacement.

    Returns:
        Indices of type int32, shape (steps, b); ``None`` where every batch is the whole sum (b = N without
        replacement): ``f`` itself is then what a step sees, bit for bit.

    Raises:
        UsageError: No such batch size or number of steps.

    Example:
        >>> index_stream(0, "least_squares-2d-i1", 6, 2, 3).shape
        (3, 2)
        >>> index_stream(0, "least_squares-2d-i1", 6, 6, 3) is None
        True
    """
    faults = []
    if not 1 <= b <= n_terms:
        faults.append(f"{problem_label}: batch size must be an integer from 1 to {n_terms}; got {b!r}")
    if steps < 0:
        faults.append(f"{problem_label}: the number of steps must be at least 0; got {steps!r}")
    if faults:
        raise UsageError(faults)
    if b == n_terms and not replace:
        return None
    batches = n_terms // b
    skipped, inside = divmod(first, batches)
    stream = np.empty((inside + steps, b), np.int32)
    for epoch, begin in enumerate(range(0, inside + steps, batches), skipped):
        if replace:
            drawn = generator(seed, "epoch with replacement", problem_label, epoch).integers(n_terms, size=(batches, b))
        else:
            order = generator(seed, "epoch", problem_label, epoch).permutation(n_terms)
            drawn = order[: batches * b].reshape(batches, b)
        stream[begin : begin + batches] = drawn[: inside + steps - begin]
    return stream[inside:]


def dropped(n_terms: int, b: int) -> int:
    """Returns how many terms an epoch leaves out, because the last batch would be short.

    Args:
        n_terms: Number of terms N.
        b: Batch size.

    Returns:
        ``N mod b``.

    Example:
        >>> dropped(1797, 128)
        5
    """
    return n_terms % b
