"""The reference node's socket, TLS, planned answers and dropped connections, from raw httpx."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx
import pytest

from tests.reference_node import Node, serve

pytestmark = pytest.mark.own_node

ITEMS = "/app/items"


@pytest.fixture
def http(node: Node) -> Iterator[httpx.Client]:
    """A plain client on the reference node."""
    with httpx.Client(base_url=node.url, trust_env=False) as client:
        yield client


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {"Content-Type": "text/html"}, b"<html>"),
        (200, {"Content-Type": "application/json"}, b'{"a": NaN'),
        (307, {"Location": "http://127.0.0.1:1/"}, b""),
        (204, {}, b""),
        (304, {"ETag": '"x"'}, b""),
        (200, {"Content-Encoding": "br"}, b""),
        (599, {}, b"\xff\x00"),
    ],
)
def test_canned_answers_are_served_verbatim(
    node: Node, http: httpx.Client, status: int, headers: dict[str, str], body: bytes
) -> None:
    """A canned answer is served once as it was given, and the connection lives on."""
    node.answer(status, headers, body)
    with http.stream("PATCH", "/anything", content=b"{}") as answer:
        raw = b"".join(answer.iter_raw())
    assert (status, body) == (answer.status_code, raw)
    assert headers.items() <= {k.title(): v for k, v in answer.headers.items()}.items() or (
        headers == {"ETag": answer.headers.get("etag")}
    )
    assert http.get("/healthz").text == "ok"


def test_canned_answers_come_in_order(node: Node, http: httpx.Client) -> None:
    """Planned answers are served in the order of planning, each as often as asked."""
    node.answer(201, times=2)
    node.answer(202)
    assert [http.get("/healthz").status_code for _ in range(4)] == [201, 201, 202, 200]


def test_broken_framing_reaches_the_socket(node: Node, http: httpx.Client) -> None:
    """A body shorter than its Content-Length arrives short, and then the connection ends."""
    node.answer(200, {"Content-Length": "10"}, b"short")
    with pytest.raises(httpx.RemoteProtocolError, match="received 5 bytes, expected 10"):
        http.get("/healthz")


def test_a_204_with_a_body_reaches_the_socket(node: Node) -> None:
    """A body where none may be is written all the same, and the connection ends behind it."""
    node.answer(204, {"X-A": "1"}, b"surplus")
    url = httpx.URL(node.url)
    with socket.create_connection((url.host, url.port or 80), timeout=10) as raw:
        raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: node\r\n\r\n")
        received = b"".join(iter(lambda: raw.recv(1024), b""))
    assert received == b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\nsurplus"


def test_a_dropped_connection(node: Node, http: httpx.Client) -> None:
    """No bytes at all is a connection that closes without an answer; the request is recorded."""
    node.answer_wire(b"")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        http.get("/healthz")
    assert [request.path for request in node.requests] == ["/healthz"]


def test_a_lost_response(node: Node, http: httpx.Client) -> None:
    """A write whose answer is lost has happened."""
    node.lose_response()
    with pytest.raises(httpx.RemoteProtocolError):
        http.post(ITEMS, json={"name": "kettle"})
    assert http.get(f"{ITEMS}/i-1").json()["name"] == "kettle"


def test_a_held_request(node: Node, http: httpx.Client) -> None:
    """A held request gets no answer, and the node notices that the client left."""
    node.hang()
    with pytest.raises(httpx.ReadTimeout):
        http.get("/healthz", timeout=httpx.Timeout(10, read=0.05))
    node.wait_waiting(0)
    assert http.get("/healthz").text == "ok"


def test_other_collections(http: httpx.Client) -> None:
    """A node can be made with any collections, and the server stops with the block."""
    with serve(["carts"]) as other:
        assert httpx.post(f"{other.url}/app/carts", json={}, trust_env=False).json()["id"] == "c-1"
    with pytest.raises(httpx.ConnectError):
        httpx.get(other.url, trust_env=False)


def test_tls_is_verified_against_the_ca(tls_node: Node) -> None:
    """The https node is trusted with its CA file and with nothing else."""
    with httpx.Client(base_url=tls_node.url, verify=_context(tls_node), trust_env=False) as client:
        assert client.get("/healthz").text == "ok"
        assert client.post(ITEMS, json={}).json()["id"] == "i-1"
    with httpx.Client(trust_env=False) as stranger, pytest.raises(httpx.ConnectError):
        stranger.get(f"{tls_node.url}/healthz")


def test_wire_answers_over_tls(tls_node: Node) -> None:
    """Raw answers and dropped connections work under TLS as well."""
    with httpx.Client(verify=_context(tls_node), trust_env=False) as client:
        tls_node.answer_wire(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        assert client.get(tls_node.url).text == "hi"
        tls_node.answer_wire(b"")
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            client.get(tls_node.url)


def _context(node: Node) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(node.ca_path))
