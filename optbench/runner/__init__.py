"""Executes a suite: plan, programs, rows into the store; resumes what was stopped."""

from __future__ import annotations

from optbench.runner.running import run

__all__ = ["run"]
