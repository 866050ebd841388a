"""The searches themselves, and what every rule that searches must do."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench.optimizers import line_search as ls
from optbench.optimizers.conjugate import nonlinear_cg
from optbench.optimizers.descent import gd_armijo, gd_wolfe
from optbench.optimizers.newton import newton, newton_cg
from optbench.optimizers.quasi_newton import lbfgs
from tests.optimizers import plain
from tests.optimizers.machines import CASES, case, deviations, drive, function, lanes, quadratic
from tests.stepping import Oracle, step

RULES = {rule.name: rule for rule in (gd_armijo, gd_wolfe, nonlinear_cg, lbfgs, newton_cg, newton)}
WRONG = function(lambda x: jnp.sum(x * x), sign=-1.0)
WALL = function(lambda x: jnp.sum(-jnp.log(1 - x * x) + 0.5 * x))


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("of", CASES)
def test_the_machine_asks_what_the_textbook_loops_ask(name, of):
    apart = deviations(RULES[name], of, 105)
    assert len(apart) >= 9
    assert np.all(apart < 1e-10), f"call {np.flatnonzero(~(apart < 1e-10))[0]} of {len(apart)}"


HYPERS = {
    "gd_armijo": {"lr": [1e-3, 0.1, 30.0], "c1": [1e-4, 0.3, 0.01], "shrink": [0.5, 0.3, 0.8], "growth": [2.0, 1, 4]},
    "gd_wolfe": {"lr": [1e-3, 0.1, 30.0], "c2": [0.9, 0.1, 0.5]},
    "nonlinear_cg": {"lr": [1e-3, 0.1, 30.0], "c2": [0.1, 0.01, 0.4]},
    "lbfgs": {"lr": [1e-3, 0.1, 30.0], "c2": [0.9, 0.1, 0.5]},
    "newton_cg": {"lr": [1.0, 0.1, 3.0], "c1": [1e-4, 0.3, 0.01]},
    "newton": {"lr": [1.0, 0.1, 3.0], "c1": [1e-4, 0.3, 0.01]},
}


@pytest.mark.parametrize("name", RULES)
def test_lanes_of_other_starts_and_numbers_run_as_if_alone(name):
    of, x0 = case("beale")
    starts = x0 + np.array([[0.0, 0.0], [1.0, -1.5], [-3.0, -1.0]])
    both = lanes(RULES[name], of, starts, 60, {key: np.array(values) for key, values in HYPERS[name].items()})
    assert len({tuple(both.steps[:, i]) for i in range(3)}) == 3, "each lane must be in a phase of its own"
    for i, start in enumerate(starts):
        alone = drive(RULES[name], of, start, 60, {key: float(values[i]) for key, values in HYPERS[name].items()})
        assert np.array_equal(both.steps[:, i], alone.steps)
        np.testing.assert_allclose(both.points[:, i], alone.points, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", RULES)
def test_the_iterate_moves_only_to_a_point_that_was_asked_for_and_never_up(name):
    of, x0 = case("rosenbrock")
    log = drive(RULES[name], of, x0, 100)
    moves = log.accepted
    assert len(moves) >= 10
    np.testing.assert_allclose(log.after[moves], log.points[moves], rtol=1e-15)
    values = np.array([of.value_and_grad(x)[0] for x in log.after])
    assert np.all(np.diff(values) <= 0)
    completed = np.append(log.steps[1:], RULES[name].counts(log.state).steps) - log.steps
    assert np.all(completed[moves] == 1)
    assert set(completed) <= {0, 1}


@pytest.mark.parametrize("name", RULES)
def test_calls_are_gradients_and_twice_the_products(name):
    """Every call either serves its gradient or is one half of a product; the machine's own phases are not asked."""
    rule, (of, x0) = RULES[name], case("rosenbrock")
    log = drive(rule, of, x0, 40)
    products = (log.directions != 0).any(axis=1)
    trials = (log.points != log.x).any(axis=1)
    done = int(rule.counts(log.state).steps)
    last = np.flatnonzero(log.steps < done)[-1]
    used = 1 + trials[: last + 1].sum() + 2 * products[: last + 1].sum()
    assert used == last + 1
    assert log.hvps[last] == products[: last + 1].sum()
    assert products.any() == rule.curved


