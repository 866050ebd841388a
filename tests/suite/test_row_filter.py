"""Which rows pairs of a column and a pattern mean."""

from __future__ import annotations

import pandas as pd
import pytest

from optbench.errors import UsageError
from optbench.records.landscapes import ROWS
from optbench.suite.row_filter import explained, faults, matching, parse

FRAME = pd.DataFrame(
    {
        "optimizer": ["sgd", "adam", "adam[b1=0.95,b2=0.99]", "adam"],
        "config": [0, 1, 2, 3],
        "swept_value": [0.1, 0.01, 1e-3, 10.0],
        "is_default": [True, False, False, True],
    }
)


@pytest.mark.parametrize(
    ("texts", "meant"),
    [
        ([], [0, 1, 2, 3]),
        (["optimizer=adam"], [1, 3]),
        (["optimizer=adam*"], [1, 2, 3]),
        (["optimizer=adam[b1=0.95,b2=0.99]"], [2]),
        (["optimizer=?gd,config=0"], [0]),
        (["optimizer=adam is_default=true"], [3]),
        (["is_default=false", "config=1", "config=3"], [1]),
        (["swept_value=1e-2"], [1]),
        (["swept_value=0.001"], [2]),
        (["swept_value=1*"], [3]),
        (["optimizer=Adam"], []),
    ],
)
def test_each_column_must_match_one_of_its_patterns(texts, meant):
    assert FRAME.index[matching(FRAME, parse(texts, ROWS))].tolist() == meant


def test_what_is_no_pair_or_no_column_is_said_at_once():
    with pytest.raises(UsageError) as caught:
        parse(["optimiser=sgd,=3,config=", "curve_f=1"], ROWS)
    assert [said.partition(":")[0].partition(" must")[0] for said in caught.value.problems] == [
        "'optimiser=sgd'",
        "'=3'",
        "'config='",
        "'curve_f=1'",
    ]
    assert faults("optimizer=sgd", ROWS) == ()


def test_no_row_is_explained_by_the_values_that_there_are():
    said = explained(FRAME, parse(["optimizer=lion,config=7"], ROWS))
    assert said == (
        "no reported row has optimizer=lion (there are adam, adam[b1=0.95,b2=0.99], sgd) and config=7 "
        "(there are 0, 1, 2, 3)"
    )
    many = pd.DataFrame({"config": range(30)})
    assert explained(many, {"config": ["x"]}).endswith("10, 11 and 18 more)")
