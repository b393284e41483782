"""The canonical calls: each operation of a manager, with the answers of a node that tells the truth."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from typing import Any, NamedTuple, Optional

from ron import Resource, server
from ron.testing import stored
from tests.transport.raw_server import answer

__all__ = ["CALLS", "COARSER", "FRAMINGS", "Call", "framed"]

#: Strides are multiplied by it: the version matrix cuts at fewer places, the full run at all that the tests name.
COARSER = int(os.environ.get("RON_TEST_STRIDE", "1"))


class Item(Resource, path="/app/i"):
    """The service behind it promises nothing about idempotency keys."""

    id: str = server()
    name: str


class SafeItem(Resource, path="/app/i", idempotent=True):
    """The service behind it honours idempotency keys."""

    id: str = server()
    name: str


class Call(NamedTuple):
    """One canonical call.

    Attributes:
        name: of the case.
        method: that it is sent with.
        make: starts the call, given the manager (of either colour) and what ``prepare`` gave.
        answer: the bytes of a good answer.
        conditional: sent with ``If-Match``.
        key_counts: carries an idempotency key that is known to be honoured.
        prepare: a call to be made before, on the same connection; its answer is ``before``.
        again: the answer to a repeat after the first one was carried out; None: the same answer.
        resource: what the manager is for.
    """

    name: str
    method: str
    make: Callable[[Any, Any], Any]
    answer: bytes
    conditional: bool = False
    key_counts: bool = False
    prepare: Optional[Callable[[Any], Any]] = None
    before: bytes = b""
    again: Optional[bytes] = None
    resource: Any = Item


_JSON = b"Content-Type: application/json"
_ITEM = b'{"id":"1","name":"b"}'
_OLD = answer(b'{"id":"1","name":"a"}', b'ETag: "1"')
_GOOD = answer(_ITEM, _JSON)
_CREATED = answer(_ITEM, _JSON, status=b"201 Created")
_GONE = answer(b'{"code":"not_found","message":"gone"}', _JSON, status=b"404 Not Found")
_LOST = answer(b'{"code":"precondition_failed","message":"changed"}', _JSON, status=b"412 Precondition Failed")


def _changed(items: Any, item: Any) -> Any:
    item.name = "b"
    return items.save(item)


CALLS = {
    call.name: call
    for call in (
        Call("get", "GET", lambda items, _: items.get("1"), _GOOD),
        Call(
            "list",
            "GET",
            lambda items, _: items.list(name="b").page(),
            answer(b'{"items":[' + _ITEM + b'],"next_page_token":null}'),
        ),
        Call("create", "POST", lambda items, _: items.create(name="b"), _CREATED),
        Call(
            "create with a key of the caller",
            "POST",
            lambda items, _: items.create(name="b", idempotency_key="k-1"),
            _CREATED,
            key_counts=True,
        ),
        Call(
            "create where keys are honoured",
            "POST",
            lambda items, _: items.create(name="b"),
            _CREATED,
            key_counts=True,
            resource=SafeItem,
        ),
        Call("update", "PATCH", lambda items, _: items.update("1", name="b"), _GOOD),
        Call(
            "update with a key of the caller",
            "PATCH",
            lambda items, _: items.update("1", name="b", idempotency_key="k-1"),
            _GOOD,
            key_counts=True,
        ),
        Call(
            "save under a condition",
            "PATCH",
            _changed,
            _GOOD,
            conditional=True,
            prepare=lambda items: items.get("1"),
            before=_OLD,
            again=_LOST,
        ),
        Call("replace", "PUT", lambda items, _: items.replace(stored(Item, id="1", name="b")), _GOOD),
        Call("delete", "DELETE", lambda items, _: items.delete("1"), b"HTTP/1.1 204 No Content\r\n\r\n", again=_GONE),
    )
}


def _chunked(body: bytes, *fields: bytes) -> bytes:
    cut = len(body) // 2
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:cut], body[cut:]))
    return answer(b"", *fields, b"Transfer-Encoding: chunked", length=False) + chunks + b"0\r\n\r\n"


_ZIPPED = gzip.compress(_ITEM, mtime=0)
_GZIP = b"Content-Encoding: gzip"
#: The same object, framed and coded otherwise. Only the last one's end is told by FIN alone.
FRAMINGS = {
    "chunks": _chunked(_ITEM),
    "gzip": answer(_ZIPPED, _GZIP),
    "gzip in chunks": _chunked(_ZIPPED, _GZIP),
    "gzip until the end": answer(_ZIPPED, _GZIP, length=False),
}


def framed(call: Call, framing: str) -> Call:
    """The call, answered in another framing."""
    return call._replace(name=f"{call.name}, {framing}", answer=FRAMINGS[framing])
