"""What managers do, as flows driven by hand: which requests go out, and what becomes of each answer."""

from __future__ import annotations

import enum
import json
from collections.abc import Generator
from typing import Any, Optional
from uuid import UUID

import pytest
from pydantic import model_validator

import ron
from ron import (
    Draft,
    Facet,
    Patch,
    Resource,
    RonConfigError,
    RonGoneError,
    RonInputError,
    RonNotFoundError,
    RonOutcomeUnknownError,
    RonParseError,
    RonPreconditionError,
    RonServerError,
    server,
)
from ron._session import Session
from ron._values import Reply
from ron.resources import _operations
from ron.resources._operations import Scope
from ron.resources._origin import origin_of
from ron.testing import FakeClock
from tests.unit.resource_declarations import Item, Task, as_json, decoded, described
from tests.unit.rig import Player, lost, make_session, refused, reply


class Ledger(Facet, id="ledger", kind="proxy", upstream="http://127.0.0.1:4000", idempotent=True):
    """Honours idempotency keys."""


class Entry(Resource, path="/entries", facet=Ledger):
    id: str = server()
    text: str = ""


class Whole(Resource, path="/app/whole", update_method="PUT", empty_404="missing", encoded_keys=True):
    id: str = server()
    low: int = 0
    high: int = 9

    @model_validator(mode="after")
    def _ordered(self) -> Whole:
        if self.low > self.high:
            raise ValueError("low must not be above high")
        return self


class Readable(Resource, path="/app/readable", operations=("get", "list")):
    id: str = server()


KETTLE: dict[str, Any] = {"id": "i-1", "name": "kettle", "price": "5"}


def session(clock: Optional[FakeClock] = None) -> Session:
    """The session of a client."""
    return make_session(FakeClock(jitter=0.0) if clock is None else clock)


def scope(cls: Any, of: Optional[Session] = None, /, **parents: Any) -> Scope:
    """A manager's scope."""
    return Scope(described(cls), session() if of is None else of, parents)


def ok(etag: Optional[str] = '"2"', status: int = 200, **fields: Any) -> Reply:
    """An object as an answer."""
    return reply(status, as_json(**fields), **({} if etag is None else {"etag": etag}))


def problem(status: int, code: str = "no_such_item") -> Reply:
    """An error that speaks of the object."""
    return reply(status, json.dumps({"code": code, "message": "no"}).encode())


def run(flow: Generator[Any, Any, Any], *answers: Any) -> tuple[Any, Player]:
    """The flow's result, and what was sent."""
    player = Player(*answers)
    try:
        return player.run(flow), player
    except StopIteration as stop:  # it asked for nothing at all
        return stop.value, player


def sent(player: Player) -> list[str]:
    """Method and target of each request."""
    return [f"{one.exchange.method} {one.exchange.target.decode()}" for one in player.sends]


def headers(player: Player, index: int = 0) -> dict[str, str]:
    """The header fields of one request."""
    return {name.decode(): value.decode() for name, value in player.sends[index].exchange.headers}


def bodies(player: Player) -> list[Any]:
    """The JSON of each request; None where there is none."""
    return [json.loads(one.exchange.body) if one.exchange.body else None for one in player.sends]


def not_sent(flow: Generator[Any, Any, Any], kind: type[ron.RonError] = RonInputError) -> str:
    """What is said about a mistake; nothing goes out."""
    player = Player()
    error = player.fail(flow, kind)
    assert ([], 0) == (player.sends, error.attempts)
    return error.message


# --- Reading ----------------------------------------------------------------------------------


def test_get_asks_for_one_object() -> None:
    """`get` is one GET without body or key, and gives an object with its origin."""
    item, player = run(_operations.get(scope(Item), "i-1"), ok(**KETTLE))
    assert ["GET /app/shop/items/i-1"] == sent(player)
    assert {"User-Agent", "Accept", "Accept-Encoding", "X-Request-Id", "X-Correlation-Id"} == set(headers(player))
    assert "application/json" == headers(player)["Accept"]
    assert ("i-1", "kettle", 5, '"2"') == (item.id, item.name, item.price, ron.meta(item).etag)
    assert isinstance(item, Item)


