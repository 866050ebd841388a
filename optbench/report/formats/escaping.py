"""Names are foreign text: each format gets them in a form that it can only display.

A name may come from a user's plugin or from a results folder found somewhere, and may hold ANSI
sequences, HTML, LaTeX commands or spreadsheet formulas.
"""

from __future__ import annotations

import re
import unicodedata

#: What our own texts use beyond ASCII, for streams that cannot show it.
ASCII = {"·": "-", "†": "!", "…": "~", "─": "-", "×": "x", "≤": "<=", "–": "-", "−": "-", "±": "+-"}

_MARKDOWN = re.compile(r"([\\`*_{}\[\]#|~$!])")
_REFERENCE = re.compile(r"[\w.]+:\w")
#: Between names that share an entry, and the fewest columns that still tell one of them.
_JOINT, _LEAST = " = ", 8
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''", "'": r"\textquotesingle{}", "`": r"\textasciigrave{}",
    "·": r"\textperiodcentered{}", "†": r"\dag{}", "…": r"\dots{}", "×": r"\texttimes{}", "≤": r"$\leq$",
    "–": "--", "±": r"$\pm$",
}  # fmt: skip


def clean(text: object) -> str:
    r"""Returns ``text`` without characters that act instead of showing.

    Control characters, direction overrides, line breaks and surrogates appear as their code.

    Args:
        text: Anything; its ``str`` is taken.

    Returns:
        One printable line.

    Example:
        >>> clean("a\x1b[31mb\n")
        'a\\x1b[31mb\\n'
    """
    return "".join(_shown(char) for char in str(text))


def _shown(char: str) -> str:
    if unicodedata.category(char)[0] != "C" and unicodedata.category(char) not in {"Zl", "Zp"}:
        return char
    return char.encode("unicode_escape").decode("ascii")


def ascii_only(text: str) -> str:
    r"""Returns ``text`` in ASCII: our own signs by their stand-ins, all else as its code.

    Example:
        >>> ascii_only("100† · é")
        '100! - \\xe9'
    """
    for sign, stand_in in ASCII.items():
        text = text.replace(sign, stand_in)
    return text.encode("ascii", "backslashreplace").decode("ascii")


def markdown(text: object) -> str:
    r"""Returns ``text`` for a Markdown paragraph or table cell; HTML is shown, not interpreted.

    Example:
        >>> markdown("<b>a|b</b>")
        '&lt;b&gt;a\\|b&lt;/b&gt;'
    """
    escaped = _MARKDOWN.sub(r"\\\1", clean(text))
    # A bare address or @name would become a link on most sites.
    escaped = escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("://", ":&#47;&#47;").replace("@", "&#64;")


def latex(text: object) -> str:
    r"""Returns ``text`` for LaTeX: every special character as a command, nothing outside ASCII.

    Example:
        >>> print(latex(r"50% of \input{x}"))
        50\% of \textbackslash{}input\{x\}
    """
    parts = []
    for char in clean(text):
        if char in _LATEX:
            parts.append(_LATEX[char])
        elif char.isascii():
            parts.append(char)
        else:
            parts.append(r"\textbackslash{}" + char.encode("unicode_escape").decode("ascii")[1:])
    # After a row's end, LaTeX would take a leading bracket or star for an option of the row break.
    return ("{}" if parts and parts[0] in {"[", "*"} else "") + "".join(parts)


def bibtex(text: object) -> str:
    r"""Returns ``text`` for a value of BibTeX between braces: LaTeX's signs as commands, letters of all scripts kept.

    BibTeX counts braces whether a backslash stands before them or not, so that even an escaped one would have to be
    balanced. An apostrophe stays one: the command for a straight one needs a package.

    Example:
        >>> print(bibtex("50% of {Gödel}"))
        50\% of \textbraceleft{}Gödel\textbraceright{}
    """
    signs = _LATEX | {"{": r"\textbraceleft{}", "}": r"\textbraceright{}", "'": "'"}
    return "".join(signs.get(char, char) for char in clean(text))


def spreadsheet(text: object) -> str:
    """Returns ``text`` for a CSV cell; what a spreadsheet would run as a formula starts with an apostrophe.

    Example:
        >>> spreadsheet("=1+1"), spreadsheet("adam")
        ("'=1+1", 'adam')
    """
    shown = clean(text)
    return f"'{shown}" if _FORMULA.match(shown) else shown


def figure(text: object, limit: int = 48) -> str:
    r"""Returns ``text`` for matplotlib: no math mode, only glyphs that its own font has, not too long.

    Example:
        >>> figure("a$b$")
        'a\\$b\\$'
    """
    shown = "".join(c if ord(c) < 0x250 or c in ASCII else _code(c) for c in clean(text))
    return shortened(shown, limit).replace("$", r"\$")


def _code(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def display_width(text: str) -> int:
    """Returns the number of terminal columns that ``text`` fills.

    Example:
        >>> display_width("adam"), display_width("日本")
        (4, 4)
    """
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def shortened(text: str, limit: int) -> str:
    """Returns ``text`` cut to ``limit`` terminal columns, with an ellipsis where something went.

    Of a user's ``module:attribute`` the middle goes: modules of one package begin alike, and their objects' names are
    what tells them apart. Of names that share an entry, as in ``a = b``, each is cut, while there is room for all.

    Example:
        >>> shortened("rosenbrock", 6), shortened("package.rules:adam", 12)
        ('rosen…', 'pac…les:adam')
        >>> shortened("package.rules:adam = package.rules:adan", 27)
        'pac…les:adam = pac…les:adan'
    """
    if display_width(text) <= limit:
        return text
    names = text.split(_JOINT)
    share = (limit - len(_JOINT) * (len(names) - 1)) // len(names)
    if len(names) > 1 and share >= _LEAST:
        return _JOINT.join(shortened(name, share) for name in names)
    kept, tail = (text[: limit // 4], text[limit // 4 :]) if _REFERENCE.match(text) else (text, "")
    while tail and display_width(kept + tail) > limit - 1:
        tail = tail[1:]
    while kept and display_width(kept + tail) > limit - 1:
        kept = kept[:-1]
    return f"{kept}…{tail}"
