"""Actions: what a declaration becomes, what goes out, what comes back, and every mistake with the words that help."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Optional

import pytest
from pydantic import BaseModel, ConfigDict
from typing_extensions import TypedDict

import ron
from ron import (
    U64,
    Facet,
    Resource,
    RonConfigError,
    RonInputError,
    RonOutcomeUnknownError,
    RonParseError,
    RonServerError,
    Singleton,
    action,
    server,
)
from ron._values import UNSET, Reply
from ron.resources import _acting, _operations
from ron.resources._description import description_of
from ron.resources._operations import Scope
from ron.testing import FakeClock
from tests.unit.resource_declarations import as_json, decoded
from tests.unit.rig import Player, lost, make_session, reply


class Shop(Facet, id="shop", kind="proxy", upstream="http://127.0.0.1:4000"):
    """A facet."""


class Reason(BaseModel):
    text: str
    price: U64 = 0
    note: Optional[str] = None


class Where(TypedDict):
    status: str


class Receipt(BaseModel):
    number: U64


class Archived(Resource):
    """A base: what can be archived."""

    id: str = server()
    archive = action("POST", "{id}:archive", result=Receipt, body=Reason)
    close = action("PUT", "{id}/closed", result="self")


class Item(Archived, path="/items", facet=Shop):
    name: str
    ping = action("POST", "{id}:ping")
    weigh = action("PUT", "{id}/weight", body=float)
    stats = action("GET", "stats", result=dict[str, int], collection=True)
    drop = action("DELETE", "{id}/lines/all")
    purge = action("POST", ":purge", body=Where, collection=True)


class Note(Archived, path="/app/notes"):
    text: str


class Meter(Resource, path="/app/meters", key=("region", "number")):
    region: str
    number: int
    read = action("POST", "{region}/{number}:read", result=int)


class Settings(Singleton, path="/app/settings"):
    theme: str = "light"
    reset = action("POST", "reset", result="self", collection=True)


def scope(cls: Any, **parents: Any) -> Scope:
    """A manager's scope."""
    return Scope(description_of(cls), make_session(FakeClock(jitter=0.0)), parents)


def flow(where: Scope, called: Any, target: Any = UNSET, content: Any = UNSET, *, key: Any = None) -> Any:
    """The flow of an action."""
    return _acting.act(where, called, target, content, key)


def run(where: Scope, *arguments: Any, answers: Any = (), key: Any = None) -> tuple[Any, Player]:
    """The result of an action, and what was sent."""
    player = Player(*(answers or (reply(200, b"{}"),)))
    return player.run(flow(where, *arguments, key=key)), player


def refused(where: Scope, *arguments: Any, kind: Any = RonInputError, key: Any = None) -> str:
    """What is said about a mistake; nothing goes out."""
    player = Player()
    message: str = player.fail(flow(where, *arguments, key=key), kind).message
    assert [] == player.sends
    return message


def target(player: Player) -> str:
    """Method and target of the request."""
    (send,) = player.sends
    return f"{send.exchange.method} {send.exchange.target.decode()}"


def body(player: Player) -> Any:
    """The JSON of the request."""
    return json.loads(player.sends[0].exchange.body)


RECEIPT = (reply(200, as_json(number="7")),)


# --- What goes out, what comes back -----------------------------------------------------------


def test_a_class_holds_its_actions_by_name() -> None:
    """The description maps names to actions, those of the bases too, each of its own class."""
    assert ["archive", "close", "ping", "weigh", "stats", "drop", "purge"] == list(description_of(Item).actions)
    assert Item.archive is description_of(Item).actions["archive"]
    assert 2 == len({id(Item.archive), id(Note.archive)})
    assert (Item, "POST", ":archive", Receipt, Reason) == (
        Item.archive.owner,
        Item.archive.method,
        Item.archive.tail,
        Item.archive.result,
        Item.archive.body,
    )
    assert "<Action Item.archive: POST :archive>" == repr(Item.archive)
    assert (":archive", ":ping") == description_of(Item).verbs


