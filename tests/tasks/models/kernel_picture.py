"""Draws ``docs/images/convolution.png``: a digit, four kernels, and what ``convolve`` makes of them.

python -m tests.tasks.models.kernel_picture
"""

from __future__ import annotations

from pathlib import Path

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from optbench.tasks.models.convolution import convolve

PICTURE = Path(__file__).parents[3] / "docs" / "images" / "convolution.png"

#: Sobel's kernels answer where the picture gets darker downwards and to the right.
KERNELS = {
    "mean": np.full((3, 3), 1 / 9),
    "edges, downwards": np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
    "edges, to the right": np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
    "Laplacian": np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]),
}


def draw(path):
    image = load_digits().images[0] / 16
    figure, axes = plt.subplots(2, len(KERNELS) + 1, figsize=(9, 3.9), layout="constrained")
    show(axes[0, 0], image, "8 x 8 digit, zeros beyond", "Greys")
    axes[1, 0].axis("off")
    axes[1, 0].text(0, 0.5, "above: kernels, 3 x 3\nbelow: stride 1, padding 1", fontsize=9, va="center")
    for (name, kernel), (above, below) in zip(KERNELS.items(), axes.T[1:], strict=True):
        weight = jnp.asarray(kernel, jnp.float32)[:, :, None, None]
        out = convolve(jnp.asarray(image, jnp.float32)[None, :, :, None], weight, padding=1)[0, :, :, 0]
        show(above, kernel, name, "RdBu")
        for (row, column), value in np.ndenumerate(kernel):
            above.text(column, row, f"{value:.2g}", ha="center", va="center", fontsize=9)
        show(below, np.asarray(out), "", "RdBu")
    figure.savefig(path, dpi=100, metadata={"Software": None})
    plt.close(figure)


def show(axes, values, title, colors):
    # Weak colors behind the numbers of a kernel.
    bound = np.abs(values).max() * (2 if values.shape == (3, 3) else 1)
    axes.imshow(values, cmap=colors, vmin=0 if colors == "Greys" else -bound, vmax=bound)
    axes.set_title(title, fontsize=10)
    axes.set_xticks([])
    axes.set_yticks([])


if __name__ == "__main__":
    draw(PICTURE)
