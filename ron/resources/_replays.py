"""Which events a watch has delivered already. Nothing here may do I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._events import MAX_CURSOR
from ._changes import CHANGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._sse import Event

__all__ = ["REMEMBERED", "Replays"]

#: so many ids are remembered; a node that goes on further back than that repeats what was delivered
REMEMBERED = 1024


class Replays:
    """Tells replayed events by their ids and contents, also where several events in a row have one id.

    An event without an ``id`` field has the id of the one before (WHATWG HTML §9.2.6), so of an id that comes again as
    many events are replays as were delivered under it, in that order. A node that has begun its ids anew sends known
    ids with other contents: these are no replays.

    Only what a stream begins with is told so. Behind a change that is not known, perhaps because the node goes back
    further than is remembered, everything is delivered, known or not: else an old state would have the last word.
    """

    __slots__ = ("_delivered", "_id", "_number", "_over")

    def __init__(self) -> None:
        self._delivered: dict[str, list[int]] = {}
        self._id = ""
        self._number = 0
        self._over = False

    def reconnected(self) -> None:
        """A stream begins."""
        self._id = ""
        self._over = False

    def clear(self) -> None:
        """The next stream goes on after no id: its ids may mean something else."""
        self._delivered.clear()
        self._id = ""

    def fresh(self, events: Sequence[Event]) -> list[Event]:
        """Those of these events that must be delivered, if perhaps once more; from now on they were."""
        delivered = self._delivered
        found: list[Event] = []
        for event in events:
            event_id = event.id if len(event.id) <= MAX_CURSOR else ""  # no stream goes on after a longer one
            if event_id and event_id not in delivered:  # nearly always
                self._id, self._number = event_id, 1
                delivered[event_id] = [hash(event[:2])]
            elif event_id and not self._is_new(event_id, hash(event[:2])) and not self._over:
                continue
            if not self._over:
                self._over = event.event in CHANGES
            found.append(event)
        while len(delivered) > REMEMBERED:
            del delivered[next(iter(delivered))]
        return found

    def _is_new(self, event_id: str, content: int) -> bool:
        self._number = self._number + 1 if event_id == self._id else 1
        self._id = event_id
        before = self._delivered[event_id]
        place = self._number - 1
        if place < len(before) and before[place] == content:
            return False
        if place < REMEMBERED:  # of a node that gives all events one id
            before[place:] = [content]
        return True
