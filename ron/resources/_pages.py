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
from ._page_shape import DOCUMENTED, Pages
from ._parents import parent_values
from ._partial import partial_list, to_partial

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from .._effects import Effect
    from .._flow import Answer
    from ._description import Description
    from ._operations import Scope

__all__ = ["Pages", "decode_page", "fetch_page", "fetch_page_if_changed", "page_plan"]


@lru_cache(maxsize=1024)
def _page_adapter(description: Description, names: Optional[tuple[str, ...]]) -> TypeAdapter[Any]:
    """Decodes a page of the declared shape (design §4) straight from bytes."""
    pages = description.pages
    items: Any = (
        # The first item that does not fit is enough: a page can hold millions of them.
        Annotated[list[description.cls], FailFast()]  # type: ignore[name-defined]
        if names is None
        else partial_list(description, names)
    )
    fields: dict[str, Any] = {pages.items: items, pages.cursor: NotRequired[Optional[str]]}
    if pages == DOCUMENTED:
        fields["next_cursor"] = NotRequired[Optional[str]]
    make: Any = TypedDict
    shape = make(f"{description.name}Page", fields)
    shape.__pydantic_config__ = ConfigDict(coerce_numbers_to_str=True, hide_input_in_errors=True)
    return TypeAdapter(shape)


def page_plan(scope: Scope, query: Mapping[str, Any], token: Optional[str], size: Optional[int]) -> Plan:
    """The request for one page: the filters, where to go on from, how many items."""
    merged = dict(query)
    pages = scope.description.pages
    if size is not None and pages.size_param is not None:
        merged[pages.size_param] = size
    if token is not None:
        merged[pages.param] = token
    return Plan("GET", scope.collection(), encode_query(merged))


def decode_page(scope: Scope, answer: Answer, wall: float, names: Optional[tuple[str, ...]] = None) -> Page[Any]:
    """The page in an answer; its items know where they came from.

    ``names`` are the fields that were asked for, None for whole objects.
    """
    description, session = scope.description, scope.session
    data = decode_typed(answer, _page_adapter(description, names), f"page of {description.name}")
    origin = Origin(answer, session.authority, wall, listed=True, partial=names is not None)
    values = parent_values(description, scope.parents) if description.parents else {}
    items: list[Any] = data[description.pages.items]
    if names is not None:
        items = [to_partial(description, names, item) for item in items]
    for item in items:
        attach(description, item, origin, values)
    return Page(items, _next_token(description.pages, data, items) or None, request_id=answer.request_id)


def _next_token(pages: Pages, data: Mapping[str, Any], items: list[Any]) -> Optional[str]:
    if pages.ends == "empty_page" and not items:
        return None
    token: Optional[str] = data.get(pages.cursor) or (data.get("next_cursor") if pages == DOCUMENTED else None)
    return token


def fetch_page(
    scope: Scope,
    query: Mapping[str, Any],
    token: Optional[str],
    size: Optional[int],
    names: Optional[tuple[str, ...]] = None,
) -> Generator[Effect, Any, Page[Any]]:
    """``GET path``: one page."""
    answer = yield from perform(scope.session, page_plan(scope, query, token, size))
    return decode_page(scope, answer, (yield WALL), names)


def fetch_page_if_changed(
    scope: Scope, query: Mapping[str, Any], token: Optional[str], etag: Optional[str], timeout: Optional[float]
) -> Generator[Effect, Any, tuple[Optional[Page[Any]], Optional[str]]]:
    """One page and its entity tag; None for the page if it still has the tag given (RFC 9110 §13.1.2)."""
    # A cache on the way must ask the node (RFC 9111 §5.2.1.4): a list older than the stream beside it would lie.
    plan = page_plan(scope, query, token, None)._replace(timeout=timeout, headers=((b"Cache-Control", b"no-cache"),))
    if etag is not None:
        plan = plan._replace(
            headers=(*plan.headers, (b"If-None-Match", etag.encode("latin-1"))), accept=frozenset({304})
        )
    answer = yield from perform(scope.session, plan)
    if answer.reply.status == 304:
        return None, etag
    return decode_page(scope, answer, (yield WALL)), answer.reply.header(b"etag")
