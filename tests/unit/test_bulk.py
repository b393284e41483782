"""``get_many``, ``create_many``, ``delete_many``: what became of which item, in both colours."""

from __future__ import annotations

import contextvars
import pickle
import threading
from typing import Any, Optional

import pytest

from ron import (
    BulkResult,
    Draft,
    Outcome,
    Resource,
    RonBulkError,
    RonClient,
    RonClientSync,
    RonConfigError,
    RonError,
    RonInputError,
    RonNotFoundError,
    RonServerError,
    RonTimeoutError,
    server,
)
from ron.testing import FakeClock, MemoryNode, stored
from tests.unit.rig import ScriptTransport, refused, reply


class Thing(Resource, path="/app/things"):
    id: str = server()
    name: str


class Locked(Resource, path="/app/locked", operations=("list",)):
    id: str = server()


def filled(count: int = 12) -> MemoryNode:
    """A node with so many things, ``t-0`` and on."""
    node = MemoryNode(Thing)
    node.add(*(stored(Thing, id=f"t-{n}", name=f"n{n}") for n in range(count)))
    return node


async def in_both(node: Any, call: str, given: Any, **options: Any) -> BulkResult[Any]:
    """The call's result, which is the same in both colours."""
    results: list[BulkResult[Any]] = []
    with RonClientSync(transport=node, clock=FakeClock()) as sync:
        results.append(getattr(sync.objects(Thing), call)(given, **options))
    async with RonClient(transport=node, clock=FakeClock()) as client:
        results.append(await getattr(client.objects(Thing), call)(given, **options))
    assert [str(one) for one in results[0].outcomes] == [str(one) for one in results[1].outcomes]
    return results[1]


@pytest.mark.anyio
async def test_results_stand_in_the_order_of_the_keys() -> None:
    """``ok`` has the objects in the order of the keys, and ``failed`` the other keys with their errors."""
    result = await in_both(filled(), "get_many", ["t-3", "t-99", "t-1", "a/b", "t-3"], concurrency=2)
    assert ["n3", "n1", "n3"] == [thing.name for thing in result.ok]
    assert [("t-99", RonNotFoundError), ("a/b", RonInputError)] == [(key, type(error)) for key, error in result.failed]
    assert (5, [0, 1, 2, 3, 4]) == (len(result), [outcome.index for outcome in result])
    assert "t-99" == result[1].given
    assert result[1].value is None
    assert ["t-99"] == [one.given for one in result[1:2]]
    assert "<BulkResult of get_many of Thing: 3 ok, 2 failed>" == repr(result)


@pytest.mark.anyio
async def test_nothing_given_is_nothing_sent() -> None:
    """No keys make an empty result and no request."""
    node = filled()
    result = await in_both(node, "get_many", ())
    assert ([], [], 0) == (result.ok, result.failed, len(result))
    assert result is result.raise_for_failed()
    assert () == node.requests


def test_the_error_counts_and_names_the_first() -> None:
    """``raise_for_failed`` tells how many failed and which first, within bounds, and carries the result."""
    with RonClientSync(transport=filled(1)) as client:
        result = client.objects(Thing).get_many([f"x-{n}" for n in range(50)])
    with pytest.raises(RonBulkError, match="get_many of Thing: 50 of 50 failed: 'x-0': RonNotFoundError: ") as raised:
        result.raise_for_failed()
    text = str(raised.value)
    assert text.endswith("; and 47 more")
    assert len(text) < 1000
    assert result is raised.value.result
    assert (50, result.failed[0][1].request_id) == (raised.value.attempts, raised.value.request_id)


def test_a_result_travels() -> None:
    """A result and its error pickle, errors of the items included."""
    with RonClientSync(transport=filled(2)) as client:
        result = client.objects(Thing).get_many(["t-0", "x"])
    with pytest.raises(RonBulkError) as raised:
        result.raise_for_failed()
    copy = pickle.loads(pickle.dumps(raised.value))
    assert (str(raised.value), "n0", "x") == (str(copy), copy.result.ok[0].name, copy.result.failed[0][0])


@pytest.mark.anyio
async def test_creating_takes_what_create_takes() -> None:
    """Objects, drafts and mappings are created; the failed ones are told by what was given and never quoted."""
    wrong = {"nam": "a secret"}
    for colour in (RonClient, RonClientSync):
        node = filled(0)
        thing = Thing(name="b")
        given: Any = [{"name": "a"}, thing, Draft[Thing](name="c"), wrong, 7]
        if colour is RonClient:
            async with RonClient(transport=node) as client:
                result = await client.objects(Thing).create_many(given)
        else:
            with RonClientSync(transport=node) as sync:
                result = sync.objects(Thing).create_many(given)
        assert ["a", "b", "c"] == [one.name for one in result.ok]
        assert thing is result.ok[1]
        assert [wrong, 7] == [one for one, _ in result.failed]
        assert "Thing has no field 'nam' (did you mean 'name'?)" in str(result.failed[0][1])
        with pytest.raises(RonBulkError, match="2 of 5 failed: item 3: RonInputError") as raised:
            result.raise_for_failed()
        assert "a secret" not in str(raised.value)


