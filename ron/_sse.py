"""Server-sent events, from bytes to ``Event`` values. Nothing here may do I/O or look at a clock.

Source of every rule: WHATWG HTML, "Server-sent events", its sections "Parsing an event stream" and
"Interpreting an event stream". The decoder is a bounded push machine: bytes go in however the network cut them, whole
events come out. The work is linear in the bytes; the memory is bounded by the two limits, and the chunk at hand.

Lines are cut and values joined as bytes, and decoded once, at the end. The standard decodes first;
that is the same, because CR, LF, colon, space and NUL are never part of a longer UTF-8 sequence and
so a malformed one cannot reach across them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union

from ._json import read_json
from .errors import RonConfigError, RonParseError, RonResponseTooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Event", "SSEDecoder"]

MAX_LINE_BYTES = 1024 * 1024
MAX_EVENT_BYTES = 4 * 1024 * 1024

# The standard sets no bound. 18 digits always fit 64 bits and are 30 million years of milliseconds;
# more can only be a mistake, and int() refuses more than 4300.
MAX_RETRY_DIGITS = 18

_BOM = b"\xef\xbb\xbf"
_CR, _LF = 0x0D, 0x0A
_NAME_SHOWN = 80

# Makes an Event in half the time that its own __new__ takes.
_new: Callable[[type[Event], tuple[str, str, str, Optional[int]]], Event]
_new = tuple.__new__


class Event(NamedTuple):
    """One event of a stream (WHATWG "dispatch the event").

    Attributes:
        event: the event's type; ``"message"`` where the stream named none.
        data: its ``data`` lines, joined by LF.
        id: the last event id as of this event, perhaps from an earlier one; ``""`` where none came.
        retry: the last valid ``retry`` field of this event's own block, in milliseconds, else None.
    """

    event: str
    data: str
    id: str = ""
    retry: Optional[int] = None

    def json_data(self) -> Any:
        """The data as a JSON value.

        Raises:
            RonParseError: the data is not JSON (NaN, Infinity and 1e999 aren't either). The
                message names the event, never the data.
        """
        try:
            return read_json(self.data.encode())
        except ValueError:
            pass  # it quotes the data: raised outside, below, so that it is not chained
        name = self.event if len(self.event) <= _NAME_SHOWN else self.event[:_NAME_SHOWN] + "…"
        raise RonParseError(
            f"the data of a server-sent event of type {name!r} is not JSON: read event.data for the text as it came"
        )


class SSEDecoder:
    """Reads one event stream, chunk by chunk; a new connection needs a new decoder.

    There is nothing to call at the end of the stream: an event without its blank line is dropped,
    and its id with it.

    Attributes:
        last_event_id: the id to resume from, ``""`` at first. The blank line that ends a block commits it, also where
            the block had no data and was no event. It is never ahead of what :meth:`feed` has returned.
        retry_ms: the reconnection time the server asked for, in milliseconds, None at first. It
            holds from its line on. Values of more than 18 digits are ignored.
        comments: how many comment lines came; most servers send them as heartbeats.

    Args:
        max_line_bytes: the longest line accepted, without its line end and the BOM.
        max_event_bytes: the most ``data`` accepted for one event, in bytes as sent, counting the
            LFs that join its lines.

    Raises:
        RonConfigError: a limit is below 1.
    """

    __slots__ = (
        "_after_cr",
        "_data",
        "_event",
        "_failure",
        "_head",
        "_id",
        "_max_event",
        "_max_line",
        "_retry",
        "_tail",
        "comments",
        "last_event_id",
        "retry_ms",
    )

    def __init__(self, *, max_line_bytes: int = MAX_LINE_BYTES, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        limits = {"max_line_bytes": max_line_bytes, "max_event_bytes": max_event_bytes}
        for name, limit in limits.items():
            if limit < 1:
                raise RonConfigError(f"{name}={limit!r} is too small: give 1 byte or more")
        self.last_event_id = ""
        self.retry_ms: Optional[int] = None
        self.comments = 0
        self._max_line = max_line_bytes
        self._max_event = max_event_bytes
        self._failure: Optional[str] = None
        # What may be the beginning of a BOM; None once that is decided.
        self._head: Optional[bytes] = b""
        # Whether the last byte was a CR: a LF right after it belongs to it.
        self._after_cr = False
        # The line that has not ended yet; appending to a bytearray is amortised O(1) per byte.
        self._tail = bytearray()
        # The standard's buffers; None for data is "no data field", which is not "empty data".
        self._data: Optional[Union[bytes, bytearray]] = None
        self._event = b""
        self._id = ""
        self._retry: Optional[int] = None

    def feed(self, data: bytes) -> list[Event]:
        """Takes the next bytes of the stream; returns the events that they complete, in order.

        Raises:
            RonResponseTooLargeError: a line or an event is over its limit, ended or not. Events
                that the same chunk completed are not returned and don't move ``last_event_id``.
                The decoder is dead from then on: feeding it again raises the same.
        """
        if self._failure is not None:
            raise RonResponseTooLargeError(self._failure)
        if self._head is not None:
            data = self._without_bom(self._head + data)
        if not data:
            return []
        if self._after_cr and data[0] == _LF:
            data = data[1:]
            self._after_cr = False
            if not data:
                return []
        lines = self._split(data)
        if lines:
            return self._interpret(lines)
        self._check_unended(self._data)
        return []

    def _without_bom(self, head: bytes) -> bytes:
        """One BOM at the very start is no part of the stream ("UTF-8 decode"); it may be split."""
        if len(head) < len(_BOM) and _BOM.startswith(head):
            self._head = head
            return b""
        self._head = None
        return head[len(_BOM) :] if head.startswith(_BOM) else head

    def _split(self, data: bytes) -> list[bytes]:
        """The lines that these bytes (at least one) end; what is left over waits in ``_tail``."""
        tail = self._tail
        size = len(tail) + len(data)
        lines = data.splitlines()  # of bytes: CRLF, CR and LF, nothing else
        last = data[-1]
        self._after_cr = last == _CR
        rest = b"" if last in (_LF, _CR) else lines.pop()
        if lines and tail:
            lines[0] = b"".join((tail, lines[0]))
            tail.clear()
        tail += rest
        if size > self._max_line:  # else no line can be too long, and none need be looked at
            longest = max(map(len, lines), default=0)
            if max(longest, len(tail)) > self._max_line:
                raise self._fail(f"a line of the stream is over max_line_bytes={self._max_line}")
        return lines

    def _interpret(self, lines: list[bytes]) -> list[Event]:
        """Processes whole lines, as "Interpreting an event stream" says.

        State is kept in locals and written back at the end: for speed, and so that a chunk counts
        as a whole or, over a limit, not at all.
        """
        events: list[Event] = []
        data, event, id_, retry = self._data, self._event, self._id, self._retry
        committed, retry_ms, comments = self.last_event_id, self.retry_ms, self.comments
        limit = self._max_event
        for line in lines:
            if not line:
                committed = id_  # even where there is no data and thus no event
                if data is not None:
                    text = data.decode("utf-8", "replace")
                    kind = event.decode("utf-8", "replace") if event else "message"
                    events.append(_new(Event, (kind, text, committed, retry)))
                    data = None
                event, retry = b"", None
                continue
            if line[:6] == b"data: ":  # what most lines of a real stream begin with
                name, value = b"data", line[6:]
            else:
                name, _, value = line.partition(b":")
                if value[:1] == b" ":  # one space, not all of them
                    value = value[1:]
            if name == b"data":
                data = value if data is None else _joined(data, value)
                if len(data) > limit:
                    raise self._over_event()
            elif name == b"id":
                text = value.decode("utf-8", "replace")
                id_ = id_ if "\0" in text else text
            elif name == b"event":
                event = value
            elif not name:
                comments += 1
            elif name == b"retry":
                milliseconds = _retry(value)
                if milliseconds is not None:
                    retry = retry_ms = milliseconds
        self._check_unended(data)
        self._data, self._event, self._id, self._retry = data, event, id_, retry
        self.last_event_id, self.retry_ms, self.comments = committed, retry_ms, comments
        return events

    def _check_unended(self, data: Optional[Union[bytes, bytearray]]) -> None:
        """Refuses a data line that has not ended yet and is already too much for its event."""
        tail = self._tail
        before = 0 if data is None else len(data) + 1
        if before + len(tail) <= self._max_event or not tail.startswith(b"data:"):
            return
        value = len(tail) - len(b"data:") - tail.startswith(b" ", len(b"data:"))
        if before + value > self._max_event:
            raise self._over_event()

    def _over_event(self) -> RonResponseTooLargeError:
        return self._fail(f"the data of one event is over max_event_bytes={self._max_event}")

    def _fail(self, what: str) -> RonResponseTooLargeError:
        """Makes the decoder refuse everything from now on, and lets go of what it held."""
        self._failure = f"{what}: raise that limit, or have the server send less in one piece"
        self._tail = bytearray()
        self._data = None
        return RonResponseTooLargeError(self._failure)


def _joined(data: Union[bytes, bytearray], value: bytes) -> bytearray:
    """The data buffer with one more value: the standard's LF after each, less the last one.

    A bytearray from the second line on: a list of many tiny values would take many times the limit.
    """
    if not isinstance(data, bytearray):
        data = bytearray(data)
    data += b"\n"
    data += value
    return data


def _retry(value: bytes) -> Optional[int]:
    """A ``retry`` value in milliseconds; None for what is not ASCII digits only, or is absurd."""
    if not value.isdigit():  # of bytes: ASCII digits, at least one
        return None
    digits = value.lstrip(b"0")
    return int(digits or b"0") if len(digits) <= MAX_RETRY_DIGITS else None
