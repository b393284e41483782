"""What an httpx response carries, counted against its head. Nothing here may do I/O.

The bytes are taken raw, and decoded by ``_body`` as the default transport's are: within bounds, one
layer of gzip.
"""

from __future__ import annotations

from typing import Any, Optional

from ron._values import Failure
from ron.transport._framing import read_framing

__all__ = ["Incoming"]

_BODILESS = frozenset({204, 304})


class Incoming:
    """Counts a response's raw bytes; a transport without a wire, such as a mock, has nobody else
    who does.

    ``whole`` is set when the bytes are there already and can't be asked for again: the answer is a
    mock's, or an event hook has read it. Of the last, httpx keeps only the decoded content; it is
    taken as it is.
    """

    __slots__ = ("_bodiless", "_raw", "framing", "whole")

    def __init__(self, method: str, response: Any, library: Any) -> None:
        self.framing = read_framing(method, response.status_code, response.headers.raw)
        self.whole: Optional[bytes] = None
        self._raw = 0
        # Still read to its end, which is where httpx gives the connection back.
        self._bodiless = method == "HEAD" or response.status_code in _BODILESS
        if response.is_stream_consumed:
            if isinstance(response.stream, library.ByteStream):
                self.whole = b"".join(response.stream)
            else:
                self.whole = response.content
                self.framing = self.framing._replace(length=None, coding=b"")

    def take(self, chunk: bytes) -> bytes:
        """The part of the next raw bytes that is body. Raises ``Failure`` on too many."""
        if self._bodiless:
            return b""
        self._raw += len(chunk)
        if self.framing.length is not None and self._raw > self.framing.length:
            raise Failure("protocol", "the answer is longer than its Content-Length", sent=True)
        return chunk

    def end(self) -> None:
        """Says that no more will come. Raises ``Failure`` if more was announced."""
        if self.framing.length is not None and self._raw < self.framing.length:
            raise Failure("truncated", "the answer is shorter than its Content-Length", sent=True)
