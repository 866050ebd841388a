"""The preconditioner of each rule against the step that the rule makes, and eigenvalues of ``P^-1 H``."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import eigh

from optbench import catalog, measures
from optbench.core.optimizer import Optimizer
from optbench.errors import UsageError
from optbench.measures.preconditioned import PRECONDITIONED_TOP
from optbench.measures.subject import Subject
from tests.measures.quadratics import quadratic, symmetric

RNG = np.random.default_rng(3)
START = {"a": RNG.normal(size=(2, 3)), "b": RNG.normal(size=4)}
GRADIENTS = [jax.tree.map(lambda leaf: RNG.normal(size=leaf.shape), START) for _ in range(9)]


def run(rule, hyper, steps):
    """The points and the states of a rule that is fed given gradients."""
    values = {name: np.float64(value) for name, value in rule.resolve(hyper).items()}
    params = jax.tree.map(jnp.asarray, START)
    found = [(params, rule.init(params, values))]
    for grad in GRADIENTS[:steps]:
        moved, state, _ = rule.update(*found[-1], jnp.float64(1.0), jax.tree.map(jnp.asarray, grad), values)
        found.append((moved, state))
    return found, values


def means(values, steps, start=0.0):
    """``b1 m + (1 - b1) g`` after some steps."""
    mean = jax.tree.map(lambda leaf: np.full_like(leaf, start), START)
    for grad in GRADIENTS[:steps]:
        mean = jax.tree.map(lambda m, g: values["b1"] * m + (1 - values["b1"]) * g, mean, grad)
    return mean


def mean_of_means(values, steps):
    """Nadam's, with the corrections of its two parts, times that of Adam's."""
    first = 1 - values["b1"] ** steps
    return jax.tree.map(
        lambda m, g: (
            first
            * (
                values["b1"] * m / (1 - values["b1"] ** (steps + 1))
                + (1 - values["b1"]) * g / (1 - values["b1"] ** steps)
            )
        ),
        means(values, steps),
        GRADIENTS[steps - 1],
    )


def gradient(values, steps):
    return GRADIENTS[steps - 1]


def yogi_means(values, steps):
    return means(values, steps, 1e-6)


DIRECTIONS = {
    **dict.fromkeys(("adam", "optax_adam", "adamw", "amsgrad", "adamax", "adamaxw", "adabelief", "radam"), means),
    **dict.fromkeys(("nadam", "nadamw"), mean_of_means),
    "yogi": yogi_means,
    **dict.fromkeys(("adagrad", "rmsprop", "optax_adagrad", "optax_rmsprop"), gradient),
}


@pytest.mark.parametrize("steps", [1, 2, 9])
@pytest.mark.parametrize("name", DIRECTIONS)
def test_the_step_of_a_rule_is_its_direction_divided_by_its_preconditioner(name, steps):
    rule, eps = catalog.optimizer(name), {"eps": 1e-2}
    found, values = run(rule, eps, steps)
    P = measures.preconditioner(rule, found[-1][1], eps)
    made = jax.tree.map(lambda new, old: np.asarray(new) - np.asarray(old), found[-1][0], found[-2][0])
    expected = jax.tree.map(lambda d, p: -values["lr"] * d / p, DIRECTIONS[name](values, steps), P)
    for one, other in zip(jax.tree.leaves(made), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-15)


def test_radam_is_rectified_from_the_sixth_step_on():
    rule = catalog.optimizer("radam")
    plain, rectified = (measures.preconditioner(rule, run(rule, {}, steps)[0][-1][1]) for steps in (5, 6))
    assert np.unique(plain["b"]).shape == (1,)
    assert np.unique(rectified["b"]).shape == (4,)


@pytest.mark.parametrize("steps", [1, 6])
def test_the_centered_rmsprop_divides_what_it_adds_to_its_momentum(steps):
    rule = catalog.optimizer("rmsprop_centered")
    found, values = run(rule, {}, steps)
    P = measures.preconditioner(rule, found[-1][1])
    moves = [
        jax.tree.map(lambda new, old: np.asarray(new) - np.asarray(old), after[0], before[0])
        for before, after in itertools.pairwise(found)
    ]
    last = moves[-2] if steps > 1 else jax.tree.map(np.zeros_like, moves[-1])
    for move, before, g, p in zip(*map(jax.tree.leaves, (moves[-1], last, GRADIENTS[steps - 1], P)), strict=True):
        np.testing.assert_allclose(move - values["momentum"] * before, -values["lr"] * g / p, rtol=1e-8, atol=1e-15)


@pytest.mark.parametrize("around", ["cosine", "warmup", "clip", "decay", "decay+clip+cosine"])
def test_modifiers_that_leave_the_step_leave_its_preconditioner(around):
    rule, bare = catalog.optimizer(f"adam+{around}"), catalog.optimizer("adam")
    hyper = {"clip_norm": 1e6} if "clip" in around else {}
    ours = measures.preconditioner(rule, run(rule, hyper, 4)[0][-1][1], hyper)
    theirs = measures.preconditioner(bare, run(bare, {}, 4)[0][-1][1])
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14)


def test_around_sam_it_is_that_of_the_rule_within():
    rule = catalog.optimizer("adam+sam")
    _, state = run(rule, {}, 4)[0][-1]
    # Two calls make a step, so two of the four gradients are in it.
    bare = catalog.optimizer("adam")
    values = {name: np.float64(value) for name, value in bare.defaults().items()}
    inner = bare.init(START, values)
    for number in (1, 3):
        _, inner, _ = bare.update(START, inner, 0.0, GRADIENTS[number], values)
    ours, theirs = measures.preconditioner(rule, state), measures.preconditioner(bare, inner)
    np.testing.assert_allclose(ours["a"], theirs["a"], rtol=1e-14)


@pytest.mark.parametrize("name", ["sgd", "momentum", "adadelta", "lion", "muon", "adam+lookahead"])
def test_a_rule_without_one_has_none(name):
    rule = catalog.optimizer(name)
    with pytest.raises(
        measures.NotApplicable, match=r"no diagonal preconditioner is known of this rule; it is of adabe"
    ):
        measures.preconditioner(rule, rule.init(START, rule.defaults()))


@pytest.mark.parametrize("name", ["adam", "optax_adam", "radam", "amsgrad", "adamax"])
def test_before_the_first_step_there_is_none(name):
    rule = catalog.optimizer(name)
    with pytest.raises(measures.NotApplicable, match=f"{name}: its preconditioner has entries that are not positive"):
        measures.preconditioner(rule, run(rule, {}, 0)[0][0][1])


def test_a_rule_of_ones_own_has_none_even_under_a_known_name_of_its_function():
    rule = Optimizer("mylab:adam", catalog.optimizer("adam").init, catalog.optimizer("adam").update, {})
    with pytest.raises(measures.NotApplicable, match="mylab:adam: no diagonal preconditioner is known"):
        measures.preconditioner(rule, ())


def test_a_state_of_another_rule_is_refused():
    rule = catalog.optimizer("adam")
    with pytest.raises(UsageError, match="the state has no v and b1_power and b2_power: it is that of another rule"):
        measures.preconditioner(rule, run(catalog.optimizer("adagrad"), {}, 1)[0][-1][1])


@pytest.mark.parametrize("which", ["largest", "smallest", "both"])
def test_eigenvalues_are_those_of_the_pencil(which):
    matrix, diagonal = symmetric(np.linspace(-2, 3, 40)), np.geomspace(1e-3, 10, 40)
    found = measures.preconditioned_eigenvalues(quadratic(matrix), np.ones(40), diagonal, 2, which, tol=1e-10)
    theirs = eigh(matrix, np.diag(diagonal), eigvals_only=True)
    expected = {"largest": theirs[::-1][:2], "smallest": theirs[:2]}
    expected = expected.get(which, np.concatenate([*expected.values()]))
    np.testing.assert_allclose(found.values, expected, rtol=1e-12)


def test_its_leaves_are_those_of_the_point():
    def loss(w):
        return w["a"] @ w["a"] / 2 + 3 * w["b"] ** 2 / 2

    P = {"a": np.array([1.0, 0.25]), "b": np.array(2.0)}
    found = measures.preconditioned_eigenvalues(loss, {"a": [1.0, 2.0], "b": 1.0}, P, 3)
    np.testing.assert_allclose(found.values, [4.0, 1.5, 1.0], rtol=1e-14)


def test_the_measure_needs_the_preconditioner_of_the_run():
    loss, at = quadratic(np.diag([1.0, 2.0, 3.0])), np.ones(3)
    settings = PRECONDITIONED_TOP.resolve({})
    found = PRECONDITIONED_TOP.take(Subject(loss, at, preconditioner=np.array([1.0, 0.5, 2.0])), **settings)
    assert found.estimate == pytest.approx(4, rel=1e-14)
    with pytest.raises(measures.NotApplicable, match="the rule has no diagonal preconditioner, or its state"):
        PRECONDITIONED_TOP.take(Subject(loss, at), **settings)


@pytest.mark.parametrize(
    ("P", "message"),
    [
        (np.ones(2), "the preconditioner must be a pytree of the structure and shapes of the point"),
        ([np.ones(3)], "the preconditioner must be a pytree of the structure and shapes of the point"),
        (np.array([1.0, 0.0, 1.0]), "the preconditioner must be positive; its smallest entry is 0"),
        (np.array([1.0, np.inf, 1.0]), "the preconditioner must be finite; it has numbers that are not"),
    ],
)
def test_what_is_no_preconditioner_is_refused(P, message):
    with pytest.raises(UsageError) as raised:
        measures.preconditioned_eigenvalues(quadratic(np.eye(3)), np.ones(3), P)
    assert str(raised.value) == message
