"""A contour picture of a function of two variables, in letters."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from optbench.cli.showing import can_encode
from optbench.problems.problem import Problem

COLUMNS, ROWS = 56, 22
_BLOCKS = "█▓▒░ "
_LETTERS = "@#+. "


def draw(problem: Problem, *, encoding: str) -> str:
    """Draws ``problem`` over its box: the fuller a letter, the lower; each fifth of the area has one shade.

    Args:
        problem: A problem in two dimensions.
        encoding: Encoding of the terminal; plain letters where it has no blocks.

    Returns:
        Lines of text: a frame, the picture, the axes.
    """
    fancy = can_encode(_BLOCKS + "×─│", encoding)
    shades = _BLOCKS if fancy else _LETTERS
    (x_low, x_high), (y_low, y_high) = np.asarray(problem.bounds)
    x = x_low + (np.arange(COLUMNS) + 0.5) / COLUMNS * (x_high - x_low)
    y = y_high - (np.arange(ROWS) + 0.5) / ROWS * (y_high - y_low)
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    values = np.asarray(jax.vmap(problem.f)(jnp.asarray(points)), dtype=float)
    levels = np.quantile(values, np.linspace(0, 1, len(shades) + 1)[1:-1])
    canvas = np.array(list(shades))[np.searchsorted(levels, values)].reshape(ROWS, COLUMNS)
    for minimizer in np.asarray(problem.x_star):
        column = int((minimizer[0] - x_low) / (x_high - x_low) * COLUMNS)
        row = int((y_high - minimizer[1]) / (y_high - y_low) * ROWS)
        canvas[min(max(row, 0), ROWS - 1), min(max(column, 0), COLUMNS - 1)] = "×" if fancy else "x"
    edge, side = ("─", "│") if fancy else ("-", "|")
    labels = [f"{y_high:g}", *[""] * (ROWS - 2), f"{y_low:g}"]
    margin = max(map(len, labels))
    lines = [" " * margin + " " + edge * (COLUMNS + 2)]
    lines += [f"{label:>{margin}} {side}{''.join(row)}{side}" for label, row in zip(labels, canvas, strict=True)]
    lines.append(lines[0])
    left, right = f"{x_low:g}", f"{x_high:g}"
    lines.append(" " * (margin + 2) + left + " " * (COLUMNS - len(left) - len(right)) + right)
    key = f"{' '.join(shades[:-1])} and blank: fifths of the box, lowest to highest; {'×' if fancy else 'x'} minimum"
    return "\n".join([*lines, " " * (margin + 2) + key])
