"""Probabilities of classes: the softmax of a network's logits, whatever the number of examples."""

from __future__ import annotations

import numpy as np
import pytest

from optbench import catalog
from optbench.engine.retraining.predicting import probabilities


@pytest.mark.parametrize("name", ["linear", "mlp"])
def test_they_are_the_softmax_of_the_logits(name):
    rng = np.random.default_rng(0)
    network, stats = catalog.model(name).build(rng, (8, 8, 1), 10)
    x = rng.random((700, 8, 8, 1)).astype(np.float32)
    found = probabilities(network, stats, x)
    logits = np.asarray(network(x, stats, train=False)[0], np.float64)
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert found.shape == (700, 10)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, raised / raised.sum(axis=1, keepdims=True), rtol=2e-5, atol=1e-7)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-6)
    assert probabilities(network, stats, x[:5]).tolist() == found[:5].tolist()
