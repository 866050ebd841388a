#!/usr/bin/env bash
# jax 0.10.2: a function that closes over a NumPy array cannot be differentiated or compiled in single precision once it
# has been compiled inside `with jax.enable_x64(True)`.
#
# Expected: enable_x64 is a setting of the block. What runs inside of it does not change what the same function does
# outside, which is to read the array in single precision.
# Seen: jax.jit(f) inside the block returns float64, as it should. While that compiled function is alive, jax.grad(f)
# outside fails in the subtraction ("expected parameter 1 of size 12 (f32[3]) but got buffer with incompatible size 24
# (f64[3])"), and jax.jit(lambda x: f(x)) does not lower. JAX remembers of the array, by its identity, in which precision it
# was read. A copy of the array does not have the fault, nor has f in a fresh process.
#
# Exit status: 0 while this is so, another once it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import jax
import jax.numpy as jnp
import numpy as np


def squared_distance(center):
    return lambda x: jnp.sum((x - center) ** 2)


def outcome(call):
    try:
        return str(call().dtype)
    except Exception as error:
        return type(error).__name__


center = np.arange(3.0)
f = squared_distance(center)
x = jnp.ones(3)
before = outcome(lambda: jax.grad(f)(x))
with jax.enable_x64(True):
    compiled = jax.jit(f)
    inside = outcome(lambda: compiled(np.ones(3)))
seen = {
    "grad before": before,
    "jit inside": inside,
    "grad after": outcome(lambda: jax.grad(f)(x)),
    "jit after": outcome(lambda: jax.jit(lambda x: f(x))(x)),
    "grad after, of a copy": outcome(lambda: jax.grad(squared_distance(center.copy()))(x)),
}
print("jax", jax.__version__)
for name, what in seen.items():
    print(f"{name}: {what}")
assert seen["jit inside"] == "float64"
assert seen["grad after, of a copy"] == "float32"
assert seen["grad after"] == "JaxRuntimeError", "grad works again after enable_x64"
assert seen["jit after"] == "ValueError", "jit works again after enable_x64"
PYTHON
