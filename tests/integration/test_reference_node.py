"""The reference node itself, asked with raw httpx: what judges the SDK must be right first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.reference_node import Node

pytestmark = pytest.mark.own_node

ITEMS = "/app/items"
IDS = {"X-Request-Id": "r-1", "X-Correlation-Id": "c-1"}


@pytest.fixture
def http(node: Node) -> Iterator[httpx.Client]:
    """A plain client on the reference node."""
    with httpx.Client(base_url=node.url, trust_env=False) as client:
        yield client


def create(http: httpx.Client, path: str = ITEMS, **fields: Any) -> dict[str, Any]:
    """Create a document and return it."""
    answer = http.post(path, json=fields)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


def test_create_assigns_key_and_time(http: httpx.Client) -> None:
    """A POST answers 201 with the node's own id and creation time beside what was sent."""
    made = create(http, name="kettle", price="1299", id="mine")
    assert {"id", "created_at", "name", "price"} == set(made)
    assert (made["id"], made["name"], made["price"]) == ("i-1", "kettle", "1299")
    assert made["created_at"].endswith("Z")
    assert create(http)["id"] == "i-2", "keys count up"
    assert create(http, "/app/notes")["id"] == "n-1", "each collection counts for itself"


def test_reads_are_conditional(http: httpx.Client) -> None:
    """A GET carries a strong ETag, and If-None-Match with it answers an empty 304."""
    create(http, name="kettle")
    for path in (f"{ITEMS}/i-1", ITEMS):
        etag = http.get(path).headers["etag"]
        assert etag.startswith('"'), path
        for sent in (etag, f'"x", W/{etag}', "*"):
            again = http.get(path, headers={"If-None-Match": sent})
            assert (304, b"", etag) == (again.status_code, again.content, again.headers["etag"])
        assert http.get(path, headers={"If-None-Match": '"x"'}).status_code == 200, path


def test_writes_are_conditional(http: httpx.Client) -> None:
    """PATCH merges, PUT replaces, and each write needs the entity tag that If-Match names."""
    create(http, name="kettle", status="new")
    path = f"{ITEMS}/i-1"
    first = http.get(path).headers["etag"]
    patched = http.patch(path, json={"status": "sold"}, headers={"If-Match": first})
    assert (patched.json()["name"], patched.json()["status"]) == ("kettle", "sold")
    assert first != patched.headers["etag"]
    for method in ("PATCH", "PUT", "DELETE"):
        late = http.request(method, path, content=b"{}", headers={"If-Match": first})
        assert (late.status_code, late.json()["code"]) == (412, "precondition_failed"), method
    replaced = http.put(path, json={"name": "pot"}, headers={"If-Match": patched.headers["etag"]})
    assert {"id", "created_at", "name"} == set(replaced.json())


def test_delete_answers_204_once(http: httpx.Client) -> None:
    """A DELETE answers an empty 204, and 404 with a Problem when nothing is left to delete."""
    create(http)
    gone = http.delete(f"{ITEMS}/i-1")
    assert (gone.status_code, gone.content) == (204, b"")
    for method in ("DELETE", "GET", "PATCH", "PUT"):
        missing = http.request(method, f"{ITEMS}/i-1", content=b"{}")
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found"), method


def test_pages_cover_everything_once(http: httpx.Client) -> None:
    """Following the page tokens yields every document once, and null ends the last page."""
    for number in range(5):
        create(http, name=str(number))
    seen, params = [], {"page_size": "2"}
    for expected in (2, 2, 1):
        page = http.get(ITEMS, params=params).json()
        assert expected == len(page["items"])
        seen += [item["id"] for item in page["items"]]
        params["page_token"] = page["next_page_token"] or ""
    assert [f"i-{n}" for n in range(1, 6)] == seen
    assert page["next_page_token"] is None, "the last page says so"
    whole = http.get(ITEMS, params={"page_size": "5"}).json()
    assert whole["next_page_token"] is None, "no empty page follows a full last one"


def test_filters_compare_known_fields_only(http: httpx.Client) -> None:
    """Fields filter by equality, a repeated one by any of its values; other names are ignored."""
    create(http, status="new", sold=False)
    create(http, status="old", sold=True)

    def found(query: str) -> list[str]:
        return [item["id"] for item in http.get(f"{ITEMS}?{query}").json()["items"]]

    assert found("status=new") == ["i-1"]
    assert found("sold=true") == ["i-2"]
    assert found("status=new&sold=true") == []
    assert found("status=new&status=old") == ["i-1", "i-2"]
    assert found("statsu=new") == ["i-1", "i-2"], "a misspelt filter lists everything"


