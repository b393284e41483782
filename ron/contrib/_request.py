"""The clients of one request: leased when asked for, bound for bare ``Item.objects``, given back at its end."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Callable, Optional, TypeVar, Union

from .._suggest import shown
from ..client import RonClient, RonClientSync
from ..errors import RonConfigError
from .tenants import Tenants, TenantsSync

if TYPE_CHECKING:
    from ..resources import Manager, ManagerSync, Resource
    from ._leases import Lease

    R = TypeVar("R", bound=Resource)

__all__ = ["RequestClients", "Sources"]

#: the key of an application that has one client only
SOLE = "the application"


class Sources:
    """Where the clients of an application's requests come from.

    Args:
        clients: ``Tenants``, or a function without arguments that makes the one client of the application.
        clients_sync: the same for ``Item.objects_sync``.
        tenanted: whether the server was told how to find a request's tenant.
        where: who asks, for messages.
        only: what the one argument of a server of sync clients is called there.

    Raises:
        RonConfigError: for anything else, and for neither.
    """

    def __init__(
        self, clients: Any, clients_sync: Any, *, tenanted: bool, where: str, only: str = "clients_sync"
    ) -> None:
        suffix = "Sync" if only == "clients" else ""
        if clients is None and clients_sync is None:
            raise RonConfigError(
                f"{where} needs clients=: Tenants{suffix}(...), or a function that makes the client, such as "
                f"RonClient{suffix}.from_env"
            )
        self.clients: Optional[Tenants] = _registry(clients, "clients", Tenants, where)
        self.clients_sync: Optional[TenantsSync] = _registry(clients_sync, only, TenantsSync, where)
        self.sole = not isinstance(clients, Tenants) and not isinstance(clients_sync, TenantsSync)
        if self.sole and tenanted:
            raise RonConfigError(
                f"{where} has a tenant= but one client for all: give it Tenants{suffix}(...), whose factory takes the "
                "tenant"
            )
        if not self.sole and (_is_factory(clients) or _is_factory(clients_sync)):
            raise RonConfigError(f"{where} has tenants for one colour of client and one client for the other")

    def registries(self) -> list[Union[Tenants, TenantsSync]]:
        """Those that there are."""
        return [one for one in (self.clients, self.clients_sync) if one is not None]

    def request(self) -> RequestClients:
        """The clients of a request that begins."""
        return RequestClients(self)

    def open(self) -> None:
        """Lets clients be made (again)."""
        for registry in self.registries():
            registry._leases.open()

    async def aclose(self) -> None:
        """Closes all of them."""
        for registry in self.registries():
            await registry._shut(5.0)


class RequestClients:
    """The clients of one request; a server keeps it until the last byte of the response is sent."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._leases: dict[tuple[bool, str], Lease] = {}
        self._bound: Optional[str] = None
        self._closed = False

    def __bool__(self) -> bool:
        """Whether it holds any."""
        return bool(self._leases)

    @property
    def client(self) -> RonClient:
        """The async client bound to this request.

        Raises:
            RonConfigError: no tenant was found for it, or no ``clients=`` were given.
        """
        client: RonClient = self._bound_client(sync=False)
        return client

    @property
    def client_sync(self) -> RonClientSync:
        """The sync client bound to this request.

        Raises:
            RonConfigError: no tenant was found for it, or no ``clients_sync=`` were given.
        """
        client: RonClientSync = self._bound_client(sync=True)
        return client

    def objects(self, resource: type[R]) -> Manager[R]:
        """The manager of a resource on the bound async client."""
        return self.client.objects(resource)

    def objects_sync(self, resource: type[R]) -> ManagerSync[R]:
        """The manager of a resource on the bound sync client."""
        return self.client_sync.objects(resource)

    def activated(self) -> ExitStack:
        """``with request.activated():`` makes the bound clients those of bare ``Item.objects`` in this context."""
        stack = ExitStack()
        if self._bound is not None:
            for sync in (False, True):
                lease = self._leases.get((sync, self._bound))
                if lease is not None:
                    stack.enter_context(lease.client.activate())
        return stack

    # What servers do with it.

    async def bind(self, tenant: Optional[str]) -> None:
        """Binds the tenant's clients of both colours; None binds nobody, or an application's only client."""
        tenant = self._key(tenant)
        if tenant is None:
            return
        for sync, registry in ((False, self._sources.clients), (True, self._sources.clients_sync)):
            if registry is not None:
                await self._lease(registry, tenant, sync)
        self._bound = tenant

    def bind_sync(self, tenant: Optional[str]) -> None:
        """Binds the tenant's sync client; None binds nobody, or an application's only client."""
        tenant = self._key(tenant)
        if tenant is not None:
            self._lease_sync(tenant)
            self._bound = tenant

    async def of(self, tenant: str, *, sync: bool) -> Any:
        """The client of a tenant, bound or not, for the length of this request."""
        self._key(tenant)
        return (await self._lease(self._registry(sync), tenant, sync)).client

    async def release(self) -> None:
        """Gives all clients back."""
        for registry in self._settle():
            await registry._prune()

    def release_sync(self) -> None:
        """Gives all clients back where nothing can be awaited; an async one beyond the limit is closed later."""
        for registry in self._settle():
            if isinstance(registry, TenantsSync):
                registry._prune_sync()

    def _settle(self) -> list[Any]:
        """All uses end before anything is closed, which a cancellation might cut short."""
        self._closed = True
        used = {sync: self._registry(sync) for sync, _ in self._leases}
        while self._leases:
            (sync, _), lease = self._leases.popitem()
            used[sync]._settle(lease)
        return list(used.values())

    def _key(self, tenant: Optional[str]) -> Optional[str]:
        if not self._sources.sole:
            return tenant
        if tenant is not None:
            raise RonConfigError(
                "a tenant is named, but the server was given one client for all: give it Tenants(...), whose factory "
                "takes the tenant"
            )
        return SOLE

    def _registry(self, sync: bool) -> Any:
        registry = self._sources.clients_sync if sync else self._sources.clients
        if registry is None:
            name, kind = ("clients_sync", "RonClientSync") if sync else ("clients", "RonClient")
            raise RonConfigError(f"no {kind} for this request: give {name}= where the server's other clients are given")
        return registry

    async def _lease(self, registry: Any, tenant: str, sync: bool) -> Lease:
        self._check_open()
        lease = self._leases.get((sync, tenant))
        if lease is not None:
            return lease
        taken: Lease = await registry._take(tenant)
        if self._closed or (sync, tenant) in self._leases:
            # The request has ended meanwhile, and with it what gives leases back; or another task of it was quicker.
            registry._settle(taken)
            self._check_open()
        else:
            self._leases[sync, tenant] = taken
        return taken

    def _lease_sync(self, tenant: str) -> Lease:
        self._check_open()
        lease = self._leases.get((True, tenant))
        if lease is None:
            lease = self._leases[True, tenant] = self._registry(sync=True)._take_sync(tenant)
        return lease

    def _bound_client(self, *, sync: bool) -> Any:
        self._check_open()
        self._registry(sync)
        lease = None if self._bound is None else self._leases.get((sync, self._bound))
        if lease is None:
            raise RonConfigError(
                "no tenant was found for this request, so no client is bound: the function given as tenant= returned "
                "None, or none was given"
            )
        return lease.client

    def _check_open(self) -> None:
        if self._closed:
            raise RonConfigError("this request has ended, and its clients are given back: lease one from the tenants")


def _is_factory(clients: Any) -> bool:
    return clients is not None and not isinstance(clients, (Tenants, TenantsSync))


def _registry(given: Any, name: str, kind: Any, where: str) -> Any:
    if given is None or isinstance(given, kind):
        return given
    if isinstance(given, (Tenants, TenantsSync)):
        raise RonConfigError(f"{where}: {name}= takes {kind.__name__}, not {type(given).__name__}")
    if not callable(given):
        raise RonConfigError(
            f"{where}: {name}= takes {kind.__name__}, or a function without arguments that makes the client, not "
            f"{shown(given)}"
        )
    factory: Callable[[], Any] = given
    return kind(lambda _: factory(), max_clients=1)
