"""What a memory node does for declared actions: the functions that a test gives it. No I/O, no lock here.

A function is given the object as the node has it and the request's body. What it changes in the object is kept; what it
returns is the answer. One of a collection is given the list of its objects: those that it takes out are deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from pydantic import ValidationError

from .._decode import describe_errors
from .._suggest import shown
from ..errors import RonConfigError, RonProblemError
from ..resources._acting import type_adapter
from ..resources._actions import AnyAction, result_is_resource
from ..resources._description import description_of
from ._answers import Refused, empty, json_reply, problem, to_json
from ._hooks import call_hook
from ._whole import whole_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .._values import Reply
    from ._collection import Call, Collection

    Handler = Callable[..., Any]

__all__ = ["ActionHandler", "checked_actions"]


def checked_actions(given: Mapping[Any, Any], resources: Iterable[type[Any]]) -> dict[AnyAction, Handler]:
    """The functions by action. Raises ``RonConfigError`` for what is no action of these resources, or no function."""
    served = tuple(resources)
    for action, function in given.items():
        if not isinstance(action, AnyAction) or action.owner not in served:
            raise RonConfigError(
                "MemoryNode(actions=...) is a mapping by action of the resources that it is given, such as "
                f"{{Item.archive: function}}; {shown(action)} is none"
            )
        if not callable(function):
            raise RonConfigError(
                f"MemoryNode(actions={{{_name(action)}: ...}}) takes a function, not {shown(function)}"
            )
    return dict(given)


def _name(action: AnyAction) -> str:
    return f"{action.owner.__name__}.{action.name}"


class ActionHandler:
    """One action of a collection."""

    def __init__(self, collection: Collection, action: AnyAction, function: Optional[Handler]) -> None:
        self._collection = collection
        self._action = action
        self._function = function
        self._where = f"the function for {_name(action)} given to MemoryNode"

    def __call__(self, call: Call) -> Reply:
        """Does it; 501 without a function, what the function says if it raises a ``RonProblemError``."""
        action = self._action
        if self._function is None:
            arguments = ("items" if action.on_collection else "item") + (", body" if action.body is not None else "")
            text = (
                f"this node does not know what {_name(action)} does: give it a function, as "
                f"MemoryNode(..., actions={{{_name(action)}: lambda {arguments}: ...}})"
            )
            raise Refused(problem(501, text, "no_action"))
        body = self._body(call)
        return self._on_collection(call, body) if action.on_collection else self._on_one(call, body)

    def _body(self, call: Call) -> tuple[Any, ...]:
        """The body as the function's argument; 400 for one that is not what the action declares."""
        if self._action.body is None:
            if call.request.body:
                raise Refused(problem(400, f"{_name(self._action)} takes no body"))
            return ()
        reason = ""
        try:
            return (type_adapter(self._action, "body").validate_json(call.request.body),)
        except ValidationError as error:
            reason = describe_errors(error, quote=False)
        raise Refused(problem(400, reason))

    def _on_one(self, call: Call, body: tuple[Any, ...]) -> Reply:
        collection = self._collection
        document = collection.find(call)
        item = collection.read(document)
        result = self._ask(item, *body)
        fields = whole_fields(collection.description, item)
        if fields != document.fields:
            document = collection.write(document, fields)
        if self._action.result == "self":
            return json_reply(document.body, document.etag)
        return self._answer(result)

    def _on_collection(self, call: Call, body: tuple[Any, ...]) -> Reply:
        collection = self._collection
        documents = collection.shelf.all(call.place)
        items = [collection.read(document) for document in documents]
        known = list(zip(documents, items))
        result = self._ask(items, *body)
        left = {id(item) for item in items}
        if left - {id(item) for _, item in known}:
            raise RonConfigError(f"{self._where} put an object into the list: it can change them, or take some out")
        for document, item in known:
            if id(item) not in left:
                collection.shelf.remove(document)
                continue
            fields = whole_fields(collection.description, item)
            if fields != document.fields:
                collection.write(document, fields)
        return self._answer(result)

    def _ask(self, *arguments: Any) -> Any:
        refusal: Optional[RonProblemError] = None

        def guarded() -> Any:
            nonlocal refusal
            assert self._function is not None
            try:
                return self._function(*arguments)
            except RonProblemError as error:
                refusal = error

        result = call_hook(self._where, guarded)
        if refusal is not None:
            said = refusal.problem
            raise Refused(problem(refusal.status_code or 400, said.message or refusal.message, said.code))
        return result

    def _answer(self, result: Any) -> Reply:
        action = self._action
        if action.result is None:
            return empty(204)
        resource = result_is_resource(action)
        if resource is not None and isinstance(result, resource):
            return json_reply(to_json(whole_fields(description_of(resource), result)))
        reason = f"an object of {resource.__name__}" if resource is not None else ""
        if resource is None:
            adapter = type_adapter(action, "result")
            try:
                return json_reply(adapter.dump_json(adapter.validate_python(result), by_alias=True))
            except ValidationError as error:
                reason = f"what the action declares: {describe_errors(error, quote=True)}"
        raise RonConfigError(f"{self._where} must return {reason}")
