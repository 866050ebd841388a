"""Measures that take no time, one for each thing that may become of one, and a catalogue that has them."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from optbench import catalog
from optbench.catalog.entry import Entry
from optbench.measures.measure import Measure, Measured, NotApplicable, Setting
from optbench.measures.subject import Subject

#: Subjects that were measured, in order: a test clears it first.
TAKEN: list[Subject] = []


def _value(subject: Subject, *, shift: float, norm: str) -> Measured:
    TAKEN.append(subject)
    return Measured(subject.objective.value(subject.params) + shift, 0.0, {"norm": norm}, [0.0, 1.0], [2.0, 3.0])


def _many(subjects: list[Subject], **settings: object) -> list[Measured]:
    return [found._replace(details={"together": len(subjects)}) for found in (_value(s, **settings) for s in subjects)]


def _way(subject: Subject) -> Measured:
    return Measured(len(subject.path), 0.0, {"evals": [evals for evals, _ in subject.path]})


def _between(subject: Subject) -> Measured:
    if subject.other is None:
        raise NotApplicable("there is no second run")
    return Measured(subject.objective.value(subject.params) - subject.objective.value(subject.other), 0.0)


def _broken(subject: Subject) -> Measured:
    raise ValueError("no such thing\nand more")


def _out_of_memory(subject: Subject) -> Measured:
    raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes.")


def _not_applicable(subject: Subject) -> Measured:
    raise NotApplicable("the loss has no terms")


def _not_finite(subject: Subject) -> Measured:
    return Measured(np.nan, 1.0, {"steps": 3}, [0.0], [np.inf])


def _made(name: str, take, **more) -> Measure:
    return Measure(name, name.replace("_", " "), "f(x)", "nobody", take, **more)


SETTINGS = {
    "shift": Setting(0.0, "what is added", low=-1.0, high=10.0),
    "norm": Setting("l2", "which norm", choices=("l2", "max")),
}
VALUE = _made("value", _value, settings=SETTINGS)
VALUE_TOGETHER = _made("value_together", _value, settings=SETTINGS, take_many=_many)
BROKEN = _made("broken", _broken)
LARGE = _made("large", _out_of_memory)
NOWHERE = _made("nowhere", _not_applicable)
UNBOUNDED = _made("unbounded", _not_finite)
WAY = _made("way", _way, of_path=True)
BETWEEN = _made("between", _between, of_two=True)

MEASURES = (VALUE, VALUE_TOGETHER, BROKEN, LARGE, NOWHERE, UNBOUNDED)
#: Those of more than one point.
OF_MORE = (WAY, BETWEEN)


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> list[Subject]:
    """A catalogue that has these measures beside its own; returns what is measured from now on."""
    mine = tuple(Entry(measure.name, __name__, "toys", measure.title) for measure in (*MEASURES, *OF_MORE))
    monkeypatch.setattr(catalog, "MEASURES", (*catalog.MEASURES, *mine))
    assert sys.modules[__name__].VALUE is VALUE
    TAKEN.clear()
    return TAKEN
