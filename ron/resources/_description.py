"""The one frozen description that a resource class carries. Nothing else inspects the class; nothing here does I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Optional
from urllib.parse import quote

from .._plan import encode_path
from .._suggest import did_you_mean, listed, shown
from ..errors import RonConfigError, RonInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._session import Session
    from ..facets import Facet

__all__ = ["OPERATIONS", "Description", "description_of", "encode_key", "parameters_of"]

#: what a manager can do, in the order of documentation; ``save`` and ``refresh`` are made of these
OPERATIONS = ("get", "list", "create", "update", "replace", "delete", "watch")
_PARAMETER = re.compile(r"\{([^{}/]*)\}")
_REFUSED_IN_KEYS = re.compile(r"[/\\?#%]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, eq=False)
class Description:
    """What a resource class declares (design §1).

    Attributes:
        cls: the class.
        name: its name, for messages.
        path: as declared: below the facet if there is one, else the whole app-plane path; ``{name}`` are parameters.
        facet: the facet it belongs to, or None.
        key: the name of the key field.
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
    """

    cls: type[Any]
    name: str
    path: str
    facet: Optional[type[Facet]]
    key: str
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

    def check_operation(self, operation: str) -> None:
        """Raises ``RonConfigError`` for an operation that the resource does not have."""
        if operation not in self.operations:
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


def encode_key(key: Any, name: str, *, encoded: bool) -> bytes:
    """A key as exactly one encoded path segment (design §3 "Secrets", protocol.md "Headers, limits, paths").

    Raises:
        RonInputError: for keys that are no str, int or UUID, or that a gateway would turn into something else.
    """
    if isinstance(key, bool) or not (isinstance(key, (str, int)) or type(key).__name__ == "UUID"):
        raise RonInputError(f"{name} must be a str, an int or a UUID, not {type(key).__name__}")
    text = _key_text(key)
    if text in ("", ".", ".."):
        raise RonInputError(f"{name} cannot be {text!r}: it would name another path")
    if len(text) > 2000 or _CONTROL.search(text):
        raise RonInputError(f"{name} holds a control character or more than 2000 characters: {shown(text)}")
    bad = _REFUSED_IN_KEYS.search(text)
    if bad and not encoded:
        raise RonInputError(
            f"{name} {shown(text)} holds {bad.group()!r}, which gateways decode and paste into another path; if "
            "this node "
            "keeps the encoding, declare the resource with encoded_keys=True"
        )
    try:
        return quote(text, safe="-._~").encode("ascii")
    except UnicodeError:
        pass
    raise RonInputError(f"{name} holds a lone surrogate, which no path can carry")


def _key_text(key: Any) -> str:
    """The value itself also where its class, such as an enum of strings, prints something else."""
    if isinstance(key, str):
        return str.__str__(key)
    return int.__repr__(key) if isinstance(key, int) else str(key)


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
