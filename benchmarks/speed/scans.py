"""What a user of JAX and optax would write: ``jit(vmap(scan(optax)))``, one program for each pair."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax
from workload import Kept, Workload

from optbench.problems.problem import Problem

#: optax's form of each rule, from the rule's hyperparameters in their order.
OPTAX: dict[str, Callable[..., optax.GradientTransformation]] = {
    "sgd": lambda lr: optax.sgd(lr),
    "momentum": lambda lr, beta: optax.sgd(lr, momentum=beta),
    "nag": lambda lr, beta: optax.sgd(lr, momentum=beta, nesterov=True),
    "adagrad": lambda lr, eps: optax.adagrad(lr, initial_accumulator_value=0.0, eps=eps),
    "adadelta": lambda gamma, eps: optax.adadelta(1.0, rho=gamma, eps=eps),
    "rmsprop": lambda lr, gamma, eps: optax.rmsprop(lr, decay=gamma, eps=eps),
    "adam": lambda lr, b1, b2, eps: optax.adam(lr, b1=b1, b2=b2, eps=eps),
}


def compile_scan(work: Workload, *, trace_all: bool) -> tuple[Callable[[], np.ndarray], float]:
    """Compiles the scan of one pair.

    Args:
        work: The work.
        trace_all: Whether every hyperparameter is traced for each lane; if not, only the rate is, and
            the others are constants of the program.

    Returns:
        A call that gives the losses, (steps + 1, lanes), and the seconds of compilation.
    """
    make = OPTAX[work.rule.name]
    names = list(work.rule.hyper)
    defaults = work.rule.defaults()

    def one(x: Any, hyper: Any) -> Any:
        values = [hyper[i] if trace_all or name == "lr" else defaults[name] for i, name in enumerate(names)]
        optimizer = make(*values)

        def step(carry: Any, _: None) -> Any:
            x, state = carry
            value, grad = jax.value_and_grad(work.problem.f)(x)
            updates, state = optimizer.update(grad, state, x)
            return (optax.apply_updates(x, updates), state), value

        _, losses = jax.lax.scan(step, (x, optimizer.init(x)), None, length=work.steps + 1)
        return losses

    begin = time.perf_counter()
    call = jax.jit(jax.vmap(one, out_axes=1)).lower(work.starts, work.hyper).compile()
    seconds = time.perf_counter() - begin
    return lambda: np.asarray(call(work.starts, work.hyper)), seconds


def runner(
    call: Callable[[], np.ndarray], work: Workload, reduction: Callable[[np.ndarray, Problem], Kept]
) -> Callable[[], Kept]:
    """Returns a call that runs a scan and reduces its losses."""
    return lambda: reduction(call(), work.problem)
