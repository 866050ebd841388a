"""The update rules by name: one literal line each, so that listing them imports none."""

from __future__ import annotations

from optbench.catalog.entry import Entry

_GRADIENT = "optbench.optimizers.gradient"
_ADAPTIVE = "optbench.optimizers.adaptive"
_RESTART = "optbench.optimizers.restart"
_STEP_SIZES = "optbench.optimizers.step_sizes"
_SHARPNESS = "optbench.optimizers.sharpness_aware"
_DESCENT = "optbench.optimizers.descent"
_NEWTON = "optbench.optimizers.newton"
_OPTAX_GRADIENT = "optbench.optimizers.optax_gradient"
_OPTAX_SIGN = "optbench.optimizers.optax_sign"
_OPTAX_ACCUMULATED = "optbench.optimizers.optax_accumulated"
_OPTAX_ADAM = "optbench.optimizers.optax_adam"
_OPTAX_MOMENTS = "optbench.optimizers.optax_moments"
_OPTAX_FREE = "optbench.optimizers.optax_parameter_free"
_OPTAX_WRAPPED = "optbench.optimizers.optax_wrapped"
_OPTAX_MATRIX = "optbench.optimizers.optax_matrix"

OPTIMIZERS: tuple[Entry, ...] = (
    Entry("sgd", _GRADIENT, "gradient", "gradient descent: W - lr g"),
    Entry("momentum", _GRADIENT, "gradient", "heavy ball: steps along an accumulated gradient"),
    Entry("nag", _GRADIENT, "gradient", "Nesterov: momentum with the gradient at the lookahead point"),
    Entry("optax_sgd", _OPTAX_GRADIENT, "gradient", "gradient descent, optax's"),
    Entry("optax_momentum", _OPTAX_GRADIENT, "gradient", "heavy ball, optax's"),
    Entry("optax_nesterov", _OPTAX_GRADIENT, "gradient", "Nesterov momentum, optax's: judged at the lookahead point"),
    Entry("normalized_sgd", _OPTAX_GRADIENT, "gradient", "gradient descent with steps of one length"),
    Entry("noisy_sgd", _OPTAX_GRADIENT, "gradient", "gradient descent with its own annealed noise"),
    Entry("optimistic_gradient_descent", _OPTAX_GRADIENT, "gradient", "the last gradient as a forecast of the next"),
    Entry("reduce_on_plateau", _OPTAX_GRADIENT, "gradient", "gradient descent, its rate cut when the value stalls"),
    Entry("momentum_restart", _RESTART, "restart", "heavy ball, dropped when the gradient says uphill"),
    Entry("momentum_restart_value", _RESTART, "restart", "heavy ball, dropped when the value has risen"),
    Entry("nag_restart", _RESTART, "restart", "Nesterov, momentum dropped when a step led uphill"),
    Entry("fista_restart", _RESTART, "restart", "accelerated gradient, growing momentum, dropped when uphill"),
    Entry("polyak", _STEP_SIZES, "step size", "step size from the gap to a lower bound, capped"),
    Entry("polyak_told", _STEP_SIZES, "step size", "step size from the gap to the minimum; a reference line"),
    Entry("barzilai_borwein", _STEP_SIZES, "step size", "inverse curvature along the last move, the long step"),
    Entry("barzilai_borwein_short", _STEP_SIZES, "step size", "the same, the short step"),
    Entry("barzilai_borwein_alternating", _STEP_SIZES, "step size", "the same, long and short steps in turn"),
    Entry("polyak_sgd", _OPTAX_GRADIENT, "step size", "Polyak step, bounded, optax's"),
    Entry("momo", _OPTAX_FREE, "step size", "momentum with a model-based step, bounded"),
    Entry("momo_adam", _OPTAX_FREE, "step size", "Adam with a model-based step, bounded"),
    Entry("sign_sgd", _OPTAX_SIGN, "sign", "the sign of the gradient"),
    Entry("signum", _OPTAX_SIGN, "sign", "the sign of a running mean"),
    Entry("lion", _OPTAX_SIGN, "sign", "the sign of an interpolated momentum"),
    Entry("rprop", "optbench.optimizers.rprop", "sign", "a step size for each coordinate that grows while signs last"),
    Entry("optax_rprop", _OPTAX_SIGN, "sign", "Rprop, optax's: each move one call late"),
    Entry("adagrad", _ADAPTIVE, "adaptive", "rates divided by the root of the summed squared gradients"),
    Entry("adadelta", _ADAPTIVE, "adaptive", "ratio of two running root mean squares; no learning rate"),
    Entry("rmsprop", _ADAPTIVE, "adaptive", "rates divided by a running root mean square"),
    Entry("adam", _ADAPTIVE, "adaptive", "running mean over running root mean square, bias-corrected"),
    Entry("optax_adagrad", _OPTAX_ACCUMULATED, "adaptive", "Adagrad, optax's: the sum starts at 0.1"),
    Entry("optax_adadelta", _OPTAX_ACCUMULATED, "adaptive", "Adadelta, optax's: with a rate"),
    Entry("optax_rmsprop", _OPTAX_ACCUMULATED, "adaptive", "RMSprop, optax's"),
    Entry("rmsprop_centered", _OPTAX_ACCUMULATED, "adaptive", "RMSprop over a standard deviation, with momentum"),
    Entry("sm3", _OPTAX_ACCUMULATED, "adaptive", "Adagrad with shared accumulators and momentum"),
    Entry("adafactor", _OPTAX_ACCUMULATED, "adaptive", "RMSprop, clipped, with relative steps"),
    Entry("madgrad", _OPTAX_ACCUMULATED, "adaptive", "dual averaging over a cube root"),
    Entry("optax_adam", _OPTAX_ADAM, "adam", "Adam, optax's: epsilon outside the root"),
    Entry("adamw", _OPTAX_ADAM, "adam", "Adam with decoupled weight decay"),
    Entry("nadam", _OPTAX_ADAM, "adam", "Adam with Nesterov momentum"),
    Entry("nadamw", _OPTAX_ADAM, "adam", "Nadam with decoupled weight decay"),
    Entry("adamax", _OPTAX_ADAM, "adam", "Adam with a maximum in place of the mean of squares"),
    Entry("adamaxw", _OPTAX_ADAM, "adam", "AdaMax with decoupled weight decay"),
    Entry("amsgrad", _OPTAX_ADAM, "adam", "Adam whose denominator never falls"),
    Entry("radam", _OPTAX_ADAM, "adam", "Adam that waits until its mean of squares can be trusted"),
    Entry("optimistic_adam_v2", _OPTAX_ADAM, "adam", "Nadam's step corrected by the last one"),
    Entry("adabelief", _OPTAX_MOMENTS, "adam", "divided by how far gradients stray from their mean"),
    Entry("acprop", _OPTAX_MOMENTS, "adam", "AdaBelief's denominator a step late, no momentum"),
    Entry("yogi", _OPTAX_MOMENTS, "adam", "a mean of squares that changes additively"),
    Entry("adan", _OPTAX_MOMENTS, "adam", "Nesterov momentum from differences of gradients"),
    Entry("ademamix", _OPTAX_MOMENTS, "adam", "Adam with a second, slow mean"),
    Entry("simplified_ademamix", _OPTAX_MOMENTS, "adam", "one accumulator and the gradient with its own weight"),
    Entry("adopt", _OPTAX_MOMENTS, "adam", "each gradient divided by the squares before it"),
    Entry("sophia", "optbench.optimizers.optax_sophia", "adam", "momentum over the Hessian's diagonal, clipped"),
    Entry("lars", _OPTAX_GRADIENT, "layerwise", "steps relative to the weights' norm, momentum"),
    Entry("fromage", _OPTAX_GRADIENT, "layerwise", "steps relative to the weights' norm, then a shrink"),
    Entry("novograd", _OPTAX_MOMENTS, "layerwise", "gradients over a running norm, accumulated"),
    Entry("lamb", _OPTAX_MOMENTS, "layerwise", "Adam's direction, relative to the weights' norm"),
    Entry("muon", _OPTAX_MATRIX, "matrix", "orthogonalized momentum; Nadam on vectors"),
    Entry("galore", _OPTAX_MATRIX, "matrix", "Adam in a subspace of gradients; Adam on vectors"),
    Entry("prodigy", _OPTAX_FREE, "parameter-free", "Adam that estimates the distance to the solution"),
    Entry("dadapt_adamw", _OPTAX_FREE, "parameter-free", "AdamW by D-Adaptation"),
    Entry("dog", _OPTAX_FREE, "parameter-free", "distance over gradients"),
    Entry("dowg", _OPTAX_FREE, "parameter-free", "distance over weighted gradients"),
    Entry("cocob", _OPTAX_FREE, "parameter-free", "bets on the sign of the next derivative"),
    Entry("mechanize", _OPTAX_FREE, "parameter-free", "learns the scale of gradient descent's displacement"),
    Entry("schedule_free_sgd", _OPTAX_WRAPPED, "averaging", "gradients near the average, which is judged"),
    Entry("schedule_free_adamw", _OPTAX_WRAPPED, "averaging", "the same over Adam's denominator"),
    Entry("sam", _SHARPNESS, "wrapped", "sharpness-aware: the gradient of the worst point nearby"),
    Entry("asam", _SHARPNESS, "wrapped", "sharpness-aware in units of the weights"),
    Entry("lookahead", "optbench.optimizers.averaging", "wrapped", "slow weights that follow fast ones every k steps"),
    Entry("optax_lookahead", _OPTAX_WRAPPED, "wrapped", "Lookahead around gradient descent, optax's"),
    Entry("optax_sam", _OPTAX_WRAPPED, "wrapped", "sharpness-aware minimization, optax's"),
    Entry("gd_armijo", _DESCENT, "line search", "gradient descent with Armijo backtracking"),
    Entry("gd_wolfe", _DESCENT, "line search", "gradient descent with a strong-Wolfe search"),
    Entry("nonlinear_cg", "optbench.optimizers.conjugate", "line search", "conjugate gradients, Polak and Ribiere's"),
    Entry("optax_lbfgs", _OPTAX_GRADIENT, "quasi-Newton", "L-BFGS with a fixed step, optax's"),
    Entry("lbfgs", "optbench.optimizers.quasi_newton", "quasi-Newton", "L-BFGS with a strong-Wolfe search"),
    Entry("newton_cg", _NEWTON, "second order", "truncated Newton by conjugate gradients; a reference line"),
    Entry("newton", _NEWTON, "second order", "Newton with the whole Hessian; a reference line"),
)
