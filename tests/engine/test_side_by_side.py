"""Lanes of one program against runs in threads: the same training, to rounding, on one device and on four."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import jax
import numpy as np
import pytest

from optbench import catalog
from optbench.engine.networks import side_by_side
from optbench.engine.networks.fitting import Fitter, Lane
from optbench.engine.networks.training import Training
from optbench.errors import UsageError
from optbench.tasks.models.convolution import Convolution
from optbench.tasks.models.dense import Dense, Dropout, Flatten, Relu
from optbench.tasks.models.model import Model
from optbench.tasks.models.pooling import MaxPool
from optbench.tasks.regularization import Regularization
from tests.engine.softmax import digits_task, judged


def _layers(shape, n_classes):
    return (
        Convolution("conv", 6, 5, padding=2),
        MaxPool("pool"),
        Relu("relu"),
        Flatten("flatten"),
        Dropout("drop"),
        Dense("fc", n_classes, gain=1.0),
    )


#: A network of each kind of layer that a convolutional one has, which is compiled in a third of LeNet's time.
CONVOLUTIONAL = Model("convolutional", _layers, (8, 8, 1), axes=(2,), reference="a test")
LANES = [Lane({"lr": lr}, seed) for lr in (0.003, 0.01, 0.03) for seed in (0, 1)][:5]


def both(task, rule, lanes=LANES, *, batch_size=30, epochs=1, **given):
    """Returns the records of both ways, and the fitter of the lanes side by side."""
    apart, together = (
        Fitter(task, catalog.optimizer(rule), batch_size=batch_size, lanes=way, **given)
        for way in ("in threads", "side by side")
    )
    return apart.fit(lanes, epochs=epochs), together.fit(lanes, epochs=epochs), together


def agree(apart, together, rtol=1e-4):
    """Compares records: parameters by the length of their difference, since single ones may be next to zero."""
    for a, b in zip(apart, together, strict=True):
        assert (a.status, a.chosen, a.grads.tolist()) == (b.status, b.chosen, b.grads.tolist())
        assert np.linalg.norm(judged(a) - judged(b)) <= rtol * np.linalg.norm(judged(a))
        np.testing.assert_allclose(a.train.loss, b.train.loss, rtol=10 * rtol)
        np.testing.assert_allclose(a.validation.loss, b.validation.loss, rtol=10 * rtol)
        np.testing.assert_allclose(a.grad_norm, b.grad_norm, rtol=10 * rtol)
        assert a.test.loss == pytest.approx(b.test.loss, rel=10 * rtol)
        assert (a.test_right == b.test_right).mean() > 0.99


@pytest.fixture(scope="module")
def task():
    """Returns softmax regression on 300 digits."""
    return digits_task()


@pytest.mark.parametrize("rule", ["adam", "sam", "adadelta+decay"])
def test_rules_train_as_they_do_in_threads(task, rule):
    lanes = LANES if rule != "adadelta+decay" else [Lane({"weight_decay": w}, 3) for w in (0.0, 0.1, 0.2)]
    apart, together, fitter = both(task, rule, lanes, epochs=2)
    agree(apart, together)
    assert fitter.facts["lanes"] == "side by side"
    assert fitter.facts["devices"] == jax.local_device_count()
    assert fitter.facts["compile_s"] > 0


@pytest.mark.parametrize("rule", ["newton_cg", "lbfgs"])
def test_curved_rules_and_steps_of_changing_cost_do_so_too(task, rule):
    apart, together, _ = both(task, rule, [Lane({}, seed) for seed in (0, 1)], batch_size=300, epochs=6)
    agree(apart, together, rtol=1e-3)


@pytest.mark.parametrize("convolution", ["slices", "xla"])
def test_draws_and_convolutions_are_the_same(convolution):
    task = digits_task(
        CONVOLUTIONAL,
        n=96,
        regularization=Regularization(dropout=0.3, input_noise=0.1, mixup=0.5, penalty=1e-3, decay=1e-3),
    )
    apart, together, fitter = both(task, "momentum", LANES[:3], batch_size=24, convolution=convolution)
    agree(apart, together)
    assert fitter.facts["convolution"] == convolution


@pytest.mark.slow
def test_running_statistics_have_lanes():
    task = digits_task(catalog.model("vgg"), n=32, regularization=Regularization(ghost=8))
    apart, together, _ = both(task, "sgd", [Lane({"lr": 1e-3}, s) for s in (0, 1)], batch_size=16)
    agree(apart, together)


def test_a_lane_that_diverges_leaves_the_others_alone(task):
    lanes = [Lane({"lr": 0.1}, 0), Lane({"lr": 1e38}, 0), Lane({"lr": 0.01}, 1)]
    apart, together, _ = both(task, "sgd", lanes, epochs=2)
    assert [f.status for f in together] == ["ok", "diverged", "ok"]
    agree(apart, together)


def test_tuning_never_looks_at_test_examples(task, monkeypatch):
    looked = []
    scores = side_by_side.LanesAbreast._scores

    def watched(way, programs, kept, part, *most):
        looked.append(part)
        return scores(way, programs, kept, part, *most)

    monkeypatch.setattr(side_by_side.LanesAbreast, "_scores", watched)
    fitter = Fitter(task, catalog.optimizer("adam"), batch_size=30, lanes="side by side")
    (tuned,) = fitter.fit(LANES[:1], epochs=1, test=False)
    assert set(looked) == {"train", "validation"}
    assert (tuned.test, tuned.test_right) == (None, None)
    assert tuned.chosen >= 0


def failing(monkeypatch, said, most):
    """Has programs of more than ``most`` lanes fail at their first trip."""
    compiled = side_by_side.compile_lanes

    def compiles(training, mesh, width, **given):
        programs = compiled(training, mesh, width, **given)

        def advance(*_):
            raise jax.errors.JaxRuntimeError(said)

        return programs._replace(advance=advance) if width > most else programs

    monkeypatch.setattr(side_by_side, "compile_lanes", compiles)


def test_a_block_without_room_is_halved_until_it_has_some(task, monkeypatch):
    fitter = Fitter(task, catalog.optimizer("adam"), batch_size=30, lanes="side by side")
    expected = fitter.fit(LANES, epochs=1)
    failing(monkeypatch, "RESOURCE_EXHAUSTED: Out of memory", 2)
    narrow = Fitter(task, catalog.optimizer("adam"), batch_size=30, lanes="side by side")
    agree(expected, narrow.fit(LANES, epochs=1))
    assert sorted(narrow._way._programs) == [2, 4, 8]
    # What there was no room for is not tried again.
    programs = narrow._way._programs
    narrow._way._programs = {2: programs[2]}
    agree(expected, narrow.fit(LANES, epochs=1))
    assert sorted(narrow._way._programs) == [2]


def test_an_accelerator_has_one_width_for_few_lanes(task, monkeypatch):
    way = Fitter(task, catalog.optimizer("adam"), batch_size=30, lanes="side by side")._way
    monkeypatch.setattr(side_by_side.jax, "default_backend", lambda: "gpu")
    assert [way._each(n) for n in (1, 5, 8, 9, 16, 200)] == [8, 8, 8, 16, 16, 64]


@pytest.mark.parametrize(("said", "status"), [("RESOURCE_EXHAUSTED: no", "oom"), ("INTERNAL: no", "error")])
def test_a_program_that_fails_is_the_status_of_its_lanes(task, monkeypatch, said, status):
    failing(monkeypatch, said, 0)
    found = Fitter(task, catalog.optimizer("adam"), batch_size=30, lanes="side by side").fit(LANES[:3], epochs=1)
    assert [f.status for f in found] == [status] * 3
    assert all(f.grads.tolist() == [0] and f.chosen == -1 and f.test is None for f in found)
    assert said in found[0].message


def test_scoring_is_compiled_once_for_all_rules(task):
    programs = []
    for rule in ("adam", "sgd"):
        fitter = Fitter(task, catalog.optimizer(rule), batch_size=30, lanes="side by side")
        programs.append(fitter._way._compiled(fitter._way._each(3)))
        assert fitter._way._compiled(4) is programs[-1]
    assert programs[0].evaluate is programs[1].evaluate
    assert programs[0].advance is not programs[1].advance


def test_an_unknown_way_is_refused(task):
    with pytest.raises(UsageError, match="unknown way of running lanes 'side'"):
        Fitter(task, catalog.optimizer("sgd"), batch_size=30, lanes="side")


FOUR = """
import json, jax
from optbench import catalog
from optbench.engine.networks.fitting import Fitter
from tests.engine.softmax import digits_task
from tests.engine.test_side_by_side import LANES, agree, both
apart, together, fitter = both(digits_task(catalog.model("mlp")), "adam", LANES)
agree(apart, together)
examples = fitter._way.examples.x
programs = fitter._way._compiled(fitter._way._each(5))
print(json.dumps({**fitter.facts, "width": programs.width, "copies": len(examples.addressable_shards),
                  "count": len(jax.local_devices())}))
