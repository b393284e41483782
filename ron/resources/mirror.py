"""``Mirror`` and ``MirrorSync``: a resource's objects in memory, kept right by a watch. The running halves.

The async one runs in one task, the sync one in one thread with a name; ``with`` starts and ends them.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import threading
from typing import TYPE_CHECKING, Any, Optional, TypeVar

from .._drive import look_at
from .._plan import checked_timeout
from ..errors import RonConfigError, RonTimeoutError
from ._mirror import Mirrored, MirrorView

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType

    from typing_extensions import Self

    from .._drive import Ports
    from .watch import Watch, WatchSync

__all__ = ["Mirror", "MirrorSync"]

R = TypeVar("R")

_ENDED = "the node ended the stream (204)"
_LEFT = "its `with` block has ended"
_CANCELLED = "its task was cancelled, as the end of the event loop does"


_NO_GUARD = contextlib.nullcontext()


class Mirror(MirrorView[R]):
    """A read-only mapping of keys to objects that follows the node.

    ::

        async with items.mirror(index=["status"]) as mirror:
            await mirror.synced(timeout=10)
            mirror["i-1"], mirror.by("status", "open"), len(mirror)

    Readings are copies. They raise ``RonConfigError`` before everything was listed once, and ``RonWatchError`` once the
    watch under it has given up: a mirror never shows what nobody keeps right.
    """

    def __init__(self, watch: Watch[R], mirrored: Mirrored, ports: Ports) -> None:
        self._watch = watch
        self._mirrored = mirrored
        self._ports = ports
        self._pid = os.getpid()
        self._task: Optional[asyncio.Task[None]] = None
        self._turn: Optional[asyncio.Event] = None

    async def __aenter__(self) -> Self:
        """Opens the stream and begins to follow it."""
        if self._task is not None:
            raise RonConfigError("a mirror is entered once: make another one")
        await self._watch.__aenter__()
        self._turn = asyncio.Event()
        self._task = asyncio.ensure_future(self._follow())
        self._task.add_done_callback(self._over)
        return self

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self._ended = self._ended or _LEFT
        assert self._task is not None
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._watch.aclose()
        self._wake()

    async def _follow(self) -> None:
        try:
            async for change in self._watch:
                self._mirrored.apply(change)
                self._wake()
            self._ended = self._ended or _ENDED
        except Exception as error:  # noqa: BLE001 - whoever reads is told
            self._error = error

    def _over(self, task: asyncio.Task[None]) -> None:
        look_at(task)
        self._ended = self._ended or _CANCELLED
        self._wake()

    @property
    def _guard(self) -> AbstractContextManager[Any]:
        self._check_process(self._pid == os.getpid())
        if self._task is not None and self._task.get_loop().is_closed():
            self._ended = self._ended or _CANCELLED
        return _NO_GUARD

    def _wake(self) -> None:
        """Wakes all that wait, and lets later ones wait for the next time."""
        if self._turn is not None:
            self._turn.set()
            self._turn = asyncio.Event()

    async def synced(self, *, timeout: Optional[float] = None) -> None:
        """Waits until everything was listed once; ``timeout`` is in seconds.

        Raises:
            RonTimeoutError: that took longer.
            RonWatchError: the watch has given up.
        """
        await self._wait(lambda: self._mirrored.synced, timeout, "filled")

    async def changed(self, since: Optional[int] = None, *, timeout: Optional[float] = None) -> int:
        """Waits until something has changed since that ``version`` (since now, without one); returns the new version.

        Raises:
            RonTimeoutError: nothing did within ``timeout`` seconds.
            RonWatchError: the watch has given up.
        """
        before = self.version if since is None else since
        await self._wait(lambda: self.version > before, timeout, "changed")
        return self.version

    async def _wait(self, is_there: Any, timeout: Optional[float], what: str) -> None:
        seconds = checked_timeout(timeout)
        if self._task is None:
            raise RonConfigError(
                "this mirror does not follow anything yet: write `async with items.mirror() as mirror:`"
            )
        with self._guard:
            if self._task.get_loop() is not asyncio.get_running_loop() and not self._task.done():
                raise RonConfigError("this mirror follows the node in another event loop: wait there")
        waiting = asyncio.ensure_future(self._until(is_there))
        try:
            done, _ = await asyncio.wait({waiting}, timeout=seconds)
        finally:
            waiting.cancel()
        if not done:
            name = self._mirrored.description.name
            raise RonTimeoutError(f"this mirror of {name} has not {what} within {seconds:g} seconds")
        waiting.result()

    async def _until(self, is_there: Any) -> None:
        while not is_there():
            if self._error is not None or self._ended is not None or self._ports.closed:
                self._check_readable()
            assert self._turn is not None
            await self._turn.wait()


class MirrorSync(MirrorView[R]):
    """The sync twin of :class:`Mirror`: ``with items.mirror() as mirror:``; one thread follows, any may read."""

    def __init__(self, watch: WatchSync[R], mirrored: Mirrored, ports: Ports) -> None:
        self._watch = watch
        self._mirrored = mirrored
        self._ports = ports
        self._thread: Optional[threading.Thread] = None
        self._turn = threading.Condition()
        self._pid = os.getpid()

    @property
    def _guard(self) -> AbstractContextManager[Any]:
        self._check_process(self._pid == os.getpid())
        return self._turn

    def __enter__(self) -> Self:
        """Opens the stream and begins to follow it."""
        if self._thread is not None:
            raise RonConfigError("a mirror is entered once: make another one")
        self._watch.__enter__()
        run: Any = contextvars.copy_context().run
        name = f"ron-mirror-{self._mirrored.description.name}"
        self._thread = threading.Thread(target=run, args=(self._follow,), name=name, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        assert self._thread is not None
        if self._pid != os.getpid():  # the lock may be held for ever, and there is no thread to join
            self._watch.close()
            return
        with self._turn:
            self._ended = self._ended or _LEFT
            self._turn.notify_all()
        self._watch.close()
        self._thread.join()

    def _follow(self) -> None:
        try:
            for change in self._watch:
                with self._turn:
                    self._mirrored.apply(change)
                    self._turn.notify_all()
            self._ended = self._ended or _ENDED
        except Exception as error:  # noqa: BLE001 - whoever reads is told
            self._error = error
        with self._turn:
            self._turn.notify_all()

    def synced(self, *, timeout: Optional[float] = None) -> None:
        """See :meth:`Mirror.synced`."""
        self._wait(lambda: self._mirrored.synced, timeout, "filled")

    def changed(self, since: Optional[int] = None, *, timeout: Optional[float] = None) -> int:
        """See :meth:`Mirror.changed`."""
        before = self.version if since is None else since
        self._wait(lambda: self.version > before, timeout, "changed")
        return self.version

    def _wait(self, is_there: Any, timeout: Optional[float], what: str) -> None:
        seconds = checked_timeout(timeout)
        if self._thread is None:
            raise RonConfigError("this mirror does not follow anything yet: write `with items.mirror() as mirror:`")
        with self._guard:
            over = self._turn.wait_for(
                lambda: is_there() or self._error is not None or self._ended is not None or self._ports.closed,
                timeout=seconds,
            )
        if not over:
            name = self._mirrored.description.name
            raise RonTimeoutError(f"this mirror of {name} has not {what} within {seconds:g} seconds")
        if not is_there():
            self._check_readable()
