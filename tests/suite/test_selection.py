"""``--optimizers`` and ``--problems``: what is kept, what joins, what is refused."""

from __future__ import annotations

import pytest

from optbench.errors import UsageError
from optbench.suite.selection import select


def optimizers(spec):
    return [entry.label for entry in spec.optimizers]


def problems(spec):
    return [entry.label for entry in spec.problems]


def test_no_words_keep_everything(small):
    assert select(small) == small


def test_names_labels_and_patterns_keep_the_suites_order(small):
    assert optimizers(select(small, optimizers=["adam", "sgd"])) == ["sgd", "adam[b1=0.95]"]
    assert optimizers(select(small, optimizers=["adam[b1=0.95]"])) == ["adam[b1=0.95]"]
    assert optimizers(select(small, optimizers=["ada*"])) == ["adam[b1=0.95]", "adadelta"]
    assert problems(select(small, problems=["*-rot*"])) == ["ellipsoid-10d-i1-rot[condition=1e+06]"]


def test_other_entries_of_the_catalogue_join(small):
    spec = select(small, optimizers=["nag", "sgd", "adam[b1=0.5]"], problems=["rosenbrock[dim=4,instance=2]"])
    assert optimizers(spec) == ["sgd", "nag", "adam[b1=0.5]"]
    assert problems(spec) == ["rosenbrock-4d-i2"]


def test_rules_with_modifiers_join(small):
    spec = select(small, optimizers=["nag+cosine", "adam+clip[b1=0.5,clip_norm=3]"])
    assert optimizers(spec) == ["nag+cosine", "adam+clip[b1=0.5,clip_norm=3]"]
    with pytest.raises(UsageError, match=r"unknown optimizer 'nage'; did you mean 'nag'"):
        select(small, optimizers=["nage+cosine"])
    with pytest.raises(UsageError, match=r"unknown modifier 'cosin'; did you mean 'cosine'\?"):
        select(small, optimizers=["nag+cosin"])


def test_all_wrong_words_are_named_together(small):
    with pytest.raises(UsageError) as caught:
        select(small, optimizers=["adagad", "zz*"], problems=["rosenbrok", "beale[dim=3]"])
    # The nearest name comes first; which others follow it depends on the catalogue.
    assert [line.partition("' or")[0].rstrip("'?") for line in str(caught.value).splitlines()] == [
        "suite 'small': 4 errors",
        "  unknown optimizer 'adagad'; did you mean 'adagrad",
        "  'zz*' matches none of 3 optimizers: sgd, adam[b1=0.95], adadelta",
        "  unknown problem 'rosenbrok'; did you mean 'rosenbrock",
        "  beale[dim=3]: beale: dimension must be 2 only; got 3",
    ]


def test_a_rule_without_a_range_cannot_join(small):
    small = small.model_copy(update={"optimizers": small.optimizers[:1]})
    with pytest.raises(UsageError, match="grid has no range for 'eps'"):
        select(small, optimizers=["adadelta"])