@pytest.mark.parametrize(
    ("where", "arguments", "expected"),
    [
        (scope(Item), (Item.archive, "i-1", Reason(text="old")), "POST /app/shop/items/i-1:archive"),
        (scope(Item), (Item.archive, "a:b c", Reason(text="old")), "POST /app/shop/items/a%3Ab%20c:archive"),
        (scope(Item), (Item.close, "i-1"), "PUT /app/shop/items/i-1/closed"),
        (scope(Item), (Item.ping, 7), "POST /app/shop/items/7:ping"),
        (scope(Item), (Item.drop, "i-1"), "DELETE /app/shop/items/i-1/lines/all"),
        (scope(Item), (Item.stats,), "GET /app/shop/items/stats"),
        (scope(Item), (Item.purge, {"status": "old"}), "POST /app/shop/items:purge"),
        (scope(Meter), (Meter.read, ("eu", 7)), "POST /app/meters/eu/7:read"),
        (scope(Settings), (Settings.reset,), "POST /app/settings/reset"),
    ],
)
def test_an_action_has_one_path(where: Scope, arguments: Any, expected: str) -> None:
    """The key is encoded whole, a colon in it too, and what the action appends stands as it was declared."""
    result = reply(200, b'{"id":"i-1","name":"a","number":"7"}' if arguments[0] is not Meter.read else b"7")
    if arguments[0] is Item.stats:
        result = reply(200, b'{"open":1}')
    assert expected == target(run(where, *arguments, answers=(result,))[1])


def test_a_body_is_sent_by_its_type() -> None:
    """Wire types hold, optional fields that are unset are left out, and `None` is sent where it was given."""
    _, player = run(scope(Item), Item.archive, "i-1", Reason(text="old", price=5), answers=RECEIPT)
    assert {"text": "old", "price": "5"} == body(player)
    _, player = run(scope(Item), Item.archive, "i-1", Reason(text="old", note=None), answers=RECEIPT)
    assert {"text": "old", "price": "0", "note": None} == body(player)
    _, player = run(scope(Item), Item.purge, {"status": "old"})
    assert {"status": "old"} == body(player)


def test_a_result_is_what_was_declared() -> None:
    """A model, a type, or nothing; an answer that doesn't fit is a `RonParseError` that names no payload."""
    assert Receipt(number=7) == run(scope(Item), Item.archive, "i-1", Reason(text="a"), answers=RECEIPT)[0]
    assert {"open": 3} == run(scope(Item), Item.stats, answers=(reply(200, b'{"open":3}'),))[0]
    assert run(scope(Item), Item.ping, "i-1", answers=(reply(200, b"whatever"),))[0] is None
    assert run(scope(Item), Item.ping, "i-1", answers=(reply(204),))[0] is None
    error = Player(reply(200, b'{"number":"secret"}')).fail(
        flow(scope(Item), Item.archive, "i-1", Reason(text="a")), RonParseError
    )
    assert error.message.startswith("the answer is no Receipt: number: ")
    assert "secret" not in error.message
    assert (
        "the body is empty"
        in Player(reply(204)).fail(flow(scope(Item), Item.archive, "i-1", Reason(text="a")), RonParseError).message
    )


def test_an_object_that_comes_back_has_its_origin() -> None:
    """`result="self"` refreshes the object given, with its ETag; of a key it makes a new one."""
    where = scope(Item)
    item = decoded(Item, where.session, id="i-1", name="a")
    answer = reply(200, as_json(id="i-1", name="b"), etag='"9"')
    found, player = run(where, Item.close, item, answers=(answer,))
    assert found is item
    assert ("b", '"9"') == (item.name, ron.meta(item).etag)
    assert "PUT /app/shop/items/i-1/closed" == target(player)
    assert b"If-Match" not in dict(player.sends[0].exchange.headers)
    other, _ = run(where, Item.close, "i-1", answers=(answer,))
    assert ("b", '"9"') == (other.name, ron.meta(other).etag)