def test_facets_live_where_the_client_says() -> None:
    """`facet_prefix` moves resources of a facet, and no others."""
    moved = session()
    moved.facet_prefix = "/facets"
    assert b"/facets/shop/items/i-1" == scope(Item, moved).item("i-1")
    assert b"/app/whole/w" == scope(Whole, moved).item("w")


def test_the_root_of_a_facet_has_items_without_a_double_slash() -> None:
    """A resource at `/` has its objects right below the facet."""

    class Site(Facet, id="site", kind="proxy", upstream="http://127.0.0.1:4000"):
        pass

    class Page(Resource, path="/", facet=Site):
        id: str = server()

    assert (b"/app/site/", b"/app/site/a") == (scope(Page).collection(), scope(Page).item("a"))


def test_get_raises_what_the_node_says() -> None:
    """A 404 is `RonNotFoundError`; it tells whether the object or the route is missing."""
    for answer, route_missing in ((problem(404), False), (reply(404), True), (reply(405), True)):
        error = Player(answer).fail(_operations.get(scope(Item), "i-1"), RonNotFoundError)
        assert route_missing is error.route_missing


@pytest.mark.parametrize(
    ("cls", "answer", "raises"),
    [
        (Item, problem(404), None),
        (Item, problem(410), None),
        (Item, reply(404), RonNotFoundError),
        (Item, reply(405), RonNotFoundError),
        (Whole, reply(404), None),
        (Whole, reply(405), RonNotFoundError),
        (Whole, problem(404), None),
    ],
)
def test_get_or_none_tells_a_missing_object_from_a_missing_route(cls: Any, answer: Reply, raises: Any) -> None:
    """An empty 404 means that the route is missing, unless the resource says `empty_404="missing"`."""
    flow = _operations.get_or_none(scope(cls), "i-1")
    if raises is None:
        assert run(flow, answer)[0] is None
    else:
        Player(answer).fail(flow, raises)


def test_get_or_none_gives_the_object() -> None:
    """What is there is given, as by `get`."""
    assert "kettle" == run(_operations.get_or_none(scope(Item), "i-1"), ok(**KETTLE))[0].name


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "the answer is no Item: the body is empty"),
        (b"[]", "the answer is no Item: Input should be an object"),
        (b'{"id":"i-1"}', "the answer is no Item: name: Field required"),
        (
            b'{"id":"i-1","name":"a","size":{"width":"secret"}}',
            "the answer is no Item: size.width: Input should be a valid integer",
        ),
        (b'{"id":', "the answer is no Item: the body is not valid JSON"),
        (b'{"id":"i-1","name":"a","x":NaN}', "the answer is no Item: the body is not valid JSON"),
    ],
)
def test_an_answer_that_is_no_item_is_named_by_field(body: bytes, text: str) -> None:
    """What does not fit the declaration is a `RonParseError` that names the field and never the payload."""
    error = Player(reply(200, body)).fail(_operations.get(scope(Item), "i-1"), RonParseError)
    assert error.message.startswith(text)
    assert "secret" not in error.message
    assert 1 == error.attempts


# --- Keys -------------------------------------------------------------------------------------


class Colour(str, enum.Enum):
    RED = "red"


class Number(enum.IntEnum):
    SEVEN = 7


@pytest.mark.parametrize(
    ("key", "segment"),
    [
        ("i-1", b"i-1"),
        ("a b", b"a%20b"),
        ("é", b"%C3%A9"),
        ("日本", b"%E6%97%A5%E6%9C%AC"),
        ("a:b@c;d=e&f+g,h", b"a%3Ab%40c%3Bd%3De%26f%2Bg%2Ch"),
        ("...", b"..."),
        ("~._-", b"~._-"),
        ("'\"<>", b"%27%22%3C%3E"),
        (7, b"7"),
        (-7, b"-7"),
        (UUID(int=7), b"00000000-0000-0000-0000-000000000007"),
        (Colour.RED, b"red"),
        (Number.SEVEN, b"7"),
    ],
)
def test_a_key_is_exactly_one_segment(key: Any, segment: bytes) -> None:
    """Keys are encoded whole into one path segment; what they stand for is sent, not how they print."""
    assert b"/app/shop/items/" + segment == scope(Item).item(key)


