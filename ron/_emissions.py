"""Iterators over what a flow emits: pages, events, changes. Thin, like the drivers, and with two colours like them.

They keep account of the streams that the flow has open, so that closing one at any point closes them.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, Optional, TypeVar

from ._drive import answer_async, answer_sync, drive_async, look_at
from ._effects import Ahead, Close, Emit, Join, Send, Sleep
from ._secrets import bare
from ._values import Failure, Reply
from .errors import RonConfigError, RonError, RonTimeoutError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator

    from ._drive import Ports
    from ._effects import Effect

__all__ = ["EmissionsAsync", "EmissionsSync"]

T = TypeVar("T")

#: how often the loop must come round until a request is out: on its way it gives way at each of httpcore's two locks
_TURNS = 4


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
        return self._flow.send(answer) if thrown is None else self._flow.throw(bare(thrown))

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

    _ahead: Optional[asyncio.Task[Any]] = None
    _asleep: Optional[asyncio.Task[Any]] = None

    async def __aiter__(self) -> AsyncIterator[T]:
        """A loop over it; leaving the loop closes what is open or under way for it, if there is anything."""
        try:
            while True:
                try:
                    item = await self.__anext__()
                except StopAsyncIteration:
                    return
                yield item
                del item  # no later error's traceback leads to it
        finally:
            if self._streams or self._ahead is not None:
                await self.aclose()

    async def __anext__(self) -> T:
        if self._flow is None:
            raise StopAsyncIteration
        answer: Any = None
        effect: Any = None
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
                    answer = await self._answer(effect)
                    self._note(effect, answer)
                except (Failure, RonError) as error:
                    thrown = error
        except StopIteration:
            pass
        except RonError as error:
            await self._close(error)
            answer = effect = thrown = None
            raise bare(error)  # noqa: B904 - it is the same one
        except BaseException:
            await self._close()
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

    async def only(self) -> T:
        """The first item, and no more: what is open is closed."""
        try:
            return await self.__anext__()
        finally:
            await self.aclose()

    async def _answer(self, effect: Effect) -> Any:
        if isinstance(effect, Ahead):
            self._ahead = asyncio.ensure_future(drive_async(self._ports, effect.flow))
            self._ahead.add_done_callback(look_at)
            # Lets it send its request: the consumer may not come back to the loop before it is through with its work.
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            return self._ahead
        if isinstance(effect, Sleep):
            return await self._sleep(effect.seconds)
        if not isinstance(effect, Join):
            return await answer_async(self._ports, effect)
        task = effect.begun
        if not task.done() and task.get_loop() is asyncio.get_running_loop():
            await asyncio.wait({task})
        self._ahead = None
        if not task.done() or task.cancelled() or isinstance(task.exception(), RonTimeoutError):
            return None
        return task.result()

    async def _sleep(self, seconds: float) -> None:
        """Waits, unless another task closes the iterator meanwhile."""
        task = self._asleep = asyncio.ensure_future(self._ports.clock.asleep(seconds))
        try:
            await asyncio.wait({task})
            if not task.cancelled():
                task.result()
        finally:
            self._asleep = None
            task.cancel()

    async def _close(self, error: Optional[RonError] = None) -> None:
        self._end(error)
        if self._asleep is not None and self._asleep.get_loop() is asyncio.get_running_loop():
            self._asleep.cancel()
        task, self._ahead = self._ahead, None
        if task is not None and not task.done() and task.get_loop() is asyncio.get_running_loop():
            task.cancel()
            await asyncio.wait({task})
        while self._streams:
            await self._streams.popleft().aclose()

    async def aclose(self) -> None:
        """Ends the iteration and closes the stream under it."""
        await self._close()


class EmissionsSync(_Emissions[T]):
    """A sync iterator over what a flow emits.

    ``close`` may be called from another thread: it wakes a reader that waits for bytes, or between two attempts.
    """

    def __init__(self, ports: Ports, flow: Generator[Effect, Any, None]) -> None:
        super().__init__(ports, flow)
        self._woken = threading.Event()

    def __iter__(self) -> Iterator[T]:
        """A loop over it; leaving the loop closes the stream that is open under it, if there is one."""
        try:
            while True:
                try:
                    item = next(self)
                except StopIteration:
                    return
                yield item
                del item  # no later error's traceback leads to it
        finally:
            if self._streams:
                self.close()

    def __next__(self) -> T:
        if self._flow is None:
            raise StopIteration
        answer: Any = None
        effect: Any = None
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
                    answer = self._answer(effect)
                    self._note(effect, answer)
                except (Failure, RonError) as error:
                    thrown = error
        except RonError as error:
            self._finish(error)
            answer = effect = thrown = None
            raise bare(error)  # noqa: B904 - it is the same one
        except BaseException:
            self._finish()
            raise
        finally:
            self._busy = False
        self._finish()
        raise StopIteration

    def advance(self) -> Optional[T]:
        """The next item; None at the end."""
        return next(self, None)

    def only(self) -> T:
        """The first item, and no more: what is open is closed."""
        try:
            return next(self)
        finally:
            self.close()

    def _answer(self, effect: Effect) -> Any:
        if isinstance(effect, Sleep):
            return self._ports.clock.wait(self._woken, effect.seconds)
        return answer_sync(self._ports, effect)

    def _finish(self, error: Optional[RonError] = None) -> None:
        self._end(error)
        while self._streams:
            self._streams.popleft().close()

    def close(self) -> None:
        """Ends the iteration and closes the stream under it."""
        self._closing = True
        self._woken.set()
        if self._busy:
            for stream in tuple(self._streams):
                stream.close()
        else:
            self._finish()
