"""optax's optimizers for weight matrices, which treat a vector as another rule does."""

from __future__ import annotations

from functools import partial

from optax import contrib

from optbench.optimizers.from_optax import from_optax
from optbench.optimizers.optax_hypers import constant, decay, epsilon, rate, share, squares

muon = from_optax(
    partial(contrib.muon, nesterov=True),
    name="muon",
    hyper={
        "lr": rate(0.02, "Jordan et al. 2024; optax has none"),
        "adam_b1": share(0.9, "optax's default for what is no matrix", tuned=True),
        "adam_b2": squares(0.999, "optax's default for what is no matrix", tuned=True),
        "eps": epsilon(1e-8, tuned=True),
        "adam_eps_root": epsilon(0.0),
        "beta": share(0.95, "Jordan et al. 2024; optax's default; for matrices only"),
        "weight_decay": decay("0"),
        "adam_weight_decay": decay("0"),
    },
    doc=r"""Muon: momentum of a matrix, orthogonalized; anything else goes to Nadam.

$$A' = \beta A + G, \qquad W' = W - \eta\, \operatorname{NS}_5(G + \beta A'), \qquad
\operatorname{NS}_5(U S V^\top) \approx U V^\top$$

$\operatorname{NS}_5$: five Newton-Schulz iterations. A landscape's point is a vector, which optax gives to AdamW with
Nesterov's momentum: on landscapes its path is that of `nadam` at equal numbers, to the last bit.

Reference: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks".""",
)

galore = from_optax(
    partial(contrib.galore, rank=128, update_proj_gap=200),
    name="galore",
    hyper={
        "lr": rate(1e-2, "Zhao et al. 2024, section 5; optax has none"),
        "scale": constant(1.0, "optax's default; Zhao et al. 2024 have 0.25; for matrices only"),
        "weight_decay": decay("0"),
    },
    doc=r"""GaLore: Adam in a low-rank subspace of a matrix's gradients, refreshed every 200 steps.

$$R = P^\top G, \qquad W' = W - \eta\, s\, P \operatorname{Adam}(R), \qquad P \text{: leading singular vectors of } G$$

A landscape's point is a vector, of which nothing is projected: on landscapes its path is that of `optax_adam` at the
defaults of its constants and this rate.

Reference: Zhao et al. 2024, "GaLore: Memory-Efficient LLM Training by Gradient Low-Rank Projection",
arXiv:2403.03507.""",
)
