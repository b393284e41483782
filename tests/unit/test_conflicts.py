"""Conflicts: what their error tells, what that costs, and how `modify` goes on after one."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import ron
from ron import (
    Resource,
    RonClient,
    RonClientSync,
    RonConfigError,
    RonConflictError,
    RonInputError,
    RonNotFoundError,
    RonPreconditionError,
    RonServerError,
    RonTimeoutError,
    server,
)
from ron._effects import Invoke, Send, Sleep
from ron._values import UNSET
from ron.resources import _modify, _operations
from ron.resources._description import description_of
from ron.resources._operations import Scope
from ron.testing import FakeClock, MemoryNode, stored
from tests.unit.resource_declarations import as_json, decoded
from tests.unit.rig import Player, chain, make_session, reply


class Item(Resource, path="/app/items"):
    id: str = server()
    name: str
    note: str = ""


class Whole(Resource, path="/app/whole", update_method="PUT"):
    id: str
    name: str


class WriteOnly(Resource, path="/app/written", operations=("create", "update")):
    id: str
    name: str


class ModifyPlayer(Player):
    """Plays `modify` too: calls its function, and waits."""

    def __init__(self, *outcomes: Any, took: float = 0.0, thinks: float = 0.0) -> None:
        super().__init__(*outcomes)
        self.took = took
        self.thinks = thinks
        self.slept: list[float] = []

    def _answer(self, effect: Any) -> Any:
        if isinstance(effect, Invoke):
            self.clock.advance(self.thinks)
            return effect.function(*effect.arguments)
        if isinstance(effect, Sleep):
            self.slept.append(effect.seconds)
            self.clock.sleep(effect.seconds)
            return None
        return super()._answer(effect)


def scope(cls: Any) -> Scope:
    """A manager's scope."""
    return Scope(description_of(cls), make_session(FakeClock(jitter=1.0)), {})


def problem(status: int) -> Any:
    """An error that speaks of the object."""
    return reply(status, b'{"code":"no","message":"no"}')


def ok(etag: str = '"2"', **fields: Any) -> Any:
    """An item as an answer."""
    return reply(200, as_json(**{"id": "i-1", "name": "theirs", **fields}), etag=etag)


def changed(where: Scope) -> Any:
    """An item from a node, changed since."""
    item = decoded(Item, where.session, id="i-1", name="was")
    item.name = "mine"
    return item


def sent(player: Player) -> list[str]:
    """Method and target of each request."""
    return [f"{one.exchange.method} {one.exchange.target.decode()}" for one in player.sends]


# --- What the error tells ---------------------------------------------------------------------


@pytest.mark.parametrize(("status", "kind"), [(409, RonConflictError), (412, RonPreconditionError)])
@pytest.mark.parametrize("call", [_operations.save, _operations.replace])
def test_a_conflict_reads_the_object_once_more(call: Any, status: int, kind: Any) -> None:
    """One GET, sent once, gives `remote`, which can be saved; `local` is the caller's object, `base` what it was."""
    where = scope(Item)
    item = changed(where)
    player = Player(problem(status), ok())
    error = player.fail(call(where, item, None), kind)
    assert ["GET /app/items/i-1"] == sent(player)[1:]
    assert error.local is item
    assert ("mine", "was", "theirs", None) == (item.name, error.base.name, error.remote.name, error.remote_error)
    assert ('"2"', [error]) == (ron.meta(error.remote).etag, list(chain(error)))
    with pytest.raises(RonConfigError, match="came from no node"):
        ron.meta(error.base)


def test_a_conflicting_update_has_its_patch() -> None:
    """An `update` knows no object, so `local` is the patch and `base` is None."""
    player = Player(problem(409), ok())
    error = player.fail(_operations.update(scope(Item), "i-1", None, {"name": "mine"}, None), RonConflictError)
    assert {"name": "mine"} == error.local.model_dump(exclude_unset=True)
    assert (None, "theirs") == (error.base, error.remote.name)


def test_a_conflicting_update_by_put_has_its_object() -> None:
    """With `update_method="PUT"` the object was read, so it is there."""
    player = Player(
        reply(200, as_json(id="w", name="was"), etag='"1"'),
        problem(412),
        reply(200, as_json(id="w", name="theirs"), etag='"2"'),
    )
    flow = _operations.update(scope(Whole), "w", None, {"name": "mine"}, None)
    error = player.fail(flow, RonPreconditionError)
    assert ("mine", "was", "theirs") == (error.local.name, error.base.name, error.remote.name)


def test_a_new_object_in_conflict_has_no_base() -> None:
    """Where the caller chose the key, what has it already is read; where the node would, there is nothing to read."""
    player = Player(problem(409), reply(200, as_json(id="w", name="theirs")))
    error = player.fail(_operations.save(scope(Whole), Whole(id="w", name="mine"), None), RonConflictError)
    assert (None, "theirs") == (error.base, error.remote.name)
    player = Player(problem(409))
    error = player.fail(_operations.save(scope(Item), Item(name="mine"), None), RonConflictError)
    assert error.remote is None
    assert "the object has no key yet, so what it is in conflict with cannot be read" == str(error.remote_error)


