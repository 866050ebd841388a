"""Every public name of optax that makes a transformation is an entry, a building block, or excluded with a reason."""

from __future__ import annotations

import inspect
import re
import warnings

import jax
import optax
import optax.contrib
import pytest

from optbench import catalog
from tests.optimizers import optax_page
from tests.optimizers.by_hand import BY_HAND
from tests.optimizers.optax_names import BLOCKS, ENTRIES, EXCLUDED, block

MODULES = {"optax": optax, "optax.contrib": optax.contrib}


def looks_like_one(made):
    """Transformations are pairs of functions; ``MultiSteps`` only has their names."""
    return isinstance(made, optax.GradientTransformation) or all(hasattr(made, part) for part in ("init", "update"))


def makes_a_transformation(thing):
    """By what it says it returns, or else by what it returns when it is called with the likeliest arguments."""
    if isinstance(thing, type):
        return not issubclass(thing, optax.GradientTransformation) and looks_like_one(thing)
    try:
        says = str(inspect.signature(thing).return_annotation)
    except ValueError:  # a name of a type, such as Schedule
        return False
    if "GradientTransformation" in says:
        return True
    inner = optax.sgd(0.1)
    for arguments in [(), (0.1,), (0.1, 0.1), (1,), (inner,), (inner, 0.1), (inner, inner), (inner, 5, 0.5), (len,)]:
        try:
            made = thing(*arguments)
        except Exception:
            continue
        if looks_like_one(made):
            return True
    return False


@pytest.fixture(scope="module")
def names():
    """All public names of optax that make a transformation."""
    found = set()
    with warnings.catch_warnings(), jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        warnings.simplefilter("ignore")
        for prefix, module in MODULES.items():
            for name in dir(module):
                thing = getattr(module, name)
                if not name.startswith("_") and callable(thing) and makes_a_transformation(thing):
                    found.add(f"{prefix}.{name}")
    return found


def test_every_name_is_decided_on_once(names):
    assert len(names) > 120
    undecided = sorted(name for name in names if name not in ENTRIES and name not in EXCLUDED and not block(name))
    assert not undecided
    twice = sorted(name for name in names if (name in ENTRIES) + (name in EXCLUDED) + (block(name) is not None) > 1)
    assert not twice


def test_every_decision_is_about_a_name_that_exists(names):
    assert sorted({*ENTRIES, *EXCLUDED} - names) == []
    shorts = {name.rpartition(".")[2] for name in names}
    for pattern in BLOCKS:
        for part in pattern.split("|"):
            assert any(re.fullmatch(part, short) for short in shorts) or part == "monitor", part


def test_every_entry_is_in_the_catalogue_and_compared_with_optax():
    listed = {entry.name for entry in catalog.OPTIMIZERS if "optax" in entry.module}
    made = [name for entries in ENTRIES.values() for name in entries]
    assert sorted(made) == sorted(listed) == sorted([*BY_HAND, "sophia"])
    assert all(reason for reason in (*EXCLUDED.values(), *BLOCKS.values()))


def test_the_walk_finds_what_says_nothing_about_its_return(names):
    """These have no annotation: only a call shows what they make."""
    assert {"optax.contrib.dog", "optax.contrib.dowg", "optax.scale_by_factored_rms"} <= names
    assert "optax.MultiSteps" in names
    assert not {"optax.apply_updates", "optax.cosine_decay_schedule", "optax.global_norm"} & names


def test_the_page_lists_all_entries_with_their_state_and_all_exclusions():
    text = optax_page.PAGE.read_text(encoding="utf-8")
    assert text == optax_page.filled(text), "run python -m tests.optimizers.optax_page"
    state = {"optax_sgd": 0, "optax_momentum": 1, "optax_adam": 2, "adan": 4, "optax_lbfgs": 22, "cocob": 5}
    for name, multiple in state.items():
        line = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        assert line.split("|")[5].strip() == str(multiple)
