"""The sync channel over an httpx transport or client; no thread of its own."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Optional, Union

from ron._values import Failure, Reply
from ron.transport._body import Body
from ron.transport._httpx_errors import failure_of
from ron.transport._httpx_request import Process, detach, forget, timeouts, too_late
from ron.transport._httpx_sync_stream import Answer, SyncHttpxStream
from ron.transport._mapping import bare
from ron.transport._site import closed_client, too_many_streams

if TYPE_CHECKING:
    from ron._values import Credential, Exchange
    from ron.transport._httpx_request import Guest
    from ron.transport._protocol import Endpoint

__all__ = ["SyncHttpxChannel"]


class _Books:
    """Who may talk, and which streams are open, in one process; what a parent's threads hold stays the parent's."""

    __slots__ = ("calls", "free_streams", "lock", "streams")

    def __init__(self, endpoint: Endpoint) -> None:
        self.calls = threading.BoundedSemaphore(endpoint.max_concurrency)
        self.free_streams = threading.BoundedSemaphore(endpoint.max_streams)
        self.streams: set[SyncHttpxStream] = set()
        self.lock = threading.Lock()

    def ended(self, stream: SyncHttpxStream) -> None:
        """A stream is closed, and its place free."""
        with self.lock:
            known = stream in self.streams
            self.streams.discard(stream)
        if known:
            self.free_streams.release()


class SyncHttpxChannel:
    """See ``SyncChannel``. The user's object is never closed here; streams that are open on it are.

    The deadline is looked at before every wait and after every chunk, and cuts httpx's own
    timeouts; a node that dribbles the head of its answer outlasts it, which is why
    ``capabilities.deadline`` is False.
    """

    def __init__(self, guest: Guest, endpoint: Endpoint, *, in_process: bool) -> None:
        self._guest = guest
        self._endpoint = endpoint
        self._in_process = in_process
        self._process = Process()
        self._closed = False
        self._books: dict[int, _Books] = {}

    def send(self, exchange: Exchange, credential: Optional[Credential]) -> Reply:
        """See ``SyncChannel.send``."""
        self._check()
        calls = self._here().calls
        remaining = self._remaining(exchange)
        if remaining <= 0 or not calls.acquire(timeout=remaining):
            raise too_late(sent=False)
        try:
            self._check()  # once more: it may have been closed while this call was in line
            outcome = self._exchange(exchange, credential)
        except BaseException as error:  # noqa: BLE001 - raised again, without its frames
            raise bare(error)  # noqa: B904 - it is the same one: an interrupt, whose frames hold the request
        finally:
            calls.release()
        if isinstance(outcome, Failure):
            raise outcome
        return outcome

    def stream(self, exchange: Exchange, credential: Optional[Credential]) -> SyncHttpxStream:
        """See ``SyncChannel.stream``. Raises ``RonConfigError`` beyond ``max_streams``."""
        self._check()
        books = self._here()
        if not books.free_streams.acquire(blocking=False):
            raise too_many_streams(self._endpoint.max_streams)
        try:
            outcome = self._open(exchange, credential, books)
        except BaseException as error:  # noqa: BLE001 - raised again, without its frames
            books.free_streams.release()
            raise bare(error)  # noqa: B904 - it is the same one: an interrupt, whose frames hold the request
        if isinstance(outcome, Failure):
            books.free_streams.release()
            raise outcome
        return outcome

    def close(self) -> None:
        """See ``SyncChannel.close``."""
        self._closed = True
        books = self._here()
        with books.lock:
            streams = tuple(books.streams)
        for stream in streams:
            stream.close()

    def _check(self) -> None:
        if self._closed:
            raise closed_client()
        self._guest.check_open()
        if not self._in_process:
            self._process.check()

    def _here(self) -> _Books:
        """This process's books."""
        pid = os.getpid()
        # `setdefault` is atomic: two threads that come first get the same.
        return self._books.get(pid) or self._books.setdefault(pid, _Books(self._endpoint))

    def _remaining(self, exchange: Exchange) -> float:
        return exchange.deadline - self._endpoint.clock.monotonic()

    def _exchange(self, exchange: Exchange, credential: Optional[Credential]) -> Union[Reply, Failure]:
        request: Any = None
        answer: Optional[Answer] = None
        reply: Optional[Reply] = None
        try:
            remaining = self._remaining(exchange)
            if remaining <= 0:
                return too_late(sent=False)
            limits = timeouts(self._endpoint, remaining)
            request = self._guest.request(self._endpoint, exchange, credential, limits)
            answer = Answer(self._head(request))
            limits["read"] = max(0.001, min(self._endpoint.read_timeout, self._remaining(exchange)))
            incoming = answer.read_as(self._guest, exchange)
            body = Body(incoming.framing, self._endpoint.max_response_bytes)
            for chunk in answer.chunks:
                if not body.feed(incoming.take(chunk)):
                    break
                if self._remaining(exchange) <= 0:
                    return too_late(sent=True)
            else:
                incoming.end()
            reply = Reply(answer.status, answer.headers, body.finish())
            return reply
        except Exception as error:  # noqa: BLE001 - a foreign transport may raise anything
            return failure_of(error, self._guest.library, reading=answer is not None)
        finally:
            if reply is None:
                forget(request)
            if answer is not None:
                answer.close()

    def _open(
        self, exchange: Exchange, credential: Optional[Credential], books: _Books
    ) -> Union[SyncHttpxStream, Failure]:
        request: Any = None
        answer: Optional[Answer] = None
        stream: Optional[SyncHttpxStream] = None
        try:
            remaining = self._remaining(exchange)
            if remaining <= 0:
                return too_late(sent=False)
            limits = timeouts(self._endpoint, remaining)
            request = self._guest.request(self._endpoint, exchange, credential, limits)
            answer = Answer(self._head(request))
            incoming = answer.read_as(self._guest, exchange)
            detach(answer.response)
            stream = SyncHttpxStream(answer, incoming, self._guest.library, limits, books.ended)
            with books.lock:
                books.streams.add(stream)
            return stream
        except Exception as error:  # noqa: BLE001 - a foreign transport may raise anything
            return failure_of(error, self._guest.library, reading=answer is not None)
        finally:
            if stream is None:
                forget(request)
                if answer is not None:
                    answer.close()

    def _head(self, request: Any) -> Any:
        if self._guest.is_client:
            return self._guest.obj.send(request, stream=True, auth=None, follow_redirects=False)
        return self._guest.obj.handle_request(request)
