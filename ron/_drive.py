"""The two drivers: they do what a flow asks for, async or sync, and know nothing else.

A transport's ``Failure`` loses its traceback before it is thrown into the flow, so that no frame of the layers below
stays reachable from the error that the flow makes of it.
"""

from __future__ import annotations

import inspect
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, Optional, TypeVar

from ._flow import Close, Emit, Hook, NeedToken, Now, Read, Send, Sleep
from ._values import Failure, Reply
from .errors import RonConfigError, RonError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator

    from ._clock import Clock
    from ._flow import Effect
    from ._tokens import TokenSource
    from .metrics import RequestMetrics

__all__ = ["EmissionsAsync", "EmissionsSync", "Ports", "run_async", "run_sync"]

T = TypeVar("T")


class Ports:
    """What flows reach the world through: one client's channel, clock, tokens and counters."""

    __slots__ = ("channel", "clock", "closed", "max_error_bytes", "metrics", "name", "tokens")

    def __init__(self, name: str, channel: Any, clock: Clock, tokens: TokenSource, metrics: RequestMetrics) -> None:
        self.name = name
        self.channel = channel
        self.clock = clock
        self.tokens = tokens
        self.metrics = metrics
        self.closed = False
        self.max_error_bytes = 64 * 1024

    def check_open(self) -> None:
        """Raises ``RonConfigError`` once the client is closed."""
        if self.closed:
            raise RonConfigError(
                f"this {self.name} is closed: make a new one, or move the call inside its `with` block"
            )


def _bare(error: BaseException) -> BaseException:
    """The error without the frames and the chain that it came with."""
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)


async def run_async(ports: Ports, flow: Generator[Effect, Any, T]) -> T:
    """Runs a flow to its result; counts it as one logical call."""
    try:
        ports.check_open()
        effect = next(flow)
        while True:
            thrown: Optional[BaseException] = None
            answer: Any = None
            try:
                if type(effect) is Send and not effect.stream and not effect.wait:
                    answer = await ports.channel.send(effect.exchange, effect.credential)
                elif type(effect) is Now:
                    answer = ports.clock.time() if effect.wall else ports.clock.monotonic()
                else:
                    answer = await _answer_async(ports, effect)
            except (Failure, RonError) as error:
                thrown = error
            effect = flow.send(answer) if thrown is None else flow.throw(_bare(thrown))
    except StopIteration as stop:
        ports.metrics.record()
        result: T = stop.value
        return result
    except RonError as error:
        ports.metrics.record(error)
        raise
    finally:
        flow.close()


def run_sync(ports: Ports, flow: Generator[Effect, Any, T]) -> T:
    """Runs a flow to its result; counts it as one logical call."""
    try:
        ports.check_open()
        effect = next(flow)
        while True:
            thrown: Optional[BaseException] = None
            answer: Any = None
            try:
                if type(effect) is Send and not effect.stream and not effect.wait:
                    answer = ports.channel.send(effect.exchange, effect.credential)
                elif type(effect) is Now:
                    answer = ports.clock.time() if effect.wall else ports.clock.monotonic()
                else:
                    answer = _answer_sync(ports, effect)
            except (Failure, RonError) as error:
                thrown = error
            effect = flow.send(answer) if thrown is None else flow.throw(_bare(thrown))
    except StopIteration as stop:
        ports.metrics.record()
        result: T = stop.value
        return result
    except RonError as error:
        ports.metrics.record(error)
        raise
    finally:
        flow.close()


