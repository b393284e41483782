"""Both clients against a node on a real socket, with and without TLS, on the default transport.

Each test runs with `RonClient` and with `RonClientSync`: what holds for one holds for the other.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any, Optional

import httpx
import pytest
import respx

from ron import ClientConfig, RonClient, RonClientSync, iter_pages, sse_event_stream, subscribe
from ron.errors import (
    RonAuthError,
    RonConfigError,
    RonConflictError,
    RonError,
    RonGoneError,
    RonInputError,
    RonInvalidError,
    RonNetworkError,
    RonNotFoundError,
    RonOutcomeUnknownError,
    RonPaginationError,
    RonParseError,
    RonPermissionError,
    RonProblemError,
    RonRateLimitError,
    RonResponseTooLargeError,
    RonServerError,
    RonTimeoutError,
    RonWatchError,
)
from tests.reference_node import Node

pytestmark = pytest.mark.own_node

ITEMS = "/app/items"
CAP = "cap-hunter2"


class Caller:
    """A client of either colour, called as if it were sync."""

    def __init__(self, colour: str) -> None:
        self.colour = colour
        self._loop = asyncio.new_event_loop() if colour == "async" else None
        self._clients: list[Any] = []

    def make(self, node: Node, **options: Any) -> Any:
        """A client of that node."""
        if node.ca_path is not None:
            options.setdefault("verify", str(node.ca_path))
        else:
            options.setdefault("allow_insecure_http", True)
        return self.build(base_url=node.url, **options)

    def build(self, **options: Any) -> Any:
        """A client."""
        client = (RonClient if self.colour == "async" else RonClientSync)(**options)
        self._clients.append(client)
        return client

    def __call__(self, result: Any) -> Any:
        """The result itself, awaited where it must be."""
        if self._loop is None:
            return result
        return self._loop.run_until_complete(_value(result))

    def items(self, iterable: Any, most: Optional[int] = None) -> list[Any]:
        """What an iterator gives, at most so many; it is closed afterwards."""
        return list(self(_collect(iterable, most)) if self._loop is not None else _take(iterable, most))

    def close(self, client: Any) -> None:
        """Closes a client."""
        self(client.aclose() if self.colour == "async" else client.close())

    def end(self) -> None:
        """Closes all clients, and the loop."""
        for client in self._clients:
            self.close(client)
        if self._loop is not None:
            left = asyncio.all_tasks(self._loop)
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()
            assert set() == left, "a task is left"


async def _value(result: Any) -> Any:
    return await result


async def _collect(iterable: Any, most: Optional[int]) -> list[Any]:
    found: list[Any] = []
    async for item in iterable:
        found.append(item)
        if len(found) == most:
            break
    await iterable.aclose()
    return found


def _take(iterable: Any, most: Optional[int]) -> list[Any]:
    found: list[Any] = []
    for item in iterable:
        found.append(item)
        if len(found) == most:
            break
    iterable.close()
    return found


@pytest.fixture(params=["async", "sync"])
def run(request: pytest.FixtureRequest) -> Iterator[Caller]:
    """Both colours, one after the other."""
    caller = Caller(request.param)
    yield caller
    caller.end()


@pytest.fixture(params=["node", "tls_node"])
def either(request: pytest.FixtureRequest) -> Node:
    """The node on http, then the one on https."""
    found: Node = request.getfixturevalue(request.param)
    found.reset()
    return found


def fails(run: Caller, kind: type[RonError], make: Callable[[], Any]) -> Any:
    """The error, exactly of that class, chained to nothing."""
    with pytest.raises(RonError) as raised:
        run(make())
    assert kind is type(raised.value), repr(raised.value)
    assert (None, None) == (raised.value.__cause__, raised.value.__context__)
    return raised.value


# --- The verbs --------------------------------------------------------------------------------------


def test_the_life_of_an_object(run: Caller, either: Node) -> None:
    """POST, GET, PATCH, PUT, DELETE and `call`, on plain http and on https."""
    client = run.make(either)
    created = run(client.post(ITEMS, json={"name": "kettle"}))
    path = f"{ITEMS}/{created['id']}"
    assert "kettle" == created["name"]
    assert created == run(client.get(path))
    assert "pot" == run(client.patch(path, json={"name": "pot"}))["name"]
    assert "pan" == run(client.put(path, json={"name": "pan"}))["name"]
    assert [run(client.get(path))] == run(client.call("GET", ITEMS, query={"name": "pan"}))["items"]
    assert run(client.delete(path)) is None
    error = fails(run, RonNotFoundError, lambda: client.get(path))
    assert (404, False, 1) == (error.status_code, error.route_missing, error.attempts)
    assert "not_found" == error.problem.code


def test_what_a_request_carries(run: Caller, node: Node) -> None:
    """Token, one id in two fields, key, a length and the caller's own fields; no cookie, one of each."""
    client = run.make(node, token=CAP)
    run(client.post(ITEMS, json={"a": "é"}, headers={"X-Mine": "1"}, query={"q": "b c"}, idempotency_key="k-1"))
    [seen] = node.requests
    assert ("POST", ITEMS, "q=b%20c", {"a": "é"}) == (seen.method, seen.path, seen.query, seen.json)
    assert f"Bearer {CAP}" == seen.header("authorization")
    assert seen.header("x-request-id") == seen.header("x-correlation-id") != ""
    assert ("k-1", "1", "application/json") == (
        seen.header("idempotency-key"),
        seen.header("x-mine"),
        seen.header("content-type"),
    )
    assert str(len(seen.body)) == seen.header("content-length")
    assert (seen.header("user-agent") or "").startswith("ron-app-sdk-py/")
    assert [] == seen.header_list("cookie")
    names = [name for name, _ in seen.headers]
    assert sorted(set(names)) == sorted(names)


