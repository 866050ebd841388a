"""A fitter: compiled once, shared where it can be, and alive when a run is not."""

from __future__ import annotations

import dataclasses
import gc
import json
import time
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from optbench import catalog
from optbench.engine.networks import in_threads, side_by_side
from optbench.engine.networks.fitting import Fitter, Lane, fit
from optbench.engine.networks.scoring import Scores
from optbench.errors import UsageError
from optbench.tasks.task import Examples
from tests.engine.softmax import digits_task, judged, start_of

LANES = [Lane({"lr": lr}, seed) for lr in (0.01, 0.3) for seed in (0, 1)]


@pytest.fixture(scope="module")
def task():
    """Returns softmax regression on 300 digits."""
    return digits_task()


@pytest.fixture(scope="module")
def fitter(task):
    """Returns a fitter of Adam."""
    return Fitter(task, catalog.optimizer("adam"), batch_size=30)


def test_it_gives_what_a_fit_of_its_own_gives_for_any_number_of_epochs(task, fitter):
    for epochs in (3, 1):
        for found, expected in zip(
            fitter.fit(LANES, epochs=epochs),
            fit(task, catalog.optimizer("adam"), LANES, batch_size=30, epochs=epochs),
            strict=True,
        ):
            assert found.grads[-1] == epochs * 10
            assert (found.status, found.message, found.chosen) == ("ok", "", expected.chosen)
            np.testing.assert_array_equal(judged(found), judged(expected))
            np.testing.assert_array_equal(found.validation.loss, expected.validation.loss)
            assert found.test == expected.test
            assert found.run_s > 0


def test_its_facts_go_into_a_manifest(fitter):
    facts = json.loads(json.dumps(fitter.facts))
    assert set(facts) == {
        "lanes", "threads", "devices", "device_kind", "convolution", "part", "dtype", "compile_s"
    }  # fmt: skip
    assert (facts["lanes"], facts["devices"], facts["convolution"]) == ("in threads", 1, "slices")
    assert (facts["part"], facts["dtype"]) == (30, "float32")
    assert facts["threads"] >= 1
    assert facts["compile_s"] > 0


def test_examples_that_are_right_are_those_that_the_weights_classify(task, fitter):
    (found,) = fitter.fit([Lane({"lr": 0.01}, 0)], epochs=3)
    # The flat vector has a layer's arrays in the order of their names.
    bias, weight = judged(found)[:10], judged(found)[10:].reshape(64, 10)
    np.testing.assert_allclose(start_of(task, 0)[0].shape, weight.shape)
    expected = np.argmax(task.test.x.reshape(-1, 64) @ weight + bias, 1) == task.test.y
    assert found.test_right.dtype == np.bool_
    np.testing.assert_array_equal(found.test_right, expected)
    assert found.test.accuracy == pytest.approx(expected.mean(), abs=1e-6)


def test_tuning_never_looks_at_test_examples(task, fitter, monkeypatch):
    looked = []
    scores = in_threads._Run._scores

    def watched(run, carry, part, *most):
        looked.append(part)
        return scores(run, carry, part, *most)

    monkeypatch.setattr(in_threads._Run, "_scores", watched)
    tuned = fitter.fit(LANES[:1], epochs=2, test=False)[0]
    assert set(looked) == {"train", "validation"}
    assert (tuned.test, tuned.test_right) == (None, None)
    reported = fitter.fit(LANES[:1], epochs=2)[0]
    np.testing.assert_array_equal(judged(tuned), judged(reported))
    assert looked.count("test") == 1


@pytest.mark.parametrize(
    ("said", "status"), [("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes.", "oom"), ("INTERNAL: no", "error")]
)
@pytest.mark.parametrize("trip", [0, 3])
def test_a_program_that_fails_ends_its_own_run_alone(fitter, monkeypatch, said, status, trip):
    advanced = in_threads._Run._advanced
    failing = LANES[2]

    def sometimes(run, carry, done, n, hyper):
        if run.lane.hyper["lr"] == failing.hyper["lr"] and run.lane.seed == failing.seed and done >= trip:
            raise jax.errors.JaxRuntimeError(said)
        return advanced(run, carry, done, n, hyper)

    expected = fitter.fit(LANES, epochs=1)
    monkeypatch.setattr(in_threads._Run, "_advanced", sometimes)
    found = fitter.fit(LANES, epochs=1)
    assert [f.status for f in found] == ["ok", "ok", status, "ok"]
    bad = found[2]
    assert said in bad.message
    assert (bad.chosen, bad.test, bad.test_right) == (-1, None, None)
    assert bad.grads.tolist() == list(range(trip + 1))
    np.testing.assert_array_equal(bad.train.loss, expected[2].train.loss[: trip + 1])
    for place in (0, 1, 3):
        np.testing.assert_array_equal(judged(found[place]), judged(expected[place]))


