"""Where an answer ends on the wire (RFC 9112 §6), and whether a byte came after it. Nothing here may do I/O.

A byte behind the end of an answer would become the beginning of the next request's answer. So a connection is kept only
when the meter can *prove* that what was read ends exactly where the answer does; wherever it cannot tell, the answer is
still good but the connection is not used again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Optional

from ron._values import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Framing", "Meter", "read_framing", "turns_down"]

#: Bytes before the answer's own head is read, interim answers (1xx) included; the parser bounds each head at 100 KiB.
MAX_HEAD = 256 * 1024
#: what ends a head for the parser, which takes LF for CRLF; what this walks is CRLF only
_BLANK_LINE = re.compile(rb"\n\r?\n")
#: what the parser takes, and no more: int() would take a sign, too, and go back and forth over the same bytes
_LENGTH = re.compile(rb"[0-9]{1,20}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,20})[ \t]*(?:;.*)?")
_FRAMING_FIELDS = frozenset({b"content-length", b"transfer-encoding", b"content-encoding"})


class Framing(NamedTuple):
    """What the head of an answer says about its body.

    ``length`` is in bytes on the wire, None if the head gives none; an answer that has no body by definition has length
    0. ``coding`` is the content coding, lower case, ``b""`` for none. ``clear`` is False where two fields contradict
    each other.
    """

    length: Optional[int]
    chunked: bool
    coding: bytes
    clear: bool


def read_framing(method: str, status: int, headers: Sequence[tuple[bytes, bytes]]) -> Framing:
    """Reads the framing fields of a final answer's head."""
    lengths: list[bytes] = []
    transfer: list[bytes] = []
    codings: list[bytes] = []
    for name, value in headers:
        lower = name.lower()
        if lower in _FRAMING_FIELDS:
            if lower == b"content-length":
                lengths.append(value.strip())
            elif lower == b"transfer-encoding":
                transfer.append(value.strip().lower())
            else:
                codings += [each.strip() for each in value.lower().split(b",")]
    if method == "HEAD" or status in (204, 304):
        # RFC 9112 §6.3: these have no body, whatever their fields say about the one that they do not have.
        return Framing(0, False, b"", True)
    coding = b", ".join(each for each in codings if each not in (b"", b"identity"))
    length = int(lengths[0]) if lengths and _LENGTH.fullmatch(lengths[0]) else None
    clear = (
        len(set(lengths)) <= 1
        and (length is not None or not lengths)
        and not (lengths and transfer)
        and transfer in ([], [b"chunked"])
    )
    # RFC 9112 §6.3: Transfer-Encoding overrides Content-Length.
    return Framing(None if transfer else length, transfer == [b"chunked"], coding, clear)


def turns_down(data: bytes) -> bool:
    """Whether an answer that begins so refuses a request body that is still being written (RFC 9112 §9.5)."""
    return data.startswith(b"HTTP/1.") and data[9:10] in (b"3", b"4", b"5")


class Meter:
    """Counts one answer's bytes as they are handed to the HTTP parser.

    ``feed`` every byte, in order; tell ``frame`` when the head has been read. Then ``ended`` says whether exactly one
    whole answer has been fed.
    """

    __slots__ = ("_framing", "_head", "_left", "_line", "_trailers", "ended")

    def __init__(self) -> None:
        self.ended = False
        self._framing: Optional[Framing] = None
        self._head = b""
        self._left = 0
        self._line = b""
        self._trailers = False

    def feed(self, data: bytes) -> None:
        """Takes the next bytes of the answer. Raises ``Failure`` ("too_large") when its head comes to no end."""
        if self._framing is None:
            self._head = self._head + data if self._head else data
            if len(self._head) > MAX_HEAD:
                text = f"the head of the answer, interim answers included, is larger than {MAX_HEAD // 1024} KiB"
                raise Failure("too_large", text, sent=True, permanent=True)
        else:
            self._body(data, 0)

    def frame(self, framing: Framing) -> None:
        """Says how the answer is framed; its head is within what was fed.

        Raises ``Failure`` ("protocol") for a version whose framing is not HTTP/1's; the parser takes any digits.
        """
        head, self._head = self._head, b""
        if head and not head.startswith(b"HTTP/1."):
            raise Failure("protocol", "the answer is not HTTP/1.1", sent=True)
        blank = _BLANK_LINE.search(head)
        end = 0 if blank is None else blank.end()
        if not head.endswith(b"\r\n\r\n", 0, end) or head.startswith(b"HTTP/1.1 1") or not framing.clear:
            # An interim answer (1xx) stands before the final one, or lines end in LF only: nobody walks that.
            framing = Framing(None, False, b"", False)
        self._framing = framing
        if framing.length is not None:
            self._left = framing.length
        self._body(head, end)

    def _body(self, data: bytes, at: int) -> None:
        framing = self._framing
        if framing is None or not framing.clear:
            return
        if framing.length is not None:
            self._left -= len(data) - at
            self.ended = self._left == 0
        elif framing.chunked:
            if self.ended:
                self._finish(at == len(data))
            else:
                self._walk(self._line + data[at:] if self._line else data, 0 if self._line else at)

    def _walk(self, data: bytes, at: int) -> None:
        """Goes over chunks (RFC 9112 §7.1) from a place where a line begins or chunk data goes on."""
        self._line = b""
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                continue
            end = data.find(b"\r\n", at)
            if end < 0:
                self._line = data[at:]
                return
            line, at = data[at:end], end + 2
            if b"\n" in line:
                self._finish(False)  # the parser may have seen the end of the trailers in there
                return
            if self._trailers:
                if not line:
                    self._finish(at == len(data))
                    return
                continue
            match = _CHUNK.fullmatch(line)
            if match is None:
                self._finish(False)
                return
            size = int(match.group(1), 16)
            self._trailers = size == 0
            self._left = size + 2 if size else 0

    def _finish(self, clean: bool) -> None:
        self.ended = clean
        if not clean:
            self._framing = Framing(None, False, b"", False)
