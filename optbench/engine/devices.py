"""On which kind of device JAX computes: chosen by name before anything is computed."""

from __future__ import annotations

import jax

from optbench.errors import UsageError, unknown_name

#: Kinds of devices, by JAX's names of their platforms.
DEVICES = ("cpu", "gpu", "tpu")


def use(name: str) -> None:
    """Has this process compute on a kind of device.

    Args:
        name: Of ``DEVICES``.

    Raises:
        UsageError: There is no such kind, none of it is here, or JAX has begun to compute on another one.

    Example:
        >>> use("cpu")
    """
    if name not in DEVICES:
        raise UsageError(unknown_name("device", name, DEVICES))
    # Whatever the environment says, the option is what the user says now. Accelerators come first by themselves; JAX
    # knows several platforms as "gpu", and would insist on all of them if told so.
    before = getattr(jax.config, "jax_platforms", None)
    jax.config.update("jax_platforms", "cpu" if name == "cpu" else None)
    found = jax.default_backend()
    if found != name:
        jax.config.update("jax_platforms", before)
        have = ", ".join(dict.fromkeys(device.platform for device in (*jax.devices(), *jax.devices("cpu"))))
        begun = "; JAX has begun on another one in this process" if name in have else ""
        raise UsageError(f"device {name!r}: there is none here that JAX can use; it has {have}{begun}")
