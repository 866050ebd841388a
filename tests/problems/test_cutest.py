"""CUTEst's problems: the values of the literature, and that nothing is imported before one is named."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import optbench as ob
from optbench import catalog
from optbench.errors import UsageError
from optbench.problems.cutest import minimum, names, source
from optbench.problems.cutest.minimum import Descent, Reached
from optbench.problems.cutest.published import elsewhere
from optbench.problems.landscape import TAGS

INSTALLED = importlib.util.find_spec("sif2jax") is not None
needs_sif2jax = pytest.mark.skipif(not INSTALLED, reason="needs the extra cutest")


def rosenbrock(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def beale(x):
    return sum((c - x[0] * (1 - x[1] ** (i + 1))) ** 2 for i, c in enumerate((1.5, 2.25, 2.625)))


def cube(x):
    return 100 * (x[1] - x[0] ** 3) ** 2 + (x[0] - 1) ** 2


def helix(x):
    angle = np.arctan(x[1] / x[0]) / (2 * np.pi) + (0.5 if x[0] < 0 else 0.0)
    return 100 * ((x[2] - 10 * angle) ** 2 + (np.hypot(x[0], x[1]) - 1) ** 2) + x[2] ** 2


def bard(x):
    y = np.array([0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39])
    u = np.arange(1.0, 16.0)
    v = 16 - u
    return np.sum((y - (x[0] + u / (v * x[1] + np.minimum(u, v) * x[2]))) ** 2)


def wood(x):
    return (
        100 * (x[1] - x[0] ** 2) ** 2
        + (1 - x[0]) ** 2
        + 90 * (x[3] - x[2] ** 2) ** 2
        + (1 - x[2]) ** 2
        + 10 * (x[1] + x[3] - 2) ** 2
        + (x[1] - x[3]) ** 2 / 10
    )


def brown_dennis(x):
    t = np.arange(1.0, 21.0) / 5
    return np.sum(((x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2) ** 2)


def jennrich_sampson(x):
    i = np.arange(1.0, 11.0)
    return np.sum((2 + 2 * i - (np.exp(i * x[0]) + np.exp(i * x[1]))) ** 2)


def box_3(x):
    t = np.arange(1.0, 11.0) / 10
    return np.sum((np.exp(-t * x[0]) - np.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10 * t))) ** 2)


def arwhead(x):
    return np.sum((x[:-1] ** 2 + x[-1] ** 2) ** 2 - 4 * x[:-1] + 3)


#: Name, dimension, formula, start, value at the start to the digits that are published or follow by hand.
#: Moré, Garbow and Hillstrom, 1981, Testing unconstrained optimization software, ACM TOMS 7(1), section 3.
PUBLISHED = [
    ("ROSENBR", 2, rosenbrock, [-1.2, 1.0], 24.2),
    ("BEALE", 2, beale, [1.0, 1.0], 14.203125),
    ("CUBE", 2, cube, [-1.2, 1.0], 749.0384),
    ("HELIX", 3, helix, [-1.0, 0.0, 0.0], 2500.0),
    ("BARD", 3, bard, [1.0, 1.0, 1.0], 41.6817),
    ("WOODS", 4, wood, [-3.0, -1.0, -3.0, -1.0], 19192.0),
    ("BROWNDEN", 4, brown_dennis, [25.0, 5.0, -5.0, -1.0], 7926693.337),
    ("JENSMP", 2, jennrich_sampson, [0.3, 0.4], 4171.306),
    ("BOX3", 3, box_3, [0.0, 10.0, 1.0], 1.884569),
    ("ARWHEAD", 9, arwhead, [1.0] * 9, 24.0),
]
CASES = pytest.mark.parametrize(("name", "dim", "formula", "start", "value"), PUBLISHED, ids=[c[0] for c in PUBLISHED])


def neighbors(start):
    """Returns points around a start, near enough for every formula's branch of the arctangent and exponentials."""
    rng = np.random.default_rng(len(start))
    return np.asarray(start) + 0.2 * rng.standard_normal((5, len(start))) * np.maximum(0.1, np.abs(start))


