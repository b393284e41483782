"""What remains to be done with stdout when nobody reads it any more."""

from __future__ import annotations

import contextlib
import os
import sys

__all__ = ["abandon_stdout"]


def abandon_stdout() -> None:
    """Points stdout at nothing: Python flushes it once more at exit, and would complain of the closed pipe."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, sys.stdout.fileno())
        finally:
            os.close(nowhere)
