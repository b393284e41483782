"""Resources of other shapes than a plain collection, and actions.

* `/app/projects/{project}/tasks`: below a parent, which the documents don't name.
* `/app/meters/{region}/{number}`: a key of two parts.
* `/app/settings`: one document, without a key; a PUT makes it.
* `/app/chat`: pages as chat has them (protocol.md, "Lists").
* `/app/items`: actions; and every collection can be ordered, and asked for some fields.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.reference_node.bodies import parse_object, write_json
from tests.reference_node.node import Node
from tests.reference_node.problems import Refused
from tests.reference_node.resources import Collection, query_of
from tests.reference_node.store import Stored

EVERYTHING = 1_000_000


def shape_routes(node: Node) -> list[Route]:
    """The routes, those of actions before the ones that would take them for keys."""
    tasks, meters, single, chat = Tasks(node), Meters(node, "meters"), Settings(node), Chat(node)
    actions = Actions(node)
    return [
        Route("/app/projects/{project}/tasks", tasks.whole, methods=["GET", "POST"]),
        Route("/app/projects/{project}/tasks/{key}", tasks.one, methods=["GET", "PATCH", "PUT", "DELETE"]),
        Route("/app/meters", meters.whole, methods=["GET", "POST"]),
        Route("/app/meters/{region}/{number}", meters.one, methods=["GET", "PATCH", "PUT", "DELETE"]),
        Route("/app/settings", single.one, methods=["GET", "PATCH", "PUT"]),
        Route("/app/chat", chat.whole, methods=["GET", "POST"]),
        Route("/app/items/purge", actions.purge, methods=["POST"]),
        Route("/app/items/{key}:archive", actions.archive, methods=["POST"]),
        Route("/app/items/{key}/reopen", actions.reopen, methods=["POST"]),
    ]


class Tasks:
    """Each project has a collection of its own."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def whole(self, request: Request) -> Response:
        """Serve a project's tasks."""
        return await self._of(request).whole(request)

    async def one(self, request: Request) -> Response:
        """Serve one of them."""
        return await self._of(request).one(request)

    def _of(self, request: Request) -> Collection:
        return Collection(self._node, f"projects/{request.path_params['project']}/tasks")


class Meters(Collection):
    """Documents whose key is in two of their own fields."""

    def _created(self, body: bytes) -> Response:
        fields = parse_object(body)
        key = f"{fields.get('region')}/{fields.get('number')}"
        if self._node.store.get(self._name, key) is not None:
            raise Refused(409, "conflict", f"there is a meter {key!r} already")
        stored = self._node.store.insert(self._name, fields, key=key)
        return Response(self._show(stored), 201, {"ETag": stored.etag}, media_type="application/json")

    def _key(self, request: Request) -> str:
        return f"{request.path_params['region']}/{request.path_params['number']}"


class Settings(Collection):
    """A document of which there is one."""

    def __init__(self, node: Node) -> None:
        super().__init__(node, "settings")

    def _key(self, request: Request) -> str:
        return "only"

    def _show(self, stored: Stored) -> bytes:
        document = stored.document
        del document["id"]
        return write_json(document)

    def _write(self, request: Request, key: str, fields: dict[str, Any]) -> Response:
        if request.method == "PUT" and self._node.store.get(self._name, key) is None:
            self._node.store.insert(self._name, {}, key=key)
        return super()._write(request, key, fields)


class Chat:
    """Messages: `after` asks for the next page, and the page without messages is the last one."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._messages = Collection(node, "chat")

    async def whole(self, request: Request) -> Response:
        """Serve a page, or take a message."""
        if request.method == "POST":
            return await self._messages.whole(request)
        query = query_of(request)
        after, size = int(query.get("after", ["0"])[-1]), int(query.get("limit", ["50"])[-1])
        found, _ = self._node.store.page("chat", after=after, size=size, query={})
        cursor = found[-1].position if found else None
        return JSONResponse({"cursor": cursor, "messages": [stored.document for stored in found]})


class Actions:
    """What items can do beyond being read and written."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def archive(self, request: Request) -> Response:
        """Archive one, and answer with a receipt."""
        reason = parse_object(await request.body()).get("reason")
        key = request.path_params["key"]
        self._changed(key, {"status": "archived"})
        return JSONResponse({"archived": key, "reason": reason})

    async def reopen(self, request: Request) -> Response:
        """Make one new again, and answer with it."""
        stored = self._changed(request.path_params["key"], {"status": "new"})
        return Response(stored.text, headers={"ETag": stored.etag}, media_type="application/json")

    async def purge(self, request: Request) -> Response:
        """Delete those of a status, and answer with their number."""
        status = parse_object(await request.body()).get("status")
        found, _ = self._node.store.page("items", after=0, size=EVERYTHING, query={"status": [str(status)]})
        for stored in found:
            self._node.store.remove("items", stored.key)
        return JSONResponse({"count": len(found)})

    def _changed(self, key: str, fields: dict[str, Any]) -> Stored:
        stored = self._node.store.update("items", key, fields)
        if stored is None:
            raise Refused(404, "not_found", f"there is no object {key!r}")
        return stored


class Choice(Collection):
    """A collection that can be ordered (`order_by=-name`), and of which some fields can be asked for (`fields=a,b`)."""

    async def whole(self, request: Request) -> Response:
        """Serve the collection's own path."""
        query = query_of(request)
        if request.method == "GET" and "order_by" in query:
            return self._ordered(query)
        return self._some(await super().whole(request), query)

    async def one(self, request: Request) -> Response:
        """Serve one document."""
        return self._some(await super().one(request), query_of(request))

    def _ordered(self, query: dict[str, list[str]]) -> Response:
        filters = {name: values for name, values in query.items() if name not in ("page_size", "page_token")}
        found, _ = self._node.store.page(self._name, after=0, size=EVERYTHING, query=filters)
        documents = [stored.document for stored in found]
        for name in reversed(query["order_by"][-1].split(",")):
            documents.sort(key=lambda document: str(document.get(name.lstrip("-"))), reverse=name.startswith("-"))
        begin = int(query.get("page_token", ["0"])[-1].lstrip("n"))
        end = begin + int(query.get("page_size", ["50"])[-1])
        token = f"n{end}" if end < len(documents) else None
        page = {"items": documents[begin:end], "next_page_token": token}
        return self._some(JSONResponse(page), query)

    def _some(self, answer: Response, query: dict[str, list[str]]) -> Response:
        """The answer with the fields that were asked for."""
        if "fields" not in query or answer.status_code != 200:
            return answer
        wanted = query["fields"][-1].split(",")
        content = json.loads(bytes(answer.body))
        items = content.get("items")
        if items is None:
            return JSONResponse({name: content[name] for name in wanted if name in content})
        content["items"] = [{name: item[name] for name in wanted if name in item} for item in items]
        return JSONResponse(content)
