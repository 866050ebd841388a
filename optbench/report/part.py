"""What part of a suite a run is, in a few words: they stand in the footer of every table and figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Longest list of a user's own words.
_LIMIT = 48


def part(manifest: Mapping[str, Any]) -> str:
    """Returns how a run differs from the suite that its file describes.

    Args:
        manifest: The manifest of a run.

    Returns:
        A few words, empty for a whole suite.

    Example:
        >>> part({"part": {"optimizers": {"kept": 2, "of": 7, "added": 1}, "problems": {"kept": 1, "of": 12}}})
        'part of the suite: 2 of 7 optimizers and 1 more, 1 of 12 problems'
        >>> part({"part": {"tuning": "random", "trials": 8}, "size": "full"})
        'other than the suite: tuning random, trials 8'
    """
    quick = manifest.get("size") == "quick"
    facts = manifest.get("part")
    if facts is None:
        said, less = _selected(manifest.get("selection", {})), True
    else:
        less = any(isinstance(fact, Mapping) and fact["kept"] < fact["of"] for fact in facts.values())
        said = [_words(what, fact) for what, fact in facts.items()]
    if quick:
        said, less = ["quick size", *said], True
    return f"{'part of' if less else 'other than'} the suite: {', '.join(said)}" if said else ""


def _words(what: str, fact: Any) -> str:
    if not isinstance(fact, Mapping):
        return f"{what} {fact}"
    kept, whole, added = fact["kept"], fact["of"], fact.get("added", 0)
    words = f"{kept} of {whole} {what}" if kept < whole else f"all {whole} {what}"
    return f"{words} and {added} more" if added else words


def _selected(selection: Mapping[str, Any]) -> list[str]:
    """Returns what was selected, of a run whose manifest does not say of how many."""
    said = []
    for what, given in selection.items():
        if given is None or what == "quick":
            continue
        words = ",".join(map(str, given)) if isinstance(given, list) else str(given)
        said.append(f"{what} {words if len(words) <= _LIMIT else words[: _LIMIT - 1] + '…'}")
    return said
