"""``server()`` and ``parent()``: the marks of fields that no caller sets. Nothing here may do I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

from pydantic import Field
from pydantic_core import PydanticUndefined

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ParentField", "ServerField", "annotated", "parent", "server"]


class ServerField:
    """What ``server()`` leaves in the class body, until the class is made."""

    __slots__ = ("default", "options")

    def __init__(self, default: Any, options: dict[str, Any]) -> None:
        self.default = default
        self.options = options

    def field(self) -> Any:
        """The pydantic field that decoding uses: required in answers unless it has a default."""
        if self.default is PydanticUndefined:
            return Field(**self.options)
        return Field(default=self.default, **self.options)


class ParentField(ServerField):
    """What ``parent()`` leaves in the class body; the class's description keeps it."""

    __slots__ = ("resource", "sent")

    def __init__(self, resource: Any, sent: Any, options: dict[str, Any]) -> None:
        super().__init__(None, options)  # an answer may leave it out: the path says it already
        self.resource = resource
        self.sent = sent


def server(*, init: Literal[False] = False, default: Any = PydanticUndefined, **field_options: Any) -> Any:
    """Marks a field as assigned by the node: it is not in ``__init__``, never sent on create, and part of every answer.

    Reading it before the node has assigned it raises ``RonUnassignedError``.

    Args:
        init: always False; tells type checkers to leave the field out of ``__init__``.
        default: what the field is where an answer leaves it out; without it such an answer is an error.
        field_options: as for ``pydantic.Field``, such as ``description`` or ``alias``.
    """
    del init
    return ServerField(default, field_options)


def parent(
    resource: Optional[type[Any]] = None, /, *, init: Literal[False] = False, sent: bool = False, **field_options: Any
) -> Any:
    """Marks a field as the key of what a resource lives below: a parameter of its path, given by ``.at(name=...)``.

    ::

        class Task(Resource, path="/app/projects/{project_id}/tasks"):
            project_id: str = parent(Project)

    It is not in ``__init__``, cannot be assigned, and stands in every object that comes back: as the node says, or from
    the path where the node leaves it out.

    Args:
        resource: the parent's class; ``.at()`` then takes one of its objects as well as its key.
        init: always False; tells type checkers to leave the field out of ``__init__``.
        sent: whether it is also sent in the bodies of ``create`` and ``replace``.
        field_options: as for ``pydantic.Field``, such as ``description`` or ``alias``.
    """
    del init
    return ParentField(resource, sent, field_options)


def annotated(annotation: Any, metadata: Iterable[Any]) -> Any:
    """``Annotated[annotation, *metadata]``, which Python can only write so from 3.11 on."""
    for one in metadata:
        annotation = Annotated[annotation, one]
    return annotation
