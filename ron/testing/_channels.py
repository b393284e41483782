"""One client's way to a memory node, async and sync. What the node decides is handed on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Optional, Union

from .._values import Failure, Reply
from ..errors import RonConfigError
from ._streams import (
    AsyncFeedStream,
    AsyncWholeStream,
    Feed,
    SyncFeedStream,
    SyncWholeStream,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._values import Credential, Exchange
    from ..transport import Endpoint

    Head = tuple[tuple[bytes, bytes], ...]
    Handle = Callable[[Exchange, Optional[Credential]], Union[Reply, tuple[Feed, Head]]]

__all__ = ["AsyncMemoryChannel", "SyncMemoryChannel"]


class _Channel:
    """What both colours share: the bounds of the client, and which streams it has open."""

    def __init__(self, handle: Handle, endpoint: Endpoint) -> None:
        self._handle = handle
        self._endpoint = endpoint
        self._streams: set[Any] = set()

    def _ask(self, exchange: Exchange, credential: Optional[Credential]) -> Union[Reply, tuple[Feed, Head]]:
        if self._endpoint.clock.monotonic() >= exchange.deadline:
            raise Failure("timeout", "the deadline passed before it was sent", sent=False, timed_out=True)
        answer = self._handle(exchange, credential)
        limit = self._endpoint.max_response_bytes
        if isinstance(answer, Reply) and len(answer.body) > limit:
            raise Failure("too_large", f"the answer is larger than {limit} bytes", sent=True, permanent=True)
        return answer

    def _whole(self, exchange: Exchange, credential: Optional[Credential]) -> Reply:
        answer = self._ask(exchange, credential)
        if isinstance(answer, Reply):
            return answer
        feed, headers = answer
        feed.leave()  # as behind a gateway that buffers: what there is, as one answer
        return Reply(200, headers, feed.take() or b"")

    def _check_streams(self) -> None:
        limit = self._endpoint.max_streams
        if len(self._streams) >= limit:
            raise RonConfigError(
                f"max_streams={limit} streams are open already: close one, or give the client a larger max_streams="
            )


class AsyncMemoryChannel(_Channel):
    """See ``AsyncChannel``."""

    async def send(self, exchange: Exchange, credential: Optional[Credential]) -> Reply:
        """See ``AsyncChannel.send``; other tasks get their turn first, as on a network."""
        await asyncio.sleep(0)
        return self._whole(exchange, credential)

    async def stream(self, exchange: Exchange, credential: Optional[Credential]) -> Any:
        """See ``AsyncChannel.stream``. Raises ``RonConfigError`` beyond ``max_streams``."""
        await asyncio.sleep(0)
        self._check_streams()
        answer = self._ask(exchange, credential)
        if isinstance(answer, Reply):
            return AsyncWholeStream(answer)
        stream = AsyncFeedStream(answer[0], answer[1], self._endpoint.clock)
        self._streams.add(stream)
        stream.on_close = lambda: self._streams.discard(stream)
        return stream

    async def aclose(self) -> None:
        """See ``AsyncChannel.aclose``."""
        for stream in tuple(self._streams):
            await stream.aclose()


class SyncMemoryChannel(_Channel):
    """See ``SyncChannel``."""

    def send(self, exchange: Exchange, credential: Optional[Credential]) -> Reply:
        """See ``SyncChannel.send``."""
        return self._whole(exchange, credential)

    def stream(self, exchange: Exchange, credential: Optional[Credential]) -> Any:
        """See ``SyncChannel.stream``. Raises ``RonConfigError`` beyond ``max_streams``."""
        self._check_streams()
        answer = self._ask(exchange, credential)
        if isinstance(answer, Reply):
            return SyncWholeStream(answer)
        stream = SyncFeedStream(answer[0], answer[1], self._endpoint.clock)
        self._streams.add(stream)
        stream.on_close = lambda: self._streams.discard(stream)
        return stream

    def close(self) -> None:
        """See ``SyncChannel.close``."""
        for stream in tuple(self._streams):
            stream.close()
