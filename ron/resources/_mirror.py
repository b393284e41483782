"""What a mirror holds, and how a change alters it: objects by key, and the keys by index. Nothing here may do I/O."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Optional, TypeVar, Union, overload

from pydantic import TypeAdapter, ValidationError

from .._decode import describe_errors
from .._suggest import did_you_mean, listed, shown
from ..errors import RonConfigError, RonError, RonInputError, RonWatchError
from ._bodies import attach
from ._changes import Deleted, Put, Resync
from ._fields import annotated
from ._origin import origin_of
from ._watch_options import MAX_TRACKED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from .._drive import Ports
    from ._description import Description

    IndexNames = Union["Sequence[Union[str, Index[Any, Any]]]", None]

__all__ = ["Index", "MirrorView", "Mirrored"]

R = TypeVar("R")
V = TypeVar("V", bound=Hashable)


class Index(Generic[R, V]):
    """A secondary index of a mirror: what objects are looked up by beside their key.

    ::

        by_city = Index(lambda person: person.address.city)

        async with people.mirror(index=[by_city, "status"]) as mirror:
            mirror.by(by_city, "Ulm"), mirror.by("status", "open")

    Args:
        value: a function of the object; what it returns must be hashable. It runs once for every change.
    """

    def __init__(self, value: Callable[[R], V]) -> None:
        if not callable(value):
            raise RonConfigError(f"Index takes a function of the object, such as lambda item: ..., not {shown(value)}")
        self.value = value


class _Keys(NamedTuple):
    """One index: how an object's value is found, the keys by value (a dict for its order), and the values by key."""

    value: Callable[[Any], Hashable]
    keys: dict[Hashable, dict[str, None]]
    values: dict[str, Hashable]


class Mirrored:
    """Objects by key, kept right by changes.

    Attributes:
        objects: the objects; they are never handed out, only copies of them.
        synced: whether everything was listed at least once.
        version: how many changes were applied.
    """

    def __init__(self, description: Description, index: Any, most: int = MAX_TRACKED) -> None:
        self.description = description
        self._most = most
        self.objects: dict[str, Any] = {}
        self.synced = False
        self.version = 0
        self._indexes: dict[Any, _Keys] = {}
        if isinstance(index, (str, Index)):
            raise RonConfigError(f"index is a list: write index=[{index!r}]" if isinstance(index, str) else _NO_LIST)
        for one in index or ():
            self._indexes[one] = _Keys(_value_function(description, one), {}, {})

    def apply(self, change: Any) -> None:
        """Takes one change over. Raises ``RonWatchError`` where that were more objects than may be held."""
        if type(change) is Put:
            if len(self.objects) >= self._most and change.key not in self.objects:
                raise RonWatchError(
                    f"there are more than max_tracked={self._most} objects of {self.description.name}: narrow the "
                    "filters, or give a larger max_tracked="
                )
            self._drop(change.key)
            self.objects[change.key] = change.item
            for one in self._indexes.values():
                value = one.values[change.key] = one.value(change.item)
                one.keys.setdefault(value, {})[change.key] = None
        elif type(change) is Deleted:
            self._drop(change.key)
        elif type(change) is Resync:
            for key in [key for key in self.objects if key not in change.keys]:
                self._drop(key)
            self.synced = True
        else:
            return
        self.version += 1

    def _drop(self, key: str) -> None:
        if self.objects.pop(key, None) is None:
            return
        for one in self._indexes.values():
            value = one.values.pop(key)
            del one.keys[value][key]
            if not one.keys[value]:
                del one.keys[value]

    def keys_by(self, index: Any, value: Any) -> list[str]:
        """The keys of the objects with that value. Raises ``RonConfigError`` and ``RonInputError`` for wrong ones."""
        if index not in self._indexes:
            names = [one for one in self._indexes if isinstance(one, str)]
            meant = did_you_mean(index, names) if isinstance(index, str) else ""
            raise RonConfigError(
                f"this mirror has no index {shown(index)}{meant}: it was made with index={list(self._indexes)!r}"
            )
        if isinstance(index, str):
            value = _checked(self.description, index, value)
        if not isinstance(value, Hashable):
            raise RonInputError(f"a value of an index is hashable, not {type(value).__name__}")
        return list(self._indexes[index].keys.get(value, ()))

    def copy_of(self, item: Any) -> Any:
        """A copy that may be changed and saved: it knows where it came from."""
        other = item.model_copy()
        for name in self.description.mutable_fields:
            if name in other.__dict__:
                other.__dict__[name] = copy.deepcopy(other.__dict__[name])
        origin = origin_of(item)
        assert origin is not None
        attach(self.description, other, origin)
        return other


_NO_LIST = "index is a list: write index=[...]"


