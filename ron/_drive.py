"""The two drivers: they do what a flow asks for, async or sync, and know nothing else.

A transport's ``Failure`` loses its traceback before it is thrown into the flow, and a ``RonError`` when it leaves it:
no frame of the layers below, which hold whole answers and requests, stays reachable from the error that callers see.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Optional, TypeVar

from ._effects import Close, Hook, Invoke, NeedToken, Now, Read, Send, Sleep
from ._secrets import bare
from ._values import Failure, Reply
from .errors import RonConfigError, RonError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Generator

    from ._clock import Clock
    from ._effects import Effect
    from ._tokens import TokenSource
    from .metrics import RequestMetrics

__all__ = ["Ports", "answer_async", "answer_sync", "drive_async", "look_at", "run_async", "run_sync"]

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


async def run_async(ports: Ports, flow: Generator[Effect, Any, T]) -> T:
    """Runs a flow to its result; counts it as one logical call."""
    try:
        result = await drive_async(ports, flow)
    except RonError as error:
        ports.metrics.record(error)
        raise
    ports.metrics.record()
    return result


async def drive_async(ports: Ports, flow: Generator[Effect, Any, T]) -> T:
    """Runs a flow to its result; counts nothing."""
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
                    answer = await answer_async(ports, effect)
            except (Failure, RonError) as error:
                thrown = error
            effect = flow.send(answer) if thrown is None else flow.throw(bare(thrown))
    except StopIteration as stop:
        result: T = stop.value
        return result
    except RonError as error:
        answer = thrown = None
        raise bare(error)  # noqa: B904 - it is the same one
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
                    answer = answer_sync(ports, effect)
            except (Failure, RonError) as error:
                thrown = error
            effect = flow.send(answer) if thrown is None else flow.throw(bare(thrown))
    except StopIteration as stop:
        ports.metrics.record()
        result: T = stop.value
        return result
    except RonError as error:
        ports.metrics.record(error)
        answer = thrown = None
        raise bare(error)  # noqa: B904 - it is the same one
    finally:
        flow.close()


async def answer_async(ports: Ports, effect: Effect) -> Any:
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
    if isinstance(effect, Invoke):
        result = effect.function(*effect.arguments)
    else:
        assert isinstance(effect, Hook), effect
        result = getattr(effect.middleware, effect.name)(*effect.arguments)
    return await result if inspect.isawaitable(result) else result


def answer_sync(ports: Ports, effect: Effect) -> Any:
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
    if isinstance(effect, Invoke):
        return _invoked_sync(effect)
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


def _invoked_sync(effect: Invoke) -> Any:
    """What the caller's function returned; an awaitable is refused, because nobody would await it."""
    try:
        result = effect.function(*effect.arguments)
    except StopIteration as stopped:
        # `run_sync` would take it for the end of the flow; PEP 479 says the same of generators.
        raise RuntimeError("the function raised StopIteration") from stopped
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise RonConfigError("this function is async, but the client is sync: give a plain function, or use RonClient")
    return result


async def _error_reply_async(ports: Ports, stream: Any, deadline: float) -> Reply:
    """The whole answer behind a stream that turned out to be an error; its body is cut at 64 KiB."""
    body = b""
    try:
        while len(body) < ports.max_error_bytes:
            chunk = await stream.read(_seconds_left(ports, deadline))
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
            chunk = stream.read(_seconds_left(ports, deadline))
            if not chunk:
                break
            body += chunk
    finally:
        stream.close()
    return Reply(stream.status, tuple(stream.headers), body)


def _seconds_left(ports: Ports, deadline: float) -> float:
    """Seconds to the deadline; once it has passed, ``Failure``: bytes that drip must not outlast it."""
    left = deadline - ports.clock.monotonic()
    if left <= 0.0:
        raise Failure("timeout", "the error answer did not end before the deadline", sent=True, timed_out=True)
    return left


def look_at(task: asyncio.Task[Any]) -> None:
    """Takes note of a task's outcome, so that asyncio doesn't complain of an error that nobody came back for."""
    if not task.cancelled():
        task.exception()