def test_listed_objects_have_their_origin() -> None:
    """A list of the resource's objects is of this client, so each can be saved; one of other things is plain."""

    class Found(Resource, path="/app/found"):
        id: str = server()
        name: str = ""

    class Finder(Singleton, path="/app/finder"):
        search = action("GET", "search", result=list[Found], collection=True)

    where = scope(Finder)
    call = _acting.act(where, Finder.search, UNSET, UNSET, None, {"q": "a b", "n": [1, 2]})
    player = Player(reply(200, b'[{"id":"f-1"}]', etag='"list"'))
    (found,) = player.run(call)
    assert "GET /app/finder/search?q=a%20b&n=1&n=2" == target(player)
    assert (200, None) == (ron.meta(found).status, ron.meta(found).etag)
    found.name = "b"
    save = _operations.save(where._replace(description=description_of(Found)), found, None)
    assert b'{"name":"b"}' == _sent_body(save)


def _sent_body(flow: Any) -> bytes:
    player = Player(reply(200, b'{"id":"f-1"}'))
    player.run(flow)
    content: bytes = player.sends[0].exchange.body
    return content


def test_every_write_carries_a_key_and_reads_carry_none() -> None:
    """A POST has the caller's key or a fresh one; a GET has none, and refuses one."""
    for key, expected in ((None, f"{1:032x}"), ("mine-1", "mine-1"), (True, f"{1:032x}")):
        _, player = run(scope(Item), Item.ping, "i-1", key=key)
        assert expected == dict(player.sends[0].exchange.headers)[b"Idempotency-Key"].decode()
    _, player = run(scope(Item), Item.stats, answers=(reply(200, b"{}"),))
    assert b"Idempotency-Key" not in dict(player.sends[0].exchange.headers)
    assert "Item.stats is a GET, which needs no idempotency_key: leave it out" == refused(
        scope(Item), Item.stats, key="mine"
    )


@pytest.mark.parametrize("answer", [lost(), reply(503)])
def test_an_action_is_repeated_on_somebodys_word(answer: Any) -> None:
    """A lost POST is repeated with the caller's key only; a PUT, DELETE or GET may be repeated anyway."""
    kind = RonServerError if isinstance(answer, Reply) else RonOutcomeUnknownError
    assert 1 == Player(answer).fail(flow(scope(Item), Item.ping, "i-1"), kind).attempts
    _, player = run(scope(Item), Item.ping, "i-1", answers=(answer, reply(204)), key="mine-1")
    assert 2 == len(player.sends)
    whole = reply(200, as_json(id="i-1", name="a"))
    for arguments, last in (
        ((Item.close, "i-1"), whole),
        ((Item.drop, "i-1"), reply(204)),
        ((Item.stats,), reply(200, b"{}")),
    ):
        assert 2 == len(run(scope(Item), *arguments, answers=(answer, last))[1].sends)


# --- Mistakes in a call -----------------------------------------------------------------------


def test_mistakes_in_a_call_are_found_before_anything_is_sent() -> None:
    """The message says which action it is and what it takes."""
    where = scope(Item)
    for arguments, text in (
        ((Item.archive,), "Item.archive is about one Item: give the object or its key"),
        ((Item.archive, "i-1"), "Item.archive needs a body: give a Reason"),
        ((Item.ping, "i-1", Reason(text="a")), "Item.ping has no body: leave Reason out"),
        ((Item.purge,), "Item.purge needs a body: give a Where"),
        (
            (Item.purge, "i-1", {"status": "a"}),
            "Item.purge is about the whole collection: it takes no object and no key",
        ),
        ((Item.archive, "i-1", {"txt": "a"}), "the body of Item.archive: Reason: text: Field required"),
        (
            (Item.archive, "i-1", 5),
            "the body of Item.archive: Reason: Input should be a valid dictionary or instance of Reason",
        ),
        ((Item.weigh, "i-1", float("nan")), "the body of Item.weigh: cannot be written as JSON: Out of range float"),
        ((Item.weigh, "i-1", "x"), "the body of Item.weigh: float: Input should be a valid number"),
        ((Item.archive, "a/b", Reason(text="a")), "id 'a/b' holds '/'"),
        ((Item.archive, Item(name="a"), Reason(text="a")), "archive: this Item has no id yet: create it first"),
    ):
        assert refused(where, *arguments).startswith(text)


def test_only_actions_of_that_resource_are_taken() -> None:
    """A name, and another resource's action, are refused with what to write."""
    assert (
        "act takes an action that Item declares, such as Item.archive, not 'archiv' (did you mean 'archive'?)"
        == refused(scope(Item), "archiv", "i-1", kind=RonConfigError)
    )
    assert "Note.archive is no action of Item" == refused(scope(Item), Note.archive, "i-1", kind=RonConfigError)


