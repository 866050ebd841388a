"""``optbench.plot_*``: the figures of a stored run, one function a kind, as Matplotlib's own figures."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from optbench import store
from optbench.report import figures
from optbench.report.chosen import chosen
from optbench.report.evidence import Evidence, StoredRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: A loaded run, or the folder of one.
Source = StoredRun | Evidence | str | Path
Names = Iterable[str] | None


def evidence_of(run: Source, score: str | None = None) -> Evidence:
    """Returns the evidence of a run, which is loaded if its folder was given."""
    return Evidence.of(store.load(run) if isinstance(run, str | Path) else run, score)


def _drawn(
    kind: str, run: Source, optimizers: Names, problems: Names, *, setting: str = "tuned", score: str | None = None
) -> list[Figure]:
    evidence = chosen(evidence_of(run, score), optimizers=optimizers, problems=problems)
    return figures.drawn(evidence, kind, setting=setting)


def plot_convergence(
    run: Source,
    *,
    optimizers: Names = None,
    problems: Names = None,
    setting: str = "tuned",
    score: str | None = None,
) -> list[Figure]:
    """Draws the gap against gradient evaluations.

    Args:
        run: A loaded run, or the folder of one.
        optimizers: Names, labels or patterns of the run's optimizers to show; ``None`` for all.
        problems: The same of its problems.
        setting: ``default``, ``one_for_all`` or ``tuned``.
        score: ``settled`` or ``touched`` targets, by which configurations are chosen.

    Returns:
        One figure a page.
    """
    return _drawn("convergence", run, optimizers, problems, setting=setting, score=score)


def plot_sensitivity(
    run: Source, *, optimizers: Names = None, problems: Names = None, score: str | None = None
) -> list[Figure]:
    """Draws the score against the learning rate; arguments as of ``plot_convergence``."""
    return _drawn("sensitivity", run, optimizers, problems, score=score)


def plot_best_of_k(
    run: Source, *, optimizers: Names = None, problems: Names = None, score: str | None = None
) -> list[Figure]:
    """Draws the score to expect after k trials of tuning; arguments as of ``plot_convergence``."""
    return _drawn("best_of_k", run, optimizers, problems, score=score)


def plot_matrix(run: Source, *, optimizers: Names = None, score: str | None = None) -> list[Figure]:
    """Draws differences of untuned against tuned rules; arguments as of ``plot_convergence``."""
    return _drawn("matrix", run, optimizers, None, score=score)


def plot_ranks(
    run: Source, *, optimizers: Names = None, setting: str = "tuned", score: str | None = None
) -> list[Figure]:
    """Draws every entry's score and rank interval; arguments as of ``plot_convergence``."""
    return _drawn("ranks", run, optimizers, None, setting=setting, score=score)


def plot_dimension(
    run: Source, *, optimizers: Names = None, setting: str = "tuned", score: str | None = None
) -> list[Figure]:
    """Draws evaluations and gaps against the dimension; arguments as of ``plot_convergence``."""
    return _drawn("dimension", run, optimizers, None, setting=setting, score=score)


def plot_theory(run: Source, *, optimizers: Names = None, problems: Names = None) -> list[Figure]:
    """Draws predicted rates beside measured ones; arguments as of ``plot_convergence``."""
    return _drawn("theory", run, optimizers, problems)


def plot_wells(run: Source, *, optimizers: Names = None, problems: Names = None) -> list[Figure]:
    """Draws the share of runs in the flat one of two wells; arguments as of ``plot_convergence``."""
    return _drawn("wells", run, optimizers, problems)


def plot_basins(run: Source, *, optimizers: Names = None, problems: Names = None) -> list[Figure]:
    """Draws in which minimum each start of a grid ends; arguments as of ``plot_convergence``."""
    return _drawn("basins", run, optimizers, problems)


def plot_training(
    run: Source, *, optimizers: Names = None, tasks: Names = None, setting: str = "tuned"
) -> list[Figure]:
    """Draws validation loss and accuracy of networks against passes.

    Args:
        run: A loaded run of networks, or the folder of one.
        optimizers: Names, labels or patterns of the run's optimizers to show; ``None`` for all.
        tasks: The same of its tasks.
        setting: ``default`` or ``tuned``.

    Returns:
        One figure a page.
    """
    return _drawn("training", run, optimizers, tasks, setting=setting)


def plot_gap(run: Source, *, optimizers: Names = None, tasks: Names = None, setting: str = "tuned") -> list[Figure]:
    """Draws training and test accuracy of networks; arguments as of ``plot_training``."""
    return _drawn("gap", run, optimizers, tasks, setting=setting)


def plot_rates(run: Source, *, optimizers: Names = None, tasks: Names = None) -> list[Figure]:
    """Draws validation accuracy of networks against the swept value; arguments as of ``plot_training``."""
    return _drawn("rates", run, optimizers, tasks)


