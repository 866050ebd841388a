"""Rprop step by step: ours as published and as torch has it, optax's one call late."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench import catalog
from tests.optimizers.notes import booth, error, rosenbrock

#: Signs that last, a zero, a start anew, a change.
DERIVATIVES = (1.0, 1.0, 1.0, 0.0, 1.0, -1.0)
PUBLISHED = (-0.1, -0.12, -0.144, 0.0, -0.144, 0.0)
LATE = (0.0, -0.1, -0.12, -0.144, 0.0, 0.0)


def moves(rule, derivatives, **hyper):
    """Returns by how much each derivative moves a point."""
    hyper = {name: np.float64(value) for name, value in rule.resolve(hyper).items()}
    x = jnp.zeros(1)
    state, found = rule.init(x, hyper), []
    for derivative in derivatives:
        after, state, _ = rule.update(x, state, jnp.zeros(()), jnp.full(1, derivative), hyper)
        found.append(float(after[0] - x[0]))
        x = after
    return found


def by_paper(grad, W, steps, *, lr, etam, etap, step_min, step_max):
    """Igel and Husken 2003, algorithm iRprop-, coordinate by coordinate."""
    delta, last = [lr] * len(W), [0.0] * len(W)
    W = list(W)
    for _ in range(steps):
        g = list(grad(np.array(W)))
        for i in range(len(W)):
            if g[i] * last[i] > 0:
                delta[i] = min(delta[i] * etap, step_max)
            elif g[i] * last[i] < 0:
                delta[i] = max(delta[i] * etam, step_min)
                g[i] = 0.0
            W[i] -= np.sign(g[i]) * delta[i]
            last[i] = g[i]
        yield np.array(W)


def walked(grad, x0, steps, **hyper):
    rule = catalog.optimizer("rprop")
    hyper = {name: np.float64(value) for name, value in rule.resolve(hyper).items()}
    x = jnp.asarray(x0)
    state, path, update = rule.init(x, hyper), [np.asarray(x0)], jax.jit(rule.update)
    for _ in range(steps):
        x, state, point = update(x, state, jnp.zeros(()), jnp.asarray(grad(np.asarray(x))), hyper)
        assert np.array_equal(point, x)
        path.append(np.asarray(x))
    return np.stack(path)


def test_moves_are_the_published_ones():
    found = moves(catalog.optimizer("rprop"), DERIVATIVES, lr=0.1)
    np.testing.assert_allclose(found, PUBLISHED, atol=1e-15)


def test_optax_s_moves_come_one_call_late():
    """Once this fails, optax has changed: say so on its page."""
    found = moves(catalog.optimizer("optax_rprop"), DERIVATIVES, lr=0.1)
    np.testing.assert_allclose(found, LATE, atol=1e-15)


HYPER = [
    {"lr": 0.1, "etam": 0.5, "etap": 1.2, "step_min": 1e-6, "step_max": 50.0},
    {"lr": 0.02, "etam": 0.3, "etap": 1.7, "step_min": 1e-3, "step_max": 0.25},
]


@pytest.mark.parametrize("hyper", HYPER)
@pytest.mark.parametrize(("grad", "x0"), [(booth, (-4.0, -6.0)), (rosenbrock, (-1.2, 1.0))])
def test_path_is_that_of_the_paper(grad, x0, hyper):
    theirs = np.stack([x0, *by_paper(grad, x0, 300, **hyper)])
    ours = walked(grad, x0, 300, **hyper)
    assert error(ours, theirs) < 1e-12
    assert len(np.unique(np.abs(np.diff(ours[:, 0])))) > 20, "sizes of many kinds"


@pytest.mark.oracle
@pytest.mark.parametrize("hyper", HYPER)
@pytest.mark.parametrize(("grad", "x0"), [(booth, (-4.0, -6.0)), (rosenbrock, (-1.2, 1.0))])
def test_path_is_torch_s(grad, x0, hyper):
    torch = pytest.importorskip("torch")
    x = torch.tensor(x0, dtype=torch.float64, requires_grad=True)
    etas, sizes = (hyper["etam"], hyper["etap"]), (hyper["step_min"], hyper["step_max"])
    optimizer = torch.optim.Rprop([x], lr=hyper["lr"], etas=etas, step_sizes=sizes)
    path = [np.array(x0)]
    for _ in range(300):
        x.grad = torch.tensor(grad(x.detach().numpy()))
        optimizer.step()
        path.append(x.detach().numpy().copy())
    assert error(walked(grad, x0, 300, **hyper), np.stack(path)) < 1e-12


@pytest.mark.parametrize("name", ["etam", "etap", "step_min", "step_max"])
def test_every_constant_is_felt(name):
    hyper = HYPER[1]
    other = hyper | {name: {"etam": 0.4, "etap": 1.5, "step_min": 1e-2, "step_max": 0.2}[name]}
    assert error(walked(booth, (-4.0, -6.0), 60, **hyper), walked(booth, (-4.0, -6.0), 60, **other)) > 1e-4
