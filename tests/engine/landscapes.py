"""Landscapes of a user, for the tests: some with a tale to tell, and some that do not work."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import lax

from optbench.problems.landscape import TWO_D, Dims, Landscape, Parameter, at, box, constant


def _landscape(name, f, **given):
    given = {"dims": Dims(default=2), "bounds": box(-2.0, 2.0), "x_star": at(0.0), **given}
    return Landscape(name=name, f=f, formula="", reference="these tests", **given)


#: Two wells in x_1, the left one deeper.
_STATIONARY = np.sort(np.roots([4.0, 0.0, -4.0, 0.2]).real)
tilted = _landscape(
    "tilted",
    lambda x: (x[0] ** 2 - 1) ** 2 + 0.2 * x[0] + x[1] ** 2,
    dims=TWO_D,
    x_star=at((float(_STATIONARY[0]), 0.0)),
    f_star=constant(float(np.polyval([1.0, 0.0, -2.0, 0.2, 1.0], _STATIONARY[0]))),
    f_second=constant(float(np.polyval([1.0, 0.0, -2.0, 0.2, 1.0], _STATIONARY[2]))),
)
#: Where the wells of ``tilted`` lie, and the ridge between them.
LEFT, RIDGE, RIGHT = (float(x) for x in _STATIONARY)

#: A bowl that is NaN from x_1^2 = 9 on: box widths away nothing is defined.
cup = _landscape("cup", lambda x: jnp.sum(x * x) + jnp.sqrt(9.0 - x[0] ** 2))
#: A bowl whose stated minimum is too high: good runs fall below it.
misjudged = _landscape("misjudged", lambda x: jnp.sum(x * x), f_star=constant(1e-3))
#: As ``misjudged``, another lambda of this module: a program must not take one for the other.
flatter = _landscape("flatter", lambda x: 0.25 * jnp.sum(x * x))
#: Almost a cone: a thousand box widths away its value is still far from what counts as diverged.
cone = _landscape("cone", lambda x: jnp.sqrt(1.0 + jnp.sum(x * x)) - 1.0)
#: A bowl in a box that is neither square nor centered: its mean width is 3, its center (1, 11).
aside = _landscape(
    "aside",
    lambda x: jnp.sum((x - jnp.array([0.5, 11.5])) ** 2),
    dims=TWO_D,
    bounds=lambda dim: np.array([[-1.0, 3.0], [10.0, 12.0]]),
    x_star=at((0.5, 11.5)),
)
#: A bowl with a floor: beyond x_1 = 0 the value is finite, its gradient is not, and at NaN the value is finite again.
floored = _landscape("floored", lambda x: jnp.where(x[0] > 0.0, jnp.sqrt(x[0]), 0.0) + x[1] ** 2)


def _refuse(x):
    raise ArithmeticError("no value today\nnor tomorrow")


def _loop(x):
    return lax.while_loop(lambda y: jnp.sum(y) > 1.0, lambda y: 0.5 * y, x)[0] ** 2


def _ask(x, steepness):
    return jnp.sum(x * x) if steepness > 1.0 else jnp.sum(x)


raising = _landscape("raising", _refuse)
wrong_shape = _landscape("wrong_shape", lambda x: x * x)
wrong_type = _landscape("wrong_type", lambda x: jnp.sum(x * x).astype(jnp.float32))
not_a_number = _landscape("not_a_number", lambda x: jnp.sum(x * x) * jnp.nan)
no_gradient = _landscape("no_gradient", _loop)
asks_its_parameter = _landscape(
    "asks_its_parameter", _ask, parameters={"steepness": Parameter(2.0, 0.0, 9.0, "how steep it is")}
)