async def _answer_async(ports: Ports, effect: Effect) -> Any:
    if isinstance(effect, Send):
        if effect.wait:
            await ports.clock.asleep(effect.wait)
        if not effect.stream:
            return await ports.channel.send(effect.exchange, effect.credential)
        stream = await ports.channel.stream(effect.exchange, effect.credential)
        if 200 <= stream.status < 300:
            return stream
        return await _error_reply_async(ports, stream, effect.exchange.deadline)
    if isinstance(effect, Now):
        return ports.clock.time() if effect.wall else ports.clock.monotonic()
    if isinstance(effect, NeedToken):
        return await ports.tokens.fetch_async(effect.stale, effect.deadline, ports.clock)
    if isinstance(effect, Read):
        return await effect.stream.read(effect.timeout)
    if isinstance(effect, Close):
        return await effect.stream.aclose()
    if isinstance(effect, Sleep):
        return await ports.clock.asleep(effect.seconds)
    assert isinstance(effect, Hook), effect
    result = getattr(effect.middleware, effect.name)(*effect.arguments)
    return await result if inspect.isawaitable(result) else result


def _answer_sync(ports: Ports, effect: Effect) -> Any:
    if isinstance(effect, Send):
        if effect.wait:
            ports.clock.sleep(effect.wait)
        if not effect.stream:
            return ports.channel.send(effect.exchange, effect.credential)
        stream = ports.channel.stream(effect.exchange, effect.credential)
        if 200 <= stream.status < 300:
            return stream
        return _error_reply_sync(ports, stream, effect.exchange.deadline)
    if isinstance(effect, Now):
        return ports.clock.time() if effect.wall else ports.clock.monotonic()
    if isinstance(effect, NeedToken):
        return ports.tokens.fetch_sync(effect.stale, effect.deadline, ports.clock)
    if isinstance(effect, Read):
        return effect.stream.read(effect.timeout)
    if isinstance(effect, Close):
        return effect.stream.close()
    if isinstance(effect, Sleep):
        return ports.clock.sleep(effect.seconds)
    assert isinstance(effect, Hook), effect
    try:
        return checked_hook_result(getattr(effect.middleware, effect.name)(*effect.arguments))
    except StopIteration as stopped:
        # `run_sync` would take it for the end of the flow; PEP 479 says the same of generators.
        raise RuntimeError("middleware raised StopIteration") from stopped


def checked_hook_result(result: Any) -> Any:
    """What a sync client's middleware returned; an awaitable is refused, because nobody would await it."""
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise RonConfigError("this middleware is async, but the client is sync: give plain functions, or use RonClient")
    return result


async def _error_reply_async(ports: Ports, stream: Any, deadline: float) -> Reply:
    """The whole answer behind a stream that turned out to be an error; its body is cut at 64 KiB."""
    body = b""
    try:
        while len(body) < ports.max_error_bytes:
            chunk = await stream.read(max(0.001, deadline - ports.clock.monotonic()))
            if not chunk:
                break
            body += chunk
    finally:
        await stream.aclose()
    return Reply(stream.status, tuple(stream.headers), body)


def _error_reply_sync(ports: Ports, stream: Any, deadline: float) -> Reply:
    """The whole answer behind a stream that turned out to be an error; its body is cut at 64 KiB."""
    body = b""
    try:
        while len(body) < ports.max_error_bytes:
            chunk = stream.read(max(0.001, deadline - ports.clock.monotonic()))
            if not chunk:
                break
            body += chunk
    finally:
        stream.close()
    return Reply(stream.status, tuple(stream.headers), body)


class _Emissions(Generic[T]):
    """What an iterator over emitted items keeps: the flow, the answer it waits for, the stream it holds open."""

    def __init__(self, ports: Ports, flow: Generator[Effect, Any, None]) -> None:
        self._ports = ports
        self._flow: Optional[Generator[Effect, Any, None]] = flow
        self._streams: deque[Any] = deque()
        self._busy = False
        self._closing = False

    def _take(self) -> None:
        """Marks the iterator busy; a second consumer would take the answer that the first one waits for."""
        if self._busy:
            raise RonConfigError("this iterator is being read by another task or thread: make one for each")
        self._busy = True

    def _step(self, answer: Any, thrown: Optional[BaseException]) -> Effect:
        assert self._flow is not None
        return self._flow.send(answer) if thrown is None else self._flow.throw(_bare(thrown))

    def _note(self, effect: Effect, answer: Any) -> None:
        """Keeps account of open streams, so that closing the iterator at any point closes them."""
        if isinstance(effect, Send) and effect.stream and not isinstance(answer, Reply):
            self._streams.append(answer)
        elif isinstance(effect, Close) and effect.stream in self._streams:
            self._streams.remove(effect.stream)

    def _end(self, error: Optional[RonError] = None) -> None:
        if self._flow is not None:
            self._ports.metrics.record(error)
            self._flow.close()
            self._flow = None


