"""Any string, anywhere: exactly one well-formed request with the intended meaning, or `RonConfigError` before I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Optional
from urllib.parse import unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ron import Resource, RonClientSync, RonConfigError, server
from tests.bounds.caller import Caller, Item, names, sockets
from tests.injection.recorder import Recorder, Request, attempt, check_refusal, read

PAIRS = [pair for pair in sockets() if pair[0].name in ("lanes", "httpx-transport")]
NASTY = "\r\n\0\t :/?#%\\.;=&+@[]{}'\"\x1b\x7f\x80\x85\xa0\u2028\u202e\ufeff\ud800\udfff\u00e9\u20ac\U0001f600aZ09-_~"
LONG = ["x" * 3000, "\u20ac" * 2000, "%" * 2000, "\r\n" * 1000, "\ud800" * 1000]
#: too long for Hypothesis to print
ENDLESS = {"letters": "x" * 200_000, "segments": "/a" * 50_000, "wide": "\u20ac" * 30_000, "lines": "a\r\n" * 50_000}
SMUGGLED = [
    "a\r\nX-Evil: 1",
    "a HTTP/1.1\r\nHost: evil\r\n\r\n",
    "a\r\n\r\nGET /evil HTTP/1.1\r\nHost: evil\r\n\r\n",
    "\u010a\u010d",  # what becomes LF and CR where code points are cut to bytes
    "a\u560d\u560aX-Evil: 1",
    "..",
    ".",
    "%2e%2e",
    "..%2f..",
    "a?b=c",
    "a#b",
    "a&b=c",
    "a=b",
    "//evil.example/",
    "http://evil.example/",
    "a;b",
    "%00",
    "%0d%0a",
    "%C0%AF",
    "%ff",
]
anything = st.one_of(
    st.sampled_from([*SMUGGLED, *LONG]),
    st.text(alphabet=NASTY, max_size=12),
    st.text(alphabet=st.characters(exclude_categories=()), max_size=12),
)


def tried(test: Callable[..., None]) -> Callable[..., None]:
    """As many examples as fit a suite that runs on every version."""
    return settings(max_examples=40)(test)


@pytest.fixture(scope="module", params=PAIRS, ids=names(PAIRS))
def caller(request: pytest.FixtureRequest) -> Iterator[Caller]:
    """One client and one node for all examples."""
    adapter, colour = request.param
    with Recorder() as node:
        made = Caller(adapter, colour, node)
        try:
            yield made
        finally:
            made.close()


class Free(Resource, path="/free", encoded_keys=True):
    """A resource whose keys may hold what gateways would decode."""

    id: str = server()
    name: str = ""


def writable(text: str) -> bool:
    """Whether UTF-8 can carry the text."""
    return not any("\ud800" <= c <= "\udfff" for c in text)


def objects(caller: Caller, cls: Any = Item) -> Any:
    """The client's manager."""
    return caller.client.objects(cls)


@given(key=anything, call=st.sampled_from(["get", "update", "delete"]))
@tried
def test_keys(caller: Caller, key: str, call: str) -> None:
    """A key is exactly one segment, which decodes to it."""
    for cls, path in ((Item, "items"), (Free, "free")):
        options: dict[str, Any] = {"name": "n"} if call == "update" else {}
        request = attempt(caller, getattr(objects(caller, cls), call), key, **options)
        if request is not None:
            assert [path, key] == request.segments()
            assert [] == request.query
    if key and writable(key) and key.isalnum() and len(key) < 100:
        assert request is not None, "an ordinary key was refused"


@given(value=anything)
@tried
def test_filter_values(caller: Caller, value: str) -> None:
    """A filter's value comes back as it was given, in the one parameter of its name."""
    request = attempt(caller, lambda: page(caller, name=value))
    if request is not None:
        assert ("/items", [("name", value)]) == (request.path.decode(), request.query)
    else:
        assert not writable(value) or len(value) > 1000


@given(query=st.dictionaries(anything, anything, max_size=3), typed=st.booleans())
@tried
def test_query_names_and_values(caller: Caller, query: dict[str, str], typed: bool) -> None:
    """Names and values of `query=` come back as given and in order, in plain and in typed calls."""
    call: Any = (lambda: page(caller, query=query)) if typed else (lambda: caller.client.get("/x", query=query))
    request = attempt(caller, call)
    if request is not None:
        assert list(query.items()) == request.query
    else:
        assert not all(map(writable, (*query, *query.values()))) or len("".join((*query, *query.values()))) > 1000


@given(token=anything)
@tried
def test_page_tokens(caller: Caller, token: str) -> None:
    """A page token comes back as it was given."""
    request = attempt(caller, lambda: page(caller, page_token=token, page_size=3))
    if request is not None:
        assert [("page_size", "3"), ("page_token", token)] == request.query


@given(name=anything | st.from_regex(r"[A-Za-z-]{1,20}", fullmatch=True), value=anything)
@example(name="X-Request-Id", value="a\r\nb")
@example(name="x-request-id", value="mine-1")
@example(name="Accept-Encoding", value="br")
@tried
def test_header_names_and_values(caller: Caller, name: str, value: str) -> None:
    """A header field is there once, as given, and no other one has come with it."""
    plain = attempt(caller, caller.client.get, "/x")
    assert plain is not None
    request = attempt(caller, caller.client.get, "/x", headers={name: value})
    if request is not None:
        assert [value.encode("latin-1")] == request.all(name.encode("ascii"))
        known = {field.lower() for field, _ in plain.fields} | {name.lower().encode()}
        assert known == {field.lower() for field, _ in request.fields}
        assert len(known) == len(request.fields)


