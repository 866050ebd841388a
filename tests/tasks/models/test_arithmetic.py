"""Sizes of outputs: by trying every place of a kernel, and the errors."""

from __future__ import annotations

import itertools
import re

import pytest

from optbench import catalog
from optbench.errors import UsageError
from optbench.tasks.models.arithmetic import output_shape, output_size, parse_shape


def counted(n, kernel, stride, padding, dilation):
    """Returns at how many places all pixels that the kernel looks at are there."""
    pixels = range(-padding, n + padding)
    return sum(
        all(start + dilation * k in pixels for k in range(kernel)) for start in range(-padding, n + padding, stride)
    )


@pytest.mark.parametrize("n", [1, 5, 8, 28])
def test_size_is_the_number_of_places(n):
    for kernel, stride, padding, dilation in itertools.product((1, 2, 3, 5), (1, 2, 3), (0, 1, 2), (1, 2)):
        places = counted(n, kernel, stride, padding, dilation)
        if places:
            assert output_size(n, kernel, stride, padding, dilation) == places
        else:
            with pytest.raises(UsageError, match="does not fit"):
                output_size(n, kernel, stride, padding, dilation)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((4, 5), "conv2: a kernel that spans 5 pixels does not fit into 4 with a padding of 0 at each end"),
        ((4, 3, 1, 0, 2), "conv2: a kernel that spans 5 pixels does not fit into 4 with a padding of 0 at each end"),
        ((0, 1), "conv2: size must be an integer of at least 1; got 0"),
        ((4, 0), "conv2: kernel must be an integer of at least 1; got 0"),
        ((4, 1, 0), "conv2: stride must be an integer of at least 1; got 0"),
        ((4, 1, 1, -1), "conv2: padding must be an integer of at least 0; got -1"),
        ((4, 1, 1, 0, 0), "conv2: dilation must be an integer of at least 1; got 0"),
    ],
)
def test_errors_name_the_layer_and_the_number(arguments, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        output_size(*arguments, name="conv2")


def test_shapes():
    assert output_shape((227, 227, 3), 96, 11, 4) == (55, 55, 96)
    assert output_shape((40, 1), 25, 5, 2, 1) == (19, 25)
    with pytest.raises(UsageError, match="conv1: needs an input with spatial axes and channels; got 784"):
        output_shape((784,), 6, 5, name="conv1")
    assert parse_shape("40x1") == (40, 1)
    for text in ("28x", "axb", "0x3", "-1x2", "28X28", "²x1"):
        with pytest.raises(UsageError, match=r"must be positive integers with x between them, such as 28x28x1"):
            parse_shape(text)


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("conv1d", (28, 28, 1), "conv1d: takes inputs of length x channels, such as 40x1; got 28x28x1"),
        ("lenet", (40, 1), "lenet: takes inputs of height x width x channels, such as 28x28x1; got 40x1"),
        ("vgg", (4, 4, 1), "vgg: an input of 4x4x1 does not suit: pool3: a kernel that spans 2 pixels does not fit"),
        ("mlp", (0, 2), "mlp: an input has positive sizes, channels last; got '0x2'"),
    ],
)
def test_what_a_model_cannot_take_is_said(name, shape, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        catalog.model(name).table(shape)


def test_classes_and_definitions_are_checked():
    import numpy as np

    with pytest.raises(UsageError, match="lenet: classes must be at least 2; got 1"):
        catalog.model("lenet").layers(n_classes=1)
    with pytest.raises(UsageError, match="alexnet is a definition only"):
        catalog.model("alexnet").build(np.random.default_rng(0))
