"""An answer that is read as it comes, async. It owns its connection; closing it closes that."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Callable, Optional

from ron.errors import RonConfigError
from ron.transport._body import gunzip_for
from ron.transport._mapping import settle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from ron.transport._async_wire import AsyncWire
    from ron.transport._framing import Framing

__all__ = ["AsyncStream"]


class AsyncStream:
    """See ``AsyncReplyStream``. A read that fails or is cancelled closes the stream."""

    __slots__ = (
        "_busy",
        "_chunks",
        "_closed",
        "_ended",
        "_gunzip",
        "_leave",
        "_pieces",
        "_wire",
        "headers",
        "status",
    )

    def __init__(
        self,
        wire: AsyncWire,
        response: Any,
        chunks: AsyncIterator[bytes],
        framing: Framing,
        leave: Callable[[], None],
    ) -> None:
        self.status: int = response.status
        self.headers: Sequence[tuple[bytes, bytes]] = response.headers
        self._gunzip = gunzip_for(framing)
        self._wire = wire
        self._chunks = chunks
        self._leave = leave
        self._pieces: Iterable[bytes] = iter(())
        self._busy = self._ended = self._closed = False

    async def read(self, timeout: Optional[float]) -> bytes:
        """See ``AsyncReplyStream.read``. One task at a time."""
        if self._wire.stranded() and not self._ended:
            await self.aclose()
            raise self._wire.closed_here()
        if self._wire.elsewhere() and not self._closed:
            raise RonConfigError("this stream was opened in another event loop, which is still open: read it there")
        if self._busy:
            raise RonConfigError("another task is reading this stream: open one stream for each")
        if self._closed and not self._ended:
            raise self._wire.closed_here()
        self._busy = True
        try:
            return await self._next(timeout)
        except BaseException as caught:  # noqa: BLE001 - raised below, without its frames
            error = settle(caught, self._wire, reading=True)
        finally:
            self._busy = False
        try:
            await self.aclose()
            raise error
        finally:
            del error

    async def aclose(self) -> None:
        """See ``AsyncReplyStream.aclose``."""
        if self._closed:
            return
        stranded = self._wire.stranded()
        self._closed = True
        self._leave()
        self._wire.abort()
        if stranded:
            return
        if not self._busy:
            await self._let_go()

    async def _next(self, seconds: Optional[float]) -> bytes:
        while not self._ended:
            for piece in self._pieces:
                return piece
            self._wire.begin_stream(seconds)
            chunk = await _take(self._chunks)
            if chunk is None:
                if self._gunzip is not None:
                    self._gunzip.finish()
                self._ended = True
                await self.aclose()
            else:
                self._pieces = iter((chunk,)) if self._gunzip is None else self._gunzip.feed(chunk)
        return b""

    async def _let_go(self) -> None:
        """Ends httpcore's generators: from inside, by the closed wire's refusal, which leaves none to the garbage
        collector.
        """
        with contextlib.suppress(Exception):
            close = getattr(self._chunks, "aclose", None)
            if close is not None and not self._wire.active:
                await close()  # a mock's stream, which knows no wire
                return
            while await _take(self._chunks) is not None:
                pass


async def _take(chunks: AsyncIterator[bytes]) -> Optional[bytes]:
    """The next chunk, None at the end."""
    async for chunk in chunks:
        return chunk
    return None
