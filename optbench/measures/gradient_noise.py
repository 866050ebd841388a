r"""The gradient noise scale: how many examples a batch needs until its gradient is more signal than noise.

A loss is the mean of N terms with gradients :math:`g_i`, whose mean is G and whose covariance is
:math:`\Sigma = \sum_i (g_i - G)(g_i - G)^T / N`. The simple noise scale is

.. math:: B_{simple} = \mathrm{tr}\,\Sigma / |G|^2 .

Both numbers are estimated without bias from n of the N terms, drawn without replacement: with
:math:`S = \sum_i |g_i - \bar g|^2 / (n - 1)`,

.. math:: \mathrm{tr}\,\Sigma \approx S (N - 1) / N, \qquad |G|^2 \approx |\bar g|^2 - S (1/n - 1/N),

so all N terms give the exact ratio. References: McCandlish, Kaplan, Amodei and the OpenAI Dota Team 2018, "An Empirical
Model of Large-Batch Training", arXiv:1812.06162, section 2.2, and appendix A.1 for two sizes of batches; for draws
without replacement Cochran 1977, "Sampling Techniques", chapter 2; for the standard error Efron 1982, "The Jackknife,
the Bootstrap and Other Resampling Plans", chapter 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from optbench.core.keys import generator
from optbench.core.loss import Loss
from optbench.core.objective import Objective, Params
from optbench.errors import UsageError
from optbench.measures.checks import check_whole, is_number, is_whole
from optbench.measures.losses import as_point
from optbench.measures.measure import Measure, Measured, NotApplicable, Setting
from optbench.measures.subject import Subject

#: Terms whose gradients are in memory at once, of a plain loss.
TOGETHER = 64

#: Plain losses whose executables are kept.
KEPT = 16


class NoiseScale(NamedTuple):
    """The gradient noise scale and what it is the ratio of.

    Attributes:
        value: ``trace / squared_norm``, in terms.
        standard_error: Of the value, by the jackknife; 0 where all terms are used.
        trace: Estimate of ``tr Sigma``.
        squared_norm: Estimate of ``|G|^2``, without the bias that noise adds to it.
        n_terms: Terms whose gradients were taken.
        population: Terms of which those were drawn.
    """

    value: float
    standard_error: float
    trace: float
    squared_norm: float
    n_terms: int
    population: float


def noise_scale(
    loss: Callable[..., Array] | Objective, params: Params, terms: Any = None, *, population: float | None = None
) -> NoiseScale:
    """Returns the gradient noise scale, from the gradient of each term.

    Args:
        loss: ``loss(params, term)``, the loss of one term; or an objective that is a mean of terms, such as a task's.
        params: The point.
        terms: The terms: a pytree of arrays with one leading axis, (n, ...); not for an objective, which has its own.
        population: Terms of which these were drawn without replacement; ``math.inf`` for draws of a distribution,
            ``None`` if these are all there are, so that the value is exact.

    Returns:
        The noise scale; the time and the memory of one gradient of each term.

    Raises:
        UsageError: There are fewer than three terms, more than the population, or the loss is no mean of terms.
        NotApplicable: No gradient can be told from the noise, so the ratio means nothing.

    Example:
        >>> x = np.array([[1.0, 0.0], [1.0, 2.0], [1.0, -2.0], [1.0, 0.0]])
        >>> found = noise_scale(lambda w, x: jnp.sum(w * x), np.zeros(2), x)
        >>> found.trace, found.squared_norm, found.value
        (2.0, 1.0, 2.0)

    Source:
        McCandlish et al. 2018, arXiv:1812.06162, section 2.2.
    """
    objective = loss if isinstance(loss, Objective) else _mean_of_terms(loss, params, terms)
    n = objective.n_terms
    if population not in (None, math.inf) and not is_number(population):
        raise UsageError(f"noise scale: population must be a number or math.inf; got {population!r}")
    whole = float(n if population is None else population)
    if n < 3 or not n <= whole:
        raise UsageError(f"noise scale: needs 3 terms or more, at most the population of {whole:g}; got {n}")
    at = as_point(params, objective)
    grad = objective.value_and_grad(at)[1]
    squares, slopes = objective.term_gradients(at, grad)
    return _from_terms(squares.astype(float), slopes.astype(float), _squared(grad), whole)


def noise_scale_of_batches(
    terms: Callable[[np.ndarray], Objective],
    params: Params,
    n_terms: int,
    *,
    small: int = 32,
    large: int = 512,
    repeats: int = 64,
    seed: int = 0,
) -> NoiseScale:
    """Returns the gradient noise scale from gradients of batches of two sizes, where those of single terms cost much.

    With ``a_b = 1/b - 1/N``, the squared norm of a batch's gradient has the mean ``|G|^2 + a_b S``, so two sizes give
    both unknowns. The value is the ratio of their averages over all repeats, not the average of ratios.

    Args:
        terms: The mean of some terms, by their numbers, as an objective; ``Subject.terms`` has one.
        params: The point.
        n_terms: N, the number of terms.
        small: Terms of the smaller batches.
        large: Terms of the larger ones, at most N.
        repeats: Pairs of batches.
        seed: Seed of the draws, which are without replacement within a batch.

    Returns:
        The noise scale; its standard error is the jackknife's over the repeats.

    Raises:
        UsageError: The sizes do not fit, or there are fewer than three repeats.
        NotApplicable: No gradient can be told from the noise, so the ratio means nothing.
    """
    check_whole("seed", seed, 0)
    if not all(map(is_whole, (small, large, repeats))) or not 1 <= small < large <= n_terms or repeats < 3:
        raise UsageError(
            f"noise scale: needs 1 <= small < large <= {n_terms} and 3 repeats or more; got small {small}, "
            f"large {large}, repeats {repeats}"
        )
    a, b = 1 / small - 1 / n_terms, 1 / large - 1 / n_terms
    rng = generator("noise scale", "batches", seed)
    norms = np.array([
        [_squared(terms(rng.permutation(n_terms)[:size]).value_and_grad(params)[1]) for size in (small, large)]
        for _ in range(repeats)
    ])  # fmt: skip
    trace = (norms[:, 0] - norms[:, 1]) / (a - b) * (1 - 1 / n_terms)
    squared = (a * norms[:, 1] - b * norms[:, 0]) / (a - b)
    value = _ratio(trace.mean(), squared.mean(), repeats * (small + large))
    without = (trace.sum() - trace) / (squared.sum() - squared)
    error = math.sqrt((repeats - 1) / repeats * float(np.sum((without - without.mean()) ** 2)))
    return NoiseScale(
        value, error, float(trace.mean()), float(squared.mean()), repeats * (small + large), float(n_terms)
    )


def _mean_of_terms(loss: Callable[..., Array], params: Params, terms: Any) -> Objective:
    """Returns the mean of a loss over terms as an objective; terms that fill the last part count nothing."""
    if not callable(loss):
        raise UsageError(f"noise scale: a loss is a function of a point and a term; got {type(loss).__name__}")
    lengths = {np.shape(leaf)[:1] for leaf in jax.tree.leaves(terms)}
    if len(lengths) != 1 or lengths == {()}:
        raise UsageError("noise scale: terms must be arrays with one leading axis of the same length")
    ((n,),) = lengths
    size = min(TOGETHER, n)

    def cut(leaf: Any) -> np.ndarray:
        array = np.asarray(leaf)
        filled = np.pad(array, [(0, -len(array) % size)] + [(0, 0)] * (array.ndim - 1), mode="edge")
        return filled.reshape(-1, size, *array.shape[1:])

    inside = np.arange(-(-n // size) * size).reshape(-1, size) < n
    like = as_point(params)
    return Objective(_summed(loss), like, parts=(jax.tree.map(cut, terms), inside), n=n, of_terms=True, label="terms")


@lru_cache(KEPT)
def _summed(loss: Callable[..., Array]) -> Loss:
    """Returns the sum of a loss over a part of its terms; the same object for the same loss, so it compiles once."""

    def summed(params: Params, part: tuple[Any, Array]) -> Array:
        terms, inside = part
        losses = jax.vmap(lambda term: loss(params, term))(terms)
        if losses.ndim != 1:
            raise UsageError(f"noise scale: the loss of a term must be a scalar; it has shape {losses.shape[1:]}")
        return jnp.sum(jnp.where(inside, losses, jnp.zeros((), losses.dtype)))

    return Loss(summed)


def _from_terms(squares: np.ndarray, slopes: np.ndarray, mean: float, population: float) -> NoiseScale:
    """Returns the noise scale and its jackknife.

    Args:
        squares: ``|g_i|^2``, (n,).
        slopes: ``g_i`` times the mean gradient, (n,).
        mean: Squared norm of the mean gradient.
        population: N.
    """
    n = len(squares)

    def estimates(total: Any, mean: Any, n: int) -> tuple[Any, Any]:
        spread = (total - n * mean) / (n - 1)
        return spread * (1 - 1 / population), mean - spread * (1 / n - 1 / population)

    trace, squared = estimates(squares.sum(), mean, n)
    value = _ratio(trace, squared, n)
    # Without term i: the sums without it, and the mean of the others.
    others = (n * n * mean - 2 * n * slopes + squares) / (n - 1) ** 2
    traces, norms = estimates(squares.sum() - squares, others, n - 1)
    without = traces / norms
    share = max(0.0, 1 - n / population)
    error = math.sqrt(share * (n - 1) / n * float(np.sum((without - without.mean()) ** 2))) if share else 0.0
    return NoiseScale(value, error, float(trace), float(squared), n, population)


def _ratio(trace: float, squared: float, n: int) -> float:
    """Returns the ratio, or says that there is none."""
    if not (math.isfinite(trace) and math.isfinite(squared)):
        return math.nan
    if squared <= 0:
        raise NotApplicable(
            f"noise_scale: the estimate of |G|^2 from {n} terms is {squared:.3g}: the gradient cannot be told from its "
            "noise; it takes more terms"
        )
    return float(trace / squared)


def _squared(grad: Params) -> float:
    """Returns the squared norm of a gradient."""
    return float(sum(np.sum(np.square(leaf, dtype=float)) for leaf in jax.tree.leaves(grad)))


def _take(subject: Subject, method: str, terms: int, small: int, large: int, repeats: int, seed: int) -> Measured:
    """Returns the noise scale of a subject."""
    if not subject.n_terms or subject.terms is None:
        raise NotApplicable("noise_scale: the loss is no mean of terms, so its gradient has no noise")
    n = subject.n_terms
    if n < 3 or (method == "batches" and n <= small):
        least = 3 if method == "terms" else max(3, small + 1)
        raise NotApplicable(f"noise_scale: needs {least} terms or more; the loss is the mean of {n}")
    if method == "batches":
        found = noise_scale_of_batches(
            subject.terms, subject.params, n, small=small, large=min(large, n), repeats=repeats, seed=seed
        )
        chosen: dict[str, Any] = {"small": small, "large": min(large, n), "repeats": repeats}
    else:
        rows = np.arange(n)
        if 0 < terms < n:
            rows = np.sort(generator("noise scale", "terms", n, seed).permutation(n)[:terms])
        objective = subject.objective if len(rows) == n else subject.terms(rows)
        if objective.n_terms != len(rows):
            objective = subject.terms(rows)
        found = (
            noise_scale(objective, subject.params, population=n)
            if objective.n_terms
            else _one_by_one(subject.terms, subject.params, rows, n)
        )
        chosen = {}
    details = {"trace": found.trace, "squared_norm": found.squared_norm, "terms": found.n_terms, "of": n, **chosen}
    return Measured(found.value, found.standard_error, details)


def _one_by_one(terms: Callable[[np.ndarray], Objective], params: Params, rows: np.ndarray, n: int) -> NoiseScale:
    """Returns the noise scale from one objective for each term: for sums that are not known as such."""
    grads = np.array([
        np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(terms(row[None]).value_and_grad(params)[1])])
        for row in rows
    ], float)  # fmt: skip
    mean = grads.mean(0)
    return _from_terms(np.sum(grads * grads, 1), grads @ mean, float(mean @ mean), float(n))


def _conflict(settings: Mapping[str, Any]) -> tuple[str, str] | None:
    small, large = settings["small"], settings["large"]
    if settings["method"] == "batches" and small >= large:
        return "small", f"must be less than large, {large!r}; got {small!r}"
    if settings["method"] == "terms" and settings["terms"] in (1, 2):
        return "terms", f"must be 0 for all, or 3 or more; got {settings['terms']!r}"
    return None


NOISE_SCALE = Measure(
    name="noise_scale",
    title="gradient noise scale",
    formula="tr(Sigma) / |G|^2, Sigma the covariance of the gradients of single terms, G their mean",
    reference="McCandlish et al. 2018, An Empirical Model of Large-Batch Training, arXiv:1812.06162, section 2.2",
    take=_take,
    settings={
        "method": Setting(
            "terms", "Gradients of single `terms`, or of `batches` of two sizes.", choices=("terms", "batches")
        ),
        "terms": Setting(0, "How many terms `terms` takes gradients of; 0 for all, which is exact.", low=0),
        "small": Setting(32, "Terms of the smaller batches of `batches`.", low=1),
        "large": Setting(512, "Terms of the larger ones, at most all.", low=2),
        "repeats": Setting(64, "Pairs of batches.", low=3),
        "seed": Setting(0, "Seed of the draws.", low=0),
    },
    conflict=_conflict,
    unit="examples",
)
