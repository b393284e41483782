"""What goes wrong on purpose: one fault for one request, in the order in which they were asked for."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple, Optional, Union

from .._suggest import shown
from .._values import Failure
from ..errors import RonInputError

__all__ = ["Fail", "Faults", "Lose", "Refuse", "lost", "refused", "unanswered"]


class Fail(NamedTuple):
    """Answer with an error."""

    status: int
    code: Optional[str]
    retry_after_ms: Optional[int]


class Lose(NamedTuple):
    """Carry the request out, and lose the answer."""


class Refuse(NamedTuple):
    """Refuse the connection: not a byte is sent."""


Fault = Union[Fail, Lose, Refuse]


class Faults:
    """The faults to come."""

    def __init__(self) -> None:
        self._planned: deque[Fault] = deque()

    def plan(self, fault: Fault, times: int) -> None:
        """Keeps a fault for the next ``times`` requests behind those that have one already."""
        if not isinstance(times, int) or isinstance(times, bool) or times < 1:
            raise RonInputError(f"times must be a whole number of at least 1, not {shown(times)}")
        self._planned.extend([fault] * times)

    def take(self) -> Optional[Fault]:
        """The fault of the request at hand."""
        return self._planned.popleft() if self._planned else None


def checked_fail(status: int, code: Optional[str], retry_after_ms: Optional[int]) -> Fail:
    """Raises ``RonInputError`` for a status that is no error."""
    if not isinstance(status, int) or isinstance(status, bool) or not 400 <= status <= 599:
        raise RonInputError(f"fail(status=...) is an error's status, 400 to 599, not {shown(status)}")
    return Fail(status, code, retry_after_ms)


def lost() -> Failure:
    """How a transport says that the answer to a request that was sent did not come."""
    return Failure("read", "the connection was lost before the answer came", sent=True)


def refused() -> Failure:
    """How a transport says that it could not connect."""
    return Failure("connect", "the connection was refused", sent=False)


def unanswered() -> Failure:
    """How a transport says that no answer has begun before the deadline."""
    return Failure("timeout", "no answer began before the deadline", sent=True, timed_out=True)
