"""The spectral density of a Hessian by stochastic Lanczos quadrature: raw nodes and weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jax import Array

from optbench.core.keys import generator
from optbench.core.objective import Objective, Params
from optbench.measures.checks import check_whole
from optbench.measures.hessian import Hessian
from optbench.measures.lanczos import Krylov
from optbench.measures.measure import Measure, Measured, Setting
from optbench.measures.probes import signs
from optbench.measures.subject import Subject


class SpectralDensity(NamedTuple):
    """A spectral density as nodes and weights: the share of eigenvalues near a node is about its weight.

    Attributes:
        nodes: Ritz values, those of one probe after those of another, each ascending, flat.
        weights: Of the nodes; they sum to 1.
        sizes: Nodes of each probe, (probes,): its steps, or fewer where its Krylov space was exhausted.
        mean: The mean eigenvalue, ``trace / n``: the sum of ``weights * nodes``.
        standard_error: Of ``mean``, from the spread between probes; ``None`` for one probe.
        hvps: Products with the Hessian, the one that is made twice to compare among them.
    """

    nodes: np.ndarray
    weights: np.ndarray
    sizes: np.ndarray
    mean: float
    standard_error: float | None
    hvps: int


def spectral_density(
    loss: Objective | Callable[[Any], Array], params: Params, steps: int = 40, probes: int = 4, seed: int = 0
) -> SpectralDensity:
    """Returns the spectral density of the Hessian of a loss at a point, by stochastic Lanczos quadrature.

    From a vector z of random signs, m steps of Lanczos give ``T = U diag(theta) U'``. Its nodes ``theta_i`` with
    weights ``U_1i^2`` are Gauss's rule for the density that z sees: they integrate each polynomial of degree up to
    ``2 m - 1`` to ``z'p(H)z / z'z``, whose mean over z is ``tr p(H) / n``. The weights are averaged over probes.
    Nothing is smoothed: figures do that.

    Args:
        loss: An ``Objective``, or a function in ``jax.numpy`` of a pytree.
        params: The point.
        steps: Of Lanczos for each probe; as many vectors of the length of a point are kept meanwhile.
        probes: Random vectors.
        seed: Of the vectors. The first ones are the same for every number of them.

    Returns:
        Nodes and weights.

    Raises:
        UsageError: An argument is out of range, or the loss or the point is none.
        NotApplicable: A product is not finite, or the loss is another one at each call.

    Example:
        >>> import jax.numpy as jnp
        >>> found = spectral_density(lambda w: jnp.sum(jnp.array([1.0, 1, 3, 3]) * w**2), np.ones(4), probes=1)
        >>> found.nodes.round(9).tolist(), found.weights.round(9).tolist()
        ([2.0, 6.0], [0.5, 0.5])

    References:
        Golub and Meurant, 2010, Matrices, moments and quadrature with applications, chapter 6. Lin, Saad and Yang,
        2016, Approximating spectral densities of large matrices, arXiv:1308.5467. Ghorbani, Krishnan and Xiao, 2019,
        An investigation into neural net optimization via Hessian eigenvalue density, arXiv:1901.10159.
    """
    check_whole("steps", steps, 1)
    check_whole("probes", probes, 1)
    check_whole("seed", seed, 0)
    hessian = Hessian(loss, params)
    spaces = []
    for number in range(probes):
        start = signs(generator("spectrum probe", seed, number), hessian.n)
        space = Krylov(hessian.matvec, start, precision=hessian.precision)
        while not space.exhausted and len(space.alphas) < steps:
            space.step()
        spaces.append(space.ritz())
    means = np.array([ritz.coefficients[0] ** 2 @ ritz.values for ritz in spaces])
    return SpectralDensity(
        np.concatenate([ritz.values for ritz in spaces]),
        np.concatenate([ritz.coefficients[0] ** 2 for ritz in spaces]) / probes,
        np.array([len(ritz.values) for ritz in spaces]),
        float(means.mean()),
        float(means.std(ddof=1) / np.sqrt(probes)) if probes > 1 else None,
        hessian.hvps,
    )


def _take(subject: Subject, steps: int, probes: int, seed: int) -> Measured:
    found = spectral_density(subject.objective, subject.params, steps, probes, seed)
    details = {
        "sizes": found.sizes.tolist(),
        "n_params": subject.objective.n_params,
        "largest": float(found.nodes.max()),
        "smallest": float(found.nodes.min()),
        "hvps": found.hvps,
    }
    return Measured(found.mean, found.standard_error, details, found.nodes, found.weights)


HESSIAN_SPECTRUM = Measure(
    name="hessian_spectrum",
    title="mean eigenvalue",
    formula="sum_i w_i theta_i = trace / n; nodes theta_i and weights w_i of the density are stored",
    reference="Lin, Saad and Yang 2016, arXiv:1308.5467; Ghorbani, Krishnan and Xiao 2019, arXiv:1901.10159",
    take=_take,
    settings={
        "steps": Setting(40, "Steps of Lanczos for each probe.", low=1, high=100_000),
        "probes": Setting(4, "Random vectors.", low=1, high=100_000),
        "seed": Setting(0, "Seed of the probes.", low=0),
    },
)