BAD_KEYS = [
    ("", "id cannot be '': it would name another path"),
    (".", "id cannot be '.': it would name another path"),
    ("..", "id cannot be '..': it would name another path"),
    ("a\x00b", "id holds a control character or more than 2000 characters: 'a\\x00b'"),
    ("a\nb", "id holds a control character or more than 2000 characters: 'a\\nb'"),
    ("a\x85b", "id holds a control character or more than 2000 characters: 'a\\x85b'"),
    ("a\u2028b", "id holds a control character or more than 2000 characters: 'a\\u2028b'"),
    ("x" * 2001, "id holds a control character or more than 2000 characters: 'xxx"),
    ("\ud800", "id holds a lone surrogate, which no path can carry"),
    (None, "id must be a str, an int or a UUID, not NoneType"),
    (True, "id must be a str, an int or a UUID, not bool"),
    (1.5, "id must be a str, an int or a UUID, not float"),
    (b"x", "id must be a str, an int or a UUID, not bytes"),
    (["x"], "id must be a str, an int or a UUID, not list"),
]
DECODED = ["a/b", "a\\b", "a?x", "a#x", "a%2fb", "%2e%2e"]


@pytest.mark.parametrize(("key", "text"), BAD_KEYS)
@pytest.mark.parametrize("cls", [Item, Whole])
def test_keys_that_are_no_segment_are_refused(cls: Any, key: Any, text: str) -> None:
    """Keys that would name another path, or that no path can carry, are refused before anything is sent."""
    for flow in (
        _operations.get(scope(cls), key),
        _operations.get_or_none(scope(cls), key),
        _operations.update(scope(cls), key, None, {"name" if cls is Item else "low": "1"}, None),
        _operations.delete(scope(cls), key, missing_ok=True, idempotency_key=None),
    ):
        assert not_sent(flow).startswith(text)


@pytest.mark.parametrize("key", DECODED)
def test_keys_that_gateways_would_decode_are_refused_unless_declared(key: str) -> None:
    """Characters that gateways decode and paste are refused; `encoded_keys=True` encodes them."""
    bad = next(char for char in key if char in "/\\?#%")
    assert (
        f"id {key!r} holds {bad!r}, which gateways decode and paste into another path; if this node keeps the "
        "encoding, declare the resource with encoded_keys=True" == not_sent(_operations.get(scope(Item), key))
    )
    segment = scope(Whole).item(key).decode().rsplit("/", 1)[1]
    assert not set(segment) & set("/\\?#")
    assert "%" not in segment.replace("%25", "").replace("%2F", "").replace("%5C", "").replace("%3F", "").replace(
        "%23", ""
    )


# --- Create -----------------------------------------------------------------------------------


def test_create_posts_the_fields() -> None:
    """`create` is a POST with a JSON body, its length, and a fresh idempotency key; the result is the node's object."""
    item, player = run(_operations.create(scope(Item), None, {"name": "kettle", "price": 5}, None), ok(**KETTLE))
    assert ["POST /app/shop/items"] == sent(player)
    assert [{"name": "kettle", "price": "5", "tags": []}] == bodies(player)
    found = headers(player)
    assert ("application/json", str(len(player.sends[0].exchange.body))) == (
        found["Content-Type"],
        found["Content-Length"],
    )
    assert 32 == len(found["Idempotency-Key"])
    assert ("i-1", 5) == (item.id, item.price)


def test_create_refreshes_the_object_that_was_given() -> None:
    """The caller's object becomes what the node answered, unknown fields included, and has its origin."""
    item = Item(name="kettle")
    result, _ = run(_operations.create(scope(Item), item, {}, None), ok(**KETTLE, shiny=1))
    assert result is item
    assert ("i-1", 5, 1, '"2"') == (item.id, item.price, item.model_dump()["shiny"], ron.meta(item).etag)


def test_create_takes_a_draft() -> None:
    """A draft is sent like fields."""
    _, player = run(_operations.create(scope(Item), Draft[Item](name="a", note=None), {}, None), ok(**KETTLE))
    assert [{"name": "a", "price": "0", "tags": [], "note": None}] == bodies(player)


