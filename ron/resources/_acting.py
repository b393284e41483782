"""``act``: the flow of a declared action. Nothing here may do I/O."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Optional, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from .._decode import decode_typed, describe_errors
from .._effects import WALL
from .._flow import perform
from .._plan import SAFE, Plan, encode_json, encode_query
from .._suggest import did_you_mean, shown
from .._values import UNSET
from ..errors import RonConfigError, RonInputError
from . import _bodies
from ._actions import AnyAction, result_is_resource
from ._description import description_of
from ._operations import check_object, key_of, write_plan
from ._origin import Origin
from ._parents import parent_values

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from typing import Union

    from .._effects import Effect
    from ._description import Description
    from ._operations import Scope

__all__ = ["act", "type_adapter"]


def act(
    scope: Scope,
    action: Any,
    target: Any,
    body: Any,
    idempotency_key: Union[str, bool, None],
    query: Optional[Mapping[str, Any]] = None,
) -> Generator[Effect, Any, Any]:
    """Sends an action; the result is what it declares. An object that was given is refreshed where it comes back.

    Raises:
        RonConfigError: for what is no action of this resource, or an object that came through another client.
        RonInputError: for a body that is not what the action declares, or one argument too many or too few.
    """
    description = scope.description
    action = _checked(description, action)
    obj, path = None, b""
    if action.on_collection:
        target, body = UNSET, _only(action, target, body)
        path = scope.collection()
    else:
        if target is UNSET:
            raise RonInputError(f"{_name(action)} is about one {description.name}: give the object or its key")
        if isinstance(target, description.cls):
            check_object(scope, target, "act on")
            obj, scope = target, scope.of(target)
            target = key_of(scope, obj, action.name)
        path = scope.item(target)
    path = path.rstrip(b"/") + action.tail.encode("ascii")
    content = _body(action, body)
    if action.method in SAFE:
        if idempotency_key is not None:
            raise RonInputError(f"{_name(action)} is a {action.method}, which needs no idempotency_key: leave it out")
        plan = Plan(action.method, path)
    else:
        plan = write_plan(scope, action.method, path, content, idempotency_key, None)
    answer = yield from perform(scope.session, plan._replace(query=encode_query(query)))
    return _result(scope, action, obj, answer, (yield WALL))


def _name(action: AnyAction) -> str:
    return f"{action.owner.__name__}.{action.name}"


def _checked(description: Description, action: Any) -> AnyAction:
    if not isinstance(action, AnyAction):
        near = did_you_mean(action, description.actions) if isinstance(action, str) else ""
        raise RonConfigError(
            f"act takes an action that {description.name} declares, such as {description.name}."
            f"{next(iter(description.actions), 'archive')}, not {shown(action)}{near}"
        )
    if action.owner is not description.cls:
        raise RonConfigError(f"{_name(action)} is no action of {description.name}")
    return action


def _only(action: AnyAction, target: Any, body: Any) -> Any:
    """The body of an action on the collection, which is its only argument."""
    if body is not UNSET:
        raise RonInputError(f"{_name(action)} is about the whole collection: it takes no object and no key")
    return target


def _body(action: AnyAction, body: Any) -> bytes:
    if action.body is None:
        if body is not UNSET:
            raise RonInputError(f"{_name(action)} has no body: leave {type(body).__name__} out")
        return b""
    kind = getattr(action.body, "__name__", str(action.body))
    if body is UNSET:
        raise RonInputError(f"{_name(action)} needs a body: give a {kind}")
    adapter = type_adapter(action, "body")
    problem = ""
    try:
        checked = adapter.validate_python(body)
        exclude: Any = _bodies.unset_nones(checked) or None
        value = adapter.dump_python(checked, mode="json", by_alias=True, exclude=exclude, warnings="error")
        return encode_json(value)
    except ValidationError as error:
        problem = f"{kind}: {describe_errors(error, quote=True)}"
    except RonInputError as error:
        problem = error.message.replace("json= ", "", 1)
    except PydanticSerializationError:
        problem = f"this {kind} cannot be written as JSON"
    raise RonInputError(f"the body of {_name(action)}: {problem}")


@lru_cache(maxsize=1024)
def type_adapter(action: AnyAction, what: str) -> TypeAdapter[Any]:
    """What reads and writes an action's ``body`` or ``result``, built when it is first needed.

    Raises:
        RonConfigError: for a type that names what is not defined.
    """
    problem = ""
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(getattr(action, what))
        if not adapter.pydantic_complete:
            adapter.rebuild(raise_errors=True)
        return adapter
    except Exception as error:  # noqa: BLE001 - pydantic has several errors for a name that is not defined
        problem = str(error).splitlines()[0]
    raise RonConfigError(f"{_name(action)}: {what} names a type that is not defined yet: {problem}")


def _result(scope: Scope, action: AnyAction, obj: Any, answer: Any, wall: float) -> Any:
    if action.result is None:
        return None
    resource = result_is_resource(action)
    if resource is None:
        kind = getattr(action.result, "__name__", str(action.result))
        return _attached(scope, action, decode_typed(answer, type_adapter(action, "result"), kind), answer, wall)
    description = description_of(resource)
    parents = _parents(scope, description)
    fresh = _bodies.decode_object(description, scope.session, answer, wall, parents)
    return _bodies.refresh_object(obj, fresh) if action.result == "self" and obj is not None else fresh


def _parents(scope: Scope, description: Description) -> dict[str, Any]:
    return {name: value for name, value in scope.parents.items() if name in description.parents}


def _attached(scope: Scope, action: AnyAction, value: Any, answer: Any, wall: float) -> Any:
    """A list of a resource's objects is of this client, like one that was listed; anything else is as it was read."""
    one = get_args(action.result)[0] if get_origin(action.result) is list else None
    if isinstance(one, type) and getattr(one, "__ron__", None) is not None:
        description = description_of(one)
        origin = Origin(answer, scope.session.authority, wall, listed=True)
        values = parent_values(description, _parents(scope, description))
        for obj in value:
            _bodies.attach(description, obj, origin, values)
    return value
