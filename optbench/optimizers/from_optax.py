"""Any optax transformation as an optimizer of this house: its numbers traced, its state plain arrays.

``from_optax(factory)`` takes what optax's users write, a callable that returns a
``GradientTransformation``. Its numeric arguments become hyperparameters, each lane of a batch with
its own values. The transformation is built anew from the traced values in each call, which costs
nothing once compiled.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from optbench.core.keys import words
from optbench.core.objective import Params
from optbench.core.optimizer import Hyper, HyperValues, Optimizer, State
from optbench.errors import UsageError
from optbench.optimizers.optax_arguments import FACTOR, factory_name, read_arguments


@dataclass(frozen=True)
class View:
    """How to read a transformation that is judged elsewhere than where it asks for gradients.

    Attributes:
        lift: ``lift(judged, point)``: what optax has as parameters.
        point: ``point(parameters)``: where optax wants the next gradient.
        judged: ``judged(parameters, state)``: the iterate that is scored.
        evals_per_step: Gradients until the judged iterate moves.
    """

    lift: Callable[[Params, Params], Any]
    point: Callable[[Any], Params]
    judged: Callable[[Any, Any], Params]
    evals_per_step: int = 1


class Viewed(NamedTuple):
    """State of a transformation that is judged elsewhere than where it asks for gradients.

    Attributes:
        point: Where the next gradient is taken.
        inner: optax's own state.
    """

    point: Params
    inner: Any


def from_optax(
    factory: Callable[..., Any] | optax.GradientTransformation,
    *,
    name: str | None = None,
    hyper: Mapping[str, Hyper] | None = None,
    rate: str | None = None,
    swept: str | None = None,
    view: View | None = None,
    key: str | None = None,
    ranked: bool = True,
    doc: str = "",
) -> Optimizer:
    """Turns an optax transformation into an optimizer.

    Args:
        factory: A callable that returns a ``GradientTransformation``, or a finished one, whose numbers
            are fixed: it gets one hyperparameter, ``lr``, a factor on its updates.
        name: Registry name; the factory's own if ``None``.
        hyper: The arguments that are traced; if ``None``, those that ``read_arguments`` finds. ``lr``
            stands for the argument ``rate``.
        rate: The factory's argument for ``lr``; ``None``: ``learning_rate`` or one of its short forms.
        swept: The hyperparameter that a grid varies; ``lr``, or else the first, if ``None``.
        view: Where it is judged and where it asks for gradients, if not at optax's parameters.
        key: The factory's argument for a random key, if it takes one. It gets a key made from the
            start, so that starts differ in their draws and a repeated run does not.
        ranked: Whether it takes part in rankings.
        doc: Formula, paper and defaults; the factory's own docstring if empty.

    Returns:
        The optimizer.

    Raises:
        UsageError: Some arguments of the factory have no value.

    Example:
        >>> from_optax(optax.adam).defaults()
        {'lr': 0.01, 'b1': 0.9, 'b2': 0.999, 'eps': 1e-08, 'eps_root': 0.0}
    """
    finished = isinstance(factory, optax.GradientTransformation)
    if hyper is None:
        rate, hyper = (None, {}) if finished else read_arguments(factory, rate)
    made = name or factory_name(factory)
    arguments = {own: rate or "learning_rate" if own == "lr" else own for own in hyper}

    def build(values: HyperValues, start: Params | None = None) -> optax.GradientTransformationExtraArgs:
        if isinstance(factory, optax.GradientTransformation):
            return optax.with_extra_args_support(factory)
        given = {theirs: values[own] for own, theirs in arguments.items()}
        if key is not None:
            given[key] = jax.random.key(0) if start is None else start_key(start, made)
        return optax.with_extra_args_support(factory(**given))

    def init(params: Params, values: HyperValues) -> State:
        with usual_promotion():
            lifted = params if view is None else view.lift(params, params)
            state = jax.tree.map(_plain, build(values, params).init(lifted))
        return state if view is None else Viewed(params, state)

    def update(params: Params, state: State, value: Array, grad: Any, values: HyperValues) -> tuple[Any, State, Any]:
        with usual_promotion():
            transform = build(values)
            lifted = params if view is None else view.lift(params, state.point)
            models = jax.eval_shape(transform.init, lifted)
            inner = jax.tree.map(_as_optax_has_it, state if view is None else state.inner, models)
            extra: dict[str, Any] = {"value": value, "grad": grad, "value_fn": _no_evaluation}
            updates, inner = transform.update(grad, inner, lifted, **extra)
            if not arguments:
                updates = jax.tree.map(lambda u: values["lr"] * u, updates)
            lifted = optax.apply_updates(lifted, updates)
            kept = jax.tree.map(_as_it_began, inner, models)
            if view is None:
                return lifted, kept, lifted
            point = view.point(lifted)
            return view.judged(lifted, inner), Viewed(point, kept), point

    shown = dict(hyper) or {"lr": FACTOR}
    return Optimizer(
        name=made,
        init=init,
        update=update,
        hyper=shown,
        looks_ahead=view is not None,
        evals_per_step=1 if view is None else view.evals_per_step,
        swept=swept or ("lr" if "lr" in shown else next(iter(shown))),
        ranked=ranked,
        doc=doc or inspect.getdoc(factory) or "",
    )


def adopted(found: Any, reference: str) -> Optimizer:
    """Turns what a user's ``module:attribute`` names into an optimizer, or says what is wrong with it.

    Args:
        found: The attribute, no ``Optimizer``.
        reference: What the user typed, which becomes the optimizer's name.

    Returns:
        The same optimizer for the same object, so that all cells of a suite share it.

    Raises:
        UsageError: It is neither a transformation nor a callable that returns one.
    """
    wanted = f"{reference!r} must be an optbench Optimizer, an optax transformation or a callable that returns one"
    if not isinstance(found, optax.GradientTransformation):
        if not callable(found) or isinstance(found, type):
            raise UsageError(f"{wanted}; it is a {type(found).__name__}")
        try:
            rate, hyper = read_arguments(found)
            made = found(**{rate if own == "lr" else own: h.default for own, h in hyper.items()})
        except UsageError as error:
            raise UsageError([wanted, *error.problems]) from None
        except Exception as error:  # whatever a user's factory raises is theirs to read, without our traceback
            raise UsageError(f"{wanted}; it raises {type(error).__name__}: {error}") from error
        if not isinstance(made, optax.GradientTransformation):
            raise UsageError(f"{wanted}; it returns a {type(made).__name__}")
    return _shared(found, reference)


def own_names(found: Any, given: Mapping[str, float]) -> dict[str, float]:
    """Returns hyperparameters under the names that they have here: a factory's own name of its rate means ``lr``.

    Args:
        found: A user's factory, or anything else, whose names are already those.
        given: Values by name.

    Returns:
        The same values.

    Raises:
        UsageError: The rate is given twice, or an argument of the factory is no number that can vary.

    Example:
        >>> own_names(optax.adam, {"learning_rate": 0.1, "b1": 0.8})
        {'lr': 0.1, 'b1': 0.8}
    """
    if not callable(found) or isinstance(found, Optimizer):
        return dict(given)
    rate, known = read_arguments(found)
    name = factory_name(found)
    problems = []
    if "lr" in given and rate in given and rate != "lr":
        problems.append(f"{name}: lr and {rate} are the same; give one of them")
    problems += [
        f"{name}: {argument} does not vary; bind it with functools.partial({name}, {argument}={value!r})"
        for argument, value in given.items()
        if argument in inspect.signature(found).parameters and argument != rate and argument not in known
    ]
    if problems:
        raise UsageError(problems)
    return {"lr" if argument == rate else argument: value for argument, value in given.items()}


@functools.cache
def _shared(found: Any, name: str) -> Optimizer:
    return from_optax(found, name=name)


@contextmanager
def usual_promotion() -> Iterator[None]:
    """optax relies on JAX's usual promotion of types and ranks, whatever the caller has set."""  # noqa: D403
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def _no_evaluation(*arguments: Any, **named: Any) -> Any:
    raise UsageError(
        "this transformation evaluates the function inside its update, as line searches do; here each evaluation is a "
        "call of its own and is counted, so such a rule must be written as an optbench Optimizer"
    )


