"""What becomes of a claim: where the interval of its difference lies."""

from __future__ import annotations

from collections.abc import Mapping

from optbench.analysis.statistics.paired import Estimate


def verdict(whole: Estimate, groups: Mapping[str, Estimate]) -> str:
    """Returns what became of a claim.

    Args:
        whole: The difference on all problems.
        groups: The differences on named parts of them.

    Returns:
        ``depends`` if 0 lies inside the interval or one group lies above 0 and another below; else ``holds`` above 0
        and ``fails`` below.

    Example:
        >>> up, down = Estimate(2.0, 1.0, 3.0, 0.01), Estimate(-2.0, -3.0, -1.0, 0.01)
        >>> verdict(up, {}), verdict(down, {}), verdict(up, {"a": up, "b": down})
        ('holds', 'fails', 'depends')
    """
    words = {_sign(estimate) for estimate in groups.values()}
    return "depends" if {"holds", "fails"} <= words else _sign(whole)


def described(groups: Mapping[str, Estimate]) -> str:
    """Returns the groups in words: each with its difference, its interval and where that lies."""
    return "; ".join(f"{name} {_sign(e)}, {e.estimate:.3f} [{e.low:.3f}, {e.high:.3f}]" for name, e in groups.items())


def _sign(estimate: Estimate) -> str:
    return "holds" if estimate.low > 0 else "fails" if estimate.high < 0 else "depends"
