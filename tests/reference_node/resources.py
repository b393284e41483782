"""One collection over HTTP: create, read, list, merge, replace, delete.

Endpoints never wait between reading and writing, so the server's loop makes each one atomic.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import parse_qs, unquote

from starlette.requests import Request
from starlette.responses import Response

from tests.reference_node.bodies import parse_object, write_json
from tests.reference_node.conditions import match_holds, none_match_holds, tag_of
from tests.reference_node.node import Node, Remembered
from tests.reference_node.problems import Refused
from tests.reference_node.store import Stored

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 1000
_PAGING = ("page_size", "page_token")
_KEY_MAX = 64


class Collection:
    """The endpoints of one collection; `name` is its path below `/app`, such as `shop/items`."""

    def __init__(self, node: Node, name: str) -> None:
        self._node = node
        self._name = name

    async def whole(self, request: Request) -> Response:
        """Serve the collection's own path: GET lists, POST creates."""
        if request.method == "POST":
            return self._create(request, await request.body())
        return self._list(request)

    async def one(self, request: Request) -> Response:
        """Serve one document's path: GET, PATCH, PUT, DELETE."""
        key = self._key(request)
        if request.method in ("PATCH", "PUT"):
            return self._write(request, key, parse_object(await request.body()))
        stored = self._find(key)
        if request.method == "DELETE":
            _require_match(request, stored)
            self._node.store.remove(self._name, key)
            return Response(status_code=204)
        return _unless_known(request, self._show(stored), stored.etag)

    def _create(self, request: Request, body: bytes) -> Response:
        key = request.headers.get("idempotency-key")
        honoured = key is not None and self._node.knobs.idempotent
        if key is None or not honoured:
            return self._created(body)
        if not (1 <= len(key) <= _KEY_MAX and key.isascii() and key.isprintable()):
            raise Refused(400, "bad_request", "an Idempotency-Key is 1-64 printable ASCII characters")
        known = self._node.recall(self._name, key)
        if known is not None:
            return Response(known.body, known.status, dict(known.headers))
        answer = self._created(body)
        headers = tuple(answer.headers.items())
        self._node.remember(self._name, key, Remembered(answer.status_code, headers, bytes(answer.body)))
        return answer

    def _created(self, body: bytes) -> Response:
        stored = self._node.store.insert(self._name, parse_object(body))
        return _json(self._show(stored), stored.etag, status=201)

    def _list(self, request: Request) -> Response:
        query = query_of(request)
        size = _page_size(query)
        after = _position(query, self._name)
        filters = {name: values for name, values in query.items() if name not in _PAGING}
        found, more = self._node.store.page(self._name, after=after, size=size, query=filters)
        token = _token(self._name, found[-1].position) if more else None
        # A token begins with a letter, so the knob rewrites nothing but the items.
        items = [stored.document for stored in found]
        body = write_json({"items": items, "next_page_token": token}, numbers=self._node.knobs.numbers)
        return _unless_known(request, body, tag_of(body))

    def _write(self, request: Request, key: str, fields: dict[str, Any]) -> Response:
        _require_match(request, self._find(key))
        store = self._node.store
        change = store.update if request.method == "PATCH" else store.replace
        stored = change(self._name, key, fields)
        if stored is None:
            raise _missing(key)
        return _json(self._show(stored), stored.etag)

    def _find(self, key: str) -> Stored:
        stored = self._node.store.get(self._name, key)
        if stored is None:
            raise _missing(key)
        return stored

    def _show(self, stored: Stored) -> bytes:
        return write_json(stored.document, numbers=self._node.knobs.numbers)

    def _key(self, request: Request) -> str:
        key: str = request.path_params["key"]
        return unquote(key) if self._node.knobs.keep_encoding else key


def query_of(request: Request) -> dict[str, list[str]]:
    """Return the query's values by name, blank ones too."""
    return parse_qs(request.url.query, keep_blank_values=True)


def _page_size(query: dict[str, list[str]]) -> int:
    text = query.get("page_size", [str(DEFAULT_PAGE_SIZE)])[-1]
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise Refused(400, "bad_request", "page_size is not a positive number")
    return min(int(text), MAX_PAGE_SIZE)


def _token(name: str, position: int) -> str:
    return base64.urlsafe_b64encode(f"{name}:{position}".encode()).decode().rstrip("=")


def _position(query: dict[str, list[str]], name: str) -> int:
    token = query.get("page_token", [""])[-1]
    if not token:
        return 0
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        owner, _, position = text.rpartition(":")
        if owner == name:
            return int(position)
    except (binascii.Error, ValueError):
        pass
    raise Refused(400, "bad_page_token", "the page token is not one of this collection")


def _require_match(request: Request, stored: Stored) -> None:
    if not match_holds(request.headers.get("if-match"), stored.etag):
        raise Refused(412, "precondition_failed", "the object has another entity tag by now")


def _unless_known(request: Request, body: bytes, etag: str) -> Response:
    if none_match_holds(request.headers.get("if-none-match"), etag):
        return _json(body, etag)
    return Response(status_code=304, headers={"ETag": etag})


def _json(body: bytes, etag: str, *, status: int = 200) -> Response:
    return Response(body, status, {"ETag": etag}, media_type="application/json")


def _missing(key: str) -> Refused:
    return Refused(404, "not_found", f"there is no object {key!r}")
