"""Which events a watch has delivered already. Nothing here may do I/O."""

from __future__ import annotations

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

    def is_new(self, event_id: str) -> bool:
        """Whether the event with that id was not delivered before; from now on it was."""
        if event_id == self._id:
            self._number += 1
        else:
            self._id, self._number = event_id, 1
        delivered = self._delivered
        if self._number <= delivered.get(event_id, 0):
            return False
        delivered[event_id] = self._number
        if len(delivered) > REMEMBERED:
            del delivered[next(iter(delivered))]
        return True
