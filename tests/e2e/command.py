"""The command as a process of its own, and the suite that the tests of this folder run."""

from __future__ import annotations

import os
import subprocess
import sys

import optbench as ob
from optbench import store
from optbench.report import tables
from optbench.report.evidence import Evidence

PROBLEMS = [
    '{ name = "himmelblau", instance = 1 }',
    *(f'{{ name = "sphere", dim = 3, instance = {number} }}' for number in range(1, 6)),
    *(f'{{ name = "rosenbrock", dim = 3, instance = {number}, rotated = true }}' for number in range(1, 6)),
]
OPTIMIZERS = ['{ name = "momentum" }', '{ name = "nag" }', '{ name = "adam" }']
KINDS = tables.names()["landscapes"]
#: The command without its figures, which take longer than all the rest of it; what draws them has tests of its own.
UNDRAWN = """
from optbench.cli import main
from optbench.report import figures
figures.draw = lambda *asked: []
main()
"""
N_SHARDS = len(PROBLEMS) * len(OPTIMIZERS)


def suite(problems=PROBLEMS, optimizers=OPTIMIZERS):
    """Returns the text of a suite of three dozen shards, most of them without pictures."""
    return f"""
name = "tiny"
version = 1
question = "Does a stopped run end as one that was not?"
budget = 1500
starts = {{ tune = 2, report = 3 }}
grid = {{ lr = {{ low = 1e-3, high = 1e1, points = 3 }} }}
optimizers = [{", ".join(optimizers)}]
problems = [{", ".join(problems)}]
"""


def words(*arguments):
    return [sys.executable, "-c", UNDRAWN, *arguments]


def environ(**more):
    return {**os.environ, "NO_COLOR": "1", **more}


def call(folder, *arguments, **more):
    """Runs the command to its end."""
    return subprocess.run(
        words(*arguments), cwd=folder, env=environ(**more), capture_output=True, text=True, timeout=300
    )


def run_in(folder, text=None, *arguments, **more):
    """Runs the suite in a folder and a process of its own and returns what is stored."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiny.toml").write_text(suite() if text is None else text)
    done = call(folder, "run", "tiny.toml", *arguments, **more)
    assert done.returncode == 0, done.stderr
    return store.load(folder / "results" / "tiny")


def made_in(folder, text=None, **selection):
    """Runs the suite in a folder of its own, in this process; returns what is stored."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiny.toml").write_text(suite() if text is None else text)
    return ob.run(str(folder / "tiny.toml"), out=folder / "results", **selection)


def rendered(run):
    """Returns every table of a run in every format."""
    seen = Evidence.of(run)
    return {(kind, form): tables.render(seen, kind, form) for kind in KINDS for form in tables.FORMATS}


def evidence(run):
    """Returns the SHA-256 of every shard and picture; commit records hold clock readings and differ."""
    return {path: digest for path, digest in run.manifest["files"].items() if path.endswith(".parquet")}