"""


def test_five_lanes_on_four_devices():
    env = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=4", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", FOUR], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert (facts["devices"], facts["count"], facts["width"], facts["copies"]) == (4, 4, 8, 4)


def test_half_precision_is_of_passes_alone(task):
    lanes = [Lane({"lr": 1e-3}, 0)]
    small = digits_task(CONVOLUTIONAL, n=96)
    for way in ("in threads", "side by side"):
        full, half = (
            Fitter(small, catalog.optimizer("adam"), batch_size=24, lanes=way, dtype=dtype).fit(lanes, epochs=2)[0]
            for dtype in ("float32", "bfloat16")
        )
        assert judged(half).dtype == np.float32
        # The start is scored in single precision by the same program.
        assert half.train.loss[0] == full.train.loss[0]
        np.testing.assert_allclose(half.train.loss, full.train.loss, rtol=0.03)
        np.testing.assert_allclose(half.grad_norm[1:3], full.grad_norm[1:3], rtol=0.05)
        # Eight bits of a fraction: the passes are not the same.
        assert np.abs(half.grad_norm[1] / full.grad_norm[1] - 1) > 1e-5
        moved = np.linalg.norm(judged(full) - judged(half)) / np.linalg.norm(judged(full))
        assert 1e-6 < moved < 0.02


@pytest.mark.parametrize("name", ["mlp", "lenet", "vgg"])
def test_passes_stay_in_half_precision(name):
    """One constant of float32 would carry all that follows it up to single precision."""
    task = digits_task(catalog.model(name), n=32, regularization=Regularization(dropout=0.2))
    network, stats = task.start(0)
    training = Training(
        network, stats, catalog.optimizer("sgd"), task.regularization, 16, 10, 500, part=16, dtype="bfloat16"
    )
    flat, stats, _ = training.shapes()
    x, targets = (jax.ShapeDtypeStruct((16, *shape), np.float32) for shape in ((8, 8, 1), (10,)))
    with jax.enable_x64(False):
        arguments = flat, stats, x, targets, None, jax.eval_shape(jax.random.key, 0)
        jaxpr = jax.make_jaxpr(training._loss)(*arguments)
        loss, after = jax.eval_shape(training._loss, *arguments)
    products = [e for e in jaxpr.eqns if e.primitive.name in ("dot_general", "conv_general_dilated")]
    large = [e for e in products if e.outvars[0].aval.size > 1000]
    assert large
    assert {str(e.outvars[0].aval.dtype) for e in large} == {"bfloat16"}
    assert {str(leaf.dtype) for leaf in jax.tree.leaves((loss, after))} == {"float32"}
