"""What every landscape promises, whatever its formula."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench.problems.landscape import TAGS
from optbench.problems.problem import Problem

from .shelf import LANDSCAPES, by_name, cases, defaults

#: Landscapes whose program may gather or scatter, with the reason; none needs to.
GATHER_ALLOWED: dict[str, str] = {}


def primitives(jaxpr):
    """Yields the names of all primitives of a program, inner programs included."""
    for equation in jaxpr.eqns:
        yield equation.primitive.name
        for inner in jax.tree.leaves(list(equation.params.values()), is_leaf=lambda v: hasattr(v, "jaxpr")):
            if hasattr(inner, "jaxpr"):
                yield from primitives(inner.jaxpr)
            elif hasattr(inner, "eqns"):
                yield from primitives(inner)


@pytest.mark.parametrize("landscape", LANDSCAPES, ids=lambda landscape: landscape.name)
def test_landscape_is_documented(landscape):
    assert landscape.formula
    assert landscape.reference
    assert landscape.tags <= set(TAGS)
    assert landscape.f.__name__ == f"_{landscape.name}"
    for section in ("Args:", "Returns:", "References:"):
        assert section in (landscape.f.__doc__ or "")
    assert all(p.low <= p.default <= p.high and p.meaning for p in landscape.parameters.values())
    assert landscape.dims.allows(landscape.dims.default)


@pytest.mark.parametrize(("name", "dim"), cases((2, 7, 30)))
def test_minimizers_lie_in_the_box(name, dim):
    landscape = by_name(name)
    bounds = landscape.bounds(dim)
    points = landscape.x_star(dim, *defaults(landscape))
    assert bounds.shape == (dim, 2)
    assert points.shape[1:] == (dim,)
    assert np.all((points >= bounds[:, 0]) & (points <= bounds[:, 1]))
    assert len(np.unique(points.round(9), axis=0)) == len(points)


@pytest.mark.parametrize(("name", "dim"), cases((2, 10)))
def test_lanes_equal_single_points(name, dim):
    problem = Problem(by_name(name), dim)
    points = np.array([problem.starts(0, "report", k)[0] for k in range(9)])
    looped = [problem.value_and_grad(x) for x in points]
    f = jax.value_and_grad(problem.landscape.f)
    for axis, batch in ((0, points), (-1, points.T)):
        lanes = jax.jit(jax.vmap(f, in_axes=(axis, *(None for _ in problem.theta)), out_axes=(0, axis)))
        values, grads = lanes(batch, *(jnp.float64(p) for p in problem.theta))
        assert values.dtype == grads.dtype == jnp.float64
        scale = 1.0 + np.abs([g for _, g in looped]).max()
        assert np.allclose(values, [v for v, _ in looped], rtol=1e-13, atol=1e-13 * problem.f_scale)
        assert np.allclose(
            np.moveaxis(np.asarray(grads), axis, 0), [g for _, g in looped], rtol=1e-12, atol=1e-13 * scale
        )


@pytest.mark.parametrize(("name", "dim"), cases((2, 8)))
def test_program_neither_gathers_nor_scatters(name, dim):
    landscape = by_name(name)
    program = jax.make_jaxpr(
        jax.vmap(jax.value_and_grad(landscape.f), in_axes=(-1, *(None for _ in landscape.parameters)))
    )
    used = set(primitives(program(jnp.ones((dim, 4)), *(jnp.float64(p) for p in defaults(landscape))).jaxpr))
    slow = {p for p in used if "gather" in p or "scatter" in p or p in {"dynamic_slice", "sort", "while"}}
    assert bool(slow) == (name in GATHER_ALLOWED), slow


def test_parameters_are_traced():
    traces = []

    def counted(x, condition):
        traces.append(1)
        return by_name("ellipsoid").f(x, condition)

    f = jax.jit(counted)
    for condition in (1.0, 10.0, 1e6):
        assert float(f(jnp.array([0.0, 1.0]), condition)) == pytest.approx(condition)
    assert len(traces) == 1


def test_every_landscape_stands_in_the_documentation():
    docs = Path(__file__).parents[2] / "docs"
    page = "".join((docs / name).read_text(encoding="utf-8") for name in ("problems.md", "finite-sums.md"))
    assert [landscape.name for landscape in LANDSCAPES if f"| `{landscape.name}` |" not in page] == []
