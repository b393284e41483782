"""The clients: ``RonClient`` (async) and ``RonClientSync`` (native sync: no loop, no thread).

A thin surface: every method builds a flow (``ron._calls``, ``ron.resources``) and hands it to its driver.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Optional, TypeVar, Union

from . import _calls
from ._ambient import ASYNC, SYNC, Activation
from ._drive import EmissionsAsync, EmissionsSync, run_async, run_sync
from ._events import StreamPosition, stream_events, stream_plan
from ._plan import checked_headers, checked_timeout
from ._setup import assemble
from ._suggest import shown
from ._values import UNSET
from .config import ClientConfig, hidden
from .errors import RonConfigError
from ._facet_client import FacetClient, FacetClientSync

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator, Mapping
    from types import TracebackType

    from pydantic import SecretStr
    from typing_extensions import Self

    from ._calls import HealthReport
    from ._clock import Clock
    from ._flow import Effect
    from ._setup import Parts
    from .metrics import RequestMetrics
    from .resources import Manager, ManagerSync, Resource
    from .streaming import Event
    from .transport import Transport

    R = TypeVar("R", bound=Resource)

__all__ = ["RonClient", "RonClientSync"]

T = TypeVar("T")


class _Client:
    """What both clients are: parts, views on them, and no I/O."""

    _parts: Parts
    _owner: bool

    def _assemble(
        self,
        base_url: Optional[str],
        config: Optional[ClientConfig],
        token: Union[str, SecretStr, None],
        token_provider: Optional[Callable[[], Any]],
        transport: Union[str, Transport, None],
        clock: Optional[Clock],
        fields: dict[str, Any],
    ) -> None:
        self._owner = True
        sync = isinstance(self, RonClientSync)
        name = type(self).__name__
        self._parts = assemble(name, sync, base_url, config, token, token_provider, transport, clock, fields)
        self._session = self._parts.session
        self._ports = self._parts.ports

    @classmethod
    def from_env(cls, **fields: Any) -> Self:
        """A client configured by the environment (seed §4.1); ``fields`` are as for the constructor and win."""
        if "token" in fields:
            fields["token"] = hidden(fields["token"])
        make: Any = cls
        client: Self = make(config=ClientConfig.from_env(), **fields)
        return client

    @property
    def config(self) -> ClientConfig:
        """The configuration in force."""
        return self._parts.config

    @property
    def metrics(self) -> RequestMetrics:
        """Counters of this client's logical calls."""
        return self._ports.metrics

    @property
    def is_closed(self) -> bool:
        """Whether this client, or the one it is a copy of, was closed."""
        return self._ports.closed

    @property
    def _client(self) -> Self:
        """Itself: the seed's snippet hands ``client._client`` to ``sse_event_stream``."""
        return self

    def with_options(
        self,
        *,
        timeout: Optional[float] = None,
        max_retries: Optional[int] = None,
        headers: Optional[Mapping[str, str]] = None,
    ) -> Self:
        """A client on the same connections with other limits; closing it does nothing.

        Args:
            timeout: seconds for a whole call.
            max_retries: repeats after the first attempt, 0 to 20.
            headers: fields to add to every request.
        """
        limit = isinstance(max_retries, int) and not isinstance(max_retries, bool) and 0 <= max_retries <= 20
        if max_retries is not None and not limit:
            raise RonConfigError(f"max_retries must be a whole number from 0 to 20, not {shown(max_retries)}")
        other = type(self).__new__(type(self))
        other._owner = False
        other._parts = self._parts
        other._ports = self._ports
        other._session = self._session.with_options(checked_timeout(timeout), max_retries, checked_headers(headers))
        return other

    def add_middleware(self, middleware: Any) -> None:
        """Adds an object with ``before(request)`` and/or ``after(request, response)``.

        ``before`` runs once a call and may return header fields to add; ``after`` runs when an answer came. On
        ``RonClient`` they may be async. They never see ``Authorization``. What they raise reaches the caller as it is.
        """
        hooks = [getattr(middleware, name, None) for name in ("before", "after")]
        if not any(callable(hook) for hook in hooks):
            raise RonConfigError("middleware must have a method before(request) or after(request, response)")
        if isinstance(self, RonClientSync) and any(inspect.iscoroutinefunction(hook) for hook in hooks):
            raise RonConfigError("this middleware is async: give plain functions to RonClientSync, or use RonClient")
        self._session.middleware.append(middleware)

    def _release(self) -> bool:
        """Marks an owning client closed and drops the token; tells whether there is a channel to close."""
        if not self._owner or self._ports.closed:
            return False
        self._ports.closed = True
        self._session.authority.credential = None
        return True

    def __repr__(self) -> str:
        if not hasattr(self, "_ports"):  # a debugger shows a client whose arguments were refused
            return f"<{type(self).__name__} not made>"
        state = " closed" if self._ports.closed else ""
        where = "in-process" if self._parts.url is None else str(self._parts.url)
        return f"<{type(self).__name__} {where}{state}>"

    def __reduce__(self) -> Any:
        raise TypeError(
            f"a {type(self).__name__} does not pickle: send its config (which pickles without the token) and build a new "
            "client in the other process, with from_env() or a token_provider"
        )


