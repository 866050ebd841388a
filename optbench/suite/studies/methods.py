"""The methods of a study: which keys each takes, which it needs, and which factors it can vary."""

from __future__ import annotations

from dataclasses import dataclass

#: Keys of every study whose models are networks.
OF_NETWORKS = frozenset({
    "data", "model", "optimizer", "hyper", "regularization", "batch_size", "epochs", "n_train", "n_test",
})  # fmt: skip
#: Those of them that a study must have.
NEEDED = frozenset({"data", "model", "optimizer"})
#: Fewest members whose error can be split into bias and variance, each with an interval.
FEWEST_TO_SPLIT = 3


@dataclass(frozen=True)
class Method:
    """What a method takes.

    Attributes:
        says: What it does, in a sentence.
        keys: Keys that it takes beside ``name`` and ``method``.
        needs: Those that must be given.
        factors: What may be varied by ``factor``; empty where nothing is.
        is_of_networks: Whether its models are networks.
        fewest_members: Fewest members of which it can say anything.
    """

    says: str
    keys: frozenset[str]
    needs: frozenset[str] = frozenset()
    factors: tuple[str, ...] = ()
    is_of_networks: bool = True
    fewest_members: int = 2


METHODS = {
    "cross_validation": Method(
        "chooses a configuration by the mean accuracy of stratified folds and refits it outside of the test part",
        OF_NETWORKS | {"folds", "grid"},
        NEEDED | {"grid"},
    ),
    # An ensemble of such members is bagging: one method, of which there are two reports.
    "bootstrap": Method(
        "trains members on rows drawn with replacement, beside a single model: the spread of predictions, and bagging",
        OF_NETWORKS | {"members"},
        NEEDED,
    ),
    "boosting": Method(
        "trains rounds on rows drawn by the weights of SAMME, beside a single model",
        OF_NETWORKS | {"rounds"},
        NEEDED,
    ),
    "bias_variance": Method(
        "trains members on training sets of their own, at each value of a factor",
        OF_NETWORKS | {"members", "sets", "factor"},
        NEEDED | {"factor"},
        ("batch_size", "width", "epochs"),
        fewest_members=FEWEST_TO_SPLIT,
    ),
    "regression": Method(
        "fits polynomials by least squares to data of known noise, over the degree",
        frozenset({"members", "factor", "truth", "noise", "interval", "n_train", "n_test"}),
        frozenset({"factor", "truth", "noise", "n_train"}),
        ("degree",),
        is_of_networks=False,
        fewest_members=FEWEST_TO_SPLIT,
    ),
    "curve": Method(
        "records training and test loss over training, and over the number of examples, the batch size or the width",
        OF_NETWORKS | {"factor"},
        NEEDED,
        ("n_train", "batch_size", "width"),
    ),
}

#: Where the training set of a member of ``bias_variance`` comes from.
SETS = {
    "subsample": "half of the training part, drawn without replacement",
    "bootstrap": "as many rows as the training part, drawn with replacement",
    "fresh": "a training set that is generated anew; only of data that are generated",
    "same": "the training part itself: members differ in initialization and order alone",
}

#: Functions that a regression may fit, by name; else ``truth`` is the coefficients of a polynomial.
TRUTHS = {"sine": "sin(2 pi x)"}
