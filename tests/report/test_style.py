from optbench.report import style


def test_each_of_the_seven_rules_has_its_own_color_and_marker():
    looks = list(style.LOOKS.values())
    assert list(style.LOOKS) == ["sgd", "momentum", "nag", "adagrad", "adadelta", "rmsprop", "adam"]
    assert len({look.color for look in looks}) == len({look.marker for look in looks}) == 7


def test_looks_never_change():
    """Frozen: a figure of today can be laid beside one of last year."""
    assert style.look("adam") == ("#d55e00", "X", (0, (3, 1.2)))
    assert style.look("adam[b1=0.95]") == style.Look("#117733", "s", (0, (3, 1.2)))


def test_no_fallback_color_is_a_rules_color():
    assert not set(style.FALLBACK_COLORS) & {look.color for look in style.LOOKS.values()}


def test_rules_come_in_the_order_of_the_notes_and_others_behind():
    assert sorted(["zeta", "adam", "sgd", "alpha"], key=style.rank) == ["sgd", "adam", "alpha", "zeta"]
