"""Small programs that tests run in a process of their own: they fork, are interrupted, or end in the middle of a call.

``python -m tests.lifetimes.programs <name> <url of an echo node>``. Each says on stdout what came of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from ron import HttpxTransport, RonClient, RonClientSync, RonConfigError, RonWatchError
from tests.lifetimes.cases import Item

__all__ = ["PROGRAMS", "SILENT"]

SILENT = "/app/silent/1"
PATIENCE = 20.0
Program = Callable[[str], Any]
PROGRAMS: dict[str, Program] = {}


def program(function: Program) -> Program:
    """Adds a program to the list, under its name."""
    PROGRAMS[function.__name__] = function
    return function


def right(client: RonClientSync, nonce: str) -> int:
    """Asks for an echo; gives the number of the connection it came over."""
    told = client.get(f"/app/echo/{nonce}")
    assert f"/app/echo/{nonce}" == told["target"], told
    number: int = told["connection"]
    return number


async def right_async(client: RonClient, nonce: str) -> int:
    """`right`, async."""
    told = await client.get(f"/app/echo/{nonce}")
    assert f"/app/echo/{nonce}" == told["target"], told
    number: int = told["connection"]
    return number


def in_child(work: Callable[[], Any]) -> None:
    """Does it in a forked child, which ends there; what it raises is told by the child and fails the parent."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException as error:  # noqa: BLE001 - told, and the child ends
            print(f"child: {type(error).__name__}: {error}", file=sys.stderr)
        finally:
            sys.stderr.flush()
            os._exit(code)
    assert 0 == os.waitpid(child, 0)[1]


def key_of(change: Any) -> str:
    """Which item a change is about."""
    key: str = change.key
    return key


@contextmanager
def held(*locks: Any) -> Iterator[None]:
    """Another thread holds these locks meanwhile."""
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with contextlib.ExitStack() as stack:
            for lock in locks:
                stack.enter_context(lock)
            taken.set()
            done.wait(PATIENCE)

    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(PATIENCE)
    yield
    done.set()
    thread.join()


@program
def fork_sync(url: str) -> None:
    """Parent and child go on at the same time with a client that had a warm connection."""
    client = RonClientSync(url, allow_insecure_http=True)
    warm = right(client, "warm")

    def child() -> None:
        numbers = {right(client, f"child-{count}") for count in range(50)}
        assert numbers.isdisjoint({warm}), "the child used the parent's connection"
        assert 1 == len(numbers)
        client.close()

    started = os.fork()
    if started == 0:
        with contextlib.suppress(BaseException):
            child()
            os._exit(0)
        os._exit(1)
    assert {warm} == {right(client, f"parent-{count}") for count in range(50)}
    assert 0 == os.waitpid(started, 0)[1]
    assert warm == right(client, "after")
    client.close()


@program
def fork_async(url: str) -> None:
    """The same for an async client: forked between two runs of a loop, and in the middle of a coroutine."""

    async def asks(client: RonClient, name: str, warm: int, own: bool) -> None:
        for count in range(20):
            assert own == (warm == await right_async(client, f"{name}-{count}"))

    async def main() -> None:
        async with RonClient(url, allow_insecure_http=True) as client:
            warm = await right_async(client, "warm")
            in_child(lambda: asyncio.run(asks(client, "inner", warm, False)))
            await asks(client, "parent", warm, True)

    asyncio.run(main())
    loop = asyncio.new_event_loop()
    client = RonClient(url, allow_insecure_http=True)
    warm = loop.run_until_complete(right_async(client, "warm"))
    in_child(lambda: asyncio.run(asks(client, "outer", warm, False)))
    loop.run_until_complete(asks(client, "parent", warm, True))
    loop.run_until_complete(client.aclose())
    loop.close()


@program
def fork_while_locked(url: str) -> None:
    """A fork while other threads hold every lock that a call takes, and one asks for a token."""
    asking, answer = threading.Event(), threading.Event()
    parent = os.getpid()

    def token() -> str:
        if os.getpid() == parent:
            asking.set()
            assert answer.wait(PATIENCE)
        return "t-1"

    client = RonClientSync(url, allow_insecure_http=True, token_provider=token, overall_timeout_ms=5000)
    plain = RonClientSync(url, allow_insecure_http=True, overall_timeout_ms=5000)
    right(plain, "warm")
    first = threading.Thread(target=right, args=(client, "first"))
    first.start()
    assert asking.wait(PATIENCE)
    with held(plain.metrics._lock.here(), plain._ports.channel._pool().lock):

        def child() -> None:
            right(client, "child")
            right(plain, "child")
            assert {"total_requests": 2, "total_errors": 0} == {
                name: count for name, count in plain.metrics.snapshot().items() if name[6:] in ("requests", "errors")
            }

        in_child(child)
    answer.set()
    first.join()
    right(client, "after")
    right(plain, "after")
    client.close()
    plain.close()