def test_a_failed_create_leaves_the_object_new() -> None:
    """After an error the caller's object is as it was, and can be created again."""
    item = Item(name="kettle")
    Player(problem(422)).fail(_operations.create(scope(Item), item, {}, None), ron.RonInvalidError)
    assert (None, False) == (origin_of(item), hasattr(item, "id"))
    assert "i-1" == run(_operations.create(scope(Item), item, {}, None), ok(**KETTLE))[0].id


# --- Idempotency keys and repeats -------------------------------------------------------------

WRITES: list[tuple[str, Any]] = [
    ("POST", lambda s, key: _operations.create(s, None, {"name": "a"}, key)),
    ("PATCH", lambda s, key: _operations.update(s, "i-1", None, {"name": "a"}, key)),
    ("PUT", lambda s, key: _operations.replace(s, decoded(Item, s.session, None, **KETTLE), key)),
    ("DELETE", lambda s, key: _operations.delete(s, "i-1", missing_ok=False, idempotency_key=key)),
]


@pytest.mark.parametrize(("method", "write"), WRITES)
def test_every_write_carries_a_key(method: str, write: Any) -> None:
    """Each write has the caller's idempotency key, or a fresh one of its own."""
    for key, expected in (("mine-1", "mine-1"), (None, None), (True, None)):
        _, player = run(write(scope(Item), key), ok(**KETTLE))
        assert method == player.sends[0].exchange.method
        assert (expected or f"{1:032x}") == headers(player)["Idempotency-Key"]


@pytest.mark.parametrize("key", ["", " x", "a\nb", "x" * 65, "é", 5, False])
def test_bad_keys_are_refused(key: Any) -> None:
    """A key that no header can carry is refused before anything is sent."""
    for _, write in WRITES:
        assert not_sent(write(scope(Item), key)).startswith(
            "idempotency_key must be 1 to 64 printable ASCII characters"
        )


@pytest.mark.parametrize("answer", [lost(), reply(503)])
@pytest.mark.parametrize("write", [WRITES[0][1], WRITES[1][1]])
def test_a_write_is_repeated_only_on_somebodys_word(write: Any, answer: Any) -> None:
    """A POST or PATCH that may have arrived is repeated if the caller gave a key, byte for byte; else it is not."""
    kind = RonOutcomeUnknownError if not isinstance(answer, Reply) else RonServerError
    player = Player(answer)
    error = player.fail(write(scope(Item), None), kind)
    assert (1, 1) == (error.attempts, len(player.sends))
    for key in ("mine-1", True):
        _, player = run(write(scope(Item), key), answer, ok(**KETTLE))
        first, second = player.sends
        assert first.exchange == second.exchange


def test_a_resource_can_vouch_for_its_service() -> None:
    """With `idempotent=True` on facet or resource, a fresh key makes a lost POST or PATCH repeatable."""
    for flow in (
        _operations.create(scope(Entry), None, {"text": "a"}, None),
        _operations.update(scope(Entry), "e-1", None, {"text": "a"}, None),
    ):
        _, player = run(flow, lost(), ok(id="e-1"))
        assert 2 == len(player.sends)
        assert 1 == len({send.exchange for send in player.sends})


def test_what_was_not_sent_is_repeated_anyway() -> None:
    """A POST that could not even be sent is sent again without anybody's word."""
    _, player = run(_operations.create(scope(Item), None, {"name": "a"}, None), refused(), ok(**KETTLE))
    assert 2 == len(player.sends)


def test_an_unknown_outcome_names_the_key() -> None:
    """The error of a lost POST has the key that it carried, to repeat it with."""
    player = Player(lost())
    error = player.fail(_operations.create(scope(Item), None, {"name": "a"}, None), RonOutcomeUnknownError)
    assert headers(player)["Idempotency-Key"] == error.idempotency_key


# --- Save -------------------------------------------------------------------------------------


def test_save_creates_what_is_new() -> None:
    """An object without origin is posted, and refreshed in place."""
    item = Item(name="kettle")
    result, player = run(_operations.save(scope(Item), item, None), ok(**KETTLE))
    assert ["POST /app/shop/items"] == sent(player)
    assert result is item
    assert "i-1" == item.id


