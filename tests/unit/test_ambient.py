"""Which client bare `Item.objects` uses: where an entered or activated one is seen, and what is said where not."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, Callable

import pytest

from ron import Resource, RonClient, RonClientSync
from ron._ambient import ASYNC, SYNC
from ron.errors import RonConfigError
from tests.unit.rig import ScriptTransport


class Widget(Resource, path="/app/widgets"):
    """Something with managers."""

    id: str


def sync_client() -> RonClientSync:
    """A client that goes nowhere."""
    return RonClientSync(transport=ScriptTransport())


def async_client() -> RonClient:
    """A client that goes nowhere."""
    return RonClient(transport=ScriptTransport())


def used() -> Any:
    """The client that `Widget.objects_sync` uses here."""
    return SYNC.current("Widget")


def refusal(make: Callable[[], Any] = used) -> str:
    """What the RonConfigError says."""
    with pytest.raises(RonConfigError) as raised:
        make()
    assert 0 == raised.value.attempts
    return str(raised.value)


def test_an_entered_client_is_used() -> None:
    """Inside `with client:` it is the one; outside there is none again, and the client is closed."""
    with sync_client() as client:
        assert client is used()
    assert client.is_closed
    assert "no client here" in refusal()


@pytest.mark.anyio
async def test_an_entered_async_client_is_used() -> None:
    """Inside `async with client:` it is the one."""
    async with async_client() as client:
        assert client is ASYNC.current("Widget")
    assert client.is_closed
    assert "no client here" in refusal(lambda: ASYNC.current("Widget"))


@pytest.mark.anyio
async def test_the_colours_do_not_mix() -> None:
    """An entered sync client is none for `objects`, an async one none for `objects_sync`."""
    with sync_client():
        assert "no client here for Widget.objects:" in refusal(lambda: ASYNC.current("Widget"))
    async with async_client():
        assert "no client here for Widget.objects_sync:" in refusal()


def test_no_client_says_what_to_write() -> None:
    """The message names the manager, both ways out, and the usual causes."""
    assert (
        "no client here for Widget.objects_sync: write client.objects(Widget), or put the call inside "
        "`with RonClientSync(...) as client:`; a client entered in another thread, or before this context was made, is "
        "not seen: use `with client.activate()`"
    ) == refusal()
    assert (
        "no client here for Widget.objects: write client.objects(Widget), or put the call inside "
        "`async with RonClient(...) as client:`"
    ) in refusal(lambda: ASYNC.current("Widget"))


def test_the_managers_say_it_too() -> None:
    """The message reaches who calls a method of a bare manager, before anything is awaited."""
    assert "no client here for Widget.objects_sync" in refusal(Widget.objects_sync.list)
    assert "no client here for Widget.objects_sync" in refusal(lambda: Widget.objects_sync.get("w-1"))
    assert "no client here for Widget.objects:" in refusal(Widget.objects.list)


def test_two_different_clients_are_refused() -> None:
    """With two entered, a bare manager would have to guess."""
    with sync_client(), sync_client():
        assert (
            "two clients are entered: write client.objects(Widget) or `with client.activate()` to say which one "
            "Widget.objects_sync uses"
        ) == refusal()


def test_one_client_entered_twice_is_one() -> None:
    """The same client twice is no choice."""
    client = sync_client()
    SYNC.enter(client)
    SYNC.enter(client)
    assert client is used()
    SYNC.leave(client)
    assert client is used()
    SYNC.leave(client)
    assert "no client here" in refusal()


def test_a_closed_client_is_named() -> None:
    """A client that was closed inside its own block is said to be closed."""
    with sync_client() as client:
        client.close()
        assert (
            "the client entered here is closed: make a new RonClientSync, or write client.objects(Widget) with an "
            "open one"
        ) == refusal()


def test_a_closed_client_leaves_the_choice_to_the_open_one() -> None:
    """Of two entered ones, of which one is closed, the open one is meant."""
    with sync_client() as first, sync_client() as second:
        first.close()
        assert second is used()


def test_activate_binds_without_owning() -> None:
    """`with client.activate()` makes it the one, and leaves it open."""
    client = sync_client()
    with client.activate() as bound:
        assert client is bound is used()
    assert not client.is_closed
    assert "no client here" in refusal()


def test_activate_wins_over_entered_ones() -> None:
    """An activated client is meant, however many are entered."""
    third = sync_client()
    with sync_client(), sync_client() as second:
        with third.activate():
            assert third is used()
            with second.activate():
                assert second is used()
            assert third is used()
        assert "two clients are entered" in refusal()


def test_activate_is_reentrant() -> None:
    """The same client, and the same activation object, may be entered again and again."""
    client = sync_client()
    activation = client.activate()
    with activation, activation, client.activate():
        assert client is used()
    assert "no client here" in refusal()


def test_an_activated_client_that_was_closed() -> None:
    """The message says that it was the activated one."""
    client = sync_client()
    with client.activate():
        client.close()
        assert "the client activated here is closed: make a new RonClientSync" in refusal()


def test_leaving_in_another_order() -> None:
    """Clients are removed by identity: the one that stays is used."""
    first, second = sync_client(), sync_client()
    stack = ExitStack()
    stack.enter_context(first)
    second.__enter__()
    stack.close()
    assert second is used()
    second.__exit__(None, None, None)
    assert "no client here" in refusal()


def test_activations_end_in_another_order() -> None:
    """The same holds for activations."""
    first, second = sync_client(), sync_client()
    one, two = first.activate(), second.activate()
    one.__enter__()
    two.__enter__()
    one.__exit__(None, None, None)
    assert second is used()
    two.__exit__(None, None, None)
    assert "no client here" in refusal()


def test_leaving_in_another_context() -> None:
    """Where a context never saw the client enter, leaving closes it and disturbs nothing."""
    client, other = sync_client(), sync_client()
    contextvars.copy_context().run(client.__enter__)
    with other:
        client.__exit__(None, None, None)
        assert other is used()
    assert client.is_closed


def test_another_thread_does_not_see_it() -> None:
    """A new thread starts without clients; `activate()` in it helps."""
    said: list[Any] = []

    def look(client: RonClientSync) -> None:
        said.append(refusal())
        with client.activate():
            said.append(used())

    with sync_client() as client:
        thread = threading.Thread(target=look, args=(client,))
        thread.start()
        thread.join()
        assert "a client entered in another thread" in said[0]
        assert client is said[1]


def test_a_thread_pool_does_not_see_it_unless_the_context_is_copied() -> None:
    """A pool's threads have contexts of their own; a copied one brings the client along."""
    with sync_client() as client, ThreadPoolExecutor(1) as pool:
        assert "no client here" in pool.submit(refusal).result()
        assert client is pool.submit(contextvars.copy_context().run, used).result()


