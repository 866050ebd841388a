"""Minima that are published elsewhere than in sif2jax, where sif2jax states another number or none.

A table of sources, and no table of results: a number counts only if the survey's descents confirm it.
"""

from __future__ import annotations

#: Certified residual sums of squares: NIST, Statistical Reference Datasets, nonlinear regression. sif2jax states none,
#: but for Chwirut1 (2.389), DanWood (0.00401) and MGH10 (100548).
_CERTIFIED = {
    "BENNETT5LS": 5.2404744073e-04,
    "CHWIRUT1LS": 2.3844771393e03,
    "DANIWOODLS": 4.3173084083e-03,
    "GAUSS1LS": 1.3158222432e03,
    "GAUSS2LS": 1.2475282092e03,
    "GAUSS3LS": 1.2444846360e03,
    "HAHN1LS": 1.5324382854e00,
    "KIRBY2LS": 3.9050739624e00,
    "LANCZOS2LS": 2.2299428125e-11,
    "MGH09LS": 3.0750560385e-04,
    "MGH10LS": 8.7945855171e01,
    "MGH17LS": 5.4648946975e-05,
    "MISRA1ALS": 1.2455138894e-01,
    "MISRA1BLS": 7.5464681533e-02,
    "MISRA1CLS": 4.0966836971e-02,
    "MISRA1DLS": 5.6419295283e-02,
    "NELSONLS": 3.7976833176e00,
    "RAT42LS": 8.0565229338e00,
    "RAT43LS": 8.7864049080e03,
    "ROSZMAN1LS": 4.9484847331e-04,
}
#: sif2jax states 0, which is the SIF files' lower bound; their solution is 1. At the origin all terms but the constant
#: 1 vanish. Only ``delta (i/n)^k x_i x_(i+2m)``, i <= m = n/3, can be negative, and it is less than the two squares
#: ``(j/n)^k x_j^2``, j = i and i + 2m, since delta < 2.
_DIXMAAN, _DIXMAAN_MINIMUM = "DIXMAAN", 1.0


def elsewhere(name: str) -> float | None:
    """Returns the published minimum of a problem for which sif2jax states another number or none.

    It is ``None`` for all others.

    Args:
        name: CUTEst's name.

    Example:
        >>> elsewhere("DIXMAANB"), elsewhere("ROSENBR")
        (1.0, None)
    """
    return _DIXMAAN_MINIMUM if name.startswith(_DIXMAAN) else _CERTIFIED.get(name)
