"""The functions once more, in mpmath, written from the literature's formulas and not from our code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from mpmath import mp, mpf

from .formulas import EXACT_MINIMIZERS, FORMULAS

mp.dps = 50

Vector = Sequence[mpf]


def _goldstein_price(x, y):
    a = 19 - 14 * x + 3 * x**2 - 14 * y + 6 * x * y + 3 * y**2
    b = 18 - 32 * x + 12 * x**2 + 48 * y - 36 * x * y + 27 * y**2
    return (1 + (x + y + 1) ** 2 * a) * (30 + (2 * x - 3 * y) ** 2 * b)


def _levy(x):
    w = [1 + (v - 1) / 4 for v in x]
    middle = sum((v - 1) ** 2 * (1 + 10 * mp.sin(mp.pi * v + 1) ** 2) for v in w[:-1])
    return mp.sin(mp.pi * w[0]) ** 2 + middle + (w[-1] - 1) ** 2 * (1 + mp.sin(2 * mp.pi * w[-1]) ** 2)


def _branin(x, y):
    a, b, c, r, s, t = 1, mpf("5.1") / (4 * mp.pi**2), 5 / mp.pi, 6, 10, 1 / (8 * mp.pi)
    return a * (y - b * x**2 + c * x - r) ** 2 + s * (1 - t) * mp.cos(x) + s


def _zakharov(x):
    s = sum((i * v for i, v in enumerate(x, 1)), mpf(0)) / 2
    return sum(v**2 for v in x) + s**2 + s**4


def _powell(x):
    total = mpf(0)
    for k in range(0, len(x), 4):
        a, b, c, d = x[k : k + 4]
        total += (a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4
    return total


def _lessard_cycle(x):
    if x < 1:
        return 25 * x**2 / 2
    return x**2 / 2 + 24 * x - 12 if x < 2 else 25 * x**2 / 2 - 24 * x + 36


def _norm2(x, center):
    return (x[0] - center) ** 2 + sum(v**2 for v in x[1:])


def _two_wells(x, ratio, curvature, sharp, flat, *noise, softness=10):
    temperature = mpf(1) / softness
    a = ratio * curvature * _norm2(x, -2) / 2 - sharp
    b = curvature * _norm2(x, 2) / 2 - flat
    low = min(a, b)
    return low - temperature * mp.log(mp.exp((low - a) / temperature) + mp.exp((low - b) / temperature))


def _hard_wells(x, *parameters):
    return _two_wells(x, *parameters, softness=50)


def _one_well(x, curvature, *noise):
    return curvature * _norm2(x, -2) / 2


def _gaussian_wells(x, ratio, width, sharp, flat):
    land = mpf(1) / 5
    base = sum(v**2 for v in x[1:]) / 2 + (x[0] ** 2 - 9) ** 2 / 72
    w2 = sharp / (ratio * (flat / width**2 + land) - land)
    holes = sharp * mp.exp(-_norm2(x, -3) / (2 * w2)) + flat * mp.exp(-_norm2(x, 3) / (2 * width**2))
    return land * base - holes


def _sigmoid(z):
    return 1 / (1 + mp.exp(-z))


def _pairs(x):
    return list(pairwise(x))


def _prod(values):
    result = mpf(1)
    for value in values:
        result *= value
    return result


#: name -> formula(x, *parameters)
ORACLE: dict[str, Callable] = {
    "sphere": lambda x: sum(v**2 for v in x),
    "ellipsoid": lambda x, c: sum(mp.power(c, mpf(i) / (len(x) - 1)) * v**2 for i, v in enumerate(x)),
    "unit_quadratic": lambda x, c: sum(v**2 / mp.root(mpf(c) ** i, len(x) - 1) for i, v in enumerate(x)) / 2,
    "lessard_cycle": lambda x: _lessard_cycle(*x),
    "sum_of_powers": lambda x: sum(abs(v) ** (i + 1) for i, v in enumerate(x, 1)),
    "saddle": lambda x, c: c * (x[0] ** 4 / 4 - x[0] ** 2 / 2) + sum((v**2 for v in x[1:]), mpf(0)) / 2,
    "rosenbrock": lambda x: sum(100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in _pairs(x)),
    "beale": lambda x: sum(
        (c - x[0] + x[0] * x[1] ** k) ** 2 for k, c in enumerate((mpf("1.5"), mpf("2.25"), mpf("2.625")), 1)
    ),
    "dixon_price": lambda x: (x[0] - 1) ** 2 + sum(i * (2 * b**2 - a) ** 2 for i, (a, b) in enumerate(_pairs(x), 2)),
    "powell_singular": _powell,
    "zakharov": _zakharov,
    "booth": lambda x: (x[0] + 2 * x[1] - 7) ** 2 + (2 * x[0] + x[1] - 5) ** 2,
    "matyas": lambda x: mpf("0.26") * (x[0] ** 2 + x[1] ** 2) - mpf("0.48") * x[0] * x[1],
    "mccormick": lambda x: mp.sin(x[0] + x[1]) + (x[0] - x[1]) ** 2 - mpf("1.5") * x[0] + mpf("2.5") * x[1] + 1,
    "three_hump_camel": lambda x: 2 * x[0] ** 2 - mpf("1.05") * x[0] ** 4 + x[0] ** 6 / 6 + x[0] * x[1] + x[1] ** 2,
    "six_hump_camel": lambda x: (
        (4 - mpf("2.1") * x[0] ** 2 + x[0] ** 4 / 3) * x[0] ** 2 + x[0] * x[1] + (-4 + 4 * x[1] ** 2) * x[1] ** 2
    ),
    "ackley": lambda x: (
        -20 * mp.exp(-mp.sqrt(sum(v**2 for v in x) / len(x)) / 5)
        - mp.exp(sum(mp.cos(2 * mp.pi * v) for v in x) / len(x))
        + 20
        + mp.e
    ),
    "rastrigin": lambda x: 10 * len(x) + sum(v**2 - 10 * mp.cos(2 * mp.pi * v) for v in x),
    "griewank": lambda x: sum(v**2 for v in x) / 4000 - _prod(mp.cos(v / mp.sqrt(i)) for i, v in enumerate(x, 1)) + 1,
    "levy": _levy,
    "schwefel": lambda x: -sum(v * mp.sin(mp.sqrt(abs(v))) for v in x),
    "styblinski_tang": lambda x: sum(v**4 - 16 * v**2 + 5 * v for v in x) / 2,
    "michalewicz": lambda x: -sum(mp.sin(v) * mp.sin(i * v**2 / mp.pi) ** 20 for i, v in enumerate(x, 1)),
    "himmelblau": lambda x: (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2,
    "branin": lambda x: _branin(*x),
    "goldstein_price": lambda x: _goldstein_price(*x),
    "easom": lambda x: -mp.cos(x[0]) * mp.cos(x[1]) * mp.exp(-((x[0] - mp.pi) ** 2) - (x[1] - mp.pi) ** 2),
    "drop_wave": lambda x: -(1 + mp.cos(12 * mp.sqrt(x[0] ** 2 + x[1] ** 2))) / ((x[0] ** 2 + x[1] ** 2) / 2 + 2),
    "eggholder": lambda x: (
        -(x[1] + 47) * mp.sin(mp.sqrt(abs(x[1] + x[0] / 2 + 47))) - x[0] * mp.sin(mp.sqrt(abs(x[0] - (x[1] + 47))))
    ),
    "plateau": lambda x, w: 1 - 1 / (1 + sum(v**2 for v in x) / w**2),
    "cliff": lambda x, k: sum(v**2 for v in x) / 20 + 10 * (_sigmoid(k * (x[0] ** 2 - 1)) - _sigmoid(-k)),
    "monkey_saddle": lambda x: x[0] ** 3 - 3 * x[0] * x[1] ** 2 + 3 * (x[0] ** 2 + x[1] ** 2) ** 2 / 4,
    "ravine": lambda x, k: x[0] ** 2 / 10 + k * sum((b - 2 * mp.sin(a)) ** 2 for a, b in _pairs(x)),
    "two_wells": _two_wells,
    "two_wells_sum": _two_wells,
    "two_wells_isotropic": _two_wells,
    "two_wells_sum_from_both": _hard_wells,
    "two_wells_isotropic_from_both": _hard_wells,
    "one_well": _one_well,
    "one_well_isotropic": _one_well,
    "gaussian_wells": _gaussian_wells,
    **FORMULAS,
}

#: Minimizers at which Newton's method has no regular Hessian; each is exact by its formula.
EXACT: dict[str, Callable[[int], list[mpf]]] = {
    "sum_of_powers": lambda dim: [mpf(0)] * dim,
    "powell_singular": lambda dim: [mpf(0)] * dim,
    "ackley": lambda dim: [mpf(0)] * dim,
    "drop_wave": lambda dim: [mpf(0)] * dim,
    **EXACT_MINIMIZERS,
}


def value(name: str, x: Sequence[float], *parameters: float) -> mpf:
    """Returns the function at one point to 50 digits."""
    return mpf(ORACLE[name]([mpf(v) for v in x], *(mpf(p) for p in parameters)))


def gradient(name: str, x: Sequence[float], *parameters: float, free: Sequence[int] | None = None) -> list[mpf]:
    """Returns the gradient by differences in 50 digits."""
    point, theta = [mpf(v) for v in x], [mpf(p) for p in parameters]

    def along(i: int) -> mpf:
        return mp.diff(lambda t: ORACLE[name]([*point[:i], t, *point[i + 1 :]], *theta), point[i])

    return [along(i) for i in (range(len(point)) if free is None else free)]


def polish(name: str, x: Sequence[float], *parameters: float) -> list[mpf]:
    """Returns the minimizer near ``x`` to about 40 digits, by Newton's method with differences.

    Eggholder's minimum lies on the edge of the box: its first coordinate stays.
    """
    if name in EXACT:
        return EXACT[name](len(x))
    point = [mpf(v) for v in x]
    free = [1] if name == "eggholder" else list(range(len(point)))
    step = mpf(10) ** -12
    for _ in range(4):
        grad = mp.matrix(gradient(name, point, *parameters, free=free))
        hessian = mp.matrix(len(free), len(free))
        for column, i in enumerate(free):
            moved = [*point[:i], point[i] + step, *point[i + 1 :]]
            beside = mp.matrix(gradient(name, moved, *parameters, free=free))
            for row in range(len(free)):
                hessian[row, column] = (beside[row] - grad[row]) / step
        delta = mp.lu_solve(hessian, grad)
        for row, i in enumerate(free):
            point[i] -= delta[row]
    return point
