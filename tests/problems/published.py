"""Minima as the literature prints them, with its digits.

Sources: SB Surjanovic & Bingham 2013 (Virtual Library of Simulation Experiments), JY Jamil & Yang 2013
(A literature survey of benchmark functions), YLL Yao, Liu & Lin 1999, KS Kok & Sandrock 2009, H Himmelblau 1972.

SB's -39.16599 for one coordinate of styblinski_tang is wrong in its fourth decimal (-39.16617 is right), so
JY's value stands here.
"""

from __future__ import annotations

#: (name, dimension, f_star, x_star as printed, source)
MINIMA: tuple[tuple[str, int, str, tuple[tuple[str, ...], ...], str], ...] = (
    ("sphere", 3, "0", (("0", "0", "0"),), "SB"),
    ("sum_of_powers", 3, "0", (("0", "0", "0"),), "SB"),
    ("rosenbrock", 3, "0", (("1", "1", "1"),), "SB"),
    ("beale", 2, "0", (("3", "0.5"),), "SB"),
    ("dixon_price", 2, "0", (("1", "0.707107"), ("1", "-0.707107")), "SB, 2^(-(2^i - 2)/2^i)"),
    ("powell_singular", 4, "0", (("0", "0", "0", "0"),), "SB"),
    ("zakharov", 3, "0", (("0", "0", "0"),), "SB"),
    ("booth", 2, "0", (("1", "3"),), "SB"),
    ("matyas", 2, "0", (("0", "0"),), "SB"),
    ("mccormick", 2, "-1.9133", (("-0.54719", "-1.54719"),), "SB"),
    ("three_hump_camel", 2, "0", (("0", "0"),), "SB"),
    ("six_hump_camel", 2, "-1.0316", (("0.0898", "-0.7126"), ("-0.0898", "0.7126")), "SB"),
    ("ackley", 3, "0", (("0", "0", "0"),), "SB"),
    ("rastrigin", 3, "0", (("0", "0", "0"),), "SB"),
    ("griewank", 3, "0", (("0", "0", "0"),), "SB"),
    ("levy", 3, "0", (("1", "1", "1"),), "SB"),
    ("schwefel", 30, "-12569.5", (("420.9687",) * 30,), "YLL f8"),
    ("styblinski_tang", 2, "-78.332", (("-2.903534", "-2.903534"),), "JY, SB"),
    ("michalewicz", 2, "-1.8013", (("2.20", "1.57"),), "SB"),
    ("michalewicz", 5, "-4.687658", (), "SB"),
    ("michalewicz", 10, "-9.66015", (), "SB"),
    (
        "himmelblau",
        2,
        "0",
        (("3", "2"), ("-2.805118", "3.131312"), ("-3.779310", "-3.283186"), ("3.584428", "-1.848126")),
        "H",
    ),
    ("branin", 2, "0.397887", (("-3.14159", "12.275"), ("3.14159", "2.275"), ("9.42478", "2.475")), "SB"),
    ("goldstein_price", 2, "3", (("0", "-1"),), "SB"),
    ("easom", 2, "-1", (("3.14159", "3.14159"),), "SB"),
    ("drop_wave", 2, "-1", (("0", "0"),), "SB"),
    ("eggholder", 2, "-959.6407", (("512", "404.2319"),), "SB"),
)

#: (name, dimension, second minimum, source)
SECOND: tuple[tuple[str, int, str, str], ...] = (
    ("rosenbrock", 4, "3.70143", "KS"),
    ("dixon_price", 5, "0.66667", "critical point of value 2/3"),
    ("three_hump_camel", 2, "0.2986", "Branin 1972"),
    ("six_hump_camel", 2, "-0.2155", "Dixon & Szego 1978"),
    ("griewank", 2, "0.0074", "3 pi^2 / 4000, with both cosines at -1"),
    ("goldstein_price", 2, "30", "Goldstein & Price 1971"),
    ("rastrigin", 2, "0.995", "1 - 1/200, to first order near (1, 0)"),
)