@pytest.mark.parametrize("name", RULES)
def test_step_takes_the_steps_of_the_machine_at_their_cost(name):
    rule, (of, x0) = RULES[name], case("rosenbrock")
    log = drive(rule, of, x0, 80)
    objective = Oracle(of.f, jax.value_and_grad(of.f))
    hyper = {key: jnp.float64(value) for key, value in rule.defaults().items()}
    move = jax.jit(functools.partial(step, rule, objective))
    x = jnp.asarray(x0)
    state, point, calls = rule.init(x, hyper), (x, jnp.zeros_like(x)) if rule.curved else x, 0
    for _ in range(6):
        before, (x, state, point, info) = x, move(x, state, hyper, point=point)
        calls += int(info.cost)
        assert float(info.value) == float(of.f(before))
        assert info.cost == info.grad_evals + 2 * info.hvps
        np.testing.assert_allclose(x, log.x[calls], rtol=1e-9)
        assert int(rule.counts(state).steps) == log.steps[calls] == log.steps[calls - 1] + 1


@pytest.mark.parametrize("name", RULES)
def test_trials_without_a_value_are_rejected(name):
    log = drive(RULES[name], WALL, np.array([0.3, -0.9]), 120, {"lr": 64.0})
    assert not np.all(np.isfinite(log.values)), "some trial must lie behind the wall"
    assert all(np.all(np.isfinite(leaf)) for leaf in (log.points, log.x, *jax.tree.leaves(log.state)))
    # 2x/(1 - x^2) = -1/2
    np.testing.assert_allclose(log.after[-1], 2 - np.sqrt(5), rtol=1e-6)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("start", [0.0, 5.0], ids=["stationary", "without a value"])
def test_a_start_that_leads_nowhere_is_kept_forever(name, start):
    of = function(lambda x: jnp.sum(x * x)) if start == 0 else WALL
    log = drive(RULES[name], of, np.full(2, start), 300)
    assert np.all(log.points == start)
    assert np.all(log.after == start)
    assert log.steps[-1] > 40
    assert all(np.all(~np.isnan(leaf)) for leaf in jax.tree.leaves(log.state))


@pytest.mark.parametrize("name", RULES)
def test_a_gradient_that_does_not_descend_ends_in_failed_searches_and_no_step(name):
    x0 = np.array([1.0, 1.2])
    log = drive(RULES[name], WRONG, x0, 90, {"lr": 1e-3})
    assert np.all(log.after == x0)
    assert log.steps[-1] >= 2
    tried = np.flatnonzero((log.points != log.x).any(axis=1))
    assert np.all(np.diff(np.linalg.norm(log.points[tried[:12]] - x0, axis=1)) < 0)


@pytest.mark.parametrize("name", RULES)
def test_a_tree_moves_as_its_vector_and_state_keeps_its_types(name):
    rule, (of, x0) = RULES[name], case("beale")
    hyper = {key: jnp.float64(value) for key, value in rule.defaults().items()}
    tree = {"a": jnp.asarray(x0[:1]), "b": jnp.asarray(x0[1])}

    def told(point):
        return jax.value_and_grad(lambda t: of.f(jnp.stack([t["a"][0], t["b"]])))(point)

    @jax.jit
    def call(tree, state, point):
        if not rule.curved:
            return rule.update(tree, state, *told(point), hyper)
        (value, grad), (_, product) = jax.jvp(told, (point[0],), (point[1],))
        return rule.update(tree, state, value, (grad, product), hyper)

    log, state = drive(rule, of, x0, 12), rule.init(tree, hyper)
    point = (tree, jax.tree.map(jnp.zeros_like, tree)) if rule.curved else tree
    for i in range(12):
        at = point[0] if rule.curved else point
        np.testing.assert_allclose([at["a"][0], at["b"]], log.points[i], rtol=1e-9)
        tree, new, point = call(tree, state, point)
        assert jax.tree.structure(new) == jax.tree.structure(state)
        pairs = zip(jax.tree.leaves(new), jax.tree.leaves(state), strict=True)
        assert all((a.shape, a.dtype) == (b.shape, b.dtype) for a, b in pairs)
        state = new
    assert {leaf.dtype for leaf in jax.tree.leaves(state)} == {jnp.dtype(jnp.int32), jnp.dtype(jnp.float64)}


