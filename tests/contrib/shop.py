"""What the servers of these tests serve: a node a tenant, each with one item that says whose it is."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any, Callable, TypeVar, Union

import pytest

from ron import Resource, RonClient, RonClientSync, RonConfigError, server
from ron._ambient import ASYNC, SYNC
from ron.contrib import Tenants, TenantsSync
from ron.testing import MemoryNode, stored

C = TypeVar("C", RonClient, RonClientSync)

__all__ = ["TENANTS", "Item", "Shop", "UnknownTenantError", "assert_nothing_is_bound", "refusal"]

TENANTS = tuple(f"tenant-{letter}" for letter in "abcdef")


class Item(Resource, path="/app/items"):
    """Its name is the tenant's."""

    id: str = server()
    name: str


class UnknownTenantError(Exception):
    """Raised by a factory for a tenant that there is not."""


class Shop:
    """Nodes and tokens of all tenants, and the clients that were made for them.

    A node refuses every token but its tenant's, so a client that is mixed up is an error and not only a wrong name.
    """

    def __init__(self, tenants: tuple[str, ...] = TENANTS) -> None:
        self.nodes = {tenant: MemoryNode(Item, token=f"capability-of-{tenant}") for tenant in tenants}
        for tenant, node in self.nodes.items():
            node.add(stored(Item, id="mine", name=tenant))
        self.clients: list[Union[RonClient, RonClientSync]] = []
        self.made: Counter[str] = Counter()
        self._lock = threading.Lock()

    def make(self, tenant: str) -> RonClient:
        """The factory of `Tenants`."""
        return self._kept(tenant, RonClient(transport=self._node(tenant), token=f"capability-of-{tenant}"))

    def make_sync(self, tenant: str) -> RonClientSync:
        """The factory of `TenantsSync`."""
        return self._kept(tenant, RonClientSync(transport=self._node(tenant), token=f"capability-of-{tenant}"))

    def tenants(self, **options: Any) -> Tenants:
        return Tenants(self.make, **options)

    def tenants_sync(self, **options: Any) -> TenantsSync:
        return TenantsSync(self.make_sync, **options)

    @property
    def open_clients(self) -> int:
        return sum(not client.is_closed for client in self.clients)

    def _node(self, tenant: str) -> MemoryNode:
        node = self.nodes.get(tenant)
        if node is None:
            raise UnknownTenantError("there is no such tenant")
        return node

    def _kept(self, tenant: str, client: C) -> C:
        with self._lock:
            self.clients.append(client)
            self.made[tenant] += 1
        return client


def assert_nothing_is_bound() -> None:
    """Neither colour of client is bound in this context."""
    for ambient in (ASYNC, SYNC):
        with pytest.raises(RonConfigError, match="no client here"):
            ambient.current("Item")


def refusal(call: Callable[..., object], *arguments: Any, **options: Any) -> str:
    """What the RonConfigError of a call says."""
    with pytest.raises(RonConfigError) as raised:
        call(*arguments, **options)
    return str(raised.value)
