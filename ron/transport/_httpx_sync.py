"""The sync channel over an httpx transport or client; no thread of its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Optional, Union

from ron._values import Failure, Reply
from ron.transport._body import Body
from ron.transport._httpx_errors import failure_of
from ron.transport._httpx_request import Process, detach, forget, timeouts, too_late
from ron.transport._httpx_sync_stream import Answer, SyncHttpxStream
from ron.transport._site import closed_client, too_many_streams

if TYPE_CHECKING:
    from ron._values import Credential, Exchange
    from ron.transport._httpx_request import Guest
    from ron.transport._protocol import Endpoint

__all__ = ["SyncHttpxChannel"]


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
        self._calls = threading.BoundedSemaphore(endpoint.max_concurrency)
        self._free_streams = threading.BoundedSemaphore(endpoint.max_streams)
        self._streams: set[SyncHttpxStream] = set()
        self._lock = threading.Lock()

    def send(self, exchange: Exchange, credential: Optional[Credential]) -> Reply:
        """See ``SyncChannel.send``."""
        self._check()
        remaining = self._remaining(exchange)
        if remaining <= 0 or not self._calls.acquire(timeout=remaining):
            raise too_late(sent=False)
        try:
            outcome = self._exchange(exchange, credential)
        finally:
            self._calls.release()
        if isinstance(outcome, Failure):
            raise outcome
        return outcome

    def stream(self, exchange: Exchange, credential: Optional[Credential]) -> SyncHttpxStream:
        """See ``SyncChannel.stream``. Raises ``RonConfigError`` beyond ``max_streams``."""
        self._check()
        if not self._free_streams.acquire(blocking=False):
            raise too_many_streams(self._endpoint.max_streams)
        try:
            outcome = self._open(exchange, credential)
        except BaseException:
            self._free_streams.release()
            raise
        if isinstance(outcome, Failure):
            self._free_streams.release()
            raise outcome
        return outcome

    def close(self) -> None:
        """See ``SyncChannel.close``."""
        self._closed = True
        with self._lock:
            streams = tuple(self._streams)
        for stream in streams:
            stream.close()

    def _check(self) -> None:
        if self._closed:
            raise closed_client()
        self._guest.check_open()
        if not self._in_process:
            self._process.check()

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

    def _open(self, exchange: Exchange, credential: Optional[Credential]) -> Union[SyncHttpxStream, Failure]:
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
            stream = SyncHttpxStream(answer, incoming, self._guest.library, limits, self._ended)
            with self._lock:
                self._streams.add(stream)
            return stream
        except Exception as error:  # noqa: BLE001 - a foreign transport may raise anything
            return failure_of(error, self._guest.library, reading=answer is not None)
        finally:
            if stream is None:
                forget(request)
                if answer is not None:
                    answer.close()

    def _ended(self, stream: SyncHttpxStream) -> None:
        with self._lock:
            known = stream in self._streams
            self._streams.discard(stream)
        if known:
            self._free_streams.release()

    def _head(self, request: Any) -> Any:
        if self._guest.is_client:
            return self._guest.obj.send(request, stream=True, auth=None, follow_redirects=False)
        return self._guest.obj.handle_request(request)
