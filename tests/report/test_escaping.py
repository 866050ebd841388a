import pytest

from optbench.report.formats import escaping
from tests.report.hostile import HOSTILE


@pytest.mark.parametrize("name", HOSTILE)
def test_clean_text_is_one_printable_line(name):
    shown = escaping.clean(name)
    assert shown.isprintable()
    assert shown.encode("utf-8")


@pytest.mark.parametrize("name", HOSTILE)
def test_ascii_text_is_ascii(name):
    assert escaping.ascii_only(escaping.clean(name)).isascii()


def test_markdown_shows_html_links_and_pipes():
    assert escaping.markdown("<script>") == "&lt;script&gt;"
    assert escaping.markdown("a|b") == r"a\|b"
    assert escaping.markdown("[x](javascript:y)") == r"\[x\](javascript:y)"
    assert escaping.markdown("http://x") == "http:&#47;&#47;x"
    assert escaping.markdown("&lt;") == "&amp;lt;"


def test_latex_runs_no_command_and_no_option_of_a_row_break():
    assert escaping.latex(r"\input{x}") == r"\textbackslash{}input\{x\}"
    assert escaping.latex("50%_#&$") == r"50\%\_\#\&\$"
    assert escaping.latex("[2cm]x") == "{}[2cm]x"
    assert escaping.latex("*x") == "{}*x"
    assert escaping.latex("\U0001f600") == r"\textbackslash{}U0001f600"


@pytest.mark.parametrize("name", HOSTILE)
def test_latex_is_ascii_with_balanced_braces(name):
    text = escaping.latex(name)
    assert text.isascii()
    assert text.replace(r"\{", "").count("{") == text.replace(r"\}", "").count("}")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-rf", "@x", " =1", "＝1"])
def test_a_spreadsheet_runs_no_formula(name):
    assert escaping.spreadsheet(name).startswith("'")


def test_widths_count_columns_of_a_terminal():
    assert escaping.display_width("日本") == 4
    assert escaping.display_width("e\u0301") == 1
    assert escaping.shortened("日本語", 5) == "日本…"
    assert escaping.shortened("adam", 4) == "adam"
