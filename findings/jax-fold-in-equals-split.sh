#!/usr/bin/env bash
# jax 0.10.2: `jax.random.fold_in(key, i)` is the very key of `jax.random.split(key, n)[i]`, and what is drawn from a key
# is made of the bits of its children.
#
# Expected: fold_in and split are two ways to get new keys, both recommended, and using both on one key, or drawing from a
# key that is also split, gives numbers that have nothing to do with each other.
# Seen, with the default Threefry keys: fold_in(key, i) == split(key, n)[i] for every i < n. So dropout keyed by
# fold_in(key, step) and noise keyed by split(key)[1] see the same numbers in step 1. And bits(key) are, word by word,
# the exclusive or of the two words of those children. Nothing warns.
#
# Exit status: 0 while this is so, another once it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import jax
import numpy as np

n, equal, drawn = 64, 0, 0
for seed in (0, 1, 2026):
    key = jax.random.key(seed)
    children = np.asarray(jax.random.key_data(jax.random.split(key, n)))
    folded = np.stack([np.asarray(jax.random.key_data(jax.random.fold_in(key, i))) for i in range(n)])
    bits = np.asarray(jax.random.bits(key, (n,), "uint32"))
    equal += int((folded == children).all())
    drawn += int((bits == children[:, 0] ^ children[:, 1]).all())
a = jax.random.normal(jax.random.fold_in(key, 1), (3,))
b = jax.random.normal(jax.random.split(key)[1], (3,))
print("jax", jax.__version__)
print("normal(fold_in(key, 1))", np.asarray(a))
print("normal(split(key)[1])  ", np.asarray(b))
assert equal == 3, "fold_in(key, i) is no longer split(key, n)[i]"
assert drawn == 3, "draws are no longer made of the bits of a key's children"
assert (a == b).all()
PYTHON
