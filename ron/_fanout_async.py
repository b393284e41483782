"""Many flows at once, async: at most so many tasks, as many items in hand as ``ron._fanout`` allows.

Closing it cancels the tasks and awaits them, and so does whatever ends the iteration: a break, an error, the
cancellation of the consumer. No task outlives it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, Optional, TypeVar, Union

from ._drive import run_async
from ._fanout import Books, Job
from ._secrets import bare
from .errors import RonConfigError, RonError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable
    from types import TracebackType

    from typing_extensions import Self

    from ._drive import Ports
    from ._fanout import Progress, Work

__all__ = ["FanOutAsync"]

T = TypeVar("T")


class FanOutAsync(Generic[T]):
    """What became of each item, for ``async for``. One consumer at a time; ``aclose`` is idempotent.

    The input is read as results are taken, a few items ahead. Leaving the loop cancels what is under way; ``async
    with`` has seen to that when the block is left. A step that is cancelled (``asyncio.wait_for``) closes it.
    """

    def __init__(
        self,
        ports: Ports,
        work: Work[T],
        given: Union[Iterable[Any], AsyncIterable[Any]],
        concurrency: int,
        *,
        ordered: bool,
        progress: Optional[Progress] = None,
    ) -> None:
        self._ports = ports
        self._work = work
        self._given: Any = given
        self._progress = progress
        self._books: Books[T] = Books(concurrency, ordered=ordered)
        self._source: Any = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._news: Optional[asyncio.Future[None]] = None
        self._space: Optional[asyncio.Future[None]] = None
        self._error: Optional[BaseException] = None
        self.wrong: Optional[RonError] = None
        self._busy = self._begun = self._closed = False

    async def __aiter__(self) -> AsyncIterator[T]:
        """A loop over it; leaving the loop cancels what is under way."""
        try:
            while True:
                try:
                    result = await self.__anext__()
                except StopAsyncIteration:
                    return
                yield result
                del result
        finally:
            await self.aclose()

    async def __anext__(self) -> T:
        if self._busy:
            raise RonConfigError("this iterator is being read by another task: make one for each")
        if self._closed:
            raise StopAsyncIteration
        self._busy = True
        try:
            result = await self._next()
        except BaseException:
            self._busy = False
            await self.aclose()
            raise
        self._busy = False
        return result

    async def _next(self) -> T:
        books = self._books
        while True:
            self._fill()
            if self._error is not None:
                raise self._error
            if books.ready():
                result = books.take()
                _wake(self._space)
                self._tell()
                return result
            if books.over():
                if self.wrong is not None:
                    raise bare(self.wrong)
                raise StopAsyncIteration
            self._news = asyncio.get_running_loop().create_future()
            await self._news

    def _fill(self) -> None:
        """Takes items of a plain iterable while there is room; an async one is read by a task of its own."""
        if not self._begun:
            self._begun = True
            if hasattr(self._given, "__aiter__"):
                self._spawn(self._read())
            else:
                self._source = iter(self._given)
        while self._source is not None and self._books.wants():
            try:
                given = next(self._source)
            except StopIteration:
                self._books.exhausted = True
                return
            self._add(given)

    async def _read(self) -> None:
        given = self._given
        source = given.__aiter__()
        try:
            while not self._books.exhausted:
                if not self._books.room():
                    self._space = asyncio.get_running_loop().create_future()
                    await self._space
                    continue
                try:
                    one = await source.__anext__()
                except StopAsyncIteration:
                    self._books.exhausted = True
                    break
                if not self._books.exhausted:
                    self._add(one)
        except BaseException as error:  # noqa: BLE001 - raised again where the consumer waits
            self._fail(error)
        finally:
            if source is not given and hasattr(source, "aclose"):
                await source.aclose()
        _wake(self._news)

    def _add(self, given: Any) -> None:
        if self._books.add(given):
            self._spawn(self._serve())

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self) -> None:
        """One worker: job after job, until there is none."""
        books = self._books
        try:
            while True:
                job = books.job()
                if job is None:
                    books.leave()  # nothing can have been added since: there is one thread
                    return
                outcome = await self._do(job)
                books.finish(job, outcome)
                wrong = self._work.gives_up(outcome)
                if wrong is not None:
                    self.wrong = self.wrong or wrong
                    books.halt()
                _wake(self._news)
        except BaseException as error:  # noqa: BLE001 - raised again where the consumer waits
            self._fail(error)

    async def _do(self, job: Job) -> T:
        caught: Optional[RonError] = None
        value: Any = None
        try:
            value = await run_async(self._ports, self._work.flow(job))
        except RonError as error:
            caught = bare(error)
        return self._work.outcome(job, value, caught)

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self._books.taken, len(self._given) if hasattr(self._given, "__len__") else None)

    def _fail(self, error: BaseException) -> None:
        self._error = self._error or error
        _wake(self._news)

    async def aclose(self) -> None:
        """Cancels what is under way, and waits until it has ended."""
        self._closed = True
        self._books.halt()
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        source, self._source = self._source, None
        if source is not None and source is not self._given and hasattr(source, "close"):
            source.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.aclose()


def _wake(future: Optional[asyncio.Future[None]]) -> None:
    if future is not None and not future.done():
        future.set_result(None)
