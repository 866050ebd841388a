import itertools

import pytest

from optbench import catalog
from optbench.report import figures, style
from optbench.report.figures import panels
from tests.report.test_figures import changed

SHIPPED = [entry.name for entry in catalog.OPTIMIZERS]


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


def test_no_two_shipped_rules_look_alike():
    found = {}
    for name in SHIPPED:
        other = found.setdefault(style.look(name), name)
        assert other == name, f"{name} looks like {other}: add one of the two to style.TRIES"
    assert set(style.TRIES) <= set(SHIPPED)


def test_all_shipped_rules_and_ten_of_a_users_are_apart():
    mine = [f"lab.rules:rule_{n}" for n in range(10)]
    variants = [f"{name}+cosine" for name in SHIPPED]
    found = style.looks([*SHIPPED, *variants, *mine])
    assert len(set(found.values())) == len(found) == 2 * len(SHIPPED) + 10
    assert all(found[name] == style.look(name) for name in SHIPPED)


@pytest.mark.parametrize("n", [2, 10, 25])
def test_what_shares_a_color_differs_in_marker_and_in_dash(n):
    """A line without markers has color and dash alone, a dot color and marker."""
    found = style.looks([*style.LOOKS, *(f"lab:rule_{k}" for k in range(n))])
    for one, other in itertools.combinations(found.values(), 2):
        assert one.color != other.color or (one.marker != other.marker and one.dash != other.dash)


def test_users_rules_have_colors_of_their_own_while_there_are_some():
    mine = [f"lab:rule_{n}" for n in range(len(style.FALLBACK_COLORS))]
    found = style.looks([*style.LOOKS, *mine])
    assert len({look.color for look in found.values()}) == len(found)


def test_looks_depend_on_names_and_on_no_order():
    names = ["lab:b", "adam", "lab:a", "adam[b1=0.95]", "lion"]
    assert style.looks(names) == style.looks(reversed(names))
    assert style.looks(names)["adam[b1=0.95]"] == style.look("adam[b1=0.95]")
    alike = next(f"lab:{n}" for n in range(10_000) if style.look(f"lab:{n}") == style.look("lab:a"))
    assert style.looks(["lab:a", alike])["lab:a"] != style.looks(["lab:a", alike])[alike]


def test_more_names_than_looks_are_drawn_all_the_same():
    assert len(style.looks([f"lab:{n}" for n in range(style.N_LOOKS + 5)])) == style.N_LOOKS + 5


def test_the_optimizers_of_one_run_are_apart_in_each_of_its_figures(evidence, tmp_path, monkeypatch):
    alike = [f"lab:{n}" for n in range(10_000) if style.look(f"lab:{n}") == style.look("lab:0")][:2]
    seen = []
    entries = {**evidence.manifest["optimizers"], **{name: {"swept": "lr"} for name in alike}}
    original = panels.rule_handles

    def handles(names, **options):
        seen.append([style.look(name) for name in alike])
        return original(names, **options)

    monkeypatch.setattr(panels, "rule_handles", handles)
    figures.draw(changed(evidence, optimizers=entries), ["convergence", "trajectories"], "png", tmp_path)
    assert len(seen) >= 2
    assert all(one != other and [one, other] == seen[0] for one, other in seen)
    assert style.look(alike[0]) == style.look(alike[1])


def test_long_names_of_a_users_stay_apart_in_a_legend():
    names = ["package.experiments.rules:adam", "package.experiments.rules:adan", "package.experiments.ruler:adam"]
    shown = [handle.get_label() for handle in panels.rule_handles(names)]
    assert shown == ["packag…iments.rules:adam", "packag…iments.rules:adan", "packag…iments.ruler:adam"]
    names = ["package.a.experiments.rules:adam", "package.b.experiments.rules:adam"]
    assert [handle.get_label() for handle in panels.rule_handles(names)] == names