def test_save_sends_what_changed_if_unchanged_there() -> None:
    """An object of a node is patched with its changes only, under its ETag, and refreshed in place."""
    where = scope(Item)
    item = decoded(Item, where.session, **KETTLE, shiny=1)
    item.price = 7
    result, player = run(_operations.save(where, item, None), ok(etag='"3"', **{**KETTLE, "price": "8"}))
    assert ["PATCH /app/shop/items/i-1"] == sent(player)
    assert [{"price": "7"}] == bodies(player)
    assert '"1"' == headers(player)["If-Match"]
    assert result is item
    assert (8, '"3"') == (item.price, ron.meta(item).etag)
    assert item is run(_operations.save(where, item, None))[0]


def test_save_sends_nothing_when_nothing_changed() -> None:
    """Saving an unchanged object is no request at all."""
    where = scope(Item)
    item = decoded(Item, where.session, **KETTLE)
    item.price = 5
    result, player = run(_operations.save(where, item, None))
    assert result is item
    assert [] == player.sends


def test_save_sees_changes_inside_values() -> None:
    """A list that was changed in place is sent."""
    where = scope(Item)
    item = decoded(Item, where.session, **KETTLE, tags=["x"])
    item.tags.append("y")
    _, player = run(_operations.save(where, item, None), ok(**KETTLE))
    assert [{"tags": ["x", "y"]}] == bodies(player)


def test_a_conditional_patch_is_repeatable() -> None:
    """With an ETag a lost PATCH goes out again; a 412 on that repeat means that nobody knows, and says so."""
    where = scope(Item)
    item = decoded(Item, where.session, **KETTLE)
    item.price = 7
    player = Player(lost(), problem(412, "precondition_failed"))
    error = player.fail(_operations.save(where, item, None), RonOutcomeUnknownError)
    assert 2 == error.attempts
    assert error.problem is not None
    assert "precondition_failed" == error.problem.code
    assert 7 == item.price


def test_a_conditional_patch_that_lost_the_race() -> None:
    """A 412 at once means that somebody else was faster; the object keeps the caller's changes."""
    where = scope(Item)
    item = decoded(Item, where.session, **KETTLE)
    item.price = 7
    Player(problem(412), ok(**KETTLE)).fail(_operations.save(where, item, None), RonPreconditionError)
    assert 7 == item.price
    _, player = run(_operations.save(where, item, None), ok(**KETTLE))
    assert [{"price": "7"}] == bodies(player)


@pytest.mark.parametrize("etag", [None, 'W/"1"'])
def test_without_a_strong_etag_a_write_is_unconditional(etag: Optional[str]) -> None:
    """A weak ETag is no precondition (RFC 9110 §13.1.1): the PATCH has none, and is not repeated."""
    where = scope(Item)
    item = decoded(Item, where.session, etag, **KETTLE)
    item.price = 7
    player = Player(lost())
    player.fail(_operations.save(where, item, None), RonOutcomeUnknownError)
    assert "If-Match" not in headers(player)


def test_a_copy_with_a_key_is_not_saved_blindly() -> None:
    """A copy, or a whole object made here, has a key but no origin: saving it would create a second one."""
    where = scope(Item)
    text = (
        "this Item has its id already but did not come from this client: saving it would create a second one; use "
        "replace(obj), or update(id, ...), or get it first"
    )
    for item in (decoded(Item, where.session, **KETTLE).model_copy(), Item._stored(KETTLE)):
        assert text == not_sent(_operations.save(where, item, None))


def test_a_new_object_with_a_key_of_the_callers_is_created() -> None:
    """Where the caller chooses keys, a new object has one, and saving it is a POST."""
    _, player = run(_operations.save(scope(Task), Task(project="p", number=1), None), ok(project="p", number=1))
    assert ["POST /app/projects/p/tasks"] == sent(player)
    assert [{"project": "p", "number": 1, "text": ""}] == bodies(player)