def test_a_micronode_gets_its_scheme_and_prefix(run: Caller, node: Node) -> None:
    """`auth_scheme` and `facet_prefix` make a client talk to a micronode directly."""
    node.configure(role="micronode", scheme="Macro", require_token=CAP, dialect="text")
    client = run.make(node, token=CAP, auth_scheme="Macro", facet_prefix="/facets")
    run(client.facet("shop").post("/items", json={"name": "kettle"}))
    assert ("/facets/shop/items", f"Macro {CAP}") == (node.requests[0].path, node.requests[0].header("authorization"))
    error = fails(run, RonAuthError, lambda: run.make(node, token=CAP).get("/facets/shop/items"))
    assert "GET /facets/shop/items: 401 unauthorized: the node answered 401 with a body that is no Problem" in str(
        error
    )


def test_the_facet_client(run: Caller, node: Node) -> None:
    """Its five verbs begin below `/app/shop`."""
    facet = run.make(node).facet("shop")
    created = run(facet.post("/items", json={"name": "kettle"}, idempotency_key=True))
    path = f"/items/{created['id']}"
    assert created == run(facet.get(path))
    assert "pot" == run(facet.patch(path, json={"name": "pot"}))["name"]
    assert "pan" == run(facet.put(path, json={"name": "pan"}))["name"]
    assert run(facet.delete(path)) is None
    assert {"/app/shop/items", f"/app/shop{path}"} == {seen.path for seen in node.requests}
    assert "/app/shop" in repr(facet)


@pytest.mark.parametrize("facet_id", ["", "a/b", "..", "a?b", "a#b", "%2e%2e", None])
def test_a_wrong_facet_id(run: Caller, node: Node, facet_id: Any) -> None:
    """A facet id is one sound path segment."""
    with pytest.raises(RonConfigError):
        run.make(node).facet(facet_id)


@pytest.mark.parametrize("path", ["items", "", "//evil/x", "/../x", "/%2e%2e/x", "/a?b", None])
def test_a_wrong_path_below_a_facet(run: Caller, node: Node, path: Any) -> None:
    """No path leaves the facet."""
    facet = run.make(node).facet("shop")
    if path == "//evil/x":
        assert "/app/shop//evil/x" == facet.path(path)
        fails(run, RonNotFoundError, lambda: facet.get(path))
        return
    fails(run, RonConfigError, lambda: facet.get(path))
    assert () == node.requests


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("/app/../x", {}),
        ("/app/%2e%2e/x", {}),
        ("/app?x=1", {}),
        ("//host/x", {}),
        ("https://evil.example/", {}),
        ("/app\\x", {}),
        ("/app/\n", {}),
        ("/app", {"headers": {"Authorization": "x"}}),
        ("/app", {"headers": {"host": "evil"}}),
        ("/app", {"headers": {"Content-Length": "0"}}),
        ("/app", {"headers": {"Transfer-Encoding": "chunked"}}),
        ("/app", {"headers": {"Connection": "close"}}),
        ("/app", {"headers": {"Idempotency-Key": "k"}}),
        ("/app", {"headers": {"X": "a\r\nb: c"}}),
        ("/app", {"timeout": 0}),
        ("/app", {"query": {"a": None}}),
    ],
)
def test_wrong_arguments_send_nothing(run: Caller, node: Node, path: str, options: dict[str, Any]) -> None:
    """Whatever is wrong is a RonConfigError before any I/O."""
    client = run.make(node)
    error = fails(run, RonConfigError if "query" not in options else RonInputError, lambda: client.get(path, **options))
    assert (0, ()) == (error.attempts, node.requests)


# --- What the node says about itself ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("knobs", "ok", "status", "text", "details"),
    [
        ({}, True, 200, "ready", {}),
        ({"ready": "not ready"}, False, 503, "not ready", {}),
        ({"ready": "busy", "ready_retry_after": "1"}, False, 503, "busy", {}),
        ({"ready": "timeout"}, False, 504, "timeout", {}),
        ({"role": "omnigate"}, True, 200, '{"ready":true}', {"ready": True}),
        ({"role": "omnigate", "ready": "busy"}, False, 503, '{"missing":["busy"]}', {"missing": ["busy"]}),
    ],
)
def test_readiness(
    run: Caller, node: Node, knobs: dict[str, Any], ok: bool, status: int, text: str, details: Any
) -> None:
    """A node that isn't ready is a report, asked for once and not an error."""
    node.configure(**knobs)
    report = run(run.make(node).ready())
    assert (ok, ok, status, text, details) == (report.ok, bool(report), report.status, report.text, report.details)
    assert ["/readyz"] == [seen.path for seen in node.requests]


def test_health_and_metrics(run: Caller, either: Node) -> None:
    """`/healthz` gives a report, `/metrics` its text."""
    client = run.make(either)
    report = run(client.health())
    assert (True, 200, "ok") == (report.ok, report.status, report.text)
    assert "http_requests_total" in run(client.node_metrics())


