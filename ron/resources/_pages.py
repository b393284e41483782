"""One page of a resource: how it is asked for, and what the answer holds. Nothing here may do I/O."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Optional

from pydantic import ConfigDict, FailFast, TypeAdapter
from typing_extensions import NotRequired, TypedDict

from .._decode import decode_typed
from .._effects import WALL
from .._flow import perform
from .._plan import Plan, encode_query
from ..pagination import Page
from ._bodies import attach
from ._origin import Origin

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from .._effects import Effect
    from .._flow import Answer
    from ._description import Description
    from ._operations import Scope

__all__ = ["decode_page", "fetch_page", "fetch_page_if_changed", "page_plan"]


@lru_cache(maxsize=1024)
def _page_adapter(description: Description) -> TypeAdapter[Any]:
    """Decodes a page of the documented shape (design §4) straight from bytes."""
    fields: dict[str, Any] = {
        # The first item that does not fit is enough: a page can hold millions of them.
        "items": Annotated[list[description.cls], FailFast()],  # type: ignore[name-defined]
        "next_page_token": NotRequired[Optional[str]],
        "next_cursor": NotRequired[Optional[str]],
    }
    make: Any = TypedDict
    shape = make(f"{description.name}Page", fields)
    shape.__pydantic_config__ = ConfigDict(coerce_numbers_to_str=True, hide_input_in_errors=True)
    return TypeAdapter(shape)


def page_plan(scope: Scope, query: Mapping[str, Any], token: Optional[str], size: Optional[int]) -> Plan:
    """The request for one page: the filters, where to go on from, how many items."""
    merged = dict(query)
    if size is not None:
        merged["page_size"] = size
    if token is not None:
        merged["page_token"] = token
    return Plan("GET", scope.collection(), encode_query(merged))


def decode_page(scope: Scope, answer: Answer, wall: float) -> Page[Any]:
    """The page in an answer; its items know where they came from."""
    description, session = scope.description, scope.session
    data = decode_typed(answer, _page_adapter(description), f"page of {description.name}")
    origin = Origin(answer, session.authority, wall, listed=True)
    items: list[Any] = data["items"]
    for item in items:
        attach(description, item, origin)
    token = data.get("next_page_token") or data.get("next_cursor")
    return Page(items, token or None, request_id=answer.request_id)


def fetch_page(
    scope: Scope, query: Mapping[str, Any], token: Optional[str], size: Optional[int]
) -> Generator[Effect, Any, Page[Any]]:
    """``GET path``: one page."""
    answer = yield from perform(scope.session, page_plan(scope, query, token, size))
    return decode_page(scope, answer, (yield WALL))


def fetch_page_if_changed(
    scope: Scope, query: Mapping[str, Any], token: Optional[str], etag: Optional[str], timeout: Optional[float]
) -> Generator[Effect, Any, tuple[Optional[Page[Any]], Optional[str]]]:
    """One page and its entity tag; None for the page if it still has the tag given (RFC 9110 §13.1.2)."""
    plan = page_plan(scope, query, token, None)._replace(timeout=timeout)
    if etag is not None:
        plan = plan._replace(
            headers=(*plan.headers, (b"If-None-Match", etag.encode("latin-1"))), accept=frozenset({304})
        )
    answer = yield from perform(scope.session, plan)
    if answer.reply.status == 304:
        return None, etag
    return decode_page(scope, answer, (yield WALL)), answer.reply.header(b"etag")
