#!/usr/bin/env bash
# optax 0.2.8 (jax 0.10.2): `optax.contrib.prodigy` and `optax.contrib.dadapt_adamw` are NaN for good if their first
# gradient is zero in all entries, as at a minimum, on a plateau, or behind dead units.
#
# Expected: a zero gradient moves nothing, and the next gradient is followed, as with optax.adam and with optax's other
# methods that find their own rate, dog, dowg and cocob.
# Seen: the estimate of the distance is 0/0 in the first call. Prodigy's parameters are NaN from the first call on, those
# of D-Adapted AdamW from the second, whatever gradients follow. One entry that is not zero is enough to avoid it.
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
from optax import contrib


def walked(rule, first):
    """Returns the parameters after each of three calls, whose first gradient is given and whose others are 1."""
    x = jnp.array([1.0, 2.0])
    state, path = rule.init(x), []
    for gradient in (first, jnp.ones(2), jnp.ones(2)):
        move, state = rule.update(gradient, state, x)
        x = optax.apply_updates(x, move)
        path.append(np.asarray(x))
    return np.isnan(path).all(axis=1).tolist()


zero, one = jnp.zeros(2), jnp.array([0.0, 1.0])
rules = {
    "prodigy": contrib.prodigy(),
    "dadapt_adamw": contrib.dadapt_adamw(),
    "dog": contrib.dog(1.0, init_step=("heuristic", 1e-6)),
    "dowg": contrib.dowg(),
    "cocob": contrib.cocob(),
    "adam": optax.adam(0.01),
}
seen = {name: walked(rule, zero) for name, rule in rules.items()}
print("optax", optax.__version__, "after a zero gradient, is each of three calls NaN?")
for name, nan in seen.items():
    print(f"{name:13} {nan}")
assert seen["prodigy"] == [True, True, True], "prodigy has changed"
assert seen["dadapt_adamw"] == [False, True, True], "dadapt_adamw has changed"
assert not any(any(seen[name]) for name in ("dog", "dowg", "cocob", "adam"))
assert not any(any(walked(rule, one)) for rule in rules.values())
PYTHON