def _value_function(description: Description, index: Any) -> Callable[[Any], Hashable]:
    if isinstance(index, Index):
        function: Callable[[Any], Hashable] = index.value
        return function
    if not isinstance(index, str) or index not in description.fields:
        meant = did_you_mean(index, description.fields) if isinstance(index, str) else ""
        raise RonConfigError(
            f"an index of {description.name} is a field's name or an Index, not {shown(index)}{meant}; its fields are "
            f"{listed(description.fields)}"
        )
    if index in description.mutable_fields:
        raise RonConfigError(
            f"{description.name}.{index} cannot be an index, because its values can change unseen: write "
            f"Index(lambda item: ...) with what is to be looked up"
        )
    return lambda item: getattr(item, index)


@lru_cache(maxsize=1024)
def _adapter(description: Description, name: str) -> TypeAdapter[Any]:
    info = description.cls.model_fields[name]
    return TypeAdapter(annotated(info.annotation, info.metadata))


def _checked(description: Description, name: str, value: Any) -> Any:
    """A value that the field can have: looking up another one would find nothing, for ever."""
    problem = ""
    try:
        return _adapter(description, name).validate_python(value)
    except ValidationError as error:
        problem = describe_errors(error, quote=True)
    raise RonInputError(f"index {name!r} of {description.name}: {problem}")


class MirrorView(Mapping[str, R]):
    """What both mirrors are: a read-only mapping of keys to objects; no I/O.

    What it gives are copies: change and save them as you like.
    """

    _mirrored: Mirrored
    _watch: Any  # a watch of the mirror's colour
    _ports: Ports
    _ended: Optional[str] = None
    _error: Optional[Exception] = None

    @property
    @abstractmethod
    def _guard(self) -> AbstractContextManager[Any]:
        """What is held while something is read. Raises ``RonWatchError`` in a process that was forked since."""

    def __getitem__(self, key: str) -> R:
        with self._guard:
            self._check_readable()
            copied: R = self._mirrored.copy_of(self._mirrored.objects[key])
        return copied

    def __iter__(self) -> Iterator[str]:
        with self._guard:
            self._check_readable()
            return iter(list(self._mirrored.objects))

    def __len__(self) -> int:
        with self._guard:
            self._check_readable()
            return len(self._mirrored.objects)

    def __contains__(self, key: object) -> bool:
        with self._guard:
            self._check_readable()
            return key in self._mirrored.objects

    @overload
    def by(self, index: Index[R, V], value: V) -> list[R]: ...
    @overload
    def by(self, index: str, value: Any) -> list[R]: ...
    def by(self, index: Union[str, Index[R, Any]], value: Any) -> list[R]:
        """The objects whose indexed field (or function of them) has that value, those that came first first.

        Raises:
            RonConfigError: the mirror was made without that index.
            RonInputError: the value is none that the field can have.
            RonWatchError: as every reading.
        """
        with self._guard:
            self._check_readable()
            mirrored = self._mirrored
            return [mirrored.copy_of(mirrored.objects[key]) for key in mirrored.keys_by(index, value)]

    @property
    def version(self) -> int:
        """How many changes were applied so far."""
        return self._mirrored.version

    @property
    def status(self) -> str:
        """The watch's: ``live`` or ``polling`` while it follows, ``lost`` while the node can't be reached."""
        status: str = self._watch.status
        return status

    @property
    def age(self) -> Optional[float]:
        """Seconds since the node last gave a sign of life (a change, a heartbeat, a list); None before the first."""
        heard = self._watch._position.heard
        return None if heard is None else max(0.0, self._ports.clock.monotonic() - heard)

    def _check_process(self, ours: bool) -> None:
        if not ours:
            name = self._mirrored.description.name
            raise RonWatchError(
                f"this mirror of {name} follows no more: nothing follows it in a forked process; make one there",
                cursor=self._watch.cursor,
            )

    def _check_readable(self) -> None:
        name = self._mirrored.description.name
        if isinstance(self._error, RonError):
            cursor = self._watch.cursor
            raise RonWatchError(f"this mirror of {name} follows no more: {self._error.message}", cursor=cursor)
        if self._error is not None:
            raise RonConfigError(f"this mirror of {name} follows no more: an index raised an error") from self._error
        if self._ended is not None:
            raise RonWatchError(f"this mirror of {name} follows no more: {self._ended}", cursor=self._watch.cursor)
        if self._ports.closed:
            raise RonWatchError(
                f"this mirror of {name} follows no more: its client is closed", cursor=self._watch.cursor
            )
        if not self._mirrored.synced:
            raise RonConfigError(f"this mirror of {name} is not filled yet: wait for synced() first")

    def __repr__(self) -> str:
        held = len(self._mirrored.objects)
        return f"<{type(self).__name__} of {self._mirrored.description.name}: {held} objects, {self.status}>"
