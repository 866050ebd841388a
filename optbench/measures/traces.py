"""The trace of a Hessian from products with random vectors of signs, with its standard error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jax import Array

from optbench.core.keys import generator
from optbench.core.objective import Objective, Params
from optbench.errors import UsageError, unknown_name
from optbench.measures import dense
from optbench.measures.checks import check_above_zero, check_whole
from optbench.measures.hessian import Hessian
from optbench.measures.measure import Measure, Measured, Setting
from optbench.measures.probes import signs
from optbench.measures.subject import Subject

#: Ways to estimate a trace.
METHODS = ("hutchinson", "hutch++", "exact")
#: Products that are asked for at once.
TOGETHER = 8


class Trace(NamedTuple):
    """An estimate of a trace.

    Attributes:
        estimate: The trace.
        standard_error: Its standard error: the root of an unbiased estimate of its variance; 0 where it is exact.
        hvps: Products with the Hessian, the one that is made twice to compare among them.
        probes: Random vectors that went into the mean.
    """

    estimate: float
    standard_error: float
    hvps: int
    probes: int


def trace(
    loss: Objective | Callable[[Any], Array],
    params: Params,
    probes: int = 64,
    seed: int = 0,
    method: str = "hutchinson",
    *,
    relative_error: float | None = None,
    max_probes: int = 10_000,
) -> Trace:
    """Returns the trace of the Hessian of a loss at a point.

    ``"hutchinson"`` is the mean of ``z'Hz`` over ``probes`` vectors z of random signs.

    ``"hutch++"`` spends a third of the products on ``Q``, an orthonormal basis of ``H S`` for vectors ``S`` of signs, a
    third on ``tr(Q'HQ)``, and the rest on the same mean for ``(I - QQ') H (I - QQ')``. It has the smaller error where
    few large eigenvalues make up most of ``||H||_F``, as those of networks do.

    ``"exact"`` is the sum of ``e_i'He_i`` over all n parameters.

    The variance of ``z'Hz`` is ``2 sum_{i != j} H_ij^2``. Half of it is the variance of the vector ``z * Hz``, whose
    entries estimate the diagonal, summed over all entries. So the standard error is ``sqrt(2 V / probes)`` with
    that sample variance ``V``. It needs no more products and varies far less than the one from the values ``z'Hz``
    alone, which a few large eigenvalues make skew. It is 0 for a diagonal Hessian, of which each probe has the trace.

    Args:
        loss: An ``Objective``, or a function in ``jax.numpy`` of a pytree.
        params: The point.
        probes: Products to spend, from 2 on, or there would be no standard error, and from 6 on for ``"hutch++"``;
            ``"exact"`` takes n whatever is said.
        seed: Of the vectors. The first ones are the same for every number of them.
        method: ``"hutchinson"``, ``"hutch++"`` or ``"exact"``.
        relative_error: Goes on beyond ``probes`` until the standard error is below this share of the estimate. Such a
            stop is a little likelier where the error happens to be estimated small, so begin with 16 probes or more.
        max_probes: Products after which that ends as well.

    Returns:
        The estimate and its standard error.

    Raises:
        UsageError: An argument is out of range, or the loss or the point is none.
        NotApplicable: A product is not finite, or the loss is another one at each call.

    Example:
        >>> import jax.numpy as jnp
        >>> found = trace(lambda w: jnp.sum(jnp.array([3.0, 1.0, -2.0]) * w**2), np.ones(3), probes=2)
        >>> found.estimate, found.standard_error, found.hvps
        (4.0, 0.0, 3)

    References:
        Hutchinson, 1990, A stochastic estimator of the trace of the influence matrix for Laplacian smoothing splines.
        Meyer, Musco, Musco and Woodruff, 2021, Hutch++: optimal stochastic trace estimation, arXiv:2010.09649.
        Bekas, Kokiopoulou and Saad, 2007, An estimator for the diagonal of a matrix, for ``z * Hz``.
    """
    if method not in METHODS:
        raise UsageError(unknown_name("method", method, METHODS))
    least = 6 if method == "hutch++" else 2
    check_whole("probes", probes, least)
    check_whole("seed", seed, 0)
    check_whole("max_probes", max_probes, least)
    if relative_error is not None:
        check_above_zero("relative_error", relative_error)
    hessian = Hessian(loss, params)
    if method == "exact":
        return Trace(_diagonal_sum(hessian), 0.0, hessian.hvps, 0)
    sketched = probes // 3 if method == "hutch++" else 0
    basis, known = _sketch(hessian, min(sketched, hessian.n), seed)
    if len(basis) == hessian.n:
        return Trace(known, 0.0, hessian.hvps, 0)
    mean = _Mean(hessian, basis, seed)
    mean.add(probes - 2 * sketched)
    if relative_error is not None:
        while mean.standard_error > relative_error * abs(known + mean.value) and 2 * len(basis) + mean.n < max_probes:
            mean.add(min(TOGETHER, max_probes - 2 * len(basis) - mean.n))
    return Trace(known + mean.value, mean.standard_error, hessian.hvps, mean.n)


class _Mean:
    """The mean of ``z'Hz`` over random signs for a Hessian between two projections, which grows probe by probe."""

    def __init__(self, hessian: Hessian, basis: np.ndarray, seed: int) -> None:
        self._hessian, self._basis, self._seed = hessian, basis, seed
        self.n = 0
        # Welford's sums of the entries of z * Hz: their mean, and squares of distances from it.
        self._diagonal, self._squares = np.zeros(hessian.n), 0.0

    def add(self, more: int) -> None:
        """Takes more probes, some at a time."""
        numbers = range(self.n, self.n + more)
        for begin in range(0, more, TOGETHER):
            vectors = [
                signs(generator("trace probe", self._seed, i), self._hessian.n)
                for i in numbers[begin : begin + TOGETHER]
            ]
            probes = np.stack(vectors)
            products = self._outside(self._hessian.products(self._outside(probes)))
            for entries in probes * products:
                self.n += 1
                away = entries - self._diagonal
                self._diagonal += away / self.n
                self._squares += float(away @ (entries - self._diagonal))

    @property
    def value(self) -> float:
        """The mean."""
        return float(self._diagonal.sum())

    @property
    def standard_error(self) -> float:
        """The standard error of the mean."""
        return float(np.sqrt(2 * self._squares / (self.n - 1) / self.n))

    def _outside(self, vectors: np.ndarray) -> np.ndarray:
        """Returns what vectors have outside of the basis, one a row."""
        return vectors - (vectors @ self._basis.T) @ self._basis if len(self._basis) else vectors


def _sketch(hessian: Hessian, size: int, seed: int) -> tuple[np.ndarray, float]:
    """Returns an orthonormal basis of ``H S``, one vector a row, and the trace of ``H`` in its span."""
    if size == 0:
        return np.zeros((0, hessian.n)), 0.0
    vectors = np.stack([signs(generator("trace sketch", seed, i), hessian.n) for i in range(size)])
    basis = np.linalg.qr(_products(hessian, vectors).T)[0].T
    return basis, float(np.sum(basis * _products(hessian, basis)))


def _products(hessian: Hessian, vectors: np.ndarray) -> np.ndarray:
    """Returns products with many vectors, some at a time."""
    cuts = range(0, len(vectors), TOGETHER)
    return np.concatenate([hessian.products(vectors[begin : begin + TOGETHER]) for begin in cuts])


def _diagonal_sum(hessian: Hessian) -> float:
    """Returns the trace from one product for each parameter."""
    total = 0.0
    for begin in range(0, hessian.n, TOGETHER):
        units = np.eye(min(TOGETHER, hessian.n - begin), hessian.n, begin)
        total += float(np.sum(units * hessian.products(units)))
    return total


def _take(
    subject: Subject, probes: int, method: str, relative_error: float | None, max_probes: int, seed: int
) -> Measured:
    if method == "auto":
        method = "exact" if subject.objective.n_params <= probes else "hutchinson"
    found = trace(
        subject.objective,
        subject.params,
        probes,
        seed,
        method,
        relative_error=relative_error,
        max_probes=max_probes,
    )
    details = {"method": method, "probes": found.probes, "hvps": found.hvps}
    return Measured(found.estimate, found.standard_error, details)


HESSIAN_TRACE = Measure(
    name="hessian_trace",
    title="trace",
    formula="sum_i H_ii; mean of z'Hz over random signs z",
    reference="Hutchinson 1990; Meyer, Musco, Musco and Woodruff 2021, arXiv:2010.09649",
    take=_take,
    take_many=dense.traces,
    settings={
        "probes": Setting(64, "Products with the Hessian to spend.", low=6, high=1_000_000),
        "method": Setting(
            "auto", "auto: exact where parameters are no more than probes, else hutchinson.", choices=("auto", *METHODS)
        ),
        "relative_error": Setting(None, "Goes on until the standard error is this share of the estimate.", low=1e-12),
        "max_probes": Setting(10_000, "Products after which it ends all the same.", low=6, high=10_000_000),
        "seed": Setting(0, "Seed of the probes.", low=0),
    },
)
