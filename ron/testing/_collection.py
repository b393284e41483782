"""One resource over HTTP: create, read, list, change, replace, delete, watch. No I/O, no lock here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Optional, Union

from ..errors import RonInputError
from ..resources._keys import encode_key, joined_text
from . import _bodies
from ._acting import ActionHandler
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
from ._queries import Filters, PageQuery, Query

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .._values import Reply
    from ..resources._actions import AnyAction
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
    key_fields: tuple[str, ...]


class Collection:
    """The handlers of one resource."""

    def __init__(
        self,
        description: Description,
        shelf: Shelf,
        assigner: Assigner,
        hooks: FilterHooks,
        actions: Mapping[AnyAction, Callable[..., Any]],
    ) -> None:
        self.description = description
        self.shelf = shelf
        self._assigner = assigner
        self.actions = {
            action: ActionHandler(self, action, actions.get(action)) for action in description.actions.values()
        }
        self._hooks = hooks
        self._numbers = 0

    def handlers(self) -> dict[str, dict[str, Callable[[Call], Union[Reply, Opening]]]]:
        """What the declared operations make of each route: ``whole``, ``one``, ``events``."""
        has = self.description.operations
        puts = self.description.update_method == "PUT"
        one = "whole" if self.description.singleton else "one"
        table: tuple[tuple[bool, str, str, Callable[[Call], Union[Reply, Opening]]], ...] = (
            ("list" in has, "whole", "GET", self.list),
            ("create" in has, "whole", "POST", self.create),
            ("get" in has, one, "GET", self.get),
            ("update" in has and not puts, one, "PATCH", self.patch),
            ("replace" in has or ("update" in has and puts), one, "PUT", self.put),
            ("delete" in has, one, "DELETE", self.delete),
            ("watch" in has, "events", "GET", self.watch),
        )
        found: dict[str, dict[str, Callable[[Call], Union[Reply, Opening]]]] = {}
        for declared, route, method, handler in table:
            if declared:
                found.setdefault(route, {})[method] = handler
        return found

    def list(self, call: Call) -> Reply:
        """A page."""
        asked = Query(self.description, call.request.values())
        filters = Filters(self.description, self._hooks, asked.filters)
        page = PageQuery.read(self.description, asked.values, call.place)
        if asked.is_ordered:
            matching = [one for one in self.shelf.all(call.place) if filters.match(one.fields)]
            found, more, position = page.cut(asked.ordered(matching))
        else:
            behind = self.shelf.after(call.place, page.after)
            found, more, position = page.first(one for one in behind if not filters or filters.match(one.fields))
        pages = self.description.pages
        goes_on = more if pages.ends == "no_cursor" else bool(found)
        items = b",".join(asked.body_of(document) for document in found)
        token = to_json(page.token(position) if goes_on else None)
        body = b"{%b:[%b],%b:%b}" % (to_json(pages.items), items, to_json(pages.cursor), token)
        return unless_known(call.request, body, tag_of(body))

    def create(self, call: Call) -> Reply:
        """A new object, with the node's fields."""
        description = self.description
        fields = self._with_parents(call, _bodies.parse_object(call.request.body))
        fields = _bodies.new_fields(description, fields, {})
        self._numbers += 1
        while True:
            whole = {**self._assigner.created(fields, self._numbers), **fields}
            whole.update(self._parents(call))
            key = self._key_text(whole)
            if self.shelf.get(call.place, key) is None:
                break
            if not description.server_fields.intersection(description.keys):
                raise Refused(problem(409, f"there is an object with {description.key} {key!r} already"))
            self._numbers += 1
        self._check_key(whole)
        _bodies.check_whole(description, whole)
        document = self.shelf.insert(call.place, key, self._ordered(whole))
        return json_reply(document.body, document.etag, 201)

    def get(self, call: Call) -> Reply:
        """One object."""
        document = self.find(call)
        asked = Query(self.description, call.request.values())
        if not asked.is_selected:
            return unless_known(call.request, document.body, document.etag)
        body = asked.body_of(document)
        return unless_known(call.request, body, tag_of(body))

    def patch(self, call: Call) -> Reply:
        """Changes the fields given."""
        document = self.find(call)
        require_match(call.request, document.etag)
        before = document.fields
        given = _bodies.parse_object(call.request.body)
        changed = _bodies.changed_fields(self.description, given, before)
        return self._written(document, {**before, **changed})

    def put(self, call: Call) -> Reply:
        """Puts a whole object into the place of another; what is not sent is gone. A singleton may be put first."""
        if self.description.singleton and self.shelf.get(call.place, "") is None:
            return self.create(call)
        document = self.find(call)
        require_match(call.request, document.etag)
        before = document.fields
        given = self._with_parents(call, _bodies.parse_object(call.request.body))
        fields = _bodies.new_fields(self.description, given, before)
        own = {self.description.fields[name] for name in self.description.server_fields}
        kept = {wire: value for wire, value in before.items() if wire in own}
        return self._written(document, {**fields, **kept})

    def delete(self, call: Call) -> Reply:
        """Takes one object out."""
        document = self.find(call)
        require_match(call.request, document.etag)
        self.shelf.remove(document)
        return empty(204)

    def watch(self, call: Call) -> Opening:
        """An event stream of the changes."""
        if "text/event-stream" not in (call.request.header("accept") or ""):
            raise Refused(problem(406, "this is an event stream: Accept must be text/event-stream"))
        filters = Filters(self.description, self._hooks, call.request.values())
        cursor = call.request.header("last-event-id") or None
        keys = tuple(self.description.fields[name] for name in self.description.keys)
        return Opening(self.shelf, call.place, filters, cursor, keys)

    def add(self, fields: dict[str, Any]) -> None:
        """An object that is there whatever clients did. Raises ``RonInputError`` if its key is taken."""
        description = self.description
        place = tuple(wire_text(fields[description.fields[name]]) for name in description.parameters)
        key = self._key_text(fields)
        self._encode_key(fields)
        if self.shelf.get(place, key) is not None:
            raise RonInputError(
                f"node.add: there is a {description.name}"
                + (f" with {description.key} {key!r}" if description.keys else "")
                + " already; "
                "change it through a client"
            )
        self.shelf.insert(place, key, self._ordered(fields))

    def _written(self, document: Document, fields: dict[str, Any]) -> Reply:
        after = self.write(document, fields)
        return json_reply(after.body, after.etag)

    def write(self, document: Document, fields: dict[str, Any]) -> Document:
        """Puts these fields into the place of a document's; 400 for a key or parent that would change."""
        if self._key_text(fields) != document.key:
            wires = " or ".join(repr(self.description.fields[name]) for name in self.description.keys)
            _bodies.refuse(f"field {wires} is the key: it cannot change")
        parents = (self.description.fields[name] for name in self.description.parameters)
        if tuple(wire_text(fields.get(name)) for name in parents) != document.place:
            _bodies.refuse("the fields that stand in the path cannot change")
        whole = {**fields, **self._assigner.touched()}
        _bodies.check_whole(self.description, whole)
        return self.shelf.write(document, self._ordered(whole))

    def read(self, document: Document) -> Any:
        """The object of a document."""
        return self.description.cls.__pydantic_validator__.validate_json(document.body)

    def find(self, call: Call) -> Document:
        """The document that a call is about; 404 without one."""
        document = self.shelf.get(call.place, call.key)
        if document is None:
            self._missing(call)
        return document

    def _missing(self, call: Call) -> NoReturn:
        if self.description.empty_404 == "missing":
            raise Refused(empty(404))
        which = "" if self.description.singleton else f" {call.key!r}"
        raise Refused(problem(404, f"there is no object{which}"))

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

    def _key_text(self, fields: Mapping[str, Any]) -> str:
        """The key of an object, by wire names, as a route's is read."""
        parts = [wire_text(fields.get(self.description.fields[name])) for name in self.description.keys]
        return parts[0] if len(parts) == 1 else joined_text(parts)

    def _encode_key(self, fields: Mapping[str, Any]) -> None:
        for name in self.description.keys:
            encode_key(wire_text(fields[self.description.fields[name]]), name, encoded=self.description.encoded_keys)

    def _check_key(self, fields: Mapping[str, Any]) -> None:
        try:
            self._encode_key(fields)
        except RonInputError as error:
            _bodies.refuse(error.message)

    def _ordered(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields in the order of the declaration, unknown ones last."""
        declared = [wire for wire in self.description.fields.values() if wire in fields]
        rest = [wire for wire in fields if wire not in declared]
        return {wire: fields[wire] for wire in (*declared, *rest)}
