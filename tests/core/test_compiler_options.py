"""What XLA is told: what it does not know is left out, and a network's barriers stay."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from optbench.core import compiler_options as options


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="accelerators have no options")
def test_unknown_options_are_left_out_and_a_network_s_barriers_are_kept():
    known = options.CPU_OPTIONS
    assert options.known({**known, "xla_no_such_option": True}) == known

    def twice(x):
        return 2.0 * jax.lax.optimization_barrier(jax.numpy.sin(x))

    for given, kept in (
        (options.cpu_options(), False),
        (options.network_options(0), True),
        (options.network_options(2 * options.LIGHT), True),
    ):
        compiled = jax.jit(twice, compiler_options=given).lower(np.ones(8)).compile()
        assert ("opt-barrier" in compiled.as_text()) is kept
        np.testing.assert_allclose(compiled(np.ones(8)), 2 * np.sin(np.ones(8)))
    assert options.network_options(2 * options.LIGHT) != options.network_options(0)