def start_key(start: Params, name: str) -> Array:
    """Makes the random key of a rule that starts somewhere; each bit of the start counts.

    Args:
        start: The start.
        name: The rule's: two rules that draw share no draw.

    Returns:
        A Threefry key.
    """
    flat = jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(start)])
    bits = jnp.ravel(jax.lax.bitcast_convert_type(flat, jnp.uint32))
    root = jax.random.wrap_key_data(jnp.asarray(words("rule", name)), impl="threefry2x32")
    places, own = jax.random.split(root)
    # A sum of the bits themselves would take points on a coarse grid, such as corners of a box, for one another.

    def mixed(place: Array, bit: Array) -> Array:
        return jax.random.key_data(jax.random.fold_in(jax.random.fold_in(places, place), bit))

    hashed = jnp.sum(jax.vmap(mixed)(jnp.arange(bits.size), bits), axis=0, dtype=jnp.uint32)
    return jax.random.fold_in(jax.random.fold_in(own, hashed[0]), hashed[1])


def _is_key(leaf: Any) -> bool:
    return bool(jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key))


def _plain(leaf: Any) -> Array:
    """Returns a leaf of a new state as an array of numbers: a random key as its data."""
    leaf = jnp.asarray(leaf)
    return jax.random.key_data(leaf) if _is_key(leaf) else jnp.asarray(leaf, leaf.dtype)


def _as_optax_has_it(leaf: Array, model: Any) -> Array:
    return jax.random.wrap_key_data(leaf) if _is_key(model) else leaf


def _as_it_began(leaf: Any, model: Any) -> Array:
    """Returns a leaf in the type that ``init`` gave it: a loop needs the state that it began with."""
    return jax.random.key_data(leaf) if _is_key(model) else jnp.asarray(leaf, model.dtype)
