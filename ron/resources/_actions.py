"""``action(...)``: what a resource can do beyond its operations, declared in the class. Nothing here may do I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Optional, TypeVar, overload

from pydantic import PydanticUserError
from typing_extensions import Literal, TypeAlias

from .._plan import METHODS, encode_path
from .._suggest import shown
from ..errors import RonConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "Action",
    "ActionMark",
    "AnyAction",
    "CollectionAction",
    "action",
    "declared_actions",
]

R = TypeVar("R")
B = TypeVar("B")
T = TypeVar("T")
_VERB = re.compile(r"(/.*|:[^/:]+)?")
#: methods whose requests carry no body (RFC 9110 §9.3.1, §9.3.5)
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})


@dataclass(frozen=True, eq=False)
class AnyAction:
    """One action of one resource class, as its description holds it.

    Attributes:
        owner: the resource class.
        name: the name of the class attribute.
        method: in upper case.
        tail: what follows the path of the object, or of the collection: percent-encoded, begins with ``/`` or ``:``.
        body: the type of the request's body; None if it has none.
        result: the type of the answer; ``"self"`` for the resource itself; None if nothing is made of it.
        on_collection: it takes no object: it is about the collection (or the singleton).
    """

    owner: type[Any]
    name: str
    method: str
    tail: str
    body: Any
    result: Any
    on_collection: bool

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.owner.__name__}.{self.name}: {self.method} {self.tail}>"


class Action(AnyAction, Generic[R, B, T]):
    """What ``Item.archive`` is: an action on one object, for ``Item.objects.act(Item.archive, item, ...)``."""


class CollectionAction(AnyAction, Generic[R, B, T]):
    """What ``Item.purge`` is: an action on the whole collection, for ``Item.objects.act(Item.purge, ...)``."""


class ActionMark:
    """What ``action()`` leaves in the class body; from the class it gives what the description made of it."""

    def __init__(self, **declared: Any) -> None:
        self.declared = declared
        self.name = "action"

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type[Any]) -> Any:
        if instance is not None:
            raise RonConfigError(
                f"{self.name} is called through a manager: write {owner.__name__}.objects.act({owner.__name__}."
                f"{self.name}, ...)"
            )
        description: Any = getattr(owner, "__ron__", None)
        if description is None:
            raise RonConfigError(
                f"{owner.__name__} has no path, so {self.name} leads nowhere: take it from a class that has"
            )
        return description.actions[self.name]


if TYPE_CHECKING:
    O = TypeVar("O")  # noqa: E741 - the owner

    class _Item(ActionMark, Generic[B, T]):
        def __get__(self, instance: None, owner: type[O]) -> Action[O, B, T]: ...

    class _ItemSelf(ActionMark, Generic[B]):
        def __get__(self, instance: None, owner: type[O]) -> Action[O, B, O]: ...

    class _All(ActionMark, Generic[B, T]):
        def __get__(self, instance: None, owner: type[O]) -> CollectionAction[O, B, T]: ...

    class _AllSelf(ActionMark, Generic[B]):
        def __get__(self, instance: None, owner: type[O]) -> CollectionAction[O, B, O]: ...


#: short names keep each overload on one line
M: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
N: TypeAlias = None
No: TypeAlias = Literal[False]
Yes: TypeAlias = Literal[True]
Self: TypeAlias = Literal["self"]


# fmt: off
@overload
def action(method: M, path: str, *, result: N = None, body: N = None, collection: No = False) -> _Item[N, N]: ...
@overload
def action(method: M, path: str, *, result: None = None, body: type[B], collection: No = False) -> _Item[B, None]: ...
@overload
def action(method: M, path: str, *, result: Self, body: None = None, collection: No = False) -> _ItemSelf[None]: ...
@overload
def action(method: M, path: str, *, result: Self, body: type[B], collection: No = False) -> _ItemSelf[B]: ...
@overload
def action(method: M, path: str, *, result: type[T], body: None = None, collection: No = False) -> _Item[None, T]: ...
@overload
def action(method: M, path: str, *, result: type[T], body: type[B], collection: No = False) -> _Item[B, T]: ...
@overload
def action(
    method: M, path: str, *, result: None = None, body: None = None, collection: Yes
) -> _All[None, None]: ...
@overload
def action(method: M, path: str, *, result: None = None, body: type[B], collection: Yes) -> _All[B, None]: ...
@overload
def action(method: M, path: str, *, result: Self, body: None = None, collection: Yes) -> _AllSelf[None]: ...
@overload
def action(method: M, path: str, *, result: Self, body: type[B], collection: Yes) -> _AllSelf[B]: ...
@overload
def action(method: M, path: str, *, result: type[T], body: None = None, collection: Yes) -> _All[None, T]: ...
@overload
def action(method: M, path: str, *, result: type[T], body: type[B], collection: Yes) -> _All[B, T]: ...
# fmt: on
def action(method: Any, path: Any, *, result: Any = None, body: Any = None, collection: Any = False) -> Any:
    """Declares an action of a resource, in the class body.

    ::

        class Item(Resource, path="/app/items"):
            id: str = server()
            archive = action("POST", "{id}:archive", result=Receipt, body=ArchiveBody)
            purge = action("POST", "purge", result=Receipt, collection=True)

        receipt = await Item.objects.act(Item.archive, item, ArchiveBody(reason="old"))

    Args:
        method: ``GET``, ``POST``, ``PUT``, ``PATCH`` or ``DELETE``.
        path: below the collection's: ``{id}:archive`` or ``{id}/archive`` for one object (all parts of a composite
            key), ``purge`` or ``:purge`` for the collection.
        result: the type of the answer: a model, a resource, anything pydantic reads; ``"self"`` for the resource
            itself; None to make nothing of it.
        body: the type of the request's body: a model, a TypedDict, anything pydantic writes; None for no body.
        collection: it is about the whole collection (or a singleton) and takes no object.

    Raises:
        RonConfigError: when the class is made, for whatever is wrong.
    """
    return ActionMark(method=method, path=path, result=result, body=body, collection=collection)


def declared_actions(
    cls: Any, path: str, keys: Sequence[str], taken: Mapping[tuple[str, str], str]
) -> dict[str, AnyAction]:
    """The actions of a class and its bases, by name.

    Args:
        cls: the resource class.
        path: its path.
        keys: the names of its key's fields; none for a singleton.
        taken: method and tail of what its operations send for one object or the collection: → the operation.

    Raises:
        RonConfigError: naming class and attribute, for a mistake in a declaration.
    """
    marks: dict[str, ActionMark] = {}
    for base in reversed(cls.__mro__):
        for name, value in base.__dict__.items():
            if isinstance(value, ActionMark):
                marks[name] = value
            else:
                marks.pop(name, None)
    found: dict[str, AnyAction] = {}
    routes: dict[tuple[str, str], str] = {**taken}
    for name, mark in marks.items():
        made = _declared(cls, name, mark.declared, keys)
        if path == "/" and made.on_collection and made.tail.startswith(":"):
            raise RonConfigError(
                f"class {cls.__name__}: {name} = action(...): path {made.tail!r} would leave the facet, whose root the "
                f"collection is: write {made.tail[1:]!r}"
            )
        place = (made.method, made.tail if made.on_collection else "{}" + made.tail)
        if place in routes:
            raise RonConfigError(
                f"class {cls.__name__}: {name} sends what {routes[place]} sends, {made.method} to the same path: give "
                "it another path, such as " + ("'purge'" if made.on_collection else f"'{_template(keys)}:{name}'")
            )
        routes[place] = name
        found[name] = made
    return found


def _declared(cls: Any, name: str, given: Mapping[str, Any], keys: Sequence[str]) -> AnyAction:
    where = f"class {cls.__name__}: {name} = action(...)"
    method, collection, body = given["method"], given["collection"], given["body"]
    if method not in METHODS or method in ("HEAD", "OPTIONS"):
        raise RonConfigError(f"{where}: method must be GET, POST, PUT, PATCH or DELETE, not {shown(method)}")
    if not isinstance(collection, bool):
        raise RonConfigError(f"{where}: collection must be True or False, not {shown(collection)}")
    tail = _tail(where, given["path"], keys, collection=collection)
    if body is not None and method in _BODILESS:
        raise RonConfigError(f"{where}: a {method} has no body: leave body= out, or write 'POST'")
    if isinstance(given["result"], str) and given["result"] != "self":
        raise RonConfigError(
            f"{where}: result is a type, None, or 'self' for a {cls.__name__}, not {given['result']!r}"
        )
    for what, kind in (("result", given["result"]), ("body", body)):
        if kind is not None and kind != "self":
            _check_type(f"{where}: {what}", kind)
    made = CollectionAction if collection else Action
    return made(cls, name, method, tail, body, given["result"], collection)


def _template(keys: Sequence[str]) -> str:
    return "/".join(f"{{{key}}}" for key in keys)


def _tail(where: str, path: Any, keys: Sequence[str], *, collection: bool) -> str:
    """What follows the path of the object or the collection, encoded."""
    template = _template(keys)
    example = "'purge'" if collection else f"'{template}:archive'"
    if not isinstance(path, str) or not path:
        raise RonConfigError(f"{where}: path is below the collection's, such as {example}, not {shown(path)}")
    if path.startswith("/"):
        raise RonConfigError(f"{where}: path {path!r} is below the collection's: begin it without '/', as {example}")
    if not collection:
        if not keys:
            raise RonConfigError(f"{where}: a singleton has no key: write collection=True, and a path such as 'reset'")
        if not path.startswith(template):
            raise RonConfigError(
                f"{where}: path {path!r} does not begin with {template!r}: write {template + ':' + path.lstrip(':')!r} "
                "for an action on one object, or collection=True for one on the whole collection"
                if "{" not in path
                else f"{where}: path {path!r} must begin with {template!r}, the key: write {example}"
            )
        path = path[len(template) :]
    elif "{" in path:
        raise RonConfigError(
            f"{where}: path {path!r} names a key, but collection=True is about the whole collection: leave one out"
        )
    elif not path.startswith(":"):
        path = "/" + path
    if "{" in path or "}" in path or not _VERB.fullmatch(path.split("/", 1)[0]):
        raise RonConfigError(f"{where}: path: after the key comes ':name' or '/name', such as {example}, not {path!r}")
    reason = ""
    try:
        return encode_path(f"/x{path}").decode("ascii")[2:]
    except RonConfigError as error:
        reason = error.message
    raise RonConfigError(f"{where}: path: {reason}")


def _check_type(where: str, kind: Any) -> None:
    """Refuses what pydantic cannot read or write; a type that names what comes later is looked at when it is used."""
    from pydantic import TypeAdapter

    problem = ""
    try:
        TypeAdapter(kind)
    except PydanticUserError as error:
        problem = "" if error.code in ("class-not-fully-defined", "undefined-annotation") else error.message
    if problem:
        raise RonConfigError(f"{where} is a type that cannot be checked: {problem.splitlines()[0]}")


def verbs_of(actions: Mapping[str, AnyAction]) -> tuple[str, ...]:
    """What actions append to a key's own segment."""
    found = {
        one.tail.split("/", 1)[0] for one in actions.values() if not one.on_collection and one.tail.startswith(":")
    }
    return tuple(sorted(found))


def result_is_resource(action: AnyAction) -> Optional[type[Any]]:
    """The resource class that the answer is, None if it is something else."""
    if action.result == "self":
        return action.owner
    kind = action.result
    return kind if isinstance(kind, type) and getattr(kind, "__ron__", None) is not None else None
