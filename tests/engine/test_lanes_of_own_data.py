"""Lanes with data and starts of their own: trained as a fitter of those data trains them, by one compiled program."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np
import pytest

from optbench import catalog
from optbench.engine.networks import in_threads, side_by_side
from optbench.engine.networks.fitting import Fitter, Lane
from optbench.engine.networks.lane import Trained
from optbench.errors import UsageError
from optbench.suite.measure import MeasureSpec
from optbench.tasks.data import load
from optbench.tasks.models.fully_connected import linear
from optbench.tasks.regularization import Regularization
from optbench.tasks.task import Examples, Task
from tests.engine.softmax import digits_task, judged

WAYS = ("in threads", "side by side")


def split_anew(seed, n=300):
    """Returns softmax regression on 300 digits of a split of its own."""
    whole = Task.of(load("digits"), linear, split_seed=seed)
    return dataclasses.replace(whole, train=Examples(whole.train.x[:n], whole.train.y[:n]))


@pytest.fixture(scope="module")
def tasks():
    """Returns three tasks of one shape."""
    return [split_anew(seed) for seed in (0, 1, 2)]


@pytest.mark.parametrize("way", WAYS)
def test_a_lane_with_data_of_its_own_is_a_run_of_those_data(tasks, way):
    rule = catalog.optimizer("adam")
    lanes = [Lane({"lr": 0.01}, seed, task=task) for seed, task in ((0, tasks[1]), (1, tasks[2]), (2, None))]
    together = Fitter(tasks[0], rule, batch_size=30, lanes=way).fit(lanes, epochs=3, levels=(2.0, 1.0))
    for lane, fit in zip(lanes, together, strict=True):
        own = lane.task or tasks[0]
        (alone,) = Fitter(own, rule, batch_size=30, lanes="in threads").fit(
            [Lane({"lr": 0.01}, lane.seed)], epochs=3, levels=(2.0, 1.0)
        )
        exact = np.testing.assert_array_equal if way == "in threads" else np.testing.assert_allclose
        close = {} if way == "in threads" else {"rtol": 1e-3, "atol": 1e-5}
        exact(judged(alone), judged(fit), **close)
        exact(alone.train.loss, fit.train.loss, **close)
        assert [one[:2] for one in alone.levels] == [one[:2] for one in fit.levels]
        assert [one.test.accuracy for one in fit.levels] == pytest.approx([one.test.accuracy for one in alone.levels])
        assert fit.test.loss == pytest.approx(alone.test.loss, rel=1e-3)
        assert (fit.test_right == alone.test_right).mean() > 0.99
    losses = [fit.train.loss[0] for fit in together]
    assert len(set(losses)) == 3


@pytest.mark.parametrize(("way", "module", "name"), [
    ("in threads", in_threads, "compile_trainer"), ("side by side", side_by_side, "compile_lanes")
])  # fmt: skip
def test_many_data_sets_are_one_program(tasks, monkeypatch, way, module, name):
    compiled, calls = getattr(module, name), []

    def counted(*given, **more):
        calls.append(1)
        return compiled(*given, **more)

    monkeypatch.setattr(module, name, counted)
    fitter = Fitter(tasks[0], catalog.optimizer("sgd"), batch_size=30, lanes=way)
    for some in (tasks, tasks[::-1], tasks[1:]):
        fitter.fit([Lane({}, 0, task=task) for task in some], epochs=1)
    assert len(calls) == (1 if way == "in threads" else 2)  # three lanes of a width of four, two of two


@pytest.mark.parametrize("way", WAYS)
def test_a_lane_begins_where_it_is_told(tasks, way):
    fitter = Fitter(tasks[0], catalog.optimizer("sgd"), batch_size=30, lanes=way)
    (first,) = fitter.fit([Lane({"lr": 0.1}, 0)], epochs=2, stop_early=False)
    second, plain = fitter.fit(
        [Lane({"lr": 0.1}, 0, start=first.ends["last"]), Lane({"lr": 0.1}, 0)], epochs=2, stop_early=False
    )
    assert second.train.loss[0] == pytest.approx(first.train.loss[-1], rel=1e-6)
    assert plain.train.loss[0] == pytest.approx(first.train.loss[0], rel=1e-6)
    # Gradient descent has no memory: from where it was, over the same batches, it goes on as from a start like that.
    assert second.train.loss[-1] < first.train.loss[-1]


@pytest.mark.parametrize("way", WAYS)
def test_tasks_of_another_shape_are_refused_all_at_once(tasks, way):
    fitter = Fitter(tasks[0], catalog.optimizer("sgd"), batch_size=30, lanes=way)
    smaller = split_anew(1, 200)
    other = dataclasses.replace(tasks[1], regularization=Regularization(penalty=0.1))
    with pytest.raises(UsageError) as caught:
        fitter.fit([Lane({}, 0, task=smaller), Lane({}, 0), Lane({}, 0, task=other)], epochs=1)
    message = str(caught.value)
    assert (
        "lane 0: its task digits-linear has train = (200, 8, 8, 1), the fitter's digits-linear (300, 8, 8, 1)"
        in message
    )
    assert "lane 2: its task digits-linear has regularization = " in message
    assert "lane 1" not in message


def test_a_start_of_another_network_is_refused(tasks):
    fitter = Fitter(tasks[0], catalog.optimizer("sgd"), batch_size=30)
    network, stats = jax.device_get(digits_task(catalog.model("mlp")).start(0))
    with pytest.raises(UsageError, match="lane 0: its start is no network of digits-linear"):
        fitter.fit([Lane({}, 0, start=Trained(network, stats))], epochs=1)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_measured_on_the_way_is_of_the_lane_s_own_data(tasks, way):
    spec = MeasureSpec(name="grad_norm", along=True)
    fitter = Fitter(tasks[0], catalog.optimizer("sgd"), batch_size=300, lanes=way, along=[spec])
    fits = fitter.fit([Lane({"lr": 0.1}, 0, task=task) for task in tasks], epochs=3)
    for task, fit in zip(tasks, fits, strict=True):
        network, stats = jax.device_get(task.start(0))
        wide = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), network)
        grad = task.objective(wide, stats, dtype="float64").value_and_grad(wide)[1]
        norm = np.sqrt(sum((leaf**2).sum() for leaf in jax.tree.leaves(grad)))
        assert fit.along[0].row["estimate"] == pytest.approx(norm, rel=1e-6)


def test_examples_of_a_lane_leave_the_device_with_its_run(tasks):
    before = len(jax.live_arrays())
    fitter = Fitter(tasks[0], catalog.optimizer("sgd"), batch_size=30, lanes="in threads")
    fitter.fit([Lane({}, 0, task=task) for task in tasks], epochs=1)
    examples = [array for array in jax.live_arrays()[before:] if array.shape == fitter._way.examples.x.shape]
    assert len(examples) <= 1
