"""What most people write: a Python loop, over a jitted optax step or over torch.optim."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from scans import OPTAX
from workload import Workload


def optax_loop(work: Workload, *, batched: bool) -> Callable[[int], None]:
    """Returns a call that makes steps of a jitted optax update, one lane or all lanes at once."""
    make = OPTAX[work.rule.name]

    def update(x: Any, state: Any, hyper: Any) -> Any:
        optimizer = make(*hyper)
        value, grad = jax.value_and_grad(work.problem.f)(x)
        updates, state = optimizer.update(grad, state, x)
        return optax.apply_updates(x, updates), state, value

    hyper = jnp.asarray(work.hyper)
    step = jax.jit(jax.vmap(update)) if batched else jax.jit(update)
    x = jnp.asarray(work.starts) if batched else jnp.asarray(work.starts[0])
    values = hyper if batched else hyper[0]
    init = lambda x, h: make(*h).init(x)  # noqa: E731  (vmapped below)
    state = jax.vmap(init)(x, values) if batched else init(x, values)

    def run(steps: int) -> None:
        y, carried = x, state
        value = None
        for _ in range(steps):
            y, carried, value = step(y, carried, values)
        jax.block_until_ready(value)

    return run


def has_torch() -> bool:
    """Returns whether torch is installed."""
    return importlib.util.find_spec("torch") is not None


def torch_loop(work: Workload, *, batched: bool) -> Callable[[int], None]:
    """Returns a call that makes steps of ``torch.optim.Adam`` on Rosenbrock; torch has one rate for all lanes."""
    import torch

    starts = torch.tensor(work.starts if batched else work.starts[:1], dtype=torch.float64)
    lr = float(work.hyper[0, 0])

    def rosenbrock(x: Any) -> Any:
        a, b = x[..., 1:] - x[..., :-1] ** 2, 1 - x[..., :-1]
        return (100 * a**2 + b**2).sum()

    def run(steps: int) -> None:
        x = starts.clone().requires_grad_(True)
        optimizer = torch.optim.Adam([x], lr=lr)
        for _ in range(steps):
            optimizer.zero_grad()
            rosenbrock(x).backward()
            optimizer.step()

    return run
