"""The one frozen description that a resource class carries. Nothing else inspects the class; nothing here does I/O."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from pydantic import ValidationError

from .._plan import encode_path
from .._suggest import did_you_mean, listed, shown
from .._values import UNSET
from ..errors import RonConfigError, RonInputError
from ._keys import encode_key, joined_text, key_text, split_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._session import Session
    from ..facets import Facet
    from ._actions import AnyAction
    from ._fields import ParentField
    from ._page_shape import Pages

__all__ = [
    "OPERATIONS",
    "SINGLETON_OPERATIONS",
    "Description",
    "Selection",
    "description_of",
    "encode_key",
    "parameters_of",
]

#: what a manager can do, in the order of documentation; ``save``, ``modify`` and ``refresh`` are made of these
OPERATIONS = ("get", "list", "create", "update", "replace", "delete", "watch")
#: what can be done with the one object of a singleton; it is deleted only where the declaration says so
SINGLETON_OPERATIONS = ("get", "update", "replace", "delete", "watch")
_PARAMETER = re.compile(r"\{([^{}/]*)\}")


class Selection(NamedTuple):
    """Declared names of fields, and the query parameter that carries a choice of them."""

    names: tuple[str, ...]
    param: str


@dataclass(frozen=True, eq=False)
class Description:
    """What a resource class declares (design §1).

    Attributes:
        cls: the class.
        name: its name, for messages.
        path: as declared: below the facet if there is one, else the whole app-plane path; ``{name}`` are parameters.
        facet: the facet it belongs to, or None.
        key: the name of the key field; of a composite key the names, as messages write them; "" for a singleton.
        keys: the names of the key's fields, in the order of the path; none for a singleton.
        singleton: the path is that of one object, which has no key.
        parameters: names of the path's parameters, in order.
        server_fields: fields that the node assigns.
        fields: all declared fields: Python name → wire name.
        filters: declared filters beyond the fields: name → type; empty if none are declared.
        operations: which of ``OPERATIONS`` the resource has.
        watch: the stream's path, absolute like ``path``.
        update_method: ``PATCH`` or ``PUT``.
        encoded_keys: keys may hold characters that gateways would decode.
        empty_404: ``route`` (an empty 404 means that the route is missing) or ``missing`` (it means the object).
        idempotent: the service honours ``Idempotency-Key``.
        mutable_fields: fields of the caller's whose values can change without being assigned.
        parents: the ``parent()`` fields: name → mark; server fields too.
        pages: the shape of its pages.
        order_by: what ``list`` can be ordered by; None if nothing was declared.
        selection: the fields that can be asked for one by one; None if nothing was declared.
        actions: its actions by name.
        verbs: what its actions append to a key's own segment, such as ``:archive``.
    """

    cls: type[Any]
    name: str
    path: str
    facet: Optional[type[Facet]]
    key: str
    keys: tuple[str, ...]
    singleton: bool
    parameters: tuple[str, ...]
    server_fields: frozenset[str]
    fields: Mapping[str, str]
    filters: Mapping[str, Any]
    operations: frozenset[str]
    watch: str
    update_method: str
    encoded_keys: bool
    empty_404: str
    idempotent: bool
    mutable_fields: frozenset[str]
    parents: Mapping[str, ParentField]
    pages: Pages
    order_by: Optional[Selection]
    selection: Optional[Selection]
    actions: Mapping[str, AnyAction]
    verbs: tuple[str, ...]

    def target(self, session: Session, parents: Mapping[str, Any], path: Optional[str] = None) -> bytes:
        """The collection's percent-encoded path below the client's base path (or another path of this resource)."""
        template = self.path if path is None else path
        if self.facet is not None:
            template = f"{session.facet_prefix}/{self.facet.__facet__.id}{template}"
        if not self.parameters:
            return _encoded(template)
        missing = [name for name in self.parameters if name not in parents]
        if missing:
            raise RonConfigError(f"{self.name} lives below {missing[0]!r}: write .at({missing[0]}=...) before the call")
        segments = template.split("/")
        return b"/".join(self._segment(segment, parents) for segment in segments)

    def _segment(self, segment: str, parents: Mapping[str, Any]) -> bytes:
        match = _PARAMETER.fullmatch(segment)
        if match is None:
            return encode_path(f"/{segment}")[1:] if segment else b""
        return encode_key(parents[match.group(1)], match.group(1), encoded=self.encoded_keys)

    def key_text(self, values: Mapping[str, Any]) -> str:
        """The key of an object as one string, from its values by field name: what a change says as its ``key``.

        Of a composite key each part is percent-encoded, and ``/`` stands between them; a singleton's is ``""``.
        """
        if len(self.keys) == 1:
            return key_text(values[self.keys[0]])
        return joined_text(key_text(values[name]) for name in self.keys)

    def wire_key_text(self, data: Mapping[str, Any]) -> Optional[str]:
        """``key_text`` of a JSON object, by wire names; None where a part is missing, or neither string nor integer."""
        parts = [data.get(self.fields[name]) for name in self.keys]
        if any(isinstance(part, bool) or not isinstance(part, (str, int)) for part in parts):
            return None
        return self._text_of_parts(parts)

    def text_of(self, key: Any) -> str:
        """``key_text`` of a key as callers or nodes give it.

        Raises:
            RonInputError: for one that has not the right parts.
        """
        return self._text_of_parts(self.key_parts(key))

    def _text_of_parts(self, parts: Sequence[Any]) -> str:
        """A key of parts as they were given: as their types write them, since ``A0EE…`` and ``a0ee…`` are one UUID."""
        from ._filters import adapter_of  # loads what declaring can do without

        texts = []
        for name, part in zip(self.keys, parts):
            value = part
            with contextlib.suppress(ValidationError):  # what has not its type is compared as it is
                value = adapter_of(self, name).validate_python(part)
            texts.append(key_text(value))
        return texts[0] if len(texts) == 1 else joined_text(texts)

    def key_parts(self, key: Any) -> tuple[Any, ...]:
        """A key as callers give it, part by part: of a composite key a tuple, or its text.

        Raises:
            RonInputError: where it has not the parts that the resource has, or is not given.
        """
        if self.singleton:
            if key is not UNSET:
                raise RonInputError(f"{self.name} is a singleton: there is one, without a key: leave {shown(key)} out")
            return ()
        if key is UNSET:
            raise RonInputError(f"which {self.name}? Give its key, the field {self.key}")
        if len(self.keys) == 1:
            return (key,)
        parts = split_text(key) if isinstance(key, str) else key
        if not isinstance(parts, (tuple, list)) or len(parts) != len(self.keys):
            raise RonInputError(
                f"a {self.name} has the key ({self.key}): give a tuple of {len(self.keys)} parts in that order, not "
                f"{shown(key)}"
            )
        return tuple(parts)

    def segments(self, key: Any) -> bytes:
        """A key as callers give it, as encoded path segments; empty for a singleton.

        Raises:
            RonInputError: for a key that no path can carry, or that a path would take for an action's.
        """
        if len(self.keys) == 1 and not self.verbs and key is not UNSET:
            return encode_key(key, self.key, encoded=self.encoded_keys)
        parts = self.key_parts(key)
        if self.verbs and not self.encoded_keys and key_text(parts[-1]).endswith(self.verbs):
            raise RonInputError(
                f"{self.keys[-1]} {shown(parts[-1])} ends like the path of an action ({listed(self.verbs)}), which "
                "gateways could take it for"
            )
        if len(parts) == 1:
            return encode_key(parts[0], self.key, encoded=self.encoded_keys)
        return b"/".join(encode_key(part, name, encoded=self.encoded_keys) for part, name in zip(parts, self.keys))

    def check_operation(self, operation: str) -> None:
        """Raises ``RonConfigError`` for an operation that the resource does not have."""
        if operation not in self.operations:
            if self.singleton and operation not in SINGLETON_OPERATIONS:
                raise RonConfigError(
                    f"{self.name} is a singleton: it has no {operation!r}, only get, save and the like"
                )
            raise RonConfigError(
                f"{self.name} does not allow {operation!r}: it was declared with operations={listed(self.operations)}"
            )

    def unknown_field(self, name: str) -> str:
        """The sentence for a field that is not declared."""
        return f"{self.name} has no field {shown(name)}{did_you_mean(name, self.fields)}; its fields are " + listed(
            self.fields
        )


@lru_cache(maxsize=1024)
def _encoded(template: str) -> bytes:
    """A path without parameters, encoded once: templates are declared, so there are few."""
    return encode_path(template)


def parameters_of(path: str) -> tuple[str, ...]:
    """The names in braces, in order. Raises ``RonConfigError`` for braces that are no whole segment."""
    names = []
    for segment in path.split("/"):
        match = _PARAMETER.fullmatch(segment)
        if match is not None and match.group(1).isidentifier():
            names.append(match.group(1))
        elif "{" in segment or "}" in segment:
            raise RonConfigError(
                f"path {shown(path)}: a parameter is a whole segment with a field's name, such as /{{project_id}}/"
            )
    return tuple(names)


def description_of(cls: Any) -> Description:
    """The description of a resource class that has a path.

    Raises:
        RonConfigError: for anything else.
    """
    description: Optional[Description] = getattr(cls, "__ron__", None) if isinstance(cls, type) else None
    if description is None:
        name = getattr(cls, "__name__", repr(cls))
        raise RonConfigError(
            f"{name} has no path: declare it as `class {name}(Resource, path='/app/...')`"
            if isinstance(cls, type) and hasattr(cls, "__ron_server__")
            else f"{name} is no Resource class: give the class itself, such as Item"
        )
    if not cls.__pydantic_complete__ and not cls.model_rebuild(raise_errors=False):
        raise RonConfigError(
            f"{description.name} names a type that is not defined yet: define it, then call "
            f"{description.name}.model_rebuild()"
        )
    return description
