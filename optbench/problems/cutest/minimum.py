"""The minimizer that is reached from a point: L-BFGS, then Newton's method in double precision."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
from scipy.optimize import minimize

#: Newton's method needs a dense Hessian: in dimensions above this one, L-BFGS has the last word.
NEWTON_DIM = 120
_NEWTON_STEPS = 300
#: Gradients that L-BFGS may take. A count, and no time: what is found must not depend on how busy a machine is.
GRADIENTS = 20_000
#: Eigenvalues below this part of the largest are taken for zero.
_RANK = 1e-13


class Reached(NamedTuple):
    """Where a descent ended.

    Attributes:
        x: The point, shape (dim,).
        f: Its value.
        decrement: What another Newton step would gain, ``g' |H|^-1 g / 2``; NaN where no Hessian was formed.
        cut: Whether L-BFGS was still falling when its gradients or its seconds were used up.
    """

    x: np.ndarray
    f: float
    decrement: float
    cut: bool


class Descent:
    """The descents of one function in one dimension, which share their compiled programs.

    Example:
        >>> import jax.numpy as jnp
        >>> float(Descent(lambda x: jnp.sum((x - 3.0) ** 2)).from_(np.zeros(2)).x[0])
        3.0
    """

    def __init__(self, f: Callable[[jax.Array], jax.Array]) -> None:
        """Compiles nothing yet.

        Args:
            f: The function of one point, in pure ``jax.numpy``.
        """
        self._both = jax.jit(jax.value_and_grad(f))
        self._hessian = jax.jit(jax.hessian(f))

    def value_and_grad(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Returns value and gradient; an infinite value where either is not finite."""
        with jax.enable_x64(True):
            value, grad = self._both(np.asarray(x, np.float64))
        value, grad = float(value), np.array(grad, np.float64)
        return (value, grad) if np.isfinite(value) and np.all(np.isfinite(grad)) else (np.inf, np.zeros_like(grad))

    def from_(self, x: np.ndarray, *, bounds: np.ndarray | None = None, seconds: float = 20.0) -> Reached:
        """Descends from a point by L-BFGS, of at most ``GRADIENTS`` gradients.

        Args:
            x: Where to start, shape (dim,).
            bounds: Box that is not left, shape (dim, 2).
            seconds: It is stopped after this time, too, which does not count the compilation.

        Returns:
            The lowest point found.
        """
        x = np.asarray(x, np.float64)
        best_x, best_f = x, self.value_and_grad(x)[0]
        end = time.monotonic() + seconds
        late = False

        def watched(point: np.ndarray) -> tuple[float, np.ndarray]:
            nonlocal best_x, best_f
            value, grad = self.value_and_grad(point)
            if value < best_f:
                best_x, best_f = point.copy(), value
            return (value, grad) if np.isfinite(value) else (1e300, grad)

        def stop(_: np.ndarray) -> None:
            nonlocal late
            late = time.monotonic() > end
            if late:
                raise StopIteration

        options = {"maxiter": GRADIENTS, "maxfun": GRADIENTS, "ftol": 1e-18, "gtol": 0.0, "maxcor": 20}
        with np.errstate(all="ignore"):
            done = minimize(watched, x, jac=True, method="L-BFGS-B", bounds=bounds, options=options, callback=stop)
        return Reached(best_x, best_f, float("nan"), cut=late or done.nfev >= GRADIENTS)

    def polished(self, reached: Reached) -> Reached:
        """Polishes a point by Newton steps along the eigenvectors, each taken downhill and halved until it gains.

        Args:
            reached: Where a descent ended.

        Returns:
            The point after the last step that gained; the same in dimensions above ``NEWTON_DIM``.
        """
        if len(reached.x) > NEWTON_DIM:
            return reached
        x, f = reached.x, reached.f
        decrement = float("nan")
        for _ in range(_NEWTON_STEPS):
            grad = self.value_and_grad(x)[1]
            with jax.enable_x64(True):
                hessian = np.asarray(self._hessian(x))
            if not np.all(np.isfinite(hessian)):
                break
            values, vectors = np.linalg.eigh(hessian)
            values = np.abs(values)
            along = vectors.T @ grad
            kept = values > _RANK * max(values.max(), 1e-300)
            step = vectors @ np.where(kept, along / np.where(kept, values, 1.0), 0.0)
            decrement = 0.5 * float(grad @ step)
            for halvings in range(30):
                trial = x - 0.5**halvings * step
                value, slope = self.value_and_grad(trial)
                # Near the minimum values no longer differ, and the gradient still says which point is better.
                if value < f or (value == f and np.linalg.norm(slope) < np.linalg.norm(grad)):
                    break
            else:
                break
            x, f = trial, value
        return Reached(x, f, decrement, reached.cut)