@pytest.mark.parametrize(
    ("status", "body", "ok"),
    [(200, b"<html>hi</html>", True), (404, b"", False), (200, b'{"ok": false}', False), (307, b"", False)],
)
def test_health_of_something_else(run: Caller, node: Node, status: int, body: bytes, ok: bool) -> None:
    """Whatever answers there gives a report."""
    node.answer(status, {"Location": "http://127.0.0.1:1/"}, body)
    report = run(run.make(node).health())
    assert (ok, status) == (report.ok, report.status)


def test_health_behind_a_lock_is_an_error(run: Caller, node: Node) -> None:
    """401 and 403 say nothing about health."""
    node.fail(403, "forbidden", "no")
    fails(run, RonPermissionError, lambda: run.make(node).health())
    node.answer(401)
    fails(run, RonAuthError, lambda: run.make(node).ready())


# --- Answers that are none ----------------------------------------------------------------------------

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("status", "headers", "body", "value"),
    [
        (200, JSON, b"", None),
        (201, {}, b"", None),
        (204, {}, b"", None),
        (204, {}, b"surplus", None),
        (200, JSON, b" null ", None),
        (200, {}, b'{"a":1}', {"a": 1}),
        (200, {"Content-Type": "text/plain"}, b"[1]", [1]),
        (200, JSON, b"18446744073709551616", 2**64),
        (200, {**JSON, "Content-Encoding": "identity"}, b"1", 1),
        (200, {**JSON, "Content-Encoding": "gzip"}, gzip.compress(b'{"a":1}'), {"a": 1}),
        (200, {**JSON, "Content-Encoding": "x-gzip"}, gzip.compress(b"2"), 2),
        (202, {**JSON, "Set-Cookie": "a=b"}, b"3", 3),
    ],
)
def test_answers_with_a_documented_value(
    run: Caller, node: Node, status: int, headers: dict[str, str], body: bytes, value: Any
) -> None:
    """Every success is the JSON value of its body, None for none."""
    client = run.make(node)
    node.answer(status, headers, body)
    assert value == run(client.get("/app/x"))
    assert {"ok": True} == _next_answer(run, client, node)


def _next_answer(run: Caller, client: Any, node: Node) -> Any:
    """What the client gets next: never a rest of the answer before."""
    node.answer(200, JSON, b'{"ok":true}')
    return run(client.get("/app/next"))


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "message"),
    [
        (
            200,
            {"Content-Type": "text/html"},
            b"<html>hunter2</html>",
            RonParseError,
            "the body is not JSON but text/html",
        ),
        (200, {"Content-Type": "text/plain"}, b"hello hunter2", RonParseError, "the body is not JSON but text/plain"),
        (200, JSON, b'{"a": "hunter2', RonParseError, "the body is not valid JSON, at line 1 column"),
        (200, JSON, b'{"a": NaN}', RonParseError, "the body is not valid JSON"),
        (200, JSON, b"[1e999]", RonParseError, "the body holds a number beyond the range of a float"),
        (200, JSON, b'"\\ud800"', RonParseError, "the body is not valid JSON"),
        (200, JSON, b"[" * 100_000, RonParseError, "the body is not valid JSON"),
        (200, JSON, b"1" * 5000, RonParseError, "the body is not valid JSON"),
        (200, JSON, b"\xff\xfe", RonParseError, "the body is not valid JSON"),
        (200, {**JSON, "Content-Encoding": "br"}, b"hunter2", RonParseError, ""),
        (200, {**JSON, "Content-Encoding": "gzip, gzip"}, gzip.compress(b"1"), RonParseError, ""),
        (200, {**JSON, "Content-Encoding": "gzip"}, b"hunter2", RonParseError, ""),
        (
            200,
            {**JSON, "Content-Encoding": "gzip"},
            gzip.compress(b"1" * 99)[:-4],
            RonNetworkError,
            "the gzip data ends too early",
        ),
        (200, {**JSON, "Content-Length": "99"}, b'{"a": "hunter2', RonNetworkError, ""),
        (301, {"Location": "https://evil.example/"}, b"", RonProblemError, "the node answered 301, a redirect"),
        (307, {"Location": "/elsewhere"}, b"", RonProblemError, "redirects are never followed: check base_url"),
        (304, {"ETag": '"x"'}, b"", RonProblemError, "304 not_modified"),
        (400, {}, b"hello hunter2", RonInvalidError, "400 bad_request: the node answered 400 with a body that is no"),
        (404, {}, b"", RonNotFoundError, "404 not_found: the node answered 404 with an empty body"),
        (405, {"Allow": "GET"}, b"", RonNotFoundError, "405 method_not_allowed"),
        (429, {"Retry-After": "3600"}, b"", RonRateLimitError, "429 rate_limited"),
        (
            451,
            JSON,
            b'{"code":"LEGAL_RESTRICTION","message":"m","reason":"r"}',
            RonPermissionError,
            "451 LEGAL_RESTRICTION: m",
        ),
        (500, {"Content-Type": "text/html"}, b"<html>hunter2", RonServerError, "500 internal: the node answered 500"),
        (502, {**JSON, "Content-Encoding": "br"}, b"hunter2", RonParseError, ""),
        (599, {}, b"\xff\x00", RonServerError, "599 internal"),
    ],
)
def test_answers_with_a_documented_error(
    run: Caller,
    node: Node,
    status: int,
    headers: dict[str, str],
    body: bytes,
    kind: type[RonError],
    message: str,
) -> None:
    """Whatever a server writes ends in one of our errors, with nothing of the body; the client goes on."""
    client = run.make(node, max_retries=0)
    node.answer(status, headers, body)
    error = fails(run, kind, lambda: client.get("/app/x"))
    assert message in str(error)
    assert "hunter2" not in str(error) + repr(vars(error))
    assert "evil" not in str(error)
    assert 1 == error.attempts
    assert node.requests[0].header("x-request-id") == error.request_id
    assert {"ok": True} == _next_answer(run, client, node)


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"hello\r\n\r\n",
        b"\x00\x01\x02\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n1",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n1",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhun",
        b"HTTP/1.1 200 OK\r\nNo colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
    ],
)
def test_what_is_no_answer_is_a_network_error(run: Caller, either: Node, wire: bytes) -> None:
    """Garbage, halves and closed connections: a RonNetworkError on a read, an unknown outcome on a write."""
    client = run.make(either, max_retries=0)
    either.answer_wire(wire)
    assert 1 == fails(run, RonNetworkError, lambda: client.get("/app/x")).attempts
    either.answer_wire(wire)
    error = fails(run, RonOutcomeUnknownError, lambda: client.post("/app/x", json={}, idempotency_key="k-1"))
    assert "k-1" == error.idempotency_key


