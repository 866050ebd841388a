"""The numbers of Keskar et al. 2017 (arXiv 1609.04836), Tables 2 to 4: mean and standard deviation of five runs.

Small batches have 256 examples, large ones 10 % of the training data. Networks and data are others than here.
"""

from __future__ import annotations

from typing import NamedTuple

#: Mean and standard deviation.
Pair = tuple[float, float]

N_RUNS = 5
BATCHES = "256, 10 %"


class Network(NamedTuple):
    """One row of the three tables; each entry is that of the small batch, then that of the large one.

    Attributes:
        name: What the paper calls the network.
        data: What it was trained on.
        train: Training accuracy, %.
        test: Test accuracy, %.
        full: Sharpness in the full space, at 1e-3 and at 5e-4.
        random: Sharpness in a random subspace of 100 dimensions, at 1e-3 and at 5e-4.
    """

    name: str
    data: str
    train: tuple[Pair, Pair]
    test: tuple[Pair, Pair]
    full: tuple[tuple[Pair, Pair], tuple[Pair, Pair]]
    random: tuple[tuple[Pair, Pair], tuple[Pair, Pair]]


NETWORKS = (
    Network(
        "F1", "MNIST", ((99.66, 0.05), (99.92, 0.01)), ((98.03, 0.07), (97.81, 0.07)),
        (((1.23, 0.83), (205.14, 69.52)), ((0.61, 0.27), (42.90, 17.14))),
        (((0.11, 0.00), (9.22, 0.56)), ((0.05, 0.00), (9.17, 0.14))),
    ),
    Network(
        "F2", "TIMIT", ((99.99, 0.03), (98.35, 2.08)), ((64.02, 0.2), (59.45, 1.05)),
        (((1.39, 0.02), (310.64, 38.46)), ((0.90, 0.05), (93.15, 6.81))),
        (((0.29, 0.02), (23.63, 0.54)), ((0.05, 0.00), (6.28, 0.19))),
    ),
    Network(
        "C1", "CIFAR-10", ((99.89, 0.02), (99.66, 0.2)), ((80.04, 0.12), (77.26, 0.42)),
        (((28.58, 3.13), (707.23, 43.04)), ((7.08, 0.88), (227.31, 23.23))),
        (((2.18, 0.23), (137.25, 21.60)), ((0.71, 0.15), (29.50, 7.48))),
    ),
    Network(
        "C2", "CIFAR-10", ((99.99, 0.04), (99.99, 0.01)), ((89.24, 0.12), (87.26, 0.07)),
        (((8.68, 1.32), (925.32, 38.29)), ((2.07, 0.86), (175.31, 18.28))),
        (((0.95, 0.34), (25.09, 2.61)), ((0.31, 0.08), (5.82, 0.52))),
    ),
    Network(
        "C3", "CIFAR-100", ((99.56, 0.44), (99.88, 0.30)), ((49.58, 0.39), (46.45, 0.43)),
        (((29.85, 5.98), (258.75, 8.96)), ((8.56, 0.99), (105.11, 13.22))),
        (((17.02, 2.20), (236.03, 31.26)), ((4.03, 1.45), (86.96, 27.39))),
    ),
    Network(
        "C4", "CIFAR-100", ((99.10, 1.23), (99.57, 1.84)), ((63.08, 0.5), (57.81, 0.17)),
        (((12.83, 3.84), (421.84, 36.97)), ((4.07, 0.87), (109.35, 16.57))),
        (((6.05, 1.13), (72.99, 10.96)), ((1.89, 0.33), (19.85, 4.12))),
    ),
)  # fmt: skip
