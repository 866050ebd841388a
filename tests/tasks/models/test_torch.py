"""One training step of every model against the same step written in torch, with the same numbers in its arrays."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from optbench.tasks.models.convolution import Convolution
from optbench.tasks.models.dense import Dense, Dropout, Flatten, Relu, Tanh
from optbench.tasks.models.normalization import BatchNorm
from optbench.tasks.models.pooling import GlobalAverage, MaxPool
from tests.tasks.models.designs import BUILT, INPUTS, batch, error, loss

pytestmark = pytest.mark.oracle
torch = pytest.importorskip("torch")

RATE = 0.1


def module(layer, shape, params):
    """Returns torch's layer with our numbers in it."""
    functions = {Relu: torch.nn.ReLU, Tanh: torch.nn.Tanh, Flatten: torch.nn.Flatten, Dropout: torch.nn.Identity}
    if type(layer) in functions:
        return functions[type(layer)]()
    axes = len(shape) - 1
    if isinstance(layer, GlobalAverage):
        pool = {1: torch.nn.AdaptiveAvgPool1d, 2: torch.nn.AdaptiveAvgPool2d}[axes](1)
        return torch.nn.Sequential(pool, torch.nn.Flatten())
    if isinstance(layer, MaxPool):
        return {1: torch.nn.MaxPool1d, 2: torch.nn.MaxPool2d}[axes](layer.size, layer.stride, layer.padding)
    if isinstance(layer, Convolution):
        kind = {1: torch.nn.Conv1d, 2: torch.nn.Conv2d}[axes]
        made = kind(shape[-1], layer.channels, layer.kernel, layer.stride, layer.padding)
    elif isinstance(layer, Dense):
        made = torch.nn.Linear(shape[0], layer.width)
    else:
        assert isinstance(layer, BatchNorm)
        kind = {0: torch.nn.BatchNorm1d, 1: torch.nn.BatchNorm1d, 2: torch.nn.BatchNorm2d}[axes]
        made = kind(shape[-1])
    made = made.to(torch.float64)
    with torch.no_grad():
        made.weight.copy_(torch.tensor(torch_order(params["weight"])))
        made.bias.copy_(torch.tensor(np.asarray(params["bias"])))
    return made


def torch_order(weight):
    """Returns (out, in, *kernel) for our (*kernel, in, out)."""
    weight = np.asarray(weight)
    if weight.ndim == 1:
        return weight
    return np.ascontiguousarray(weight.transpose(weight.ndim - 1, weight.ndim - 2, *range(weight.ndim - 2)))


def stepped(network, stats, x, y, dtype):
    """Returns torch's loss, and what a step of gradient descent leaves in each layer with arrays."""
    shape, modules = network.input_shape, []
    for layer, params in zip(network.layers, network.params, strict=True):
        modules.append(module(layer, shape, params))
        shape = layer.output(shape)
    net = torch.nn.Sequential(*modules).to(dtype)
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE)
    channels_first = np.moveaxis(x, -1, 1)
    out = net(torch.tensor(np.ascontiguousarray(channels_first)).to(dtype))
    value = torch.nn.functional.cross_entropy(out, torch.tensor(y))
    value.backward()
    optimizer.step()
    return value.item(), modules


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("entry", BUILT, ids=lambda entry: entry.name)
def test_a_training_step_is_torch_s(entry, precision):
    shape = entry.input_shape
    assert_step(entry.name, shape, precision)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        pytest.param(entry.name, shape, marks=() if shape == (8, 8, 1) else pytest.mark.slow)
        for entry in BUILT
        for shape in INPUTS
        if shape != entry.input_shape and len(shape) - 1 in (catalog.model(entry.name).axes or (1, 2))
    ],
)
def test_a_training_step_is_torch_s_on_other_inputs(name, shape):
    assert_step(name, shape, "float64")


def assert_step(name, shape, precision):
    network, stats = catalog.model(name).build(np.random.default_rng(1), shape)
    network, stats = jax.tree.map(lambda leaf: leaf.astype(precision), (network, stats))
    x, y = batch(shape)
    x = x.astype(precision)
    step = jax.jit(lambda net, s: jax.value_and_grad(loss, has_aux=True)(net, s, jnp.asarray(x), y, dropout=0.0))
    (value, after), grads = step(network, stats)
    moved = jax.tree.map(lambda p, g: p - RATE * g, network, grads)
    theirs, modules = stepped(network, stats, x, y, getattr(torch, precision))
    # Without rounding the same to the last digits; with it, sums of some thousand terms in two orders.
    bound = 3e-4 if precision == "float32" else 1e-10
    assert value == pytest.approx(theirs, rel=bound)
    for layer, g, p, s, m in zip(network.layers, grads.params, moved.params, after, modules, strict=True):
        for key in g:
            if key == "bias" and normalized(network.layers, layer):
                # The normalization subtracts it again: the gradient is 0, and rounding all there is.
                assert np.abs(g[key]).max() < bound
                continue
            assert error(g[key], torch_to_ours(getattr(m, key).grad, g[key].ndim)) < bound, (layer.name, key)
            assert error(p[key], torch_to_ours(getattr(m, key).detach(), g[key].ndim)) < bound, (layer.name, key)
        if s:
            assert error(s["mean"], m.running_mean.numpy()) < bound
            assert error(s["var"], m.running_var.numpy()) < bound


