"""Streams of NumPy: no list of names and numbers is asked for in two places, so no two places share a draw."""

from __future__ import annotations

import ast
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

import optbench
from optbench import catalog
from optbench.analysis.landscapes.redraw import replicate_sums
from optbench.analysis.landscapes.summarize import analyze
from optbench.analysis.statistics import families
from optbench.core import keys
from optbench.engine.networks.rows import seed_of
from optbench.errors import UsageError
from optbench.measures import (
    as_objective,
    average_sharpness,
    eigenvalues,
    keskar_sharpness,
    pac_bayes_flatness,
    sam_sharpness,
    spectral_density,
    trace,
)
from optbench.measures.batch_sharpness import M_SHARPNESS
from optbench.measures.subject import Subject
from optbench.problems import constants
from optbench.problems.finite_sums.batches import index_stream
from optbench.problems.noise import Noise
from optbench.records import Split
from optbench.suite.tuning import design
from optbench.tasks.data import load, split
from optbench.tasks.task import Task
from tests.analysis.fields import make_field
from tests.analysis.synthetic import make_runs
from tests.analysis.test_tuning import random_runs

ROOT = Path(optbench.__file__).parent
#: Where a stream is made from its parts, and not asked for.
MAKERS = ("core/keys.py", "analysis/statistics/intervals.py")
#: Places that are meant to draw the same: the bootstrap of tuning starts.
SHARED = {frozenset({"analysis/landscapes/redraw.py", "analysis/landscapes/resample.py"})}


@pytest.fixture
def asked(monkeypatch):
    """Which places of the package ask for each key."""
    found, real = defaultdict(set), np.random.Philox

    def philox(*arguments, key=None, **named):
        frame = sys._getframe(1)
        while frame.f_code.co_filename.endswith(MAKERS):
            frame = frame.f_back
        code = frame.f_code
        found[key].add(f"{code.co_filename.rpartition('optbench/')[2]} {code.co_qualname}")
        return real(*arguments, key=key, **named)

    monkeypatch.setattr(np.random, "Philox", philox)
    return found


def draw_problems():
    for entry in catalog.PROBLEMS:
        for instance, rotated in ((0, False), (1, False), (2, True)):
            try:
                problem = catalog.problem(entry.name, instance=instance, rotated=rotated)
                if entry.group == "finite sums":
                    assert np.isfinite(problem.f_star), "the data are drawn, and the offset"
            except UsageError:  # not every function has instances, or is turned
                continue
            for part in Split:
                for index in range(3):
                    problem.starts(0, str(part), index)
    sphere = catalog.problem("sphere")
    given = {"x_star": sphere.x_star, "f_star": 0.0, "f_second": None, "bounds": sphere.bounds}
    constants.measure("sphere-2d", lambda x: (x * x).sum(axis=1), lambda rng, n: sphere.draw_starts(rng, n)[0], **given)


def draw_noise():
    for entry in catalog.NOISE:
        for label in ("sphere-2d", "rosenbrock-10d-i1"):
            for key in (("report", 0, 0), ("report", 0, 1), ("report", 1, 0), ("tune", 0, 0)):
                if entry.name.startswith("batch"):
                    stream = "/".join(map(str, (label, *key)))
                    index_stream(0, stream, 64, 8, 40, replace=entry.name == "batch_replace")
                else:
                    Noise(entry.name, 1.0).draws((0, label, *key), 0, 2, 2)


def draw_networks():
    for name in ("digits", "mnist1d"):
        dataset = load(name)
        split(dataset, 0)
        task = Task.of(dataset, catalog.model("linear"))
        for part in Split:
            for index in range(3):
                seed = seed_of(0, part, index)
                task.start(seed)
                for epoch in range(3):
                    task.order(seed, epoch, 32)


