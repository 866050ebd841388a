#!/usr/bin/env bash
# optax 0.2.8 (jax 0.10.2): each update of `optax.rprop` is the one of the call before.
#
# Expected, as Riedmiller and Braun 1993 publish the rule, in the form of Igel and Husken 2003 (iRprop-), and as
# torch.optim.Rprop has it: from the derivatives 1, 1, 1, 0, 1, -1 and a first step of 0.1 it moves by
#     -0.1, -0.12, -0.144, 0, -0.144, 0
# Seen:
#      0,   -0.1,  -0.12, -0.144, 0,   0
# The first gradient moves nothing, and the coordinate still moves by 0.144 in the call whose derivative is 0. The new
# updates are stored, and the stored ones of the call before are returned.
#
# Exit status: 0 while this is so, another once it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6 optax==0.2.8
"$work/venv/bin/python" - <<'PYTHON'
import jax.numpy as jnp
import numpy as np
import optax

rule = optax.rprop(0.1)
x = jnp.zeros(())
state = rule.init(x)
moves = []
for derivative in (1.0, 1.0, 1.0, 0.0, 1.0, -1.0):
    move, state = rule.update(jnp.asarray(derivative), state, x)
    x = optax.apply_updates(x, move)
    moves.append(float(move))

published = [-0.1, -0.12, -0.144, 0.0, -0.144, 0.0]
late = [0.0, -0.1, -0.12, -0.144, 0.0, 0.0]
print("optax", optax.__version__)
print("published", published)
print("seen     ", np.round(moves, 4).tolist())
assert np.allclose(moves, late, atol=1e-6), "optax.rprop no longer moves one call late"
assert not np.allclose(moves, published, atol=1e-6)
PYTHON
