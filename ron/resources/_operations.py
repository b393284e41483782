"""What managers do, as flows: each operation once, for both colours. Nothing here may do I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union

from .._effects import WALL
from .._flow import perform
from .._plan import IDEMPOTENT, Plan, checked_key
from .._suggest import shown
from ..errors import RonConfigError, RonGoneError, RonInputError, RonNotFoundError
from . import _bodies
from ._description import encode_key
from ._origin import base_of, origin_of

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from .._effects import Effect
    from .._session import Session
    from ._description import Description

__all__ = ["Scope", "create", "delete", "get", "get_or_none", "refresh", "replace", "save", "update"]

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
        description = self.description
        segment = encode_key(key, description.key, encoded=description.encoded_keys)
        base = self.collection()
        return base + segment if base.endswith(b"/") else base + b"/" + segment

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
            if str(bound) != str(value):
                raise RonInputError(
                    f"this {description.name} belongs to {name} {shown(value)}, but the call is "
                    f".at({name}={shown(bound)})"
                )
        return self._replace(parents={**self.parents, **own})


def get(scope: Scope, key: Any) -> Generator[Effect, Any, Any]:
    """``GET path/{key}``."""
    scope.description.check_operation("get")
    answer = yield from perform(scope.session, Plan("GET", scope.item(key)))
    return _bodies.decode_object(scope.description, scope.session, answer, (yield WALL))


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
    bound = {name: value for name, value in scope.parents.items() if name in description.fields}
    obj = _bodies.new_object(description, given, {**bound, **fields} if given is None else fields)
    return (yield from _post(scope, obj, key))


def _post(scope: Scope, obj: Any, key: Key) -> Generator[Effect, Any, Any]:
    scope = scope.of(obj)
    plan = _write(scope, "POST", scope.collection(), _bodies.create_body(scope.description, obj), key, None)
    answer = yield from perform(scope.session, plan)
    fresh = _bodies.decode_object(scope.description, scope.session, answer, (yield WALL))
    return _bodies.refresh_object(obj, fresh)


def update(
    scope: Scope, key: Any, patch: Any, changes: Mapping[str, Any], idempotency_key: Key
) -> Generator[Effect, Any, Any]:
    """``PATCH path/{key}`` with only what is given; with ``update_method="PUT"``: read, change, write if unchanged."""
    description = scope.description
    description.check_operation("update")
    path = scope.item(key)
    body = _bodies.patch_body(description, patch, changes)
    if description.update_method == "PUT":
        obj = yield from get(scope, key)
        given = changes if patch is None else {name: getattr(patch, name) for name in patch.model_fields_set}
        _bodies.assign(description, obj, given)
        return (yield from _put(scope, obj, idempotency_key))
    return (yield from _result(scope, _write(scope, "PATCH", path, body, idempotency_key, None)))


def replace(scope: Scope, obj: Any, key: Key) -> Generator[Effect, Any, Any]:
    """``PUT path/{key}`` of the whole object, refreshed in place; with ``If-Match`` where an ETag is known."""
    scope.description.check_operation("replace")
    return (yield from _put(scope, obj, key))


def _put(scope: Scope, obj: Any, key: Key) -> Generator[Effect, Any, Any]:
    _check_object(scope, obj, "replace")
    scope = scope.of(obj)
    origin = origin_of(obj)
    body = _bodies.replace_body(scope.description, obj)
    path = scope.item(_key_of(scope, obj, "replace"))
    return (yield from _written(scope, obj, _write(scope, "PUT", path, body, key, origin.etag if origin else None)))


def save(scope: Scope, obj: Any, key: Key) -> Generator[Effect, Any, Any]:
    """POST if the object is new, else PATCH of what changed (or PUT, by ``update_method``), else nothing."""
    description = scope.description
    origin = origin_of(obj) if isinstance(obj, description.cls) else None
    _check_object(scope, obj, "save")
    if origin is None:
        description.check_operation("create")
        if description.key in description.server_fields and description.key in obj.__dict__:
            raise RonInputError(
                f"this {description.name} has its {description.key} already but did not come from this client: saving "
                f"it would create a second one; use replace(obj), or update({description.key}, ...), or get it first"
            )
        return (yield from _post(scope, obj, key))
    names = _bodies.changed_fields(description, obj)
    if not names:
        return obj
    description.check_operation("update")
    if description.update_method == "PUT":
        return (yield from _put(scope, obj, key))
    scope = scope.of(obj)
    path = scope.item(_key_of(scope, obj, "save"))
    body = _bodies.save_patch_body(description, obj, names)
    return (yield from _written(scope, obj, _write(scope, "PATCH", path, body, key, origin.etag)))


def _written(scope: Scope, obj: Any, plan: Plan) -> Generator[Effect, Any, Any]:
    """Sends a write of ``obj`` and refreshes it."""
    fresh = yield from _result(scope, plan)
    return _bodies.refresh_object(obj, fresh)


def _result(scope: Scope, plan: Plan) -> Generator[Effect, Any, Any]:
    """Sends a write of one object; a node that answers with an empty body is asked for what it is now."""
    answer = yield from perform(scope.session, plan)
    if not answer.reply.body:
        answer = yield from perform(scope.session, Plan("GET", plan.path))
    return _bodies.decode_object(scope.description, scope.session, answer, (yield WALL))


def delete(scope: Scope, key_or_obj: Any, *, missing_ok: bool, idempotency_key: Key) -> Generator[Effect, Any, None]:
    """``DELETE path/{key}``; a 404 on a repeat is success (the flow's rule), any other only with ``missing_ok``."""
    description = scope.description
    description.check_operation("delete")
    if isinstance(key_or_obj, description.cls):
        _check_object(scope, key_or_obj, "delete")
        scope = scope.of(key_or_obj)
        key_or_obj = _key_of(scope, key_or_obj, "delete")
    plan = _write(scope, "DELETE", scope.item(key_or_obj), b"", idempotency_key, None)
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
    _check_object(scope, obj, "refresh")
    scope = scope.of(obj)
    fresh = yield from get(scope, _key_of(scope, obj, "refresh"))
    return _bodies.refresh_object(obj, fresh)


def _write(scope: Scope, method: str, path: bytes, body: bytes, key: Key, etag: Optional[str]) -> Plan:
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


def _check_object(scope: Scope, obj: Any, call: str) -> None:
    description = scope.description
    if not isinstance(obj, description.cls):
        raise RonInputError(f"{call} takes a {description.name}, not {type(obj).__name__}")
    origin = origin_of(obj)
    if origin is not None and origin.authority is not scope.session.authority:
        raise RonConfigError(
            f"this {description.name} came through another client: {call} it through that one, or get it through "
            "this one first"
        )


def _key_of(scope: Scope, obj: Any, call: str) -> Any:
    name = scope.description.key
    if name not in obj.__dict__:
        raise RonInputError(f"{call}: this {scope.description.name} has no {name} yet: create it first")
    base = base_of(obj)
    if base is not None and base.get(name) != obj.__dict__[name]:
        raise RonInputError(
            f"{call}: the key {name!r} of this {scope.description.name} was changed; a key cannot change: create "
            "another one"
        )
    return obj.__dict__[name]