@pytest.mark.parametrize("query", ["page_size=0", "page_size=x", "page_token=%21", "page_token=aXg"])
def test_bad_paging_is_refused(http: httpx.Client, query: str) -> None:
    """A page size or token that the node can't use is a 400, never the first page again."""
    assert http.get(f"{ITEMS}?{query}").status_code == 400


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"{", b'{"a":NaN}', b'{"a":"\\ud800"}', b"\xff", b"[" * 100_000])
def test_bodies_must_be_objects(http: httpx.Client, body: bytes) -> None:
    """A body that is no JSON object is a 400 Problem and creates nothing."""
    answer = http.post(ITEMS, content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert http.get(ITEMS).json()["items"] == []


def test_framing_limits(http: httpx.Client) -> None:
    """A chunked body is 411, a compressed one 415, one over 2 MiB a plain-text 413."""
    assert http.post(ITEMS, content=iter([b"{}"])).status_code == 411
    coded = http.post(ITEMS, content=b"{}", headers={"Content-Encoding": "gzip"})
    assert coded.status_code == 415
    big = http.post(ITEMS, content=b" " * (2 * 1024 * 1024 + 1))
    assert (big.status_code, big.headers["content-type"].split(";")[0]) == (413, "text/plain")


def test_unmatched_routes_are_empty(http: httpx.Client) -> None:
    """An unmounted path is an empty 404, a method without a route an empty 405 with Allow."""
    for path in ("/", "/app/nothing", f"{ITEMS}/", f"{ITEMS}/a%2Fb"):
        answer = http.get(path)
        assert (answer.status_code, answer.content) == (404, b""), path
    wrong = http.delete(ITEMS)
    assert (wrong.status_code, wrong.content) == (405, b"")
    assert {"GET", "HEAD", "POST"} == set(wrong.headers["allow"].split(", "))


def test_facets_are_mounted_twice(http: httpx.Client) -> None:
    """A facet's collection answers below /app and, as on a micronode, below /facets."""
    create(http, "/app/shop/items", name="kettle")
    assert http.get("/facets/shop/items/i-1").json()["name"] == "kettle"
    assert http.get("/facets/items").status_code == 404
    assert [facet["id"] for facet in http.get("/facets/meta").json()["loaded"]] == ["shop"]


def test_health_in_both_styles(node: Node, http: httpx.Client) -> None:
    """Gateways answer in text with a chosen Retry-After, omnigate in JSON with its own."""
    assert (http.get("/healthz").text, http.get("/readyz").text) == ("ok", "ready")
    node.configure(ready="not ready")
    answer = http.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "not ready")
    assert "retry-after" not in answer.headers
    node.configure(ready_retry_after="7")
    assert http.get("/readyz").headers["retry-after"] == "7"
    node.configure(ready="timeout")
    assert http.get("/readyz").status_code == 504
    node.configure(role="omnigate")
    answer = http.get("/readyz")
    assert (answer.json(), answer.headers["retry-after"]) == ({"missing": ["timeout"]}, "3")


def test_version_and_metrics(node: Node, http: httpx.Client) -> None:
    """The version is JSON on a gateway and text on a micronode; metrics are Prometheus text."""
    assert "version" in http.get("/version").json()
    assert http.get("/metrics").text.endswith('{service="reference-node"} 2\n')
    node.configure(role="micronode")
    assert http.get("/version").text.startswith("micronode")


def test_errors_in_every_dialect(node: Node, http: httpx.Client) -> None:
    """The same error comes in the form that each kind of node gives it."""
    node.configure(dialect="omnigate")
    assert http.get(f"{ITEMS}/x").json()["code"] == "NOT_FOUND"
    node.configure(dialect="documents")
    canonical = http.get(f"{ITEMS}/x", headers=IDS).json()
    assert {"code", "message", "kind", "correlation_id", "details"} == set(canonical)
    assert (canonical["kind"], canonical["correlation_id"]) == ("not_found", "c-1")
    node.configure(dialect="text")
    assert http.get(f"{ITEMS}/x").text == "there is no object 'x'"
    node.configure(dialect="empty")
    assert http.get(f"{ITEMS}/x").content == b""