def test_a_changed_key_is_refused() -> None:
    """A key names an object: one that was changed is refused in every call that needs it."""
    where = scope(Task)
    task = decoded(Task, where.session, project="p", number=1)
    task.number = 2
    for call, flow in (
        ("save", _operations.save(where, task, None)),
        ("replace", _operations.replace(where, task, None)),
        ("delete", _operations.delete(where, task, missing_ok=False, idempotency_key=None)),
        ("refresh", _operations.refresh(where, task)),
    ):
        assert (
            f"{call}: the key 'number' of this Task was changed; a key cannot change: create another one"
            == not_sent(flow)
        )


# --- Objects and clients ----------------------------------------------------------------------


def test_objects_stay_with_the_client_they_came_through() -> None:
    """An object of one tenant is never written through the client of another."""
    item = decoded(Item, session(), **KETTLE)
    item.price = 9
    where = scope(Item)
    for call, flow in (
        ("save", _operations.save(where, item, None)),
        ("replace", _operations.replace(where, item, None)),
        ("delete", _operations.delete(where, item, missing_ok=True, idempotency_key=None)),
        ("refresh", _operations.refresh(where, item)),
    ):
        assert (
            f"this Item came through another client: {call} it through that one, or get it through this one first"
            == not_sent(flow, RonConfigError)
        )


def test_copies_of_a_client_are_the_same_client() -> None:
    """An object that came through a client may be saved through its `with_options` copy."""
    first = session()
    item = decoded(Item, first, **KETTLE)
    item.price = 9
    _, player = run(_operations.save(scope(Item, first.with_options(1.0, None, ())), item, None), ok(**KETTLE))
    assert 1 == len(player.sends)


@pytest.mark.parametrize("thing", [None, 5, "i-1", {"id": "i-1"}, Task(project="p", number=1)])
def test_what_is_no_object_of_the_resource_is_refused(thing: Any) -> None:
    """`save`, `replace` and `refresh` name the class they want and the one they got."""
    where = scope(Item)
    for call, flow in (
        ("save", _operations.save(where, thing, None)),
        ("replace", _operations.replace(where, thing, None)),
        ("refresh", _operations.refresh(where, thing)),
    ):
        assert f"{call} takes a Item, not {type(thing).__name__}" == not_sent(flow)


# --- Update -----------------------------------------------------------------------------------


def test_update_patches_what_is_given() -> None:
    """`update` is a PATCH of the given fields, from keywords or a patch, unconditional."""
    for patch, changes in ((None, {"price": 7, "note": None}), (Patch[Item](price=7, note=None), {})):
        item, player = run(_operations.update(scope(Item), "i-1", patch, changes, None), ok(**KETTLE))
        assert ["PATCH /app/shop/items/i-1"] == sent(player)
        assert [{"price": "7", "note": None}] == bodies(player)
        assert "If-Match" not in headers(player)
        assert "kettle" == item.name


def test_an_empty_answer_to_a_write_is_looked_up() -> None:
    """A node that answers a write with 204 is asked for the object as it is now."""
    where = scope(Item)
    item = decoded(Item, where.session, **KETTLE)
    item.price = 7
    for flow, method in (
        (_operations.update(where, "i-1", None, {"price": 7}, None), "PATCH"),
        (_operations.save(where, item, None), "PATCH"),
        (_operations.replace(where, item, None), "PUT"),
    ):
        result, player = run(flow, reply(204), ok(**KETTLE))
        assert [f"{method} /app/shop/items/i-1", "GET /app/shop/items/i-1"] == sent(player)
        assert "kettle" == result.name


def test_update_by_put_reads_changes_and_writes_if_unchanged() -> None:
    """With `update_method="PUT"` an update is a GET and a PUT of the whole, under the ETag that was read."""
    stored: dict[str, Any] = {"id": "w-1", "low": 1, "high": 5, "shiny": [1]}
    for patch, changes in ((None, {"low": 2}), (Patch[Whole](low=2), {})):
        _, player = run(
            _operations.update(scope(Whole), "w-1", patch, changes, "k"), ok(etag='"1"', **stored), ok(**stored)
        )
        assert ["GET /app/whole/w-1", "PUT /app/whole/w-1"] == sent(player)
        assert [None, {"low": 2, "high": 5, "shiny": [1]}] == bodies(player)
        assert ('"1"', "k") == (headers(player, 1)["If-Match"], headers(player, 1)["Idempotency-Key"])


