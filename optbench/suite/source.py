"""Where the text of a suite comes from: a file that is shipped, or one of the user's. Nothing is validated here."""

from __future__ import annotations

from pathlib import Path

from optbench.errors import UsageError, nearest

SHIPPED = Path(__file__).parent.parent / "suites"


def shipped() -> tuple[str, ...]:
    """Returns the names of the suites that come with the package."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.toml")))


def read(suite: str) -> str:
    """Returns the text of a suite.

    Args:
        suite: The name of a shipped suite, or the path of a TOML file.

    Returns:
        The text, verbatim.

    Raises:
        UsageError: There is no such suite, or the file cannot be read.

    Example:
        >>> 'name = "quick"' in read("quick")
        True
    """
    names = shipped()
    path = SHIPPED / f"{suite}.toml" if suite in names else Path(suite)
    if suite not in names and not _exists(suite):
        close = nearest(suite, names)
        hint = f"did you mean {close[0]!r}?" if close else f"shipped: {', '.join(names)}; or the path of a TOML file"
        raise UsageError(f"unknown suite {suite!r}; {hint}")
    return _read(path, suite)


def _exists(path: str) -> bool:
    try:
        return bool(path) and Path(path).exists()
    except OSError:  # longer than a path may be, or in a folder that may not be entered
        return False


def _read(path: Path, suite: str) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"must be UTF-8; byte {error.start} is not", where=suite) from None
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=suite) from None
