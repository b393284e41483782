"""``Tenants`` and ``TenantsSync``: one client a tenant. The rules stand in ``_leases``; here they are carried out."""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
from typing import TYPE_CHECKING, Any, Callable, Optional, TypeVar, Union

from .._suggest import shown
from ..client import RonClient, RonClientSync
from ..errors import RonConfigError
from ._leases import Close, Lease, Leases, Make, Step

if TYPE_CHECKING:
    from collections.abc import Awaitable, Generator
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Tenants", "TenantsSync"]

T = TypeVar("T")


class _Registry:
    """What both have in common."""

    def __init__(self, make: Callable[[str], Any], kind: type[Any], max_clients: int) -> None:
        if not callable(make):
            raise RonConfigError(
                f"{type(self).__name__} needs a function that makes a tenant's client, not {shown(make)}"
            )
        self._make = make
        self._leases = Leases(type(self).__name__, kind, max_clients)

    def __len__(self) -> int:
        """How many clients there are now."""
        return len(self._leases)

    def __bool__(self) -> bool:
        return True  # an empty registry is one

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self)} clients>"  # no names: they may be anything that came in a header

    async def _aclient(self, tenant: str) -> Any:
        """The tenant's client from its factory, for a caller in an event loop."""
        made = self._make(tenant)
        return await made if inspect.isawaitable(made) else made

    async def _take(self, tenant: str) -> Lease:
        return await _run_async(self._leases.take(tenant), self._astep)

    def _settle(self, lease: Lease) -> None:
        self._leases.settle(lease)

    async def _prune(self) -> None:
        await _run_async(self._leases.prune(), self._astep)

    async def _shut(self, grace: float) -> None:
        await _run_async(self._leases.shut(checked_grace(grace)), self._astep)

    async def _astep(self, step: Step) -> Any:
        if isinstance(step, Make):
            return await self._aclient(step.tenant)
        if isinstance(step, Close):
            await self._aclose_client(step.client)
            return None
        future = asyncio.wrap_future(step.future)
        done, _ = await asyncio.wait([future], timeout=step.timeout)
        return future.result() if done else None

    async def _aclose_client(self, client: Any) -> None:
        await client.aclose()


class Tenants(_Registry):
    """One ``RonClient`` for each tenant: made when first needed, shared by the tenant's requests, closed when idle.

    ::

        async with Tenants(client_of) as tenants:
            async with tenants.client("acme") as client:
                await client.objects(Item).get("i-1")

    Two requests of a new tenant wait for one call of the factory. Where that raises, both get the error and nothing is
    kept. When a request ends, idle clients beyond ``max_clients`` are closed, the least recently used first; one in use
    never is.

    Args:
        make: from the tenant's key to a new client of its own, a plain function or an ``async`` one. It decides which
            tenants there are: let it raise for the others. It is called in the event loop, so it must not block.
        max_clients: how many clients to keep.

    Raises:
        RonConfigError: for what is no function and no number.
    """

    def __init__(
        self, make: Callable[[str], Union[RonClient, Awaitable[RonClient]]], *, max_clients: int = 100
    ) -> None:
        super().__init__(make, RonClient, max_clients)

    def client(self, tenant: str) -> LeasedClient:
        """``async with tenants.client("acme") as client:``; the client is not closed within the block.

        Raises (when entered):
            RonConfigError: the registry is closed, or the factory returned no fitting client.
            Exception: what the factory raises.
        """
        return LeasedClient(self, tenant)

    async def forget(self, tenant: str) -> None:
        """Gives up the tenant's client, when what it was made of has changed: the next request makes another.

        Requests that use the old one keep it; it is closed when the last of them ends.
        """
        await _run_async(self._leases.forget(tenant), self._astep)

    async def aclose(self, grace: float = 5.0) -> None:
        """Closes all clients: idle ones at once, the others when their requests have ended, or after ``grace``
        seconds. Until it is entered again, asking for a client raises ``RonConfigError``. Idempotent.
        """
        await self._shut(grace)

    async def __aenter__(self) -> Self:
        self._leases.open()
        return self

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.aclose()