@pytest.mark.anyio
async def test_tasks_see_it() -> None:
    """A task inherits the context in which it is made."""
    async with async_client() as client:

        async def look() -> Any:
            await asyncio.sleep(0)
            return ASYNC.current("Widget")

        assert [client, client] == list(await asyncio.gather(look(), asyncio.ensure_future(look())))


@pytest.mark.anyio
async def test_to_thread_sees_it() -> None:
    """`asyncio.to_thread` copies the context: a sync client entered outside is seen inside."""
    with sync_client() as client:
        assert client is await asyncio.to_thread(used)


@pytest.mark.anyio
async def test_a_task_made_before_does_not_see_it() -> None:
    """A context that was copied earlier knows nothing of a later client."""
    go = asyncio.Event()

    async def look() -> str:
        await go.wait()
        return refusal(lambda: ASYNC.current("Widget"))

    task = asyncio.ensure_future(look())
    async with async_client():
        go.set()
        assert "before this context was made" in await task


@pytest.mark.anyio
async def test_tasks_do_not_disturb_each_other() -> None:
    """Each task's own entered client is its own."""

    async def own() -> bool:
        async with async_client() as client:
            await asyncio.sleep(0)
            return ASYNC.current("Widget") is client

    assert [True] * 5 == await asyncio.gather(*(own() for _ in range(5)))


def fixture() -> Generator[RonClientSync, None, None]:
    """As a test fixture does it: enters in one call of `next`, leaves in another."""
    with sync_client() as client:
        yield client


def test_a_generator_that_is_left_open() -> None:
    """A generator runs in its caller's context, so that what it entered is seen until it ends."""
    generator = fixture()
    client = next(generator)
    assert client is used()
    generator.close()
    assert client.is_closed
    assert "no client here" in refusal()


def test_the_pager_keeps_its_client() -> None:
    """The client is looked up when `list()` is called, not when the list is consumed."""
    with sync_client() as client:
        listing = Widget.objects_sync.list()
    assert listing._client is client
    assert "this RonClientSync is closed" in refusal(listing.page)


def test_a_copy_with_options_leaves_no_trace() -> None:
    """Leaving a `with_options` copy neither closes the client nor removes it."""
    with sync_client() as client:
        with client.with_options(timeout=1) as copy, copy.activate():
            assert copy is used()
        assert client is used()


def test_entering_a_closed_client_is_refused() -> None:
    """A closed client stays closed."""
    client = sync_client()
    client.close()
    said = refusal(client.__enter__)
    assert "this RonClientSync is closed: make a new one, or move the call inside its `with` block" == said
    assert "no client here" in refusal()
