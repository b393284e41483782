"""What a flow may ask for: plain values, each answered by a driver (``ron._drive``). Nothing here may do I/O.

A transport's ``Failure`` and whatever ``RonError`` a driver meets are thrown into the flow instead of an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Optional, Union

if TYPE_CHECKING:
    from ._values import Credential, Exchange

__all__ = [
    "NOW",
    "WALL",
    "Ahead",
    "Close",
    "Effect",
    "Emit",
    "Hook",
    "Invoke",
    "Join",
    "NeedToken",
    "Now",
    "Read",
    "Send",
    "Sleep",
]


class Send(NamedTuple):
    """Effect: wait ``wait`` seconds, then send. Answer: a ``Reply``, or with ``stream`` an open reply stream (2xx)."""

    exchange: Exchange
    credential: Optional[Credential]
    wait: float
    stream: bool


class NeedToken(NamedTuple):
    """Effect: ask the provider for a credential, not ``stale``, by ``deadline``. Answer: a ``Credential``."""

    stale: Optional[Credential]
    deadline: float


class Now(NamedTuple):
    """Effect: what time is it? Answer: seconds, monotonic, or since the epoch if ``wall``."""

    wall: bool


class Hook(NamedTuple):
    """Effect: call ``middleware.<name>(*arguments)``. Answer: what it returned."""

    middleware: Any
    name: str
    arguments: tuple[Any, ...]


class Invoke(NamedTuple):
    """Effect: call the caller's own ``function(*arguments)``. Answer: what it returned, awaited by an async client."""

    function: Any
    arguments: tuple[Any, ...]


class Read(NamedTuple):
    """Effect: the next bytes of an open stream; ``Failure`` after ``timeout`` seconds without any. Answer: bytes."""

    stream: Any
    timeout: Optional[float]


class Close(NamedTuple):
    """Effect: close an open reply stream. Answer: None."""

    stream: Any


class Sleep(NamedTuple):
    """Effect: wait so many seconds. Answer: None."""

    seconds: float


class Emit(NamedTuple):
    """Effect of flows that give many results: hand this one to the consumer, come back when the next is asked for."""

    item: Any


class Ahead(NamedTuple):
    """Effect of flows that give many results, async only: begin this flow, to go on beside the consumer's work.
    Answer: what ``Join`` takes. Closing the iteration cancels it.
    """

    flow: Any


class Join(NamedTuple):
    """Effect: wait for a flow that was begun. Answer: its result; None if it was cancelled, or ran out of time while
    the consumer was at work: then ask again. Its other errors are thrown.
    """

    begun: Any


NOW: Final = Now(wall=False)
WALL: Final = Now(wall=True)

Effect = Union[Send, NeedToken, Now, Hook, Invoke, Read, Close, Sleep, Emit, Ahead, Join]