@given(value=anything)
@tried
def test_request_ids(caller: Caller, value: str) -> None:
    """A caller's own X-Request-Id is sent as it is, once."""
    request = attempt(caller, caller.client.get, "/x", headers={"X-Request-Id": value})
    if request is not None:
        assert [value.encode("latin-1")] == request.all(b"X-Request-Id")


@given(
    key=anything | st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=64),
    typed=st.booleans(),
)
@tried
def test_idempotency_keys(caller: Caller, key: str, typed: bool) -> None:
    """An idempotency key is sent as it is, or it is none."""
    call: Any = objects(caller).create if typed else caller.client.post
    given_arguments: dict[str, Any] = {"name": "n"} if typed else {"path": "/x", "json": {}}
    request = attempt(caller, call, idempotency_key=key, **given_arguments)
    if request is not None:
        assert [key.encode("ascii")] == request.all(b"Idempotency-Key")
    else:
        assert not (key.isalnum() and key.isascii() and len(key) <= 64)


@given(cursor=anything)
@tried
def test_cursors(caller: Caller, cursor: str) -> None:
    """A cursor goes out as `Last-Event-ID`, in UTF-8."""
    request = attempt(caller, lambda: caller.changes(cursor=cursor))
    if request is not None:
        assert [cursor] == [value.decode("utf-8") for value in request.all(b"Last-Event-ID")]
        assert b"/items/events" == request.path


@given(path=st.builds(lambda start, rest: start + rest, st.sampled_from(["/", "", "/app/"]), anything))
@tried
def test_plain_paths(caller: Caller, path: str) -> None:
    """A plain call's path means what it says: the same segments, decoded, and no query."""
    request = attempt(caller, caller.client.get, path)
    if request is not None:
        assert [unquote(part, errors="strict") for part in path.split("/")[1:]] == request.segments()
        assert [] == request.query


@given(
    values=st.dictionaries(st.sampled_from(["name", "undeclared"]), anything, min_size=1),
    call=st.sampled_from(["create", "update"]),
)
@tried
def test_bodies(caller: Caller, values: dict[str, str], call: str) -> None:
    """Whatever is written is the value of its field in one JSON body."""
    method = objects(caller).create if call == "create" else objects(caller).update
    request = attempt(caller, method, *(() if call == "create" else ("k",)), **values)
    if request is not None:
        body = json.loads(request.body)
        assert values == {name: body[name] for name in values}


@given(rest=anything)
@tried
def test_base_urls(caller: Caller, rest: str) -> None:
    """What stands behind host and port of a base URL is a path of plain segments, or refused."""
    url = f"http://127.0.0.1:{caller.node.port}{rest}"
    made: Optional[Any] = None
    error: Optional[RonConfigError] = None
    try:
        made = type(caller.client)(url, allow_insecure_http=True, token="cap-0123456789abcdef", max_retries=0)
    except RonConfigError as caught:
        error = caught
    if made is None:
        assert error is not None
        check_refusal(error)
        return
    try:
        request = attempt(caller, made.get, "/x")
    finally:
        caller.run(made.aclose() if caller.colour == "async" else made.close())
    assert request is not None
    assert rest.rstrip("/") + "/x" == request.path.decode("ascii")


@pytest.mark.parametrize("kind", ENDLESS)
def test_endless_strings(caller: Caller, kind: str) -> None:
    """What no node could take is refused before a byte leaves, whatever the transport's own limits are."""
    text = ENDLESS[kind]
    calls: list[Callable[[], Any]] = [
        lambda: objects(caller).get(text),
        lambda: page(caller, name=text),
        lambda: page(caller, page_token=text),
        lambda: caller.changes(cursor=text),
        lambda: caller.client.get("/" + text.lstrip("/")),
        lambda: caller.client.get("/x", query={text: "v"}),
        lambda: caller.client.get("/x", headers={"X-A": text}),
        lambda: caller.client.get("/x", headers={text: "v"}),
        lambda: caller.client.post("/x", json={}, idempotency_key=text),
    ]
    assert [None] * len(calls) == [attempt(caller, call) for call in calls]
    with pytest.raises(RonConfigError, match="base_url"):
        type(caller.client)(f"https://127.0.0.1/{text}")


def page(caller: Caller, **options: Any) -> Any:
    """The first page, to be run."""
    return objects(caller).list(**options).page()


def test_the_reader_is_strict() -> None:
    """The reader refuses what it is there to notice."""
    good = b"GET /a?b=c HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer x\r\n\r\n"
    assert Request("GET", b"/a", [("b", "c")], [(b"Host", b"h"), (b"Authorization", b"Bearer x")], b"") == read(good)
    for bad in (
        good + b"GET",
        good.replace(b"/a", b"/a b"),
        good.replace(b"/a", b"/a#b"),
        good.replace(b"/a", b"/%0"),
        good.replace(b"Host: h", b"Host: h\r\n X: y"),
        good.replace(b"Host: h", b"Host: h\nX: y"),
        good.replace(b"Host: h", b"Host: h\0"),
        good.replace(b"Host: h", b"Host: h\r\nHost: h"),
        good.replace(b"c HTTP", b"c?d HTTP"),
    ):
        with pytest.raises((AssertionError, ValueError)):
            read(bad)


@pytest.mark.parametrize(
    "netloc",
    ["a.example:1:9", "127.0.0.1:80:81", "[::1]x:80", "[::1]x", "a[::1]:80", "[::1]:80:81", "a.example:", ":80"],
)
def test_one_host_and_one_port(netloc: str) -> None:
    """A base URL names one host and at most one port: of two, either could be meant."""
    with pytest.raises(RonConfigError, match="base_url"):
        RonClientSync(f"https://{netloc}/x")
