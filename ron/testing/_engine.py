"""What happens to a request that reaches a memory node, from the door to the answer.

One lock guards it all, and every request is carried out in one piece: clients of both colours,
event loops and threads may ask at once. Nothing here waits.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Optional, Union

from .._values import Reply
from . import _faults
from ._answers import Refused, empty, mirrored, problem
from ._collection import Call
from ._door import Door
from ._idempotency import Remembered
from ._received import Received, received
from ._routes import Match, Routes
from ._service import service_reply
from ._store import Store
from ._streams import Feed

if TYPE_CHECKING:
    from pydantic import SecretStr

    from .._values import Credential, Exchange
    from ._collection import Collection, Opening

__all__ = ["Engine"]

_STREAM_HEAD = (
    (b"Content-Type", b"text/event-stream"),
    (b"Cache-Control", b"no-store"),
)


class Engine:
    """A node's state; ``lock`` guards every use of it."""

    def __init__(self, token: Optional[SecretStr]) -> None:
        self.lock = threading.RLock()
        self.store = Store(self._changed)
        self.collections: dict[type[Any], Collection] = {}
        self.faults = _faults.Faults()
        self.requests: list[Received] = []
        self.feeds: set[Feed] = set()
        self.finishing = False
        self.buffering = False
        #: cursors up to this one are too old
        self.expired = -1
        #: after how many events the next stream is cut
        self.next_cut: Optional[int] = None
        self._routes = Routes()
        self._door = Door(token)
        self._remembered = Remembered()

    def mount(self, collection: Collection) -> None:
        """Serves a resource."""
        self.collections[collection.description.cls] = collection
        self._routes.mount(collection)

    def handle(
        self, exchange: Exchange, credential: Optional[Credential]
    ) -> Union[Reply, tuple[Feed, tuple[tuple[bytes, bytes], ...]]]:
        """Carries a request out: its answer, or the feed and head of the stream that it opens.

        Raises ``Failure`` where a fault says so.
        """
        with self.lock:
            fault = self.faults.take()
            if isinstance(fault, _faults.Refuse):
                raise _faults.refused()
            request = received(exchange, credential)
            self.requests.append(request)
            answer: Union[Reply, Feed]
            if isinstance(fault, _faults.Fail):
                text = "the node was told to fail"
                answer = problem(fault.status, text, fault.code, fault.retry_after_ms)
            else:
                answer = self._answer(exchange, request, credential)
            if isinstance(fault, _faults.Lose):
                if isinstance(answer, Feed):
                    answer.leave()
                raise _faults.lost()
            if isinstance(answer, Reply):
                return mirrored(answer, request)
            return answer, tuple(mirrored(Reply(200, _STREAM_HEAD, b""), request).headers)

    def _answer(self, exchange: Exchange, request: Received, credential: Optional[Credential]) -> Union[Reply, Feed]:
        refusal = self._door.refusal(exchange, request, credential)
        if refusal is not None:
            return refusal
        descriptions = [one.description for one in self.collections.values()]
        own = service_reply(request, descriptions, len(self.requests))
        if own is not None:
            return own
        try:
            match = self._routes.find(request.path)
            if match is None:
                return empty(404)
            return self._carry_out(match, request)
        except Refused as refused:
            return refused.reply

    def _carry_out(self, match: Match, request: Received) -> Union[Reply, Feed]:
        handler = match.methods.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            allowed = [*match.methods, *(["HEAD"] if "GET" in match.methods else [])]
            return empty(405, (b"Allow", ", ".join(sorted(allowed)).encode("ascii")))
        description = match.collection.description
        service = description.facet.__facet__.id if description.facet else description.path
        if description.idempotent:
            known = self._remembered.recall(service, request)
            if known is not None:
                return known
        answer = handler(Call(request, match.place, match.key))
        if not isinstance(answer, Reply):
            return self._opened(answer)
        if description.idempotent:
            self._remembered.keep(service, request, answer)
        return answer

    def _opened(self, opening: Opening) -> Union[Reply, Feed]:
        """The feed of a stream; 410 for a cursor that this log never gave, or doesn't keep any more."""
        if self.buffering:
            raise _faults.unanswered()
        last, cursor = self.store.last, opening.cursor
        if cursor is not None:
            known = cursor.isascii() and cursor.isdigit() and len(cursor) < 19
            if not known or not self.expired < int(cursor) <= last:
                text = "the cursor is older than what is kept, or none of this node"
                return problem(410, text, "cursor_expired")
        after = last if cursor is None else int(cursor)
        feed = Feed(opening, after, self.store, self.lock, self.feeds.discard)
        if self.next_cut is not None:
            feed.cut(self.next_cut)
            self.next_cut = None
        if self.finishing:
            if not feed.outstanding():
                return empty(204)
            feed.end()
        self.feeds.add(feed)
        return feed

    def _changed(self) -> None:
        for feed in tuple(self.feeds):
            feed.wake()
