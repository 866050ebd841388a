"""From a function to an executable, by way of a cache on disk.

Two things are kept. JAX's persistent cache holds what XLA made of a program; an exported copy of the
program itself (StableHLO, through ``jax.export``) spares the tracing, which is the longer half of what
remains. Both lie in a folder named after the versions and the processor, so that code for one machine never runs on
another. A program with an object of the user's own is traced anew: only XLA's part of it is kept.
"""

from __future__ import annotations

import hashlib
import math
import os
import platform
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import export, lax
from jax.experimental.compilation_cache import compilation_cache
from jax.experimental.xla_metadata import set_xla_metadata

import optbench
from optbench.core.keys import digest

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

#: Most multiplications of one product inside a kernel: a matrix of 16 x 16 for 64 lanes.
MOST_MULTIPLICATIONS = 1 << 14

#: A product of two arrays, not one for each entry of a common axis: its contracted axes on the left, shape on the left
#: and shape of the result.
_PRODUCT = re.compile(
    r"stablehlo\.dot_general %\S+ %\S+ contracting_dims = \[([\d, ]+)\].*?: \(tensor<(\S+?)>,.*?-> tensor<(\S+?)>"
)

#: First byte of a kept program that should become one kernel.
_ONE_KERNEL = b"1"

#: How products of float32 numbers are computed where that is a choice. Accelerators would round them to TF32 or
#: bfloat16 by default; what is called float32 here is float32 everywhere, and results agree between devices.
PRODUCTS = "float32"

#: A folder, or ``off``.
CACHE_VARIABLE = "OPTBENCH_CACHE"

#: What JAX is told while programs are compiled: keep all of them, however small, without the lines of code that they
#: came from, a third of their bytes.
_KEEP_ALL = {
    "jax_persistent_cache_min_compile_time_secs": 0.0,
    "jax_persistent_cache_min_entry_size_bytes": -1,
    "jax_traceback_in_locations_limit": 0,
}


class Executable(NamedTuple):
    """A compiled function.

    Attributes:
        call: Takes the arguments of the function and returns the leaves of its result.
        shapes: Shape of each leaf of the arguments.
    """

    call: Callable[..., list[Any]]
    shapes: list[tuple[int, ...]]


def compile_function(
    name: str,
    build: Callable[[], tuple[Callable[..., Any], tuple[Any, ...]]],
    *,
    donate: int = 0,
    identity: object = None,
    small: bool = False,
) -> Executable:
    """Compiles a function for arguments of known shapes, from the cache where it is known.

    Args:
        name: What JAX's logs and profiles call it.
        build: Gives the function and examples of its arguments; called only where nothing is kept.
        donate: Number of leading leaves of the arguments whose memory the result may take over.
        identity: What determines the function beside the package's code, ready for JSON; ``None`` if that
            cannot be said, and nothing is to be kept of it.
        small: Whether its loops run over operations so short that they should become one kernel.

    Returns:
        The executable.

    Raises:
        JaxRuntimeError: XLA cannot compile it.
    """
    path = None if identity is None else _exported_path([name, identity])
    kept = None if path is None else _read(path)
    if kept is None:
        function, arguments = build()
        leaves, tree = jax.tree.flatten(arguments)

        def flat(*leaves: Any) -> list[Any]:
            # XLA aborts on a kernel with a parameter that nothing reads, as most functions read no rotation: the
            # sum that stands last reads them all.
            read = sum(jnp.ravel(leaf)[0].astype(float) for leaf in leaves[donate:] if leaf.size)
            return [*jax.tree.leaves(function(*jax.tree.unflatten(tree, leaves))), jnp.asarray(read)]

        checks = [export.DisabledSafetyCheck.custom_call("LayoutConstraint")]
        exported = export.export(jax.jit(flat), disabled_checks=checks)(*leaves)
        kept = Kept(exported, small and _fits_a_kernel(exported))
        if path is not None:
            _write(path, kept)
    compiled = _compiled(name, kept, donate)
    return Executable(lambda *leaves: compiled(*leaves)[:-1], [a.shape for a in kept.exported.in_avals])


class Kept(NamedTuple):
    """What is kept of a program beside what XLA makes of it.

    Attributes:
        exported: The program.
        one_kernel: Whether it should become one kernel.
    """

    exported: Any
    one_kernel: bool


def _fits_a_kernel(exported: Any) -> bool:
    """Returns whether a program gains by being one kernel, and XLA can make one of it.

    What calls XLA's runtime cannot stand in one, as sorting and LAPACK do; an argument without elements is one that
    nothing reads; and large products are several times slower there.
    """
    text = exported.mlir_module()
    if set(re.findall(r"custom_call @(\w+)", text)) - {"LayoutConstraint"} or "stablehlo.sort" in text:
        return False
    if not all(math.prod(argument.shape) for argument in exported.in_avals):
        return False
    return all(_multiplications(*found) <= MOST_MULTIPLICATIONS for found in re.findall(_PRODUCT, text))


def _multiplications(contracted: str, left: str, result: str) -> int:
    """Returns how many multiplications a product takes, from its contracted axes and two shapes."""
    sizes = [int(size) for size in left.split("x")[:-1]]
    inner = math.prod(sizes[int(axis)] for axis in contracted.split(","))
    return inner * math.prod(int(size) for size in result.split("x")[:-1])