def test_an_interruption_stops_the_runs_in_flight(fitter, monkeypatch):
    """A million epochs would take hours."""
    advanced = in_threads._Run._advanced

    def interrupted(run, carry, done, n, hyper):
        if (run.lane.seed, run.lane.hyper["lr"]) == (0, 0.01):
            raise KeyboardInterrupt
        return advanced(run, carry, done, n, hyper)

    monkeypatch.setattr(in_threads._Run, "_advanced", interrupted)
    begin = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        fitter.fit(LANES, epochs=10**6)
    assert time.perf_counter() - begin < 20


def test_a_wrong_configuration_is_no_failed_run(fitter):
    with pytest.raises(UsageError, match="lr must be a number"):
        fitter.fit([Lane({"lr": -1.0}, 0)], epochs=1)


def test_a_start_that_is_not_finite_chooses_nothing(task):
    """Pixels may be finite and their sums not."""
    huge = dataclasses.replace(task, train=Examples(np.full_like(task.train.x, 3e38), task.train.y))
    (found,) = fit(huge, catalog.optimizer("sgd"), LANES[:1], batch_size=30, epochs=1)
    assert (found.status, found.chosen, found.test) == ("diverged", -1, None)
    assert found.grads.tolist() == [0]


def test_scoring_is_compiled_once_for_all_rules(task, fitter):
    other = Fitter(task, catalog.optimizer("sgd"), batch_size=50)
    assert other._way.evaluate is fitter._way.evaluate
    assert other._way.examples is fitter._way.examples
    wider = Fitter(digits_task(n=301), catalog.optimizer("sgd"), batch_size=50)
    assert wider._way.evaluate is not fitter._way.evaluate


def test_examples_leave_the_device_with_their_task():
    fitter = Fitter(digits_task(), catalog.optimizer("sgd"), batch_size=50)
    gone = weakref.ref(fitter._way.examples.x)
    del fitter
    gc.collect()
    assert gone() is None


def test_a_precision_that_is_not_there_is_refused(task):
    with pytest.raises(UsageError, match="unknown dtype 'float16'"):
        Fitter(task, catalog.optimizer("sgd"), batch_size=30, dtype="float16")


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("train", lambda x, y: (np.where(np.arange(64).reshape(8, 8, 1) == 10, np.nan, x), y),
         r"digits-linear: train: row 0 has nan at \(1, 2, 0\); all values must be finite"),
        ("validation", lambda x, y: (x, np.where(np.arange(len(y)) == 7, 10, y)),
         "digits-linear: validation: row 7 has the label 10; labels are 0 to 9"),
        ("test", lambda x, y: (x, np.where(np.arange(len(y)) == 3, -1, y)),
         "digits-linear: test: row 3 has the label -1; labels are 0 to 9"),
        ("test", lambda x, y: (x[:0], y[:0]), "digits-linear: test: 0 examples with 0 labels"),
        ("train", lambda x, y: (x[:5], y), "digits-linear: train: 5 examples with 300 labels"),
        ("validation", lambda x, y: (x[:, :4], y), r"validation: examples have shape \(4, 8, 1\), those to train on"),
    ],
)  # fmt: skip
def test_bad_examples_are_refused_by_name_and_row(task, part, change, message):
    changed = Examples(*change(*getattr(task, part)))
    with pytest.raises(UsageError, match=message):
        dataclasses.replace(task, **{part: changed})


@pytest.mark.parametrize("n", [0, 1, -3])
def test_fewer_than_two_classes_are_refused(task, n):
    with pytest.raises(UsageError, match=f"n_classes must be at least 2; got {n}"):
        dataclasses.replace(task, n_classes=n)


@pytest.mark.parametrize("lanes", ["in threads", "side by side"])
def test_curves_of_a_large_set_see_its_first_examples_and_the_judged_point_all(task, monkeypatch, lanes):
    for module in (in_threads, side_by_side):
        monkeypatch.setattr(module, "SCORED", 100)
    rule, lane = catalog.optimizer("sgd"), Lane({"lr": 0.5}, 3)
    part = dataclasses.replace(task, train=Examples(task.train.x[:100], task.train.y[:100]))
    (seen,) = Fitter(task, rule, batch_size=50, lanes=lanes).fit([lane], epochs=2)
    network, stats = task.start(3)
    _, unravel = ravel_pytree(network)
    for examples, scores in ((task.train, seen.judged), (part.train, Scores(*(c[seen.chosen] for c in seen.train)))):
        logits, _ = unravel(jnp.asarray(judged(seen)))(jnp.asarray(examples.x), stats, train=False)
        right = np.argmax(np.asarray(logits), axis=1) == examples.y
        assert float(scores.accuracy) == pytest.approx(right.mean(), abs=1e-6)
    assert seen.judged.loss != seen.train.loss[seen.chosen]