class RonClient(_Client):
    """An asynchronous client, for ``asyncio``. Make one and share it: it keeps connections open between calls.

    Args:
        base_url: the gateway's URL; without it (and without ``config``) the environment is read.
        config: a whole configuration; single ``fields`` win over it.
        token: the capability, a ``str`` or ``SecretStr``.
        token_provider: a function that returns the token, sync or async; asked on first use and after a 401.
        transport: ``"default"``, or a transport object such as ``ron.testing.MemoryNode`` or ``ron.HttpxTransport``.
        clock: time, sleep and randomness; for tests (``ron.testing.FakeClock``).
        fields: any field of :class:`ron.ClientConfig`.

    Raises:
        RonConfigError: at once, for whatever is wrong with these.
    """

    def __init__(
        self,
        base_url: Optional[str] = None,
        *,
        config: Optional[ClientConfig] = None,
        token: Union[str, SecretStr, None] = None,
        token_provider: Optional[Callable[[], Any]] = None,
        transport: Union[str, Transport, None] = None,
        clock: Optional[Clock] = None,
        **fields: Any,
    ) -> None:
        token = hidden(token)
        self._assemble(base_url, config, token, token_provider, transport, clock, fields)

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
    ) -> AsyncIterator[Event]:
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


class RonClientSync(_Client):
    """A synchronous client: native, with no event loop and no thread behind it; safe to share between threads.

    Args:
        base_url: the gateway's URL; without it (and without ``config``) the environment is read.
        config: a whole configuration; single ``fields`` win over it.
        token: the capability, a ``str`` or ``SecretStr``.
        token_provider: a function that returns the token; asked on first use and after a 401.
        transport: ``"default"``, or a transport object such as ``ron.testing.MemoryNode`` or ``ron.HttpxTransport``.
        clock: time, sleep and randomness; for tests (``ron.testing.FakeClock``).
        fields: any field of :class:`ron.ClientConfig`.

    Raises:
        RonConfigError: at once, for whatever is wrong with these.
    """

    def __init__(
        self,
        base_url: Optional[str] = None,
        *,
        config: Optional[ClientConfig] = None,
        token: Union[str, SecretStr, None] = None,
        token_provider: Optional[Callable[[], Any]] = None,
        transport: Union[str, Transport, None] = None,
        clock: Optional[Clock] = None,
        **fields: Any,
    ) -> None:
        token = hidden(token)
        self._assemble(base_url, config, token, token_provider, transport, clock, fields)

    def _run(self, flow: Generator[Effect, Any, T]) -> T:
        return run_sync(self._ports, flow)

    def _emissions(self, flow: Generator[Effect, Any, None]) -> EmissionsSync[Any]:
        return EmissionsSync(self._ports, flow)

    def call(
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
        return self._run(
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

    def get(
        self,
        path: str,
        *,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
    ) -> Any:
        """``GET path``; see :meth:`call`."""
        return self._run(_calls.plain_call(self._session, "GET", path, query=query, headers=headers, timeout=timeout))

    def post(
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
        return self._run(
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

    def put(
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
        return self._run(
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

    def patch(
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
        return self._run(
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

    def delete(
        self,
        path: str,
        *,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
        idempotency_key: Union[str, bool, None] = None,
    ) -> Any:
        """``DELETE path``; see :meth:`call`."""
        return self._run(
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

    def health(self, *, timeout: Optional[float] = None) -> HealthReport:
        """Asks ``/healthz``; a node that says no is a report with ``ok=False``, not an error."""
        return self._run(_calls.health(self._session, "/healthz", timeout))

    def ready(self, *, timeout: Optional[float] = None) -> HealthReport:
        """Asks ``/readyz``; a node that says no is a report with ``ok=False``, not an error."""
        return self._run(_calls.health(self._session, "/readyz", timeout))

    def node_metrics(self, *, timeout: Optional[float] = None) -> str:
        """The node's own ``/metrics``, as Prometheus text."""
        return self._run(_calls.node_metrics(self._session, timeout))

    def subscribe(
        self,
        path: str,
        *,
        query: Optional[Mapping[str, Any]] = None,
        last_event_id: Optional[str] = None,
        idle_timeout: Optional[float] = None,
    ) -> Iterator[Event]:
        """Events of a stream, for ``for``; reconnects by itself and goes on after the last event's id.

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

    def objects(self, resource: type[R]) -> ManagerSync[R]:
        """The manager of a resource class on this client."""
        from .resources import ManagerSync

        return ManagerSync(resource, self)

    def facet(self, facet_id: str) -> FacetClientSync:
        """A client whose paths begin below the facet, ``/app/<facet_id>``."""
        return FacetClientSync(self, facet_id)

    def activate(self) -> Activation[Self]:
        """``with client.activate():`` makes this the client of bare ``Item.objects_sync`` in this context."""
        return Activation(SYNC, self)

    def close(self) -> None:
        """Closes all connections and forgets the token. Idempotent."""
        if self._release():
            self._ports.channel.close()

    def __enter__(self) -> Self:
        self._ports.check_open()
        SYNC.enter(self)
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        SYNC.leave(self)
        self.close()