@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_that_is_too_large(run: Caller, node: Node, status: int) -> None:
    """`max_response_bytes` holds for plain and for compressed bodies; it is never tried again."""
    client = run.make(node, max_response_bytes=1000)
    for headers, body in ((JSON, b"1" * 1001), ({**JSON, "Content-Encoding": "gzip"}, gzip.compress(b"1" * 10**6))):
        node.answer(status, headers, body)
        assert 1 == fails(run, RonResponseTooLargeError, lambda: client.get("/app/x")).attempts
    node.answer(200, JSON, b'"' + b"1" * 998 + b'"')
    assert "1" * 998 == run(client.get("/app/x"))


# --- The policy, on the wire ------------------------------------------------------------------------


def test_a_node_that_recovers(run: Caller, node: Node) -> None:
    """A transient error is tried again by itself, with the same id."""
    node.fail(503, times=1)
    node.answer_wire(b"")
    assert [] == run(run.make(node).get(ITEMS))["items"]
    assert 3 == len(node.requests)
    assert 1 == len({seen.header("x-request-id") for seen in node.requests})


def test_a_lost_answer_to_a_keyed_write(run: Caller, node: Node) -> None:
    """With a key that the service honours, the repeat gets the first one's answer: one object."""
    node.configure(idempotent=True)
    node.lose_response()
    created = run(run.make(node).post(ITEMS, json={"name": "kettle"}, idempotency_key=True))
    assert ("i-1", 1) == (created["id"], len({seen.header("idempotency-key") for seen in node.requests}))
    assert 2 == len(node.requests)


def test_a_lost_answer_to_a_plain_write(run: Caller, node: Node) -> None:
    """Without a key a POST is not repeated: nobody knows, and the error says so."""
    client = run.make(node)
    node.lose_response()
    error = fails(run, RonOutcomeUnknownError, lambda: client.post(ITEMS, json={"name": "kettle"}))
    assert "the request may have been carried out: look before you repeat it" in str(error)
    assert (1, 1) == (len(node.requests), len(run(client.get(ITEMS))["items"]))


def test_a_lost_answer_to_a_delete(run: Caller, node: Node) -> None:
    """The repeat finds nothing left: that is success, and the 404's body isn't the result."""
    client = run.make(node)
    run(client.post(ITEMS, json={}))
    node.lose_response()
    assert run(client.delete(f"{ITEMS}/i-1")) is None
    assert ["POST", "DELETE", "DELETE"] == [seen.method for seen in node.requests]


def test_a_lost_answer_to_a_conditional_write(run: Caller, node: Node) -> None:
    """The repeat fails its own precondition: unknown, with the Problem in it."""
    client = run.make(node)
    run(client.post(ITEMS, json={"n": 1}))
    etag = httpx.get(f"{node.url}{ITEMS}/i-1", trust_env=False).headers["etag"]
    node.lose_response()
    error = fails(
        run,
        RonOutcomeUnknownError,
        lambda: client.patch(f"{ITEMS}/i-1", json={"n": 2}, headers={"If-Match": etag}),
    )
    assert ("precondition_failed", 2) == (error.problem.code, error.attempts)


def test_a_silent_node(run: Caller, either: Node) -> None:
    """The call's timeout ends a read with RonTimeoutError, a write with an unknown outcome."""
    client = run.make(either)
    either.hang(times=2)
    error = fails(run, RonTimeoutError, lambda: client.get("/app/x", timeout=0.2))
    assert isinstance(error, TimeoutError)
    unknown = fails(run, RonOutcomeUnknownError, lambda: client.post("/app/x", json={}, timeout=0.2))
    assert unknown.timed_out
    assert (2, 2) == (client.metrics.snapshot()["total_timeouts"], client.metrics.snapshot()["total_errors"])


