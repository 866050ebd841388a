"""Passes over the rows of a chunk give the same on accelerators, where loops are unrolled."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optbench.engine.landscapes.chunks import CHUNK, between_rows, over_rows

VALUES = np.random.default_rng(0).standard_normal((CHUNK, 4))


def _last_below(row, f, at, total):
    return jnp.where(f < 0.0, row, at), total + f


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
@pytest.mark.parametrize(("begin", "end"), [(0, CHUNK), (0, 1), (5, 5), (17, 40), (63, CHUNK)])
def test_rows_between_are_folded_in_their_order(monkeypatch, backend, begin, end):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    rows = jnp.asarray(VALUES)
    start = (jnp.full(4, -1), jnp.zeros(4))
    found = between_rows(_last_below, lambda row: rows[row], start, jnp.int32(begin), jnp.int32(end))
    below = [[row for row in range(begin, end) if VALUES[row, lane] < 0] for lane in range(4)]
    assert found[0].tolist() == [max(rows, default=-1) for rows in below]
    np.testing.assert_allclose(found[1], VALUES[begin:end].sum(axis=0), atol=1e-12)


def test_all_rows_are_those_between_the_first_and_the_last():
    rows, start = jnp.asarray(VALUES), (jnp.full(4, -1), jnp.zeros(4))
    whole = over_rows(_last_below, lambda row: rows[row], start)
    part = between_rows(_last_below, lambda row: rows[row], start, jnp.int32(0), jnp.int32(CHUNK))
    for one, other in zip(whole, part, strict=True):
        assert np.array_equal(one, other)
