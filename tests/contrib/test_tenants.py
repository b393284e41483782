"""One client a tenant: made once, shared, never closed while it is used, all closed at the end."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import threading
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any, Callable

import pytest

from ron import RonClient, RonClientSync, RonConfigError
from ron.contrib import Tenants, TenantsSync
from ron.contrib._request import Sources
from ron.testing import MemoryNode
from tests.contrib.shop import TENANTS, Item, Shop, UnknownTenantError, refusal

ROOT = Path(__file__).resolve().parents[2]

A, B, C = TENANTS[:3]


async def refused(call: Callable[..., Awaitable[object]], *arguments: Any) -> str:
    """What the RonConfigError of an async call says."""
    with pytest.raises(RonConfigError) as raised:
        await call(*arguments)
    return str(raised.value)


async def enter(tenants: Tenants, tenant: str) -> RonClient:
    """The tenant's client, used for a moment."""
    async with tenants.client(tenant) as client:
        return client


def enter_sync(tenants: TenantsSync, tenant: str) -> RonClientSync:
    """The tenant's client, used for a moment."""
    with tenants.client(tenant) as client:
        return client


async def until(true: Callable[[], bool]) -> None:
    """Lets the other tasks run until something has happened."""
    while not true():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0)


# --- Made once -----------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_client_is_made_when_needed_and_shared() -> None:
    """Nothing is made before the first request; the tenant's requests share one client, tenants share none."""
    shop = Shop()
    async with shop.tenants() as tenants:
        assert 0 == len(tenants)
        first, again, other = await enter(tenants, A), await enter(tenants, A), await enter(tenants, B)
        assert (first is again, first is other) == (True, False)
        assert A == (await first.objects(Item).get("mine")).name
        assert B == (await other.objects(Item).get("mine")).name
    assert {A: 1, B: 1} == shop.made
    assert 0 == shop.open_clients


def test_a_sync_client_is_made_when_needed_and_shared() -> None:
    """The same for threads."""
    shop = Shop()
    with shop.tenants_sync() as tenants:
        first, again, other = enter_sync(tenants, A), enter_sync(tenants, A), enter_sync(tenants, B)
        assert (first is again, first is other) == (True, False)
        assert B == other.objects(Item).get("mine").name
    assert {A: 1, B: 1} == shop.made
    assert 0 == shop.open_clients


class Gate:
    """An async factory that waits to be let through."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.open = asyncio.Event()
        self.calls = 0

    async def make(self, tenant: str) -> RonClient:
        self.calls += 1
        await self.open.wait()
        return self.shop.make(tenant)


@pytest.mark.anyio
async def test_requests_of_a_new_tenant_wait_for_one_factory_call() -> None:
    """Five requests of one new tenant at the same time cost one call, also where that is slow; others don't wait."""
    gate = Gate(Shop())
    async with Tenants(gate.make) as tenants:
        asked = [asyncio.create_task(enter(tenants, A)) for _ in range(5)]
        await until(lambda: gate.calls > 0)
        other = asyncio.create_task(enter(tenants, B))
        await until(lambda: gate.calls > 1)
        gate.open.set()
        clients = await asyncio.gather(*asked)
        assert 1 == len(set(map(id, clients)))
        assert (await other) is not clients[0]
    assert {A: 1, B: 1} == gate.shop.made


def test_threads_of_a_new_tenant_wait_for_one_factory_call() -> None:
    """The same for threads: while one makes the client, others that ask get that one."""
    shop = Shop()
    asking, calls = threading.Semaphore(0), []

    def make(tenant: str) -> RonClientSync:
        calls.append(tenant)
        for _ in range(6):  # all threads are at the door by now
            asking.acquire()
        return shop.make_sync(tenant)

    def ask() -> RonClientSync:
        asking.release()
        return enter_sync(tenants, A)

    with TenantsSync(make) as tenants, ThreadPoolExecutor(6) as pool:
        clients = [each.result() for each in [pool.submit(ask) for _ in range(6)]]
    assert ([A], 1) == (calls, len(set(map(id, clients))))


