"""What managers do, as flows: each operation once, for both colours. Nothing here may do I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union

from .._effects import WALL
from .._flow import perform
from .._plan import IDEMPOTENT, Plan, checked_key, encode_query
from .._suggest import shown
from .._values import UNSET
from ..errors import RonConfigError, RonGoneError, RonInputError, RonNotFoundError
from . import _bodies
from ._conflicts import told
from ._drafts import Patch
from ._keys import key_text
from ._origin import base_of, origin_of
from ._partial import chosen_fields, chosen_query

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from .._effects import Effect
    from .._session import Session
    from ._description import Description

__all__ = [
    "Scope",
    "check_object",
    "create",
    "delete",
    "get",
    "get_or_none",
    "key_of",
    "refresh",
    "replace",
    "save",
    "save_known",
    "update",
    "write_plan",
]

Key = Union[str, bool, None]
_JSON = ((b"Content-Type", b"application/json"),)


class Scope(NamedTuple):
    """Which resource, on which client, below which parents."""

    description: Description
    session: Session
    parents: Mapping[str, Any]

    def collection(self) -> bytes:
        """The collection's path."""
        return self.description.target(self.session, self.parents)

    def item(self, key: Any) -> bytes:
        """The path of one object."""
        segments = self.description.segments(key)
        base = self.collection()
        return base + segments if not segments or base.endswith(b"/") else base + b"/" + segments

    def of(self, obj: Any) -> Scope:
        """The scope of an object: the parents below which it came, or which its fields name.

        Raises:
            RonInputError: if it belongs below others than those that were bound.
        """
        description = self.description
        if not description.parameters:
            return self
        values = base_of(obj) or obj.__dict__
        own = {name: values[name] for name in description.parameters if name in values}
        for name, value in own.items():
            bound = self.parents.get(name, value)
            if key_text(bound) != key_text(value):
                raise RonInputError(
                    f"this {description.name} belongs to {name} {shown(value)}, but the call is "
                    f".at({name}={shown(bound)})"
                )
        return self._replace(parents={**self.parents, **own})


def get(scope: Scope, key: Any, fields: Optional[Sequence[str]] = None) -> Generator[Effect, Any, Any]:
    """``GET path/{key}``; with ``fields`` only these of them, where the resource declares a choice."""
    description = scope.description
    description.check_operation("get")
    plan, names = Plan("GET", scope.item(key)), chosen_fields(description, fields)
    if names is not None:
        plan = plan._replace(query=encode_query(chosen_query(description, None, names)))
    answer = yield from perform(scope.session, plan)
    return _bodies.decode_object(description, scope.session, answer, (yield WALL), scope.parents, names)


def get_or_none(scope: Scope, key: Any) -> Generator[Effect, Any, Any]:
    """Like ``get``, but None for an object that is not there."""
    error: Optional[RonNotFoundError] = None
    try:
        return (yield from get(scope, key))
    except RonGoneError:
        return None
    except RonNotFoundError as caught:
        error = caught
    missing_means_object = scope.description.empty_404 == "missing" and error.status_code == 404
    if error.route_missing and not missing_means_object:
        raise error
    return None


def create(scope: Scope, given: Any, fields: Mapping[str, Any], key: Key) -> Generator[Effect, Any, Any]:
    """``POST path``; an object that was given is refreshed in place."""
    description = scope.description
    description.check_operation("create")
    bound = {name: value for name, value in scope.parents.items() if name not in description.server_fields}
    obj = _bodies.new_object(description, given, {**bound, **fields} if given is None else fields)
    return (yield from _post(scope, obj, key))


def _post(scope: Scope, obj: Any, key: Key) -> Generator[Effect, Any, Any]:
    scope = scope.of(obj)
    body = _bodies.create_body(scope.description, obj, scope.parents)
    plan = write_plan(scope, "POST", scope.collection(), body, key, None)
    answer = yield from perform(scope.session, plan)
    fresh = _bodies.decode_object(scope.description, scope.session, answer, (yield WALL), scope.parents)
    return _bodies.refresh_object(obj, fresh)