def draw_analysis():
    families.draw(12, 10)
    # Frames are made, and draw, when they are asked for.
    runs = make_runs({f"p{k:03}": f"f{k % 3}" for k in range(3)}, ["adam", "sgd"])
    assert not analyze(*runs, replicates=10).summary.empty
    replicate_sums(make_field(np.zeros((3, 2, 2, 4)), np.zeros((3, 2, 2, 4))), ["tuned"], replicates=10)
    assert not analyze(*random_runs(), replicates=10).summary.empty


def draw_searches():
    for entry in catalog.OPTIMIZERS[:12]:
        rule = catalog.optimizer(entry.name)
        ranges = {name: h.search for name, h in rule.hyper.items() if h.search is not None}
        design(ranges, 4, seed=0, label=entry.name)


def draw_sharpness():
    loss = as_objective(lambda x: x @ x, np.ones(3))
    for seed in range(3):
        keskar_sharpness(loss, np.ones(3), subspace=2, seed=seed)
        sam_sharpness(loss, np.ones(3), seed=seed)
        average_sharpness(loss, np.ones(3), seed=seed, pairs=2)
        pac_bayes_flatness(lambda x: 1 - float(x @ x), np.zeros(3), seed=seed)
        terms = Subject(loss, np.ones(3), n_terms=9, terms=lambda rows: loss)
        M_SHARPNESS.take(terms, **M_SHARPNESS.resolve({"m": 4, "seed": seed}))


def draw_curvature():
    loss = as_objective(lambda x: x @ x, np.ones(9))
    for seed in range(3):
        eigenvalues(loss, np.ones(9), k=3, seed=seed)
        trace(loss, np.ones(9), 6, seed, "hutch++")
        spectral_density(loss, np.ones(9), seed=seed)


#: Files of the package that draw.
FILES = {
    "analysis/statistics/families.py",
    "analysis/landscapes/redraw.py",
    "analysis/landscapes/resample.py",
    "engine/networks/rows.py",
    "measures/average.py",
    "measures/batch_sharpness.py",
    "measures/extreme_eigenvalues.py",
    "measures/flat.py",
    "measures/pac_bayes.py",
    "measures/perturbations.py",
    "measures/spectrum.py",
    "measures/traces.py",
    "problems/constants.py",
    "problems/finite_sums/batches.py",
    "problems/finite_sums/design.py",
    "problems/instances.py",
    "problems/noise.py",
    "problems/problem.py",
    "suite/tuning.py",
    "tasks/data/splitting.py",
    "tasks/task.py",
}


def test_no_two_places_ask_for_one_stream(asked):
    for draw in (
        draw_problems,
        draw_noise,
        draw_networks,
        draw_searches,
        draw_analysis,
        draw_sharpness,
        draw_curvature,
    ):
        draw()
    assert len(asked) > 1500
    several = {frozenset(place.split()[0] for place in found) for found in asked.values() if len(found) > 1}
    assert several == SHARED
    missing = FILES - {place.split()[0] for found in asked.values() for place in found}
    assert not missing, "nothing was asked for there: the test says nothing of it"


def test_each_place_that_draws_has_words_of_its_own():
    """The survey of CUTEst, which takes minutes, once had those of the starts."""
    words = []
    for path in sorted(ROOT.rglob("*.py")):
        if path.as_posix().endswith(MAKERS):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("generator", "order"):
                said = tuple(part.value for part in node.args if isinstance(getattr(part, "value", None), str))
                words.append(said)
    assert all(words), "a stream without a word of its own"
    assert [said for said, times in Counter(words).items() if times > 1] == []
    assert {("cutest",), ("cutest survey",), ("bootstrap", "tune"), ("network run",)} <= set(words)


def test_the_words_of_a_key_are_those_of_the_whole_hash():
    found = keys.words("rule", "noisy_sgd")
    assert found.dtype == np.uint32
    assert f"{found[0]:08x}{found[1]:08x}" == keys.digest(["rule", "noisy_sgd"])
    assert len({tuple(keys.words("digits-lenet", "regularization", seed)) for seed in range(5000)}) == 5000
