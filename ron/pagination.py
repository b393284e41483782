"""Pages of untyped items: ``Page`` and ``iter_pages`` (seed §13). The rules of paging live here once, without I/O.

Wire shape (design §4): ``{"items": [...], "next_page_token": "..." | null}``; ``next_cursor`` is understood too. A page
with a token and no items goes on; a token that comes twice is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, Optional, TypeVar, Union, overload

from ._decode import decode_plain, parse_error
from ._effects import Ahead, Emit, Join
from ._flow import perform
from ._html import MAX_ROWS, cell, rows_of, table
from ._plan import plain_plan
from .errors import RonError, RonInputError, RonPaginationError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from ._effects import Effect
    from ._emissions import EmissionsAsync, EmissionsSync
    from ._flow import Answer
    from ._session import Session
    from .client import RonClient, RonClientSync

__all__ = ["Page", "check_length", "checked_size", "cycle_error", "iter_pages", "paged"]

T = TypeVar("T")

#: what fits into a request line everywhere (RFC 9110 §4.1: 8000 bytes at least)
MAX_TOKEN_BYTES = 8000
#: items that a page's ``repr`` shows
MAX_SHOWN = 3


class Page(Sequence[T], Generic[T]):
    """One page of a list: a sequence of its items.

    Attributes:
        items: the page's items, in the node's order.
        next_page_token: what asks for the next page; None on the last one.
        request_id: the id of the request that fetched it.
    """

    __slots__ = ("items", "next_page_token", "request_id")

    def __init__(
        self, items: list[T], next_page_token: Optional[str] = None, *, request_id: Optional[str] = None
    ) -> None:
        self.items = items
        self.next_page_token = next_page_token
        self.request_id = request_id

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: Union[int, slice]) -> Union[T, list[T]]:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Page):
            return NotImplemented
        return self.items == other.items and self.next_page_token == other.next_page_token

    __hash__ = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]

    def __repr__(self) -> str:
        more = "last page" if self.next_page_token is None else "more pages follow"
        first = f": {', '.join(cell(item) for item in self.items[:MAX_SHOWN])}" if self.items else ""
        rest = ", …" if len(self.items) > MAX_SHOWN else ""
        return f"<Page of {len(self.items)} items, {more}{first}{rest}>"

    def _repr_html_(self) -> str:
        more = "last page" if self.next_page_token is None else "more pages follow"
        left = len(self.items) - MAX_ROWS
        below = f"… and {left} more items" if left > 0 else ""
        return table(f"{len(self.items)} items, {more}", *rows_of(self.items), below)


def checked_size(name: str, value: Optional[int]) -> Optional[int]:
    """A ``limit`` or ``page_size``: a whole number of at least 1; None stays None."""
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise RonInputError(f"{name} must be a whole number of at least 1, not {value!r}")
    return value


class Position:
    """Where a listing stands: ``checkpoint`` is the token of the page being consumed (None: the first page)."""

    __slots__ = ("checkpoint",)

    def __init__(self, checkpoint: Optional[str]) -> None:
        self.checkpoint = checkpoint


def paged(
    fetch: Callable[[Optional[str], Optional[int]], Generator[Effect, Any, Page[T]]],
    position: Position,
    limit: Optional[int],
    *,
    prefetch: bool = False,
) -> Generator[Effect, Any, None]:
    """Emits page after page until the last one, or until ``limit`` items.

    ``fetch(token, remaining)`` is the flow of one page. With ``prefetch`` the next page is asked for before this one
    is emitted. Every error raised half-way carries ``checkpoint``. Seen tokens are kept as hashes, so that a cycle of
    any length is found.
    """
    seen: set[int] = set() if position.checkpoint is None else {hash(position.checkpoint)}
    left = limit
    begun: Any = None
    while True:
        page: Optional[Page[T]] = None
        error: Optional[RonError] = None
        try:
            if begun is not None:
                page = yield Join(begun)
            if page is None:
                page = yield from fetch(position.checkpoint, left)
        except RonError as caught:
            error = caught
        if page is None:
            assert error is not None
            error.checkpoint = position.checkpoint
            raise error
        if left is not None:
            page.items = page.items[:left]
            left -= len(page.items)
        token = page.next_page_token
        more = token is not None and left != 0
        if token is not None and more:
            _check_token(token, seen, position.checkpoint, page.request_id)
        begun = (yield Ahead(fetch(token, left))) if prefetch and more else None
        yield Emit(page)
        if token is None or left == 0:
            return
        seen.add(hash(token))
        position.checkpoint = token


def _check_token(token: str, seen: set[int], checkpoint: Optional[str], request_id: Optional[str]) -> None:
    if hash(token) in seen:
        raise cycle_error(checkpoint, request_id)
    check_length(token, checkpoint, request_id)


def check_length(token: str, checkpoint: Optional[str], request_id: Optional[str]) -> None:
    """Raises ``RonPaginationError`` for a page token that no request line can carry."""
    if len(token.encode()) > MAX_TOKEN_BYTES:
        error = RonPaginationError(
            f"the node gave a page token of {len(token)} characters, which no request can carry", request_id=request_id
        )
        error.checkpoint = checkpoint
        raise error


def cycle_error(checkpoint: Optional[str], request_id: Optional[str]) -> RonPaginationError:
    """The error for a page token that the node gave before; ``checkpoint`` is the token of the page that held it."""
    error = RonPaginationError(
        "the node gave a page token that it had given before: the list would never end", request_id=request_id
    )
    error.checkpoint = checkpoint
    return error


def plain_page(answer: Answer) -> Page[Any]:
    """An untyped page of the documented shape."""
    data = decode_plain(answer)
    if not isinstance(data, dict) or not isinstance(data.get("items"), list):
        raise parse_error(answer, "the answer is no page: it must be an object with a list 'items'")
    token = data.get("next_page_token") or data.get("next_cursor")
    if token is None or token == "":
        return Page(data["items"], None, request_id=answer.request_id)
    if isinstance(token, bool) or not isinstance(token, (str, int)):
        raise parse_error(answer, "the answer is no page: next_page_token must be a string or null")
    return Page(data["items"], str(token), request_id=answer.request_id)


@overload
def iter_pages(
    client: RonClient,
    path: str,
    *,
    page_size: Optional[int] = None,
    page_token: Optional[str] = None,
    query: Optional[Mapping[str, Any]] = None,
    limit: Optional[int] = None,
) -> EmissionsAsync[Page[Any]]: ...
@overload
def iter_pages(
    client: RonClientSync,
    path: str,
    *,
    page_size: Optional[int] = None,
    page_token: Optional[str] = None,
    query: Optional[Mapping[str, Any]] = None,
    limit: Optional[int] = None,
) -> EmissionsSync[Page[Any]]: ...
def iter_pages(
    client: Union[RonClient, RonClientSync],
    path: str,
    *,
    page_size: Optional[int] = None,
    page_token: Optional[str] = None,
    query: Optional[Mapping[str, Any]] = None,
    limit: Optional[int] = None,
) -> Union[EmissionsAsync[Page[Any]], EmissionsSync[Page[Any]]]:
    """Pages of ``GET path``, one after another; ``async for`` on a ``RonClient``, ``for`` on a ``RonClientSync``.

    Args:
        client: the client to fetch with.
        path: the app-plane path, such as ``/app/items``.
        page_size: items a page on the wire; None leaves it to the node.
        page_token: where to begin; None begins at the first page.
        query: further query parameters.
        limit: how many items in all; None for every one.

    Raises:
        RonConfigError: at once, for wrong arguments.
        RonError: while iterating; ``checkpoint`` says where to go on.
    """
    size = checked_size("page_size", page_size)
    if page_token is not None and (not isinstance(page_token, str) or not page_token):
        raise RonInputError("page_token is the next_page_token of a page, or the checkpoint of an error")
    plain_plan("GET", path, query=query)

    def fetch(session: Session, token: Optional[str]) -> Generator[Effect, Any, Page[Any]]:
        paging = {"page_size": size, "page_token": token}
        merged = {**(query or {}), **{name: value for name, value in paging.items() if value is not None}}
        return plain_page((yield from perform(session, plain_plan("GET", path, query=merged))))

    session = client._session
    flow = paged(lambda token, _left: fetch(session, token), Position(page_token), checked_size("limit", limit))
    return client._emissions(flow)
