"""Parameters and multiply-adds against counts by hand, and against the arrays that are built."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from optbench import catalog
from optbench.errors import UsageError
from tests.tasks.models.designs import BUILT, INPUTS


def norm(channels):
    return 2 * channels


#: Written from the papers' layers, weights and biases apart, and not from the code.
BY_HAND = {
    "linear": 784 * 10 + 10,
    "mlp": 784 * 128 + 128 + 128 * 64 + 64 + 64 * 10 + 10,
    "tanh_mlp": 40 * 24 + 24 + 24 * 24 + 24 + 24 * 10 + 10,
    "keskar_f1": 784 * 512 + 4 * 512 * 512 + 5 * 512 + 5 * norm(512) + 512 * 10 + 10,
    "lenet": (25 * 6 + 6) + (25 * 6 * 16 + 16) + (5 * 5 * 16 * 120 + 120) + (120 * 84 + 84) + (84 * 10 + 10),
    "conv1d": (5 * 25 + 25) + 2 * (3 * 25 * 25 + 25) + (5 * 25 * 10 + 10),
    "vgg": (9 * 16 + 16)
    + (9 * 16 * 16 + 16)
    + (9 * 16 * 32 + 32)
    + (9 * 32 * 32 + 32)
    + (9 * 32 * 64 + 64)
    + (9 * 64 * 64 + 64)
    + 2 * (norm(16) + norm(32) + norm(64))
    + (3 * 3 * 64 * 128 + 128 + norm(128))
    + (128 * 10 + 10),
    "keskar_c1": (25 * 3 * 64 + 64)
    + (25 * 64 * 64 + 64)
    + 2 * norm(64)
    + (8 * 8 * 64 * 384 + 384 + norm(384))
    + (384 * 192 + 192 + norm(192))
    + (192 * 10 + 10),
    "keskar_c1_small": (25 * 3 * 16 + 16)
    + (25 * 16 * 16 + 16)
    + (8 * 8 * 16 * 96 + 96)
    + (96 * 48 + 48)
    + (48 * 10 + 10),
    "keskar_c2": (9 * 3 * 64 + 9 * 64 * 64)
    + (9 * 64 * 128 + 9 * 128 * 128)
    + (9 * 128 * 256 + 2 * 9 * 256 * 256)
    + (9 * 256 * 512 + 2 * 9 * 512 * 512)
    + 3 * 9 * 512 * 512
    + 3 * (2 * 64 + 2 * 128 + 3 * 256 + 6 * 512)
    + (512 * 512 + 512 + norm(512))
    + (512 * 10 + 10),
    "keskar_c2_small": (9 * 3 * 8 + 9 * 8 * 8)
    + (9 * 8 * 16 + 9 * 16 * 16)
    + (9 * 16 * 32 + 2 * 9 * 32 * 32)
    + (9 * 32 * 64 + 2 * 9 * 64 * 64)
    + 3 * 9 * 64 * 64
    + (2 * 8 + 2 * 16 + 3 * 32 + 6 * 64)
    + (64 * 64 + 64)
    + (64 * 10 + 10),
    "bottleneck": (9 * 32 + 32 + norm(32))
    + (32 * 16 + 16 + norm(16) + 9 * 16 * 16 + 16 + norm(16) + 16 * 64 + 64 + norm(64))
    + (64 * 32 + 32 + norm(32) + 9 * 32 * 32 + 32 + norm(32) + 32 * 128 + 128 + norm(128))
    + (128 * 10 + 10),
    "allconv": (9 * 24 + 24)
    + (9 * 24 * 24 + 24)
    + (9 * 24 * 48 + 48)
    + 2 * (9 * 48 * 48 + 48)
    + (48 * 48 + 48)
    + (48 * 10 + 10),
    # 61.0 million; the weights of the paper's layers after the last pooling.
    "alexnet": 34_848
    + 307_200
    + 884_736
    + 663_552
    + 442_368
    + 6 * 6 * 256 * 4096
    + 4096 * 4096
    + 4096 * 1000
    + (96 + 256 + 384 + 384 + 256 + 4096 + 4096 + 1000),
}


@pytest.mark.parametrize("entry", catalog.MODELS, ids=lambda entry: entry.name)
def test_parameters_are_those_counted_by_hand_and_listed(entry):
    model = catalog.model(entry.name)
    rows = model.table()
    assert sum(row.weights + row.biases for row in rows) == BY_HAND[entry.name] == entry.parameters
    assert entry.input_shape == model.input_shape
    assert model.reference


@pytest.mark.parametrize("shape", INPUTS)
@pytest.mark.parametrize("entry", BUILT, ids=lambda entry: entry.name)
def test_arrays_hold_what_the_table_says(entry, shape):
    model = catalog.model(entry.name)
    try:
        rows = model.table(shape, 7)
    except UsageError:
        # Images for 1-D models and the other way around; every model takes at least one of the inputs.
        assert len(shape) - 1 not in model.axes
        return
    network, stats = model.build(np.random.default_rng(0), shape, 7)
    assert network.size == sum(row.weights + row.biases for row in rows)
    for row, arrays in zip(rows, network.params, strict=True):
        assert sum(array.size for name, array in arrays.items() if name == "bias") == row.biases
        assert sum(array.size for name, array in arrays.items() if name != "bias") == row.weights
    assert {leaf.dtype for leaf in jax.tree.leaves((network, stats))} == {np.dtype("float32")}
    out = jax.eval_shape(lambda net, s: net(np.zeros((3, *shape), np.float32), s, train=False)[0], network, stats)
    assert (out.shape, out.dtype) == ((3, 7), np.dtype("float32"))


def test_alexnet_is_counted_as_in_the_notes():
    model = catalog.model("alexnet")
    weights = [row.weights for row in model.recounted().values() if row.weights]
    by_hand = [
        11 * 11 * 3 * 48 * 2,
        5 * 5 * 48 * 128 * 2,
        3 * 3 * (128 * 2) * (192 * 2),
        3 * 3 * 192 * 192 * 2,
        3 * 3 * 192 * 128 * 2,
        (13 * 13 * 128 * 2) * (2048 * 2),
        (2048 * 2) * (2048 * 2),
        (2048 * 2) * 1000,
    ]
    assert weights == by_hand
    # 35k is rounded, all others are cut off.
    assert [f"{n // 1000}k" if n < 10**6 else f"{n // 10**6}M" for n in weights] == [
        *("34k", "307k", "884k", "663k", "442k"),
        *("177M", "16M", "4M"),
    ]
    after_pooling = [row.weights for row in model.table() if row.weights]
    assert [a for a, b in zip(after_pooling, by_hand, strict=True) if a != b] == [9216 * 4096]


def test_alexnet_has_the_shapes_of_the_paper():
    shapes = {row.name: row.shape for row in catalog.model("alexnet").table()}
    assert [shapes[f"conv{k}"] for k in range(1, 6)] == [
        (55, 55, 96),
        (27, 27, 256),
        (13, 13, 384),
        (13, 13, 384),
        (13, 13, 256),
    ]
    assert (shapes["pool5"], shapes["flatten"]) == ((6, 6, 256), (9216,))


def test_multiply_adds_of_lenet_by_hand():
    rows = catalog.model("lenet").table()
    assert [row.multiply_adds for row in rows if row.multiply_adds] == [
        28 * 28 * 25 * 6,
        10 * 10 * 25 * 6 * 16,
        400 * 120,
        120 * 84,
        84 * 10,
    ]
    network, _ = catalog.model("lenet").build(np.random.default_rng(0))
    assert network.multiply_adds == sum(row.multiply_adds for row in rows)


def test_multiply_adds_of_a_grouped_and_strided_convolution_by_hand():
    rows = {row.name: row.multiply_adds for row in catalog.model("alexnet").table()}
    assert rows["conv1"] == 55 * 55 * 11 * 11 * 3 * 96
    assert rows["conv2"] == 27 * 27 * 5 * 5 * 48 * 256


def test_initial_weights_have_the_variance_of_he_and_of_lecun():
    network, _ = catalog.model("keskar_f1").build(np.random.default_rng(0))
    dense = [arrays for arrays in network.params if arrays and arrays["weight"].ndim == 2]
    for arrays, gain in zip(dense, [2, 2, 2, 2, 2, 1], strict=True):
        fan_in = arrays["weight"].shape[0]
        # 5,120 or more draws: a relative standard error of at most 2 %.
        assert float(arrays["weight"].var()) == pytest.approx(gain / fan_in, rel=0.06)
        assert not np.any(arrays["bias"])


def test_initial_weights_come_from_the_generator():
    def first(seed):
        return np.asarray(catalog.model("lenet").build(np.random.default_rng(seed))[0].params[0]["weight"])

    assert np.array_equal(first(0), first(0))
    assert not np.array_equal(first(0), first(1))
