"""How a command ends: one message and one exit code for whatever stops it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click

from optbench.errors import OptbenchError

INTERRUPTED = 130
TERMINATED = 143
FAILED_CELLS = 3


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived; whatever cleans up after Ctrl-C cleans up after this as well."""


class Commands(click.Group):
    """A group of commands that explains its failures without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command that ``ctx`` names and turns what stops it into an exit code."""
        try:
            with _sigterm():
                result = super().invoke(ctx)
                sys.stdout.flush()
                return result
        except OptbenchError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(error.exit_code)
        except Terminated:
            ctx.exit(TERMINATED)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            # The reader of stdout has gone, as in "| head": not an error. Python's own flush at exit must not complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            ctx.exit(0)


@contextmanager
def notes() -> Iterator[None]:
    """Shows on stderr what a run says to its caller, who may have set up loggers of another kind."""
    import logging

    class Echo(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            click.echo(f"note:    {record.getMessage()}", err=True)

    logger, echo = logging.getLogger("optbench"), Echo()
    logger.addHandler(echo)
    before, logger.propagate = logger.propagate, False
    try:
        yield
    finally:
        logger.removeHandler(echo)
        logger.propagate = before


@contextmanager
def _sigterm() -> Iterator[None]:
    """Makes SIGTERM raise ``Terminated`` inside the block."""

    def terminate(number: int, frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