@pytest.mark.anyio
async def test_what_a_factory_raises_reaches_all_who_waited_and_is_not_kept() -> None:
    """One failing call is one failure for those who waited, not a queue of them; the next request tries again."""
    calls = 0
    fail, shop = asyncio.Event(), Shop()

    async def make(tenant: str) -> RonClient:
        nonlocal calls
        calls += 1
        if calls > 1:
            return shop.make(tenant)
        await fail.wait()
        raise UnknownTenantError

    async with Tenants(make) as tenants:
        asked = [asyncio.create_task(enter(tenants, A)) for _ in range(4)]
        await until(lambda: calls > 0)
        for _ in range(3):
            await asyncio.sleep(0)
        fail.set()
        results = await asyncio.gather(*asked, return_exceptions=True)
        assert [UnknownTenantError] * 4 == [type(one) for one in results]
        assert (1, 0) == (calls, len(tenants))
        await enter(tenants, A)
    assert 2 == calls


def test_what_a_sync_factory_raises_is_not_kept() -> None:
    """A tenant that there is not leaves nothing behind, however often it is asked for."""
    with Shop().tenants_sync() as tenants:
        for _ in range(3):
            with pytest.raises(UnknownTenantError):
                enter_sync(tenants, "nobody")
        assert 0 == len(tenants)


@pytest.mark.anyio
async def test_a_cancelled_maker_is_succeeded_by_one_who_waited() -> None:
    """A request that is cancelled while it makes the client takes nobody down with it."""
    gate = Gate(Shop())
    async with Tenants(gate.make) as tenants:
        first = asyncio.create_task(enter(tenants, A))
        await until(lambda: gate.calls == 1)
        second = asyncio.create_task(enter(tenants, A))
        await asyncio.sleep(0)
        first.cancel()
        await until(lambda: gate.calls == 2)
        gate.open.set()
        assert A == (await (await second).objects(Item).get("mine")).name
    assert (True, {A: 1}) == (first.cancelled(), gate.shop.made)


@pytest.mark.anyio
async def test_a_cancelled_waiter_leaves_the_maker_alone() -> None:
    """Who only waited can leave; the client is made for the others."""
    gate = Gate(Shop())
    async with Tenants(gate.make) as tenants:
        first = asyncio.create_task(enter(tenants, A))
        await until(lambda: gate.calls == 1)
        second = asyncio.create_task(enter(tenants, A))
        for _ in range(3):
            await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait([second])
        gate.open.set()
        assert not (await first).is_closed
    assert (1, True) == (gate.calls, second.cancelled())


# --- Kept and closed -----------------------------------------------------------------------------


@pytest.mark.anyio
async def test_the_least_recently_used_idle_client_is_closed_first() -> None:
    """Beyond max_clients the one that was not used for longest goes."""
    shop = Shop()
    async with shop.tenants(max_clients=2) as tenants:
        a, b = await enter(tenants, A), await enter(tenants, B)
        await enter(tenants, A)
        c = await enter(tenants, C)
        assert (False, True, False) == (a.is_closed, b.is_closed, c.is_closed)
        assert 2 == len(tenants)


@pytest.mark.anyio
async def test_a_client_in_use_is_never_closed_for_another() -> None:
    """While more tenants than max_clients have requests, each has its client; the surplus goes when they end."""
    shop = Shop()
    async with shop.tenants(max_clients=1) as tenants:
        async with AsyncExitStack() as requests:
            clients = [await requests.enter_async_context(tenants.client(tenant)) for tenant in TENANTS]
            await enter(tenants, A)
            assert [False] * len(TENANTS) == [client.is_closed for client in clients]
        assert 1 == len(tenants)
        assert 1 == shop.open_clients


