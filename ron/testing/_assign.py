"""What a node assigns: keys, times, and whatever else is declared as ``server()``. No I/O here."""

from __future__ import annotations

import enum
import re
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Optional, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json
from typing_extensions import Literal

from ..errors import RonConfigError
from ._fields import adapters_of, names_of, to_value
from ._hooks import call_hook

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._clock import Clock
    from ..resources._description import Description

__all__ = ["Assigner"]

TOUCHED = "updated_at"
_SIMPLE: tuple[Any, ...] = (None, False, 0, 1, 0.0, [], {})


class Assigner:
    """Makes the server fields of one resource. ``number`` counts its objects from 1.

    Raises:
        RonConfigError: when made, for a field that it has no value for; says what to write.
    """

    def __init__(
        self,
        description: Description,
        clock: Clock,
        hook: Optional[Callable[[dict[str, Any]], Mapping[str, Any]]],
    ) -> None:
        self._description = description
        self._clock = clock
        self._hook = hook
        self._adapters = adapters_of(description)
        self._makers: dict[str, Callable[[int], Any]] = {}
        for name in sorted(description.server_fields - set(description.parameters)):
            maker = self._maker(name)
            if maker is not None:
                self._makers[name] = maker
            elif hook is None:
                raise _no_value(description, name)

    def created(self, fields: dict[str, Any], number: int) -> dict[str, Any]:
        """The node's fields of a new object that holds ``fields``, by wire name."""
        description = self._description
        own = {} if self._hook is None else self._from_hook(self._hook, dict(fields))
        for name in description.server_fields - set(description.parameters):
            wire = description.fields[name]
            if wire in own:
                continue
            maker = self._makers.get(name)
            if maker is None:
                raise _no_value(description, name)
            own[wire] = maker(number)
        return own

    def touched(self) -> dict[str, Any]:
        """The fields that change with every write."""
        description = self._description
        if TOUCHED not in description.server_fields or not self._is_time(TOUCHED):
            return {}
        return {description.fields[TOUCHED]: self._now(TOUCHED)}

    def _maker(self, name: str) -> Optional[Callable[[int], Any]]:
        info = self._description.cls.model_fields[name]
        adapter = self._adapters[name]
        if name in self._description.keys:
            return self._key_maker(adapter)
        if not info.is_required():
            return lambda _: to_value(adapter, info.get_default(call_default_factory=True))
        if self._is_time(name):
            return lambda _: self._now(name)
        choices = (*_choices(info.annotation), *_SIMPLE)
        for value in choices:
            if _fits(adapter, value):
                wire = _as_sent(adapter, value)
                return lambda _: wire
        if _fits(adapter, f"{name}-1"):
            return lambda number: f"{name}-{number}"
        return None

    def _key_maker(self, adapter: TypeAdapter[Any]) -> Optional[Callable[[int], Any]]:
        letter = _letter(self._description.path)
        if _fits(adapter, f"{letter}-1"):
            return lambda number: f"{letter}-{number}"
        if _fits(adapter, 1):
            return lambda number: _as_sent(adapter, number)
        if _fits(adapter, str(uuid.UUID(int=0, version=4))):
            return lambda _: str(uuid.UUID(hex=self._clock.token_hex(), version=4))
        return None

    def _is_time(self, name: str) -> bool:
        try:
            made = self._adapters[name].validate_python(datetime.now(timezone.utc), strict=True)
        except ValidationError:
            return False
        return isinstance(made, datetime) and self._description.cls.model_fields[name].annotation not in (Any, object)

    def _now(self, name: str) -> Any:
        """The clock's time to the millisecond, in whole units where nodes send a number."""
        millis = int(self._clock.time() * 1000)
        moment = datetime.fromtimestamp(millis / 1000, tz=timezone.utc)
        value = to_value(self._adapters[name], moment)
        return int(value) if isinstance(value, float) else value

    def _from_hook(self, hook: Any, fields: dict[str, Any]) -> dict[str, Any]:
        description = self._description
        where = f"the assign function of {description.name} given to MemoryNode"
        given = call_hook(where, hook, fields)
        if not isinstance(given, Mapping):
            raise RonConfigError(f"{where} must return a mapping of field names to values")
        own: dict[str, Any] = {}
        for given_name, value in given.items():
            name = names_of(description).get(given_name, given_name)
            if name not in description.server_fields:
                raise RonConfigError(
                    f"MemoryNode(assign={{{description.name}: ...}}) gave {given_name!r}, which is "
                    f"no server() field of {description.name}"
                )
            adapter = self._adapters[name]
            reason = ""
            try:
                own[description.fields[name]] = to_value(adapter, adapter.validate_python(value))
            except ValidationError as error:
                reason = error.errors(include_input=False, include_url=False)[0]["msg"]
            if reason:
                raise RonConfigError(
                    f"MemoryNode(assign={{{description.name}: ...}}) gave a wrong value for {given_name!r}: {reason}"
                )
        return own


def _fits(adapter: TypeAdapter[Any], value: Any) -> bool:
    try:
        adapter.validate_json(to_json(value), strict=True)
    except ValidationError:
        return False
    return True


def _as_sent(adapter: TypeAdapter[Any], value: Any) -> Any:
    return to_value(adapter, adapter.validate_json(to_json(value)))


def _choices(annotation: Any) -> tuple[Any, ...]:
    """The values of an enumeration or ``Literal``."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return tuple(member.value for member in annotation)
    return ()


def _letter(path: str) -> str:
    """What text keys begin with: the first letter of the path's last fixed segment."""
    fixed = [part for part in path.split("/") if part and not part.startswith("{")]
    found = re.search(r"[A-Za-z]", fixed[-1]) if fixed else None
    return found.group().lower() if found else "o"


def _no_value(description: Description, name: str) -> RonConfigError:
    return RonConfigError(
        f"MemoryNode has no value to assign to {description.name}.{name}: write "
        f"MemoryNode({description.name}, assign={{{description.name}: lambda fields: "
        f"{{{name!r}: ...}}}})"
    )
