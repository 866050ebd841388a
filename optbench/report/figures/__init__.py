"""The kinds of figure, and ``draw``: a run's frames and stored picture data as files with fixed bytes.

A new figure is one module in the folder of its kind of run, with ``draw(evidence, setting) -> list[Figure]``, and one
line in ``FIGURES`` there; those of ``measures`` are of every kind of run. Matplotlib is imported by those modules,
hence only when something is drawn.
"""

from __future__ import annotations

import gc
import importlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from optbench import kinds as kinds_of_run
from optbench.errors import DataError, UsageError, unknown_name
from optbench.records import Scoring
from optbench.report import style
from optbench.report.chosen import Chosen
from optbench.report.evidence import Evidence, StoredRun
from optbench.report.figures import measures
from optbench.report.names import unknown
from optbench.store import files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

T = TypeVar("T")

_MODULES = {kind: importlib.import_module(f"optbench.report.figures.{kind}") for kind in kinds_of_run.KINDS}
#: Kinds of figure by kind of run, with what a run must hold for each; those of measures are of every kind.
KINDS: dict[str, dict[str, str]] = {kind: {**module.FIGURES, **measures.FIGURES} for kind, module in _MODULES.items()}

#: Formats by name, with the metadata that would put the time of drawing into the file.
FORMATS: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}


def names() -> dict[str, list[str]]:
    """Returns the names of the figures by kind of run."""
    return {of: list(found) for of, found in KINDS.items()}


def draw(
    run: StoredRun | Evidence,
    kinds: Sequence[str] | None = None,
    format: str = "png",
    out_dir: Path | str = "figures",
    *,
    setting: str = "tuned",
    score: str | None = None,
) -> list[Path]:
    """Draws figures of a run and writes them; the same rows give the same bytes.

    Args:
        run: A loaded run, or the ``Evidence`` that wraps it.
        kinds: Names among the ``KINDS`` of the run's kind; ``None`` for all that the run has data for.
        format: ``png``, ``svg`` or ``pdf``.
        out_dir: Folder for the files, made if missing. A file is named after its kind; further pages end in
            ``-2``, ``-3``, and another setting than ``tuned`` is part of the name.
        setting: ``default``, ``one_for_all`` (of landscapes) or ``tuned``; only those of ``ONE_SETTING`` depend on it.
            Of a run of networks that tuned nothing, ``tuned`` shows the defaults, and says so.
        score: ``settled`` or ``touched``, of runs of landscapes; by default what the run has. Files of touched
            targets say so in their name; those of ``UNSCORED`` do not hang on it.

    Returns:
        The paths, in the order of ``kinds``.

    Raises:
        UsageError: A kind, the format or the setting is unknown, all at once; or the run cannot be scored so.
        DataError: A kind was asked for by name, and the run has nothing to draw it from.
    """
    evidence = Evidence.of(run, score)
    problems = unknown("figure", kinds or (), names(), evidence)
    if format not in FORMATS:
        problems.append(unknown_name("format", format, FORMATS))
    problems += _unknown_setting(evidence, setting)
    if problems:
        raise UsageError(problems)
    written: list[Path] = []
    with _collected() as collect:
        for kind in kinds or KINDS[evidence.kind]:
            pages = _pages(evidence, kind, setting)
            if not len(pages) and kinds:
                raise DataError(_nothing(evidence, kind))
            module = _module_of(evidence, kind)
            suffix = f"-{setting}" if kind in module.ONE_SETTING and setting != "tuned" else ""
            suffix += "-touched" if score == Scoring.TOUCHED and kind not in module.UNSCORED else ""
            suffix += "-chosen" if isinstance(evidence, Chosen) else ""
            optimizers = evidence.manifest.get("optimizers", ())
            written += _written(pages, f"{kind}{suffix}", format, out_dir, optimizers, collect)
    return written


