"""Everything there is, page by page, and what of it is news to a watch's consumer. Nothing here may do I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from ..errors import RonWatchError
from ..pagination import check_length, cycle_error
from ._changes import key_of
from ._pages import fetch_page_if_changed

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from typing_extensions import Literal

    from .._effects import Effect
    from ..pagination import Page
    from ._operations import Scope
    from ._tracked import Tracked

__all__ = ["Lister", "News"]


class News(NamedTuple):
    """An object that the consumer does not have as it is now."""

    kind: Literal["added", "modified"]
    key: str
    item: Any


class _Known(NamedTuple):
    """A page as it was: its tag, the keys on it, and what asks for the next one."""

    etag: str
    keys: tuple[str, ...]
    next_page_token: Optional[str]


class Lister:
    """Lists a resource again and again; pages that have not changed are asked for by their entity tag.

    Attributes:
        keys: the keys seen in this round.
        done: whether this round has seen every page.
    """

    def __init__(self, scope: Scope, query: Mapping[str, Any], tracked: Tracked, max_tracked: int) -> None:
        self._scope = scope
        self._query = query
        self._tracked = tracked
        self._max_tracked = max_tracked
        self._before: dict[Optional[str], _Known] = {}
        self._now: dict[Optional[str], _Known] = {}
        self._token: Optional[str] = None
        self._tokens: set[Optional[str]] = set()
        self.keys: set[str] = set()
        self.done = False

    def begin(self, *, whole: bool) -> None:
        """A round begins; ``whole`` asks for every page as it is, whatever was known of it."""
        self._before = {} if whole else self._now
        self._now = {}
        self._token = None
        self._tokens = {None}
        self.keys = set()
        self.done = False

    def next_page(self, timeout: Optional[float]) -> Generator[Effect, Any, list[News]]:
        """The news on the next page; ``timeout`` is in seconds, None for the client's.

        Raises:
            RonPaginationError: the node's page tokens repeat.
            RonWatchError: there are more objects than ``max_tracked``.
            RonError: as any call.
        """
        known = self._before.get(self._token)
        page, etag = yield from fetch_page_if_changed(
            self._scope, self._query, self._token, None if known is None else known.etag, timeout
        )
        news: list[News] = []
        if page is None:
            assert known is not None
            keys, token, request_id = known.keys, known.next_page_token, None
        else:
            news, keys = self._news(page)
            token, request_id = page.next_page_token, page.request_id
        self.keys.update(keys)
        self._check_bound()
        if etag is not None:
            self._now[self._token] = _Known(etag, keys, token)
        self._go_on(token, request_id)
        return news

    def _news(self, page: Page[Any]) -> tuple[list[News], tuple[str, ...]]:
        description = self._scope.description
        news: list[News] = []
        keys: list[str] = []
        for item in page.items:
            key = key_of(description, item)
            kind = self._tracked.put(key, item)
            keys.append(key)
            if kind is not None:
                news.append(News(kind, key, item))
        return news, tuple(keys)

    def _go_on(self, token: Optional[str], request_id: Optional[str]) -> None:
        if token is None:
            self.done = True
        elif token in self._tokens:
            raise cycle_error(self._token, request_id)
        else:
            check_length(token, self._token, request_id)
        self._tokens.add(token)
        self._token = token

    def _check_bound(self) -> None:
        # Those of the round before that are gone since are known only at the end of this one.
        if len(self.keys) > self._max_tracked or len(self._tracked) > 2 * self._max_tracked:
            name = self._scope.description.name
            raise RonWatchError(
                f"there are more than max_tracked={self._max_tracked} objects of {name} to keep account of: narrow the "
                "filters, or give a larger max_tracked="
            )
