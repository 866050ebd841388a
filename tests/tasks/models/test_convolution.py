"""Both ways of convolution against a loop over places, and against each other with their gradients."""

from __future__ import annotations

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from optbench.errors import UsageError
from optbench.tasks.models import convolution
from optbench.tasks.models.convolution import WAYS, convolve, way
from tests.tasks.models.designs import error

CASES = [
    # spatial sizes, kernel, stride, padding
    ((7,), (3,), 1, 0),
    ((8,), (3,), 1, 1),
    ((8,), (5,), 2, 1),
    ((9,), (2,), 3, 2),
    ((6, 6), (3, 3), 1, 1),
    ((7, 5), (3, 2), 1, 0),
    ((8, 8), (5, 5), 1, 2),
    ((8, 7), (3, 3), 2, 1),
    ((5, 5), (1, 1), 1, 0),
    ((9, 9), (1, 1), 2, 0),
    ((11, 11), (5, 5), 4, 0),
]


def operands(spatial, kernel, dtype=np.float64):
    rng = np.random.default_rng(0)
    return rng.standard_normal((3, *spatial, 4)).astype(dtype), rng.standard_normal((*kernel, 3, 2)).astype(dtype)


def by_loops(x, weight, stride, padding):
    """Returns the sum of the definition, place by place."""
    kernel = weight.shape[:-2]
    x = np.pad(x, [(0, 0), *[(padding, padding)] * len(kernel), (0, 0)])
    places = [(n - k) // stride + 1 for n, k in zip(x.shape[1:-1], kernel, strict=True)]
    out = np.zeros((weight.shape[-1], *places, x.shape[-1]))
    for at in itertools.product(*map(range, places)):
        for k in itertools.product(*map(range, kernel)):
            seen = x[(slice(None), *(stride * p + q for p, q in zip(at, k, strict=True)))]
            out[(slice(None), *at)] += weight[k].T @ seen
    return out


@pytest.mark.parametrize("by", WAYS)
@pytest.mark.parametrize(("spatial", "kernel", "stride", "padding"), CASES)
def test_convolution_is_the_sum_of_its_definition(by, spatial, kernel, stride, padding):
    x, weight = operands(spatial, kernel)
    ours = convolve(jnp.asarray(x), jnp.asarray(weight), stride=stride, padding=padding, by=by)
    assert error(ours, by_loops(x, weight, stride, padding)) < 1e-13


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("spatial", "kernel", "stride", "padding"), CASES)
def test_both_ways_have_the_same_values_and_gradients(dtype, spatial, kernel, stride, padding):
    arrays = [jnp.asarray(array) for array in operands(spatial, kernel, dtype)]

    @partial(jax.jit, static_argnames="by")
    def everything(x, weight, by):
        out, pull = jax.vjp(lambda x, w: convolve(x, w, stride=stride, padding=padding, by=by), x, weight)
        return out, *pull(jnp.cos(jnp.arange(out.size, dtype=dtype)).reshape(out.shape))

    for ours, theirs in zip(*(everything(*arrays, by=by) for by in WAYS), strict=True):
        assert error(ours, theirs) < (1e-5 if dtype == np.float32 else 1e-13)


@pytest.mark.parametrize(("spatial", "kernel"), [((8,), (3,)), ((6, 8), (3, 5))])
def test_blocks_of_places_change_nothing_but_rounding(monkeypatch, spatial, kernel):
    x, weight = map(jnp.asarray, operands(spatial, kernel))
    bias = jnp.array([0.5, -2.0])

    def everything():
        out, pull = jax.vjp(lambda *arrays: convolve(*arrays, padding=1), x, weight, bias)
        return out, *pull(jnp.cos(jnp.arange(out.size, dtype=out.dtype)).reshape(out.shape))

    blocks = jax.jit(lambda: everything())()
    monkeypatch.setattr(convolution, "BLOCKED", 0)
    for ours, plain in zip(blocks, jax.jit(lambda: everything())(), strict=True):
        assert error(ours, plain) < 1e-13
    assert error(blocks[0] - bias.reshape(-1, *[1] * (x.ndim - 1)), by_loops(x, weight, 1, 1)) < 1e-13


def test_pixels_by_their_places_within_blocks():
    x = np.arange(30).reshape(1, 6, 5, 1)
    found = np.asarray(convolution.in_blocks(jnp.asarray(x), 2))[..., 0]
    assert found.shape == (4, 1, 3, 2)
    for place, (i, j) in enumerate(itertools.product((0, 1), repeat=2)):
        np.testing.assert_array_equal(found[place, 0], x[0, i:6:2, j:4:2, 0])


@pytest.mark.parametrize("by", WAYS)
def test_lanes_with_weights_of_their_own(by):
    x, weight = operands((6, 6), (3, 3))
    weights = np.stack([weight, -weight, 2 * weight])
    lanes = jax.vmap(lambda w: convolve(jnp.asarray(x), w, padding=1, by=by))(jnp.asarray(weights))
    for lane, w in zip(lanes, weights, strict=True):
        assert error(lane, by_loops(x, w, 1, 1)) < 1e-13


def test_the_way_follows_the_backend_and_is_recorded():
    assert [way("cpu"), way("gpu"), way("tpu")] == ["slices", "slices", "xla"]
    lenet = catalog.model("lenet")
    assert lenet.build(np.random.default_rng(0))[0].convolution == way()
    assert lenet.build(np.random.default_rng(0), convolution="xla")[0].convolution == "xla"
    x, weight = operands((5,), (3,))
    with pytest.raises(UsageError, match="unknown way of convolution 'slice'; did you mean 'slices'"):
        convolve(jnp.asarray(x), jnp.asarray(weight), by="slice")


def test_a_kernel_that_does_not_fit_is_refused():
    x, weight = operands((2, 6), (3, 3))
    with pytest.raises(UsageError, match="a kernel that spans 3 pixels does not fit into 2"):
        convolve(jnp.asarray(x), jnp.asarray(weight))
