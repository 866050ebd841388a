"""Other names under which people look for something."""

from __future__ import annotations

from collections.abc import Mapping

#: Other names under which people look for something -> registry name; used in suggestions only.
ALIASES: Mapping[str, str] = {
    "gd": "sgd",
    "gradient_descent": "sgd",
    "heavyball": "momentum",
    "heavy_ball": "momentum",
    "sgdm": "momentum",
    "nesterov": "nag",
    "bb": "barzilai_borwein",
    "fista": "fista_restart",
    "sharpness_aware": "sam",
    "adaptive_gradient": "adagrad",
    "banana": "rosenbrock",
    "camel": "six_hump_camel",
    "camel3": "three_hump_camel",
    "camel6": "six_hump_camel",
    "powell": "powell_singular",
    "quadratic": "ellipsoid",
    "quadratic_saddle": "saddle",
    "rotated_ellipsoid": "ellipsoid",
}
