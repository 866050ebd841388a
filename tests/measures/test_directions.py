"""Directions: norms filter by filter, what stays, and networks that are the same function."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench.errors import UsageError
from optbench.measures.directions import MODES, cosine, random_direction
from optbench.measures.measure import NotApplicable
from optbench.measures.slices import loss_slice
from optbench.tasks.models.convolutional import conv1d, lenet


def norms(array):
    """Returns the norm of each filter: all that makes one output, which the last axis counts."""
    return np.sqrt((np.asarray(array, np.float64) ** 2).sum(axis=tuple(range(array.ndim - 1))))


@pytest.mark.parametrize(("model", "shape"), [(lenet, (8, 8, 1)), (conv1d, (40, 1))])
def test_filters_have_the_norms_of_the_networks_filters_and_biases_stay(model, shape):
    network, _ = model.build(np.random.default_rng(0), shape, 10)
    direction = random_direction(network, seed=1)
    pairs = list(zip(jax.tree.leaves(network), jax.tree.leaves(direction), strict=True))
    assert {leaf.ndim for leaf, _ in pairs} >= {1, 2}
    for leaf, moved in pairs:
        assert moved.dtype == leaf.dtype
        if leaf.ndim == 1:
            assert not moved.any()
        else:
            np.testing.assert_allclose(norms(moved), norms(leaf), rtol=1e-6)


def test_a_filter_of_a_convolution_has_all_axes_but_the_last():
    """Kernels are (*kernel, channels in, channels out); one of five columns is made a hundred times as large."""
    weight = np.random.default_rng(0).normal(size=(3, 3, 2, 5))
    weight[..., 3] *= 100.0
    before, after = (random_direction({"w": w})["w"] for w in (weight / ([1] * 3 + [100.0] + [1]), weight))
    np.testing.assert_allclose(after[..., 3], 100.0 * before[..., 3], rtol=1e-8)
    np.testing.assert_allclose(np.delete(after, 3, axis=-1), np.delete(before, 3, axis=-1), rtol=1e-12)


def test_modes_scale_one_draw():
    point = {"w": np.random.default_rng(0).normal(size=(4, 3)), "b": np.ones(3)}
    found = {mode: random_direction(point, mode=mode, seed=5) for mode in MODES}
    drawn = found["weight"]["w"] / point["w"]
    for direction in found.values():
        ratio = direction["w"] / drawn if direction is not found["weight"] else np.ones((1, 1))
        assert (ratio > 0).all()
    assert np.linalg.norm(found["layer"]["w"]) == pytest.approx(np.linalg.norm(point["w"]), rel=1e-9)
    assert np.sqrt((found["unit"]["w"] ** 2).sum() + (found["unit"]["b"] ** 2).sum()) == pytest.approx(1.0, rel=1e-12)
    assert all(not found[mode]["b"].any() for mode in MODES if mode != "unit")


def test_a_filter_of_zeros_stays():
    assert not random_direction({"w": np.array([[0.0, 1.0], [0.0, 2.0]])})["w"][:, 0].any()


def test_draws_hang_on_seed_and_number():
    point = np.ones((50, 40))
    same, other, second = (random_direction(point, seed=s, index=k) for s, k in ((0, 0), (1, 0), (0, 1)))
    np.testing.assert_array_equal(same, random_direction(point))
    # Cosines of independent directions are of the size 1/sqrt(n) = 0.022.
    assert abs(cosine(same, other)) < 0.1
    assert abs(cosine(same, second)) < 0.1
    assert cosine(same, same) == pytest.approx(1.0, abs=1e-12)


def relu_loss(weights):
    """Cross-entropy of a network of ReLUs without biases on fixed examples."""
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(40, 6)), rng.integers(0, 3, 40)
    for weight in weights[:-1]:
        x = jnp.maximum(x @ weight, 0.0)
    logits = x @ weights[-1]
    return jnp.mean(jax.nn.logsumexp(logits, axis=1) - jnp.take_along_axis(logits, y[:, None], axis=1)[:, 0])


def curve(loss, point, **settings):
    return loss_slice(loss, point, dimensions=1, points=21, seed=3, **settings).values


@pytest.fixture(scope="module")
def weights():
    rng = np.random.default_rng(1)
    return [rng.normal(size=size) for size in ((6, 8), (8, 5), (5, 3))]


def test_curves_stay_where_layers_are_rescaled(weights):
    """Dinh et al. 2017: factors of product 1 leave the function; so do directions that have the layers' norms."""
    same = [factor * weight for factor, weight in zip((100.0, 0.1, 0.1), weights, strict=True)]
    for mode in ("filter", "layer", "weight"):
        np.testing.assert_allclose(curve(relu_loss, same, mode=mode), curve(relu_loss, weights, mode=mode), rtol=1e-8)
    assert not np.allclose(curve(relu_loss, same, mode="unit"), curve(relu_loss, weights, mode="unit"), rtol=0.1)


def test_curves_along_a_layer_stay_where_its_filters_are_rescaled_and_the_next_layer_undoes_it(weights):
    """A filter's direction is rescaled as it is, by its own factor; a direction of the layer's norm is not."""
    factors = np.exp(np.random.default_rng(2).normal(size=8))
    undone = weights[1] / factors[:, None]

    def along_first(second, mode):
        first = weights[0] if second is weights[1] else weights[0] * factors
        return curve(lambda at: relu_loss([at["w"], second, weights[2]]), {"w": first}, mode=mode)

    np.testing.assert_allclose(along_first(undone, "filter"), along_first(weights[1], "filter"), rtol=1e-8)
    assert not np.allclose(along_first(undone, "layer"), along_first(weights[1], "layer"), rtol=0.01)


def test_curves_along_all_layers_do_not_stay_where_filters_have_factors_of_their_own(weights):
    """What reads the filters is divided row by row, and its own filters are its columns: no norm undoes that."""
    factors = np.exp(np.random.default_rng(2).normal(size=8))
    same = [weights[0] * factors, weights[1] / factors[:, None], weights[2]]
    assert float(relu_loss(same)) == pytest.approx(float(relu_loss(weights)), rel=1e-5)
    assert not np.allclose(curve(relu_loss, same), curve(relu_loss, weights), rtol=0.01)


def test_curves_stay_where_filters_before_batch_normalization_are_rescaled():
    """A normalized filter may have any length, so here nothing has to be undone."""
    rng = np.random.default_rng(3)
    x, point = rng.normal(size=(50, 6)), {"w": rng.normal(size=(6, 8)), "out": rng.normal(size=(8, 2))}

    def loss(at):
        hidden = x @ at["w"]
        hidden = jnp.maximum((hidden - hidden.mean(axis=0, keepdims=True)) / hidden.std(axis=0, keepdims=True), 0.0)
        return jnp.mean((hidden @ at["out"]) ** 2)

    same = {**point, "w": point["w"] * np.exp(rng.normal(size=8))}
    np.testing.assert_allclose(curve(loss, same), curve(loss, point), rtol=1e-8)


def test_what_nothing_would_move_is_not_applicable_and_unknown_modes_are_refused():
    with pytest.raises(NotApplicable, match="mode 'unit' moves all"):
        random_direction(np.ones(3))
    with pytest.raises(UsageError, match="unknown mode 'filters'; did you mean 'filter'"):
        random_direction(np.ones((2, 2)), mode="filters")
