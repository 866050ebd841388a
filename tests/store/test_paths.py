"""Names are safe everywhere, runs are named by their content, and nothing leaves the results folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optbench.errors import UsageError
from optbench.store import files, run_folder, run_id, shard_name, slug
from optbench.store.paths import inside

HOSTILE = [
    "../../etc/passwd",
    "/etc/passwd",
    "a\0b",
    "a\nb",
    "<script>",
    "\x1b[31m",
    "🔥",
    "x" * 300,
    "CON",
    "nul.txt",
    "-rf",
    "",
    ".",
]


@given(st.one_of(st.text(), st.sampled_from(HOSTILE)))
def test_slugs_are_safe(text: str) -> None:
    name = slug(text)
    assert 1 <= len(name) <= 64
    assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
    assert name[0] not in ".-"
    assert ".." not in name
    assert name.split(".")[0].upper() not in {"CON", "NUL", "PRN", "AUX"}


def test_slugs_keep_readable_names() -> None:
    assert slug("rosenbrock-2d-i3") == "rosenbrock-2d-i3"


def test_shard_names_tell_labels_apart_whose_slugs_are_equal() -> None:
    names = {
        shard_name("f[a=1]", "adam"),
        shard_name("f(a=1)", "adam"),
        shard_name("f", "a--b"),
        shard_name("f--a", "b"),
    }
    assert len(names) == 4
    assert all(len(name) <= 64 for name in (*names, shard_name("x" * 200, "y" * 200)))
    assert shard_name("sphere-2d", "adam").startswith("sphere-2d--adam-")


def test_run_ids_come_from_content_not_from_order() -> None:
    assert run_id({"suite": "a", "seed": 0}) == run_id({"seed": 0, "suite": "a"})
    assert run_id({"suite": "a", "seed": 0}) != run_id({"suite": "a", "seed": 1})
    assert run_id({"lr": 1e-3}) == run_id({"lr": 0.001})


def test_the_same_command_gets_the_same_folder_and_fresh_one_beside_it(tmp_path: Path) -> None:
    first = run_folder(tmp_path, "quick", "ab12")
    assert first == tmp_path / "quick" / "ab12"
    assert run_folder(tmp_path, "quick", "ab12") == first
    assert run_folder(tmp_path, "quick", "ab12", fresh=True).name == "ab12-2"
    assert run_folder(tmp_path, "quick", "ab12", fresh=True).name == "ab12-3"


def test_a_suite_name_cannot_leave_the_results_folder(tmp_path: Path) -> None:
    assert run_folder(tmp_path / "out", "../../x", "ab12").resolve().is_relative_to(tmp_path / "out")


def test_a_link_out_of_the_results_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "quick").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="must lie inside"):
        run_folder(tmp_path / "out", "quick", "ab12")
    with pytest.raises(UsageError, match="must lie inside"):
        inside(tmp_path / "out", tmp_path / "out" / ".." / "x")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_what_a_killed_process_left_is_removed_where_measures_are_too(tmp_path):
    places = [tmp_path, tmp_path / "shards", tmp_path / "shards" / "measures"]
    for place in places:
        place.mkdir(exist_ok=True)
        (place / ".tmp-17-some.json").write_text("{")
        (place / "some.json").write_text("{}")
    files.sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*.json")) == ["some.json"] * 3
