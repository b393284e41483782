"""``items.explain``: what is told is what is sent, nothing is sent, and no secret shows."""

from __future__ import annotations

import inspect
import logging
from typing import Any, Callable, Optional

import pytest

from ron import (
    Draft,
    Explain,
    Explanation,
    ManagerSync,
    Patch,
    Resource,
    RonClient,
    RonClientSync,
    RonConfigError,
    RonInputError,
    server,
)
from ron.testing import FakeClock, MemoryNode, stored
from tests.unit.rig import ScriptTransport, reply

TOKEN = "cap-0123456789abcdefghij"


class Thing(Resource, path="/app/things"):
    id: str = server()
    name: str
    note: Optional[str] = None


class Kept(Resource, path="/app/projects/{project_id}/kept", update_method="PUT", idempotent=True):
    id: str = server()
    project_id: str
    name: str


def node() -> MemoryNode:
    """A node with one thing."""
    made = MemoryNode(Thing, Kept)
    made.add(stored(Thing, id="t-1", name="a"))
    return made


CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "get": lambda to, thing: to.get("t-1"),
    "get_or_none": lambda to, thing: to.get_or_none("t-1"),
    "create": lambda to, thing: to.create(name="b"),
    "create_draft": lambda to, thing: to.create(Draft[Thing](name="b"), idempotency_key="mine"),
    "create_object": lambda to, thing: to.create(Thing(name="b"), idempotency_key=True),
    "save": lambda to, thing: to.save(thing),
    "save_new": lambda to, thing: to.save(Thing(name="b")),
    "update": lambda to, thing: to.update("t-1", note=None),
    "update_patch": lambda to, thing: to.update("t-1", Patch[Thing](name="c")),
    "replace": lambda to, thing: to.replace(thing),
    "delete": lambda to, thing: to.delete("t-1", missing_ok=True),
    "delete_object": lambda to, thing: to.delete(thing),
    "refresh": lambda to, thing: to.refresh(thing),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_is_told_is_what_is_sent(name: str) -> None:
    """Method, URL, fields and body of the explanation are those of the call that follows; only ids differ."""
    script = ScriptTransport(reply(200, b'{"id":"t-1","name":"a"}', etag='"v1"'))
    with RonClientSync("https://node.example/base", transport=script, token=TOKEN, clock=FakeClock()) as client:
        things = client.objects(Thing).with_options(headers={"X-Tenant": "acme"}, timeout=7.0, max_retries=2)
        thing = things.get("t-1")
        thing.note = "new"
        told = CALLS[name](things.explain, thing)
        assert 1 == len(script.exchanges)
        CALLS[name](things, thing)
    sent = script.exchanges[1]
    assert (sent.method, sent.body.decode() or None) == (told.method, told.body)
    assert f"https://node.example{sent.target.decode()}" == told.url
    headers = script.headers[1]
    fresh = {field: value for field, value in told.headers.items() if value != "(made for each call)"}
    assert "Bearer **********" == fresh.pop("Authorization")
    ids = {"X-Request-Id", "X-Correlation-Id"} | ({"Idempotency-Key"} - fresh.keys())
    assert {field: value for field, value in headers.items() if field not in ids} == fresh
    assert (7.0, 2) == (told.timeout, told.max_retries)


def test_lists_and_watches_tell_their_first_request() -> None:
    """A list tells the request for its first page, a watch the one that opens its stream."""
    with RonClientSync(transport=node()) as client:
        explain = client.objects(Thing).explain
        listed = explain.list({"name": "a b"}, page_size=2, page_token="tok", query={"x": 1}, limit=5)
        assert ("GET", "/app/things?name=a%20b&x=1&page_size=2&page_token=tok") == (listed.method, listed.url)
        assert "one such request for each page" in listed.note
        watched = explain.watch(name="a", cursor="7", idle_timeout=30.0)
        assert ("GET", "/app/things/events?name=a") == (watched.method, watched.url)
        assert ("7", "text/event-stream") == (watched.headers["Last-Event-ID"], watched.headers["Accept"])
        assert "opened again" in watched.note