def test_a_sync_client_in_use_is_never_closed_for_another() -> None:
    """The same for threads' clients."""
    shop = Shop()
    with shop.tenants_sync(max_clients=1) as tenants:
        with ExitStack() as requests:
            clients = [requests.enter_context(tenants.client(tenant)) for tenant in TENANTS]
            enter_sync(tenants, A)
            assert [False] * len(TENANTS) == [client.is_closed for client in clients]
        assert (1, 1) == (len(tenants), shop.open_clients)


@pytest.mark.anyio
async def test_a_client_that_a_handler_closed_is_replaced() -> None:
    """`async with client:` in a handler closes the tenant's client: the next request gets a new one."""
    async with Shop().tenants() as tenants:
        async with tenants.client(A) as closed, closed:
            pass
        assert closed.is_closed
        fresh = await enter(tenants, A)
        assert (False, 1) == (fresh.is_closed, len(tenants))


@pytest.mark.anyio
async def test_a_forgotten_client_is_kept_by_those_who_use_it() -> None:
    """After `forget` the next request makes another client; the old one is closed when its last request ends."""
    async with Shop().tenants() as tenants:
        async with tenants.client(A) as old:
            await tenants.forget(A)
            new = await enter(tenants, A)
            assert (False, False) == (old is new, old.is_closed)
        assert (True, False) == (old.is_closed, new.is_closed)
        await tenants.forget(A)
        assert (True, 0) == (new.is_closed, len(tenants))
        await tenants.forget("nobody")


def test_a_forgotten_sync_client_is_closed() -> None:
    """The same for threads."""
    with Shop().tenants_sync() as tenants:
        client = enter_sync(tenants, A)
        tenants.forget(A)
        assert (True, 0) == (client.is_closed, len(tenants))


@pytest.mark.anyio
async def test_closing_waits_for_requests_that_run() -> None:
    """Idle clients are closed at once, those in use when their request ends; nobody gets one any more."""
    shop = Shop()
    tenants = shop.tenants()
    idle = await enter(tenants, B)
    async with tenants.client(A) as used:
        closing = asyncio.create_task(tenants.aclose(grace=60.0))
        await until(lambda: idle.is_closed)
        assert (False, False) == (used.is_closed, closing.done())
        assert "is closed: no client is made after the server's shutdown" in await refused(enter, tenants, B)
        assert A == (await used.objects(Item).get("mine")).name
    await closing
    assert (0, 0) == (shop.open_clients, len(tenants))


def test_closing_waits_for_threads_that_run() -> None:
    """The same for threads."""
    shop = Shop()
    idle_closed, inside, leave = threading.Event(), threading.Event(), threading.Event()

    class Noticed(RonClientSync):
        def close(self) -> None:
            super().close()
            idle_closed.set()

    def make(tenant: str) -> RonClientSync:
        return shop.make_sync(tenant) if tenant == A else Noticed(transport=shop.nodes[tenant])

    def request() -> bool:
        with tenants.client(A) as used:
            inside.set()
            leave.wait()
            return used.is_closed

    tenants = TenantsSync(make)
    enter_sync(tenants, B)
    with ThreadPoolExecutor(2) as pool:
        running = pool.submit(request)
        inside.wait()
        closing = pool.submit(tenants.close, 60.0)
        idle_closed.wait()
        assert "is closed" in refusal(enter_sync, tenants, C)
        leave.set()
        assert not running.result()
        closing.result()
    assert (0, 0) == (shop.open_clients, len(tenants))


@pytest.mark.anyio
async def test_closing_without_grace_ends_requests() -> None:
    """After the grace the clients are closed under the requests that still run."""
    tenants = Shop().tenants()
    async with tenants.client(A) as used:
        await tenants.aclose(grace=0)
        assert used.is_closed
    assert 0 == len(tenants)
    await tenants.aclose()  # idempotent