class EmissionsAsync(_Emissions[T]):
    """An async iterator over what a flow emits. One consumer at a time; ``aclose`` is idempotent."""

    async def __aiter__(self) -> AsyncIterator[T]:
        """A loop over it; leaving the loop closes the stream that is open under it, if there is one."""
        try:
            while True:
                try:
                    item = await self.__anext__()
                except StopAsyncIteration:
                    return
                yield item
        finally:
            if self._streams:
                await self.aclose()

    async def __anext__(self) -> T:
        if self._flow is None:
            raise StopAsyncIteration
        answer: Any = None
        thrown: Optional[BaseException] = None
        self._take()
        try:
            self._ports.check_open()
            while self._flow is not None:
                effect = self._step(answer, thrown)
                thrown = None
                if isinstance(effect, Emit):
                    item: T = effect.item
                    return item
                try:
                    answer = await _answer_async(self._ports, effect)
                    self._note(effect, answer)
                except (Failure, RonError) as error:
                    thrown = error
        except StopIteration:
            pass
        except BaseException as error:
            await self._close(error if isinstance(error, RonError) else None)
            raise
        finally:
            self._busy = False
        await self._close()
        raise StopAsyncIteration

    async def advance(self) -> Optional[T]:
        """The next item; None at the end."""
        try:
            return await self.__anext__()
        except StopAsyncIteration:
            return None

    async def _close(self, error: Optional[RonError] = None) -> None:
        self._end(error)
        while self._streams:
            await self._streams.popleft().aclose()

    async def aclose(self) -> None:
        """Ends the iteration and closes the stream under it."""
        await self._close()


class EmissionsSync(_Emissions[T]):
    """A sync iterator over what a flow emits. ``close`` may be called from another thread: it wakes a waiting read."""

    def __iter__(self) -> Iterator[T]:
        """A loop over it; leaving the loop closes the stream that is open under it, if there is one."""
        try:
            while True:
                try:
                    item = next(self)
                except StopIteration:
                    return
                yield item
        finally:
            if self._streams:
                self.close()

    def __next__(self) -> T:
        if self._flow is None:
            raise StopIteration
        answer: Any = None
        thrown: Optional[BaseException] = None
        self._take()
        try:
            self._ports.check_open()
            while not self._closing:
                try:
                    effect = self._step(answer, thrown)
                except StopIteration:
                    break
                thrown = None
                if isinstance(effect, Emit):
                    item: T = effect.item
                    return item
                try:
                    answer = _answer_sync(self._ports, effect)
                    self._note(effect, answer)
                except (Failure, RonError) as error:
                    thrown = error
        except BaseException as error:
            self._finish(error if isinstance(error, RonError) else None)
            raise
        finally:
            self._busy = False
        self._finish()
        raise StopIteration

    def advance(self) -> Optional[T]:
        """The next item; None at the end."""
        return next(self, None)

    def _finish(self, error: Optional[RonError] = None) -> None:
        self._end(error)
        while self._streams:
            self._streams.popleft().close()

    def close(self) -> None:
        """Ends the iteration and closes the stream under it."""
        self._closing = True
        if self._busy:
            for stream in tuple(self._streams):
                stream.close()
        else:
            self._finish()
