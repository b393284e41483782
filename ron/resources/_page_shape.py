"""``Pages``: the shape of a node's pages where it is not the documented one. Nothing here may do I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from typing_extensions import Literal

from .._suggest import shown
from ..errors import RonConfigError

__all__ = ["DOCUMENTED", "Pages"]


@dataclass(frozen=True)
class Pages:
    """How a resource's node pages its lists (protocol.md "Lists").

    ::

        class Message(Resource, path="/app/chat", pages=Pages(items="messages", cursor="cursor", param="after",
                                                              size_param="limit", ends="empty_page")): ...

    Attributes:
        items: the answer's field that holds the items.
        cursor: the answer's field that says where the next page begins, a string, a number or null.
        param: the query parameter that carries it back.
        size_param: the query parameter for ``page_size=``; None if the node takes none.
        ends: ``no_cursor`` if the page without a cursor is the last one, ``empty_page`` if one without items is.

    Raises:
        RonConfigError: for what is no name, or the same name for two things.
    """

    items: str = "items"
    cursor: str = "next_page_token"
    param: str = "page_token"
    size_param: Optional[str] = "page_size"
    ends: Literal["no_cursor", "empty_page"] = "no_cursor"

    def __post_init__(self) -> None:
        for name in ("items", "cursor", "param", "size_param"):
            value: Any = getattr(self, name)
            if not (isinstance(value, str) and value) and not (name == "size_param" and value is None):
                raise RonConfigError(f"Pages: {name} is a name on the wire, such as {name}='{name}', not {value!r}")
        if self.items == self.cursor:
            raise RonConfigError(f"Pages: items and cursor are both {self.items!r}: they are two fields of one answer")
        if self.param == self.size_param:
            raise RonConfigError(f"Pages: param and size_param are both {self.param!r}: they are two query parameters")
        ends: Any = self.ends
        if ends not in ("no_cursor", "empty_page"):
            raise RonConfigError(f"Pages: ends must be 'no_cursor' or 'empty_page', not {shown(ends)}")


#: the shape of design §4
DOCUMENTED = Pages()