@pytest.mark.anyio
async def test_a_client_that_is_being_made_at_shutdown_is_closed() -> None:
    """A factory that comes back after the shutdown leaves no client behind."""
    gate = Gate(Shop())
    tenants = Tenants(gate.make)
    late = [asyncio.create_task(enter(tenants, A)) for _ in range(2)]
    await until(lambda: gate.calls > 0)
    await tenants.aclose()
    gate.open.set()
    results = await asyncio.gather(*late, return_exceptions=True)
    assert [RonConfigError] * 2 == [type(one) for one in results]
    assert (1, 0) == (len(gate.shop.clients), gate.shop.open_clients)


@pytest.mark.anyio
async def test_entering_again_opens_again() -> None:
    """A server that starts a second time in one process, as in tests, makes new clients."""
    tenants = Shop().tenants()
    async with tenants:
        first = await enter(tenants, A)
    async with tenants:
        second = await enter(tenants, A)
        assert (True, False) == (first.is_closed, second.is_closed)


def test_entering_again_opens_again_sync() -> None:
    """The same for threads."""
    tenants = Shop().tenants_sync()
    with tenants:
        enter_sync(tenants, A)
    assert "is closed" in refusal(enter_sync, tenants, A)
    with tenants:
        assert not enter_sync(tenants, A).is_closed


