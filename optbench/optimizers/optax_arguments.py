"""What a factory of optax transformations lets vary: its numeric arguments, read from its signature."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from optbench.core.optimizer import Hyper
from optbench.errors import UsageError
from optbench.optimizers.ranges import RATE

#: What a factory may call the argument that the house calls ``lr``.
_RATES = ("learning_rate", "lr", "step_size", "stepsize")
_SHARES = {"b1", "b2", "b3", "beta", "beta1", "beta2", "beta3", "decay", "decay_rate", "momentum", "rho"}
#: The rate of a factory that names no default.
UNNAMED_RATE = Hyper(1e-2, "optbench: the factory names no default", search=RATE)
#: The one hyperparameter of a transformation whose numbers are fixed.
FACTOR = Hyper(1.0, "factor on the updates of a transformation whose numbers are fixed", search=RATE)


def factory_name(factory: Any) -> str:
    """Returns the name of the function behind a factory, ``functools.partial`` seen through."""
    while isinstance(factory, functools.partial):
        factory = factory.func
    return str(getattr(factory, "__name__", "transformation"))


def read_arguments(factory: Callable[..., Any], rate: str | None = None) -> tuple[str, dict[str, Hyper]]:
    """Reads the hyperparameters of a factory from its signature.

    The rate and every argument whose default is a float become hyperparameters. What
    ``functools.partial`` has bound stays bound, but a bound rate is still the default of ``lr``. Whatever
    has another default (booleans, integers, ``None``, strings, callables) is structure and stays as it is.

    Args:
        factory: A callable that returns a transformation.
        rate: The argument that ``lr`` stands for; ``None``: ``learning_rate`` or one of its short forms.

    Returns:
        The argument that ``lr`` would stand for, and the hyperparameters by name.

    Raises:
        UsageError: Some arguments have no value; all of them at once.

    Example:
        >>> def friction(learning_rate, mu=0.9, nesterov=False): ...
        >>> name, hyper = read_arguments(friction)
        >>> name, {key: h.default for key, h in hyper.items()}
        ('learning_rate', {'lr': 0.01, 'mu': 0.9})
    """
    parameters = inspect.signature(factory).parameters
    bound: Mapping[str, Any] = factory.keywords if isinstance(factory, functools.partial) else {}
    rate = rate or next((known for known in _RATES if known in parameters), _RATES[0])
    source = f"the signature of {factory_name(factory)}"
    hyper, missing = {}, []
    for argument, parameter in parameters.items():
        default = parameter.default
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if argument == rate and (default is None or default is parameter.empty):
            hyper["lr"] = UNNAMED_RATE
        elif argument == rate and isinstance(default, int | float) and default > 0:
            said = "bound by functools.partial" if argument in bound else source
            hyper["lr"] = Hyper(float(default), said, search=RATE)
        elif default is parameter.empty:
            missing.append(
                f"{factory_name(factory)}: its argument {argument!r} has no default; "
                f"bind it with functools.partial({factory_name(factory)}, {argument}=...)"
            )
        elif isinstance(default, float) and argument not in bound:
            hyper[argument] = _ranged(argument, default, source)
    if missing:
        raise UsageError(missing)
    return rate, hyper


def _ranged(argument: str, default: float, source: str) -> Hyper:
    """Gives an argument the range that its name is used with: a share, a small positive number, or any number."""
    if argument in _SHARES and 0 <= default < 1:
        return Hyper(default, source, high=1.0, open_low=False)
    if argument.startswith(("eps", "weight_decay")) and default >= 0:
        return Hyper(default, source, open_low=False)
    return Hyper(default, source, low=-float("inf"))
