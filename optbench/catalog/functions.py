"""The test functions by name: one literal line each, so that listing them imports none."""

from __future__ import annotations

from optbench.catalog.entry import Entry

_QUADRATICS = "optbench.problems.quadratics"
_VALLEYS = "optbench.problems.valleys"
_MULTIMODAL = "optbench.problems.multimodal"
_PLANAR = "optbench.problems.planar"
_PLATES = "optbench.problems.plates"
_WELLS = "optbench.problems.wells"

PROBLEMS: tuple[Entry, ...] = (
    Entry("sphere", _QUADRATICS, "quadratics", "sum of squares"),
    Entry("ellipsoid", _QUADRATICS, "quadratics", "sum of squares with a condition number from 1 to 1e8"),
    Entry("sum_of_powers", _QUADRATICS, "quadratics", "each coordinate to a higher power than the one before"),
    Entry("saddle", _QUADRATICS, "quadratics", "a saddle confined by a quartic, started next to its stable manifold"),
    Entry("rosenbrock", _VALLEYS, "valleys", "a curved, flat-bottomed valley; a second minimum from dimension 4 on"),
    Entry("beale", _VALLEYS, "valleys", "a flat valley between steep corners"),
    Entry("dixon_price", _VALLEYS, "valleys", "a chain of squares whose valley folds on itself"),
    Entry("powell_singular", _VALLEYS, "valleys", "singular Hessian at the minimum; dimension a multiple of 4"),
    Entry("zakharov", _VALLEYS, "valleys", "a sphere with one direction to the fourth power"),
    Entry("booth", _VALLEYS, "valleys", "a tilted quadratic of condition 9"),
    Entry("matyas", _VALLEYS, "valleys", "a plate-like quadratic of condition 25"),
    Entry("mccormick", _VALLEYS, "valleys", "a bowl on a sine; unbounded below outside its box"),
    Entry("three_hump_camel", _VALLEYS, "valleys", "three minima in a row, the middle one global"),
    Entry("six_hump_camel", _VALLEYS, "valleys", "six minima, two of them global"),
    Entry("ackley", _MULTIMODAL, "multimodal", "a nearly flat, rippled plain around one deep hole"),
    Entry("rastrigin", _MULTIMODAL, "multimodal", "a regular lattice of deep local minima on a sphere"),
    Entry("griewank", _MULTIMODAL, "multimodal", "many shallow ripples on a wide sphere"),
    Entry("levy", _MULTIMODAL, "multimodal", "rippled valleys around one minimum"),
    Entry("schwefel", _MULTIMODAL, "multimodal", "its best and second-best minima lie far apart; falls off its box"),
    Entry("styblinski_tang", _MULTIMODAL, "multimodal", "a quartic with two wells in every coordinate"),
    Entry("michalewicz", _MULTIMODAL, "multimodal", "plateaus cut by steep, narrow ravines"),
    Entry("himmelblau", _PLANAR, "multimodal", "four equal minima"),
    Entry("branin", _PLANAR, "multimodal", "three equal minima in a curved valley"),
    Entry("goldstein_price", _PLANAR, "multimodal", "values over six decades, a local minimum near the global one"),
    Entry("easom", _PLANAR, "multimodal", "one narrow hole in a plain"),
    Entry("drop_wave", _PLANAR, "multimodal", "circular ripples around one minimum"),
    Entry("eggholder", _PLANAR, "multimodal", "rough, with its minimum on the edge of the box"),
    Entry("plateau", _PLATES, "plates", "flat far from the minimum, where the gradient says little"),
    Entry("cliff", _PLATES, "plates", "a bowl behind a steep step"),
    Entry("monkey_saddle", _PLATES, "plates", "a degenerate saddle with three ways down, confined by a quartic"),
    Entry("ravine", _PLATES, "plates", "a narrow curved ravine"),
    Entry("two_wells", _WELLS, "wells", "one sharp and one flat minimum; depths and curvatures are parameters"),
    Entry("gaussian_wells", _WELLS, "wells", "a sharp and a flat Gaussian well, each draining half of the space"),
)