class TenantsSync(_Registry):
    """The sync twin of :class:`Tenants`, for ``RonClientSync``; any thread may use it.

    In an ASGI server, its factory runs in a thread of asyncio's default executor.
    """

    def __init__(self, make: Callable[[str], RonClientSync], *, max_clients: int = 100) -> None:
        super().__init__(make, RonClientSync, max_clients)

    def client(self, tenant: str) -> LeasedClientSync:
        """``with tenants.client("acme") as client:``; the client is not closed within the block.

        Raises (when entered):
            RonConfigError: the registry is closed, or the factory returned no fitting client.
            Exception: what the factory raises.
        """
        return LeasedClientSync(self, tenant)

    def forget(self, tenant: str) -> None:
        """Gives up the tenant's client, when what it was made of has changed: the next request makes another.

        Requests that use the old one keep it; it is closed when the last of them ends.
        """
        _run_sync(self._leases.forget(tenant), self._step)

    def close(self, grace: float = 5.0) -> None:
        """Closes all clients: idle ones at once, the others when their requests have ended, or after ``grace``
        seconds. Until it is entered again, asking for a client raises ``RonConfigError``. Idempotent.
        """
        _run_sync(self._leases.shut(checked_grace(grace)), self._step)

    def __enter__(self) -> Self:
        self._leases.open()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def _take_sync(self, tenant: str) -> Lease:
        return _run_sync(self._leases.take(tenant), self._step)

    def _prune_sync(self) -> None:
        _run_sync(self._leases.prune(), self._step)

    def _step(self, step: Step) -> Any:
        if isinstance(step, Make):
            return self._make(step.tenant)
        if isinstance(step, Close):
            step.client.close()
            return None
        done, _ = concurrent.futures.wait([step.future], step.timeout)
        return step.future.result() if done else None

    async def _aclient(self, tenant: str) -> Any:
        return await asyncio.to_thread(self._make, tenant)

    async def _aclose_client(self, client: Any) -> None:
        client.close()  # breaks its connections off; waits for nothing


class LeasedClient:
    """See :meth:`Tenants.client`."""

    def __init__(self, tenants: Tenants, tenant: str) -> None:
        self._tenants = tenants
        self._tenant = tenant
        self._leases: list[Lease] = []

    async def __aenter__(self) -> RonClient:
        lease = await self._tenants._take(self._tenant)
        self._leases.append(lease)
        client: RonClient = lease.client
        return client

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self._tenants._settle(self._leases.pop())
        await self._tenants._prune()


class LeasedClientSync:
    """See :meth:`TenantsSync.client`."""

    def __init__(self, tenants: TenantsSync, tenant: str) -> None:
        self._tenants = tenants
        self._tenant = tenant
        self._leases: list[Lease] = []

    def __enter__(self) -> RonClientSync:
        lease = self._tenants._take_sync(self._tenant)
        self._leases.append(lease)
        client: RonClientSync = lease.client
        return client

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self._tenants._settle(self._leases.pop())
        self._tenants._prune_sync()


def checked_grace(grace: float) -> float:
    """Seconds, if these are some."""
    number = isinstance(grace, (int, float)) and not isinstance(grace, bool)
    if not number or not 0 <= grace < float("inf"):
        raise RonConfigError(f"grace must be a number of seconds from 0 on, not {shown(grace)}")
    return grace


async def _run_async(flow: Generator[Step, Any, T], do: Callable[[Step], Awaitable[Any]]) -> T:
    try:
        step = next(flow)
        while True:
            try:
                answer = await do(step)
            except BaseException as error:  # noqa: BLE001 - it is thrown into the flow, which raises it
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result


def _run_sync(flow: Generator[Step, Any, T], do: Callable[[Step], Any]) -> T:
    try:
        step = next(flow)
        while True:
            try:
                answer = do(step)
            except BaseException as error:  # noqa: BLE001 - it is thrown into the flow, which raises it
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