@pytest.mark.anyio
async def test_each_creation_has_a_key_of_its_own() -> None:
    """Keys differ; ``idempotency_key=True`` makes each POST repeatable, and one key for all is refused."""
    one: Any = "one"
    script = ScriptTransport(reply(503), *[reply(201, b'{"id":"t","name":"a"}')] * 9)
    with RonClientSync(transport=script, clock=FakeClock()) as client:
        things = client.objects(Thing)
        assert 2 == len(things.create_many([{"name": "a"}] * 2, concurrency=1, idempotency_key=True).ok)
        with pytest.raises(RonInputError, match="each item needs an idempotency key of its own: write"):
            things.create_many([{"name": "a"}], idempotency_key=one)
    keys = [headers["Idempotency-Key"] for headers in script.headers]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.anyio
async def test_an_object_given_twice_is_created_once() -> None:
    """The same object twice at once would be created twice: its second place fails."""
    thing = Thing(name="a")
    async with RonClient(transport=filled(0)) as client:
        result = await client.objects(Thing).create_many([thing, thing])
    assert [thing] == result.ok
    assert "this object is given twice" in str(result.failed[0][1])


@pytest.mark.anyio
async def test_deleting_gives_back_what_is_gone() -> None:
    """``ok`` has the keys and objects that were deleted; a missing one fails, or doesn't with ``missing_ok``."""
    for missing_ok, failed in ((False, ["x"]), (True, [])):
        node = filled(4)
        async with RonClient(transport=node) as client:
            things = client.objects(Thing)
            thing = await things.get("t-0")
            result = await things.delete_many([thing, "x", "t-1"], missing_ok=missing_ok)
            assert [key for key in (thing, "x", "t-1") if key not in failed] == result.ok
            assert failed == [key for key, _ in result.failed]
            assert ["t-2", "t-3"] == [one.id for one in node.items(Thing)]


@pytest.mark.anyio
async def test_a_listing_is_an_input() -> None:
    """What a listing gives can be handed over as it is, in both colours."""
    node = filled(6)
    async with RonClient(transport=node) as client:
        things = client.objects(Thing)
        assert 1 == len(await things.delete_many(things.list(name="n1", page_size=2)))
        outcomes = [one async for one in things.iter_delete_many(things.list(page_size=2, limit=2), concurrency=1)]
        assert ["t-0", "t-2"] == [one.given.id for one in outcomes]
    with RonClientSync(transport=node) as sync:
        assert ["t-3", "t-4", "t-5"] == [
            thing.id for thing in sync.objects(Thing).delete_many(sync.objects(Thing).list()).ok
        ]
    assert [] == node.items(Thing)


@pytest.mark.parametrize("given", ["t-1", b"t-1", {"name": "a"}, 5, Thing(name="a"), None])
@pytest.mark.parametrize("call", ["get_many", "create_many", "delete_many", "iter_many", "iter_create_many"])
def test_one_item_is_not_several(call: str, given: Any) -> None:
    """A single key, object or mapping is refused at once, where it would be taken apart."""
    with RonClientSync(transport=filled()) as client, pytest.raises(RonInputError) as raised:
        getattr(client.objects(Thing), call)(given)
    example = '[{"name": "a"}, {"name": "b"}]' if "create" in call else '["i-1", "i-2"]'
    assert f"{call} takes several items, such as {example}, not one {type(given).__name__}" == str(raised.value)


async def no_progress(done: int, total: Optional[int]) -> None:
    """Not a plain function."""


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"concurrency": 0}, "concurrency must be a whole number of at least 1, not 0"),
        ({"concurrency": True}, "concurrency must be a whole number of at least 1, not True"),
        ({"timeout": -1}, "timeout is in seconds, more than 0 and at most 86400, not -1"),
        ({"progress": no_progress}, "progress must be a plain function of two numbers"),
        ({"progress": 3}, "progress must be a plain function of two numbers"),
    ],
)
async def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    """A wrong option is an error before anything is sent, in both colours."""
    node = filled()
    with RonClientSync(transport=node) as sync, pytest.raises(RonConfigError, match=message):
        sync.objects(Thing).get_many(["t-1"], **options)
    async with RonClient(transport=node) as client:
        with pytest.raises(RonConfigError, match=message):
            await client.objects(Thing).get_many(["t-1"], **options)
    assert () == node.requests