def plot_batch_size(run: Source, *, optimizers: Names = None, tasks: Names = None) -> list[Figure]:
    """Draws accuracy, gap and sharpness of a run with arms against the batch size; as ``plot_training``."""
    return _drawn("batch_size", run, optimizers, tasks)


def plot_levels(run: Source, *, optimizers: Names = None, tasks: Names = None) -> list[Figure]:
    """Draws accuracy, gap and sharpness of a run with arms against the training loss; as ``plot_training``."""
    return _drawn("levels", run, optimizers, tasks)


def plot_sharpness_gap(run: Source, *, optimizers: Names = None, tasks: Names = None) -> list[Figure]:
    """Draws the gap against each measure, a dot for each network of a run with arms; as ``plot_training``."""
    return _drawn("sharpness_gap", run, optimizers, tasks)


def plot_warm_start(run: Source, *, optimizers: Names = None, tasks: Names = None) -> list[Figure]:
    """Draws large batches that begin where small ones stopped, of a run with arms; as ``plot_training``."""
    return _drawn("warm_start", run, optimizers, tasks)


def plot_sharpness(
    run: Source, *, optimizers: Names = None, problems: Names = None, setting: str = "tuned"
) -> list[Figure]:
    """Draws what was measured at the ends of runs against the learning rate, or the batch size.

    Args:
        run: A loaded run of any kind, or the folder of one.
        optimizers: Names, labels or patterns of the run's optimizers to show; ``None`` for all.
        problems: The same of its problems, or of its tasks if it is a run of networks.
        setting: Which configurations, where the axis is the batch size.

    Returns:
        One figure a page.
    """
    return _drawn("sharpness", run, optimizers, problems, setting=setting)


def plot_spectrum(
    run: Source, *, optimizers: Names = None, problems: Names = None, setting: str = "tuned"
) -> list[Figure]:
    """Draws smoothed spectra of the Hessian at the ends of runs; arguments as of ``plot_sharpness``."""
    return _drawn("spectrum", run, optimizers, problems, setting=setting)


def plot_landscape(
    run: Source, *, optimizers: Names = None, problems: Names = None, setting: str = "tuned"
) -> list[Figure]:
    """Draws the loss on random lines and planes through the ends of runs; arguments as of ``plot_sharpness``."""
    return _drawn("landscape", run, optimizers, problems, setting=setting)


def plot_interpolation(
    run: Source, *, optimizers: Names = None, problems: Names = None, setting: str = "tuned"
) -> list[Figure]:
    """Draws loss and accuracy between the ends of two runs; arguments as of ``plot_sharpness``."""
    return _drawn("interpolation", run, optimizers, problems, setting=setting)


def plot_path(run: Source, *, optimizers: Names = None, problems: Names = None, setting: str = "tuned") -> list[Figure]:
    """Draws paths of training in the plane of their principal directions; arguments as of ``plot_sharpness``."""
    return _drawn("path", run, optimizers, problems, setting=setting)


def plot_edge(run: Source, *, optimizers: Names = None, tasks: Names = None) -> list[Figure]:
    """Draws largest eigenvalues along the paths of networks and the edges of their rules; as ``plot_training``."""
    return _drawn("edge", run, optimizers, tasks)


def plot_cross_validation(run: Source, *, studies: Names = None) -> list[Figure]:
    """Draws validation accuracy of each configuration and test accuracy of the refit.

    Args:
        run: A loaded run of studies, or the folder of one.
        studies: Names or patterns of its studies to show; ``None`` for all.

    Returns:
        One figure a page.
    """
    return _drawn("cross_validation", run, None, studies)


def plot_decomposition(run: Source, *, studies: Names = None) -> list[Figure]:
    """Draws bias and variance of classifiers; arguments as of ``plot_cross_validation``."""
    return _drawn("decomposition", run, None, studies)


def plot_regression(run: Source, *, studies: Names = None) -> list[Figure]:
    """Draws bias, variance and noise of regressions; arguments as of ``plot_cross_validation``."""
    return _drawn("regression", run, None, studies)


def plot_ensembles(run: Source, *, studies: Names = None) -> list[Figure]:
    """Draws accuracy against the number of members; arguments as of ``plot_cross_validation``."""
    return _drawn("ensembles", run, None, studies)


def plot_reliability(run: Source, *, studies: Names = None) -> list[Figure]:
    """Draws accuracy against confidence; arguments as of ``plot_cross_validation``."""
    return _drawn("reliability", run, None, studies)


def plot_curves(run: Source, *, studies: Names = None) -> list[Figure]:
    """Draws under- and overfitting; arguments as of ``plot_cross_validation``."""
    return _drawn("curves", run, None, studies)
