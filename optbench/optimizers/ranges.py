"""The ranges that tuning draws from, where several rules share them; all in normalized units."""

from __future__ import annotations

from optbench.core.optimizer import Search

_COMPLEMENT = "log-uniform in 1 - value, as Choi et al. 2019, arXiv:1910.05446, draw it; the ends are ours"

#: Rates: the five decades of the one grid of rates.
RATE = Search(1e-3, 1e2, "the grid of rates that all rules share: five decades in normalized units")
#: Momentum and means of gradients.
MOMENTUM = Search(0.5, 0.999, _COMPLEMENT, "complement")
#: Means of squared gradients.
SQUARES = Search(0.5, 0.9999, _COMPLEMENT, "complement")
#: What keeps a denominator from zero: from none that is felt to one that rules.
EPSILON = Search(1e-10, 1.0, "log-uniform, as Choi et al. 2019, arXiv:1910.05446, draw it; the ends are ours")