@pytest.mark.anyio
async def test_wrong_use_is_raised_once() -> None:
    """An operation that is not there, a closed client, a foreign object: one error, not one for each item."""
    node = MemoryNode(Thing, Locked)
    async with RonClient(transport=node) as client:
        with pytest.raises(RonConfigError, match="Locked does not allow 'get'"):
            await client.objects(Locked).get_many(["a", "b"])
        with pytest.raises(RonConfigError, match="Locked does not allow 'delete'"):
            client.objects(Locked).iter_delete_many(["a", "b"])
        async with RonClient(transport=node) as other:
            foreign = await other.objects(Thing).create(name="a")
        with pytest.raises(RonConfigError, match="came through another client"):
            await client.objects(Thing).delete_many([foreign, "b", "c"], concurrency=1)
        assert 1 == len(node.requests)
    with pytest.raises(RonConfigError, match="closed"):
        await client.objects(Thing).get_many(["a", "b"])
    with pytest.raises(RonConfigError, match="no client here for Thing"):
        Thing.objects_sync.get_many(["a"])


@pytest.mark.anyio
async def test_wrong_use_half_way_is_the_failure_of_the_rest() -> None:
    """What was done is not lost: those that were not begun have the error, and nothing more is sent."""
    node = filled(4)
    with RonClientSync(transport=node) as other:
        foreign = other.objects(Thing).get("t-0")
    for colour in ("sync", "async"):
        sent = len(node.requests)
        given = ["t-1", foreign, "t-2", "t-3"] if colour == "sync" else ["t-2", foreign, "t-3"]
        if colour == "sync":
            with RonClientSync(transport=node) as sync:
                result = sync.objects(Thing).delete_many(given, concurrency=1)
        else:
            async with RonClient(transport=node) as client:
                result = await client.objects(Thing).delete_many(given, concurrency=1)
        assert given[:1] == result.ok
        assert given[1:] == [one for one, _ in result.failed]
        assert all("another client" in str(error) for _, error in result.failed)
        assert sent + 1 == len(node.requests)


@pytest.mark.anyio
async def test_wrong_use_ends_a_stream_after_its_outcome() -> None:
    """A stream tells of the item that showed it, then raises the error instead of going on."""
    node = filled(4)
    with RonClientSync(transport=node) as other:
        foreign = other.objects(Thing).get("t-0")
    seen: list[Outcome[Any]] = []
    async with RonClient(transport=node) as client:
        with pytest.raises(RonConfigError, match="another client"):
            async for one in client.objects(Thing).iter_delete_many(["t-1", foreign, "t-2"], concurrency=1):
                seen.append(one)
    assert [("t-1", None), (foreign, RonConfigError)] == [(one.given, one.error and type(one.error)) for one in seen]


def test_wrong_use_of_the_callers_own_is_his() -> None:
    """A RonConfigError that the progress callback raises is not taken for an item's."""

    def progress(done: int, total: Optional[int]) -> None:
        raise RonConfigError("mine")

    with RonClientSync(transport=filled()) as client, pytest.raises(RonConfigError, match="mine"):
        client.objects(Thing).get_many(["t-1"], progress=progress)


@pytest.mark.anyio
async def test_progress_counts_up_to_the_total() -> None:
    """The callback is called after each item, in the caller's own thread, with how many of how many."""
    told: list[tuple[int, Optional[int]]] = []
    threads = set()

    def progress(done: int, total: Optional[int]) -> None:
        told.append((done, total))
        threads.add(threading.get_ident())

    await in_both(filled(), "get_many", ["t-1", "x", "t-2"], progress=progress)
    assert [(1, 3), (2, 3), (3, 3)] * 2 == told
    assert {threading.get_ident()} == threads


@pytest.mark.anyio
async def test_a_timeout_for_all_is_one_deadline() -> None:
    """Items share the time given for all: those begun too late fail without being sent."""

    def slow(exchange: Any) -> Any:
        clock.advance(2.0)
        return reply(200, b'{"id":"t","name":"a"}')

    for colour in ("sync", "async"):
        clock = FakeClock()
        script = ScriptTransport(slow)
        if colour == "sync":
            with RonClientSync(transport=script, clock=clock) as sync:
                result = sync.objects(Thing).get_many("abcd".split() * 5, concurrency=1, timeout=5.0)
        else:
            async with RonClient(transport=script, clock=clock) as client:
                result = await client.objects(Thing).get_many(["a"] * 5, concurrency=1, timeout=5.0)
        assert (3, 2, 3) == (len(result.ok), len(result.failed), len(script.exchanges))
        assert {5.0} == {exchange.deadline - (clock.monotonic() - 6.0) for exchange in script.exchanges}
        error = result.failed[0][1]
        assert isinstance(error, RonTimeoutError)
        assert (0, "the time given for all of them was over before this one was begun") == (error.attempts, str(error))