def update(
    scope: Scope, key: Any, patch: Any, changes: Mapping[str, Any], idempotency_key: Key
) -> Generator[Effect, Any, Any]:
    """``PATCH path/{key}`` with only what is given; with ``update_method="PUT"``: read, change, write if unchanged."""
    description = scope.description
    description.check_operation("update")
    if description.singleton and isinstance(key, Patch) and patch is None:
        key, patch = UNSET, key
    path = scope.item(key)
    patch = _bodies.patch_of(description, patch, changes)
    body = _bodies.patch_json(description, patch)
    if description.update_method == "PUT":
        obj = yield from get(scope, key)
        _bodies.assign(description, obj, {name: getattr(patch, name) for name in patch.model_fields_set})
        return (yield from _told(scope, obj, _put(scope, obj, idempotency_key)))
    write = _result(scope, write_plan(scope, "PATCH", path, body, idempotency_key, None))
    return (yield from told(scope, write, patch, lambda: path))


def replace(scope: Scope, obj: Any, key: Key) -> Generator[Effect, Any, Any]:
    """``PUT path/{key}`` of the whole object, refreshed in place; with ``If-Match`` where an ETag is known."""
    scope.description.check_operation("replace")
    check_object(scope, obj, "replace")
    return (yield from _told(scope, obj, _put(scope, obj, key)))


def _put(scope: Scope, obj: Any, key: Key) -> Generator[Effect, Any, Any]:
    check_object(scope, obj, "replace")
    scope = scope.of(obj)
    origin = origin_of(obj)
    if origin is not None and origin.partial:
        raise RonInputError(
            f"this {scope.description.name} came with some of its fields only: a PUT would drop the others; "
            "refresh(obj) reads it whole"
        )
    body = _bodies.replace_body(scope.description, obj, scope.parents)
    path = scope.item(key_of(scope, obj, "replace"))
    return (yield from _written(scope, obj, write_plan(scope, "PUT", path, body, key, origin.etag if origin else None)))


def save(scope: Scope, obj: Any, key: Key) -> Generator[Effect, Any, Any]:
    """POST if the object is new, else PATCH of what changed (or PUT, by ``update_method``), else nothing.

    A new object of a singleton is PUT.
    """
    description = scope.description
    check_object(scope, obj, "save")
    if origin_of(obj) is not None:
        return (yield from _told(scope, obj, save_known(scope, obj, key)))
    if description.singleton:
        return (yield from replace(scope, obj, key))
    description.check_operation("create")
    own = [name for name in description.keys if name in description.server_fields and name in obj.__dict__]
    if own:
        raise RonInputError(
            f"this {description.name} has its {own[0]} already but did not come from this client: saving "
            f"it would create a second one; use replace(obj), or update({own[0]}, ...), or get it first"
        )
    return (yield from _told(scope, obj, _post(scope, obj, key)))


def save_known(scope: Scope, obj: Any, key: Key) -> Generator[Effect, Any, Any]:
    """Sends what changed of an object that came from a node; a conflict says no more than what the node said."""
    description = scope.description
    names = _bodies.changed_fields(description, obj)
    if not names:
        return obj
    description.check_operation("update")
    if description.update_method == "PUT":
        return (yield from _put(scope, obj, key))
    scope = scope.of(obj)
    path = scope.item(key_of(scope, obj, "save"))
    body = _bodies.save_patch_body(description, obj, names)
    origin = origin_of(obj)
    plan = write_plan(scope, "PATCH", path, body, key, origin.etag if origin else None)
    return (yield from _written(scope, obj, plan))


def _told(scope: Scope, obj: Any, write: Generator[Effect, Any, Any]) -> Generator[Effect, Any, Any]:
    """Runs a write of ``obj``, whose conflict says what the object was and what it is now."""
    scope = scope.of(obj)

    def path() -> Optional[bytes]:
        has_key = all(name in obj.__dict__ for name in scope.description.keys)
        return scope.item(key_of(scope, obj, "save")) if has_key else None

    return (yield from told(scope, write, obj, path))


