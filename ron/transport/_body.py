"""The body of an answer within bounds: identity, or one layer of gzip. Nothing here may do I/O.

Sizes are checked before memory is spent: by Content-Length before the first byte, while reading, and while inflating,
which goes in steps of at most ``STEP`` bytes whatever the ratio (RFC 1952 has members that grow a thousandfold).
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Optional, Union

from ron._values import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ron.transport._framing import Framing

__all__ = ["STEP", "Body", "Gunzip", "gunzip_for"]

#: Bytes that one step of inflating may make.
STEP = 64 * 1024

# RFC 9110 §8.4.1.3: x-gzip is to be taken for gzip.
_GZIP = (b"gzip", b"x-gzip")


class Gunzip:
    """Decodes exactly one gzip member, in bounded steps; with ``empty``, or no bytes at all."""

    __slots__ = ("_empty", "_inflater")

    def __init__(self, *, empty: bool = False) -> None:
        self._inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        self._empty = empty

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What these bytes decode to, at most ``STEP`` bytes at a time. Exhaust it before feeding more.

        Raises ``Failure`` ("encoding") on data that is not gzip, and on bytes behind the member's end.
        """
        inflater = self._inflater
        full = False
        self._empty = self._empty and not data
        # A full step may have left output behind although it took all the input.
        while data or full:
            if inflater.eof:
                if data:
                    raise Failure("encoding", "bytes follow the end of the gzip data", sent=True)
                return
            try:
                piece = inflater.decompress(data, STEP)
            except zlib.error:
                raise Failure("encoding", "the gzip data is damaged", sent=True) from None
            data = inflater.unconsumed_tail or inflater.unused_data
            full = len(piece) == STEP
            if piece:
                yield piece

    def finish(self) -> None:
        """Says that there is no more. Raises ``Failure`` ("truncated") if the member has not ended."""
        if not (self._inflater.eof or self._empty):
            raise Failure("truncated", "the gzip data ends too early", sent=True)


def gunzip_for(framing: Framing) -> Optional[Gunzip]:
    """The decoder that an answer needs, None for none. Raises ``Failure`` ("encoding") on a coding not known here."""
    if not framing.coding or framing.length == 0:
        return None
    if framing.coding not in _GZIP:
        raise Failure(
            "encoding",
            "the content coding of the answer is neither identity nor a single gzip",
            sent=True,
            permanent=True,
        )
    # Where chunks end, a body without a byte is whole, as one of length 0 is: some nodes call theirs gzip.
    return Gunzip(empty=framing.chunked)


class Body:
    """Collects one answer's body up to ``limit`` bytes.

    Raises ``Failure`` ("too_large", permanent) at once when Content-Length passes the limit, ("encoding") when the
    content coding is not known.
    """

    __slots__ = ("_data", "_gunzip", "_limit", "_read", "failure")

    def __init__(self, framing: Framing, limit: int) -> None:
        self._limit = limit
        # A bytearray from the second piece on: a list of many tiny pieces would take many times the limit.
        self._data: Union[bytes, bytearray] = b""
        self._read = 0
        self._gunzip = gunzip_for(framing)
        self.failure: Optional[Failure] = None
        if framing.length is not None and framing.length > limit:
            raise self._too_large()

    def feed(self, chunk: bytes) -> bool:
        """Takes bytes as they came; False when the body is refused (``failure`` says why) and no more is wanted."""
        if self.failure is None:
            try:
                self._take(chunk)
            except Failure as failure:
                self.failure = failure
        return self.failure is None

    def finish(self) -> bytes:
        """The whole body. Raises ``Failure`` if it was refused, or if its gzip data ends too early."""
        if self.failure is not None:
            raise self.failure
        if self._gunzip is not None:
            self._gunzip.finish()
        return bytes(self._data)

    def _take(self, chunk: bytes) -> None:
        self._read += len(chunk)
        if self._read > self._limit:
            raise self._too_large()
        pieces: Iterable[bytes] = (chunk,) if self._gunzip is None else self._gunzip.feed(chunk)
        for piece in pieces:
            if len(self._data) + len(piece) > self._limit:
                raise self._too_large()
            if not self._data:
                self._data = piece
            elif isinstance(self._data, bytes):
                self._data = bytearray(self._data) + piece
            else:
                self._data += piece

    def _too_large(self) -> Failure:
        self._data = b""
        text = f"the answer is larger than max_response_bytes={self._limit}"
        return Failure("too_large", text, sent=True, permanent=True)
