"""The words with which a user names entries."""

from __future__ import annotations

import pytest

from optbench.errors import UsageError
from optbench.suite.selector import Selector, parse, split


def test_split_leaves_brackets_whole():
    assert split("a, b[x=1,y=2],,c") == ["a", "b[x=1,y=2]", "c"]
    assert split(" , ") == []


def test_values_keep_their_types():
    assert parse("f[a=1,b=1e6,c=true,d=false]") == Selector("f", {"a": 1, "b": 1e6, "c": True, "d": False})
    assert parse("f") == Selector("f")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("f[a=1", "'f[a=1': must be name[key=value,...]"),
        ("[a=1]", "'[a=1]': must be name[key=value,...]"),
        ("f[a]", "'f[a]': must be name[key=value,...]; got 'a'"),
        ("f[]", "'f[]': must be name[key=value,...]; got ''"),
        ("f[a=b]", "'f[a=b]': a must be a number, true or false; got 'b'"),
        ("f[a=1,a=2]", "'f[a=1,a=2]': 'a' is given twice"),
    ],
)
def test_wrong_words_are_explained(text, message):
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert str(caught.value) == message
