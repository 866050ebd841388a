"""Levels of the training loss: which points are kept, told anew from the stored curve, and what their weights give."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from optbench.engine.networks import in_threads, side_by_side
from optbench.engine.networks.fitting import Fitter, Lane
from optbench.engine.networks.levels import Levels, grid
from optbench.engine.networks.scoring import Scores
from optbench.errors import UsageError
from optbench.tasks.task import Examples
from tests.engine.softmax import batches, digits_task, judged, loss_of, softmax_gradient, start_of

LEVELS = (2.0, 1.0, 0.3, 0.1, 0.03)
WAYS = ("in threads", "side by side")


@pytest.fixture(scope="module")
def task():
    """Returns softmax regression on 300 digits."""
    return digits_task()


def kept_of(grads, losses, levels):
    """Returns after how many gradients each level is kept, by the definition alone: {level: gradients}."""
    losses = np.where(np.isfinite(losses), losses, np.inf)
    found = {}
    for level in levels:
        for i in range(len(losses) - 2):
            three = losses[i : i + 3]
            if np.median(three) < level:
                found[level] = int(grads[i + int(np.flatnonzero(three == np.median(three))[0])])
                break
    return found


def grid_by_hand(n, size, budget):
    """Returns the grid as a list of examples, then of gradients: ten in an epoch, after five each 2 % further."""
    examples = [n * k / 10 for k in range(51)]
    while examples[-1] <= budget * size:
        examples.append(examples[-1] * 1.02)
    return sorted({int(np.ceil(round(e) / size)) for e in examples if np.ceil(round(e) / size) <= budget} | {budget})


@pytest.fixture(scope="module")
def found(task):
    """Returns fits of both ways: batches of 20, and of 300."""
    lanes = [Lane({"lr": lr}, seed) for lr, seed in ((0.02, 0), (0.02, 1), (0.002, 0))]
    return {
        (way, stop): Fitter(task, catalog.optimizer("adam"), batch_size=20, lanes=way).fit(
            lanes, epochs=40, stop_early=stop, levels=LEVELS
        )
        for way in WAYS
        for stop in (False, True)
    }


@pytest.mark.parametrize(("n", "size", "epochs"), [(1000, 1, 30), (1000, 32, 30), (1000, 1000, 30), (60, 7, 3)])
def test_the_grid_is_one_of_processed_examples(n, size, epochs):
    budget = epochs * (n // size)
    points = grid(n, size, budget)
    assert points == grid_by_hand(n, size, budget)
    # The same examples for all batch sizes, up to the batch in which they lie.
    fine = np.array(grid(n, 1, budget * size))
    for point in points[:-1]:
        assert ((point - 1) * size < fine).any() & (fine <= point * size).any()
    assert (points[0], points[-1]) == (0, budget)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("stop", [False, True])
def test_each_level_is_kept_where_the_curve_says(task, found, way, stop):
    for fit in found[way, stop]:
        assert fit.grads.tolist() == grid_by_hand(300, 20, 600)
        expected = kept_of(fit.grads, fit.train.loss, LEVELS)
        assert {one.level: one.grads for one in fit.levels} == expected
        assert [one.level for one in fit.levels] == [level for level in LEVELS if level in expected]
        for one in fit.levels:
            place = fit.grads.tolist().index(one.grads)
            assert one.train == Scores(fit.train.loss[place], fit.train.accuracy[place])
            for part, scores in (("train", one.train), ("test", one.test)):
                loss = task.objective(one.at.params, one.at.stats, part=part, dtype="float64")
                assert loss.value(_double(one.at.params)) == pytest.approx(scores.loss, rel=1e-5)
    reached = [len(fit.levels) for fit in found[way, stop]]
    assert max(reached) > 3
    assert min(reached) < len(LEVELS)


def _double(network):
    return dataclasses.replace(
        network, params=tuple({k: np.asarray(v, np.float64) for k, v in one.items()} for one in network.params)
    )


def test_early_stopping_moves_the_judged_point_alone(found):
    for way in WAYS:
        for last, early in zip(found[way, False], found[way, True], strict=True):
            assert last.chosen == len(last.grads) - 1
            assert [one[:4] for one in last.levels] == [one[:4] for one in early.levels]
        assert any(fit.chosen < len(fit.grads) - 1 for fit in found[way, True])


def test_both_ways_keep_the_same(found):
    for apart, together in zip(found["in threads", False], found["side by side", False], strict=True):
        np.testing.assert_allclose(apart.train.loss, together.train.loss, rtol=1e-3)
        assert [one[:2] for one in apart.levels] == [one[:2] for one in together.levels]
        for a, b in zip(apart.levels, together.levels, strict=True):
            np.testing.assert_allclose(_flat(a), _flat(b), atol=1e-4)
            assert a.test.loss == pytest.approx(b.test.loss, rel=1e-3)


def _flat(kept):
    return np.concatenate([np.ravel(leaf) for one in kept.at.params.params for leaf in one.values()])


def test_gradient_descent_by_hand_keeps_the_same_weights(task):
    rule, lr = catalog.optimizer("sgd"), 1.0
    (fit,) = Fitter(task, rule, batch_size=30).fit([Lane({"lr": lr}, 4)], epochs=30, stop_early=False, levels=LEVELS)
    w, b = start_of(task, 4)
    x, y = task.train.x.reshape(300, -1).astype(np.float64), task.train.y
    weights, losses = [(w, b)], [loss_of(w, b, x, y)]
    for bx, by in batches(task, 4, 30, 30):
        gw, gb = softmax_gradient(w, b, bx, by)
        w, b = w - lr * gw, b - lr * gb
        weights.append((w, b))
        losses.append(loss_of(w, b, x, y))
    points = grid_by_hand(300, 30, 300)
    expected = kept_of(points, np.array(losses)[points], LEVELS)
    assert len(expected) > 2
    assert {one.level: one.grads for one in fit.levels} == expected
    for one in fit.levels:
        w, b = weights[one.grads]
        assert one.train.loss == pytest.approx(loss_of(w, b, x, y), rel=1e-4)
        arrays = {np.ndim(leaf): leaf for layer in one.at.params.params for leaf in layer.values()}
        np.testing.assert_allclose(arrays[1], b, atol=1e-4)
        np.testing.assert_allclose(np.sort(arrays[2].ravel()), np.sort(w.ravel()), atol=1e-4)


def test_medians_of_three_are_not_moved_by_one_loss():
    levels, read = Levels((1.0, 0.5)), []
    for grads, loss in enumerate([3.0, 0.9, 2.0, 1.5, 0.9, 0.8, 0.4, 0.9, np.nan, 0.4, 0.3, 2.0, 0.1]):
        levels.add(grads, Scores(loss, 0.0), lambda grads=grads: (read.append(grads), None))
    assert [(one.level, one.grads) for one in levels.reached] == [(1.0, 4), (0.5, 9)]
    # The weights of a point are read when it is kept, once, and never of the others.
    assert read == [4, 9]


def test_one_point_serves_several_levels():
    levels, read = Levels((1.0, 0.5, 0.2)), []
    for grads, loss in enumerate([2.0, 0.4, 0.3, 0.1]):
        levels.add(grads, Scores(loss, 0.0), lambda grads=grads: (read.append(grads), None))
    assert [(one.level, one.grads) for one in levels.reached] == [(1.0, 1), (0.5, 1)]
    assert read == [1]
    assert levels.reached[0].weights is levels.reached[1].weights


@pytest.mark.parametrize("way", WAYS)
def test_a_run_that_diverges_keeps_the_levels_it_reached(task, way):
    """The loss comes down, and after forty steps the rate is so large that it is infinite soon."""

    def update(params, state, value, grad, hyper):
        lr = jnp.where(state["steps"] < 40, hyper["lr"], 1e38)
        moved = params - lr * grad
        return moved, {"steps": state["steps"] + 1}, moved

    rule = dataclasses.replace(
        catalog.optimizer("sgd"), init=lambda params, hyper: {"steps": jnp.zeros((), jnp.int32)}, update=update
    )
    (lost,) = Fitter(task, rule, batch_size=30, lanes=way).fit(
        [Lane({"lr": 0.5}, 0)], epochs=30, stop_early=False, levels=LEVELS
    )
    assert lost.status == "diverged"
    assert {one.level: one.grads for one in lost.levels} == kept_of(lost.grads, lost.train.loss, LEVELS)
    assert [one.level for one in lost.levels] == [2.0, 1.0]
    assert lost.levels[-1].test.accuracy > 0.5


@pytest.mark.parametrize("way", WAYS)
def test_poisoned_test_labels_move_no_level_and_no_weights(task, way):
    poisoned = dataclasses.replace(task, test=Examples(task.test.x, (task.test.y + 1) % 10))
    lanes = [Lane({"lr": 0.02}, seed) for seed in (0, 1)]
    clean, changed = (
        Fitter(each, catalog.optimizer("adam"), batch_size=30, lanes=way).fit(lanes, epochs=10, levels=LEVELS)
        for each in (task, poisoned)
    )
    for a, b in zip(clean, changed, strict=True):
        assert len(a.levels) > 1
        assert (a.chosen, [one[:3] for one in a.levels]) == (b.chosen, [one[:3] for one in b.levels])
        np.testing.assert_array_equal(judged(a), judged(b))
        for one, other in zip(a.levels, b.levels, strict=True):
            np.testing.assert_array_equal(_flat(one), _flat(other))
            assert other.test != one.test
        assert b.levels[-1].test.accuracy < 0.2 < 0.7 < a.levels[-1].test.accuracy


def test_test_examples_are_scored_once_for_each_kept_point_and_never_in_tuning(task, monkeypatch):
    looked = []
    scores = in_threads._Run._scores

    def watched(run, carry, part, *most):
        looked.append(part)
        return scores(run, carry, part, *most)

    monkeypatch.setattr(in_threads._Run, "_scores", watched)
    fitter = Fitter(task, catalog.optimizer("adam"), batch_size=30, lanes="in threads")
    (fit,) = fitter.fit([Lane({"lr": 0.1}, 0)], epochs=10, levels=(1.0, 0.999, 0.3))
    kept = {one.grads for one in fit.levels}
    assert len(kept) == 2 < len(fit.levels)
    assert looked.count("test") == 1 + len(kept)
    looked.clear()
    (tuned,) = fitter.fit([Lane({"lr": 0.1}, 0)], epochs=10, levels=(1.0, 0.3), test=False)
    assert "test" not in looked
    assert [one.test for one in tuned.levels] == [None, None]


@pytest.mark.parametrize("way", WAYS)
def test_all_examples_are_scored_where_there_are_levels(task, monkeypatch, way):
    for module in (in_threads, side_by_side):
        monkeypatch.setattr(module, "SCORED", 100)
    fitter = Fitter(task, catalog.optimizer("adam"), batch_size=30, lanes=way)
    (whole,) = fitter.fit([Lane({"lr": 0.01}, 0)], epochs=4, levels=(0.5,))
    (plain,) = fitter.fit([Lane({"lr": 0.01}, 0)], epochs=4)
    assert whole.judged.loss == whole.train.loss[whole.chosen]
    assert whole.train.loss[0] != plain.train.loss[0]
    np.testing.assert_array_equal(judged(plain), judged(fitter.fit([Lane({"lr": 0.01}, 0)], epochs=4)[0]))


@pytest.mark.parametrize("levels", [(0.0,), (-1.0, 0.5), (np.inf,), (np.nan,)])
def test_levels_that_no_loss_can_reach_are_refused(task, levels):
    fitter = Fitter(task, catalog.optimizer("adam"), batch_size=30)
    with pytest.raises(UsageError, match="levels must be finite and above 0; got"):
        fitter.fit([Lane({}, 0)], epochs=1, levels=levels)