@pytest.mark.parametrize("name", RULES)
def test_rule_documents_itself(name):
    rule = RULES[name]
    assert "$$" in rule.doc
    assert "Reference" in rule.doc
    assert max(map(len, rule.doc.splitlines())) <= 120
    assert all(h.source and h.allows(h.default) for h in rule.hyper.values())
    drawn = [h.search for h in rule.hyper.values() if h.search]
    assert all(
        h.allows(h.search.low) and h.allows(h.search.high) and h.search.source for h in rule.hyper.values() if h.search
    )
    assert len(drawn) <= 4
    assert np.isclose(np.log10(rule.hyper["lr"].search.high / rule.hyper["lr"].search.low), 5)


def more_thuente(alpha, kind):
    """Returns value and slope of functions 1 to 3 of More and Thuente 1994, section 5."""
    if kind == 1:
        return -alpha / (alpha**2 + 2), (alpha**2 - 2) / (alpha**2 + 2) ** 2
    if kind == 2:
        return (alpha + 0.004) ** 5 - 2 * (alpha + 0.004) ** 4, (alpha + 0.004) ** 3 * (5 * alpha + 0.02 - 8)
    beta, length = 0.01, 39
    bend = np.pi * length / 2
    if alpha <= 1 - beta:
        smooth, slope = 1 - alpha, -1.0
    elif alpha >= 1 + beta:
        smooth, slope = alpha - 1, 1.0
    else:
        smooth, slope = (alpha - 1) ** 2 / (2 * beta) + beta / 2, (alpha - 1) / beta
    return (
        smooth + (1 - beta) / bend * np.sin(bend * alpha),
        slope + (1 - beta) * np.cos(bend * alpha),
    )


@functools.cache
def _judge():
    return jax.jit(ls.strong_wolfe), jax.jit(ls.begin)


def search(phi, alpha, c1, c2):
    """Runs one search and returns the trials, the last state and how it ended."""
    judge, begin = _judge()
    x = jnp.zeros(1)
    f0, s0 = (jnp.float64(part) for part in phi(0.0))
    line, outcome = judge(ls.zero_wolfe(x), f0, s0, c1, c2)
    assert bool(outcome.first)
    line = begin(line, outcome, f0, s0, jnp.float64(alpha))
    tried = []
    for _ in range(ls.MAX_TRIALS + 1):
        tried.append(float(line.alpha))
        f, s = (jnp.float64(part) for part in phi(tried[-1]))
        line, outcome = judge(line, f, s, c1, c2)
        if bool(outcome.accepted) or bool(outcome.failed):
            return tried, line, outcome
    raise AssertionError("the search does not end")


@pytest.mark.parametrize("kind", [1, 2, 3])
@pytest.mark.parametrize("alpha", [1e-3, 1e-1, 1e1, 1e3])
@pytest.mark.parametrize(("c1", "c2"), [(1e-4, 0.9), (1e-4, 0.1), (0.1, 0.1)])
def test_the_strong_wolfe_conditions_hold_on_the_functions_of_more_and_thuente(kind, alpha, c1, c2):
    tried, _, outcome = search(lambda a: more_thuente(a, kind), alpha, c1, c2)
    (f0, s0), (f, s) = more_thuente(0.0, kind), more_thuente(tried[-1], kind)
    assert bool(outcome.accepted)
    assert len(tried) <= ls.MAX_TRIALS
    assert f <= f0 + c1 * tried[-1] * s0
    assert abs(s) <= -c2 * s0


def test_trials_on_ripples_are_those_of_the_textbook_loops():
    """Ripples have points that fulfill the Armijo condition and still lie above the lowest one."""
    rng, above = np.random.default_rng(7), 0
    for _ in range(40):
        height, length = rng.uniform(0.2, 1.5), rng.uniform(2, 8)

        def phi(a, height=height, length=length):
            slope = -1 + 0.05 * a + height * np.sin(length * a)
            return -a + 0.025 * a * a + height * (1 - np.cos(length * a)) / length, slope

        asked = []

        def heard(a, asked=asked, phi=phi):
            asked.append(a)
            return *phi(a), None

        alpha = 10 ** rng.uniform(-1, 1.5)
        with np.errstate(invalid="ignore"):
            plain.wolfe_search(heard, *phi(0.0), alpha, 1e-4, 1e-3)
        tried, _, _ = search(phi, alpha, 1e-4, 1e-3)
        np.testing.assert_allclose(tried, asked, rtol=1e-7)
        values = np.array([phi(a)[0] for a in tried])
        above += bool(np.any(values[1:-1] > np.minimum.accumulate(values)[:-2]))
    assert above >= 10


