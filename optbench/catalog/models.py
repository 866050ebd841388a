"""The models by name: one literal line each, with the input and the parameters that a test counts."""

from __future__ import annotations

from dataclasses import dataclass

from optbench.catalog.entry import Entry


@dataclass(frozen=True, slots=True)
class ModelEntry(Entry):
    """One line of the catalogue of models.

    Attributes:
        input_shape: Shape of an example where none is given, channels last.
        parameters: Trained numbers for that input, biases among them.
    """

    input_shape: tuple[int, ...]
    parameters: int


_CONVOLUTIONAL = "optbench.tasks.models.convolutional"
_DENSE = "optbench.tasks.models.fully_connected"
_KESKAR = "optbench.tasks.models.keskar"
_FEWER = "optbench.tasks.models.fewer_parameters"

MODELS: tuple[ModelEntry, ...] = (
    ModelEntry("linear", _DENSE, "fully connected", "softmax regression", (28, 28, 1), 7_850),
    ModelEntry("mlp", _DENSE, "fully connected", "two hidden layers, 128 and 64", (28, 28, 1), 109_386),
    ModelEntry("tanh_mlp", _DENSE, "fully connected", "two hidden layers of 24 with tanh", (40, 1), 1_834),
    ModelEntry(
        "keskar_f1", _DENSE, "fully connected", "Keskar's F1: five layers of 512, batch norm", (28, 28, 1), 1_462_794
    ),
    ModelEntry("lenet", _CONVOLUTIONAL, "convolutional", "LeNet-5 with ReLU and maximum pooling", (28, 28, 1), 61_706),
    ModelEntry("conv1d", _CONVOLUTIONAL, "convolutional", "three convolutions of stride 2, in 1-D", (40, 1), 5_210),
    ModelEntry("vgg", _CONVOLUTIONAL, "convolutional", "stacks of 3 x 3 with batch norm", (28, 28, 1), 147_642),
    ModelEntry("keskar_c1", _KESKAR, "convolutional", "Keskar's C1: AlexNet-like for CIFAR", (32, 32, 3), 1_757_834),
    ModelEntry("keskar_c1_small", _KESKAR, "convolutional", "C1 in small, without batch norm", (32, 32, 3), 111_178),
    ModelEntry("keskar_c2", _KESKAR, "convolutional", "Keskar's C2: VGG-like for CIFAR", (32, 32, 3), 14_991_946),
    ModelEntry("keskar_c2_small", _KESKAR, "convolutional", "C2 in small, without batch norm", (32, 32, 3), 235_378),
    ModelEntry("bottleneck", _FEWER, "fewer parameters", "1 x 1 convolutions around 3 x 3", (28, 28, 1), 21_738),
    ModelEntry("allconv", _FEWER, "fewer parameters", "convolutions only, strides for poolings", (28, 28, 1), 60_274),
    ModelEntry("alexnet", _FEWER, "fewer parameters", "AlexNet, counted but never built", (227, 227, 3), 60_965_224),
)
