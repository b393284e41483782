"""``Listing`` and ``ListingSync``: a query as a value, lazily fetched, page after page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Optional, TypeVar, Union

from .._html import cell, pairs_table
from .._plan import encode_query
from ..errors import RonInputError
from ..pagination import Page, Position, check_length, checked_size, cycle_error, paged
from ._filters import filter_query
from ._pages import fetch_page
from ._partial import chosen_fields, chosen_query

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator, Mapping, Sequence

    import pyarrow

    from .._effects import Effect
    from .._emissions import EmissionsAsync, EmissionsSync
    from ..client import RonClient, RonClientSync
    from ._arrow import ArrowBatches
    from ._operations import Scope

__all__ = ["Listing", "ListingSync"]

R = TypeVar("R")


class _Query(Generic[R]):
    """What a listing asks for, and where it stands; no I/O."""

    def __init__(
        self,
        scope: Scope,
        filters: Any,
        by_field: Mapping[str, Any],
        *,
        limit: Optional[int],
        page_size: Optional[int],
        page_token: Optional[str],
        query: Optional[Mapping[str, Any]],
        order_by: Union[str, Sequence[str], None] = None,
        fields: Optional[Sequence[str]] = None,
    ) -> None:
        scope.description.check_operation("list")
        if page_token is not None and (not isinstance(page_token, str) or not page_token):
            raise RonInputError("page_token is the next_page_token of a page, or the checkpoint of a listing")
        self._scope = scope
        self._query = filter_query(scope.description, filters, by_field, query)
        self._fields: Optional[tuple[str, ...]] = None
        if order_by is not None or fields is not None:
            self._fields = chosen_fields(scope.description, fields)
            self._query = {**self._query, **chosen_query(scope.description, order_by, self._fields)}
        encode_query(self._query)
        self._path = scope.collection()
        self._limit = checked_size("limit", limit)
        self._page_size = checked_size("page_size", page_size)
        if page_size is not None and scope.description.pages.size_param is None:
            raise RonInputError(
                f"pages of {scope.description.name} have the size that the node chooses: leave page_size out"
            )
        self._position = Position(page_token)
        self._start = page_token

    @property
    def checkpoint(self) -> Optional[str]:
        """The token of the page being consumed, None for the first; give it back as ``page_token`` to go on from there.

        Resuming may repeat items of that page, but never loses any.
        """
        return self._position.checkpoint

    def _fetch(self, token: Optional[str], size: Optional[int]) -> Generator[Effect, Any, Page[R]]:
        return fetch_page(self._scope, self._query, token, size, self._fields)

    def _one(self) -> Generator[Effect, Any, Page[R]]:
        """The flow of the first page alone, cut at ``limit``."""
        page = yield from self._fetch(self._start, self._page_size)
        if self._limit is not None:
            page.items = page.items[: self._limit]
        return page

    def _first(self) -> Generator[Effect, Any, Optional[R]]:
        """The flow of the first item: pages are fetched until one has items."""
        token = self._start
        seen = {token}
        while True:
            page = yield from self._fetch(token, self._page_size or 1)
            if page.items or page.next_page_token is None:
                return page.items[0] if page.items else None
            if page.next_page_token in seen:
                raise cycle_error(token, page.request_id)
            check_length(page.next_page_token, token, page.request_id)
            token = page.next_page_token
            seen.add(token)

    def _all(self, *, prefetch: bool = False) -> Generator[Effect, Any, None]:
        """The flow that emits every page; each iteration begins anew."""
        self._position = Position(self._start)
        return paged(
            lambda token, _left: self._fetch(token, self._page_size),
            self._position,
            self._limit,
            prefetch=prefetch,
        )

    def _asked(self) -> dict[str, str]:
        """What is asked for, by name; no item is, and none is fetched for this."""
        paging = {"limit": self._limit, "page_size": self._page_size, "page_token": self._start}
        asked = {**self._query, **{name: value for name, value in paging.items() if value is not None}}
        return {name: cell(repr(value)) for name, value in asked.items()}

    def __repr__(self) -> str:
        parts = ", ".join(f"{name}={value}" for name, value in self._asked().items())
        return f"<{type(self).__name__} of {self._scope.description.name}: {parts or 'everything'}>"

    def _repr_html_(self) -> str:
        caption = f"{type(self).__name__} of {self._scope.description.name}: not fetched, iterate it for items"
        return pairs_table(caption, [("path", self._path.decode("ascii")), *self._asked().items()])


class Listing(_Query[R]):
    """A query, fetched when it is asked for something; each of these asks anew.

    ``async for item in listing`` gives every item, page after page; ``await listing`` is ``await listing.page()``.
    While one page is worked on, the next one is fetched (one ahead at most; ``prefetch=False`` leaves that out).
    Leaving the loop cancels what is under way.

    Raises (while fetching):
        RonError: any that a call can raise; ``checkpoint`` says where to go on.
        RonPaginationError: the node's page tokens repeat.
    """

    def __init__(
        self,
        client: RonClient,
        scope: Scope,
        filters: Any,
        by_field: Mapping[str, Any],
        *,
        prefetch: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(scope, filters, by_field, **options)
        self._client = client
        self._prefetch = prefetch

    def __await__(self) -> Generator[Any, None, Page[R]]:
        return self.page().__await__()

    async def page(self) -> Page[R]:
        """The first page, at most ``limit`` items of it."""
        return await self._client._run(self._one())

    async def first(self) -> Optional[R]:
        """The first item, or None if there is none."""
        return await self._client._run(self._first())

    async def all(self) -> list[R]:
        """Every item, up to ``limit``, in one list."""
        return [item async for item in self]

    def to_arrow(self, *, batch_size: int = 10_000, columns: Optional[Sequence[str]] = None) -> ArrowBatches[R]:
        """Every item, up to ``limit``, as Arrow record batches; needs the extra ``arrow``.

        The schema comes from the declaration alone, so it is the same for no items at all; fields that are not declared
        are left out. No more than a page and a batch are held at a time; ``read_all`` gives one table instead.

        Args:
            batch_size: rows of a batch; the last one may have fewer.
            columns: the fields to take, in this order; None for all that are declared.

        Raises:
            RonConfigError: at once: for a field that has no Arrow type, unknown columns, or without pyarrow.
            RonParseError: while iterating, for a value that its column cannot hold.
        """
        from ._arrow import ArrowBatches

        return ArrowBatches(self, columns, batch_size)

    def pages(self) -> EmissionsAsync[Page[R]]:
        """Page after page, up to ``limit`` items in all."""
        return self._client._emissions(self._all(prefetch=self._prefetch))

    async def __aiter__(self) -> AsyncIterator[R]:
        async for page in self.pages():
            for item in page.items:
                yield item


class ListingSync(_Query[R]):
    """The sync twin of :class:`Listing`: ``for item in listing``; ``listing.page()`` for one page."""

    def __init__(
        self, client: RonClientSync, scope: Scope, filters: Any, by_field: Mapping[str, Any], **options: Any
    ) -> None:
        super().__init__(scope, filters, by_field, **options)
        self._client = client

    def page(self) -> Page[R]:
        """The first page, at most ``limit`` items of it."""
        return self._client._run(self._one())

    def first(self) -> Optional[R]:
        """The first item, or None if there is none."""
        return self._client._run(self._first())

    def all(self) -> list[R]:
        """Every item, up to ``limit``, in one list."""
        return list(self)

    def to_arrow(
        self, *, batch_size: int = 10_000, columns: Optional[Sequence[str]] = None
    ) -> pyarrow.RecordBatchReader:
        """Every item, up to ``limit``, as a reader of Arrow record batches; needs the extra ``arrow``.

        The schema comes from the declaration alone, so it is the same for no items at all; fields that are not declared
        are left out. No more than a page and a batch are held at a time; ``read_all`` gives one table instead.

        Args:
            batch_size: rows of a batch; the last one may have fewer.
            columns: the fields to take, in this order; None for all that are declared.

        Raises:
            RonConfigError: at once: for a field that has no Arrow type, unknown columns, or without pyarrow.
            RonParseError: while reading, for a value that its column cannot hold.
        """
        from ._arrow import reader

        return reader(self, columns, batch_size)

    def pages(self) -> EmissionsSync[Page[R]]:
        """Page after page, up to ``limit`` items in all."""
        return self._client._emissions(self._all())

    def __iter__(self) -> Iterator[R]:
        for page in self.pages():
            yield from page.items