def test_a_parabola_is_solved_by_the_first_cubic():
    phi = lambda a: ((a - 3.0) ** 2, 2 * (a - 3.0))  # noqa: E731
    for alpha, trials in ((1.0, 2), (20.0, 2), (0.9, 2), (3.0, 1), (0.01, 5)):
        tried, _, _ = search(phi, alpha, 1e-4, 1e-6)
        assert (len(tried), round(tried[-1], 9)) == (trials, 3.0)
    # Advances are limited to four times the last one.
    np.testing.assert_allclose(np.diff(search(phi, 0.01, 1e-4, 1e-6)[0])[:4], [0.04, 0.16, 0.64, 2.15], rtol=1e-12)


def test_without_end_in_sight_the_last_trial_is_taken():
    tried, line, outcome = search(lambda a: (-a, -1.0), 1.0, 1e-4, 0.9)
    assert len(tried) == ls.MAX_TRIALS
    assert bool(outcome.accepted)
    assert float(line.alpha) == tried[-1] == pytest.approx(sum(4.0**i for i in range(ls.MAX_TRIALS)), rel=1e-12)


def test_where_the_second_condition_cannot_hold_the_lowest_trial_is_asked_for_again():
    kink = lambda a: (abs(a - 1.0), 1.0 if a > 1 else -1.0)  # noqa: E731
    tried, line, outcome = search(kink, 5.0, 1e-4, 0.5)
    assert bool(outcome.accepted)
    values = [kink(a)[0] for a in tried]
    assert len(tried) in {ls.MAX_TRIALS, ls.MAX_TRIALS + 1}
    assert values[-1] == min(values) < 1e-3
    assert float(line.alpha) == tried[-1]


def test_a_search_without_an_armijo_point_fails_with_a_smaller_trial():
    tried, line, outcome = search(lambda a: (a, -1.0), 1.0, 1e-4, 0.9)
    assert bool(outcome.failed)
    assert not bool(outcome.accepted)
    assert len(tried) == ls.MAX_TRIALS
    assert 0 < float(line.alpha) < tried[-1] < 1e-3


def test_the_bracket_is_halved_where_it_ends_without_a_value():
    phi = lambda a: ((a - 1.0) ** 2, 2 * (a - 1.0)) if a < 2 else (np.inf, 0.0)  # noqa: E731
    tried, _, _ = search(phi, 12.0, 1e-4, 0.1)
    np.testing.assert_allclose(tried, [12, 6, 3, 1.5, 1.0])


def test_the_cubic_s_minimizer_is_a_root_of_its_derivative():
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(200):
        p = np.polynomial.Polynomial(rng.normal(size=4))
        a, b = rng.normal(size=2)
        roots = [r.real for r in p.deriv().roots() if abs(r.imag) == 0 and p.deriv(2)(r.real) > 0]
        probes = [ls.Probe(*(jnp.float64(v) for v in (t, p(t), p.deriv()(t)))) for t in (a, b)]
        ours = float(ls.minimizer(*probes))
        assert len(roots) == np.isfinite(ours)
        if roots:
            found += 1
            assert ours == pytest.approx(roots[0], rel=1e-6, abs=1e-6)
    assert 50 < found < 200


def test_the_first_trial_predicts_the_decrease_of_the_last_step():
    rescaled = lambda *numbers: float(ls.rescaled(*(jnp.float64(v) for v in numbers)))  # noqa: E731
    assert rescaled(0.5, -8.0, -2.0) == 2.0
    assert rescaled(0.5, 0.0, 0.0) == rescaled(0.5, -1.0, 0.0) == rescaled(0.5, -1.0, 3.0) == 0.5
    assert rescaled(1e20, -1e20, -1.0) == ls.LARGEST


def test_values_and_gradients_that_are_not_finite_are_replaced_together():
    for value, grad in ((np.nan, [1.0, 2.0]), (1.0, [np.inf, 0.0]), (1.0, [np.nan, 0.0]), (-np.inf, [1.0, 1.0])):
        f, g = ls.seen(jnp.float64(value), jnp.array(grad))
        assert (float(f), g.tolist()) == (np.inf, [0.0, 0.0])
    f, g = ls.seen(jnp.float64(2.0), jnp.array([3.0, 4.0]))
    assert (float(f), g.tolist()) == (2.0, [3.0, 4.0])


def test_the_quadratic_has_its_minimum_where_the_tests_believe():
    of, a, b = quadratic()
    np.testing.assert_allclose(of.value_and_grad(np.linalg.solve(a, b))[1], 0, atol=1e-12)
