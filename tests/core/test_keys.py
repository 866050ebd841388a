"""Random streams belong to identities: their first numbers are frozen, since every stored start depends on them."""

from __future__ import annotations

import numpy as np
import pytest

from optbench.core import keys

DIGEST = "ef9f84d8cb21a0b0"
DRAWS = [0.9179225278742105, 0.6557944215000994]


def test_digest_is_frozen():
    assert keys.digest({"problem": "sphere-2d", "lr": 0.1}) == DIGEST
    assert keys.digest({"lr": 0.1, "problem": "sphere-2d"}) == DIGEST
    assert len(keys.digest([], size=16)) == 32


def test_stream_is_frozen():
    assert keys.generator(0, "start", "sphere-2d", "report", 0).random(2).tolist() == DRAWS


def test_stream_depends_on_every_part_and_on_nothing_else():
    parts = [(0, "start", "a", "tune", 0), (1, "start", "a", "tune", 0), (0, "start", "b", "tune", 0)]
    parts += [
        (0, "start", "a", "report", 0),
        (0, "start", "a", "tune", 1),
        (0, "start", "a", "tune"),
        (0, "start", "atune", 0),
    ]
    draws = [keys.generator(*part).random() for part in parts]
    np.random.default_rng(0).random()
    assert draws == [keys.generator(*part).random() for part in parts]
    assert len(set(draws)) == len(parts)


def test_numbers_of_numpy_are_those_of_python():
    assert keys.digest([np.int64(3), np.float64(0.5), np.bool_(True)]) == keys.digest([3, 0.5, True])
    with pytest.raises(TypeError, match="object has no JSON text"):
        keys.digest([object()])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_identity_has_no_nan(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        keys.canonical({"lr": value})
