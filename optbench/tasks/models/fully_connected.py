"""Models without a convolution: softmax regression, small perceptrons with ReLU and with tanh, Keskar's F1."""

from __future__ import annotations

from optbench.tasks.models.arithmetic import Shape
from optbench.tasks.models.dense import Dense, Dropout, Flatten, Relu, Tanh
from optbench.tasks.models.layer import Layer
from optbench.tasks.models.model import Model
from optbench.tasks.models.normalization import BatchNorm


def _linear(shape: Shape, n_classes: int) -> tuple[Layer, ...]:
    return (Flatten("flatten"), Dense("fc", n_classes, gain=1.0))


def _mlp(shape: Shape, n_classes: int) -> tuple[Layer, ...]:
    hidden = [
        layer
        for place, width in enumerate((128, 64), 1)
        for layer in (Dense(f"fc{place}", width), Relu(f"relu{place}"), Dropout(f"drop{place}"))
    ]
    return (Flatten("flatten"), *hidden, Dense("fc3", n_classes, gain=1.0))


def _tanh_mlp(shape: Shape, n_classes: int) -> tuple[Layer, ...]:
    hidden = [layer for place in range(1, 3) for layer in (Dense(f"fc{place}", 24, gain=1.0), Tanh(f"tanh{place}"))]
    return (Flatten("flatten"), *hidden, Dense("fc3", n_classes, gain=1.0))


def _keskar_f1(shape: Shape, n_classes: int) -> tuple[Layer, ...]:
    hidden = [
        layer
        for place in range(1, 6)
        for layer in (Dense(f"fc{place}", 512), BatchNorm(f"norm{place}"), Relu(f"relu{place}"))
    ]
    return (Flatten("flatten"), *hidden, Dense("fc6", n_classes, gain=1.0))


linear = Model(
    "linear",
    _linear,
    (28, 28, 1),
    reference="Softmax regression: Bishop, 2006, Pattern recognition and machine learning, section 4.3.4",
    remarks="Its loss is convex.",
)
mlp = Model(
    "mlp",
    _mlp,
    (28, 28, 1),
    reference="Rumelhart, Hinton & Williams, 1986, Learning representations by back-propagating errors",
    remarks="Hidden layers of 128 and 64; dropout behind each is off unless a rate is given.",
)
tanh_mlp = Model(
    "tanh_mlp",
    _tanh_mlp,
    (40, 1),
    reference="Cohen et al., 2021, Gradient descent on neural networks typically occurs at the edge of stability, "
    "arXiv:2103.00065: fully connected networks with tanh, there of width 200",
    remarks="Small and smooth, for measures of curvature: hidden layers of 24 with tanh.",
)
keskar_f1 = Model(
    "keskar_f1",
    _keskar_f1,
    (28, 28, 1),
    reference="Keskar et al., 2017, On large-batch training for deep learning, arXiv:1609.04836, table 1",
    remarks="Five hidden layers of 512 with batch normalization. The published code normalizes by batches in testing "
    "too; a pass with train=True does so.",
)
