"""One resource over HTTP: create, read, list, change, replace, delete, watch. No I/O, no lock here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Optional, Union

from ..errors import RonInputError
from ..resources._description import encode_key
from . import _bodies
from ._answers import (
    Refused,
    empty,
    json_reply,
    problem,
    require_match,
    tag_of,
    to_json,
    unless_known,
)
from ._fields import from_text, wire_text
from ._queries import PAGING, Filters, PageQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .._values import Reply
    from ..resources._description import Description
    from ._assign import Assigner
    from ._queries import FilterHooks
    from ._received import Received
    from ._store import Document, Place, Shelf

__all__ = ["Call", "Collection", "Opening"]


class Call(NamedTuple):
    """A request that found its route; ``key`` is ``""`` where the route has none."""

    request: Received
    place: Place
    key: str


class Opening(NamedTuple):
    """The answer to a request for an event stream: whose changes, behind which cursor."""

    shelf: Shelf
    place: Place
    filters: Filters
    cursor: Optional[str]
    key_field: str


class Collection:
    """The handlers of one resource."""

    def __init__(self, description: Description, shelf: Shelf, assigner: Assigner, hooks: FilterHooks) -> None:
        self.description = description
        self.shelf = shelf
        self._assigner = assigner
        self._hooks = hooks
        self._numbers = 0

    def handlers(self) -> dict[str, dict[str, Callable[[Call], Union[Reply, Opening]]]]:
        """What the declared operations make of each route: ``whole``, ``one``, ``events``."""
        has = self.description.operations
        puts = self.description.update_method == "PUT"
        table: tuple[tuple[bool, str, str, Callable[[Call], Union[Reply, Opening]]], ...] = (
            ("list" in has, "whole", "GET", self.list),
            ("create" in has, "whole", "POST", self.create),
            ("get" in has, "one", "GET", self.get),
            ("update" in has and not puts, "one", "PATCH", self.patch),
            ("replace" in has or ("update" in has and puts), "one", "PUT", self.put),
            ("delete" in has, "one", "DELETE", self.delete),
            ("watch" in has, "events", "GET", self.watch),
        )
        found: dict[str, dict[str, Callable[[Call], Union[Reply, Opening]]]] = {}
        for declared, route, method, handler in table:
            if declared:
                found.setdefault(route, {})[method] = handler
        return found

    def list(self, call: Call) -> Reply:
        """A page."""
        query = call.request.values()
        filters = Filters(self.description, self._hooks, query, PAGING)
        page = PageQuery.read(query, self.description.name, call.place)
        found: list[Document] = []
        more = False
        for document in self.shelf.after(call.place, page.after):
            if not filters or filters.match(document.fields):
                more = len(found) == page.size
                if more:
                    break
                found.append(document)
        token = page.token(found[-1].position) if more else None
        items = b",".join(document.body for document in found)
        body = b'{"items":[%b],"next_page_token":%b}' % (items, to_json(token))
        return unless_known(call.request, body, tag_of(body))

    def create(self, call: Call) -> Reply:
        """A new object, with the node's fields."""
        fields = self._with_parents(call, _bodies.parse_object(call.request.body))
        fields = _bodies.new_fields(self.description, fields, {})
        self._numbers += 1
        wire = self.description.fields[self.description.key]
        while True:
            whole = {**self._assigner.created(fields, self._numbers), **fields}
            whole.update(self._parents(call))
            key = wire_text(whole[wire])
            if self.shelf.get(call.place, key) is None:
                break
            if self.description.key not in self.description.server_fields:
                raise Refused(problem(409, f"there is an object with {wire} {key!r} already"))
            self._numbers += 1
        self._check_key(key)
        _bodies.check_whole(self.description, whole)
        document = self.shelf.insert(call.place, key, self._ordered(whole))
        return json_reply(document.body, document.etag, 201)

    def get(self, call: Call) -> Reply:
        """One object."""
        document = self._find(call)
        return unless_known(call.request, document.body, document.etag)

    def patch(self, call: Call) -> Reply:
        """Changes the fields given."""
        document = self._find(call)
        require_match(call.request, document.etag)
        before = document.fields
        given = _bodies.parse_object(call.request.body)
        changed = _bodies.changed_fields(self.description, given, before)
        return self._write(document, {**before, **changed})

    def put(self, call: Call) -> Reply:
        """Puts a whole object into the place of another; what is not sent is gone."""
        document = self._find(call)
        require_match(call.request, document.etag)
        before = document.fields
        given = self._with_parents(call, _bodies.parse_object(call.request.body))
        fields = _bodies.new_fields(self.description, given, before)
        own = {self.description.fields[name] for name in self.description.server_fields}
        kept = {wire: value for wire, value in before.items() if wire in own}
        return self._write(document, {**fields, **kept})

    def delete(self, call: Call) -> Reply:
        """Takes one object out."""
        document = self._find(call)
        require_match(call.request, document.etag)
        self.shelf.remove(document)
        return empty(204)

    def watch(self, call: Call) -> Opening:
        """An event stream of the changes."""
        if "text/event-stream" not in (call.request.header("accept") or ""):
            raise Refused(problem(406, "this is an event stream: Accept must be text/event-stream"))
        filters = Filters(self.description, self._hooks, call.request.values())
        cursor = call.request.header("last-event-id") or None
        wire = self.description.fields[self.description.key]
        return Opening(self.shelf, call.place, filters, cursor, wire)

    def add(self, fields: dict[str, Any]) -> None:
        """An object that is there whatever clients did. Raises ``RonInputError`` if its key is taken."""
        description = self.description
        place = tuple(wire_text(fields[description.fields[name]]) for name in description.parameters)
        key = wire_text(fields[description.fields[description.key]])
        encode_key(key, description.key, encoded=description.encoded_keys)
        if self.shelf.get(place, key) is not None:
            raise RonInputError(
                f"node.add: there is a {description.name} with {description.key} {key!r} already; "
                "change it through a client"
            )
        self.shelf.insert(place, key, self._ordered(fields))

    def _write(self, document: Document, fields: dict[str, Any]) -> Reply:
        wire = self.description.fields[self.description.key]
        if wire_text(fields.get(wire)) != document.key:
            _bodies.refuse(f"field {wire!r} is the key: it cannot change")
        parents = (self.description.fields[name] for name in self.description.parameters)
        if tuple(wire_text(fields.get(name)) for name in parents) != document.place:
            _bodies.refuse("the fields that stand in the path cannot change")
        whole = {**fields, **self._assigner.touched()}
        _bodies.check_whole(self.description, whole)
        after = self.shelf.write(document, self._ordered(whole))
        return json_reply(after.body, after.etag)

    def _find(self, call: Call) -> Document:
        document = self.shelf.get(call.place, call.key)
        if document is None:
            self._missing(call)
        return document

    def _missing(self, call: Call) -> NoReturn:
        if self.description.empty_404 == "missing":
            raise Refused(empty(404))
        raise Refused(problem(404, f"there is no object {call.key!r}"))

    def _parents(self, call: Call) -> dict[str, Any]:
        """The fields that stand in the path, by wire name."""
        description = self.description
        return {
            description.fields[name]: from_text(description, name, text, "path parameter")
            for name, text in zip(description.parameters, call.place)
        }

    def _with_parents(self, call: Call, given: dict[str, Any]) -> dict[str, Any]:
        """The body with what the path says already; 400 where they disagree."""
        for wire, value in self._parents(call).items():
            if wire_text(given.get(wire, value)) != wire_text(value):
                _bodies.refuse(f"field {wire!r} is not what the path says")
            given.setdefault(wire, value)
            if self._is_own(wire):
                del given[wire]
        return given

    def _is_own(self, wire: str) -> bool:
        description = self.description
        return any(description.fields[name] == wire for name in description.server_fields)

    def _check_key(self, key: str) -> None:
        try:
            encode_key(key, self.description.key, encoded=self.description.encoded_keys)
        except RonInputError as error:
            _bodies.refuse(error.message)

    def _ordered(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields in the order of the declaration, unknown ones last."""
        declared = [wire for wire in self.description.fields.values() if wire in fields]
        rest = [wire for wire in fields if wire not in declared]
        return {wire: fields[wire] for wire in (*declared, *rest)}