def _compiled(name: str, kept: Kept, donate: int) -> Callable[..., list[Any]]:
    """Compiles a program in the best way that this XLA knows.

    Its CPU runtime walks over the operations of a loop's body in every trip, some 60 ns each, which is more than most
    of ours take. XLA makes one kernel of loops over less than a kilobyte by itself; the mark is how it says so to
    its later passes, and ours are larger. Some operations cannot stand inside a kernel: what is refused is compiled
    without the mark.

    Args:
        name: What JAX's logs and profiles call it.
        kept: The program.
        donate: Number of leading arguments whose memory the result may take over.

    Returns:
        The executable, of flat arguments and results.

    Raises:
        JaxRuntimeError: XLA cannot compile it.
    """

    def lowered(mark: Any) -> Any:
        def again(*leaves: Any) -> Any:
            with mark:
                return kept.exported.call(*leaves)

        again.__name__ = name
        shapes = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in kept.exported.in_avals]
        return jax.jit(again, donate_argnums=tuple(range(donate))).lower(*shapes)

    executable: Callable[..., list[Any]]
    if kept.one_kernel and jax.default_backend() == "cpu":
        mark = set_xla_metadata(xla_cpu_small_call="true", inlineable="false")
        try:
            executable = lowered(mark).compile(compiler_options=_known(KERNEL_OPTIONS))
        except jax.errors.JaxRuntimeError as error:
            if "UNIMPLEMENTED" not in str(error):
                raise
        else:
            return executable
    executable = lowered(nullcontext()).compile(compiler_options=cpu_options())
    return executable


def compile_single(function: Callable[..., Any], *arguments: Any, multiply_adds: int) -> Callable[..., Any]:
    """Compiles a function of networks in single precision, whatever the process is set to; see ``PRODUCTS``.

    Args:
        function: The function.
        *arguments: Shapes of its arguments.
        multiply_adds: Multiplications with a weight that an example costs.

    Returns:
        The executable; it is to be called in single precision as well.
    """
    # Both are settings of a thread.
    with jax.enable_x64(False), jax.default_matmul_precision(PRODUCTS):
        lowered = jax.jit(function, compiler_options=network_options(multiply_adds)).lower(*arguments)
        compiled: Callable[..., Any] = lowered.compile()
    return compiled


def cpu_options() -> Options:
    """Returns the options of a program that is not one kernel on this backend; none on an accelerator."""
    return _known(PROGRAM_OPTIONS) if jax.default_backend() == "cpu" else {}


def network_options(multiply_adds: int) -> Options:
    """Returns the options of a program that passes batches through a network.

    Args:
        multiply_adds: Multiplications with a weight that an example costs.
    """
    on_cpu = LIGHT_OPTIONS if multiply_adds <= LIGHT else NETWORK_OPTIONS
    return _known({"cpu": on_cpu, "gpu": GPU_OPTIONS}.get(jax.default_backend(), {}))


def _known(options: Options) -> Options:
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


def cache_folder() -> Path | None:
    """Returns the folder of kept programs: ``$OPTBENCH_CACHE``, or the user's cache; ``None`` if that says ``off``."""
    named = os.environ.get(CACHE_VARIABLE, "")
    if named == "off":
        return None
    root = Path(named or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "optbench")
    versions = "-".join(metadata.version(package) for package in ("jaxlib", "jax"))
    return root / "programs" / f"{versions}-{jax.default_backend()}-{_processor()}"


@contextmanager
def kept_programs() -> Iterator[None]:
    """Has JAX keep what XLA makes of programs that are compiled inside, unless the user chose a folder of their own."""
    folder = cache_folder()
    if folder is None or getattr(jax.config, "jax_compilation_cache_dir", None) or not _made(folder / "xla"):
        yield
        return
    # JAX looks for its folder at the first compilation of the process and not again.
    compilation_cache.reset_cache()
    before = {name: getattr(jax.config, name) for name in _KEEP_ALL}
    settings = {"jax_compilation_cache_dir": str(folder / "xla"), **_KEEP_ALL}
    try:
        for name, value in settings.items():
            jax.config.update(name, value)
        yield
    finally:
        for name, value in {"jax_compilation_cache_dir": None, **before}.items():
            jax.config.update(name, value)
        compilation_cache.reset_cache()


def _exported_path(identity: object) -> Path | None:
    folder = cache_folder()
    return None if folder is None else folder / "exported" / digest([identity, _sources()], size=16)


@cache
def _sources() -> str:
    """Returns the hash of the package's code and of the libraries that take part in tracing."""
    found = hashlib.blake2b(digest_size=16)
    for name in ("numpy", "optax"):
        found.update(metadata.version(name).encode())
    root = Path(optbench.__file__).parent
    for folder in ("core", "engine", "optimizers", "problems"):
        for path in sorted((root / folder).rglob("*.py")):
            found.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return found.hexdigest()


@cache
def _processor() -> str:
    """Returns a short hash of the processor's model and abilities."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    said = sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
    return digest([platform.machine(), platform.processor(), *said], size=4)


def _read(path: Path) -> Kept | None:
    """Returns a kept program, or ``None`` where there is none that can be read."""
    try:
        body = path.read_bytes()
    except OSError:
        return None
    body, sum_ = body[:-32], body[-32:]
    # A torn or damaged file is no program: it is made again and replaced.
    if hashlib.sha256(body).digest() != sum_:
        return None
    return Kept(export.deserialize(bytearray(body[1:])), body[:1] == _ONE_KERNEL)


def _made(folder: Path) -> bool:
    """Makes a folder and returns whether it is there; a cache that cannot be written is only slower."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return True


def _write(path: Path, kept: Kept) -> None:
    """Keeps a program if it can."""
    body = (_ONE_KERNEL if kept.one_kernel else b"0") + bytes(kept.exported.serialize())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(body + hashlib.sha256(body).digest())
        os.replace(file.name, path)
    except OSError:
        return
