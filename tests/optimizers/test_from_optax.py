"""Each optax optimizer of the catalogue against optax driven by hand, and the adapter for factories of a user."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from optax import contrib

from optbench import catalog
from optbench.errors import UsageError
from optbench.optimizers.from_optax import adopted, from_optax
from tests.optimizers.by_hand import BY_HAND, drive, sam
from tests.stepping import Oracle, step

STEPS = 200
#: Compilation is nearly all that these tests do.
QUICKLY = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
#: Rates at which the test function is followed for 200 steps without chaos; the others take 0.01.
RATES = {
    "optax_sgd": 3e-3, "optax_momentum": 1e-3, "optax_nesterov": 1e-3, "noisy_sgd": 3e-3, "reduce_on_plateau": 3e-3,
    "optimistic_gradient_descent": 2e-3, "optax_lbfgs": 0.2, "lars": 0.3, "polyak_sgd": 1e-2, "optax_adadelta": 1.0,
    "simplified_ademamix": 1e-4, "prodigy": 1.0, "dadapt_adamw": 1.0, "dog": 1.0, "dowg": 0.7, "cocob": 1.0,
    "mechanize": 1.0, "momo": 1e-2, "schedule_free_sgd": 3e-3, "optax_lookahead": 3e-3, "optax_sam": 3e-3,
    "acprop": 3e-3, "adafactor": 1e-2, "optax_adagrad": 0.1,
}  # fmt: skip


def valley(x):
    """Rosenbrock's function with a shallower valley, so that errors of rounding are not blown up."""
    return jnp.sum(5 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2) + 0.3


def lanes_of(rule):
    """Returns two settings: the defaults, and one in which every hyperparameter differs."""
    first = {**rule.defaults(), "lr": RATES.get(rule.name, 1e-2)}
    second = {}
    for name, h in rule.hyper.items():
        moved = 0.9 * first[name] if first[name] else 0.02
        if h.high == 1.0:
            # Means that forget ten percent faster: a share of 0.9 times 0.999 would be another rule.
            moved = 1 - 1.1 * (1 - first[name])
        if name.startswith("eps") and first[name] < 1e-10:
            moved = 1e-6
        if name in {"f_min", "lower_bound"}:
            # Above the minimum, so that it shortens steps and not the cap on them alone does.
            moved = 2.0
        second[name] = moved if h.allows(moved) else 1.1 * first[name]
    return [first, second]


def start(dim):
    return np.linspace(-0.7, 0.9, dim) ** 3 + 0.1


def follow(rule, f, x0, hypers, steps):
    """Runs a rule in lanes, with traced hyperparameters, in one compiled loop; returns iterates and points."""
    values = {name: jnp.array([h[name] for h in hypers]) for name in rule.hyper}
    x = jnp.tile(jnp.asarray(x0), (len(hypers), 1))

    @functools.partial(jax.jit, compiler_options=QUICKLY)
    def run(x, values):
        state = jax.vmap(rule.init)(x, values)

        def call(carry, _):
            x, state, point = carry
            value, grad = jax.vmap(jax.value_and_grad(f))(point)
            x, state, point = jax.vmap(rule.update)(x, state, value, grad, values)
            return (x, state, point), (x, point)

        return state, jax.lax.scan(call, (x, state, x), length=steps)[1]

    state, (judged, points) = run(x, values)
    return [np.concatenate([x[None], part]).swapaxes(0, 1) for part in (judged, points)], state


def assert_is_optax(name, dim, lanes):
    rule, x0 = catalog.optimizer(name), start(dim)
    hypers = lanes_of(rule)
    (judged, points), state = follow(rule, valley, x0, hypers, STEPS)
    for lane in lanes:
        more = {"key": jax.random.wrap_key_data(key_data(state)[lane])} if name == "noisy_sgd" else {}
        expected = drive(name, valley, x0, hypers[lane], STEPS, **more)
        for ours, theirs in zip((judged[lane], points[lane]), expected, strict=True):
            assert np.all(np.isfinite(theirs))
            assert np.max(np.abs(ours - theirs)) <= 1e-10 * np.max(np.abs(theirs)), hypers[lane]
    assert np.max(np.abs(judged[0] - judged[1])) > 1e-8


