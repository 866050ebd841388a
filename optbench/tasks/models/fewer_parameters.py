"""From AlexNet's fully connected layers to none: AlexNet as a definition, 1 x 1 convolutions, convolutions only."""

from __future__ import annotations

from optbench.tasks.models.arithmetic import Shape
from optbench.tasks.models.convolution import Convolution
from optbench.tasks.models.dense import Dense, Dropout, Flatten, Relu
from optbench.tasks.models.layer import Layer
from optbench.tasks.models.model import Model
from optbench.tasks.models.normalization import BatchNorm
from optbench.tasks.models.pooling import GlobalAverage, MaxPool


def _allconv(shape: Shape, n_classes: int) -> tuple[Layer, ...]:
    # Channels, kernel and stride; All-CNN-C has 96 and 192 channels and one layer of 3 x 3 more in each half.
    sizes = ((24, 3, 1), (24, 3, 2), (48, 3, 1), (48, 3, 2), (48, 3, 1), (48, 1, 1))
    layers: list[Layer] = [Dropout("drop1")]
    for place, (channels, kernel, stride) in enumerate(sizes, 1):
        layers += [
            Convolution(f"conv{place}", channels, kernel, stride, padding=kernel // 2),
            Relu(f"relu{place}"),
        ]
        if stride == 2:
            layers.append(Dropout(f"drop{place // 2 + 1}"))
    return (*layers, Convolution("conv7", n_classes, 1, gain=1.0), GlobalAverage("average"))


def _bottleneck(shape: Shape, n_classes: int) -> tuple[Layer, ...]:
    def normalized(name: str, channels: int, kernel: int) -> list[Layer]:
        return [
            Convolution(f"conv{name}", channels, kernel, padding=kernel // 2),
            BatchNorm(f"norm{name}"),
            Relu(f"relu{name}"),
        ]

    layers = normalized("1", 32, 3)
    for place, channels in ((2, 64), (3, 128)):
        layers += [
            MaxPool(f"pool{place - 1}"),
            *normalized(f"{place}_reduce", channels // 4, 1),
            *normalized(f"{place}_look", channels // 4, 3),
            *normalized(f"{place}_expand", channels, 1),
        ]
    return (*layers, GlobalAverage("average"), Dropout("drop"), Dense("fc", n_classes, gain=1.0))


def _alexnet(*, pooled: bool) -> tuple[Layer, ...]:
    last = (MaxPool("pool5", 3, 2),) if pooled else ()
    return (
        Convolution("conv1", 96, 11, stride=4),
        Relu("relu1"),
        MaxPool("pool1", 3, 2),
        Convolution("conv2", 256, 5, padding=2, groups=2),
        Relu("relu2"),
        MaxPool("pool2", 3, 2),
        Convolution("conv3", 384, 3, padding=1),
        Relu("relu3"),
        Convolution("conv4", 384, 3, padding=1, groups=2),
        Relu("relu4"),
        Convolution("conv5", 256, 3, padding=1, groups=2),
        Relu("relu5"),
        *last,
        Flatten("flatten"),
        Dense("fc1", 4096),
        Relu("relu6"),
        Dropout("drop1", 0.5),
        Dense("fc2", 4096),
        Relu("relu7"),
        Dropout("drop2", 0.5),
    )


def _alexnet_pooled(shape: Shape, n_classes: int) -> tuple[Layer, ...]:
    return (*_alexnet(pooled=True), Dense("fc3", n_classes, gain=1.0))


def _alexnet_unpooled(shape: Shape, n_classes: int) -> tuple[Layer, ...]:
    return (*_alexnet(pooled=False), Dense("fc3", n_classes, gain=1.0))


allconv = Model(
    "allconv",
    _allconv,
    (28, 28, 1),
    axes=(1, 2),
    reference="Springenberg, Dosovitskiy, Brox & Riedmiller, 2015, Striving for simplicity: the all convolutional net, "
    "arXiv:1412.6806, network All-CNN-C",
    remarks="A quarter of its channels. Dropout is off unless a rate is given, which then goes for the input too.",
)
bottleneck = Model(
    "bottleneck",
    _bottleneck,
    (28, 28, 1),
    axes=(2,),
    reference="Lin, Chen & Yan, 2014, Network in network, arXiv:1312.4400; He et al., 2016, Deep residual learning, "
    "arXiv:1512.03385, figure 5",
    remarks="1 x 1 convolutions reduce the channels before each 3 x 3 and expand them behind it; no residual "
    "connections. Dropout is off unless a rate is given.",
)
alexnet = Model(
    "alexnet",
    _alexnet_pooled,
    (227, 227, 3),
    n_classes=1000,
    axes=(2,),
    reference="Krizhevsky, Sutskever & Hinton, 2012, ImageNet classification with deep convolutional neural networks",
    remarks="Two towers: conv2, conv4 and conv5 see half of the channels each. The paper writes 224 pixels, which its "
    "own sizes contradict. Response normalization has no parameters and is left out. 'unpooled' counts fc1 from the "
    "last feature map before its pooling, 13x13x256, as lecture notes do: 35k 307k 884k 663k 442k 177M 16M 4M.",
    definition_only=True,
    recount=("unpooled", _alexnet_unpooled),
)
