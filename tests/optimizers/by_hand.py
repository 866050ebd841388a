"""optax driven as its users drive it: concrete numbers, ``apply_updates``, one step after the other.

Each entry of the catalogue has a line here that builds its transformation from optax alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from optax import contrib

#: They compute a factor from an integer counter and a hyperparameter: in single precision if that is a Python number,
#: which JAX gives the counter's own type, in double if it is a double. Ours are doubles.
IN_DOUBLE = {"adafactor", "madgrad"}


def plain(factory: Callable[..., Any], **structure: Any) -> Callable[..., Any]:
    """Returns a builder that hands every hyperparameter on under its own name, ``lr`` as the learning rate."""
    return lambda lr, **hyper: factory(learning_rate=lr, **hyper, **structure)


def betas(factory: Callable[..., Any]) -> Callable[..., Any]:
    return lambda lr, b1, b2, **hyper: factory(learning_rate=lr, betas=(b1, b2), **hyper)


def sam(lr: float, rho: float, eps: float, opaque: bool = False) -> Any:
    ascent = optax.chain(optax.normalize_by_update_norm(eps=eps), optax.sgd(rho))
    return contrib.sam(optax.sgd(lr), ascent, opaque_mode=opaque)


BY_HAND: dict[str, Callable[..., Any]] = {
    "optax_sgd": plain(optax.sgd),
    "optax_momentum": plain(optax.sgd),
    "optax_nesterov": plain(optax.sgd, nesterov=True),
    "normalized_sgd": lambda lr, eps: optax.chain(optax.normalize_by_update_norm(eps=eps), optax.sgd(lr)),
    "noisy_sgd": plain(optax.noisy_sgd),
    "optimistic_gradient_descent": plain(optax.optimistic_gradient_descent),
    "reduce_on_plateau": lambda lr: optax.chain(optax.sgd(lr), contrib.reduce_on_plateau()),
    "optax_lbfgs": lambda lr: optax.lbfgs(lr, memory_size=10, linesearch=None),
    "lars": plain(optax.lars),
    "fromage": plain(optax.fromage),
    "polyak_sgd": lambda lr, **hyper: optax.polyak_sgd(max_learning_rate=lr, **hyper),
    "sign_sgd": plain(optax.sign_sgd),
    "signum": plain(optax.signum),
    "lion": plain(optax.lion),
    "optax_rprop": plain(optax.rprop),
    "optax_adagrad": plain(optax.adagrad),
    "optax_adadelta": plain(optax.adadelta),
    "optax_rmsprop": plain(optax.rmsprop),
    "rmsprop_centered": plain(optax.rmsprop, centered=True),
    "sm3": plain(optax.sm3),
    "adafactor": plain(optax.adafactor),
    "madgrad": plain(contrib.madgrad),
    "optax_adam": plain(optax.adam),
    "adamw": plain(optax.adamw),
    "nadam": plain(optax.nadam),
    "nadamw": plain(optax.nadamw),
    "adamax": plain(optax.adamax),
    "adamaxw": plain(optax.adamaxw),
    "amsgrad": plain(optax.amsgrad),
    "radam": plain(optax.radam),
    "optimistic_adam_v2": plain(optax.optimistic_adam_v2),
    "adabelief": plain(optax.adabelief),
    "acprop": plain(contrib.acprop),
    "yogi": plain(optax.yogi),
    "adan": plain(optax.adan),
    "ademamix": plain(contrib.ademamix),
    "simplified_ademamix": plain(contrib.simplified_ademamix),
    "adopt": plain(contrib.adopt),
    "novograd": plain(optax.novograd),
    "lamb": plain(optax.lamb),
    "prodigy": betas(contrib.prodigy),
    "dadapt_adamw": betas(contrib.dadapt_adamw),
    "dog": lambda lr, reps_rel, **hyper: contrib.dog(lr, init_step=("heuristic", reps_rel), **hyper),
    "dowg": plain(contrib.dowg),
    "cocob": plain(contrib.cocob),
    "mechanize": lambda lr, **hyper: contrib.mechanize(optax.sgd(lr), **hyper),
    "momo": plain(contrib.momo),
    "momo_adam": plain(contrib.momo_adam),
    "schedule_free_sgd": plain(contrib.schedule_free_sgd),
    "schedule_free_adamw": plain(contrib.schedule_free_adamw),
    "optax_lookahead": lambda lr, slow_step_size: optax.lookahead(optax.sgd(lr), 5, slow_step_size),
    "optax_sam": sam,
    "muon": plain(contrib.muon),
    "galore": plain(contrib.galore),
}


def drive(name: str, f: Callable[..., Any], x0: np.ndarray, hyper: dict[str, float], steps: int, **more: Any) -> Any:
    """Runs optax by hand.

    Args:
        name: Entry of the catalogue.
        f: Function of one point.
        x0: Start.
        hyper: Hyperparameters, Python numbers.
        steps: Calls of ``update``.
        **more: Arguments of the builder that are no hyperparameters, such as a random key.

    Returns:
        What optax's documentation evaluates and where the gradients are taken, ``(steps + 1, dim)`` each.
    """
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        if name in IN_DOUBLE:
            hyper = {key: np.float64(value) for key, value in hyper.items()}
        transform = BY_HAND[name](**hyper, **more)
        params: Any = jnp.asarray(x0)
        if name == "optax_lookahead":
            params = optax.LookaheadParams.init_synced(params)
        state = transform.init(params)
        takes_value = name in {"polyak_sgd", "momo", "momo_adam", "reduce_on_plateau"}

        @functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
        def step(params, state):
            fast = params.fast if name == "optax_lookahead" else params
            value, grad = jax.value_and_grad(f)(fast)
            extra = {"value": value} if takes_value else {}
            updates, state = transform.update(grad, state, params, **extra)
            return optax.apply_updates(params, updates), state

        judged, points = [x0], [x0]
        for _ in range(steps):
            params, state = step(params, state)
            points.append(params.fast if name == "optax_lookahead" else params)
            if name.startswith("schedule_free"):
                judged.append(contrib.schedule_free_eval_params(state, params))
            elif name == "optax_lookahead":
                judged.append(params.slow)
            elif name == "optax_sam":
                # Without its opaque mode optax shows the perturbed point as parameters after every odd call.
                judged.append(judged[-1] if len(points) % 2 == 0 else params)
            else:
                judged.append(params)
    return np.array(judged), np.array(points)