def test_nobody_listens(run: Caller) -> None:
    """A refused connection is a RonNetworkError that names where; also a POST was tried again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = run.build(base_url=f"http://127.0.0.1:{port}", allow_insecure_http=True, max_retries=1)
    error = fails(run, RonNetworkError, lambda: client.post("/app/x", json={}))
    assert 2 == error.attempts
    assert f"127.0.0.1:{port}" in str(error)


def test_a_name_that_does_not_resolve(run: Caller) -> None:
    """DNS failures are RonNetworkErrors, too."""
    client = run.build(base_url="https://no-such-host.invalid", max_retries=0)
    assert "no-such-host.invalid" in str(fails(run, RonNetworkError, lambda: client.get("/app/x")))


def test_a_certificate_of_a_stranger(run: Caller, tls_node: Node) -> None:
    """Without its CA an https node is refused, once and for all."""
    client = run.build(base_url=tls_node.url)
    error = fails(run, RonNetworkError, lambda: client.get("/app/x"))
    assert (1, ()) == (error.attempts, tls_node.requests)
    assert "certificate" in str(error)


def test_plain_http_spoken_to_a_tls_port(run: Caller, tls_node: Node, node: Node) -> None:
    """Each mistaken for the other is a RonNetworkError."""
    plain = tls_node.url.replace("https", "http")
    fails(run, RonNetworkError, lambda: run.build(base_url=plain, allow_insecure_http=True, max_retries=0).get("/x"))
    tls = node.url.replace("http", "https")
    fails(run, RonNetworkError, lambda: run.build(base_url=tls, max_retries=0).get("/x"))


@pytest.mark.parametrize("dialect", ["gateway", "omnigate", "documents", "text", "empty"])
def test_every_dialect_of_errors(run: Caller, node: Node, dialect: str) -> None:
    """In each the class, the status and an id are right."""
    node.configure(dialect=dialect)
    node.fail(403, "policy_deny", "denied", reason="write_denied", retryable=False)
    error = fails(run, RonPermissionError, lambda: run.make(node).get(ITEMS))
    assert (403, "forbidden", error.request_id) == (
        error.status_code,
        error.problem.kind,
        error.problem.correlation_id,
    )
    if dialect not in ("text", "empty"):
        assert error.problem.is_code("policy_deny")


def test_a_refreshed_token(run: Caller, node: Node) -> None:
    """A 401 asks the provider again, and the call goes out with the new token."""
    node.configure(require_token="t-2")
    tokens = ["t-1", "t-2"]
    client = run.make(node, token_provider=lambda: tokens.pop(0))
    assert [] == run(client.get(ITEMS))["items"]
    assert ["Bearer t-1", "Bearer t-2"] == [seen.header("authorization") for seen in node.requests]


def test_middleware_on_the_wire(run: Caller, node: Node) -> None:
    """What it adds arrives; what it sees is the node's answer."""
    seen: list[Any] = []

    class Tenant:
        def before(self, request: Any) -> dict[str, str]:
            return {"X-Tenant": "t-1"}

        def after(self, request: Any, response: Any) -> None:
            seen.append((request.method, response.status, response.headers["x-request-id"] == request.request_id))

    client = run.make(node, token=CAP)
    client.add_middleware(Tenant())
    run(client.get(ITEMS))
    assert [("GET", 200, True)] == seen
    assert "t-1" == node.requests[0].header("x-tenant")


# --- Life of a client -------------------------------------------------------------------------------


def test_with_options(run: Caller, node: Node) -> None:
    """A copy has its own limits and headers; closing it does nothing."""
    client = run.make(node)
    copy = client.with_options(headers={"X-A": "1"}, max_retries=0, timeout=0.2)
    run(copy.get(ITEMS))
    run.close(copy)
    node.fail(503)
    fails(run, RonServerError, lambda: copy.get(ITEMS))
    node.hang()
    fails(run, RonTimeoutError, lambda: copy.get(ITEMS))
    assert ["1", "1", "1"] == [seen.header("x-a") for seen in node.requests]
    run(client.get(ITEMS))
    assert node.requests[-1].header("x-a") is None
    assert type(client) is type(copy)


@pytest.mark.parametrize(
    "options", [{"timeout": 0}, {"max_retries": 21}, {"max_retries": True}, {"headers": {"Host": "x"}}]
)
def test_wrong_options(run: Caller, node: Node, options: dict[str, Any]) -> None:
    """Options are checked when the copy is made."""
    with pytest.raises(RonConfigError):
        run.make(node).with_options(**options)


def test_use_after_close(run: Caller, node: Node) -> None:
    """A closed client, and its copies, refuse every call with the same words; closing again is fine."""
    client = run.make(node)
    run(client.get(ITEMS))
    copy = client.with_options(timeout=1)
    run.close(client)
    run.close(client)
    for one in (client, copy):
        assert one.is_closed
        error = fails(run, RonConfigError, lambda one=one: one.get(ITEMS))  # type: ignore[misc]
        assert "is closed: make a new one, or move the call inside its `with` block" in str(error)
    with pytest.raises(RonConfigError, match="is closed"):
        run.items(client.subscribe("/app/items/events"))
    assert 1 == len(node.requests)