@needs_sif2jax
@CASES
def test_values_are_those_of_the_literature(name, dim, formula, start, value):
    problem = ob.problem(f"cutest:{name}", dim)
    np.testing.assert_allclose(problem.landscape.f.__self__.start(dim), start, rtol=0, atol=1e-15)
    assert problem.f(start) == pytest.approx(value, rel=2e-6)
    for x in neighbors(start):
        assert problem.f(x) == pytest.approx(formula(x), rel=1e-11)


@needs_sif2jax
@CASES
def test_gradients_are_those_of_the_formula(name, dim, formula, start, value):
    problem = ob.problem(f"cutest:{name}", dim)
    for x in neighbors(start)[:2]:
        step = 1e-5 * np.maximum(1.0, np.abs(x))
        shifts = np.diag(step)
        slopes = [(formula(x + h) - formula(x - h)) / (2 * h.max()) for h in shifts]
        np.testing.assert_allclose(problem.value_and_grad(x)[1], slopes, rtol=1e-5, atol=1e-6 * np.abs(slopes).max())


@needs_sif2jax
@CASES
def test_the_minimum_is_at_x_star_in_the_middle_of_the_box(name, dim, formula, start, value):
    problem = ob.problem(f"cutest:{name}", dim)
    if problem.tags & {"unranked"}:
        pytest.skip("its minimum is not known")
    (x,) = problem.x_star
    assert formula(x) - problem.f_star == pytest.approx(0.0, abs=1e-10 * problem.f_scale)
    low, high = problem.bounds.T
    assert np.all(np.abs(x - (low + high) / 2) <= 0.4 * (high - low) * (1 + 1e-12))
    x0 = np.asarray(start)
    half = (high - low) / 2
    np.testing.assert_allclose((low + high) / 2, x0, atol=1e-12)
    doublings = np.log2(half / np.maximum(1.0, np.abs(x0)))
    np.testing.assert_allclose(doublings, np.maximum(np.round(doublings), 0.0), atol=1e-12)
    starts = np.array([problem.starts(0, "report", k)[0] for k in range(200)])
    spread = np.abs(starts - x0) / np.maximum(1.0, np.abs(x0))
    assert spread.max() <= 1.0
    assert spread.max(axis=0).min() > 0.9


@needs_sif2jax
def test_the_same_name_is_the_same_object():
    assert catalog.landscape("cutest:ROSENBR") is catalog.landscape("cutest:ROSENBR")
    # The code belongs to another package: no compiled program is kept under its name alone.
    assert not catalog.is_known(catalog.landscape("cutest:ROSENBR"))