@program
def fork_with_a_watch(url: str) -> None:
    """A child that closes an inherited watch, and one that reads on in it, take nothing from the parent's."""
    with RonClientSync(url, allow_insecure_http=True) as client, client.objects(Item).watch(name="w") as changes:
        assert "i-1" == key_of(next(changes))
        in_child(changes.close)
        in_child(client.close)

        def read_on() -> None:
            assert "i-2" == key_of(next(changes))  # from a stream of its own

        in_child(read_on)
        client.get("/app/release")
        assert "i-2" == key_of(next(changes))


@program
def fork_with_an_async_watch(url: str) -> None:
    """The same in a coroutine: the selector, which parent and child share, is not touched."""

    async def main() -> None:
        async with RonClient(url, allow_insecure_http=True) as client:
            changes = client.objects(Item).watch(name="w")
            assert "i-1" == key_of(await changes.__anext__())
            for closing in (changes.aclose, client.aclose):
                in_child(functools.partial(_at_once, closing))
            upcoming = asyncio.ensure_future(changes.__anext__())
            await asyncio.sleep(0)
            await client.get("/app/release")
            assert "i-2" == key_of(await upcoming)
            await changes.aclose()

    asyncio.run(main())


def _at_once(closing: Callable[[], Any]) -> None:
    """Runs what has nothing to wait for."""
    try:
        closing().send(None)
    except StopIteration:
        return
    raise AssertionError("it waits")


@program
def fork_with_a_mirror(url: str) -> None:
    """In a child nothing follows the node: reading an inherited mirror raises, also while its lock is held; closing it
    there, and a watch that reads ahead, takes nothing from the parent's.
    """
    with RonClientSync(url, allow_insecure_http=True) as client:
        items = client.objects(Item)
        with items.watch(name="w", buffer=5) as changes, items.mirror(name="w") as mirror:
            assert "i-1" == key_of(next(changes))
            mirror.synced(timeout=PATIENCE)

            def refused() -> None:
                for read in (len, list, lambda mirror: mirror["i-1"], lambda mirror: mirror.changed(0)):
                    with pytest.raises(RonWatchError, match=r"nothing follows it in a forked process; make one there$"):
                        read(mirror)
                with pytest.raises(
                    RonConfigError, match=r"^this iterator reads ahead in a thread, which a forked proce"
                ):
                    next(changes)

            def closed() -> None:
                changes.close()
                mirror.__exit__(None, None, None)
                client.close()

            ahead: Any = changes._source
            turns: Any = (mirror._turn, ahead._turn)
            with held(*turns):
                in_child(refused)
                in_child(closed)
            assert {"i-1", "i-2"} == set(mirror)
            client.get("/app/release")
            assert "i-2" == key_of(next(changes))


@program
def fork_with_an_async_mirror(url: str) -> None:
    """The same in a coroutine."""

    async def main() -> None:
        async with RonClient(url, allow_insecure_http=True) as client, client.objects(Item).mirror() as mirror:
            await mirror.synced(timeout=PATIENCE)

            def refused() -> None:
                with pytest.raises(RonWatchError, match=r"nothing follows it in a forked process; make one there$"):
                    len(mirror)

            in_child(refused)
            assert 2 == len(mirror)

    asyncio.run(main())


@program
def fork_httpx(url: str) -> None:
    """Over an httpx client a child is refused with advice, whatever of the parent's it holds."""
    with httpx.Client(trust_env=False) as foreign:
        transport = HttpxTransport(foreign)
        with RonClientSync(url, allow_insecure_http=True, transport=transport) as client:
            changes = client.objects(Item).watch(name="w")
            assert "i-1" == key_of(next(changes))

            def refused() -> None:
                for ask in (functools.partial(right, client, "child"), functools.partial(next, changes)):
                    with pytest.raises(
                        RonConfigError, match=r"^this client was made before a fork: make the ron client"
                    ):
                        ask()

            in_child(changes.close)
            in_child(client.close)
            in_child(refused)
            client.get("/app/release")
            assert "i-2" == key_of(next(changes))
            changes.close()


