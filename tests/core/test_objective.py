"""Objectives: derivatives, parts, precision, tracers, and what is no point."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench.core import spread
from optbench.core.loss import Given, Loss
from optbench.core.objective import Objective
from optbench.environment import visible_cores
from optbench.errors import UsageError

SPAN = np.int32(0), np.int32(0)
LIKE = {"w": np.zeros((2, 3)), "b": np.zeros(2)}


def tree(seed):
    rng = np.random.default_rng(seed)
    return {"w": rng.normal(size=(2, 3)), "b": rng.normal(size=2)}


def flat(point):
    return np.concatenate([np.ravel(point["b"]), np.ravel(point["w"])])


def residuals(point, x, y):
    return jnp.tanh(point["w"] @ x + point["b"]) - y


def by_hand(x, y):
    """Returns the mean over examples as one function of a flat vector, for dense derivatives."""

    def loss(vector):
        point = {"b": vector[:2], "w": vector[2:].reshape(2, 3)}
        return jnp.mean(jnp.stack([jnp.sum(residuals(point, a, b) ** 2) for a, b in zip(x, y, strict=True)]))

    return loss


@pytest.fixture
def examples():
    rng = np.random.default_rng(7)
    return rng.normal(size=(6, 3)), rng.normal(size=(6, 2))


def in_parts(x, y, size, loss):
    cut = x.reshape(-1, size, 3), y.reshape(-1, size, 2)
    return Objective(loss, LIKE, parts=cut, n=len(x))


LOSS = Loss(lambda point, part: sum(jnp.sum(residuals(point, a, b) ** 2) for a, b in zip(*part, strict=True)))


@pytest.mark.parametrize("size", [6, 3, 2, 1])
def test_value_gradient_and_product_are_those_of_the_whole_mean_however_it_is_cut(examples, size):
    x, y = examples
    objective, expected, at, along = in_parts(x, y, size, LOSS), by_hand(x, y), tree(0), tree(1)
    value, grad = objective.value_and_grad(at)
    assert value == pytest.approx(objective.value(at), rel=1e-15)
    assert value == pytest.approx(float(expected(flat(at))), rel=1e-14)
    np.testing.assert_allclose(flat(grad), jax.grad(expected)(flat(at)), rtol=1e-12)
    hessian = np.asarray(jax.hessian(expected)(flat(at)))
    np.testing.assert_allclose(flat(objective.hvp(at, along)), hessian @ flat(along), rtol=1e-11)


@pytest.mark.parametrize("n", [1, 3, 8, 9])
@pytest.mark.parametrize("size", [None, 3, 1])
def test_products_with_several_vectors_are_those_with_each_alone(examples, size, n):
    x, y = examples
    objective = Objective(LOSS._of, LIKE, shared=((x, y),)) if size is None else in_parts(x, y, size, LOSS)
    vectors = [tree(seed) for seed in range(10, 10 + n)]
    together = objective.hvps(tree(0), {name: np.stack([v[name] for v in vectors]) for name in LIKE})
    for place, vector in enumerate(vectors):
        alone, product = objective.hvp(tree(0), vector), {name: together[name][place] for name in LIKE}
        np.testing.assert_allclose(flat(product), flat(alone), rtol=1e-13, atol=1e-14)


def test_a_product_has_the_same_bits_whatever_its_neighbors(examples):
    objective = in_parts(*examples, 1, LOSS)
    several = {name: np.stack([tree(seed)[name] for seed in range(5)]) for name in LIKE}
    others = {name: np.stack([several[name][4], 1e3 * several[name][1]]) for name in LIKE}
    first, second = objective.hvps(tree(0), several), objective.hvps(tree(0), others)
    assert all(np.array_equal(first[name][4], second[name][0]) for name in LIKE)


@pytest.mark.parametrize("threads", [1, 3])
def test_bits_do_not_depend_on_the_number_of_threads(examples, threads, monkeypatch):
    x, y = (np.tile(part, (6, 1)) for part in examples)
    objective = in_parts(x, y, 2, LOSS)
    assert len(spread.spans(18)) == 5
    expected = jax.tree.leaves((objective.value_and_grad(tree(0)), objective.hvp(tree(0), tree(1))))
    with ThreadPoolExecutor(threads) as pool:
        monkeypatch.setattr(spread, "_pool", lambda: pool)
        found = jax.tree.leaves((objective.value_and_grad(tree(0)), objective.hvp(tree(0), tree(1))))
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_a_sum_in_several_calls_is_the_sum_in_one(examples):
    x, y = (np.tile(part, (6, 1)) for part in examples)
    several, one = in_parts(x, y, 2, LOSS), in_parts(x, y, 36, LOSS)
    assert several.value(tree(0)) == pytest.approx(one.value(tree(0)), rel=1e-14)
    traced = jax.jit(several.value_and_grad)(tree(0))
    for found in (several.value_and_grad(tree(0)), traced):
        np.testing.assert_allclose(flat(found[1]), flat(one.value_and_grad(tree(0))[1]), rtol=1e-12)


def test_what_fails_in_a_thread_is_raised_and_nothing_more_is_begun():
    begun = []

    def call(begin, end):
        begun.append(begin)
        raise RuntimeError(f"part {begin}")

    with pytest.raises(RuntimeError, match="part 0"):
        spread.summed(call, spread.spans(4000))
    assert len(begun) <= 2 * visible_cores()


@pytest.mark.parametrize("name", ["value_and_grad", "hvp", "hvps"])
def test_memory_is_that_of_a_part_however_many_there_are(name):
    taken = []
    for n_parts in (20, 200):
        given = Given((), (np.zeros((n_parts, 50, 3)), np.zeros((n_parts, 50, 2))), np.float64(1), SPAN)
        loss = Loss(lambda point, part: jnp.sum((jnp.tanh(part[0] @ point["w"].T) + point["b"][None] - part[1]) ** 2))
        several = jax.tree.map(lambda leaf: np.zeros((8, *leaf.shape)), LIKE)
        more = {"value_and_grad": (), "hvp": (LIKE,), "hvps": (several, np.int32(8))}[name]
        with jax.enable_x64(True):
            taken.append(loss.compiled(name, given, LIKE, *more).memory_analysis().temp_size_in_bytes)
    assert taken[0] == taken[1] > 0


def test_the_same_question_has_the_same_answer_to_the_last_bit(examples):
    x, y = examples
    first, second = in_parts(x, y, 2, LOSS), in_parts(x, y, 2, Loss(LOSS._of))
    for name, arguments in (("value", (tree(0),)), ("value_and_grad", (tree(0),)), ("hvp", (tree(0), tree(1)))):
        found, again, other = getattr(first, name), getattr(first, name), getattr(second, name)
        answers = [jax.tree.leaves(ask(*arguments)) for ask in (found, again, other)]
        assert all(np.array_equal(a, b) for answer in answers for a, b in zip(answers[0], answer, strict=True))


def test_objectives_of_one_loss_and_one_shape_are_compiled_once(examples):
    traced = []

    def loss(point, scale, part):
        traced.append(1)
        return scale * sum(jnp.sum(residuals(point, a, b) ** 2) for a, b in zip(*part, strict=True))

    x, y = examples
    shared, cut = Loss(loss), (x[None], y[None])
    one, two = (Objective(shared, LIKE, shared=(np.float64(scale),), parts=cut) for scale in (1.0, 2.0))
    assert two.value(tree(0)) == 2.0 * one.value(tree(0))
    n = len(traced)
    assert one.value(tree(1)) * 2.0 == two.value(tree(1))
    assert len(traced) == n


@pytest.mark.parametrize("switch", [True, False])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_numbers_are_of_the_objective_s_type_whatever_the_switch_says(switch, kind):
    with jax.enable_x64(switch):
        objective = Objective(lambda x: jnp.sum(x * x), np.zeros(2, kind))
        value, grad = objective.value_and_grad(np.array([1.0 + 1e-12, 0.0]))
        product = objective.hvp(np.zeros(2), np.array([1.0, 1.0 + 1e-12]))
    assert isinstance(value, float)
    assert (value == 1.0) == (kind is np.float32)
    assert grad.dtype == product.dtype == objective.dtype == kind
    assert (product[0] == product[1]) == (kind is np.float32)


def test_tracers_give_traced_results():
    objective = Objective(lambda x: jnp.sum(x**3), np.zeros(2))
    x, v = jnp.array([1.0, 2.0]), jnp.array([0.0, 1.0])
    assert jax.jit(objective.value)(x) == 9.0
    assert jax.grad(objective.value)(x).tolist() == [3.0, 12.0]
    assert jax.vmap(objective.hvp, in_axes=(None, 0))(x, jnp.stack([v, 2 * v])).tolist() == [[0.0, 12.0], [0.0, 24.0]]
    assert jax.jit(lambda v: objective.hvp(np.array([1.0, 2.0]), v))(v).tolist() == [0.0, 12.0]
    assert jax.jit(objective.hvps)(x, jnp.stack([v, 2 * v])).tolist() == [[0.0, 12.0], [0.0, 24.0]]


def test_an_objective_that_is_made_within_a_trace_stays_usable(examples):
    x, y = examples
    made = []

    @jax.jit
    def traced(scale):
        made.append(in_parts(x, y, 2, LOSS))
        return scale * made[0].value(tree(0))

    with jax.checking_leaks():
        value = float(traced(2.0))
    assert value == pytest.approx(2.0 * in_parts(x, y, 2, LOSS).value(tree(0)), rel=1e-15)
    assert made[0].value_and_grad(tree(0))[0] == pytest.approx(value / 2.0, rel=1e-15)


def test_what_is_no_point_is_refused():
    objective = Objective(lambda point: jnp.sum(point["w"]) + jnp.sum(point["b"]), LIKE, label="mine")
    with pytest.raises(UsageError, match=r"mine: a point has 2 arrays of shapes \(2,\), \(2, 3\); got shape \(8,\)"):
        objective.value(np.zeros(8))
    with pytest.raises(UsageError, match=r"mine: a point has .*; got 2 arrays of shapes \(3,\), \(2, 3\)"):
        objective.value({"w": np.zeros((2, 3)), "b": np.zeros(3)})
    with pytest.raises(UsageError, match="got 1 arrays of shapes"):
        objective.hvp(tree(0), {"w": np.zeros((2, 3))})
    with pytest.raises(UsageError, match="mine: vectors must be equally many in all arrays"):
        objective.hvps(tree(0), {"w": np.zeros((4, 2, 3)), "b": np.zeros((3, 2))})
    with pytest.raises(UsageError, match="mine: a point has"):
        objective.hvps(tree(0), tree(1))


@pytest.mark.parametrize(
    ("like", "said"),
    [({}, "none"), (np.zeros(2, np.int32), "int32"), ((np.zeros(2), np.zeros(2, np.float32)), "float32, float64")],
)
def test_points_of_no_type_or_of_two_are_refused(like, said):
    with pytest.raises(UsageError, match=f"must all be float64 or all float32; got {said}"):
        Objective(lambda point: jnp.zeros(()), like)


def test_values_along_directions_are_those_of_each_point(examples):
    x, y = examples
    objective = in_parts(x, y, 2, LOSS)
    origin, directions = tree(0), [tree(1), tree(2)]
    steps = np.random.default_rng(3).normal(size=(7, 2))
    points = [jax.tree.map(lambda w, a, b, s=s: w + s[0] * a + s[1] * b, origin, *directions) for s in steps]
    expected = [objective.value(point) for point in points]
    np.testing.assert_allclose(objective.values_along(origin, directions, steps), expected, rtol=1e-14)


def test_memory_of_many_points_is_that_of_one():
    """A point is made when its turn comes: 500 of them take their coordinates and their values alone."""
    loss = Loss(lambda x: jnp.sum(jnp.sin(x) ** 2))
    like = np.zeros(4096)
    objective = Objective(loss, like)

    def working_bytes(n):
        steps = np.zeros((n, 1))
        objective.values_along(like, [like], steps)
        with jax.enable_x64(True):
            program = loss.compiled("values_along", objective._given, like, (like,), steps)
        return program.memory_analysis().temp_size_in_bytes

    assert working_bytes(500) < working_bytes(2) + 2 * 500 * 8 + 4096


def test_coordinates_of_another_number_are_refused():
    objective = Objective(lambda x: jnp.sum(x), np.zeros(2), label="mine")
    with pytest.raises(UsageError, match=r"mine: coordinates must have shape \(n, 1\), .* got \(3, 2\)"):
        objective.values_along(np.zeros(2), [np.ones(2)], np.zeros((3, 2)))
