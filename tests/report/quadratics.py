"""The frames ``theory_rates`` and ``theory_edges`` of three rules on two quadratics in ten dimensions, largest L = 1.

Predictions are the textbook's formulas; what was "measured" is off by fixed shares, so that every column is told from
every other. Of the first quadratic there is a twin under noise; on the second, nag diverges nowhere on its grid.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optbench.analysis.quadratics.measured_rates import EDGES, RATES

CONDITIONS = {"unit_quadratic-10d[condition=10]": 10.0, "unit_quadratic-10d[condition=1000]": 1000.0}
RULES = {"momentum": 0.5, "nag": 0.5, "sgd": 0.0}
#: Rates as multiples of the edge of stability.
SHARES = (0.2, 0.4, 0.6, 0.8, 0.95, 1.05)


def problems() -> dict[str, dict[str, Any]]:
    """Returns what a manifest says of the quadratics."""
    return {
        label: {
            "label": label, "dim": 10, "width": 10.0, "f_star": 0.0, "f_scale": 1.0, "noise": None,
            "spectrum": {"eigenvalues": [1 / c, *[1.0] * 9], "noise_spread": 0.0},
        }
        for label, c in CONDITIONS.items()
    }  # fmt: skip


def edge(rule: str, beta: float) -> float:
    """Returns 2 (1 + beta), and for nag 2 (1 + beta)/(1 + 2 beta)."""
    return 2 * (1 + beta) / (1 + 2 * beta if rule == "nag" else 1)


def radius(rule: str, beta: float, pull: float) -> float:
    """Returns the larger root's modulus of ``z^2 - b z + c``, the iteration along one axis with lr times curvature."""
    kept = 1 - pull if rule == "nag" else 1.0
    b, c = 1 - pull + beta * kept, beta * kept
    square = b * b - 4 * c
    return float(np.sqrt(c)) if square < 0 else (abs(b) + float(np.sqrt(square))) / 2


def frames() -> dict[str, pd.DataFrame]:
    """Returns both frames by name."""
    rates, edges = [], []
    for p, (label, condition) in enumerate(CONDITIONS.items()):
        for r, (rule, beta) in enumerate(RULES.items()):
            limit, noise = edge(rule, beta), "" if p else f"{label}~noise=0.1"
            names = {"problem": label, "optimizer": rule, "beta": beta, "edge": limit, "noise": noise}
            own = []
            for k, share in enumerate(SHARES[: 5 if p and rule == "nag" else 6]):
                lr, stable = share * limit, share < 1
                rho = max(radius(rule, beta, lr), radius(rule, beta, lr / condition))
                error = (0.001, 0.002 * (-1, 1)[p])[r == 0] * (k + 1) if stable and k else np.nan
                loss = 0.01 * lr / (limit - lr) if stable and noise else np.nan
                own.append({
                    **names, "lr": lr, "radius": rho, "radius_measured": rho ** (1 + error), "rate_error": error,
                    "grows": not stable, "excess": loss, "excess_measured": 1.03 * loss, "excess_low": 0.9 * loss,
                    "excess_high": 1.2 * loss,
                })  # fmt: skip
            rates += own
            best = min((row for row in own if not np.isnan(row["rate_error"])), key=lambda row: row["radius"])
            high = own[5]["lr"] if len(own) == 6 else np.nan
            middle = float(np.sqrt(own[4]["lr"] * high))
            ratio = (1.03, 0.98 if r else 1.01, 1.08) if noise else (np.nan,) * 3
            edges.append({
                **names, "dim": 10, "edge_low": own[4]["lr"], "edge_high": high, "edge_measured": middle,
                "edge_error": middle / limit - 1, "best_lr": best["lr"], "best_radius": best["radius"],
                "best_measured": best["radius_measured"], "best_error": best["rate_error"], "n_rates": 4,
                "rate_error": own[4]["rate_error"], "n_excess": 5 if noise else 0,
                **dict(zip(("excess_ratio", "excess_ratio_low", "excess_ratio_high"), ratio, strict=True)),
            })  # fmt: skip
    return {"theory_rates": pd.DataFrame(rates)[list(RATES)], "theory_edges": pd.DataFrame(edges)[list(EDGES)]}