def _written(scope: Scope, obj: Any, plan: Plan) -> Generator[Effect, Any, Any]:
    """Sends a write of ``obj`` and refreshes it."""
    fresh = yield from _result(scope, plan)
    return _bodies.refresh_object(obj, fresh)


def _result(scope: Scope, plan: Plan) -> Generator[Effect, Any, Any]:
    """Sends a write of one object; a node that answers with an empty body is asked for what it is now."""
    answer = yield from perform(scope.session, plan)
    if not answer.reply.body:
        answer = yield from perform(scope.session, Plan("GET", plan.path))
    return _bodies.decode_object(scope.description, scope.session, answer, (yield WALL), scope.parents)


def delete(scope: Scope, key_or_obj: Any, *, missing_ok: bool, idempotency_key: Key) -> Generator[Effect, Any, None]:
    """``DELETE path/{key}``; a 404 on a repeat is success (the flow's rule), any other only with ``missing_ok``."""
    description = scope.description
    description.check_operation("delete")
    if isinstance(key_or_obj, description.cls):
        check_object(scope, key_or_obj, "delete")
        scope = scope.of(key_or_obj)
        key_or_obj = key_of(scope, key_or_obj, "delete")
    plan = write_plan(scope, "DELETE", scope.item(key_or_obj), b"", idempotency_key, None)
    error: Optional[RonNotFoundError] = None
    try:
        yield from perform(scope.session, plan)
    except RonNotFoundError as caught:
        error = caught
    if error is None:
        return
    empty_is_object = description.empty_404 == "missing" and error.status_code == 404
    if not missing_ok or (error.route_missing and not empty_is_object):
        raise error


def refresh(scope: Scope, obj: Any) -> Generator[Effect, Any, Any]:
    """``GET`` again; the object becomes what the node says now, and local changes are gone."""
    check_object(scope, obj, "refresh")
    scope = scope.of(obj)
    fresh = yield from get(scope, key_of(scope, obj, "refresh"))
    return _bodies.refresh_object(obj, fresh)


def write_plan(scope: Scope, method: str, path: bytes, body: bytes, key: Key, etag: Optional[str]) -> Plan:
    """The plan of a write: always with a key, the caller's or a fresh one; repeatable by the rules of design §1."""
    minted = scope.session.new_id() if key is None else checked_key(key, scope.session.new_id)
    headers = _JSON if body else ()
    strong = etag is not None and not etag.startswith("W/")
    if strong and etag is not None:
        headers = (*headers, (b"If-Match", etag.encode("latin-1")))
    return Plan(
        method=method,
        path=path,
        headers=headers,
        body=body,
        key=minted,
        repeatable=method in IDEMPOTENT or strong or key is not None or scope.description.idempotent,
        conditional=strong,
    )


def check_object(scope: Scope, obj: Any, call: str) -> None:
    description = scope.description
    if not isinstance(obj, description.cls):
        raise RonInputError(f"{call} takes a {description.name}, not {type(obj).__name__}")
    origin = origin_of(obj)
    if origin is not None and origin.authority is not scope.session.authority:
        raise RonConfigError(
            f"this {description.name} came through another client: {call} it through that one, or get it through "
            "this one first"
        )


def key_of(scope: Scope, obj: Any, call: str) -> Any:
    """The key of an object, as callers give it.

    Raises:
        RonInputError: if it has none yet, or it was changed.
    """
    description = scope.description
    base = base_of(obj)
    for name in description.keys:
        if name not in obj.__dict__:
            raise RonInputError(f"{call}: this {description.name} has no {name} yet: create it first")
        if base is not None and base.get(name) != obj.__dict__[name]:
            raise RonInputError(
                f"{call}: the key {name!r} of this {description.name} was changed; a key cannot change: create "
                "another one"
            )
    if len(description.keys) == 1:
        return obj.__dict__[description.keys[0]]
    return tuple(obj.__dict__[name] for name in description.keys) or UNSET
