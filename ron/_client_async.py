"""``RonClient``: the async client. A thin surface: every method builds a flow and hands it to its driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Optional, TypeVar, Union

from . import _calls
from ._ambient import ASYNC, Activation
from ._client import BaseClient
from ._drive import run_async
from ._emissions import EmissionsAsync
from ._events import StreamPosition, stream_events, stream_plan
from ._facet_client import FacetClient
from ._values import UNSET

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from ._calls import HealthReport
    from ._effects import Effect
    from ._sse import Event
    from .resources import Manager, Resource

    R = TypeVar("R", bound=Resource)

__all__ = ["RonClient"]

T = TypeVar("T")


class RonClient(BaseClient):
    """An asynchronous client, for ``asyncio``. Make one and share it: it keeps connections open between calls.

    Args:
        base_url: the gateway's URL; without it (and without ``config``) the environment is read.
        config: a whole configuration; single ``fields`` win over it.
        token: the capability, a ``str`` or ``SecretStr``.
        token_provider: a function that returns the token, sync or async; asked on first use and after a 401.
        transport: ``"default"``, ``"fast"`` (see :class:`ron.transport.FastTransport`), or a transport object such as
            ``ron.testing.MemoryNode`` or ``ron.HttpxTransport``. An object wins over ``RON_SDK_TRANSPORT``.
        clock: time, sleep and randomness; for tests (``ron.testing.FakeClock``).
        fields: any field of :class:`ron.ClientConfig`.

    Raises:
        RonConfigError: at once, for whatever is wrong with these.
    """

    is_sync: ClassVar[bool] = False

    def _run(self, flow: Generator[Effect, Any, T]) -> Coroutine[Any, Any, T]:
        return run_async(self._ports, flow)

    def _emissions(self, flow: Generator[Effect, Any, None]) -> EmissionsAsync[Any]:
        return EmissionsAsync(self._ports, flow)

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = UNSET,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
        idempotency_key: Union[str, bool, None] = None,
    ) -> Any:
        """Sends one request and returns the answer's JSON value as it came; None for an empty body.

        Args:
            method: ``GET``, ``HEAD``, ``OPTIONS``, ``POST``, ``PUT``, ``PATCH`` or ``DELETE``.
            path: below the base URL, such as ``/app/hello``; no query in it.
            json: the body, anything JSON can say.
            query: parameters; a list repeats its name.
            headers: extra fields.
            timeout: seconds for the whole call, all attempts and waits included.
            idempotency_key: your word that the service behind honours it, so that a lost write may be repeated; True
                mints one.

        Raises:
            RonConfigError: for wrong arguments; nothing was sent.
            RonError: see :mod:`ron.errors`.
        """
        return await self._run(
            _calls.plain_call(
                self._session,
                method,
                path,
                json=json,
                query=query,
                headers=headers,
                timeout=timeout,
                idempotency_key=idempotency_key,
            )
        )

    async def get(
        self,
        path: str,
        *,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
    ) -> Any:
        """``GET path``; see :meth:`call`."""
        return await self._run(
            _calls.plain_call(self._session, "GET", path, query=query, headers=headers, timeout=timeout)
        )

    async def post(
        self,
        path: str,
        *,
        json: Any = UNSET,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
        idempotency_key: Union[str, bool, None] = None,
    ) -> Any:
        """``POST path``; see :meth:`call`."""
        return await self._run(
            _calls.plain_call(
                self._session,
                "POST",
                path,
                json=json,
                query=query,
                headers=headers,
                timeout=timeout,
                idempotency_key=idempotency_key,
            )
        )

    async def put(
        self,
        path: str,
        *,
        json: Any = UNSET,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
        idempotency_key: Union[str, bool, None] = None,
    ) -> Any:
        """``PUT path``; see :meth:`call`."""
        return await self._run(
            _calls.plain_call(
                self._session,
                "PUT",
                path,
                json=json,
                query=query,
                headers=headers,
                timeout=timeout,
                idempotency_key=idempotency_key,
            )
        )

    async def patch(
        self,
        path: str,
        *,
        json: Any = UNSET,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
        idempotency_key: Union[str, bool, None] = None,
    ) -> Any:
        """``PATCH path``; see :meth:`call`."""
        return await self._run(
            _calls.plain_call(
                self._session,
                "PATCH",
                path,
                json=json,
                query=query,
                headers=headers,
                timeout=timeout,
                idempotency_key=idempotency_key,
            )
        )

    async def delete(
        self,
        path: str,
        *,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
        idempotency_key: Union[str, bool, None] = None,
    ) -> Any:
        """``DELETE path``; see :meth:`call`."""
        return await self._run(
            _calls.plain_call(
                self._session,
                "DELETE",
                path,
                query=query,
                headers=headers,
                timeout=timeout,
                idempotency_key=idempotency_key,
            )
        )

    async def health(self, *, timeout: Optional[float] = None) -> HealthReport:
        """Asks ``/healthz``; a node that says no is a report with ``ok=False``, not an error."""
        return await self._run(_calls.health(self._session, "/healthz", timeout))

    async def ready(self, *, timeout: Optional[float] = None) -> HealthReport:
        """Asks ``/readyz``; a node that says no is a report with ``ok=False``, not an error."""
        return await self._run(_calls.health(self._session, "/readyz", timeout))

    async def node_metrics(self, *, timeout: Optional[float] = None) -> str:
        """The node's own ``/metrics``, as Prometheus text."""
        return await self._run(_calls.node_metrics(self._session, timeout))

    def subscribe(
        self,
        path: str,
        *,
        query: Optional[Mapping[str, Any]] = None,
        last_event_id: Optional[str] = None,
        idle_timeout: Optional[float] = None,
    ) -> EmissionsAsync[Event]:
        """Events of a stream, for ``async for``; reconnects by itself and goes on after the last event's id.

        Args:
            path: of a ``text/event-stream``.
            query: parameters.
            last_event_id: where to go on from, as an earlier event's ``id``.
            idle_timeout: seconds of silence after which the stream counts as lost; None waits for ever.

        Raises:
            RonConfigError: at once, for wrong arguments.
            RonWatchError: while iterating, after ``max_retries`` + 1 streams in a row without an event.
        """
        return self._emissions(
            stream_events(
                self._session,
                stream_plan(path, query=query, max_retries=0),
                StreamPosition(last_event_id),
                idle_timeout=idle_timeout,
            )
        )

    def objects(self, resource: type[R]) -> Manager[R]:
        """The manager of a resource class on this client."""
        from .resources import Manager

        return Manager(resource, self)

    def facet(self, facet_id: str) -> FacetClient:
        """A client whose paths begin below the facet, ``/app/<facet_id>``."""
        return FacetClient(self, facet_id)

    def activate(self) -> Activation[Self]:
        """``with client.activate():`` makes this the client of bare ``Item.objects`` in this context."""
        return Activation(ASYNC, self)

    async def aclose(self) -> None:
        """Closes all connections and forgets the token. Idempotent."""
        if self._release():
            await self._ports.channel.aclose()

    async def __aenter__(self) -> Self:
        self._ports.check_open()
        ASYNC.enter(self)
        return self

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        ASYNC.leave(self)
        await self.aclose()
