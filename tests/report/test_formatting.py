import math

import numpy as np
import pandas as pd
import pytest

from optbench.report.formats import formatting


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "<1e-12"), (-0.0, "<1e-12"), (3.1e-47, "<1e-12"), (-3.2e-13, "<1e-12"), (1e-12, "1.0e-12"),
        (1.0, "1.0"), (0.00123, "0.0012"), (0.000999, "0.0010"), (9.96, "10"), (98765.0, "98765"),
        (123456.0, "1.2e5"), (-3.2e-11, "-3.2e-11"), (math.inf, "inf"), (-math.inf, "-inf"), (math.nan, "n/a"),
    ],
)  # fmt: skip
def test_a_gap_has_two_significant_digits_or_is_not_told_from_zero(value, expected):
    assert formatting.gap(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(1e-3, "0.001"), (10 ** (-8 / 3), "0.0022"), (46.4158, "46"), (1e-6, "1e-6")]
)
def test_a_rate_is_as_short_as_two_digits_allow(value, expected):
    assert formatting.rate(value) == expected


def test_evaluations_shares_and_counts():
    assert [formatting.evaluations(v) for v in (3.5, 12.5, 1999.0, math.inf, math.nan)] == [
        "3.5",
        "12",
        "1999",
        "inf",
        "n/a",
    ]
    assert [formatting.share(v) for v in (0.0, 1.0, 0.0625, math.nan)] == ["0.00", "1.00", "0.06", "n/a"]
    assert [formatting.count(v) for v in (0, 3.0, math.nan)] == ["0", "3", "n/a"]


def test_machine_values_are_plain_and_missing_is_none():
    values = (np.float64(1 / 3), np.int64(3), np.bool_(True), "adam", np.nan, None, pd.NA, pd.NaT, math.inf, -0.0)
    assert [formatting.machine(v) for v in values] == [
        0.3333333333,
        3,
        True,
        "adam",
        None,
        None,
        None,
        None,
        math.inf,
        0,
    ]
    assert str(formatting.machine(-0.0)) == "0.0"
