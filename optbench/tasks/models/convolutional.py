"""Small convolutional models: LeNet, a 1-D network, a VGG in small."""

from __future__ import annotations

from optbench.tasks.models.arithmetic import Shape
from optbench.tasks.models.convolution import Convolution
from optbench.tasks.models.dense import Dense, Dropout, Flatten, Relu
from optbench.tasks.models.layer import Layer
from optbench.tasks.models.model import Model
from optbench.tasks.models.normalization import BatchNorm
from optbench.tasks.models.pooling import MaxPool


def _lenet(shape: Shape, n_classes: int) -> tuple[Layer, ...]:
    # Digits of 8 x 8 pixels are 4 x 4 before the second convolution, which has 5 x 5.
    second = 0 if min(shape[:-1]) >= 12 else 2
    # The maximum and ReLU commute, and behind the pooling there are a quarter of the numbers.
    return (
        Convolution("conv1", 6, 5, padding=2),
        MaxPool("pool1"),
        Relu("relu1"),
        Convolution("conv2", 16, 5, padding=second),
        MaxPool("pool2"),
        Relu("relu2"),
        Flatten("flatten"),
        Dense("fc1", 120),
        Relu("relu3"),
        Dropout("drop1"),
        Dense("fc2", 84),
        Relu("relu4"),
        Dropout("drop2"),
        Dense("fc3", n_classes, gain=1.0),
    )


def _conv1d(shape: Shape, n_classes: int) -> tuple[Layer, ...]:
    return (
        Convolution("conv1", 25, 5, stride=2, padding=1),
        Relu("relu1"),
        Convolution("conv2", 25, 3, stride=2, padding=1),
        Relu("relu2"),
        Convolution("conv3", 25, 3, stride=2, padding=1),
        Relu("relu3"),
        Flatten("flatten"),
        Dropout("drop1"),
        Dense("fc", n_classes, gain=1.0),
    )


def _vgg(shape: Shape, n_classes: int) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    for stack, channels in enumerate((16, 32, 64), 1):
        for place in (1, 2):
            name = f"{stack}_{place}"
            layers += [
                Convolution(f"conv{name}", channels, 3, padding=1),
                BatchNorm(f"norm{name}"),
                Relu(f"relu{name}"),
                Dropout(f"drop{name}"),
            ]
        # Published order: dropout stands between the convolutions of a stack, not before its pooling.
        layers[-1] = MaxPool(f"pool{stack}")
    return (
        *layers,
        Flatten("flatten"),
        Dropout("drop4"),
        Dense("fc1", 128),
        BatchNorm("norm4"),
        Relu("relu4"),
        Dropout("drop5"),
        Dense("fc2", n_classes, gain=1.0),
    )


lenet = Model(
    "lenet",
    _lenet,
    (28, 28, 1),
    axes=(2,),
    reference="LeCun, Bottou, Bengio & Haffner, 1998, Gradient-based learning applied to document recognition",
    remarks="ReLU and maximum pooling for LeNet-5's sigmoids and averages; every channel of conv2 sees all of conv1. "
    "Images below 12 pixels are padded by 2 before conv2 too. Dropout is off unless a rate is given.",
)
conv1d = Model(
    "conv1d",
    _conv1d,
    (40, 1),
    axes=(1,),
    reference="Greydanus & Kobak, 2024, Scaling down deep learning with MNIST-1D, arXiv:2011.14439",
    remarks="Strides instead of poolings. Dropout is off unless a rate is given.",
)
vgg = Model(
    "vgg",
    _vgg,
    (28, 28, 1),
    axes=(2,),
    reference="Simonyan & Zisserman, 2015, Very deep convolutional networks, arXiv:1409.1556; Keskar et al., 2017, "
    "network C2",
    remarks="Three stacks of two convolutions for C2's five of two to three, a quarter of their channels, and a dense "
    "layer of 128 for 512. Dropout stands where C2 has it, and is off unless a rate is given.",
)
