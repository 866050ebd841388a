"""The seven rules against ``torch.optim``.

The formulas coincide for SGD, momentum and Adadelta, whose epsilon torch has inside the root, too. Torch's
Nesterov walks along our lookahead points. Its RMSprop, Adagrad and Adam add epsilon outside the root, so
they are compared at epsilon 0 and shown to differ elsewhere.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.optimizers.notes import error
from tests.optimizers.test_optax import STEPS, X0, ours

pytestmark = pytest.mark.oracle
torch = pytest.importorskip("torch")


def torch_path(factory, **arguments):
    x = torch.tensor(X0, dtype=torch.float64, requires_grad=True)
    optimizer = factory([x], **arguments)
    iterates = [X0]
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = (x[0] + 2 * x[1] - 7) ** 2 + (2 * x[0] + x[1] - 5) ** 2
        loss.backward()
        optimizer.step()
        iterates.append(x.detach().numpy().copy())
    return np.stack(iterates)


@pytest.mark.parametrize(
    ("name", "hyper", "factory", "arguments"),
    [
        ("sgd", {"lr": 1e-2}, "SGD", {"lr": 1e-2}),
        ("momentum", {"lr": 1e-3, "beta": 0.9}, "SGD", {"lr": 1e-3, "momentum": 0.9}),
        ("adadelta", {"gamma": 0.95, "eps": 1e-2}, "Adadelta", {"lr": 1.0, "rho": 0.95, "eps": 1e-2}),
        ("adagrad", {"lr": 0.5, "eps": 0.0}, "Adagrad", {"lr": 0.5, "eps": 0.0}),
        ("rmsprop", {"lr": 1e-2, "eps": 0.0}, "RMSprop", {"lr": 1e-2, "alpha": 0.9, "eps": 0.0}),
        ("adam", {"lr": 1e-2, "b2": 0.99, "eps": 0.0}, "Adam", {"lr": 1e-2, "betas": (0.9, 0.99), "eps": 0.0}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rule_is_torch_s(name, hyper, factory, arguments):
    assert error(ours(name, **hyper)[0], torch_path(getattr(torch.optim, factory), **arguments)) < 1e-11


def test_torch_nesterov_is_the_path_of_our_lookahead_points():
    params, points = ours("nag", lr=1e-3, beta=0.9)
    theirs = torch_path(torch.optim.SGD, lr=1e-3, momentum=0.9, nesterov=True)
    assert error(points, theirs) < 1e-11
    assert error(params, theirs) > 1e-3


@pytest.mark.parametrize(
    ("name", "factory", "arguments"),
    [("adagrad", "Adagrad", {}), ("rmsprop", "RMSprop", {"alpha": 0.9}), ("adam", "Adam", {})],
)
def test_torch_epsilon_outside_the_root_is_another_rule(name, factory, arguments):
    theirs = torch_path(getattr(torch.optim, factory), lr=1e-2, eps=1e-2, **arguments)
    assert error(ours(name, lr=1e-2, eps=1e-2)[0], theirs) > 1e-8
