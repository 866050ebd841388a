"""A suite of studies as data: what is studied by which method, and how many replicates there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, Strict

from optbench.core.keys import canonical
from optbench.suite.claim import Claim
from optbench.suite.model import Text
from optbench.suite.optimizer import OptimizerSpec
from optbench.suite.studies.setting import Setting, settings_of
from optbench.suite.studies.study import BATCH_SIZE, FOLDS, INTERVAL, SET, Epochs, Members, Rounds, StudySpec
from optbench.suite.suite import Quick, Suite

#: Kinds of table that a suite of studies may name as the one that answers its question.
Table = Literal["main", "cross_validation", "decomposition", "ensembles", "calibration", "curves", "sharpness"]

Replicates = Annotated[int, Strict(), Field(ge=1, le=1000)]


class StudyQuick(Quick):
    """The quick size of a suite of studies.

    Attributes:
        seeds: Number of replicates.
        epochs: Epochs of every study.
        members: Members of every study that has some.
        rounds: Rounds of boosting.
        studies: Names, methods, data sets or patterns of the studies that are kept; ``None`` for all.
    """

    seeds: Replicates | None = None
    epochs: Epochs | None = None
    members: Members | None = None
    rounds: Rounds | None = None
    studies: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None


class StudySuite(Suite):
    """A whole suite of studies. Each study names its own optimizer; nothing is tuned but by cross-validation.

    Attributes:
        seeds: Number of replicates of each study; each has a split, or data, of its own.
        epochs: Epochs of studies that have none of their own.
        members: The same of members.
        rounds: The same of rounds of boosting.
        studies: The studies.
        quick: What ``--quick`` changes.
    """

    KIND: ClassVar = "studies"
    OF: ClassVar = "studies"
    SUBJECT: ClassVar = StudySpec
    REPEATS: ClassVar = "seeds"
    MEASURED: ClassVar = False

    tuning: Literal["default"] = "default"
    optimizers: tuple[OptimizerSpec, ...] = ()
    seeds: Replicates = 5
    epochs: Epochs = 20
    members: Members = 10
    rounds: Rounds = 10
    studies: Annotated[tuple[StudySpec, ...], Field(min_length=1)]
    quick: StudyQuick | None = None
    table: Table | None = None

    def faults(self) -> list[tuple[str, str]]:
        """Returns what is wrong with the suite as a whole: (key, message) pairs."""
        wrong = super().faults()
        for key, instead in (
            ("optimizers", "each study names its own: studies[].optimizer and hyper"),
            ("grid", "cross-validation compares what studies[].grid lists"),
            ("contrasts", "a suite of studies states none"),
            ("measures", "nothing is measured of the points of studies"),
        ):
            if getattr(self, key):
                wrong.append((key, f"is no key of a suite of studies; {instead}"))
        wrong += self._too_few_members()
        first: dict[str, str] = {}
        for index, study in enumerate(self.studies):
            content = canonical({key: value for key, value in self.resolved(study).identity().items() if key != "name"})
            other = first.setdefault(content, study.name)
            if other != study.name:
                wrong.append(
                    (f"studies[{index}]", f"{study.name!r} is the same study as {other!r}: what it sets is the default")
                )
        return wrong

    def _too_few_members(self) -> Iterator[tuple[str, str]]:
        """Yields which numbers of members are below what their studies need."""
        for index, study in enumerate(self.studies):
            fewest, found = study.how.fewest_members, self.resolved(study).members
            asked = f"must be {fewest} or more for {study.method}, of study {study.name!r}"
            if found is not None and found < fewest:
                yield f"studies[{index}].members" if study.members else "members", f"{asked}; got {found}"
            quick = self.quick.members if self.quick else None
            if found is not None and quick is not None and quick < fewest:
                yield "quick.members", f"{asked}; got {quick}"

    def unused(self) -> Iterator[str]:
        """Yields nothing: a key that would change no run is refused by ``faults``."""
        yield from ()

    def resolved(self, study: StudySpec) -> StudySpec:
        """Returns a study with every value that it uses filled in: its own, the suite's, or the default."""
        usual: dict[str, Any] = {
            "batch_size": BATCH_SIZE,
            "epochs": self.epochs,
            "members": self.members,
            "rounds": self.rounds,
            "folds": FOLDS,
            "sets": SET,
            "interval": INTERVAL,
        }
        filled = {key: value for key, value in usual.items() if key in study.how.keys and getattr(study, key) is None}
        if not study.how.is_of_networks and study.n_test is None:
            filled["n_test"] = study.n_train
        return study.model_copy(update=filled)

    def settings_of(self, study: StudySpec) -> tuple[Setting, ...]:
        """Returns how the networks of a study are trained, one setting for each configuration or value; else none."""
        if not study.how.is_of_networks:
            return ()
        return settings_of(study, epochs=self.epochs, batch_size=BATCH_SIZE)

    def identity(self) -> dict[str, Any]:
        """Returns what is run, ready for JSON: studies with their values filled in."""
        data = super().identity()
        data["studies"] = sorted(
            (self.resolved(study).identity() for study in self.studies), key=lambda one: one["name"]
        )
        return {key: value for key, value in data.items() if key not in ("epochs", "members", "rounds")}

    def faults_of(self, claim: Claim) -> list[tuple[str, str]]:
        """Returns nothing: claims are refused as a whole."""
        return []

    def can_judge(self, claim: Claim, changes: Mapping[str, Any]) -> bool:
        """Returns that no claim can be judged."""
        return False
