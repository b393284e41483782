"""Reading ahead of a consumer that is busy: what a flow emits waits in a bounded queue. Async and sync, and thin.

When the queue is full, nothing more is read, so that the node's own flow control holds it back: nothing is dropped.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, Optional, TypeVar

from ._drive import look_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._emissions import EmissionsAsync, EmissionsSync

__all__ = ["ReadAheadAsync", "ReadAheadSync"]

T = TypeVar("T")


class _Queue(Generic[T]):
    """What was read and not asked for yet; ``weight`` says what an item counts against ``most``."""

    def __init__(self, most: int, weight: Callable[[T], int]) -> None:
        self._most = most
        self._weight = weight
        self._items: deque[T] = deque()
        self._held = 0
        self._ended = False
        self._error: Optional[BaseException] = None

    def _put(self, item: Optional[T], error: Optional[BaseException] = None) -> None:
        """Adds an item; None, perhaps with an error, is the end."""
        if item is None:
            self._ended, self._error = True, error
        else:
            self._items.append(item)
            self._held += self._weight(item)

    def _take(self) -> Optional[T]:
        """The next item; None at the end. Raises the error that ended it, once."""
        if self._items:
            item = self._items.popleft()
            self._held -= self._weight(item)
            return item
        error, self._error = self._error, None
        if error is not None:
            raise error
        return None

    @property
    def _has_answer(self) -> bool:
        return bool(self._items) or self._ended

    @property
    def _is_full(self) -> bool:
        return self._held >= self._most


class ReadAheadAsync(_Queue[T]):
    """Reads ahead in a task of its own, from the first step on."""

    def __init__(self, source: EmissionsAsync[T], most: int, weight: Callable[[T], int]) -> None:
        super().__init__(most, weight)
        self._source = source
        self._task: Optional[asyncio.Task[None]] = None
        self._turn: Optional[asyncio.Event] = None

    async def advance(self) -> Optional[T]:
        """The next item; None at the end."""
        if self._turn is None:
            self._turn = asyncio.Event()
            self._task = asyncio.ensure_future(self._read(self._turn))
            self._task.add_done_callback(look_at)
        try:
            while not self._has_answer:
                self._turn.clear()
                await self._turn.wait()
        except BaseException:
            await self.aclose()
            raise
        item = self._take()
        self._turn.set()
        return item

    async def _read(self, turn: asyncio.Event) -> None:
        error: Optional[BaseException] = None
        try:
            while True:
                item = await self._source.advance()
                if item is None:
                    break
                self._put(item)
                turn.set()
                while self._is_full:
                    turn.clear()
                    await turn.wait()
        except Exception as caught:  # noqa: BLE001 - whatever ends it is the consumer's to see
            error = caught
        self._put(None, error)
        turn.set()

    async def aclose(self) -> None:
        """Ends the reading and closes what is open under it; idempotent."""
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task})
        self._items.clear()
        self._ended = True
        if self._turn is not None:
            self._turn.set()
        await self._source.aclose()


class ReadAheadSync(_Queue[T]):
    """Reads ahead in one thread with a name, from the first step on until it is closed."""

    def __init__(self, source: EmissionsSync[T], most: int, weight: Callable[[T], int], name: str) -> None:
        super().__init__(most, weight)
        self._source = source
        self._name = name
        self._turn = threading.Condition()
        self._thread: Optional[threading.Thread] = None
        self._closed = False

    def advance(self) -> Optional[T]:
        """The next item; None at the end."""
        with self._turn:
            if self._thread is None and not self._closed:
                run: Any = contextvars.copy_context().run
                self._thread = threading.Thread(target=run, args=(self._read,), name=self._name, daemon=True)
                self._thread.start()
            self._turn.wait_for(lambda: self._has_answer)
            item = self._take()
            self._turn.notify_all()
            return item

    def _read(self) -> None:
        error: Optional[BaseException] = None
        try:
            while True:
                item = self._source.advance()
                if item is None:
                    break
                with self._turn:
                    self._put(item)
                    self._turn.notify_all()
                    self._turn.wait_for(lambda: not self._is_full or self._closed)
        except Exception as caught:  # noqa: BLE001 - whatever ends it is the consumer's to see
            error = caught
        with self._turn:
            self._put(None, error)
            self._turn.notify_all()

    def close(self) -> None:
        """Ends the reading, closes what is open under it and joins the thread; idempotent, from any thread."""
        with self._turn:
            self._closed = self._ended = True
            self._items.clear()
            self._held = 0
            self._turn.notify_all()
        self._source.close()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