def test_why_there_is_no_remote() -> None:
    """Gone, not allowed, or no time left: `remote_error` says which; the conflict is still the error."""
    where = scope(Item)
    player = Player(problem(412), problem(404))
    error = player.fail(_operations.save(where, changed(where), None), RonPreconditionError)
    assert (None, RonNotFoundError) == (error.remote, type(error.remote_error))

    player = Player(problem(409))
    refused = player.fail(_operations.update(scope(WriteOnly), "w", None, {"name": "a"}, None), RonConflictError)
    assert "WriteOnly does not allow 'get', so the object was not read" == str(refused.remote_error)

    player = Player(problem(412))
    player.took = 10.0
    error = player.fail(_operations.save(where, changed(where), None), RonPreconditionError)
    assert (RonTimeoutError, 1) == (type(error.remote_error), len(player.sends))


def test_the_read_shares_the_deadline_of_the_write() -> None:
    """The GET has what the write left of the time, and is not repeated."""
    where = scope(Item)
    player = Player(problem(412), reply(503))
    player.took = 4.0
    error = player.fail(_operations.save(where, changed(where), None), RonPreconditionError)
    write, read = (send.exchange.deadline for send in player.sends)
    assert write == read
    assert isinstance(error.remote_error, RonServerError)
    assert 2 == len(player.sends)


def test_the_text_of_a_conflict_holds_nothing_of_the_objects() -> None:
    """Message and args are those of the node's answer alone."""
    where = scope(Item)
    error = Player(problem(412), ok()).fail(_operations.save(where, changed(where), None), RonPreconditionError)
    assert not [word for word in ("mine", "was", "theirs") if word in f"{error!s} {error!r} {error.args!r}"]


def test_a_conflict_pickles_with_its_objects() -> None:
    """Another process gets equal objects, without their origin."""
    where = scope(Item)
    error = Player(problem(412), ok()).fail(_operations.save(where, changed(where), None), RonPreconditionError)
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (error.local, error.base, error.remote) == (other.local, other.base, other.remote)
        assert (error.message, 412, error.request_id) == (other.message, other.status_code, other.request_id)


def test_what_does_not_pickle_is_left_behind() -> None:
    """An object of a class that no other process knows is dropped, the error is not."""

    class Local(Resource, path="/app/local"):
        id: str
        name: str

    where = scope(Local)
    item = decoded(Local, where.session, id="l", name="was")
    item.name = "mine"
    player = Player(problem(412), problem(404))
    error = player.fail(_operations.save(where, item, None), RonPreconditionError)
    other = pickle.loads(pickle.dumps(error))
    assert (None, None, None, 412) == (other.local, other.base, other.remote, other.status_code)
    assert isinstance(other.remote_error, RonNotFoundError)


# --- modify -----------------------------------------------------------------------------------


def rename(item: Any) -> None:
    """A change."""
    item.name = "mine"


def test_modify_reads_changes_and_writes() -> None:
    """One GET and one PATCH of what changed, under the ETag that was read."""
    player = ModifyPlayer(ok('"1"'), ok(name="mine"))
    found = player.run(_modify.modify(scope(Item), "i-1", rename, 5))
    assert ["GET /app/items/i-1", "PATCH /app/items/i-1"] == sent(player)
    assert b'"1"' == dict(player.sends[1].exchange.headers)[b"If-Match"]
    assert (b'{"name":"mine"}', "mine") == (player.sends[1].exchange.body, found.name)


def test_modify_may_return_changes() -> None:
    """A mapping is set field by field; what is no field, or no mapping, is refused before the write."""
    player = ModifyPlayer(ok(), ok(name="mine"))
    player.run(_modify.modify(scope(Item), "i-1", lambda item: {"name": item.name + "!"}, 5))
    assert b'{"name":"theirs!"}' == player.sends[1].exchange.body
    for returned, text in (
        ({"nmae": "a"}, "modify: Item has no field 'nmae' (did you mean 'name'?)"),
        ({"name": 5}, "Item: name: Input should be a valid string"),
        ({"id": "x"}, "Item.id is assigned by the node: it cannot be set"),
        ("mine", "modify: the function changes the Item in place, or returns a mapping of changes, not str"),
    ):
        player = ModifyPlayer(ok())
        flow = _modify.modify(scope(Item), "i-1", lambda item, returned=returned: returned, 5)
        assert player.fail(flow, RonInputError).message.startswith(text)
        assert 1 == len(player.sends)


@pytest.mark.parametrize("status", [409, 412])
def test_modify_reads_again_after_a_conflict(status: int) -> None:
    """Each attempt begins with a read and its own key; between them it waits, longer each time."""
    seen: list[str] = []

    def change(item: Any) -> None:
        seen.append(item.name)
        item.note = item.name

    player = ModifyPlayer(ok(name="a"), problem(status), ok(name="b"), problem(status), ok(name="c"), ok(name="c"))
    player.run(_modify.modify(scope(Item), "i-1", change, 5))
    assert ["a", "b", "c"] == seen
    assert ["GET", "PATCH"] * 3 == [send.exchange.method for send in player.sends]
    assert [0.05, 0.1] == player.slept
    keys = [dict(send.exchange.headers).get(b"Idempotency-Key") for send in player.sends[1::2]]
    assert 3 == len(set(keys))


