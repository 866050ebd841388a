from types import SimpleNamespace

import pandas as pd

from optbench.analysis.landscapes import summarize
from optbench.records import Scoring
from optbench.report.evidence import Evidence, optimizers


def test_analysis_runs_once_for_all_frames(monkeypatch, evidence):
    calls = []

    def analyze(runs, manifest, scoring):
        assert scoring is Scoring.SETTLED
        calls.append(sum(runs.statuses.values()))
        return SimpleNamespace(summary=pd.DataFrame({"a": [1]}), convergence=pd.DataFrame(), sensitivity=pd.DataFrame())

    monkeypatch.setattr(summarize, "analyze", analyze)
    fresh = Evidence(evidence.run)
    assert len(fresh.frame("summary")) == 1
    assert fresh.frame("sensitivity").empty
    assert calls == [21]
    assert Evidence.of(fresh) is fresh


def test_problems_stand_by_dimension_then_name(evidence):
    labels = ["sphere-10d-i1", "b-30d", "rosenbrock-2d-i1", "b-2d-i1", "b-2d-i1", "unnumbered"]
    expected = ["unnumbered", "b-2d-i1", "rosenbrock-2d-i1", "sphere-10d-i1", "b-30d"]
    assert evidence.problems(labels) == evidence.problems(reversed(labels)) == expected


def test_optimizers_stand_in_the_notes_order():
    assert optimizers(["adam", "mine", "sgd", "adam"]) == ["sgd", "adam", "mine"]


def test_the_footer_holds_no_path_and_survives_a_bare_manifest(evidence):
    bare = Evidence(SimpleNamespace(runs=evidence.run.runs, manifest={}, path=evidence.run.path))
    assert bare.footer.startswith("optbench ? · suite ? v? · run ? · jax ? cpu(?)")
    assert str(evidence.run.path) not in evidence.footer