def test_a_client_from_the_environment(run: Caller, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seed's variables are all that a script needs."""
    monkeypatch.setenv("RON_SDK_GATEWAY_ADDR", node.url)
    monkeypatch.setenv("RON_SDK_ALLOW_INSECURE_HTTP", "1")
    monkeypatch.setenv("RON_APP_TOKEN", CAP)
    kind = RonClient if run.colour == "async" else RonClientSync
    client: Any = kind.from_env()
    run(client.get(ITEMS))
    run.close(client)
    assert f"Bearer {CAP}" == node.requests[0].header("authorization")


def test_environment_proxies_are_not_used(run: Caller, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY and its kin are somebody else's business."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert [] == run(run.make(node).get(ITEMS))["items"]


def test_no_cookie_is_kept(run: Caller, node: Node) -> None:
    """What a node sets is forgotten."""
    client = run.make(node)
    node.answer(200, {"Set-Cookie": "session=1; Path=/"}, b"1")
    run(client.get("/app/x"))
    run(client.get(ITEMS))
    assert node.requests[1].header("cookie") is None


def test_nothing_secret_is_logged(run: Caller, node: Node, caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG, with retries and errors, no record of any library holds the token."""
    client = run.make(node, token=CAP, max_retries=1)
    node.fail(503, message=f"seen {CAP}", times=2)
    with caplog.at_level(logging.DEBUG):
        fails(run, RonServerError, lambda: client.post(ITEMS, json={}, idempotency_key="k-1"))
    assert caplog.records
    assert "hunter2" not in " ".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)


# --- Pages ------------------------------------------------------------------------------------------


def fill(node: Node, count: int) -> None:
    """So many items."""
    for number in range(count):
        node.store.insert("items", {"n": number})


def test_pages(run: Caller, either: Node) -> None:
    """`iter_pages` gives page after page, each with its items and the next one's token."""
    fill(either, 5)
    pages = run.items(iter_pages(run.make(either), ITEMS, page_size=2))
    assert [[0, 1], [2, 3], [4]] == [[item["n"] for item in page] for page in pages]
    assert [False, False, True] == [page.next_page_token is None for page in pages]
    assert ["page_size=2"] == [seen.query for seen in either.requests[:1]]


def test_pages_from_a_token_and_up_to_a_limit(run: Caller, node: Node) -> None:
    """`page_token` begins later, `limit` ends earlier, `query` filters."""
    fill(node, 6)
    client = run.make(node)
    [first] = run.items(iter_pages(client, ITEMS, page_size=2, limit=1))
    assert [0] == [item["n"] for item in first]
    rest = run.items(iter_pages(client, ITEMS, page_size=2, page_token=first.next_page_token, limit=3))
    assert [[2, 3], [4]] == [[item["n"] for item in page] for page in rest]
    before = len(node.requests)
    assert [[3]] == [[item["n"] for item in page] for page in run.items(iter_pages(client, ITEMS, query={"n": 3}))]
    assert before + 1 == len(node.requests)


def test_no_page_is_fetched_after_a_break(run: Caller, node: Node) -> None:
    """Who stops after a page has asked for no other."""
    fill(node, 6)
    run.items(iter_pages(run.make(node), ITEMS, page_size=2), most=1)
    assert 1 == len(node.requests)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"page_size": 0}, "page_size must be a whole number of at least 1, not 0"),
        ({"page_size": "2"}, "page_size must be a whole number"),
        ({"limit": -1}, "limit must be a whole number of at least 1, not -1"),
        ({"page_token": ""}, "page_token is the next_page_token of a page, or the checkpoint of an error"),
        ({"page_token": 5}, "page_token is the next_page_token"),
        ({"query": {"a": None}}, "query value 'a' must be"),
    ],
)
def test_wrong_paging_is_refused_at_once(run: Caller, node: Node, options: dict[str, Any], message: str) -> None:
    """Before the first page is asked for."""
    with pytest.raises(RonConfigError) as raised:
        iter_pages(run.make(node), ITEMS, **options)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "the answer is no page: it must be an object with a list 'items'"),
        ({"items": {}}, "the answer is no page: it must be an object with a list 'items'"),
        ({"items": [], "next_page_token": ["x"]}, "the answer is no page: next_page_token must be a string or null"),
        ({"items": [], "next_page_token": True}, "next_page_token must be a string or null"),
    ],
)
def test_what_is_no_page(run: Caller, node: Node, body: Any, message: str) -> None:
    """Another shape is a RonParseError that says what a page is."""
    node.answer(200, JSON, json.dumps(body).encode())
    with pytest.raises(RonParseError) as raised:
        run.items(iter_pages(run.make(node), ITEMS))
    assert message in str(raised.value)


def page(*items: int, token: Any = None, name: str = "next_page_token") -> bytes:
    """A page on the wire."""
    return json.dumps({"items": list(items), name: token}).encode()


def test_empty_pages_go_on_and_next_cursor_is_understood(run: Caller, node: Node) -> None:
    """A page with a token and no items is not the end; the older name of the token does as well."""
    for body in (page(token="a"), page(1, token="b", name="next_cursor"), page(2, token="")):
        node.answer(200, JSON, body)
    pages = run.items(iter_pages(run.make(node), ITEMS))
    assert [[], [1], [2]] == [one.items for one in pages]
    assert ["", "page_token=a", "page_token=b"] == [seen.query for seen in node.requests]


@pytest.mark.parametrize(
    ("tokens", "given", "whole"),
    [(["a", "a"], None, 1), (["a", "b", "a"], None, 2), (["b", "a"], "a", 1), (["a"], "a", 0)],
)
def test_tokens_that_repeat(run: Caller, node: Node, tokens: list[str], given: Optional[str], whole: int) -> None:
    """A token that came before, or was begun with, is a RonPaginationError instead of an endless list."""
    for token in tokens:
        node.answer(200, JSON, page(1, token=token))
    found = []
    with pytest.raises(RonPaginationError, match="a page token that it had given before") as raised:
        found = run.items(iter_pages(run.make(node), ITEMS, page_token=given))
    assert [] == found
    assert len(tokens) == len(node.requests) == whole + 1
    assert ([given, *tokens])[whole] == raised.value.checkpoint


