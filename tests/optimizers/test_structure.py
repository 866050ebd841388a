"""The seven rules are written for any tree of arrays: the parts move as the one vector that they form together.

What holds for every rule of the catalogue is in ``test_conformance.py``.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from tests.optimizers.notes import HYPER
from tests.stepping import Oracle, step

RULES = sorted(HYPER)
TREE = {
    "layers": [{"w": np.arange(6.0).reshape(2, 3) - 2.5, "b": np.array([0.5, -1.0])}, {"w": np.array([[1.5]])}],
    "scale": np.float64(0.75),
}


def flat(tree):
    return jnp.concatenate([jnp.reshape(leaf, (-1,)) for leaf in jax.tree.leaves(tree)])


def loss(tree):
    x = flat(tree)
    return jnp.sum(jnp.arange(1.0, x.size + 1) * (x - 1.0) ** 2) + jnp.sum(x[1:] * x[:-1])


ORACLE = Oracle(loss, jax.value_and_grad(loss))


def ends(rule, params, steps=20):
    hyper = {name: np.float64(value) for name, value in HYPER[rule.name].items()}
    state, point = rule.init(params, hyper), params
    for _ in range(steps):
        params, state, point, _ = step(rule, ORACLE, params, state, hyper, point=point)
    return params, state, point


@pytest.mark.parametrize("name", RULES)
def test_a_tree_moves_as_its_concatenated_vector(name):
    rule = catalog.optimizer(name)
    tree = jax.tree.map(jnp.asarray, TREE)
    parts, state, point = ends(rule, tree)
    whole, whole_state, whole_point = ends(rule, flat(tree))
    assert jax.tree.structure(parts) == jax.tree.structure(tree) == jax.tree.structure(point)
    assert not np.array_equal(flat(parts), flat(tree))
    # XLA may contract multiply-adds differently for other shapes: equal up to that rounding.
    np.testing.assert_allclose(flat(parts), whole, rtol=1e-13)
    np.testing.assert_allclose(flat(point), whole_point, rtol=1e-13)
    for part, leaf in zip(state, whole_state, strict=True):
        np.testing.assert_allclose(flat(part), flat(leaf), rtol=1e-12)


@pytest.mark.parametrize("name", RULES)
def test_state_keeps_its_structure_shapes_and_types(name):
    rule = catalog.optimizer(name)
    tree = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), TREE)
    hyper = {key: np.float32(value) for key, value in HYPER[name].items()}
    state = rule.init(tree, hyper)
    params, moved, point = rule.update(tree, state, np.float32(0), tree, hyper)
    for before, after in ((state, moved), (tree, params), (tree, point)):
        assert jax.tree.structure(before) == jax.tree.structure(after)
        assert [leaf.shape for leaf in jax.tree.leaves(before)] == [leaf.shape for leaf in jax.tree.leaves(after)]
        assert {leaf.dtype for leaf in jax.tree.leaves(after)} <= {jnp.dtype(jnp.float32)}


@pytest.mark.parametrize("name", RULES)
def test_state_starts_at_zero(name):
    rule = catalog.optimizer(name)
    state = rule.init(np.array([3.0, 4.0]), {key: np.float64(v) for key, v in HYPER[name].items()})
    for field, leaf in zip(getattr(state, "_fields", ()), state, strict=True):
        assert np.all(np.asarray(leaf) == (1.0 if field.endswith("_power") else 0.0)), field


@pytest.mark.parametrize("name", RULES)
def test_a_zero_gradient_without_history_moves_nothing(name):
    rule = catalog.optimizer(name)
    x, hyper = np.array([3.0, 4.0]), {key: np.float64(v) for key, v in HYPER[name].items()}
    params, _, point = rule.update(x, rule.init(x, hyper), np.float64(0), np.zeros(2), hyper)
    assert np.array_equal(params, x)
    assert np.array_equal(point, x)
