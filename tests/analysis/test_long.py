"""Long arrays are what they were, to the last bit, and are not all kept."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from optbench.analysis import arrange
from optbench.analysis.landscapes.long import UNPACKED, Long, Packed, StoredCurves
from optbench.analysis.landscapes.rows import Held
from optbench.analysis.statistics.arrays import Floats
from optbench.errors import DataError

from .synthetic import make_runs


@pytest.mark.parametrize(
    "values",
    [
        np.array([[1.0, 2.5, np.inf], [0.0, 1e9, 3.0]]),
        np.array([0.1, 1 / 3, 1e300, np.nan]),
        np.array([-0.0, 1.0]),
        np.array([-1.0, -0.5, 16383.5, 16384.0]),
        np.array([-np.inf, 3.0]),
        np.zeros((0, 51)),
    ],
)
def test_what_is_packed_comes_back_to_the_last_bit(values: Floats) -> None:
    packed = Packed(values)
    assert packed().dtype == np.float64
    assert packed().shape == values.shape
    assert packed().tobytes() == values.tobytes()


def test_times_are_packed_small() -> None:
    """First hits of 65 configurations from 4 starts: most targets missed, the others at whole costs."""
    hits = np.where(np.arange(51) < 20, np.random.default_rng(0).integers(1, 2000, (65, 4, 51)), np.inf)
    packed = Packed(hits)
    assert len(packed._bytes) < hits.nbytes / 8
    assert packed().tobytes() == hits.tobytes()


def test_no_more_than_a_few_stay_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Packed] = []
    unpack = Packed.unpack
    monkeypatch.setattr(Packed, "unpack", lambda self: made.append(self) or unpack(self))
    first, *others = (Packed(np.full(3, float(k))) for k in range(UNPACKED + 1))
    first(), first()
    assert len(made) == 1
    for other in others:
        other()
    first()
    assert len(made) == UNPACKED + 2


def test_a_long_field_is_given_an_array_or_what_makes_it() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Row:
        values: Long[Floats] = Long()
        share: Long[Floats | None] = Long(None)

    row = Row(values=lambda: np.arange(3.0))
    assert row.values.tolist() == [0.0, 1.0, 2.0]
    assert row.share is None
    assert replace(row, share=np.ones(2)).share.tolist() == [1.0, 1.0]
    with pytest.raises(TypeError, match="values"):
        Row()


def test_curves_are_read_one_problem_at_a_time() -> None:
    """Nothing of a curve is read before it is asked for; then the curves of one problem are, and no others."""
    runs, manifest = make_runs({"p1": "a", "p2": "b"}, ["adam", "sgd"])
    asked: list[tuple[tuple[str, ...], bool]] = []

    class Watched(Held):
        def of(self, problems, columns=None, *, without=()):
            found = super().of(problems, columns, without=without)
            asked.append((tuple(problems), "curve_best" in found or "curve_f" in found))
            return found

    evidence = arrange(Watched(runs), manifest)
    assert asked == [(("p1",), False), (("p2",), False)]
    for key in sorted(evidence.reported):
        assert evidence.reported[key].curve.shape == (3, 8, 22)
    assert asked[2:] == [(("p1",), True), (("p2",), True)]


def test_a_curve_of_another_length_is_refused_when_it_is_read() -> None:
    runs, _ = make_runs({"p1": "a"}, ["adam"])
    with pytest.raises(DataError, match="curve_best: every row must have 7 entries or none"):
        StoredCurves(Held(runs)).of("p1", "adam", "curve_best", 7)
