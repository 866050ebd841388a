"""The convolutional networks of Keskar et al. on batch size, C1 and C2, as published and in small.

The small ones have the same layers with fewer channels, and no batch normalization: the claims that need none (added
noise, rescaling) can be made of them, and ``variants.batch_normalized`` puts it where the published ones have it.
"""

from __future__ import annotations

from collections.abc import Sequence

from optbench.tasks.models.arithmetic import Shape
from optbench.tasks.models.convolution import Convolution
from optbench.tasks.models.dense import Dense, Dropout, Flatten, Relu
from optbench.tasks.models.layer import Layer
from optbench.tasks.models.model import Model
from optbench.tasks.models.normalization import BatchNorm
from optbench.tasks.models.pooling import MaxPool

#: Convolutions of each of C2's stacks.
STACKS = (2, 2, 3, 3, 3)


def _c1(n_classes: int, channels: int, widths: Sequence[int], *, norm: bool) -> tuple[Layer, ...]:
    """Returns two convolutions of 5 x 5, each pooled, and two dense layers; those of C1 drop half of their numbers."""
    layers: list[Layer] = []
    for place in (1, 2):
        layers += [
            Convolution(f"conv{place}", channels, 5, padding=2),
            *_norm(f"norm{place}", norm),
            Relu(f"relu{place}"),
            MaxPool(f"pool{place}", 3, 2, padding=1),
        ]
    layers.append(Flatten("flatten"))
    for place, width in enumerate(widths, 1):
        layers += [
            Dense(f"fc{place}", width),
            *_norm(f"norm{place + 2}", norm),
            Relu(f"relu{place + 2}"),
            Dropout(f"drop{place}", 0.5 if norm else 0.0),
        ]
    return (*layers, Dense("fc3", n_classes, gain=1.0))


def _c2(
    shape: Shape, n_classes: int, channels: Sequence[int], width: int, *, norm: bool, rates: Sequence[float]
) -> tuple[Layer, ...]:
    """Returns five stacks of convolutions of 3 x 3, each pooled, and a dense layer.

    Rates of dropout are those in the first stack, in the other ones, and around the dense layer.
    """
    layers: list[Layer] = []
    side = min(shape[:-1])
    for stack, (size, wide) in enumerate(zip(STACKS, channels, strict=True), 1):
        for place in range(1, size + 1):
            name = f"{stack}_{place}"
            layers += [
                Convolution(f"conv{name}", wide, 3, padding=1),
                *_norm(f"norm{name}", norm),
                Relu(f"relu{name}"),
                Dropout(f"drop{name}", rates[min(stack, 2) - 1]),
            ]
        # No dropout stands before a pooling. Of a single pixel there is nothing to pool.
        layers.pop()
        if side > 1:
            layers.append(MaxPool(f"pool{stack}"))
            side //= 2
    return (
        *layers,
        Flatten("flatten"),
        Dropout("drop6", rates[2]),
        Dense("fc1", width),
        *_norm("norm6", norm),
        Relu("relu6"),
        Dropout("drop7", rates[2]),
        Dense("fc2", n_classes, gain=1.0),
    )


def _norm(name: str, wanted: bool) -> list[Layer]:
    return [BatchNorm(name)] if wanted else []


def _keskar_c1(shape: Shape, n_classes: int) -> tuple[Layer, ...]:
    return _c1(n_classes, 64, (384, 192), norm=True)


def _keskar_c1_small(shape: Shape, n_classes: int) -> tuple[Layer, ...]:
    return _c1(n_classes, 16, (96, 48), norm=False)


def _keskar_c2(shape: Shape, n_classes: int) -> tuple[Layer, ...]:
    return _c2(shape, n_classes, (64, 128, 256, 512, 512), 512, norm=True, rates=(0.3, 0.4, 0.5))


def _keskar_c2_small(shape: Shape, n_classes: int) -> tuple[Layer, ...]:
    return _c2(shape, n_classes, (8, 16, 32, 64, 64), 64, norm=False, rates=(0.0, 0.0, 0.0))


_PAPER = "Keskar et al., 2017, On large-batch training for deep learning, arXiv:1609.04836"
_TESTING = "The code normalizes by batches in testing too; a pass with train=True and a dropout of 0 does so."
_SMALL = (
    "No batch normalization: the regularizer batch_norm puts it where {name} has it. Dropout is off unless a rate is "
    "given, which is then that of all its layers."
)

keskar_c1 = Model(
    "keskar_c1",
    _keskar_c1,
    (32, 32, 3),
    axes=(2,),
    reference=f"{_PAPER}, and its published code (shallownet)",
    remarks="As in the code: strides of 1 and poolings of 3 with stride 2, where the paper writes a stride of 2. "
    f"Poolings are padded by 1 at both ends, which gives the code's sizes. {_TESTING}",
)
keskar_c1_small = Model(
    "keskar_c1_small",
    _keskar_c1_small,
    (32, 32, 3),
    axes=(2,),
    reference=f"{_PAPER}, network C1",
    remarks=f"A quarter of C1's channels and widths: 16 for 64, 96 for 384, 48 for 192. {_SMALL.format(name='C1')}",
)
keskar_c2 = Model(
    "keskar_c2",
    _keskar_c2,
    (32, 32, 3),
    axes=(2,),
    reference=f"{_PAPER}, and its published code (deepnet); after Simonyan & Zisserman, 2015, Very deep convolutional "
    "networks, arXiv:1409.1556",
    remarks="As in the code: five stacks, dropout of 0.3 or 0.4 between the convolutions of each, 0.5 around the dense "
    f"layer. Smaller images than 32 x 32 are pooled as long as they have more than a pixel. {_TESTING}",
)
keskar_c2_small = Model(
    "keskar_c2_small",
    _keskar_c2_small,
    (32, 32, 3),
    axes=(2,),
    reference=f"{_PAPER}, network C2",
    remarks="An eighth of C2's channels: 8 for 64, and so on to 64 for 512, with a dense layer of 64 for 512. "
    f"{_SMALL.format(name='C2')}",
)