def test_an_object_of_another_client_is_refused() -> None:
    """An action on an object that came through another client is not sent through this one."""
    theirs = decoded(Item, make_session(FakeClock()), id="i-1", name="a")
    assert refused(scope(Item), Item.ping, theirs, kind=RonConfigError).startswith(
        "this Item came through another client: act on it through that one"
    )


def test_a_key_that_looks_like_an_action_is_refused() -> None:
    """A gateway that decodes the key could take it for the action's path."""
    assert (
        "id 'i-1:archive' ends like the path of an action (:archive, :ping), which gateways could take it for"
        == Player().fail(_operations.get(scope(Item), "i-1:archive"), RonInputError).message
    )


def test_an_action_is_called_through_a_manager() -> None:
    """On an object, and on a base without a path, the attribute says what to write."""
    with pytest.raises(RonConfigError, match=r"write Item\.objects\.act\(Item\.ping, \.\.\.\)"):
        getattr(Item(name="a"), "pin" + "g")
    with pytest.raises(RonConfigError, match="Archived has no path, so archive leads nowhere"):
        Archived.archive  # noqa: B018


# --- Mistakes in a declaration ----------------------------------------------------------------

MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"method": "FETCH"}, "method must be GET, POST, PUT, PATCH or DELETE, not 'FETCH'"),
    ({"path": ""}, "path is below the collection's, such as '{id}:archive', not ''"),
    ({"path": "/{id}/x"}, "path '/{id}/x' is below the collection's: begin it without '/', as '{id}:archive'"),
    (
        {"path": "archive"},
        "path 'archive' does not begin with '{id}': write '{id}:archive' for an action on one object, or "
        "collection=True for one on the whole collection",
    ),
    ({"path": "{key}:x"}, "path '{key}:x' must begin with '{id}', the key: write '{id}:archive'"),
    (
        {"path": "{id}:x", "collection": True},
        "path '{id}:x' names a key, but collection=True is about the whole collection: leave one out",
    ),
    ({"path": "{id}x"}, "path: after the key comes ':name' or '/name', such as '{id}:archive', not 'x'"),
    ({"path": "{id}:"}, "path: after the key comes ':name' or '/name', such as '{id}:archive', not ':'"),
    ({"path": "{id}/{other}"}, "path: after the key comes ':name' or '/name', such as '{id}:archive', not '/{other}'"),
    ({"path": "{id}/../x"}, "path: a path holds no '..' segments, plain or percent-encoded: write the path in full"),
    ({"path": "{id}/x?y"}, "path: a path holds no '?': give the query as query={'name': 'value'}"),
    ({"method": "GET", "body": Reason}, "a GET has no body: leave body= out, or write 'POST'"),
    ({"collection": 1}, "collection must be True or False, not 1"),
    ({"result": "Receipt"}, "result is a type, None, or 'self' for a Wrong, not 'Receipt'"),
    ({"body": 5}, "body is a type that cannot be checked: Unable to generate pydantic-core schema for 5."),
]


@pytest.mark.parametrize(("given", "text"), MISTAKES)
def test_mistakes_in_an_action_fail_when_the_class_is_made(given: dict[str, Any], text: str) -> None:
    """The message names class and attribute, what is wrong, and what to write."""
    declared: Any = action
    with pytest.raises(RonConfigError) as caught:

        class Wrong(Resource, path="/app/wrong"):
            id: str = server()
            act = declared(**{"method": "POST", "path": "{id}:act", **given})

    assert caught.value.message.startswith(f"class Wrong: act = action(...): {text}")


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (action("DELETE", "{id}:x"), ""),
        (
            action("POST", "{id}:one"),
            "act sends what one sends, POST to the same path: give it another path, such as '{id}:act'",
        ),
    ],
)
def test_two_actions_on_one_path_are_refused(made: Any, text: str) -> None:
    """An action needs a path of its own."""

    def declare() -> None:
        class Twice(Resource, path="/app/twice"):
            id: str = server()
            one = action("POST", "{id}:one")
            act = made

    if not text:
        declare()
        return
    with pytest.raises(RonConfigError, match=r"^class Twice: ") as caught:
        declare()
    assert text in caught.value.message


