"""Numerics of every test: float64, and for rules and functions no silent promotion."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Matrices of tests are small: threads of BLAS would wait for one another far longer than they multiply. Workers of
# xdist and the commands under test inherit this, and so does what is imported from here on.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import jax
import pytest
from threadpoolctl import threadpool_limits

# Of what a plugin has imported before.
threadpool_limits(int(os.environ["OPENBLAS_NUM_THREADS"]), "blas")

jax.config.update("jax_enable_x64", True)

#: Programs are kept for the session alone: what a developer's own cache holds must not decide a test.
_CACHE = tempfile.mkdtemp()
os.environ["OPTBENCH_CACHE"] = _CACHE
atexit.register(shutil.rmtree, _CACHE, ignore_errors=True)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell ignores SIGINT for what it starts in the background, and so would the commands under test.
    signal.signal(signal.SIGINT, signal.default_int_handler)

#: Modules of a copy of the package, which hold no tests and cannot be imported from here.
collect_ignore = ["toy_kind"]

#: Folders whose tests run under strict promotion: what is written for one point is exact there.
STRICT = {"core", "problems", "optimizers", "measures"}


@pytest.fixture(autouse=True)
def strict_promotion(request: pytest.FixtureRequest) -> Iterator[None]:
    """Makes silent rank and dtype promotion an error in the tests of rules and functions."""
    parts = Path(str(request.node.path)).relative_to(Path(__file__).parent).parts
    if parts[0] not in STRICT:
        yield
        return
    with jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        yield
