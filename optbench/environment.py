"""Where a run was made: versions, commit, machine, flags. Provenance for the manifest.

Never recorded: the host's name, the user, absolute home paths, the repository's address (it may
hold a token). Only listed environment variables are read.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from optbench import __version__

#: Distributions whose versions stand in every manifest, when installed.
PACKAGES = ("jax", "jaxlib", "optax", "numpy", "scipy", "pandas", "pyarrow", "matplotlib")

#: Environment variables that can change numbers: these names and prefixes, nothing else.
FLAG_NAMES = ("CUDA_VISIBLE_DEVICES", "NVIDIA_TF32_OVERRIDE", "PYTHONHASHSEED", "TF_CPP_MIN_LOG_LEVEL")
FLAG_PREFIXES = ("JAX_", "XLA_", "OMP_")
_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|CREDENTIAL|API_?KEY", re.IGNORECASE)
_HOME = re.compile(r"(?:/home|/Users|[A-Za-z]:\\Users)[/\\][^/\\\s:;,\"']+|/root(?=[/\s:;,\"']|$)")
_GIT_TIMEOUT_S = 5.0


def without_home(text: str) -> str:
    """Returns ``text`` with every home folder written as ``~``.

    Args:
        text: A path, a command line, or the value of a flag.

    Returns:
        The text without the name of a user.

    Example:
        >>> without_home("--out=/home/ada/results")
        '--out=~/results'
    """
    home = str(Path.home())
    if len(home) > 1:
        text = re.sub(re.escape(home) + r"(?=[/\\\s:;,\"']|$)", "~", text)
    return _HOME.sub("~", text)


def hand_back_memory() -> None:
    """Hands memory that was freed back to the system, where the C library keeps it for later, as glibc does.

    A compiler frees most of what it takes, in pieces that lie between those that stay.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def package_versions() -> dict[str, str]:
    """Returns the version of Python and of each of ``PACKAGES`` that is installed; imports none."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def freeze_sha256() -> str:
    """Returns the SHA-256 of the sorted ``name==version`` lines of all installed distributions."""
    lines = {f"{(d.name or '').lower()}=={d.version}" for d in metadata.distributions()}
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _git(folder: Path, *arguments: str) -> bytes | None:
    """Returns what git prints, or ``None`` where it is absent, slow or unhappy."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, timeout=_GIT_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def source_state(folder: Path | None = None) -> dict[str, Any]:
    """Returns the commit of the code that runs, and whether it was changed since.

    Args:
        folder: The checkout; by default the one that holds this package. A package installed
            inside somebody else's repository has no commit of its own.

    Returns:
        ``commit`` (40 digits or ``None``), ``dirty`` (``None`` where unknown) and ``diff_sha256``
        (hash of the changes to tracked files of the package, ``None`` unless dirty).
    """
    unknown: dict[str, Any] = {"commit": None, "dirty": None, "diff_sha256": None}
    root = Path(__file__).resolve().parents[1] if folder is None else folder.resolve()
    top = _git(root, "rev-parse", "--show-toplevel")
    if top is None or Path(os.fsdecode(top.rstrip(b"\n"))).resolve() != root:
        return unknown
    commit = _git(root, "rev-parse", "--verify", "HEAD")
    # Results and notes beside the package change no number, so only the package counts.
    changes = _git(root, "status", "--porcelain", "--", "optbench")
    if commit is None or changes is None:
        return unknown
    diff = _git(root, "diff", "HEAD", "--", "optbench") if changes else None
    return {
        "commit": commit.decode().strip(),
        "dirty": bool(changes),
        "diff_sha256": hashlib.sha256(diff).hexdigest() if diff is not None else None,
    }


def code_sha256() -> str:
    """Returns the SHA-256 of this package's code and frozen constants, whatever is committed; suites are apart.

    A run that was computed, or a table that was made, by code of the same sum need not be made again.
    """
    root = Path(__file__).parent
    kept = [path for kind in ("*.py", "*.json") for path in root.rglob(kind)]
    sums = hashlib.sha256()
    for path in sorted(kept):
        sums.update(f"{path.relative_to(root).as_posix()}\0".encode())
        sums.update(hashlib.sha256(path.read_bytes()).digest())
    return sums.hexdigest()


def _cpu_model() -> str:
    """Returns the processor's name, or its architecture where the system does not tell."""
    try:
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.lower().startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def visible_cores() -> int:
    """Returns the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def machine() -> dict[str, Any]:
    """Returns operating system, architecture, processor and visible cores; never the host's name."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "cpu": _cpu_model(),
        "cores": visible_cores(),
    }


def flags(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns the listed environment variables that are set, home folders removed.

    Args:
        environ: The environment; by default this process's own.

    Returns:
        Values by name, sorted by name.

    Example:
        >>> flags({"JAX_ENABLE_X64": "1", "HOME": "/home/ada", "JAX_TOKEN": "secret"})
        {'JAX_ENABLE_X64': '1'}
    """
    environ = os.environ if environ is None else environ
    wanted = (n for n in environ if (n in FLAG_NAMES or n.startswith(FLAG_PREFIXES)) and not _SECRET.search(n))
    return {name: without_home(environ[name]) for name in sorted(wanted)}


def provenance(command: Sequence[str] = ()) -> dict[str, Any]:
    """Returns everything about the environment that a manifest records.

    Args:
        command: The command line, as the user gave it.

    Returns:
        ``version``, ``commit``, ``dirty``, ``diff_sha256``, ``code_sha256``, ``versions``, ``freeze_sha256``,
        ``machine``, ``flags`` and ``command``. The device is added by whoever opened it.
    """
    return {
        "version": __version__,
        **source_state(),
        "code_sha256": code_sha256(),
        "versions": package_versions(),
        "freeze_sha256": freeze_sha256(),
        "machine": machine(),
        "flags": flags(),
        "command": [without_home(word) for word in command],
    }