def test_an_action_with_a_type_beside_it_is_refused() -> None:
    """It would be a field."""
    with pytest.raises(
        RonConfigError, match=r"^class Wrong: act = action\(\.\.\.\) is no field: write it without the anno"
    ):

        class Wrong(Resource, path="/app/wrong"):
            id: str = server()
            act: Any = action("POST", "{id}:act")


def test_a_singletons_action_has_no_key() -> None:
    """An action of a singleton is declared with `collection=True`."""
    with pytest.raises(
        RonConfigError, match=r"a singleton has no key: write collection=True, and a path such as 'reset'"
    ):

        class Wrong(Singleton, path="/app/wrong"):
            reset = action("POST", "{id}:reset")


def test_an_action_stays_within_its_facet() -> None:
    """At the root of a facet, `:purge` would be a path beside the facet."""

    class Site(Facet, id="site", kind="proxy", upstream="http://127.0.0.1:4000"):
        pass

    with pytest.raises(RonConfigError, match=r"path ':purge' would leave the facet.*: write 'purge'"):

        class Wrong(Resource, path="/", facet=Site):
            id: str = server()
            purge = action("POST", ":purge", collection=True)


def test_an_action_can_be_replaced_or_taken_away() -> None:
    """A subclass may declare another action of the name, or none."""

    class Quiet(Archived, path="/app/quiet"):
        archive: ClassVar[Any] = action("POST", "{id}:store")  # type: ignore[misc]  # what checkers mind is meant
        close: ClassVar[Any] = None  # type: ignore[misc]

    assert {"archive": ":store"} == {name: one.tail for name, one in description_of(Quiet).actions.items()}


def test_a_configuration_of_ones_own_keeps_actions() -> None:
    """`ignored_types` of a resource's own configuration joins that of the base."""

    class Own(Resource, path="/app/own"):
        model_config = ConfigDict(ignored_types=(property,))
        id: str = server()
        ping = action("POST", "{id}:ping")

    assert ":ping" == Own.ping.tail


def test_a_type_that_comes_later_is_read_when_it_is_needed() -> None:
    """A body or result may name what is defined after the resource; one that never is, is named then."""

    class Box(BaseModel):
        inner: Optional[Later] = None

    class Lost(BaseModel):
        inner: Optional[Never] = None  # type: ignore[name-defined]  # noqa: F821  # pyright: ignore[reportUndefinedVariable]

    class Parcel(Resource, path="/app/parcels"):
        id: str = server()
        open = action("POST", "{id}:open", result=Box)
        lose = action("POST", "{id}:lose", result=Lost)

    class Later(BaseModel):
        count: int

    Box.model_rebuild()
    answer = reply(200, b'{"inner":{"count":3}}')
    assert 3 == run(scope(Parcel), Parcel.open, "p-1", answers=(answer,))[0].inner.count
    message = Player(answer).fail(flow(scope(Parcel), Parcel.lose, "p-1"), RonConfigError).message
    assert message.startswith("Parcel.lose: result names a type that is not defined yet: ")


# --- Manifest ---------------------------------------------------------------------------------


def test_actions_are_part_of_the_manifest() -> None:
    """What actions send is forwarded; a colon in a path is left to the wildcard above it, since nodes take it for a
    parameter (protocol.md "Facet manifests").
    """

    class Depot(Facet, id="depot", kind="proxy", upstream="http://127.0.0.1:4000"):
        pass

    class Crate(Resource, path="/crates", facet=Depot, operations=("get",)):
        id: str = server()
        open = action("POST", "{id}:open")

    routes = {(one.method, one.path) for one in Depot.manifest().routes}
    assert {("GET", "/crates/*tail"), ("POST", "/crates/*tail")} == routes

    class Lid(Resource, path="/lids", facet=Depot, operations=("list",)):
        id: str = server()
        sort = action("POST", "sort", collection=True)
        purge = action("POST", ":purge", collection=True)

    routes = {(one.method, one.path) for one in Depot.manifest(resources=[Lid]).routes}
    assert ("POST", "/*tail") in routes
    assert not {path for _, path in routes if ":" in path}
