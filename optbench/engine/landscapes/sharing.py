"""Which cells share a program: one for each dimension and class of rule, at most six in all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from optbench import catalog
from optbench.core.optimizer import Optimizer
from optbench.engine.landscapes.branches import Access, access_of
from optbench.engine.landscapes.disturb import room_for
from optbench.engine.landscapes.program import ProgramSpec, block_lanes, branch_key, weight
from optbench.engine.landscapes.state import State, layout, n_slots
from optbench.engine.outcomes import first_line
from optbench.problems.problem import Problem


@dataclass(frozen=True)
class Pair:
    """A problem and a rule that shall run together.

    Attributes:
        problem: The problem.
        rule: The rule.
        starts: Starts of a group under noise.
        seeds: Noise seeds of each.
    """

    problem: Problem
    rule: Optimizer
    starts: int = 1
    seeds: int = 1


#: Every slot of a program is copied in each trip, so rules that stay at their iterate are told apart by how
#: many they need: none, at most two, or more.
SLOT_CLASSES = (0, 2)
#: Most slots of a rule that stays at its iterate and has neighbors that do.
MOST_SLOTS = 8


#: Most programs that are held at once, by ``weight``: those of all `landscapes` take 1.5 GB. A single dimension may
#: have more.
HELD_WEIGHT = 70.0


class ProgramKey(NamedTuple):
    """What the pairs of one program have in common: there are six classes of rule, and a program has one of them.

    Attributes:
        dim: Dimension.
        access: Name of what its rules see (``branches.Access``).
        slots: Most slots of its rules, an entry of ``SLOT_CLASSES``; -1 for any number.
        noisy: Whether its problems have noise.
    """

    dim: int
    access: str
    slots: int
    noisy: bool = False


def program_key(pair: Pair) -> ProgramKey:
    """Returns dimension and class of rule: pairs with equal keys share a program."""
    rule, dim = pair.rule, pair.problem.dim
    access, bound = access_of(rule, dim), -1
    n = n_slots(rule, dim)
    if access is Access.HERE and n <= MOST_SLOTS:
        bound = next((bound for bound in SLOT_CLASSES if n <= bound), -1)
    elif access is Access.HERE:
        # A history of many points would slow its neighbors: it stands with that of L-BFGS.
        access = Access.TRIAL
    return ProgramKey(dim, access.name, bound, pair.problem.noise is not None)


def program_specs(pairs: Iterable[Pair], backend: str) -> dict[ProgramKey, ProgramSpec]:
    """Lays out the programs that a set of pairs needs.

    Args:
        pairs: What shall run, in any order.
        backend: JAX's name of the platform, which decides the width of a block.

    Returns:
        Programs to compile, by dimension and class of rule, branches sorted by name.
    """
    grouped: dict[ProgramKey, list[Pair]] = {}
    for pair in pairs:
        grouped.setdefault(program_key(pair), []).append(pair)
    return {key: _spec(key, grouped[key], backend) for key in sorted(grouped)}


def held_together(programs: Mapping[ProgramKey, ProgramSpec]) -> list[list[int]]:
    """Returns which dimensions have their programs compiled and held together: all of them but for large suites.

    Args:
        programs: From ``program_specs``.

    Returns:
        Dimensions in ascending order, cut where more than ``HELD_WEIGHT`` would be held.
    """
    size: dict[int, float] = {}
    for key, spec in programs.items():
        size[key.dim] = size.get(key.dim, 0.0) + weight(spec)
    batches: list[list[int]] = []
    room = 0.0
    for dim in sorted(size):
        if not batches or size[dim] > room:
            batches.append([])
            room = HELD_WEIGHT
        batches[-1].append(dim)
        room -= size[dim]
    return batches


def _spec(key: ProgramKey, pairs: list[Pair], backend: str) -> ProgramSpec:
    """Lays out one program: one branch for each function and rule, sorted by name."""
    problems = {branch_key(pair.problem): pair.problem for pair in reversed(pairs)}
    rules = {pair.rule: None for pair in pairs}
    room = None
    if key.noisy:
        most = max(pair.starts for pair in pairs), max(pair.seeds for pair in pairs)
        room = room_for([pair.problem for pair in pairs], *most)
    return ProgramSpec(
        dim=key.dim,
        problems=tuple(sorted(problems.values(), key=lambda p: (p.name, p.batch_size or 0))),
        rules=tuple(sorted(rules, key=lambda rule: rule.name)),
        lanes=block_lanes(key.dim, backend),
        room=room,
        access=Access[key.access],
        rotated=any(pair.problem.rotated for pair in pairs),
    )


def fault(pair: Pair) -> str | None:
    """Returns what keeps a pair from compiling, or ``None``; found from shapes, without computing.

    A user's function that raises, or returns another shape, must not take the problems down with
    which it would share a program. So both are traced here as the program traces them: parameters
    and hyperparameters unknown, lanes mapped, state in slots.

    Args:
        pair: A problem and a rule.

    Returns:
        One line that names the function, what it gave and what is expected.
    """
    dim, largest = pair.problem.dim, pair.rule.max_dim
    if largest is not None and dim > largest:
        return f"{pair.rule.name}: dimension must be at most {largest}; got {dim}"
    with jax.enable_x64(True):
        # What the catalogue has is traced by the tests.
        if not catalog.is_known(pair.problem.landscape) and (message := _problem_fault(pair.problem)):
            return message
        return None if catalog.is_known(pair.rule) else _rule_fault(pair.rule, dim)


def _array(*shape: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.float64)


@cache
def _problem_fault(problem: Problem) -> str | None:
    theta = [*[_array()] * len(problem.theta), *(_array(*part.shape) for part in problem.data)]
    value = _traced(problem.label, problem.landscape.f, _array(problem.dim), *theta)
    if isinstance(value, str):
        return value
    if getattr(value, "shape", None) != () or value.dtype != jnp.float64:
        return f"{problem.label}: f must return a float64 scalar; got {_shown(value)}"
    gradient = jax.vmap(jax.grad(problem.landscape.f), in_axes=(0, *[None] * len(theta)))
    found = _traced(problem.label, gradient, _array(2, problem.dim), *theta)
    return found if isinstance(found, str) else None


@cache
def _rule_fault(rule: Optimizer, dim: int) -> str | None:
    try:
        item = layout(rule, dim)
    except Exception as error:  # whatever a user's function raises becomes the message of its rows
        return f"{rule.name}: {first_line(error)}"

    def step(x: jax.Array, grad: object, value: jax.Array, hyper: jax.Array, kept: State) -> object:
        return rule.update(x, item.unpack(kept), value, grad, item.hyper(hyper))

    room = item.room
    kept = State(tuple(_array(*shape) for shape in room.slots), tuple(_array(*shape) for shape in room.shared), ())
    grad = (_array(dim), _array(dim)) if rule.curved else _array(dim)
    moved = _traced(rule.name, step, _array(dim), grad, _array(), _array(len(rule.hyper)), kept)
    if isinstance(moved, str):
        return moved
    if not isinstance(moved, tuple) or len(moved) != 3:
        return f"{rule.name}: update must return (params, state, point)"
    if rule.curved and not (isinstance(moved[2], tuple) and len(moved[2]) == 2):
        return f"{rule.name}: a curved rule must return (params, state, (point, direction))"
    points = moved[2] if rule.curved else (moved[2],)
    for part, value in (("params", moved[0]), *(("point", point) for point in points)):
        if getattr(value, "shape", None) != (dim,) or value.dtype != jnp.float64:
            return f"{rule.name}: update must return {part} as float64 of shape ({dim},); got {_shown(value)}"
    leaves, tree = jax.tree.flatten(moved[1])
    if tree != item.tree or [leaf.shape for leaf in leaves] != [*item.shapes]:
        return f"{rule.name}: update must return a state like that of init, {item.tree}; got {_shown(moved[1])}"
    return None


def _shown(value: object) -> str:
    shapes = jax.tree.map(lambda leaf: f"{leaf.dtype} of shape {leaf.shape}", value)
    return shapes if isinstance(shapes, str) else str(shapes)


def _traced(name: str, function: Callable[..., object], *arguments: object) -> Any:
    """Returns the shapes that a function gives, or one line with what it raises."""
    try:
        # JAX keeps a trace as long as the function lives, and with it the precision of a user's NumPy arrays.
        return jax.eval_shape(lambda *given: function(*given), *arguments)
    except Exception as error:  # whatever a user's function raises becomes the message of its rows
        return f"{name}: {first_line(error)}"