def key_data(state):
    return next(leaf for leaf in jax.tree.leaves(state) if leaf.dtype == jnp.uint32)


@pytest.mark.parametrize("name", BY_HAND)
def test_entry_is_optax_driven_by_hand(name):
    """In dimension 7, two lanes at once, the one compared in which every hyperparameter differs from its default."""
    assert_is_optax(name, 7, [1])


@pytest.mark.slow
@pytest.mark.parametrize("dim", [2, 7])
@pytest.mark.parametrize("name", BY_HAND)
def test_entry_is_optax_driven_by_hand_in_each_lane(name, dim):
    assert_is_optax(name, dim, [0, 1])


@pytest.mark.parametrize("name", BY_HAND)
def test_state_keeps_shapes_and_types_and_every_hyperparameter_is_traced(name):
    rule = catalog.optimizer(name)
    for dim in (1, 5):
        x = jax.ShapeDtypeStruct((dim,), jnp.float64)
        scalar = jax.ShapeDtypeStruct((), jnp.float64)
        values = dict.fromkeys(rule.hyper, scalar)
        state = jax.eval_shape(rule.init, x, values)
        params, moved, point = jax.eval_shape(rule.update, x, state, scalar, x, values)
        assert jax.tree.structure(moved) == jax.tree.structure(state)
        for before, after in zip(jax.tree.leaves(state), jax.tree.leaves(moved), strict=True):
            assert (before.shape, before.dtype, before.weak_type) == (after.shape, after.dtype, False)
            assert not jnp.issubdtype(before.dtype, jax.dtypes.prng_key)
        assert (params.shape, params.dtype) == (point.shape, point.dtype) == ((dim,), jnp.float64)


@pytest.mark.parametrize("name", BY_HAND)
def test_entry_documents_itself(name):
    rule = catalog.optimizer(name)
    assert rule.swept in rule.hyper
    assert "$$" in rule.doc
    assert "Reference" in rule.doc
    tuned = [h for h in rule.hyper.values() if h.search]
    assert rule.hyper[rule.swept].search in [h.search for h in tuned]
    assert len(tuned) <= 4
    for h in rule.hyper.values():
        assert h.source
        assert h.allows(h.default)
        assert h.search is None or (h.search.source and h.allows(h.search.low) and h.allows(h.search.high))
    assert all(h.default == 0 for key, h in rule.hyper.items() if "weight_decay" in key)
    assert all(not h.told for h in rule.hyper.values())


def test_sam_is_judged_where_optax_is_in_opaque_mode():
    """optax's opaque mode never shows the perturbed point: its parameters are the judged iterates."""
    hyper, x0 = {"lr": 3e-3, "rho": 0.05, "eps": 1e-6}, start(3)
    rule = catalog.optimizer("optax_sam")
    (judged, _), _ = follow(rule, valley, x0, [hyper, hyper], 40)
    grad = jax.grad(valley)
    transform, x = sam(**hyper, opaque=True), jnp.asarray(x0)
    state = transform.init(x)
    for index in range(20):
        assert np.max(np.abs(judged[0, 2 * index] - x)) < 1e-13
        assert np.array_equal(judged[0, 2 * index], judged[0, 2 * index + 1])
        with jax.numpy_dtype_promotion("standard"):
            updates, state = transform.update(grad(x), state, x, grad_fn=lambda p, _: grad(p))
        x = x + updates
    assert rule.evals_per_step == 2