def test_a_repeated_token_does_not_matter_once_there_is_enough(run: Caller, node: Node) -> None:
    """With `limit` reached, the next token is of no interest."""
    for _ in range(2):
        node.answer(200, JSON, page(1, token="a"))
    assert 2 == len(run.items(iter_pages(run.make(node), ITEMS, limit=2)))


def test_an_error_half_way_has_the_checkpoint(run: Caller, node: Node) -> None:
    """The page that could not be fetched can be asked for again."""
    node.answer(200, JSON, page(1, token="a"))
    node.answer(400)
    with pytest.raises(RonInvalidError) as raised:
        run.items(iter_pages(run.make(node), ITEMS))
    assert "a" == raised.value.checkpoint


# --- Streams ----------------------------------------------------------------------------------------

EVENTS = "/app/items/events"


def test_subscribe_reconnects_and_goes_on(run: Caller, either: Node) -> None:
    """Streams that end are opened again behind the last event's id; 204 is the end."""
    fill(either, 3)
    either.configure(end_after=1)
    client = run.make(either)
    events = run.items(client.subscribe(EVENTS, last_event_id="0"), most=3)
    assert ["1", "2", "3"] == [event.id for event in events]
    assert [0, 1, 2] == [event.json_data()["n"] for event in events]
    assert ["0", "1", "2"] == [seen.header("last-event-id") for seen in either.requests]
    assert {"text/event-stream"} == {seen.header("accept") for seen in either.requests}
    either.configure(stream_204=True)
    assert [] == run.items(client.subscribe(EVENTS))


def test_one_stream_is_not_opened_again(run: Caller, node: Node) -> None:
    """`sse_event_stream` ends with its stream; the seed's `client._client` is the client."""
    fill(node, 2)
    node.configure(end_after=2)
    client = run.make(node)
    events = run.items(
        sse_event_stream(client._client, EVENTS, last_event_id="0", query={"n": 1}, headers={"X-A": "1"}), most=1
    )
    assert [1] == [event.json_data()["n"] for event in events]
    assert ["added", "added"] == [
        event.event for event in run.items(sse_event_stream(client, EVENTS, last_event_id="0"))
    ]
    assert ("1", "n=1") == (node.requests[0].header("x-a"), node.requests[0].query)
    assert 2 == len(node.requests)


