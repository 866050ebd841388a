"""Names that try to act where they should only show."""

HOSTILE = [
    "=1+1", "@SUM(A1)", "-rf", "\t=1", "\x1b[31mred\x1b[0m", "a\nb", "a\x00b", "<script>alert(1)</script>", "a|b",
    "[red]x[/red]", r"\input{/etc/passwd}", "50%_#&${}~^", "[link](javascript:alert(1))", "\u202eevil", "日本語" * 30,
    "\U0001f600", "x" * 300, "../../etc", "_hidden", "$\\frac{", "`code`", "*bold*",
]  # fmt: skip
