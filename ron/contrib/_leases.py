"""Which tenant's client is made, shared, kept and closed, and when. Nothing here may do I/O.

The rules are generators that yield steps (make, wait, close); ``tenants`` has the two drivers that take them. A client
is *leased* to a request, and never closed while it is, unless the whole registry closes::

    absent ─→ being made ─→ leased ⇄ idle ─→ closed
                 └─ failed: everyone who waited gets the error, the next one tries again

A forked child begins with nothing: its parent's clients, and the leases on them, are none of its business.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional, Union

from .._suggest import shown
from ..errors import RonConfigError

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Close", "Lease", "Leases", "Make", "Step", "Wait", "checked_tenant"]


@dataclass(frozen=True)
class Make:
    """Call the factory for this tenant; its answer is the client."""

    tenant: str


@dataclass(frozen=True)
class Wait:
    """Wait for the future, at most ``timeout`` seconds; the answer is its result, None when it took too long."""

    future: Future[Any]
    timeout: Optional[float] = None


@dataclass(frozen=True)
class Close:
    """Close the client."""

    client: Any


Step = Union[Make, Wait, Close]


class Lease:
    """A tenant's client, and how many requests use it now."""

    __slots__ = ("client", "state", "tenant", "users")

    def __init__(self, state: _State, tenant: str, client: Any) -> None:
        self.state = state
        self.tenant = tenant
        self.client = client
        self.users = 1


