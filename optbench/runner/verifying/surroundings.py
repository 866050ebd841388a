"""Where a run was made, and where it is made again: bits are promised if both are the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import jax

from optbench import __version__, environment
from optbench.engine.devices import use
from optbench.errors import UsageError

#: Packages that decide bits. NumPy draws and scores, JAX and its library compile and compute.
PACKAGES = ("jax", "jaxlib", "numpy")
#: Flags that change no number: they say where programs are kept, what is logged, or which device is taken, which is
#: compared itself.
HARMLESS = ("JAX_COMPILATION_CACHE_DIR", "JAX_PLATFORMS", "JAX_LOG_COMPILES", "JAX_TRACEBACK_FILTERING")


def go_where_it_was_made(manifest: dict[str, Any]) -> None:
    """Has this process compute on the kind of device on which a run was made, where there is one.

    Args:
        manifest: The run's manifest.
    """
    # Without it rows are computed where JAX computes by itself, and that this is elsewhere is said.
    with suppress(UsageError):
        use(str(manifest["machine"].get("platform")))


def differences(manifest: dict[str, Any]) -> list[str]:
    """Returns how the environment here differs from that of a run, empty where bits are promised.

    Args:
        manifest: The run's manifest.

    Returns:
        One entry for each difference: what it was, and what it is here.
    """
    return [f"{name} {was}, here {here}" for name, was, here in _compared(manifest) if was != here]


def _compared(manifest: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yields the name of each fact, what it was, and what it is here."""
    yield "optbench", manifest.get("version"), __version__
    device, machine, here = jax.devices()[0], manifest["machine"], environment.machine()
    here |= {"platform": device.platform, "device_kind": device.device_kind}
    for key in ("platform", "device_kind", "architecture", "cpu", "cores"):
        yield key, machine.get(key), here[key]
    versions = environment.package_versions()
    for name in PACKAGES:
        yield name, manifest["versions"].get(name), versions.get(name)
    flags, mine = _numeric(manifest["flags"]), _numeric(environment.flags())
    for name in sorted({*flags, *mine}):
        yield name, flags.get(name, "not set"), mine.get(name, "not set")
    yield "code", _short(manifest.get("code_sha256")), _short(environment.code_sha256())


def _numeric(flags: dict[str, str]) -> dict[str, str]:
    """Returns the flags that may change numbers."""
    kept = (*environment.FLAG_PREFIXES, "NVIDIA_TF32_OVERRIDE")
    return {name: value for name, value in flags.items() if name.startswith(kept) and name not in HARMLESS}


def _short(digest: Any) -> str:
    return str(digest or "not known")[:12]