@pytest.mark.anyio
async def test_both_colours_explain_alike_and_without_await() -> None:
    """The async manager's explanation is the sync one's, and needs no await."""
    with RonClientSync(transport=node()) as sync:
        wanted = sync.objects(Thing).explain.create(name="b")
    async with RonClient(transport=node()) as client:
        assert wanted == client.objects(Thing).explain.create(name="b")
        assert wanted == Thing.objects.explain.create(name="b")
    assert isinstance(wanted, Explanation)
    assert {"name": "b"} == wanted.json


def test_nothing_happens(caplog: pytest.LogCaptureFixture) -> None:
    """No request, token, hook, id, count, retry or log record: explaining leaves everything as it was."""
    asked: list[str] = []

    class Hooks:
        def before(self, request: Any) -> dict[str, str]:
            asked.append("before")
            return {"X-Trace": "1"}

    def provider() -> str:
        asked.append("token")
        return TOKEN

    made, clock = node(), FakeClock()
    with caplog.at_level(logging.DEBUG), RonClientSync(transport=made, token_provider=provider, clock=clock) as client:
        client.add_middleware(Hooks())
        told = client.objects(Thing).explain.create(name="b")
        assert "Bearer **********" == told.headers["Authorization"]
        assert "middleware that was not asked may add fields: Hooks" == told.note
        assert 0 == client.metrics.snapshot()["total_requests"]
    assert ([], (), []) == (asked, made.requests, caplog.records)
    assert FakeClock().token_hex() == clock.token_hex()


def test_an_object_stays_as_it_is() -> None:
    """Neither a new object nor a changed one is changed by explaining what saving it would send."""
    with RonClientSync(transport=node()) as client:
        things = client.objects(Thing)
        new, thing = Thing(name="b"), things.get("t-1")
        thing.name = "z"
        assert {"name": "z"} == things.explain.save(thing).json
        assert {"name": "z"} == things.explain.save(thing).json
        assert {"name": "b"} == things.explain.create(new).json
        assert "id" not in vars(new)


def test_nothing_to_send_is_said() -> None:
    """Saving what has not changed sends nothing, and its explanation says so."""
    with RonClientSync(transport=node()) as client:
        told = client.objects(Thing).explain.save(client.objects(Thing).get("t-1"))
    assert ("", "", None, None) == (told.method, told.url, told.body, told.json)
    assert "Thing.save: nothing would be sent: nothing has changed" == str(told)
    assert "<Explanation of Thing.save: nothing to send>" == repr(told)
    assert "nothing has changed" in told._repr_html_()
    assert "nothing is sent" == told.repeats


def test_secrets_are_hidden_wherever_they_stand() -> None:
    """The token shows in no field, URL or body, nor do fields that sound like secrets."""
    with RonClientSync(transport=node(), token=TOKEN) as client:
        things = client.objects(Thing).with_options(headers={"X-Api-Key": "s3cret", "X-Echo": f"t={TOKEN}"})
        for told in (things.explain.create(name=TOKEN), things.explain.list(name=TOKEN)):
            for text in (str(told), repr(told), told._repr_html_(), repr(vars(told))):
                assert TOKEN not in text
                assert "s3cret" not in text
        assert {"name": "[redacted]"} == things.explain.create(name=TOKEN).json


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda to: to.get("t"), "sent again up to 3 times, also after a lost answer, 408, 425, 429, 500, 502, 503 or"),
        (lambda to: to.create(name="a"), "sent again up to 3 times, but only while it cannot have reached the node; to "
         "repeat a lost POST too, give idempotency_key=True or declare idempotent=True, if the service honours keys"),
        (lambda to: to.create(name="a", idempotency_key="k"), "504: its idempotency key counts"),
        (lambda to: to.delete("t"), "504: DELETE is idempotent"),
    ],
)  # fmt: skip
def test_it_says_when_a_call_is_repeated(call: Any, expected: str) -> None:
    """The sentence follows the rules of docs/reliability.md."""
    with RonClientSync(transport=node()) as client:
        assert expected in call(client.objects(Thing).explain).repeats
        never = client.objects(Thing).with_options(max_retries=0)
        assert "never sent again" == call(never.explain).repeats


