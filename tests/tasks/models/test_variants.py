"""Models of another width: parameters counted by hand, outputs as they were."""

from __future__ import annotations

import numpy as np
import pytest

from optbench import catalog
from optbench.errors import UsageError
from optbench.tasks.models.normalization import BatchNorm
from optbench.tasks.models.variants import batch_normalized, widened


def norm(channels):
    return 2 * channels


#: Widths times a factor, written out by hand.
BY_HAND = {
    ("mlp", 2.0): 784 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10,
    ("mlp", 0.001): 784 * 1 + 1 + 1 + 1 + 10 + 10,
    # 25 channels times 0.5 are 12.5, rounded to the even 12.
    ("conv1d", 0.5): (5 * 12 + 12) + 2 * (3 * 12 * 12 + 12) + (5 * 12 * 10 + 10),
    ("conv1d", 1.5): (5 * 38 + 38) + 2 * (3 * 38 * 38 + 38) + (5 * 38 * 10 + 10),
    ("lenet", 0.5): (25 * 3 + 3) + (25 * 3 * 8 + 8) + (5 * 5 * 8 * 60 + 60) + (60 * 42 + 42) + (42 * 10 + 10),
    ("keskar_f1", 0.25): 784 * 128 + 4 * 128 * 128 + 5 * 128 + 5 * norm(128) + 128 * 10 + 10,
    # The last convolution of 10 channels stays: what follows is a mean over the image.
    ("allconv", 0.5): (9 * 12 + 12)
    + (9 * 12 * 12 + 12)
    + (9 * 12 * 24 + 24)
    + 2 * (9 * 24 * 24 + 24)
    + (24 * 24 + 24)
    + (24 * 10 + 10),
}


@pytest.mark.parametrize(("name", "factor"), BY_HAND)
def test_parameters_are_those_counted_by_hand(name, factor):
    model = widened(catalog.model(name), factor)
    assert sum(row.weights + row.biases for row in model.table()) == BY_HAND[name, factor]
    network, stats = model.build(np.random.default_rng(0))
    assert network.size == BY_HAND[name, factor]
    logits, _ = network(np.zeros((2, *model.input_shape), np.float32), stats, train=False)
    assert logits.shape == (2, 10)


def test_a_factor_of_1_changes_nothing():
    model = catalog.model("vgg")
    assert widened(model, 1.0).layers() == model.layers()
    assert widened(model, 1.0).name == "vgg"


def test_groups_still_divide_the_channels_of_a_grouped_convolution():
    layers = {layer.name: layer for layer in widened(catalog.model("alexnet"), 0.3).layers()}
    assert layers["conv2"].groups == 2
    assert layers["conv2"].channels == 2 * round(128 * 0.3)


@pytest.mark.parametrize("factor", [0.0, -2.0, float("inf"), float("nan"), True])
def test_factors_must_be_positive(factor):
    with pytest.raises(UsageError, match="mlp: the factor of widths must be a positive number"):
        widened(catalog.model("mlp"), factor)


def test_a_model_without_hidden_layers_has_no_other_width():
    with pytest.raises(UsageError, match="linear has no hidden layer"):
        widened(catalog.model("linear"), 2.0).layers()


@pytest.mark.parametrize("name", ["keskar_c1", "keskar_c2"])
def test_small_networks_with_batch_normalization_are_the_published_ones_but_for_widths_and_dropout(name):
    """Layer by layer: the same kinds, kernels, strides and paddings in the same order."""
    published = catalog.model(name).layers()
    small = batch_normalized(catalog.model(f"{name}_small")).layers()
    assert [type(layer) for layer in small] == [type(layer) for layer in published]
    assert [layer.window() for layer in small] == [layer.window() for layer in published]
    assert not any(isinstance(layer, BatchNorm) for layer in catalog.model(f"{name}_small").layers())
    factor = {"keskar_c1": 4, "keskar_c2": 8}[name]
    for a, b in zip(small[:-1], published[:-1], strict=True):
        for key in {"channels", "width"} & set(vars(a)):
            assert getattr(a, key) * factor == getattr(b, key)
