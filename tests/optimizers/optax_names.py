"""What becomes of each public name of optax that makes a transformation: entries, building blocks, exclusions."""

from __future__ import annotations

import re

#: Name in optax -> entries of the catalogue that are made of it.
ENTRIES = {
    "optax.adabelief": ["adabelief"],
    "optax.adadelta": ["optax_adadelta"],
    "optax.adafactor": ["adafactor"],
    "optax.adagrad": ["optax_adagrad"],
    "optax.adam": ["optax_adam"],
    "optax.adamax": ["adamax"],
    "optax.adamaxw": ["adamaxw"],
    "optax.adamw": ["adamw"],
    "optax.adan": ["adan"],
    "optax.amsgrad": ["amsgrad"],
    "optax.fromage": ["fromage"],
    "optax.lamb": ["lamb"],
    "optax.lars": ["lars"],
    "optax.lbfgs": ["optax_lbfgs"],
    "optax.lion": ["lion"],
    "optax.lookahead": ["optax_lookahead"],
    "optax.nadam": ["nadam"],
    "optax.nadamw": ["nadamw"],
    "optax.noisy_sgd": ["noisy_sgd"],
    "optax.normalize_by_update_norm": ["normalized_sgd"],
    "optax.novograd": ["novograd"],
    "optax.optimistic_adam_v2": ["optimistic_adam_v2"],
    "optax.optimistic_gradient_descent": ["optimistic_gradient_descent"],
    "optax.polyak_sgd": ["polyak_sgd"],
    "optax.radam": ["radam"],
    "optax.rmsprop": ["optax_rmsprop", "rmsprop_centered"],
    "optax.rprop": ["optax_rprop"],
    "optax.sgd": ["optax_sgd", "optax_momentum", "optax_nesterov"],
    "optax.sign_sgd": ["sign_sgd"],
    "optax.signum": ["signum"],
    "optax.sm3": ["sm3"],
    "optax.yogi": ["yogi"],
    "optax.contrib.acprop": ["acprop"],
    "optax.contrib.ademamix": ["ademamix"],
    "optax.contrib.adopt": ["adopt"],
    "optax.contrib.cocob": ["cocob"],
    "optax.contrib.dadapt_adamw": ["dadapt_adamw"],
    "optax.contrib.dog": ["dog"],
    "optax.contrib.dowg": ["dowg"],
    "optax.contrib.galore": ["galore"],
    "optax.contrib.madgrad": ["madgrad"],
    "optax.contrib.mechanize": ["mechanize"],
    "optax.contrib.momo": ["momo"],
    "optax.contrib.momo_adam": ["momo_adam"],
    "optax.contrib.muon": ["muon"],
    "optax.contrib.prodigy": ["prodigy"],
    "optax.contrib.reduce_on_plateau": ["reduce_on_plateau"],
    "optax.contrib.sam": ["optax_sam"],
    "optax.contrib.schedule_free_adamw": ["schedule_free_adamw"],
    "optax.contrib.schedule_free_sgd": ["schedule_free_sgd"],
    "optax.contrib.simplified_ademamix": ["simplified_ademamix"],
    "optax.contrib.sophia": ["sophia"],
}

#: Name in optax -> why no entry of the catalogue is made of it.
EXCLUDED = {
    "optax.optimistic_adam": "deprecated by optax; optimistic_adam_v2 is the same with other arguments",
    "optax.contrib.dpsgd": "needs the gradient of each example; its noise is for privacy, not for descent",
    "optax.contrib.differentially_private_aggregate": "needs the gradient of each example",
    "optax.contrib.schedule_free": "wraps an optimizer; schedule_free_sgd and schedule_free_adamw are its entries",
    "optax.contrib.hutchinson_estimator_diag_hessian": "an estimator of the Hessian's diagonal, a part of sophia",
    "optax.contrib.normalize": "0/0 at a zero gradient; normalized_sgd is made of normalize_by_update_norm",
    "optax.contrib.split_real_and_imaginary": "for complex parameters; landscapes are real",
    "optax.WrappedSchedule": "a schedule with a state, no transformation; schedules are modifiers",
    "optax.MultiSteps": "averages the gradients of several calls at one point, which on a landscape are all equal",
    "optax.apply_every": "adds up the updates of several calls at one point, which on a landscape are all equal",
}

#: Pattern of a name without its module -> why such names are building blocks and no optimizers.
BLOCKS = {
    r"scale|scale_by_.*": "one factor of a chain: it turns gradients into directions and does not step by itself",
    r"clip|clip_by_.*|adaptive_grad_clip": "clipping, a modifier of any optimizer",
    r"add_.*": "adds something to the updates of a chain",
    r"chain|named_chain|partition|multi_transform|masked|selective_transform|freeze|flatten|stateless.*": (
        "combines or restricts transformations"
    ),
    r"conditionally_.*|apply_if_finite|inject_.*|with_extra_args_support": (
        "changes when or how a transformation is called"
    ),
    r"identity|set_to_zero|centralize|zero_nans|keep_params_nonnegative|ema|trace": (
        "one operation on updates, a part of a chain"
    ),
    r"measure_with_ema|monitor|snapshot": "records numbers and leaves the updates alone",
}


def block(name: str) -> str | None:
    """Returns why a name is a building block, or ``None``."""
    short = name.rpartition(".")[2]
    return next((reason for pattern, reason in BLOCKS.items() if re.fullmatch(pattern, short)), None)