def test_planned_failures_carry_hints(node: Node, http: httpx.Client) -> None:
    """A planned failure is answered as often as planned, with the hints that it was given."""
    node.fail(503, "busy", times=2, retry_after_ms=50, retry_after="1", reason="load")
    answers = [http.get("/healthz") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["retry-after"] == "1"
    problem = answers[0].json()
    assert tuple(problem[name] for name in ("retry_after_ms", "retryable", "reason")) == (
        50,
        True,
        "load",
    )


def test_ids_are_mirrored_unless_stripped(node: Node, http: httpx.Client) -> None:
    """Both ids come back on answers and errors alike, and neither when the knob strips them."""
    for path in (ITEMS, f"{ITEMS}/x", "/nowhere"):
        headers = http.get(path, headers=IDS).headers
        assert (headers["x-request-id"], headers["x-correlation-id"]) == ("r-1", "c-1"), path
    node.configure(mirror_ids=False)
    assert not {"x-request-id", "x-correlation-id"} & set(http.get(ITEMS, headers=IDS).headers)


def test_the_token_is_asked_for(node: Node, http: httpx.Client) -> None:
    """The app plane needs the token in the scheme that is read; health and facets/meta do not."""
    node.configure(require_token="t-1")
    bearer, macro = {"Authorization": "Bearer t-1"}, {"Authorization": "Macro t-1"}
    refused = http.get(ITEMS, headers=macro)
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
    assert http.get(ITEMS, headers=bearer).status_code == 200
    assert [http.get(path).status_code for path in ("/healthz", "/facets/meta")] == [200, 200]
    node.configure(scheme="Macro")
    refused = http.get(ITEMS, headers=bearer)
    assert (refused.status_code, refused.text) == (401, "unauthorized")
    assert refused.headers["www-authenticate"] == 'Macro realm="micronode"'
    assert http.get(ITEMS, headers=macro).status_code == 200
    assert "t-1" not in repr(node.requests), "a recorded request doesn't print its headers"


def test_idempotency_is_a_knob(node: Node, http: httpx.Client) -> None:
    """A repeated Idempotency-Key creates twice unless the service behind the facet honours it."""
    key = {"Idempotency-Key": "k-1"}

    def post() -> httpx.Response:
        return http.post(ITEMS, json={}, headers=key)

    assert [post().json()["id"] for _ in range(2)] == ["i-1", "i-2"]
    node.configure(idempotent=True)
    first, second = post(), post()
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert first.headers["etag"] == second.headers["etag"]
    assert http.post(ITEMS, json={}, headers={"Idempotency-Key": "k-2"}).json()["id"] == "i-4"
    assert http.post(ITEMS, json={}, headers={"Idempotency-Key": "k" * 65}).status_code == 400


def test_u64_as_numbers(node: Node, http: httpx.Client) -> None:
    """With the knob, what looks like a u64 is a JSON number, and nothing else changes."""
    largest = str(2**64 - 1)
    sent: dict[str, Any] = {
        "a": largest,
        "b": ["7"],
        "c": "007",
        "d": str(2**64),
        "e": "-1",
        "f": 3,
    }
    create(http, **sent)
    assert sent.items() <= http.get(f"{ITEMS}/i-1").json().items()
    node.configure(numbers=True)
    shown = {**sent, "a": int(largest), "b": [7]}
    assert shown.items() <= http.get(f"{ITEMS}/i-1").json().items()
    assert shown.items() <= http.get(ITEMS).json()["items"][0].items()


def test_keys_keep_their_encoding_by_knob(node: Node, http: httpx.Client) -> None:
    """With the knob an encoded slash is part of the key, as on nodes that keep the encoding."""
    node.store.insert("items", {}, key="a/b")
    assert http.get(f"{ITEMS}/a%2Fb").status_code == 404
    node.configure(keep_encoding=True)
    assert http.get(f"{ITEMS}/a%2Fb").json()["id"] == "a/b"


def test_requests_are_recorded_as_sent(node: Node, http: httpx.Client) -> None:
    """The record has the raw path and query, every header in lower case, and the body."""
    http.post(f"{ITEMS}/a%20b?q=%C3%A9", content=b"\x00", headers={"X-A": "1"})
    (request,) = node.requests
    assert ("POST", f"{ITEMS}/a%20b", "q=%C3%A9", b"\x00") == (
        request.method,
        request.path,
        request.query,
        request.body,
    )
    assert (
        request.header("X-A"),
        request.header_list("x-a"),
        request.header("x-b"),
    ) == ("1", ["1"], None)
    node.reset()
    assert node.requests == ()