def test_lookahead_moves_once_in_five_gradients():
    rule = catalog.optimizer("optax_lookahead")
    (judged, points), _ = follow(rule, valley, start(3), [{"lr": 3e-3, "slow_step_size": 0.5}], 20)
    moved = np.flatnonzero(np.any(np.diff(judged[0], axis=0) != 0, axis=1)) + 1
    assert list(moved) == [5, 10, 15, 20]
    np.testing.assert_allclose(judged[0, moved], points[0, moved], rtol=1e-14)


def test_noise_of_the_optimizer_differs_between_starts_and_repeats_itself():
    rule = catalog.optimizer("noisy_sgd")
    values = rule.defaults()
    keys = [key_data(rule.init(jnp.array(x), values)) for x in ([1.0, 2.0], [1.0, 2.0], [2.0, 1.0], [1.0, 2.5])]
    assert np.array_equal(keys[0], keys[1])
    assert len({tuple(np.asarray(key)) for key in keys}) == 3


def test_coinciding_entries_coincide_to_the_last_bit():
    """Protocol, section 4: on vectors muon is nadam, and without decay adamw is Adam."""
    x0, lr = start(4), {"lr": 0.01}
    for names in (["muon", "nadam"], ["adamw", "optax_adam"], ["galore", "optax_adam"], ["adamaxw", "adamax"]):
        rules = map(catalog.optimizer, names)
        paths = [follow(rule, valley, x0, [{**rule.defaults(), **lr}], 60)[0][0] for rule in rules]
        assert np.array_equal(*paths), names


# ---- a user's own


def friction(learning_rate, mu=0.9, nesterov=False):
    """Heavy ball under other names."""
    return optax.sgd(learning_rate, momentum=mu, nesterov=nesterov)


def own_names(step_size=0.25, shift=-3.0):
    return optax.chain(optax.add_decayed_weights(0.0), optax.sgd(step_size * (1 + 0 * shift)))


def incomplete(learning_rate, rho, warmup):
    return optax.sgd(learning_rate * rho)


def searching(learning_rate=1.0):
    return optax.chain(optax.sgd(learning_rate), optax.scale_by_backtracking_linesearch(max_backtracking_steps=3))


def not_optax(learning_rate=1.0):
    return learning_rate


def raising(learning_rate=1.0):
    raise ValueError("no such thing")


bound = functools.partial(optax.adam, learning_rate=0.5, b1=0.8)
finished = optax.adam(0.05)
number = 3
HERE = "tests.optimizers.test_from_optax"


def test_a_factory_s_signature_gives_its_hyperparameters():
    rule = catalog.optimizer(f"{HERE}:friction")
    assert rule.name == f"{HERE}:friction"
    assert rule.defaults() == {"lr": 0.01, "mu": 0.9}
    assert "names no default" in rule.hyper["lr"].source
    assert (rule.hyper["lr"].search.low, rule.hyper["lr"].search.high) == (1e-3, 1e2)
    assert rule.doc == "Heavy ball under other names."
    hyper = {"lr": 1e-3, "mu": 0.5}
    (judged, _), _ = follow(rule, valley, start(3), [hyper], 30)
    expected = follow(catalog.optimizer("momentum"), valley, start(3), [{"lr": 1e-3, "beta": 0.5}], 30)[0][0]
    np.testing.assert_allclose(judged, expected, rtol=1e-13)


def test_a_rate_under_another_name_is_lr():
    rule = catalog.optimizer(f"{HERE}:own_names")
    assert rule.defaults() == {"lr": 0.25, "shift": -3.0}
    assert rule.hyper["shift"].allows(-1e9)
    assert rule.swept == "lr"


def test_what_partial_binds_stays_bound_but_its_rate_is_a_default():
    rule = catalog.optimizer(f"{HERE}:bound")
    assert rule.defaults() == {"lr": 0.5, "b2": 0.999, "eps": 1e-8, "eps_root": 0.0}
    path = follow(rule, valley, start(3), [{**rule.defaults(), "lr": 0.01}], 30)[0][0]
    adam = catalog.optimizer("optax_adam")
    expected = follow(adam, valley, start(3), [{**adam.defaults(), "lr": 0.01, "b1": 0.8}], 30)[0][0]
    np.testing.assert_allclose(path, expected, rtol=1e-13)