@program
def fork_in_process(url: str) -> None:
    """A node in the process itself is forked with it: a child has permits of its own, whatever the parent's hold."""
    asking, answer = threading.Event(), threading.Event()
    parent = os.getpid()

    def handler(request: httpx.Request) -> httpx.Response:
        if os.getpid() == parent:
            asking.set()
            assert answer.wait(PATIENCE)
        return httpx.Response(200, json={"target": request.url.path, "connection": 0})

    transport = HttpxTransport(httpx.MockTransport(handler))
    client = RonClientSync(transport=transport, max_concurrency=1, overall_timeout_ms=5000)
    busy = threading.Thread(target=right, args=(client, "busy"))
    busy.start()
    assert asking.wait(PATIENCE)
    with held(client._ports.channel._here().lock):
        in_child(lambda: right(client, "child"))
        in_child(client.close)
    answer.set()
    busy.join()
    right(client, "after")


def _ask_shared(url: str, number: int) -> int:
    return right(_shared(url), f"task-{number}")


@functools.lru_cache(1)  # inherited by the workers, which is the point
def _shared(url: str) -> RonClientSync:
    return RonClientSync(url, allow_insecure_http=True)


@program
def fork_pool(url: str) -> None:
    """The workers of a fork pool inherit a used client, and each gets its own answers."""
    client = _shared(url)
    warm = right(client, "warm")
    with multiprocessing.get_context("fork").Pool(3) as pool:
        numbers = pool.map(functools.partial(_ask_shared, url), range(60))
        pool.close()
        pool.join()
    assert warm not in numbers
    assert warm == right(client, "after")
    client.close()


@program
def interrupted_async(url: str) -> None:
    """^C in the middle of an async call."""

    async def main() -> None:
        async with RonClient(url, allow_insecure_http=True) as client:
            await client.get(SILENT)

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(7)


@program
def interrupted_watch(url: str) -> None:
    """^C while a watch waits for its next change."""

    async def main() -> None:
        async with RonClient(url, allow_insecure_http=True) as client:
            async for change in client.objects(Item).watch():
                await client.get("/app/echo/" + key_of(change))

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(7)


@program
def interrupted_sync(url: str) -> None:
    """^C in the middle of a sync call, after which the client goes on."""
    with RonClientSync(url, allow_insecure_http=True) as client:
        with contextlib.suppress(KeyboardInterrupt):
            client.get(SILENT)
        stats = client._ports.channel.stats()
        assert (0, 0, 0) == stats[:3], stats
        right(client, "after")
    sys.exit(7)


@program
def interrupted_and_not_caught(url: str) -> None:
    """^C in the middle of an async call, and nobody catches it."""

    async def main() -> None:
        async with RonClient(url, allow_insecure_http=True) as client:
            await client.get(SILENT)

    asyncio.run(main())


@program
def exit_beside_a_call(url: str) -> None:
    """The main thread ends while a daemon thread is in a call; the test's node never answers."""
    client = RonClientSync(url, allow_insecure_http=True)
    right(client, "before")
    threading.Thread(target=client.get, args=(SILENT,), daemon=True).start()
    threading.Thread(target=lambda: next(client.objects(Item).watch().__iter__()), daemon=True).start()
    # Ends when the node has seen both: the test sends a line then.
    sys.stdin.readline()
    sys.exit(5)


@program
def exit_inside_async_with(url: str) -> None:
    """`sys.exit` inside `async with`, with a call and a watch under way in other tasks."""

    async def follow(client: RonClient) -> None:
        async for _ in client.objects(Item).watch():
            pass

    async def main() -> None:
        async with RonClient(url, allow_insecure_http=True) as client:
            tasks = [asyncio.ensure_future(client.get(SILENT)), asyncio.ensure_future(follow(client))]
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
            assert not any(task.done() for task in tasks)
            sys.exit(5)

    asyncio.run(main())


@program
def never_closed_async(url: str) -> None:
    """An async client that nobody closes, alive at the end of its loop; and one that is dropped within it."""
    clients: list[RonClient] = []

    async def main() -> None:
        clients.append(RonClient(url, allow_insecure_http=True))
        await right_async(clients[0], "kept")
        dropped = RonClient(url, allow_insecure_http=True)
        await right_async(dropped, "dropped")
        del dropped
        gc.collect()
        await asyncio.sleep(0.01)

    asyncio.run(main())


@program
def never_closed_sync(url: str) -> None:
    """A sync client that nobody closes."""
    right(RonClientSync(url, allow_insecure_http=True), "once")
    gc.collect()


if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](sys.argv[2])
    print("done")
