"""Measures along the path: what they say of each point, and that training does not know of them."""

from __future__ import annotations

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from scipy.sparse.linalg import LinearOperator, eigsh

from optbench import catalog
from optbench.engine.networks.along import Along
from optbench.engine.networks.fitting import Fitter, Lane
from optbench.engine.outcomes import Point
from optbench.errors import UsageError
from optbench.suite.measure import MeasureSpec
from optbench.tasks.data import load
from optbench.tasks.task import Task

NAMES = ("hessian_top", "preconditioned_top", "noise_scale", "grad_norm", "distance")
N, BATCH, EPOCHS = 60, 50, 3


def specs(*names, **more):
    return [
        MeasureSpec.model_validate({"name": name, "along": True, "examples": N, "dtype": "float64", **more})
        for name in names
    ]


@pytest.fixture(scope="module")
def task():
    return Task.of(load("digits"), catalog.model("tanh_mlp"))


def fits(task, rule, along, lanes=None, **more):
    fitter = Fitter(task, catalog.optimizer(rule), batch_size=BATCH, along=along, lanes=lanes)
    return fitter.fit([Lane({"lr": 0.01}, seed) for seed in (0, 1)], epochs=EPOCHS, stop_early=False, **more)


@pytest.fixture(scope="module")
def measured(task):
    return {lanes: fits(task, "adam", specs(*NAMES), lanes, keep=True) for lanes in ("in threads", "side by side")}