def drawn(run: StoredRun | Evidence, kind: str, *, setting: str = "tuned", score: str | None = None) -> list[Figure]:
    """Draws one kind of figure of a run and writes nothing.

    Args:
        run: A loaded run, or the ``Evidence`` that wraps it.
        kind: One of the ``KINDS`` of the run's kind.
        setting: As of ``draw``.
        score: As of ``draw``.

    Returns:
        One figure a page.

    Raises:
        UsageError: The kind or the setting is unknown, or the run cannot be scored so.
        DataError: The run has nothing to draw it from.
    """
    evidence = Evidence.of(run, score)
    if problems := [*unknown("figure", [kind], names(), evidence), *_unknown_setting(evidence, setting)]:
        raise UsageError(problems)
    pages = styled(lambda: list(_pages(evidence, kind, setting)), evidence.manifest.get("optimizers", ()))
    if not pages:
        raise DataError(_nothing(evidence, kind))
    return pages


def _pages(evidence: Evidence, kind: str, setting: str) -> Sequence[Figure]:
    """Returns the pages of one kind, none where the run has nothing for it."""
    folder = _module_of(evidence, kind)
    if kind in folder.OF_CURVES and evidence.manifest.get("curves"):
        # Canonical results leave the curves out; panels without lines would say that nothing converged.
        return []
    module = importlib.import_module(f"{folder.__name__}.{kind}")
    return styled(lambda: module.draw(evidence, setting), evidence.manifest.get("optimizers", ()))


def _module_of(evidence: Evidence, kind: str) -> ModuleType:
    """Returns the folder in which a kind of figure lies: that of measures, or that of the run's kind."""
    return measures if kind in measures.FIGURES else _MODULES[evidence.kind]


def _nothing(evidence: Evidence, kind: str) -> str:
    return f"{kind}: the run has nothing to draw; it needs {KINDS[evidence.kind][kind]}"


def styled(made: Callable[[], T], optimizers: Iterable[str] = ()) -> T:
    """Returns what a function makes under the house's settings of matplotlib.

    A user's matplotlibrc must not change the picture, nor this function the user's settings.

    Args:
        made: The function.
        optimizers: Labels that must not look alike: all of the run.

    Returns:
        What it makes.
    """
    import matplotlib

    with matplotlib.rc_context(), style.apart(optimizers):
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(style.RC)  # type: ignore[arg-type]
        return made()


def write(
    pages: Sequence[Figure], name: str, format: str, out_dir: Path | str, optimizers: Iterable[str] = ()
) -> list[Path]:
    """Writes the pages of one figure, one after the other; those after the first end in ``-2``, ``-3``.

    Args:
        pages: The figures, which may be drawn as they are written.
        name: Name of the file without its ending.
        format: ``png``, ``svg`` or ``pdf``.
        out_dir: Folder, made if missing.
        optimizers: Labels that must not look alike.

    Returns:
        The paths.
    """
    with _collected() as collect:
        return _written(pages, name, format, out_dir, optimizers, collect)


def _written(
    pages: Sequence[Figure],
    name: str,
    format: str,
    out_dir: Path | str,
    optimizers: Iterable[str],
    collect: Callable[[], int],
) -> list[Path]:
    """Writes pages and frees each before the next one is drawn."""
    out = Path(out_dir)
    with files.explained("make", out):
        files.make_folder(out)
    paths = [out / f"{name}{f'-{number}' if number > 1 else ''}.{format}" for number in range(1, len(pages) + 1)]
    for number, path in enumerate(paths):
        files.write_atomic(path, styled(partial(_page_bytes, pages, number, format), optimizers))
        collect()
    return paths


@contextmanager
def _collected() -> Iterator[Callable[[], int]]:
    """Yields what frees the pages that were drawn: circles of objects, tens of megabytes a page.

    Among the millions of objects of a judged large suite Python looks for circles too seldom, and looking takes long.
    So those that are there now are left out of it meanwhile.
    """
    gc.collect()
    gc.freeze()
    try:
        yield gc.collect
    finally:
        gc.unfreeze()


def _unknown_setting(evidence: Evidence, setting: str) -> list[str]:
    settings = evidence.of_kind.settings
    return [] if setting in settings else [unknown_name("setting", setting, settings)]


def _page_bytes(pages: Sequence[Figure], number: int, format: str) -> bytes:
    """Returns the file of one page, which may be drawn for it; then nothing holds it."""
    buffer = io.BytesIO()
    pages[number].savefig(buffer, format=format, metadata=FORMATS[format])
    return buffer.getvalue()