def test_a_forked_child_begins_with_nothing() -> None:
    """A child uses none of its parent's clients, and waits for none that a thread of the parent is making."""
    program = """
import os, threading
from tests.contrib.shop import Shop, Item
shop = Shop()
tenants = shop.tenants_sync()
making, leave = threading.Event(), threading.Event()
def slow(tenant):
    if tenant == "tenant-b" and os.getpid() == parent:
        making.set(); leave.wait()
    return shop.make_sync(tenant)
tenants._make = slow
parent = os.getpid()
with tenants.client("tenant-a") as inherited:
    def other():
        with tenants.client("tenant-b"): pass
    thread = threading.Thread(target=other); thread.start(); making.wait()
    child = os.fork()
    if not child:
        try:
            assert len(tenants) == 0
            with tenants.client("tenant-b") as b, tenants.client("tenant-a") as a:
                assert a is not inherited
                assert "tenant-b" == b.objects(Item).get("mine").name
            os._exit(0)
        except BaseException as error:
            print(repr(error), flush=True); os._exit(1)
    leave.set(); thread.join()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), len(tenants))
"""
    ignore = ["-W", "ignore::DeprecationWarning"]  # that a fork beside threads may deadlock is what this is about
    done = subprocess.run(
        [sys.executable, *ignore, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ("0 2", "") == (done.stdout.strip(), done.stderr)


# --- Never another tenant's ----------------------------------------------------------------------


@pytest.mark.anyio
async def test_no_tenant_gets_anothers_client() -> None:
    """300 requests of six tenants, in any order, with room for two clients: each reads its own node with its token."""
    shop, draw = Shop(), random.Random(7)

    async def make(tenant: str) -> RonClient:
        await asyncio.sleep(0)
        return shop.make(tenant)

    async def request(tenant: str) -> bool:
        async with tenants.client(tenant) as client:
            for _ in range(draw.randrange(4)):
                await asyncio.sleep(0)
            return tenant == (await client.objects(Item).get("mine")).name

    async with Tenants(make, max_clients=2) as tenants:
        for _ in range(10):
            wanted = [draw.choice(TENANTS) for _ in range(30)]
            assert all(await asyncio.gather(*map(request, wanted)))
            assert 2 == len(tenants)
    assert 0 == shop.open_clients


def test_no_thread_gets_anothers_client() -> None:
    """The same for 16 threads."""
    shop, draw = Shop(), random.Random(7)

    def request(tenant: str) -> bool:
        with tenants.client(tenant) as client:
            return tenant == client.objects(Item).get("mine").name

    with shop.tenants_sync(max_clients=2) as tenants, ThreadPoolExecutor(16) as pool:
        assert all(pool.map(request, [draw.choice(TENANTS) for _ in range(300)]))
        assert len(tenants) <= 2
    assert 0 == shop.open_clients


# --- Mistakes ------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_factory_that_shares_a_client_is_found_out() -> None:
    """One client, or a copy of it, for two tenants would share a capability: the second is refused."""
    one = Shop().make(A)
    shared = "returned the client of another tenant: make a new one at each call, so that no two tenants share"
    async with Tenants(lambda tenant: one) as tenants:
        await enter(tenants, A)
        assert shared in await refused(enter, tenants, B)
        assert not one.is_closed
    two = Shop().make(A)
    async with Tenants(lambda tenant: two.with_options(headers={"X-Tenant": tenant})) as tenants:
        await enter(tenants, A)
        assert shared in await refused(enter, tenants, B)
    await two.aclose()


@pytest.mark.anyio
async def test_what_is_no_open_client_of_the_colour_is_refused() -> None:
    """A factory that makes something else says what it should make."""
    node = MemoryNode(Item)
    closed = RonClient(transport=node)
    await closed.aclose()
    wrong: list[tuple[Any, str]] = [
        (lambda _: RonClientSync(transport=node), "the factory of Tenants must return a RonClient, not RonClientSync"),
        (lambda _: None, "the factory of Tenants must return a RonClient, not NoneType"),
        (lambda _: closed, "the factory of Tenants returned a closed client: make a new one at each call"),
    ]
    for make, message in wrong:
        assert message == await refused(enter, Tenants(make), A)
    async_ones: Any = Shop().make
    assert "must return a RonClientSync, not RonClient" in refusal(enter_sync, TenantsSync(async_ones), A)


def test_wrong_arguments_are_refused() -> None:
    """What was given and what to give is said; a tenant's key is not quoted."""
    anything: Any = RonClient
    for bad in (0, -1, True, 1.5, None):
        assert "max_clients must be a whole number from 1 on" in refusal(Tenants, anything, max_clients=bad)
    not_callable: Any = "tenants"
    assert "Tenants needs a function that makes a tenant's client, not 'tenants'" == refusal(Tenants, not_callable)
    tenants = Shop().tenants_sync()
    key: Any
    for key, what in (("", "an empty one"), (None, "NoneType"), (7, "int"), (b"x", "bytes")):
        message = refusal(enter_sync, tenants, key)
        assert f"a tenant is named by a str that is not empty, not by {what}" == message
    for bad in (-1, None, float("inf"), float("nan"), True):
        assert "grace must be a number of seconds from 0 on" in refusal(tenants.close, bad)


def test_a_registry_names_no_tenant() -> None:
    """Its repr counts: a key may be whatever came in a header."""
    with Shop().tenants_sync() as tenants:
        enter_sync(tenants, A)
        assert "<TenantsSync: 1 clients>" == repr(tenants)
        assert bool(tenants)


@pytest.mark.anyio
async def test_tasks_of_one_request_share_a_lease_and_leave_none() -> None:
    """Two tasks that come first take one lease; a task that comes too late gives its own back."""

    async def make(_: str) -> RonClient:
        await asyncio.sleep(0)
        return RonClient(transport=MemoryNode(Item))

    tenants = Tenants(make)
    request = Sources(tenants, None, tenanted=True, where="test").request()
    one, two = await asyncio.gather(request.of(A, sync=False), request.of(A, sync=False))
    assert one is two
    await request.release()
    late = Sources(tenants, None, tenanted=True, where="test").request()
    pending = asyncio.ensure_future(late.of(B, sync=False))
    await asyncio.sleep(0)
    await late.release()
    with pytest.raises(RonConfigError, match="this request has ended"):
        await pending
    assert [0, 0] == [lease.users for lease in tenants._leases._here().all()]
    await tenants.aclose()
