"""What remains to be done with stdout when nobody reads it any more."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import Any

__all__ = ["abandon_stdout", "write_bytes", "write_whole"]


def abandon_stdout() -> None:
    """Points stdout at nothing: Python flushes it once more at exit, and would complain of the closed pipe."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, sys.stdout.fileno())
        finally:
            os.close(nowhere)


def write_whole(text: str) -> None:
    """Text to stdout, all of it or an error.

    Where stdout is unbuffered (``PYTHONUNBUFFERED``), Python's ``write`` drops what the system did not take at once.
    """
    raw = getattr(sys.stdout, "buffer", None)
    if not isinstance(raw, io.RawIOBase):
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    write_bytes(raw, text.replace("\n", os.linesep).encode(sys.stdout.encoding, sys.stdout.errors or "strict"))


def write_bytes(file: Any, data: bytes) -> None:
    """All bytes to a file; a raw one may take them piece by piece.

    Raises:
        OSError: of the system, or where it takes no more.
    """
    left = memoryview(data)
    while left:
        taken = file.write(left)
        if not taken:
            raise BlockingIOError(errno.EAGAIN, "it takes no more")
        left = left[taken:]
