"""The option for a device: what is there is used, what is not is said."""

from __future__ import annotations

import os
import subprocess
import sys

import jax
import pytest

from optbench.engine import devices
from optbench.engine.devices import use
from optbench.errors import UsageError


@pytest.fixture(autouse=True)
def same_platforms():
    """Platforms are a setting of the process."""
    before = jax.config.jax_platforms
    yield
    jax.config.update("jax_platforms", before)


def test_a_device_that_is_here_is_taken():
    use("cpu")
    assert jax.config.jax_platforms == "cpu"


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="it is here")
@pytest.mark.parametrize("name", ["gpu", "tpu"])
def test_one_that_is_not_is_an_error_that_says_what_is(name):
    before = jax.config.jax_platforms
    with pytest.raises(UsageError, match=f"device '{name}': there is none here that JAX can use; it has cpu$"):
        use(name)
    assert jax.config.jax_platforms == before


def test_a_wrong_name_is_refused():
    with pytest.raises(UsageError, match="unknown device 'cpus'; did you mean 'cpu'"):
        use("cpus")


def test_too_late_is_said(monkeypatch):
    monkeypatch.setattr(devices.jax, "default_backend", lambda: "gpu")
    with pytest.raises(UsageError, match="JAX has begun on another one in this process"):
        use("cpu")


def test_the_option_outranks_the_environment():
    code = "from optbench.engine.devices import use; use('cpu'); import jax; print(jax.default_backend())"
    env = {**os.environ, "JAX_PLATFORMS": "cuda"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "cpu", done.stderr