@needs_sif2jax
def test_one_problem_is_imported_and_not_the_package():
    code = (
        "import sys, optbench as ob; ob.problem('cutest:ROSENBR').f([1.0, 1.0]);"
        "print('sif2jax' in sys.modules, sum(m.startswith('optbench_sif2jax.cutest._unc') for m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "2"]


@needs_sif2jax
def test_an_unranked_problem_says_why():
    name = next(row.name for row in names.rows().values() if row.f_star is None and not row.size and row.dim <= 10)
    landscape = catalog.landscape(f"cutest:{name}")
    assert landscape.tags == {"unranked"}
    assert names.row(name).why in landscape.remarks


@needs_sif2jax
def test_a_free_dimension_is_free_and_a_fixed_one_is_not():
    assert ob.problem("cutest:ARWHEAD", dim=7).f(np.ones(7)) == 18.0
    with pytest.raises(UsageError, match="cutest:WOODS: dimension must be multiples of 4 from 4; got 7"):
        ob.problem("cutest:WOODS", dim=7)
    with pytest.raises(UsageError, match="cutest:ROSENBR: dimension must be 2 only; got 3"):
        ob.problem("cutest:ROSENBR", dim=3)


@needs_sif2jax
def test_a_suite_runs_it_and_its_family_is_that_of_its_twin(tmp_path):
    suite = tmp_path / "mine.toml"
    suite.write_text(
        'name = "mine"\nversion = 1\nquestion = "?"\nbudget = 50\ntuning = "default"\nstarts = {tune = 0, report = 2}\n'
        'optimizers = [{name = "sgd"}]\n'
        'problems = [{name = "cutest:ROSENBR"}, {name = "rosenbrock"}]\n'
    )
    done = ob.run(str(suite), out=tmp_path)
    rows = done.runs
    assert set(rows["problem"]) == {"cutest:ROSENBR-2d", "rosenbrock-2d"}
    assert set(rows["status"]) <= {"ok", "diverged"}
    assert done.manifest["problems"]["cutest:ROSENBR-2d"]["family"] == "rosenbrock"


def test_without_the_extra_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(source.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r'pip install "optbench\[cutest\]"'):
        catalog.landscape("cutest:ROSENBR")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cutest:ROSNBR", "unknown CUTEst problem 'ROSNBR'; did you mean 'ROSENBR'"),
        ("cutest:rosenbr", "did you mean 'cutest:ROSENBR'?"),
        ("cutest:???", "unknown CUTEst problem '???'; see: optbench list cutest"),
        ("cutest:", "unknown CUTEst problem ''; see: optbench list cutest"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(name, message):
    with pytest.raises(UsageError) as error:
        catalog.landscape(name)
    assert message in str(error.value)


def test_listing_imports_neither_jax_nor_sif2jax():
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom optbench.cli.listing import list_\n"
        "found = [CliRunner().invoke(list_, words).stdout for words in ([], ['cutest'])]\n"
        "print('cutest:' in found[0], 'cutest:ROSENBR ' in found[1])\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('jax', 'sif2jax', 'equinox', 'optbench_sif2jax')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["False True", "[]"]


def test_the_list_is_whole():
    rows = names.rows()
    assert list(rows) == sorted(rows)
    assert len(rows) == 197
    for row in rows.values():
        assert (row.f_star is None) == bool(row.why)
        assert row.dim >= row.minimum >= 1
        assert row.dim % row.multiple == 0
        assert row.multiple % row.per_size == 0
        assert row.size or row.minimum == row.dim
    assert "unranked" in TAGS
    assert json.loads(names.PATH.read_text(encoding="utf-8")).keys() == rows.keys()


def ended(f, decrement=0.0, *, cut=False):
    return Reached(np.zeros(2), f, decrement, cut)


@needs_sif2jax
@pytest.mark.parametrize(
    ("best", "published", "dim", "found"),
    [
        (ended(1e-20), 0.0, None, 0.0),
        (ended(2.0001), 2.0, None, 2.0001),
        (ended(1.0), 0.0, None, "descents end at 1, and the published minimum is 0"),
        (ended(1.0), 0.0, 20, "descents end at 1 in dimension 20, and the published minimum is 0"),
        (ended(2.0), 3.0, None, "descents fall to 2, below the published minimum 3"),
        (
            ended(1.0, cut=True),
            0.0,
            None,
            "undecided: descents of 20000 gradients come down to 1, and the published minimum is 0",
        ),
        (
            ended(1.0, 0.4),
            0.0,
            None,
            "undecided: descents of 20000 gradients come down to 1, and the published minimum is 0",
        ),
        # A low end is no 0 if it stays where it is, however large the values of the start are.
        (ended(1e-8, 5e-9), 0.0, None, 0.0),
        (ended(1e-8), 0.0, None, "descents end at 1e-08, and the published minimum is 0"),
        (ended(0.04), 0.05, None, "descents fall to 0.04, below the published minimum 0.05"),
        (ended(0.05, 1e-4), 0.05, None, "its minimum could not be computed to 11 digits"),
    ],
)
def test_the_survey_says_what_it_found(best, published, dim, found):
    from optbench.problems.cutest.survey import verdict

    assert verdict(best, published, 100.0, dim) == found


@needs_sif2jax
@pytest.mark.parametrize("name", ["BIGGS6", "DIXMAANB", "JUDGE", "CHAINWOO"])
def test_the_survey_finds_what_the_list_has(name):
    """The lowest of several minima, another source's minimum, a wrong one, and sizes whose gradient is wrong."""
    from optbench.problems.cutest.survey import survey

    (found,) = survey([name])
    known = names.row(name)
    assert (found.dim, found.size, found.multiple) == (known.dim, known.size, known.multiple)
    assert (found.f_star is None) == (known.f_star is None)
    if known.f_star is not None:
        assert found.f_star == pytest.approx(known.f_star, rel=1e-10)
    assert found.why.split(" ")[:3] == known.why.split(" ")[:3]


@needs_sif2jax
@pytest.mark.parametrize("name", ["BIGGS6", "EGGCRATE", "DEVGLA1", "WOODS"])
def test_a_minimum_that_is_not_reached_from_the_start_is_sought_from_other_points(name):
    problem = ob.problem(f"cutest:{name}")
    (x,) = problem.x_star
    assert problem.f(x) - problem.f_star == pytest.approx(0.0, abs=1e-9 * problem.f_scale)


@pytest.mark.parametrize("name", [name for name, row in names.rows().items() if elsewhere(name) and row.f_star])
def test_confirmed_minima_have_the_certified_digits(name):
    assert names.row(name).f_star == pytest.approx(elsewhere(name), rel=1e-10)


@needs_sif2jax
def test_a_function_without_a_lower_bound_is_not_ranked():
    problem = ob.problem("cutest:TENFOLDTRLS", dim=20)
    assert problem.tags == {"unranked"}
    assert problem.f(np.full(20, -1e-3)) < 0


def test_no_reason_hides_behind_a_limit_of_time():
    whys = {row.why for row in names.rows().values()}
    assert not any("time" in why or "not checked" in why for why in whys)
    assert not any(why.startswith("undecided") for why in whys)


def test_a_descent_that_is_stopped_says_so(monkeypatch):
    descent = Descent(lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2)
    start = np.array([-1.2, 1.0])
    assert not descent.from_(start).cut
    assert descent.from_(start, seconds=0.0).cut
    monkeypatch.setattr(minimum, "GRADIENTS", 10)
    stopped = descent.from_(start)
    assert stopped.cut
    assert stopped.f < 24.2
    assert descent.polished(stopped).cut


def test_a_descent_ends_in_the_minimum_to_double_precision():
    def valley(x):
        return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2 + 3.0

    descent = Descent(valley)
    reached = descent.polished(descent.from_(np.array([-1.2, 1.0])))
    np.testing.assert_allclose(reached.x, [1.0, 1.0], rtol=1e-12)
    assert reached.f == 3.0
    assert reached.decrement <= 1e-20
    bounded = descent.from_(np.array([-1.2, 1.0]), bounds=np.array([[-2.0, 0.5], [-1.0, 2.0]]))
    np.testing.assert_allclose(bounded.x, [0.5, 0.25], rtol=1e-6)


def test_not_finite_values_end_no_descent():
    descent = Descent(lambda x: jax.numpy.sum(x**2 - jax.numpy.log(x)))
    np.testing.assert_allclose(descent.from_(np.array([5.0])).x, [np.sqrt(0.5)], rtol=1e-6)


@needs_sif2jax
@pytest.mark.parametrize("name", ["CLUSTERLS", "ZANGWIL2", "CLIFF", "HIMMELBCLS"])
def test_sif2jax_s_expected_result_is_no_minimizer_as_the_page_says(name):
    """Once this fails, sif2jax has changed: the page is to say so."""
    problem = source.problem_class(names.row(name).module, name)()
    with jax.enable_x64(True):
        there, stated = (
            float(problem.objective(problem.expected_result, problem.args)),
            problem.expected_objective_value,
        )
    assert abs(there - float(stated)) > 0.1
    page = (Path(__file__).parents[2] / "docs" / "cutest.md").read_text(encoding="utf-8")
    assert f"`{name}` {there:g}" in page