def test_save_by_put_sends_the_whole() -> None:
    """With `update_method="PUT"` saving a changed object puts it whole; an unchanged one is not sent."""
    where = scope(Whole)
    whole = decoded(Whole, where.session, id="w-1", shiny=1)
    assert [] == run(_operations.save(where, whole, None))[1].sends
    whole.low = 3
    _, player = run(_operations.save(where, whole, None), ok(id="w-1", low=3))
    assert ["PUT /app/whole/w-1"] == sent(player)
    assert [{"low": 3, "high": 9, "shiny": 1}] == bodies(player)


def test_a_validator_of_the_resource_may_refuse_an_update_by_put() -> None:
    """What the whole object's validator says of an update is a `RonInputError`; nothing was written."""
    player = Player(ok(id="w-1", low=1, high=5))
    error = player.fail(_operations.update(scope(Whole), "w-1", None, {"low": 6}, None), RonInputError)
    assert "Whole: Value error, low must not be above high" == error.message
    assert ["GET /app/whole/w-1"] == sent(player)


# --- Replace, delete, refresh -----------------------------------------------------------------


def test_replace_puts_the_whole() -> None:
    """`replace` is a PUT of all that is the caller's and what the node had sent beyond, under a known ETag."""
    where = scope(Item)
    item = decoded(Item, where.session, **KETTLE, shiny=1)
    result, player = run(_operations.replace(where, item, None), ok(etag='"9"', **KETTLE))
    assert ["PUT /app/shop/items/i-1"] == sent(player)
    assert [{"name": "kettle", "price": "5", "tags": [], "shiny": 1}] == bodies(player)
    assert '"1"' == headers(player)["If-Match"]
    assert result is item
    assert '"9"' == ron.meta(item).etag


def test_replace_of_an_object_made_here() -> None:
    """An object with a key but no origin is put without a precondition; one without a key is refused."""
    _, player = run(_operations.replace(scope(Item), Item._stored(KETTLE), None), ok(**KETTLE))
    assert ["PUT /app/shop/items/i-1"] == sent(player)
    assert "If-Match" not in headers(player)
    assert "replace: this Item has no id yet: create it first" == not_sent(
        _operations.replace(scope(Item), Item(name="a"), None)
    )


def test_delete_takes_a_key_or_an_object() -> None:
    """`delete` is one DELETE without body."""
    where = scope(Item)
    for thing in ("i-1", decoded(Item, where.session, **KETTLE), Item._stored(KETTLE)):
        result, player = run(_operations.delete(where, thing, missing_ok=False, idempotency_key=None), reply(204))
        assert ["DELETE /app/shop/items/i-1"] == sent(player)
        assert [None] == bodies(player)
        assert "0" == headers(player)["Content-Length"]
        assert result is None
    assert "delete: this Item has no id yet: create it first" == not_sent(
        _operations.delete(where, Item(name="a"), missing_ok=True, idempotency_key=None)
    )


@pytest.mark.parametrize(
    ("cls", "missing_ok", "answer", "fine"),
    [
        (Item, False, problem(404), False),
        (Item, True, problem(404), True),
        (Item, True, reply(404), False),
        (Item, True, reply(405), False),
        (Whole, True, reply(404), True),
        (Whole, False, reply(404), False),
        (Whole, True, reply(405), False),
    ],
)
def test_delete_of_what_is_not_there(cls: Any, missing_ok: bool, answer: Reply, fine: bool) -> None:
    """`missing_ok` forgives a 404 that speaks of the object, never one that speaks of the route."""
    flow = _operations.delete(scope(cls), "i-1", missing_ok=missing_ok, idempotency_key=None)
    if fine:
        run(flow, answer)
    else:
        Player(answer).fail(flow, RonNotFoundError)


@pytest.mark.parametrize("first", [lost(), reply(503)])
@pytest.mark.parametrize("second", [problem(404), reply(404)])
def test_a_404_on_a_repeated_delete_is_success(first: Any, second: Reply) -> None:
    """After an attempt that may have deleted it, "not there" is what was wanted."""
    _, player = run(_operations.delete(scope(Item), "i-1", missing_ok=False, idempotency_key=None), first, second)
    assert 2 == len(player.sends)


