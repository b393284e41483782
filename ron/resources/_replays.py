"""Which events a watch has delivered already. Nothing here may do I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._sse import Event

__all__ = ["REMEMBERED", "Replays"]

#: so many ids are remembered; a node that goes on further back than that repeats what was delivered
REMEMBERED = 1024


class Replays:
    """Tells replayed events by their ids, also where several events in a row have one id.

    An event without an ``id`` field has the id of the one before (WHATWG HTML §9.2.6), so of an id that comes again as
    many events are replays as were delivered under it.
    """

    __slots__ = ("_delivered", "_id", "_number")

    def __init__(self) -> None:
        self._delivered: dict[str, int] = {}
        self._id = ""
        self._number = 0

    def reconnected(self) -> None:
        """A stream begins that goes on after a known id."""
        self._id = ""

    def clear(self) -> None:
        """A stream begins that goes on after no id: its ids may mean something else."""
        self._delivered.clear()
        self._id = ""

    def fresh(self, events: Sequence[Event]) -> list[Event]:
        """Those of these events that were not delivered before; from now on they were. Ones without an id always."""
        delivered = self._delivered
        found: list[Event] = []
        for event in events:
            event_id = event.id
            if event_id and event_id not in delivered:  # nearly always
                self._id, self._number = event_id, 1
                delivered[event_id] = 1
            elif event_id and not self._is_new(event_id):
                continue
            found.append(event)
        while len(delivered) > REMEMBERED:
            del delivered[next(iter(delivered))]
        return found

    def _is_new(self, event_id: str) -> bool:
        if event_id == self._id:
            self._number += 1
        else:
            self._id, self._number = event_id, 1
        if self._number <= self._delivered[event_id]:
            return False
        self._delivered[event_id] = self._number
        return True
