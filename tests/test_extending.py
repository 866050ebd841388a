"""A new rule, function or figure is one object in one file and one line in a literal list.

Each is added to a copy of the package, and the command of the copy then has it everywhere.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import optbench

PACKAGE = Path(optbench.__file__).parent

RULE = """

def _signed(params, state, value, grad, hyper):
    params = jax.tree.map(lambda w, g: w - hyper["lr"] * jax.numpy.sign(g), params, grad)
    return params, state, params


signsgd = Optimizer(name="signsgd", init=_no_state, update=_signed, hyper={"lr": _LR}, doc="Sign descent.")
"""
RULE_LINE = '    Entry("signsgd", _GRADIENT, "gradient", "steps along the signs of the gradient"),\n'

FUNCTION = """

def _bowl(x):
    return jnp.sum(x**4 + x**2)


bowl = Landscape(
    name="bowl",
    f=_bowl,
    bounds=box(-2.0, 2.0),
    x_star=lambda dim: np.zeros((1, dim)),
    formula="sum_i x_i^4 + x_i^2",
    reference="an example",
)
"""
FUNCTION_LINE = '    Entry("bowl", _QUADRATICS, "quadratics", "a bowl with steep walls"),\n'

FIGURE = '''"""Starts: how far each start is from the minimum."""

from matplotlib.figure import Figure


def draw(evidence, setting):
    figure = Figure()
    figure.add_subplot().hist(evidence.run.runs["f_start"])
    return [figure]
'''
FIGURE_LINE = '        "starts": "rows",\n'

SUITE = """
name = "extended"
version = 1
question = "Is what was added there?"
budget = 20
starts = { tune = 2, report = 2 }
grid = { lr = { low = 1e-2, high = 1.0, points = 2 } }
optimizers = [{ name = "sgd" }, { name = "signsgd" }]
problems = [{ name = "sphere", dim = 3, instance = 1 }, { name = "bowl", dim = 3, instance = 1 }]
"""


def append(path, text):
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def add_line(path, opening, line):
    text = path.read_text(encoding="utf-8")
    assert text.count(opening) == 1
    path.write_text(text.replace(opening, opening + line), encoding="utf-8")


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    folder = tmp_path_factory.mktemp("extended")
    package = folder / "optbench"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    append(package / "optimizers" / "gradient.py", RULE)
    add_line(package / "catalog" / "rules.py", "OPTIMIZERS: tuple[Entry, ...] = (\n", RULE_LINE)
    append(package / "problems" / "quadratics.py", FUNCTION)
    add_line(package / "catalog" / "functions.py", "PROBLEMS: tuple[Entry, ...] = (\n", FUNCTION_LINE)
    figures = package / "report" / "figures" / "landscapes"
    (figures / "starts.py").write_text(FIGURE)
    add_line(figures / "__init__.py", "FIGURES = {\n", FIGURE_LINE)
    (folder / "extended.toml").write_text(SUITE)

    def run(*words):
        environ = {**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "optbench", *words],
            cwd=folder,
            env=environ,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_what_was_added_is_listed_described_run_and_drawn(command):
    assert "signsgd" in command("list", "optimizers")
    assert "bowl" in command("list", "problems")
    assert "Sign descent." in command("info", "signsgd")
    assert "sum_i x_i^4 + x_i^2" in command("info", "bowl")
    assert "starts" in command("plot", "--help")
    table = command("run", "extended.toml")
    assert "bowl-3d-i1" in table
    assert "signsgd" in table
    assert command("plot", "extended", "--kind", "starts").endswith("figures/starts.png\n")