class _State:
    """One process's clients; everything in it is read and written under ``lock``."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.closed = False
        self.current: OrderedDict[str, Lease] = OrderedDict()  # the least recently leased comes first
        self.retired: list[Lease] = []  # replaced or forgotten while they were in use
        self.making: dict[str, Future[Any]] = {}
        self.drained: Optional[Future[None]] = None

    def all(self) -> list[Lease]:
        return [*self.retired, *self.current.values()]

    def retire(self, tenant: str) -> None:
        """No new request gets this client; it is closed once nobody uses it."""
        lease = self.current.pop(tenant, None)
        if lease is not None:
            self.retired.append(lease)

    def victim(self, limit: int, *, busy: bool) -> Optional[Lease]:
        """Removes and returns one client that is to be closed now; ``busy`` says whether it may be in use."""
        for lease in self.retired:
            if busy or not lease.users:
                self.retired.remove(lease)
                return lease
        if len(self.current) > limit:
            for tenant, lease in self.current.items():
                if busy or not lease.users:
                    del self.current[tenant]
                    return lease
        return None


class Leases:
    """The clients of many tenants; ``kind`` is the class of client that the factory makes."""

    def __init__(self, owner: str, kind: type[Any], max_clients: int) -> None:
        number = isinstance(max_clients, int) and not isinstance(max_clients, bool)
        if not number or max_clients < 1:
            raise RonConfigError(f"max_clients must be a whole number from 1 on, not {shown(max_clients)}")
        self._owner = owner
        self._kind = kind
        self._limit = max_clients
        self._states: dict[int, _State] = {}

    def _here(self) -> _State:
        pid = os.getpid()
        # `setdefault` is atomic: two threads that come first get one state.
        return self._states.get(pid) or self._states.setdefault(pid, _State())

    def __len__(self) -> int:
        state = self._here()
        with state.lock:
            return len(state.current) + len(state.retired)

    def open(self) -> None:
        """Lets clients be made (again)."""
        state = self._here()
        with state.lock:
            state.closed = False

    def take(self, tenant: str) -> Generator[Step, Any, Lease]:
        """A lease on the tenant's client, which is made if there is none; whoever comes meanwhile waits for it.

        Raises:
            RonConfigError: for a bad key, a closed registry, or a factory that returns no fitting client.
            Exception: what the factory raises, to everyone who waited for it; the next one tries again.
        """
        checked_tenant(tenant)
        while True:
            state = self._here()
            with state.lock:
                self._check_open(state)
                lease = self._existing(state, tenant)
                if lease is not None:
                    return lease
                making = state.making.get(tenant)
                mine = making is None
                if making is None:
                    making = state.making[tenant] = _promise()
            if mine:
                return (yield from self._made(state, tenant, making))
            failed = yield Wait(making)
            if failed is not None:
                raise failed

    def settle(self, lease: Lease) -> None:
        """Ends one use; closes nothing, so that it can be called where nothing can be awaited."""
        state = lease.state
        if state is not self._here():
            return  # inherited by a fork, maybe with its lock held
        with state.lock:
            lease.users -= 1
            if state.drained is not None and not any(one.users for one in state.all()):
                state.drained.set_result(None)
                state.drained = None

    def prune(self) -> Generator[Step, Any, None]:
        """Closes what is idle and beyond the limit, the least recently used first."""
        yield from self._close(busy=False)

    def forget(self, tenant: str) -> Generator[Step, Any, None]:
        """Gives up the tenant's client: the next request makes another; those that use this one keep it."""
        state = self._here()
        with state.lock:
            state.retire(checked_tenant(tenant))
        yield from self._close(busy=False)

    def shut(self, grace: float) -> Generator[Step, Any, None]:
        """Lets no client be leased any more, closes the idle ones at once, and the others when their requests have
        ended, or after ``grace`` seconds.
        """
        state = self._here()
        with state.lock:
            state.closed = True
        yield from self._close(busy=False)
        with state.lock:
            busy = any(lease.users for lease in state.all())
            if busy and state.drained is None:
                state.drained = _promise()
            drained = state.drained
        if busy and drained is not None and grace:
            yield Wait(drained, grace)
        yield from self._close(busy=True)

    def _close(self, *, busy: bool) -> Generator[Step, Any, None]:
        """One at a time: a caller that is cancelled meanwhile leaves the others to whoever comes next."""
        state = self._here()
        while True:
            with state.lock:
                lease = state.victim(0 if state.closed else self._limit, busy=busy)
            if lease is None:
                return
            yield Close(lease.client)

    def _existing(self, state: _State, tenant: str) -> Optional[Lease]:
        lease = state.current.get(tenant)
        if lease is None:
            return None
        if lease.client.is_closed:  # by the application, with `async with client:` in a handler
            state.retire(tenant)
            return None
        lease.users += 1
        state.current.move_to_end(tenant)
        return lease

    def _made(self, state: _State, tenant: str, making: Future[Any]) -> Generator[Step, Any, Lease]:
        failed: Optional[Exception] = None
        try:
            client = yield Make(tenant)
            refusal = self._refusal(client)
            with state.lock:
                refusal = refusal or self._shared(state, client)
                late = state.closed
                if not refusal and not late:
                    lease = state.current[tenant] = Lease(state, tenant, client)
                    return lease
            if late and not refusal:
                yield Close(client)
            raise RonConfigError(refusal or self._closed())
        except Exception as error:
            failed = error
            raise
        finally:
            # A cancelled maker leaves None behind: one of those who waited takes its place.
            with state.lock:
                state.making.pop(tenant, None)
            making.set_result(failed)

    def _refusal(self, client: Any) -> str:
        if not isinstance(client, self._kind):
            return f"the factory of {self._owner} must return a {self._kind.__name__}, not {type(client).__name__}"
        if client.is_closed:
            return f"the factory of {self._owner} returned a closed client: make a new one at each call"
        return ""

    def _shared(self, state: _State, client: Any) -> str:
        """Whether the client is, or is a `with_options` copy of, one that is here: that would share a capability."""
        if any(lease.client._ports is client._ports for lease in state.all()):
            return (
                f"the factory of {self._owner} returned the client of another tenant: make a new one at each call, so "
                "that no two tenants share a capability"
            )
        return ""

    def _closed(self) -> str:
        return f"this {self._owner} is closed: no client is made after the server's shutdown"

    def _check_open(self, state: _State) -> None:
        if state.closed:
            raise RonConfigError(self._closed())


def checked_tenant(tenant: Any) -> str:
    """The key, if it can be one; it is never quoted, for a header that it came from may hold anything."""
    if not isinstance(tenant, str) or not tenant:
        what = "an empty one" if tenant == "" else type(tenant).__name__
        raise RonConfigError(f"a tenant is named by a str that is not empty, not by {what}")
    return tenant


def _promise() -> Future[Any]:
    """A future that waiters who are cancelled cannot cancel for the others."""
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()
    return future