def test_a_stream_that_is_none(run: Caller, node: Node) -> None:
    """Another Content-Type is a RonParseError that names it."""
    node.answer(200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>hunter2")
    with pytest.raises(RonParseError) as raised:
        run.items(run.make(node).subscribe(EVENTS))
    assert "the answer is no event stream: Content-Type must be text/event-stream, not text/html" == str(raised.value)


def test_a_stream_that_is_refused(run: Caller, node: Node) -> None:
    """Statuses are the errors they always are; a 410 cursor is gone."""
    client = run.make(node)
    node.fail(404, "not_found", "nothing here")
    with pytest.raises(RonNotFoundError, match="404 not_found: nothing here"):
        run.items(client.subscribe(EVENTS))
    with pytest.raises(RonGoneError, match="410 cursor_expired"):
        run.items(client.subscribe(EVENTS, last_event_id="99"))


def test_a_stream_that_is_cut(run: Caller, node: Node) -> None:
    """A lost connection ends `sse_event_stream` with an error; what came before was delivered."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    node.answer_wire(head + b"9\r\ndata: a\n\n\r\n")
    client = run.make(node)
    stream = sse_event_stream(client, EVENTS)
    assert ["a"] == [event.data for event in run.items(stream, most=1)]
    node.answer_wire(head + b"9\r\ndata: a\n\n\r\n")
    with pytest.raises(RonNetworkError, match="the event stream was lost"):
        run.items(sse_event_stream(client, EVENTS))


def test_a_silent_stream(run: Caller, node: Node) -> None:
    """`idle_timeout` gives a silent stream up."""
    with pytest.raises(RonTimeoutError, match="the event stream was lost"):
        run.items(sse_event_stream(run.make(node), EVENTS, idle_timeout=0.05))


def test_streams_that_bring_nothing(run: Caller, node: Node) -> None:
    """After `max_retries` + 1 streams in a row without an event, the subscription gives up, with its cursor."""
    node.answer(200, {"Content-Type": "text/event-stream"}, b": hello\n\n", times=2)
    with pytest.raises(RonWatchError) as raised:
        run.items(run.make(node, max_retries=1).subscribe(EVENTS, last_event_id="7"))
    assert "GET /app/items/events: 2 streams in a row brought no event; the last one ended without an event" == str(
        raised.value
    )
    assert "7" == raised.value.cursor


def test_an_id_without_an_event_counts(run: Caller, node: Node) -> None:
    """A block with only an id moves the place to go on from (WHATWG)."""
    node.answer(200, {"Content-Type": "text/event-stream"}, b"data: a\nid: 1\n\nid: 2\n\n")
    node.answer(204)
    assert ["1"] == [event.id for event in run.items(run.make(node).subscribe(EVENTS))]
    assert [None, "2"] == [seen.header("last-event-id") for seen in node.requests]


@pytest.mark.parametrize("cursor", ["", " 1", "1\n", "a\x00", "\ud800", "x" * 5000, 5])
def test_a_wrong_cursor_is_refused_at_once(run: Caller, node: Node, cursor: Any) -> None:
    """An id that no header field can carry is refused when it is given."""
    with pytest.raises(RonConfigError, match="a cursor is the id of an event as it came: 1 to 4096 characters"):
        run.make(node).subscribe(EVENTS, last_event_id=cursor)


@pytest.mark.parametrize(
    "options", [{"headers": ["X"]}, {"headers": {"Host": "x"}}, {"idle_timeout": 0}, {"query": "x"}]
)
def test_wrong_stream_arguments_are_refused_at_once(run: Caller, node: Node, options: dict[str, Any]) -> None:
    """Before the stream is opened."""
    with pytest.raises(RonConfigError):
        sse_event_stream(run.make(node), EVENTS, **options)


def test_subscribe_with_a_callback(run: Caller, node: Node) -> None:
    """The callback gets every event until the node ends the stream."""
    node.answer(200, {"Content-Type": "text/event-stream"}, b"data: a\n\ndata: b\n\n")
    node.answer(204)
    found: list[str] = []
    run(subscribe(run.make(node), EVENTS, lambda event: found.append(event.data)))
    assert ["a", "b"] == found


def test_a_callback_that_raises(run: Caller, node: Node) -> None:
    """Its exception ends the subscription, and the stream is closed."""
    fill(node, 1)
    client = run.make(node)
    node.answer(200, {"Content-Type": "text/event-stream"}, b"data: a\n\n")

    def fail(event: Any) -> None:
        raise ZeroDivisionError(event.data)

    with pytest.raises(ZeroDivisionError, match="a"):
        run(subscribe(client, EVENTS, fail))
    node.wait_waiting(0)


async def _event() -> asyncio.Event:
    """Made inside the loop, to which Python 3.9 binds it."""
    return asyncio.Event()


def test_a_stop_event_that_is_set_already(run: Caller, node: Node) -> None:
    """Nothing is asked for."""
    stop: Any = threading.Event() if run.colour == "sync" else run(_event())
    stop.set()
    run(subscribe(run.make(node), EVENTS, print, stop_event=stop))
    assert () == node.requests


def test_a_callback_must_be_callable(run: Caller, node: Node) -> None:
    """What is none is refused at once."""
    nothing: Any = None
    with pytest.raises(RonConfigError, match="callback must be callable"):
        subscribe(run.make(node), EVENTS, nothing)


# --- respx ------------------------------------------------------------------------------------------


def test_respx_answers(run: Caller) -> None:
    """A user who mocks with respx gets the mock's answers, and sees what was sent."""
    with respx.mock(base_url="https://node.example") as mock:
        route = mock.get("/app/items/i-1").respond(json={"id": "i-1"}, headers={"ETag": '"v1"'})
        mock.post("/app/items").respond(409, json={"code": "conflict", "message": "m"})
        client = run.build(base_url="https://node.example", token=CAP)
        assert {"id": "i-1"} == run(client.get("/app/items/i-1", query={"a": "b"}))
        sent = route.calls.last.request
        assert ("a=b", f"Bearer {CAP}") == (sent.url.query.decode(), sent.headers["authorization"])
        error = fails(run, RonConflictError, lambda: client.post("/app/items", json={}))
        assert "POST /app/items: 409 conflict: m" == str(error)
        run.close(client)


@pytest.mark.parametrize(
    ("raised", "method", "kind", "attempts"),
    [
        (httpx.ConnectError("hunter2"), "POST", RonNetworkError, 2),
        (httpx.ConnectTimeout("hunter2"), "POST", RonTimeoutError, 2),
        (httpx.ReadError("hunter2"), "GET", RonNetworkError, 2),
        (httpx.ReadTimeout("hunter2"), "GET", RonTimeoutError, 2),
        (httpx.ReadTimeout("hunter2"), "POST", RonOutcomeUnknownError, 1),
        (httpx.RemoteProtocolError("hunter2"), "POST", RonOutcomeUnknownError, 1),
    ],
)
def test_respx_failures(run: Caller, raised: Exception, method: str, kind: type[RonError], attempts: int) -> None:
    """A mock's httpx exceptions become our errors; only connect errors count as not sent."""
    with respx.mock(base_url="https://node.example") as mock:
        mock.route(path="/app/x").mock(side_effect=raised)
        client = run.build(base_url="https://node.example", max_retries=1)
        error = fails(run, kind, lambda: client.call(method, "/app/x"))
        assert attempts == error.attempts
        assert "hunter2" not in str(error)
        run.close(client)


def test_respx_sequences(run: Caller) -> None:
    """A sequence of answers is walked through by our own retries."""
    with respx.mock(base_url="https://node.example") as mock:
        mock.get("/app/x").mock(side_effect=[httpx.Response(503), httpx.Response(200, json=1)])
        client = run.build(base_url="https://node.example")
        assert 1 == run(client.get("/app/x"))
        run.close(client)


def test_a_configuration_for_two_clients(run: Caller, node: Node) -> None:
    """One frozen configuration serves any number of clients."""
    config = ClientConfig(base_url=node.url, allow_insecure_http=True)
    for _ in range(2):
        assert [] == run(run.build(config=config).get(ITEMS))["items"]
