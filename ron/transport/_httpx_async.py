"""The async channel over an httpx transport or client.

Deadlines are AnyIO's, so it runs on every event loop that httpx runs on.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Optional, TypeVar, Union

import anyio

from ron._values import Failure, Reply
from ron.errors import RonConfigError
from ron.transport._body import Body
from ron.transport._httpx_async_stream import Answer, AsyncHttpxStream
from ron.transport._httpx_errors import failure_of
from ron.transport._httpx_request import Process, detach, forget, timeouts, too_late
from ron.transport._loop import running_loop
from ron.transport._mapping import bare
from ron.transport._site import closed_client, too_many_streams

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from ron._values import Credential, Exchange
    from ron.transport._httpx_request import Guest
    from ron.transport._protocol import Endpoint

__all__ = ["AsyncHttpxChannel"]

T = TypeVar("T")


class AsyncHttpxChannel:
    """See ``AsyncChannel``. Closing it ends open calls and streams, never the user's object."""

    def __init__(self, guest: Guest, endpoint: Endpoint, *, in_process: bool) -> None:
        self._guest = guest
        self._endpoint = endpoint
        self._in_process = in_process
        self._process = Process()
        self._loop: Optional[weakref.ref[asyncio.AbstractEventLoop]] = None
        self._closed = False
        # By event loop: an in-process node serves any number of them, and none may wake another's tasks.
        self._calls: weakref.WeakKeyDictionary[Any, anyio.Semaphore] = weakref.WeakKeyDictionary()
        self._opening = 0
        self._scopes: set[anyio.CancelScope] = set()
        self._streams: set[AsyncHttpxStream] = set()

    async def send(self, exchange: Exchange, credential: Optional[Credential]) -> Reply:
        """See ``AsyncChannel.send``."""
        self._check()
        calls = self._permits()

        async def run(began: Callable[[], None]) -> Union[Reply, Failure]:
            async with calls:
                began()
                return await self._exchange(exchange, credential)

        return await self._by_deadline(exchange, run)

    async def stream(self, exchange: Exchange, credential: Optional[Credential]) -> AsyncHttpxStream:
        """See ``AsyncChannel.stream``. Raises ``RonConfigError`` beyond ``max_streams``."""
        self._check()
        if self._opening + len(self._streams) >= self._endpoint.max_streams:
            raise too_many_streams(self._endpoint.max_streams)

        async def run(began: Callable[[], None]) -> Union[AsyncHttpxStream, Failure]:
            began()
            return await self._open(exchange, credential)

        self._opening += 1
        try:
            return await self._by_deadline(exchange, run)
        finally:
            self._opening -= 1

    async def aclose(self) -> None:
        """See ``AsyncChannel.aclose``."""
        self._closed = True
        for scope in tuple(self._scopes):
            scope.cancel()
        for stream in tuple(self._streams):
            await stream.aclose()

    def _check(self) -> None:
        if self._closed:
            raise closed_client()
        self._guest.check_open()
        if self._in_process:
            return
        self._process.check()
        running = running_loop()
        if running is None:
            return
        if self._loop is None:
            self._loop = weakref.ref(running)
        elif self._loop() is not running:
            raise RonConfigError(
                "this client was used in another event loop: make the ron client, and the httpx "
                "object in its HttpxTransport, inside the loop that uses them"
            )

    def _permits(self) -> anyio.Semaphore:
        """Who may talk, in this event loop."""
        key: Any = running_loop() or AsyncHttpxChannel  # under Trio nothing outlives its one run
        calls = self._calls.get(key)
        if calls is None:
            calls = self._calls[key] = anyio.Semaphore(self._endpoint.max_concurrency)
        return calls

    async def _by_deadline(
        self,
        exchange: Exchange,
        run: Callable[[Callable[[], None]], Awaitable[Union[T, Failure]]],
    ) -> T:
        """Gives what ``run`` gives, by the deadline; ``run`` tells when the request may leave."""
        remaining = exchange.deadline - self._endpoint.clock.monotonic()
        if remaining <= 0:
            raise too_late(sent=False)
        sent = False

        def began() -> None:
            nonlocal sent
            sent = True

        outcome: Union[T, Failure, None] = None
        with anyio.move_on_after(remaining) as scope:
            self._scopes.add(scope)
            try:
                outcome = await run(began)
            except BaseException as error:  # noqa: BLE001 - raised again, without its frames
                raise bare(error)  # noqa: B904 - it is the same one: a cancellation, whose frames hold the request
            finally:
                self._scopes.discard(scope)
        if outcome is None and self._closed:
            outcome = Failure("read", "the client was closed meanwhile", sent=sent)
        elif outcome is None:
            outcome = too_late(sent=sent)
        if isinstance(outcome, Failure):
            raise outcome
        return outcome

    async def _exchange(self, exchange: Exchange, credential: Optional[Credential]) -> Union[Reply, Failure]:
        request: Any = None
        answer: Optional[Answer] = None
        reply: Optional[Reply] = None
        try:
            limits = timeouts(self._endpoint, exchange.deadline - self._endpoint.clock.monotonic())
            request = self._guest.request(self._endpoint, exchange, credential, limits)
            answer = Answer(await self._head(request))
            incoming = answer.read_as(self._guest, exchange)
            body = Body(incoming.framing, self._endpoint.max_response_bytes)
            async for chunk in answer.chunks:
                if not body.feed(incoming.take(chunk)):
                    break
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
                await answer.aclose()

    async def _open(self, exchange: Exchange, credential: Optional[Credential]) -> Union[AsyncHttpxStream, Failure]:
        request: Any = None
        answer: Optional[Answer] = None
        stream: Optional[AsyncHttpxStream] = None
        try:
            limits = timeouts(self._endpoint, exchange.deadline - self._endpoint.clock.monotonic())
            request = self._guest.request(self._endpoint, exchange, credential, limits)
            answer = Answer(await self._head(request))
            # httpcore looks at it when the body begins; from there on `read` has its own timer.
            limits["read"] = None
            incoming = answer.read_as(self._guest, exchange)
            detach(answer.response)
            stream = AsyncHttpxStream(answer, incoming, self._guest.library, self._streams.discard)
            self._streams.add(stream)
            return stream
        except Exception as error:  # noqa: BLE001 - a foreign transport may raise anything
            return failure_of(error, self._guest.library, reading=answer is not None)
        finally:
            if stream is None:
                forget(request)
                if answer is not None:
                    await answer.aclose()

    async def _head(self, request: Any) -> Any:
        if self._guest.is_client:
            return await self._guest.obj.send(request, stream=True, auth=None, follow_redirects=False)
        return await self._guest.obj.handle_async_request(request)
