"""Rates and starts as a caller writes them."""

from __future__ import annotations

import numpy as np
import pytest

from optbench.errors import UsageError
from optbench.plotting.wishes import place, rates_of, read_rates, read_starts, starts_of, title

BOX = [[-5.0, 5.0], [-1.0, 2.0]]


def test_rates_in_words():
    assert read_rates(["0.01", "adam=0.1", "adam=1e-3", "sgd=tuned"]) == {
        "": [0.01],
        "adam": [0.1, 1e-3],
        "sgd": ["tuned"],
    }
    assert read_rates(["adam[b1=0.95]=0.1"]) == {"adam[b1=0.95]": [0.1]}
    with pytest.raises(UsageError) as caught:
        read_rates(["fast", "adam=", "0.1"])
    assert [problem.rpartition("got ")[2] for problem in caught.value.problems] == ["'fast'", "'adam='"]


def test_starts_in_words_parse_without_doubt():
    assert read_starts("0,-1.5:2, 3 ,1e-3:-2") == [0, (-1.5, 2.0), 3, (0.001, -2.0)]
    for text in ("-1.5,2", "1:2:3", "a", "", "nan:1", "1:"):
        with pytest.raises(UsageError, match="a start is a number such as 0, or a point X:Y such as"):
            read_starts(text)


@pytest.mark.parametrize(
    ("given", "rates"),
    [
        (None, {"": []}),
        (0.1, {"": [0.1]}),
        ([0.1, "default"], {"": [0.1, "default"]}),
        (np.array([0.1, 0.2]), {"": [0.1, 0.2]}),
        ({"adam": 1, "sgd": [0.1]}, {"adam": [1.0], "sgd": [0.1]}),
    ],
)
def test_rates_in_python(given, rates):
    assert rates_of(given) == rates


@pytest.mark.parametrize("given", ["fast", True, float("nan"), {"adam": None}, [0.1, "x"], [1, 2, 3, 4, 5]])
def test_what_is_no_rate_is_named(given):
    with pytest.raises(UsageError, match="rates"):
        rates_of(given)


def test_starts_in_python():
    assert starts_of([0, (-1.5, 2), np.array([1.0, 2.0]), np.int64(3)]) == [0, (-1.5, 2.0), (1.0, 2.0), 3]
    for given in ("0", 3, [], [0] * 5, [True], [(1, 2, 3)], [(1, float("inf"))], [1.5]):
        with pytest.raises(UsageError, match="starts"):
            starts_of(given)


def test_titles_and_places():
    assert (title(2), title((-1.5, 2.0))) == ("start 2", "from (-1.5, 2)")
    assert place(3, BOX, "f", 4) is None
    assert place(4, BOX, "f", 4) == "starts: the reported ones are 0 to 3; got 4"
    assert place(10**6, BOX, "f", None) is None
    assert place((0.0, 2.0), BOX, "f", 4) is None
    assert place((0.0, 2.1), BOX, "f", 4) == "starts: a start of f lies in [-5, 5] x [-1, 2]; got (0, 2.1)"
