"""What rules see under noise: paths against loops in NumPy, who shares which draw, and what is scored."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from optbench import catalog
from optbench.engine.landscapes.disturb import Streams
from optbench.engine.landscapes.execute import Engine
from optbench.engine.landscapes.record import SEGMENT
from optbench.engine.landscapes.rows import measured
from optbench.engine.landscapes.sharing import Pair, program_key
from optbench.problems.finite_sums.batches import index_stream
from optbench.problems.gradient_flow import gradient_scale
from optbench.problems.noise import Noise
from optbench.problems.units import units_of
from optbench.records import curve_steps
from optbench.suite.landscapes.plan import plan
from optbench.suite.parse import parse
from tests.engine.conftest import group_of
from tests.engine.oracle import FUNCTIONS
from tests.engine.rules import HEARD
from tests.optimizers.notes import RULES

DIM, SEED = 10, 3
SPIES = [f"tests.engine.rules:{name}" for name in ("spy", "spy_of_two", "spy_of_three")]
#: Kind, level and function of the paths that are played again.
PATHS = [
    ("gaussian", 0.3, "sphere"),
    ("gaussian", 1.0, "ellipsoid"),
    ("student", 0.3, "sphere"),
    ("multiplicative", 0.5, "ellipsoid"),
    ("quantized", 1.0, "sphere"),
    ("delay", 3, "sphere"),
    ("delay", 16, "sphere"),
    ("drift", 1.0, "sphere"),
    ("drift", 0.5, "ellipsoid"),
    ("batch", 8, "least_squares"),
    ("batch_replace", 8, "least_squares"),
]
#: Where the ill-conditioned ellipsoid and the late gradients still move without chaos.
RATES = {"sphere": 0.02, "ellipsoid": 1e-3, "least_squares": 0.05}


SUITE = """
name = "s"
version = 1
question = "?"
noise_seeds = 3
starts = {{ tune = 1, report = 2 }}
[grid]
lr = {{ low = 1e-2, high = 1e0, points = 3 }}
[[optimizers]]
name = "sgd"
[[problems]]
name = "sphere"
dim = 10
instance = 1
noise = {noise}
"""


def noisy(name, kind, level):
    return replace(catalog.problem(name, DIM, instance=1), noise=Noise(kind, level))


@pytest.fixture(scope="module")
def engine():
    """An engine for all rules and functions of this module, with room for three starts and two noise seeds."""
    engine = Engine(threads=2)
    problems = [noisy(name, kind, level) for kind, level, name in PATHS]
    problems += [noisy("least_squares", "batch", 256), noisy("ellipsoid", "delay", 1)]
    rules = [catalog.optimizer(name) for name in ("sgd", "momentum", *SPIES)]
    engine.prepare(Pair(problem, rule, 3, 2) for problem in problems for rule in rules)
    assert not engine.faults
    return engine


def noisy_group(name, kind, level, optimizer, rate, *, starts=3, seeds=2, budget=200, seed=SEED, units="normalized"):
    noise = {"kind": kind, "level": float(level)}
    group = group_of(
        name, optimizer, [rate], starts=starts, budget=budget, seed=seed, units=units, dim=DIM, instance=1, noise=noise
    )
    return replace(group, noise_seeds=seeds, trip_cost=group.problem.build().trip_cost)


def run(engine, group):
    ((_, (columns, *_)),) = engine.run([group])
    assert set(columns["status"]) == {"ok"}, columns["message"]
    return columns


def exact(problem):
    """Returns the function without noise in plain NumPy: values and gradients."""
    if problem.name == "least_squares":
        rows, targets = problem.data

        def both(x):
            r = rows @ x - targets
            return 0.5 * np.mean(r * r) + problem.frame().offset, rows.T @ r / len(r)

        return both

    def moved(x):
        value, grad = FUNCTIONS[problem.name](x - problem.frame().shift, *problem.theta)
        return value + problem.frame().offset, grad

    return moved


def replayed(name, kind, level, optimizer, rate, *, split, index, seed, steps, units):
    """Returns the values of the iterates 0 ... steps, worked out by a loop beside no code of the engine."""
    problem = catalog.problem(name, DIM, instance=1)
    both = exact(problem)
    center, width = problem.bounds.mean(axis=1), np.mean(np.diff(problem.bounds))
    unit, weight = (width / 10, 1 / problem.f_scale) if units == "normalized" else (1.0, 1.0)
    middle = center if units == "normalized" else np.zeros(DIM)
    size = gradient_scale(problem) * level / np.sqrt(DIM)
    identity = (SEED, problem.label, split, index, seed)
    draws = None if kind.startswith("batch") or kind == "delay" else Noise(kind, level).draws(identity, 0, steps, DIM)
    order, seen = None, []
    if kind.startswith("batch"):
        label = f"{problem.label}/{seed}"
        order = index_stream(SEED, label, 256, int(level), steps, replace=kind == "batch_replace")
    student = stats.norm.ppf(0.75) / stats.t.ppf(0.75, 1.5)

    def gradient(x, t):
        if order is not None:
            rows, targets = (part[order[t]] for part in problem.data)
            return rows.T @ (rows @ x - targets) / len(rows)
        if kind == "drift":
            return both(x - level * width / 10 / np.sqrt(1000 * DIM) * draws[t])[1]
        g = both(x)[1]
        seen.append(g)
        if kind == "delay":
            return seen[max(t - int(level), 0)]
        if kind == "multiplicative":
            return g * (1 + level * draws[t])
        if kind == "quantized":
            grid = size * np.sqrt(6)
            return grid * np.floor(g / grid + draws[t])
        return g + size * draws[t] * (student if kind == "student" else 1.0)

    t = -1

    def shown(z):
        nonlocal t
        t += 1
        return weight * unit * gradient(middle + unit * z, t)

    hyper = {name: h.default for name, h in catalog.optimizer(optimizer).hyper.items()} | {"lr": rate}
    z0 = (problem.starts(SEED, split, index)[0] - middle) / unit
    iterates = [z0, *RULES[optimizer](shown, z0, steps, **hyper)]
    moved = [scored(problem, kind, level, middle + unit * z, draws, k) for k, z in enumerate(iterates)]
    return np.array([both(x)[0] for x in moved])


def scored(problem, kind, level, x, draws, k):
    """Returns where the noise-free function is scored: where it has drifted to, seen from the iterate."""
    if kind != "drift":
        return x
    walk = np.vstack([draws, draws[-1]])  # of the iterate after the last step the walk's next place is not compared
    return x - level * problem.width / 10 / np.sqrt(1000 * DIM) * walk[k]


@pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
@pytest.mark.parametrize(("kind", "level", "name"), PATHS)
def test_paths_equal_a_loop_in_numpy(engine, kind, level, name, optimizer):
    rate = RATES[name] / (4 if kind == "delay" or optimizer == "momentum" else 1)
    budget = 7 if kind.startswith("batch") else 203
    group = noisy_group(name, kind, level, optimizer, rate, budget=budget)
    columns = run(engine, group)
    points = curve_steps(group.trips)
    assert len(columns["cell_id"]) == 6
    ends = set()
    for row in range(6):
        place = {"split": "report", "index": int(columns["start"][row]), "seed": int(columns["noise_seed"][row])}
        values = replayed(name, kind, level, optimizer, rate, **place, steps=group.trips, units="normalized")
        np.testing.assert_allclose(columns["curve_f"][row], values[list(points)], rtol=1e-12)
        if kind != "drift":
            np.testing.assert_allclose(columns["f_last"][row], values[-1], rtol=1e-12)
            tail = values[-(group.trips // 10) :]
            np.testing.assert_allclose(columns["f_tail"][row], np.median(tail), rtol=1e-12)
        ends.add(values[-1])
    assert len(ends) == (3 if kind == "delay" else 6)


@pytest.mark.parametrize(("kind", "level", "name"), [("gaussian", 0.3, "sphere"), ("drift", 1.0, "sphere")])
def test_paths_across_a_segment_in_raw_units(engine, kind, level, name):
    budget = 2300
    assert budget > SEGMENT
    group = noisy_group(name, kind, level, "sgd", 1e-3, budget=budget, starts=1, units="raw")
    columns = run(engine, group)
    points = list(curve_steps(budget))
    for row in range(2):
        place = {"split": "report", "index": 0, "seed": row}
        values = replayed(name, kind, level, "sgd", 1e-3, **place, steps=budget + 1, units="raw")
        np.testing.assert_allclose(columns["curve_f"][row], values[points], rtol=1e-12)
        np.testing.assert_allclose(columns["f_last"][row], values[budget], rtol=1e-12)


def test_batches_across_a_segment(engine):
    group = noisy_group("least_squares", "batch", 8, "sgd", 0.02, budget=75, starts=1)
    assert SEGMENT < group.trips == 2400
    columns = run(engine, group)
    values = replayed(
        "least_squares", "batch", 8, "sgd", 0.02, split="report", index=0, seed=1, steps=2400, units="normalized"
    )
    np.testing.assert_allclose(columns["curve_f"][1], values[list(curve_steps(2400))], rtol=1e-12)
    np.testing.assert_allclose(columns["f_last"][1], values[-1], rtol=1e-12)


def heard(engine, spy, kind, level, name="sphere", *, budget=HEARD, keys=None, lanes=None, seed=SEED):
    """Returns the gradients and values, in raw units, that a spy was shown at the first reported starts."""
    problem, rule = noisy(name, kind, level), catalog.optimizer(f"tests.engine.rules:{spy}")
    room = engine.programs[program_key(Pair(problem, rule))].spec.room
    batches = problem.noise.is_batch
    keys = keys or (((0,), (1,)) if batches else tuple(("report", i, s) for i in range(3) for s in range(2)))
    streams = Streams(problem, "raw", seed, keys, room, curve_steps(budget))
    task = engine.task(problem, rule, units="raw", budget=budget, streams=streams)
    x0 = np.array([problem.starts(seed, "report", index)[0] for index in range(3) for _ in range(2)])
    lanes = np.arange(6) % (2 if batches else 6) if lanes is None else lanes
    block = task.run(x0, np.array([[0.0]]), budget, threading.Event(), streams=lanes)
    states = list(task.program.states(rule, block.carry))[:6]
    return np.array([s.grads for s in states]), np.array([s.values for s in states]), x0


def noise_free(problem, x0):
    both = [problem.value_and_grad(x) for x in x0]
    return np.array([f for f, _ in both]), np.array([g for _, g in both])


def test_every_evaluation_of_a_step_sees_the_same_draw(engine):
    for kind, level, name in (("gaussian", 0.3, "sphere"), ("batch", 8, "least_squares")):
        one, _, _ = heard(engine, "spy", kind, level, name)
        two, _, _ = heard(engine, "spy_of_two", kind, level, name)
        three, _, _ = heard(engine, "spy_of_three", kind, level, name)
        assert len(np.unique(one[0], axis=0)) == HEARD
        assert np.array_equal(two, one[:, np.arange(HEARD) // 2])
        assert np.array_equal(three, one[:, np.arange(HEARD) // 3])


def test_draws_of_lanes_that_count_their_steps_come_round_after_a_segment(engine):
    """Lanes may be far apart, so a rule that counts its steps does not stand still in the second segment."""
    problem, rule = noisy("sphere", "gaussian", 0.3), catalog.optimizer(SPIES[2])
    room = engine.programs[program_key(Pair(problem, rule))].spec.room
    streams = Streams(problem, "raw", SEED, (("report", 0, 0),), room, ())
    first, second = (streams.segment(trip, None) for trip in (0, SEGMENT))
    assert int(second.first) == int(first.first) == 0
    assert np.array_equal(first.table, second.table)


def test_levels_share_draws_and_seeds_and_starts_do_not(engine):
    sphere = catalog.problem("sphere", DIM, instance=1)
    weak, _, x0 = heard(engine, "spy", "gaussian", 0.1)
    strong, _, _ = heard(engine, "spy", "gaussian", 10.0)
    _, grads = noise_free(sphere, x0)
    noise, louder = weak - grads[:, None], strong - grads[:, None]
    np.testing.assert_allclose(louder, 100 * noise, rtol=1e-9, atol=1e-9 * np.abs(louder).max())
    assert len(np.unique(np.round(noise.reshape(6, -1), 9), axis=0)) == 6
    assert abs(np.corrcoef(noise.reshape(6, -1)) - np.eye(6)).max() < 0.5
    other, _, _ = heard(engine, "spy", "student", 0.1)
    assert not np.allclose(other, weak)


def test_a_starts_draws_do_not_depend_on_company(engine):
    six, _, _ = heard(engine, "spy", "gaussian", 0.3)
    alone, _, _ = heard(engine, "spy", "gaussian", 0.3, keys=(("report", 2, 1),), lanes=np.zeros(6, int))
    assert np.array_equal(alone[5], six[5])
    text = SUITE.format(noise='{ kind = "gaussian", level = 1.0 }')
    ids = {g.problem_label: g.cell_ids() for g in plan(parse(text, source="s")).groups}
    more = text + '[[problems]]\nname = "ackley"\ndim = 10\ninstance = 1\n'
    assert ids.items() <= {g.problem_label: g.cell_ids() for g in plan(parse(more, source="s")).groups}.items()


def test_additive_noise_is_the_gradient_of_the_value_that_is_shown(engine):
    sphere = catalog.problem("sphere", DIM, instance=1)
    grads, values, x0 = heard(engine, "spy", "gaussian", 0.3)
    f, g = noise_free(sphere, x0)
    drawn = ((grads - g[:, None]) * (x0 - sphere.center)[:, None]).sum(axis=-1)
    np.testing.assert_allclose(values - f[:, None], drawn, rtol=1e-9, atol=1e-10)
    late, values, _ = heard(engine, "spy", "multiplicative", 0.5, "ellipsoid")
    f, _ = noise_free(
        catalog.problem("ellipsoid", DIM, instance=1), x0 := heard(engine, "spy", "delay", 1, "ellipsoid")[2]
    )
    np.testing.assert_allclose(values, np.repeat(f[:, None], HEARD, axis=1), rtol=1e-12)
    assert len(late) == len(x0)


def test_the_batch_of_all_terms_is_the_function_bit_for_bit(engine):
    """The same branch of the same program runs as without noise; only the program around it is another."""
    whole = run(engine, noisy_group("least_squares", "batch", 256, "momentum", 0.05, seeds=1))
    plain = replace(noisy_group("least_squares", "batch", 256, "momentum", 0.05, seeds=1), trip_cost=1.0)
    spec = plain.problem.model_copy(update={"noise": None})
    plain = replace(plain, problem=spec, problem_label=spec.label)
    engine.prepare([Pair(spec.build(), plain.optimizer.build())])
    free = run(engine, plain)
    for name in ("curve_f", "f_last", "f_best", "f_tail", "hits", "cost"):
        assert np.array_equal(whole[name], free[name]), name
    assert whole["sample_grads"].tolist() == [256 * 200] * 3
    assert free["sample_grads"].tolist() == [0] * 3


def test_costs_are_sample_gradients_over_terms(engine):
    group = noisy_group("least_squares", "batch", 8, "sgd", 0.02, budget=5, starts=1, seeds=1)
    columns = run(engine, group)
    assert group.trips == 160
    assert columns["grad_evals"].tolist() == [160]
    assert columns["sample_grads"].tolist() == [1280]
    assert columns["cost"].tolist() == [5.0]
    two = replace(group, optimizer=group.optimizer.model_copy(update={"name": SPIES[1]}), configs=({"lr": 0.1},))
    assert run(engine, two)["sample_grads"].tolist() == [1280]
    assert replace(group, budget=1).trips == 32


def test_rows_of_a_diverged_run_count_what_was_spent(engine):
    group = noisy_group("least_squares", "batch", 8, "sgd", 1e4, budget=5, starts=1, seeds=1)
    ((_, (columns, *_)),) = engine.run([group])
    spent = int(columns["diverged_at"][0])
    assert 0 < spent < 160
    assert columns["sample_grads"].tolist() == [8 * spent]
    assert columns["cost"].tolist() == [spent / 32]


def test_scores_are_those_of_the_function_without_noise(engine):
    problem = noisy("ellipsoid", "gaussian", 1.0)
    rule, budget = catalog.optimizer("sgd"), 50
    room = engine.programs[program_key(Pair(problem, rule))].spec.room
    streams = Streams(problem, "normalized", SEED, (("report", 0, 0),), room, curve_steps(budget))
    task = engine.task(problem, rule, units="normalized", budget=budget, streams=streams)
    units = units_of(problem, "normalized")
    x0 = problem.starts(SEED, "report", 0)[0]
    z0 = units.inward(x0[None])
    # The last trip's update moves on from the iterate that it scored, so the end is one trip shorter.
    ends = [
        task.run(z0, np.array([[1e-3]]), n, threading.Event(), streams=np.zeros(1, int)) for n in (budget, budget + 1)
    ]
    x = units.outward(np.asarray(ends[0].carry.params[0]))
    row = measured(ends[1].records, 1, budget, rule, np.arange(51))
    assert row["f_last"][0] == pytest.approx(problem.f(x), rel=1e-13)
    assert row["f_last"][0] == pytest.approx(problem.noise_free.f(x), rel=1e-13)