@pytest.mark.anyio
async def test_without_it_each_item_has_its_own_deadline() -> None:
    """Each item's deadline counts from when it is begun, and is the client's own."""

    def slow(exchange: Any) -> Any:
        clock.advance(2.0)
        deadlines.append(exchange.deadline - clock.monotonic())
        return reply(200, b'{"id":"t","name":"a"}')

    clock = FakeClock()
    deadlines: list[float] = []
    async with RonClient(transport=ScriptTransport(slow), clock=clock) as client:
        await client.objects(Thing).with_options(timeout=7.0).get_many(["a"] * 5, concurrency=1)
    assert [5.0] * 5 == deadlines


@pytest.mark.anyio
async def test_the_retry_budget_is_the_clients() -> None:
    """In an outage all items together have the retries that the client's budget allows."""
    script = ScriptTransport(reply(503))
    async with RonClient(transport=script, clock=FakeClock()) as client:
        result = await client.objects(Thing).get_many([f"t-{n}" for n in range(100)])
    assert {RonServerError} == {type(error) for _, error in result.failed}
    assert 100 + 500 // 14 == len(script.exchanges)


@pytest.mark.anyio
async def test_a_transient_failure_is_repeated_as_ever() -> None:
    """An item's retries are those of any call."""
    script = ScriptTransport(refused(), reply(503), reply(200, b'{"id":"t","name":"a"}'))
    async with RonClient(transport=script, clock=FakeClock()) as client:
        assert ["a"] == [one.name for one in (await client.objects(Thing).get_many(["t"])).ok]
    assert 3 == len(script.exchanges)


@pytest.mark.anyio
async def test_each_item_counts_as_a_call() -> None:
    """Metrics count every item, and its errors."""
    node = filled(3)
    async with RonClient(transport=node) as client:
        await client.objects(Thing).get_many(["t-0", "t-1", "x"])
        counted = client.metrics.snapshot()
        assert (3, 1) == (counted["total_requests"], counted["total_errors"])


def test_threads_see_the_callers_context() -> None:
    """The caller's context variables are seen by middleware in the threads of a sync call; what it sets stays there."""
    tenant = contextvars.ContextVar("tenant", default="none")
    seen: list[tuple[str, bool]] = []

    class Tells:
        def before(self, request: Any) -> None:
            seen.append((tenant.get(), threading.current_thread() is threading.main_thread()))
            tenant.set("another")

    tenant.set("acme")
    with RonClientSync(transport=filled(9)) as client:
        client.add_middleware(Tells())
        client.objects(Thing).get_many([f"t-{n}" for n in range(9)], concurrency=1)
    assert ("acme", False) == seen[0]
    assert "acme" == tenant.get()


def test_what_middleware_raises_reaches_the_caller() -> None:
    """An error that is none of ours ends the call, as it would with one item."""

    class Breaks:
        def before(self, request: Any) -> None:
            raise ZeroDivisionError

    with RonClientSync(transport=filled()) as client:
        client.add_middleware(Breaks())
        with pytest.raises(ZeroDivisionError):
            client.objects(Thing).get_many(["t-1", "t-2"])
    assert [] == [thread for thread in threading.enumerate() if thread.name == "ron-many"]


def test_errors_lead_to_no_frames() -> None:
    """The errors in a result carry no traceback: they may be kept for long."""
    with RonClientSync(transport=filled()) as client:
        errors: list[RonError] = [error for _, error in client.objects(Thing).get_many(["x", "a/b"]).failed]
    assert [None, None] == [error.__traceback__ for error in errors]


def test_a_composite_key_is_named() -> None:
    """A message names the key, whose parts stand in a tuple; of an object it names the position, never its fields."""
    labels = [Outcome[Any](3, given, None, None).label for given in (("eu", 7), "i-1", object(), ())]
    assert ["('eu', 7)", "'i-1'", "item 3", "item 3"] == labels


def test_what_is_no_iterable_of_this_colour() -> None:
    """An async iterable on a sync manager is refused before anything is sent."""

    async def keys() -> Any:
        yield "t-1"

    node = MemoryNode(Thing)
    wrong: Any = keys()
    with (
        RonClientSync(transport=node) as client,
        pytest.raises(RonConfigError, match="is async, but the client is sync: use a"),
    ):
        client.objects(Thing).get_many(wrong)
    assert () == node.requests
