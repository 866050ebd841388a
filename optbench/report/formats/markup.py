"""Markdown and LaTeX: the table for a page or a paper."""

from __future__ import annotations

import re
from collections.abc import Iterable

from optbench.report.formats import escaping
from optbench.report.formats.layout import Cell, Table

_POWER = re.compile(r"(?<![\w.])(-?\d+(?:\.\d+)?)e(-?\d+)\b")


def render_markdown(table: Table) -> str:
    """Returns the table as a Markdown pipe table; a problem's label stands on the first line of its rows.

    Args:
        table: The table.

    Returns:
        Title, watermark, table, notes and footer.
    """
    lines = [f"**{escaping.markdown(table.title)}**", ""]
    if table.watermark:
        lines += [f"**{escaping.markdown(table.watermark)}**", ""]
    titles = [f"{c.group}: {c.title}" if c.group else c.title for c in table.columns]
    aligned = [":---" if i < table.n_keys else "---:" for i in range(len(titles))]
    lines += [_pipes([table.block, *map(escaping.markdown, titles)]), _pipes([":---", *aligned])]
    for block in table.blocks:
        for i, row in enumerate(block.rows):
            label = escaping.markdown(block.label) if i == 0 else ""
            lines.append(_pipes([label, *(escaping.markdown(cell.line) for cell in row)]))
    lines += ["", *(f"- {escaping.markdown(note)}" for note in table.notes), "", escaping.markdown(table.footer)]
    return "\n".join(lines) + "\n"


def _pipes(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def render_latex(table: Table) -> str:
    r"""Returns the table as a LaTeX ``longtable`` with booktabs rules.

    Everything is escaped, so a name can neither break the document nor run a command.

    Args:
        table: The table.

    Returns:
        Text for ``\input``; the first lines name the packages that it needs.
    """
    n = len(table.columns)
    alignment = "l" * table.n_keys + "r" * (n - table.n_keys)
    caption = escaping.latex(f"{table.title}. {table.watermark}".strip())
    lines = [
        r"% needs \usepackage{booktabs,longtable,textcomp}",
        f"% {escaping.latex(table.footer)}",
        rf"\begin{{longtable}}{{{alignment}}}",
        rf"\caption{{{caption}}}\label{{tab:optbench-{table.kind}}}\\",
        r"\toprule",
        *_latex_head(table),
        r"\midrule",
        r"\endfirsthead",
        r"\toprule",
        *_latex_head(table),
        r"\midrule",
        r"\endhead",
        r"\bottomrule",
        r"\endlastfoot",
    ]
    for i, block in enumerate(table.blocks):
        if i:
            lines.append(r"\addlinespace")
        lines.append(rf"\multicolumn{{{n}}}{{l}}{{\textit{{{escaping.latex(block.label)}}}}}\\*")
        lines += [" & ".join(_latex_cell(cell) for cell in row) + r" \\" for row in block.rows]
    lines += [r"\end{longtable}", r"\begingroup\footnotesize\noindent"]
    lines += [rf"{escaping.latex(note)}\par\noindent" for note in table.notes]
    lines += [rf"{escaping.latex(table.footer)}\par", r"\endgroup"]
    return "\n".join(lines) + "\n"


def _latex_head(table: Table) -> list[str]:
    lines = []
    if any(column.group for column in table.columns):
        titles, rules, first = [], [], 1
        for title, width in table.groups(0, len(table.columns)):
            titles.append(rf"\multicolumn{{{width}}}{{c}}{{{escaping.latex(title)}}}" if title else " & " * (width - 1))
            if title:
                rules.append(rf"\cmidrule(lr){{{first}-{first + width - 1}}}")
            first += width
        lines += [" & ".join(titles) + r" \\", "".join(rules)]
    lines.append(" & ".join(escaping.latex(column.title) for column in table.columns) + r" \\")
    return lines


def _latex_cell(cell: Cell) -> str:
    text = escaping.latex(cell.line)
    if cell.is_text:
        return text
    return _POWER.sub(r"$\1\\cdot10^{\2}$", text).replace("inf", r"$\infty$")