def torch_to_ours(tensor, ndim):
    array = tensor.numpy()
    return array if ndim == 1 else array.transpose(*range(2, ndim), 1, 0)


def normalized(layers, layer):
    """Returns whether batch normalization follows a layer at once."""
    place = layers.index(layer) + 1
    return place < len(layers) and isinstance(layers[place], BatchNorm)


@pytest.mark.parametrize("name", ["vgg", "keskar_f1"])
def test_evaluation_with_running_statistics_is_torch_s(name):
    shape = (8, 8, 1)
    network, stats = jax.tree.map(
        lambda leaf: leaf.astype("float64"), catalog.model(name).build(np.random.default_rng(1), shape)
    )
    x = batch(shape)[0].astype("float64")
    _, after = network(jnp.asarray(x), stats, train=True)
    ours, unchanged = network(jnp.asarray(x), after, train=False)
    assert all(a is b for a, b in zip(jax.tree.leaves(after), jax.tree.leaves(unchanged), strict=True))
    modules, size = [], shape
    for layer, params in zip(network.layers, network.params, strict=True):
        modules.append(module(layer, size, params))
        size = layer.output(size)
    net = torch.nn.Sequential(*modules).to(torch.float64)
    inputs = torch.tensor(np.ascontiguousarray(np.moveaxis(x, -1, 1)))
    with torch.no_grad():
        net.train()(inputs)
        theirs = net.eval()(inputs)
    assert error(ours, theirs.numpy()) < 1e-12


def test_ghost_batches_are_a_loop_over_parts_in_torch():
    from optbench.tasks.models.normalization import batch_norm

    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 4, 3, 12))
    weight, bias = rng.standard_normal((2, 5))
    running = {"mean": jnp.asarray(rng.standard_normal(5)), "var": jnp.asarray(rng.random(5) + 0.5)}
    ours, after = batch_norm(jnp.asarray(x), jnp.asarray(weight), jnp.asarray(bias), running, ghost=4)
    layer = torch.nn.BatchNorm2d(5).to(torch.float64)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weight))
        layer.bias.copy_(torch.tensor(bias))
        layer.running_mean.copy_(torch.tensor(np.asarray(running["mean"])))
        layer.running_var.copy_(torch.tensor(np.asarray(running["var"])))
        parts = [
            layer(torch.tensor(np.ascontiguousarray(x[..., at : at + 4].transpose(3, 0, 1, 2)))) for at in (0, 4, 8)
        ]
    theirs = torch.cat(parts).numpy().transpose(1, 2, 3, 0)
    assert error(ours, theirs) < 1e-12
    assert error(after["mean"], layer.running_mean.numpy()) < 1e-12
    assert error(after["var"], layer.running_var.numpy()) < 1e-12


@pytest.mark.parametrize(("size", "stride", "padding"), [(2, 2, 0), (3, 3, 0), (3, 2, 0), (3, 2, 1), (2, 1, 0)])
@pytest.mark.parametrize("spatial", [(7,), (8, 9)])
def test_max_pool_is_torch_s_with_its_gradient(size, stride, padding, spatial):
    from optbench.tasks.models.pooling import max_pool

    x = np.random.default_rng(0).standard_normal((3, *spatial, 4))
    ours, pull = jax.vjp(lambda x: max_pool(x, size, stride, padding), jnp.asarray(x))
    given = torch.tensor(np.ascontiguousarray(np.moveaxis(x, -1, 0)), requires_grad=True)
    pool = torch.nn.functional.max_pool1d if len(spatial) == 1 else torch.nn.functional.max_pool2d
    theirs = pool(given, size, stride, padding)
    (theirs**2).sum().backward()
    assert error(ours, np.moveaxis(theirs.detach().numpy(), 0, -1)) == 0
    assert error(pull(2 * ours)[0], np.moveaxis(given.grad.numpy(), 0, -1)) < 1e-14