def test_modify_raises_the_last_conflict() -> None:
    """After the last attempt the conflict is raised, with all three; nothing is waited for any more."""
    player = ModifyPlayer(ok(name="a"), problem(412), ok(name="b"), problem(412), ok(name="c"))
    error = player.fail(_modify.modify(scope(Item), "i-1", rename, 2), RonPreconditionError)
    assert ("mine", "b", "c") == (error.local.name, error.base.name, error.remote.name)
    assert [0.05] == player.slept


def test_other_errors_end_modify_at_once() -> None:
    """Only a conflict of its own write is a reason to try again."""
    player = ModifyPlayer(ok(), problem(422))
    player.fail(_modify.modify(scope(Item), "i-1", rename, 5), ron.RonInvalidError)
    player = ModifyPlayer(problem(404))
    player.fail(_modify.modify(scope(Item), "i-1", rename, 5), RonNotFoundError)

    def conflicting(item: Any) -> None:
        raise RonConflictError("of another call")

    player = ModifyPlayer(ok())
    with pytest.raises(RonConflictError, match="of another call"):
        player.run(_modify.modify(scope(Item), "i-1", conflicting, 5))
    assert 1 == len(player.sends)


def test_one_deadline_spans_modify() -> None:
    """All attempts end by one deadline; what the function takes counts, too."""
    player = ModifyPlayer(ok(), problem(412), ok(), problem(412), ok(), took=3.0)
    error = player.fail(_modify.modify(scope(Item), "i-1", rename, 5), RonPreconditionError)
    assert 1 == len({send.exchange.deadline for send in player.sends[:2]} | {player.sends[2].exchange.deadline})
    assert isinstance(error.remote_error, RonTimeoutError)
    player = ModifyPlayer(ok(), thinks=11.0)
    error2 = player.fail(_modify.modify(scope(Item), "i-1", rename, 5), RonTimeoutError)
    assert "modify of Item: the deadline left no time to write it" == error2.message


@pytest.mark.parametrize(
    ("change", "attempts", "text"),
    [
        (UNSET, 5, "modify takes a function that changes the Item that it is given, not UNSET"),
        ({"name": "a"}, 5, "modify takes a function that changes the Item that it is given, not {'name': 'a'}"),
        (rename, 0, "attempts must be a whole number of at least 1, not 0"),
        (rename, True, "attempts must be a whole number of at least 1, not True"),
    ],
)
def test_mistakes_with_modify(change: Any, attempts: Any, text: str) -> None:
    """They are found before anything is sent."""
    player = ModifyPlayer()
    assert text == player.fail(_modify.modify(scope(Item), "i-1", change, attempts), RonInputError).message
    assert [] == player.sends


def test_modify_needs_get_and_update() -> None:
    """A resource without one of them says so."""
    flow = _modify.modify(scope(WriteOnly), "w", rename, 5)
    assert ModifyPlayer().fail(flow, RonConfigError).message.startswith("WriteOnly does not allow 'get'")


@pytest.mark.anyio
async def test_an_async_client_awaits_the_function() -> None:
    """`modify` of an async manager takes plain and async functions."""
    node = MemoryNode(Item)
    node.add(stored(Item, id="i-1", name="a"))

    async def change(item: Item) -> None:
        item.name += "b"

    async with RonClient(transport=node) as client:
        assert "ab" == (await client.objects(Item).modify("i-1", change)).name
        assert "abc" == (await client.objects(Item).modify("i-1", lambda item: {"name": item.name + "c"})).name


def test_a_sync_client_refuses_an_async_function() -> None:
    """Nobody would await it; nothing is written. What a function raises reaches the caller as it is."""
    node = MemoryNode(Item)
    node.add(stored(Item, id="i-1", name="a"))

    async def change(item: Item) -> None:
        item.name += "b"

    def broken(item: Item) -> None:
        raise StopIteration

    with RonClientSync(transport=node) as client:
        items = client.objects(Item)
        with pytest.raises(
            RonConfigError, match=r"^this function is async, but the client is sync: give a plain function"
        ):
            items.modify("i-1", change)
        with pytest.raises(RuntimeError, match="the function raised StopIteration"):
            items.modify("i-1", broken)
        with pytest.raises(ZeroDivisionError):
            items.modify("i-1", lambda item: 1 // 0)
    assert ["GET"] * 3 == [request.method for request in node.requests]


def test_nothing_else_is_sent_for_a_write_without_conflict() -> None:
    """A save that succeeds is one request."""
    where = scope(Item)
    player = Player(ok())
    player.run(_operations.save(where, changed(where), None))
    assert [Send] == [type(send) for send in player.sends]