def test_a_finished_transformation_runs_with_its_own_numbers():
    rule = catalog.optimizer(f"{HERE}:finished")
    assert rule.defaults() == {"lr": 1.0}
    path = follow(rule, valley, start(3), [{"lr": 1.0}, {"lr": 0.5}], 30)[0][0]
    adam = catalog.optimizer("optax_adam")
    both = [{**adam.defaults(), "lr": 0.05}, {**adam.defaults(), "lr": 0.025}]
    np.testing.assert_allclose(path, follow(adam, valley, start(3), both, 30)[0][0], rtol=1e-12)


def test_a_name_gives_the_same_object_each_time():
    assert catalog.optimizer(f"{HERE}:friction") is catalog.optimizer(f"{HERE}:friction")
    assert catalog.optimizer("optax:adam").name == "optax:adam"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("incomplete", r"'rho' has no default; bind it.*\n.*'warmup' has no default"),
        ("not_optax", "it returns a float"),
        ("raising", "it raises ValueError: no such thing"),
        ("number", "it is a int"),
        ("np", "it is a module"),
        ("UsageError", "it is a type"),
    ],
)
def test_what_is_no_factory_is_refused_in_one_message(name, message):
    with pytest.raises(UsageError, match=message) as caught:
        catalog.optimizer(f"{HERE}:{name}")
    assert "must be an optbench Optimizer, an optax transformation or a callable that returns one" in str(caught.value)


def test_a_line_search_inside_update_is_refused():
    rule = adopted(searching, "mine:searching")
    x = jnp.ones(2)
    with pytest.raises(UsageError, match="must be written as an optbench Optimizer"):
        rule.update(x, rule.init(x, {"lr": 1.0}), jnp.ones(()), x, {"lr": 1.0})


def test_a_transformation_with_a_random_key_keeps_it_as_numbers():
    rule = from_optax(optax.chain(optax.add_noise(1.0, 0.0, key=7), optax.sgd(0.1)))
    x, values = jnp.zeros(3), {"lr": 1.0}
    state = rule.init(x, values)
    assert key_data(state).shape == (2,)
    first, state, _ = rule.update(x, state, jnp.zeros(()), x, values)
    second, _, _ = rule.update(x, state, jnp.zeros(()), x, values)
    assert not np.allclose(first, second)


def test_sophia_is_optax_driven_by_hand_and_pays_for_its_products():
    """optax takes the product of the function itself; here it comes through the point, in calls that are counted."""
    rule, x0, steps = catalog.optimizer("sophia"), jnp.asarray(start(5)), 60
    hyper = lanes_of(rule)[1]
    state = rule.init(x0, hyper)
    estimator = contrib.hutchinson_estimator_diag_hessian(key_data(state))
    theirs = {("learning_rate" if name == "lr" else name): value for name, value in hyper.items()}
    transform = contrib.sophia(**theirs, hessian_diagonal_fn=estimator)

    @jax.jit
    def by_hand(x, inner):
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            updates, inner = transform.update(jax.grad(valley)(x), inner, x, obj_fn=valley)
            return optax.apply_updates(x, updates), inner

    objective = Oracle(valley, jax.value_and_grad(valley))

    @jax.jit
    def ours(x, state, point):
        return step(rule, objective, x, state, hyper, point=point)

    x, inner, params, point = x0, transform.init(x0), x0, (x0, jnp.zeros(5))
    costs = []
    for _ in range(steps):
        x, inner = by_hand(x, inner)
        params, state, point, info = ours(params, state, point)
        costs.append((int(info.grad_evals), int(info.hvps), int(info.cost)))
        assert np.max(np.abs(params - x)) < 1e-13
    assert costs == [(1, 1, 3) if index % 10 == 0 else (1, 0, 1) for index in range(steps)]
    assert np.max(np.abs(x - x0)) > 0.1