def test_a_condition_counts() -> None:
    """A write with If-Match may be repeated, and says why."""
    with RonClientSync(transport=node()) as client:
        thing = client.objects(Thing).get("t-1")
        thing.name = "z"
        told = client.objects(Thing).explain.save(thing)
    assert (True, True) == (told.conditional, told.repeatable)
    assert told.repeats.endswith("If-Match lets only one of them through")


def test_a_write_that_reads_first_says_so() -> None:
    """With ``update_method="PUT"`` the first request of an update reads; what follows depends on its answer."""
    with RonClientSync(transport=node()) as client:
        told = client.objects(Kept).at(project_id="p-1").explain.update("k-1", name="z")
        assert ("GET", "/app/projects/p-1/kept/k-1") == (told.method, told.url)
        assert "reads first" in told.note
        assert told.note in str(told)
        assert "" == client.objects(Thing).explain.get("t").note


def test_mistakes_are_those_of_the_call() -> None:
    """What the call would refuse, its explanation refuses with the same words."""
    with RonClientSync(transport=node()) as client:
        explain = client.objects(Thing).explain
        with pytest.raises(RonInputError, match="no field 'nam'"):
            explain.create(nam="a")
        with pytest.raises(RonInputError, match="no filter 'nme'"):
            explain.list(nme="a")
        with pytest.raises(RonConfigError, match=r"write \.at\(project_id=\.\.\.\)"):
            client.objects(Kept).explain.get("k")
    with pytest.raises(RonConfigError, match="no client here for Thing"):
        Thing.objects.explain.get("t-1")


def test_it_reads_well() -> None:
    """``str`` is the request as it would stand on the wire, then when it is repeated, and by when it is over."""
    with RonClientSync("https://node.example", transport=ScriptTransport(needs_url=True), token=TOKEN) as client:
        told = client.objects(Thing).explain.create(name="<b>")
    lines = str(told).splitlines()
    assert "POST https://node.example/app/things" == lines[0]
    assert "Authorization: Bearer **********" in lines
    assert '{"name":"<b>"}' in lines
    assert "deadline: 10 s" == lines[-1]
    assert "<Explanation of Thing.create: POST https://node.example/app/things, 14 characters of JSON>" == repr(told)
    html = told._repr_html_()
    assert "{&quot;name&quot;:&quot;&lt;b&gt;&quot;}" in html
    assert "<b>" not in html


@pytest.mark.parametrize("name", [name for name in vars(Explain) if not name.startswith("_")])
def test_it_takes_what_the_manager_takes(name: str) -> None:
    """Each explanation has the parameters of its call."""
    ours = inspect.signature(getattr(Explain, name)).parameters
    theirs = inspect.signature(getattr(ManagerSync, name)).parameters
    assert list(theirs) == list(ours)
    for one, own in zip(theirs.values(), ours.values()):
        assert (one.kind, one.default) == (own.kind, own.default)
        assert one.annotation in (own.annotation, "Any"), "behind overloads a manager's own signature says Any"


def test_what_reads_before_it_writes_tells_the_reading() -> None:
    """`modify` tells its first request, within its own deadline; the function is not called."""

    def never(thing: Thing) -> None:
        raise AssertionError("called")

    with RonClientSync(transport=node()) as client:
        told = client.objects(Thing).explain.modify("t-1", never)
        assert ("GET", "/app/things/t-1") == (told.method, told.url)
        assert "this call reads first" in told.note


def test_a_token_given_as_a_key_is_hidden_everywhere() -> None:
    """What the field doesn't show the attribute doesn't either."""
    with RonClientSync(transport=node(), token=TOKEN) as client:
        told = client.objects(Thing).explain.create(name="n", idempotency_key=TOKEN)
        assert TOKEN not in repr(vars(told))
        assert TOKEN not in str(told)