def test_a_410_on_delete_is_raised() -> None:
    """Only 404 counts as missing: a 410 is an answer of its own."""
    flow = _operations.delete(scope(Item), "i-1", missing_ok=True, idempotency_key=None)
    Player(problem(410)).fail(flow, RonGoneError)


def test_refresh_takes_the_nodes_word() -> None:
    """`refresh` reads the object again in place; local changes are gone, and nothing is left to save."""
    where = scope(Item)
    item = decoded(Item, where.session, **KETTLE, shiny=1)
    item.price, item.note = 7, "n"
    result, player = run(_operations.refresh(where, item), ok(**KETTLE))
    assert result is item
    assert ["GET /app/shop/items/i-1"] == sent(player)
    assert (5, None, False) == (item.price, item.note, hasattr(item, "shiny"))
    assert [] == run(_operations.save(where, item, None))[1].sends


# --- Parents ----------------------------------------------------------------------------------


def test_parents_are_bound_or_read_from_the_object() -> None:
    """Path parameters come from `.at(...)`, else from the object's own fields; `create` fills the fields in."""
    below = scope(Task, project="p 1")
    _, player = run(_operations.create(below, None, {"number": 1}, None), ok(project="p 1", number=1))
    assert ["POST /app/projects/p%201/tasks"] == sent(player)
    assert [{"project": "p 1", "number": 1, "text": ""}] == bodies(player)
    where = scope(Task)
    task = decoded(Task, where.session, project="q", number=1)
    _, player = run(_operations.refresh(where, task), ok(project="q", number=1))
    assert ["GET /app/projects/q/tasks/1"] == sent(player)


def test_without_parents_there_is_no_path() -> None:
    """A call that has only a key says that `.at(...)` is missing."""
    text = "Task lives below 'project': write .at(project=...) before the call"
    assert text == not_sent(_operations.get(scope(Task), 1), RonConfigError)


def test_an_object_is_not_written_below_another_parent() -> None:
    """Parents that were bound and the object's own must agree."""
    where = scope(Task, project="p")
    task = decoded(Task, where.session, project="q", number=1)
    task.text = "x"
    text = "this Task belongs to project 'q', but the call is .at(project='p')"
    for flow in (
        _operations.save(where, task, None),
        _operations.replace(where, task, None),
        _operations.refresh(where, task),
        _operations.delete(where, task, missing_ok=True, idempotency_key=None),
        _operations.create(where, Task(project="q", number=2), {}, None),
    ):
        assert text == not_sent(flow)
    same = Scope(described(Task), where.session, {"project": "q"})
    assert 1 == len(run(_operations.save(same, task, None), ok(project="q", number=1))[1].sends)


def test_a_changed_parent_field_is_sent_to_where_the_object_is() -> None:
    """Changing the field that a path is made of moves nothing by itself: the object is addressed where it came from."""
    where = scope(Task)
    task = decoded(Task, where.session, project="p", number=1)
    task.project = "q"
    _, player = run(_operations.save(where, task, None), ok(project="q", number=1))
    assert ["PATCH /app/projects/p/tasks/1"] == sent(player)
    assert [{"project": "q"}] == bodies(player)
    _, player = run(_operations.refresh(where, task), ok(project="q", number=1))
    assert ["GET /app/projects/q/tasks/1"] == sent(player)


# --- What a resource does not have ------------------------------------------------------------


def test_operations_that_were_not_declared_are_refused() -> None:
    """A resource declared with `operations=` refuses the others by name, before anything is sent."""
    where = scope(Readable)
    readable = decoded(Readable, where.session, id="r-1")
    text = "Readable does not allow '{}': it was declared with operations=get, list"
    for name, flow in (
        ("create", _operations.create(where, None, {}, None)),
        ("create", _operations.save(where, Readable(), None)),
        ("update", _operations.update(where, "r-1", None, {}, None)),
        ("replace", _operations.replace(where, readable, None)),
        ("delete", _operations.delete(where, "r-1", missing_ok=False, idempotency_key=None)),
    ):
        assert text.format(name) == not_sent(flow, RonConfigError)
    assert "r-1" == run(_operations.get(where, "r-1"), ok(id="r-1"))[0].id
