"""The seven rules against ``torch.optim``.

The formulas coincide for SGD, momentum and Adadelta, whose epsilon torch has inside the root, too. Torch's
Nesterov walks along our lookahead points. Its RMSprop, Adagrad and Adam add epsilon outside the root, so
they are compared at epsilon 0 and shown to differ elsewhere.
"""

from __future__ import annotations

import numpy as np
import pytest

from optbench import catalog
from tests.optimizers.notes import booth, error
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


def nadam(mu, lr=1e-2, b1=0.9, b2=0.999, eps=1e-8):
    """Dozat 2016, algorithm 2, on Booth; ``mu(t)`` is the schedule of momentum."""
    x, m, v, product, path = X0, 0.0, 0.0, 1.0, [X0]
    for t in range(1, STEPS + 1):
        g = booth(x)
        product *= mu(t)
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        ahead = mu(t + 1) * m / (1 - product * mu(t + 1)) + (1 - mu(t)) * g / (1 - product)
        x = x - lr * ahead / (np.sqrt(v / (1 - b2**t)) + eps)
        path.append(x)
    return np.stack(path)


def test_nadam_has_no_schedule_of_momentum_and_torch_s_has():
    """Its page says so, and how long the first steps are."""
    theirs = torch_path(torch.optim.NAdam, lr=1e-2)
    mine = ours("nadam", lr=1e-2)[0]
    assert error(mine, nadam(lambda t: 0.9)) < 1e-11
    # torch keeps the product of momenta in single precision.
    assert error(theirs, nadam(lambda t: 0.9 * (1 - 0.5 * 0.96 ** (0.004 * t)))) < 1e-6
    assert error(mine, theirs) > 1e-3
    keras = nadam(lambda t: 0.9 * (1 - 0.5 * 0.96**t))
    first = [np.abs(path[1] - path[0])[0] / 1e-2 for path in (mine, theirs, keras)]
    np.testing.assert_allclose(first, [1.474, 1.056, 1.063], atol=1e-3)
    page = catalog.optimizer("nadam").doc.replace("\n", " ")
    for said in ("0.96^t", "0.96^{0.004 t}", r"$1.47\,\eta$ here", r"$1.06\,\eta$ in both"):
        assert said in page