@pytest.mark.parametrize("lanes", ["in threads", "side by side"])
def test_training_is_the_same_to_the_bit(task, measured, lanes):
    for plain, fit in zip(fits(task, "adam", (), lanes), measured[lanes], strict=True):
        assert not plain.along
        assert not plain.kept
        for ours, theirs in zip(jax.tree.leaves(plain.ends), jax.tree.leaves(fit.ends), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_array_equal(plain.train.loss, fit.train.loss)


@pytest.mark.parametrize("lanes", ["in threads", "side by side"])
def test_each_point_of_the_curve_has_a_row_of_each_measure(measured, lanes):
    for fit in measured[lanes]:
        rows = [taken.row for taken in fit.along]
        assert [(row["evals"], json.loads(row["settings"])["name"]) for row in rows] == [
            (evals, name) for evals in fit.grads for name in NAMES
        ]
        # Adam has no scale before its first step.
        assert {row["status"] for row in rows[:5]} == {"ok", "not_applicable"}
        assert {row["status"] for row in rows[5:]} == {"ok"}
        assert {row["point"] for row in rows} == {"snapshot"}
        details = [json.loads(row["details"]) for row in rows if row["status"] == "ok"]
        assert {detail["examples"] for detail in details} == {N}
        assert {detail["lr"] for detail in details} == {0.01}


def test_the_numbers_are_those_of_derivatives_of_one_flat_vector(task, measured):
    """Top eigenvalues by ARPACK, the gradient's norm and the distance."""
    (fit, _), network = measured["in threads"], jax.device_get(task.start(0)[0])
    flat, unravel = ravel_pytree(network)
    rows = _rows(task)
    objective = task.objective(network, task.start(0)[1], examples=rows, dtype="float64")
    assert sorted(fit.kept) == list(fit.grads)
    found = {(t.row["evals"], json.loads(t.row["settings"])["name"]): t.row for t in fit.along}
    with jax.enable_x64(True):
        slope = jax.grad(lambda at: objective.value(unravel_as(unravel, at)))
        product = jax.jit(lambda at, along: jax.jvp(slope, (at,), (along,))[1])
        for evals in (int(fit.grads[3]), int(fit.grads[-1])):
            at = np.asarray(ravel_pytree(fit.kept[evals].params)[0], np.float64)
            operator = LinearOperator(
                (len(at), len(at)), lambda v, at=at: np.asarray(product(at, v.ravel())), dtype=float
            )
            top = eigsh(operator, k=1, which="LA", tol=1e-10, v0=np.ones(len(at)))[0][0]
            row = found[evals, "hessian_top"]
            assert row["estimate"] == pytest.approx(top, rel=1e-3)
            assert abs(row["estimate"] - top) <= json.loads(row["details"])["residual"]
            apart = np.linalg.norm(at - np.asarray(flat, np.float64))
            assert found[evals, "distance"]["estimate"] == pytest.approx(apart, rel=1e-12)
            norm = np.linalg.norm(np.asarray(slope(jnp.asarray(at))))
            assert found[evals, "grad_norm"]["estimate"] == pytest.approx(norm, rel=1e-9)


def unravel_as(unravel, at):
    """The network of a flat vector, in the vector's precision."""
    like = unravel(np.zeros(at.shape, np.float32))
    leaves, tree = jax.tree.flatten(like)
    ends = np.cumsum([leaf.size for leaf in leaves])[:-1]
    return jax.tree.unflatten(
        tree, [part.reshape(leaf.shape) for part, leaf in zip(jnp.split(at, ends), leaves, strict=True)]
    )


def _rows(task):
    return Along(task, catalog.optimizer("sgd"), ()).rows(N)


def test_both_ways_of_running_lanes_say_the_same(measured):
    for ours, theirs in zip(*(measured[lanes] for lanes in ("in threads", "side by side")), strict=True):
        for a, b in zip(ours.along, theirs.along, strict=True):
            assert (a.row["evals"], a.row["status"]) == (b.row["evals"], b.row["status"])
            if a.row["status"] == "ok":
                assert a.row["estimate"] == pytest.approx(b.row["estimate"], rel=5e-3)


@pytest.mark.parametrize("lanes", ["in threads", "side by side"])
def test_the_state_that_is_kept_is_that_of_the_judged_point(task, lanes):
    fitter = Fitter(task, catalog.optimizer("adam"), batch_size=BATCH, lanes=lanes)
    found = fitter.fit([Lane({"lr": 0.1}, seed) for seed in range(4)], epochs=EPOCHS, keep_state=True)
    before_the_end = [fit for fit in found if fit.chosen < len(fit.grads) - 1]
    assert before_the_end
    for fit in before_the_end:
        # Adam's state has b1^t, which counts its steps.
        power = float(fit.ends[Point.JUDGED].state.b1_power)
        assert power == pytest.approx(0.9 ** int(fit.grads[fit.chosen]), rel=1e-4)
        assert fit.ends[Point.LAST].state is None


def test_a_search_near_the_last_eigenvector_takes_fewer_products(measured):
    (fit, _) = measured["in threads"]
    hvps = [json.loads(t.row["details"])["hvps"] for t in fit.along if t.row["measure"].startswith("hessian_top")]
    assert np.median(hvps[1:]) < hvps[0]


def test_tuning_is_not_measured_and_schedules_tell_their_rate(task):
    fitter = Fitter(task, catalog.optimizer("sgd+cosine"), batch_size=BATCH, along=specs("distance"))
    lane = Lane({"lr": 0.1, "horizon": 50.0}, 0)
    (fit,) = fitter.fit([lane], epochs=2, measure=False)
    assert not fit.along
    (fit,) = fitter.fit([lane], epochs=2)
    rates = {taken.row["evals"]: json.loads(taken.row["details"])["lr"] for taken in fit.along}
    assert rates[0] == pytest.approx(0.1)
    assert rates[20] == pytest.approx(0.05 * (1 + np.cos(np.pi * 20 / 50)), rel=1e-5)


def test_entries_that_cannot_be_are_refused():
    with pytest.raises(UsageError, match="examples"):
        _refused({"name": "distance", "examples": 5})
    assert MeasureSpec.model_validate({"name": "distance", "along": True}).title == "distance[along=all]"
    one, other = specs("distance", examples=5)[0], MeasureSpec.model_validate("distance")
    assert one.title == "distance[along=5]"
    assert one.identity != other.identity


def _refused(entry):
    from pydantic import ValidationError

    try:
        MeasureSpec.model_validate(entry)
    except ValidationError as error:
        raise UsageError(str(error)) from error
