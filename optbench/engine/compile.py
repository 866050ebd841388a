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
from jax import export
from jax.experimental.compilation_cache import compilation_cache
from jax.experimental.xla_metadata import set_xla_metadata

import optbench
from optbench.core.compiler_options import KERNEL_OPTIONS, PRODUCTS, cpu_options, known, network_options
from optbench.core.keys import digest

#: Most multiplications of one product inside a kernel: a matrix of 16 x 16 for 64 lanes.
MOST_MULTIPLICATIONS = 1 << 14

#: A product of two arrays, not one for each entry of a common axis: its contracted axes on the left, shape on the left
#: and shape of the result.
_PRODUCT = re.compile(
    r"stablehlo\.dot_general %\S+ %\S+ contracting_dims = \[([\d, ]+)\].*?: \(tensor<(\S+?)>,.*?-> tensor<(\S+?)>"
)

#: First byte of a kept program that should become one kernel.
_ONE_KERNEL = b"1"

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
            executable = lowered(mark).compile(compiler_options=known(KERNEL_OPTIONS))
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
