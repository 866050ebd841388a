"""More of the functions in mpmath for ``oracle.py``: chains, powers, ripples and fixed dimensions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from mpmath import mp, mpf

mp.dps = 50


def _groups(x: Sequence[mpf], size: int) -> list[Sequence[mpf]]:
    return [x[k : k + size] for k in range(0, len(x), size)]


def _different_powers(x):
    return sum(abs(v) ** (2 + mpf(4) * i / (len(x) - 1)) for i, v in enumerate(x))


def _boundary_value(x):
    n = len(x)
    h = mpf(1) / (n + 1)
    y = [mpf(0), *x, mpf(0)]
    return sum((2 * y[i] - y[i - 1] - y[i + 1] + h**2 * (y[i] + i * h + 1) ** 3 / 2) ** 2 for i in range(1, n + 1))


def _freudenstein_roth(a, b):
    return (-13 + a + ((5 - b) * b - 2) * b) ** 2 + (-29 + a + ((b + 1) * b - 14) * b) ** 2


def _wood(a, b, c, d):
    first = 100 * (a**2 - b) ** 2 + (a - 1) ** 2 + (c - 1) ** 2 + 90 * (c**2 - d) ** 2
    return first + mpf("10.1") * ((b - 1) ** 2 + (d - 1) ** 2) + mpf("19.8") * (b - 1) * (d - 1)


def _radius(x, center=0):
    return mp.sqrt(sum((v - center) ** 2 for v in x))


def _schaffer_f6(a, b):
    square = a**2 + b**2
    return mpf("0.5") + (mp.sin(mp.sqrt(square)) ** 2 - mpf("0.5")) / (1 + mpf("0.001") * square) ** 2


def _levy_montalvo_1(x):
    y = [1 + (v + 1) / 4 for v in x]
    middle = sum((a - 1) ** 2 * (1 + 10 * mp.sin(mp.pi * b) ** 2) for a, b in pairwise(y))
    return mp.pi / len(x) * (10 * mp.sin(mp.pi * y[0]) ** 2 + middle + (y[-1] - 1) ** 2)


def _levy_montalvo_2(x):
    middle = sum((a - 1) ** 2 * (1 + mp.sin(3 * mp.pi * b) ** 2) for a, b in pairwise(x))
    last = (x[-1] - 1) ** 2 * (1 + mp.sin(2 * mp.pi * x[-1]) ** 2)
    return (mp.sin(3 * mp.pi * x[0]) ** 2 + middle + last) / 10


_HARTMANN_C = [mpf(1), mpf("1.2"), mpf(3), mpf("3.2")]
_HARTMANN_3 = (
    (("3", "10", "30"), ("0.1", "10", "35"), ("3", "10", "30"), ("0.1", "10", "35")),
    ((3689, 1170, 2673), (4699, 4387, 7470), (1091, 8732, 5547), (381, 5743, 8828)),
)
_HARTMANN_6 = (
    (
        ("10", "3", "17", "3.5", "1.7", "8"),
        ("0.05", "10", "17", "0.1", "8", "14"),
        ("3", "3.5", "1.7", "10", "17", "8"),
        ("17", "8", "0.05", "10", "0.1", "14"),
    ),
    (
        (1312, 1696, 5569, 124, 8283, 5886),
        (2329, 4135, 8307, 3736, 1004, 9991),
        (2348, 1451, 3522, 2883, 3047, 6650),
        (4047, 8828, 8732, 5743, 1091, 381),
    ),
)


def _hartmann(x, rates, places):
    total = mpf(0)
    for c, a, p in zip(_HARTMANN_C, rates, places, strict=True):
        total += c * mp.exp(-sum(mpf(k) * (v - mpf(q) / 10000) ** 2 for v, k, q in zip(x, a, p, strict=True)))
    return -total


#: Rows of Dixon & Szego's table: the center, and c in tenths.
_SHEKEL = (
    ((4, 4, 4, 4), 1),
    ((1, 1, 1, 1), 2),
    ((8, 8, 8, 8), 2),
    ((6, 6, 6, 6), 4),
    ((3, 7, 3, 7), 4),
    ((2, 9, 2, 9), 6),
    ((5, 5, 3, 3), 3),
    ((8, 1, 8, 1), 7),
    ((6, 2, 6, 2), 5),
    ((7, mpf("3.6"), 7, mpf("3.6")), 5),
)


def _shekel(x, m):
    return -sum(1 / (mpf(c) / 10 + sum((v - w) ** 2 for v, w in zip(x, a, strict=True))) for a, c in _SHEKEL[:m])


def _schaffer(x, wave):
    return mpf("0.5") + (wave**2 - mpf("0.5")) / (1 + mpf("0.001") * (x[0] ** 2 + x[1] ** 2)) ** 2


def _deckkers_aarts(x, y):
    return 10**5 * x**2 + y**2 - (x**2 + y**2) ** 2 + (x**2 + y**2) ** 4 / mpf(10) ** 5


#: name -> formula(x, *parameters)
FORMULAS: dict[str, Callable] = {
    "bent_cigar": lambda x: x[0] ** 2 + 10**6 * sum(v**2 for v in x[1:]),
    "discus": lambda x: 10**6 * x[0] ** 2 + sum(v**2 for v in x[1:]),
    "schwefel_1_2": lambda x: sum(sum(x[: i + 1]) ** 2 for i in range(len(x))),
    "trid": lambda x: sum((v - 1) ** 2 for v in x) - sum(a * b for a, b in pairwise(x)),
    "sargan": lambda x: (
        len(x) * sum(v**2 + mpf("0.4") * sum(v * w for j, w in enumerate(x) if j != i) for i, v in enumerate(x))
    ),
    "different_powers": _different_powers,
    "quartic": lambda x: sum(i * v**4 for i, v in enumerate(x, 1)),
    "chung_reynolds": lambda x: sum(v**2 for v in x) ** 2,
    "raydan_1": lambda x: sum(mpf(i) / 10 * (mp.exp(v) - v) for i, v in enumerate(x, 1)),
    "exponential": lambda x: -mp.exp(-sum(v**2 for v in x) / 2),
    "schwefel_2_20": lambda x: sum(abs(v) for v in x),
    "schwefel_2_21": lambda x: max(abs(v) for v in x),
    "maxq": lambda x: max(v**2 for v in x),
    "cube": lambda x: (x[0] - 1) ** 2 + 100 * sum((b - a**3) ** 2 for a, b in pairwise(x)),
    "chebyshev_rosenbrock": lambda x: (x[0] - 1) ** 2 / 4 + sum((b - 2 * a**2 + 1) ** 2 for a, b in pairwise(x)),
    "freudenstein_roth": lambda x: sum(_freudenstein_roth(*pair) for pair in _groups(x, 2)),
    "extended_tridiagonal_1": lambda x: sum((a + b - 3) ** 2 + (a - b + 1) ** 4 for a, b in _groups(x, 2)),
    "arwhead": lambda x: sum((v**2 + x[-1] ** 2) ** 2 - 4 * v + 3 for v in x[:-1]),
    "penalty_1": lambda x: sum((v - 1) ** 2 for v in x) / mpf(10) ** 5 + (sum(v**2 for v in x) - mpf(1) / 4) ** 2,
    "discrete_boundary_value": _boundary_value,
    "wood": lambda x: sum(_wood(*group) for group in _groups(x, 4)),
    "salomon": lambda x: 1 - mp.cos(2 * mp.pi * _radius(x)) + _radius(x) / 10,
    "deflected_corrugated_spring": lambda x: _radius(x, 5) ** 2 / 10 - mp.cos(5 * _radius(x, 5)),
    "periodic": lambda x: 1 + sum(mp.sin(v) ** 2 for v in x) - mp.exp(-sum(v**2 for v in x)) / 10,
    "cosine_mixture": lambda x: sum(v**2 for v in x) - sum(mp.cos(5 * mp.pi * v) for v in x) / 10,
    "wavy": lambda x: 1 - sum(mp.cos(10 * v) * mp.exp(-(v**2) / 2) for v in x) / len(x),
    "egg_crate": lambda x: sum(v**2 + 25 * mp.sin(v) ** 2 for v in x),
    "expanded_schaffer_f6": lambda x: sum(_schaffer_f6(a, b) for a, b in zip(x, [*x[1:], x[0]], strict=True)),
    "levy_montalvo_1": _levy_montalvo_1,
    "levy_montalvo_2": _levy_montalvo_2,
    "hartmann_3": lambda x: _hartmann(x, *_HARTMANN_3),
    "hartmann_6": lambda x: _hartmann(x, *_HARTMANN_6),
    "shekel_5": lambda x: _shekel(x, 5),
    "shekel_7": lambda x: _shekel(x, 7),
    "shekel_10": lambda x: _shekel(x, 10),
    "bohachevsky_1": lambda x: (
        x[0] ** 2
        + 2 * x[1] ** 2
        - mpf("0.3") * mp.cos(3 * mp.pi * x[0])
        - mpf("0.4") * mp.cos(4 * mp.pi * x[1])
        + mpf("0.7")
    ),
    "bohachevsky_2": lambda x: (
        x[0] ** 2 + 2 * x[1] ** 2 - mpf("0.3") * mp.cos(3 * mp.pi * x[0]) * mp.cos(4 * mp.pi * x[1]) + mpf("0.3")
    ),
    "bohachevsky_3": lambda x: (
        x[0] ** 2 + 2 * x[1] ** 2 - mpf("0.3") * mp.cos(3 * mp.pi * x[0] + 4 * mp.pi * x[1]) + mpf("0.3")
    ),
    "schaffer_n2": lambda x: _schaffer(x, mp.sin(x[0] ** 2 - x[1] ** 2)),
    "schaffer_n4": lambda x: _schaffer(x, mp.cos(mp.sin(abs(x[0] ** 2 - x[1] ** 2)))),
    "zettl": lambda x: (x[0] ** 2 + x[1] ** 2 - 2 * x[0]) ** 2 + x[0] / 4,
    "aluffi_pentini": lambda x: x[0] ** 4 / 4 - x[0] ** 2 / 2 + x[0] / 10 + x[1] ** 2 / 2,
    "deckkers_aarts": lambda x: _deckkers_aarts(*x),
    "jennrich_sampson": lambda x: sum((2 + 2 * i - mp.exp(i * x[0]) - mp.exp(i * x[1])) ** 2 for i in range(1, 11)),
}


def _all(value: float) -> Callable[[int], list[mpf]]:
    return lambda dim: [mpf(value)] * dim


#: Minimizers at which Newton's method has no regular Hessian; each is exact by its formula.
EXACT_MINIMIZERS: dict[str, Callable[[int], list[mpf]]] = {
    "different_powers": _all(0),
    "quartic": _all(0),
    "chung_reynolds": _all(0),
    "schwefel_2_20": _all(0),
    "schwefel_2_21": _all(0),
    "maxq": _all(0),
    "extended_tridiagonal_1": lambda dim: [mpf(1 + i % 2) for i in range(dim)],
    "salomon": _all(0),
    "deflected_corrugated_spring": _all(5),
    "expanded_schaffer_f6": _all(0),
}
