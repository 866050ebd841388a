"""What XLA is told when programs are compiled, for each backend, and which of it this XLA knows."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
from jax import lax

Options = dict[str, str | bool]

#: The older code generator of XLA's CPU backend compiles these programs in half the time and runs
#: them as fast (0.85 times in dimension 2, 1.1 times in 30).
CPU_OPTIONS: Options = {"xla_cpu_use_fusion_emitters": False}

#: XLA takes half of a vector register of 512 bits, lest the processor lower its clock. Lanes fill the whole: 1.6 times
#: the speed on a processor that keeps its clock. Where there is no such register it changes nothing.
PROGRAM_OPTIONS: Options = {**CPU_OPTIONS, "xla_cpu_prefer_vector_width": "512"}

#: Calls of libraries, as XLA makes them for products and large sums, cannot stand inside one kernel.
KERNEL_OPTIONS: Options = {**PROGRAM_OPTIONS, "xla_disable_hlo_passes": "dot-library-rewriter"}

#: Networks say by barriers where two operations are faster apart than as one. XLA's CPU backend takes the barriers out
#: before it fuses, unless it is told not to.
NETWORK_OPTIONS: Options = {**CPU_OPTIONS, "xla_disable_hlo_passes": "cse_barrier_expander"}

#: Trying Triton's kernels for every product takes a GPU's compiler five times as long as all the rest.
GPU_OPTIONS: Options = {"xla_gpu_enable_triton_gemm": False}

#: A small network runs as fast with the lowest level of LLVM's optimization, in few pieces, and takes 0.6 times the
#: seconds to compile. A VGG is 5 % slower, and runs for so long that compiling does not matter.
LIGHT_OPTIONS: Options = {
    **NETWORK_OPTIONS,
    "xla_backend_optimization_level": "1",
    "xla_cpu_parallel_codegen_split_count": "2",
}

#: Most multiplications with a weight that an example costs in a small network.
LIGHT = 1 << 20

#: How products of float32 numbers are computed where that is a choice. Accelerators would round them to TF32 or
#: bfloat16 by default; what is called float32 here is float32 everywhere, and results agree between devices.
PRODUCTS = "float32"


def cpu_options() -> Options:
    """Returns the options of a program that is not one kernel on this backend; none on an accelerator."""
    return known(PROGRAM_OPTIONS) if jax.default_backend() == "cpu" else {}


def network_options(multiply_adds: int) -> Options:
    """Returns the options of a program that passes batches through a network.

    Args:
        multiply_adds: Multiplications with a weight that an example costs.
    """
    on_cpu = LIGHT_OPTIONS if multiply_adds <= LIGHT else NETWORK_OPTIONS
    return known({"cpu": on_cpu, "gpu": GPU_OPTIONS}.get(jax.default_backend(), {}))


def known(options: Options) -> Options:
    """Returns the options that this XLA has."""
    if _are_known(*options.items()):
        return options
    return {name: value for name, value in options.items() if _are_known((name, value))}


@cache
def _are_known(*options: tuple[str, str | bool]) -> bool:
    try:
        # A barrier, as networks have them: an XLA that cannot keep one says so.
        jax.jit(lambda: lax.optimization_barrier(jnp.zeros(()))).lower().compile(compiler_options=dict(options))
    except jax.errors.JaxRuntimeError as error:
        if not any(said in str(error) for said in ("No such compile option", "UNIMPLEMENTED")):
            raise
        return False
    return True
