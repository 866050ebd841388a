"""Curvature of many points at once against Lanczos, closed forms and one dense Hessian after the other."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from optbench.core.objective import Objective
from optbench.engine.measuring import take, take_together
from optbench.engine.outcomes import EndPoint, Point
from optbench.measures import dense
from optbench.measures.measure import NotApplicable
from optbench.measures.of_problem import subject_of
from optbench.measures.subject import Subject
from optbench.suite.measure import MeasureSpec


def subjects(name: str, n: int, dim: int, units: str = "normalized", **parameters: float) -> list[Subject]:
    problem = catalog.problem(name, dim, instance=1, rotated=True, **parameters)
    return [subject_of(problem, problem.starts(0, "report", index)[0], units=units) for index in range(n)]


@pytest.mark.parametrize(("name", "dim", "n"), [("rosenbrock", 2, 300), ("ellipsoid", 7, 3), ("rastrigin", 30, 9)])
def test_the_ends_and_the_sum_of_the_spectrum_are_those_of_each_dense_hessian(name, dim, n):
    points = subjects(name, n, dim)
    objective = points[0].objective
    assert all(point.objective is objective for point in points)
    with jax.enable_x64(True):
        hessian = jax.jit(jax.hessian(objective.value))
        whole = [np.asarray(hessian(jnp.asarray(point.params))) for point in points]
    values = np.stack([np.linalg.eigvalsh((matrix + matrix.T) / 2) for matrix in whole])
    scale = np.abs(values).max(axis=1)
    for many, expected in ((dense.tops, values[:, -1]), (dense.bottoms, values[:, 0]), (dense.traces, values.sum(1))):
        found = many(points)
        assert np.abs(np.array([one.estimate for one in found]) - expected).max() <= 1e-11 * scale.max()
        assert all((one.standard_error, one.details["method"]) == (0.0, "dense") for one in found)


@pytest.mark.parametrize("measure", ["hessian_top", "hessian_bottom", "hessian_trace"])
def test_a_measure_of_many_points_is_the_measure_of_each(measure):
    spec = MeasureSpec.model_validate({"name": measure, **({"tol": 1e-12} if "trace" not in measure else {})})
    points = subjects("rosenbrock", 5, 6)
    ends = [EndPoint(f"c{k}", Point.LAST, 10, point.params) for k, point in enumerate(points)]
    together = take_together(spec, ends, points)
    alone = [take(spec, end, point) for end, point in zip(ends, points, strict=True)]
    for one, other in zip(together, alone, strict=True):
        assert one.row["status"] == other.row["status"] == "ok"
        assert one.row["estimate"] == pytest.approx(other.row["estimate"], rel=1e-9)
        assert one.row["cell_id"] == other.row["cell_id"]


def test_a_quadratic_has_its_known_spectrum_in_raw_units():
    problem = catalog.problem("ellipsoid", 4, condition=100.0)
    top = dense.tops([subject_of(problem, np.arange(4.0), units="raw")])[0].estimate
    # f(x) = sum_i condition^(i/(n-1)) x_i^2
    assert top == pytest.approx(200.0, rel=1e-12)


def test_points_do_not_depend_on_their_company():
    points = subjects("ackley", 40, 3)
    together, alone = dense.tops(points), [dense.tops([point])[0] for point in points]
    assert [one.estimate for one in together] == [one.estimate for one in alone]


def test_a_point_without_curvature_says_so_and_the_others_have_theirs():
    root = Objective(lambda x: jnp.sqrt(x[0]) + x[1] ** 2, np.zeros(2))
    found = dense.bottoms([Subject(root, np.array([1.0, 0.0])), Subject(root, np.array([0.0, 0.0]))])
    assert found[0].estimate == pytest.approx(-0.25)
    assert isinstance(found[1], NotApplicable)
    spec = MeasureSpec(name="hessian_bottom")
    ends = [EndPoint(f"c{k}", Point.LAST, 1, np.zeros(2)) for k in range(2)]
    rows = [one.row for one in take_together(spec, ends, [Subject(root, np.ones(2)), Subject(root, np.zeros(2))])]
    assert [row["status"] for row in rows] == ["ok", "not_applicable"]
    assert rows[1]["estimate"] is None


def test_points_of_two_functions_are_measured_one_by_one():
    points = [*subjects("rosenbrock", 2, 2), *subjects("ellipsoid", 1, 2)]
    with pytest.raises(NotApplicable, match="only points of one function"):
        dense.tops(points)
    ends = [EndPoint(f"c{k}", Point.LAST, 10, point.params) for k, point in enumerate(points)]
    rows = [one.row for one in take_together(MeasureSpec(name="hessian_top"), ends, points)]
    assert [row["status"] for row in rows] == ["ok"] * 3
