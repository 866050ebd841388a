"""optbench: honest comparisons of first-order optimizers on loss landscapes.

The public names load lazily, so ``import optbench`` needs neither JAX nor pandas::

    import optbench as ob

    ob.problem("rosenbrock", dim=2)                      # a test function with its optimum
    ob.trace("rosenbrock", "adam", hyper={"lr": 1e-2})   # one trajectory
    ob.run("quick", out="results")                       # a whole suite, as the command line does
    ob.load("results/quick")                             # the rows of a stored run
    ob.analysis.performance_profile(times)               # what was run, judged
    ob.plot_trajectories("rosenbrock", ["sgd", "adam"])  # figures of problems and of runs
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

#: Public name -> (module, attribute), no attribute for the module itself. Strings, so that no module of the
#: package imports the root's targets.
_PUBLIC = {
    "problem": ("optbench.catalog", "problem"),
    "trace": ("optbench.engine.landscapes.trace", "trace"),
    "run": ("optbench.runner", "run"),
    "measure": ("optbench.runner.remeasuring", "measure"),
    "load": ("optbench.store", "load"),
    "analysis": ("optbench.analysis", ""),
    "measures": ("optbench.measures", ""),
    "plot_trajectories": ("optbench.plotting.trajectories", "plot_trajectories"),
    **{
        f"plot_{kind}": ("optbench.plotting.stored", f"plot_{kind}")
        for kind in (
            *("convergence", "sensitivity", "best_of_k", "matrix", "ranks", "dimension", "theory", "wells", "basins"),
            *("training", "gap", "rates", "batch_size", "levels", "sharpness_gap", "warm_start"),
            *("cross_validation", "decomposition", "regression", "ensembles", "reliability", "curves"),
            *("sharpness", "spectrum", "landscape", "interpolation", "path", "edge"),
        )
    },
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    """Imports a public name at its first use."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'optbench' has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    found = importlib.import_module(module)
    value = getattr(found, attribute) if attribute else found
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
