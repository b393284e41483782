"""Event streams without types, under the seed's names: ``sse_event_stream`` and ``subscribe`` (seed §13).

What they stand on is ``ron._events`` (when a stream is lost, where the next one goes on) and ``SSEDecoder`` (the
bytes).
"""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, Optional, Union, overload

from ._events import StreamPosition, stream_events, stream_plan
from ._sse import Event, SSEDecoder
from .errors import RonConfigError

if TYPE_CHECKING:
    import threading
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from ._emissions import EmissionsAsync, EmissionsSync
    from .client import RonClient, RonClientSync

__all__ = ["Event", "SSEDecoder", "sse_event_stream", "subscribe"]


@overload
def sse_event_stream(
    client: RonClient,
    path: str,
    *,
    query: Optional[Mapping[str, Any]] = None,
    headers: Optional[Mapping[str, str]] = None,
    last_event_id: Optional[str] = None,
    idle_timeout: Optional[float] = None,
) -> EmissionsAsync[Event]: ...
@overload
def sse_event_stream(
    client: RonClientSync,
    path: str,
    *,
    query: Optional[Mapping[str, Any]] = None,
    headers: Optional[Mapping[str, str]] = None,
    last_event_id: Optional[str] = None,
    idle_timeout: Optional[float] = None,
) -> EmissionsSync[Event]: ...
def sse_event_stream(
    client: Union[RonClient, RonClientSync],
    path: str,
    *,
    query: Optional[Mapping[str, Any]] = None,
    headers: Optional[Mapping[str, str]] = None,
    last_event_id: Optional[str] = None,
    idle_timeout: Optional[float] = None,
) -> Union[EmissionsAsync[Event], EmissionsSync[Event]]:
    """The events of one stream, until it ends; it is not opened again (``client.subscribe`` does that).

    Args:
        client: a ``RonClient`` (``async for``) or a ``RonClientSync`` (``for``).
        path: of a ``text/event-stream``.
        query: parameters.
        headers: extra fields.
        last_event_id: where to go on from, as an earlier event's ``id``.
        idle_timeout: seconds of silence after which the stream counts as lost; None waits for ever.

    Raises:
        RonConfigError: at once, for wrong arguments.
        RonError: while iterating; ``RonNetworkError`` if the stream was cut.
    """
    flow = stream_events(
        client._session,
        stream_plan(path, query=query, headers=headers),
        StreamPosition(last_event_id),
        idle_timeout=idle_timeout,
        reconnect=False,
    )
    return client._emissions(flow)


@overload
def subscribe(
    client: RonClient,
    path: str,
    callback: Callable[[Event], Optional[Awaitable[None]]],
    *,
    stop_event: Optional[asyncio.Event] = None,
    max_retries: Optional[int] = None,
    query: Optional[Mapping[str, Any]] = None,
) -> Coroutine[Any, Any, None]: ...
@overload
def subscribe(
    client: RonClientSync,
    path: str,
    callback: Callable[[Event], None],
    *,
    stop_event: Optional[threading.Event] = None,
    max_retries: Optional[int] = None,
    query: Optional[Mapping[str, Any]] = None,
) -> None: ...
def subscribe(
    client: Union[RonClient, RonClientSync],
    path: str,
    callback: Callable[[Event], Any],
    *,
    stop_event: Any = None,
    max_retries: Optional[int] = None,
    query: Optional[Mapping[str, Any]] = None,
) -> Optional[Coroutine[Any, Any, None]]:
    """Calls ``callback(event)`` for every event until the node ends the stream or ``stop_event`` is set.

    Reconnects like ``client.subscribe``. On a ``RonClient`` it is awaited, the callback may be async, and
    ``stop_event`` (an
    ``asyncio.Event``) ends it at once; on a ``RonClientSync`` it blocks, and ``stop_event`` (a ``threading.Event``)
    is looked at between events.

    Raises:
        RonConfigError: at once, for wrong arguments.
        RonWatchError: after ``max_retries`` + 1 streams in a row without an event (None: the client's setting).
    """
    if not callable(callback):
        raise RonConfigError("callback must be callable: it is called with every Event")
    flow = stream_events(
        client._session,
        stream_plan(path, query=query, max_retries=0),
        StreamPosition(),
        max_retries=max_retries,
    )
    from .client import RonClient

    if isinstance(client, RonClient):
        if stop_event is not None and not isinstance(stop_event, asyncio.Event):
            raise RonConfigError(
                f"the stop_event of a RonClient is an asyncio.Event, not {type(stop_event).__name__}: "
                "it ends the subscription in its event loop"
            )
        return _deliver_async(client._emissions(flow), callback, stop_event)
    if stop_event is not None and not callable(getattr(stop_event, "is_set", None)):
        raise RonConfigError(f"the stop_event of a RonClientSync is a threading.Event, not {type(stop_event).__name__}")
    events = client._emissions(flow)
    try:
        while stop_event is None or not stop_event.is_set():
            event = next(events, None)
            if event is None:
                break
            if inspect.isawaitable(result := callback(event)):
                if inspect.iscoroutine(result):
                    result.close()
                raise RonConfigError(
                    "this callback is async, but the client is sync: give a plain function, or use RonClient"
                )
    finally:
        events.close()
    return None


async def _deliver_async(events: Any, callback: Callable[[Event], Any], stop_event: Optional[asyncio.Event]) -> None:
    stopped = None if stop_event is None else asyncio.ensure_future(stop_event.wait())
    tasks: list[asyncio.Future[Any]] = [] if stopped is None else [stopped]
    try:
        while stop_event is None or not stop_event.is_set():
            upcoming: asyncio.Future[Event] = asyncio.ensure_future(events.__anext__())
            tasks = [upcoming] if stopped is None else [upcoming, stopped]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not upcoming.done():
                break
            try:
                event = upcoming.result()
            except StopAsyncIteration:
                break
            result = callback(event)
            if inspect.isawaitable(result):
                await result
    finally:
        for task in tasks:
            if not task.done():
                task.cancel()
                await asyncio.wait([task])
        await events.aclose()
