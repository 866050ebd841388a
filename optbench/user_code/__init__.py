"""The code of a user's own modules: which modules it is, and the sums by which a run knows it. Imports no JAX."""

from __future__ import annotations

from optbench.user_code.sums import Sums, remember, sums

__all__ = ["Sums", "remember", "sums"]
