"""``ManyCallsSync``: the sync twin of ``many``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional, TypeVar, Union

from .._plan import checked_timeout
from ..errors import RonConfigError
from ._bulk import (
    BulkResult,
    Many,
    Outcome,
    bulk_result,
    check_many,
    checked_concurrency,
    checked_each_key,
    checked_progress,
)
from ._manager import SyncManager

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .._fanout import Progress
    from .._fanout_sync import FanOutSync
    from ._drafts import Draft
    from ._model import Resource

__all__ = ["ManyCallsSync"]

R = TypeVar("R", bound="Resource")
G = TypeVar("G")
Key = Union[str, int, Any]


class ManyCallsSync(SyncManager[R]):
    """What ``ManagerSync`` does with many items.

    Each item is a call like any other, with its own deadline, retries and idempotency key; they share the client's
    connections and its retry budget. Wrong data of one item is that item's failure; wrong use (a closed client, an
    operation that the resource lacks, an object of another client) ends the whole: nothing further is begun.
    """

    def get_many(
        self,
        keys: Iterable[Key],
        /,
        *,
        concurrency: int = 8,
        timeout: Optional[float] = None,
        progress: Optional[Progress] = None,
    ) -> BulkResult[R]:
        """The objects with these keys, so many at once; what failed is in the result, not raised.

        Args:
            keys: any iterable; it is read to its end first.
            concurrency: how many calls at once; never more than the client's ``max_concurrency``.
            timeout: seconds for all of them; without it each one has the client's own.
            progress: called with (done, total) after each item, where the call was made, never twice at a time.

        Raises:
            RonConfigError: for wrong use, if nothing was sent; later it is the failure of each item that was not begun.
        """
        return self._all("get_many", keys, concurrency, timeout, progress)

    def create_many(
        self,
        objects: Iterable[Union[R, Draft[R], Mapping[str, Any]]],
        /,
        *,
        concurrency: int = 8,
        timeout: Optional[float] = None,
        progress: Optional[Progress] = None,
        idempotency_key: Optional[bool] = None,
    ) -> BulkResult[R]:
        """Creates them: new objects (refreshed in place), drafts, or mappings of fields.

        Args:
            objects: any iterable; it is read to its end first. ``result.failed`` gives back what failed.
            concurrency: as for ``get_many``; with more than 1 the node may see them in another order.
            timeout: as for ``get_many``.
            progress: as for ``get_many``.
            idempotency_key: True is your word that the service honours keys, so that a lost POST may be repeated; each
                item has its own.

        Raises:
            RonConfigError: as ``get_many``.
        """
        return self._all("create_many", objects, concurrency, timeout, progress, key=checked_each_key(idempotency_key))

    def delete_many(
        self,
        keys: Iterable[G],
        /,
        *,
        missing_ok: bool = False,
        concurrency: int = 8,
        timeout: Optional[float] = None,
        progress: Optional[Progress] = None,
    ) -> BulkResult[G]:
        """Deletes the objects with these keys, or these objects; ``result.ok`` are those of them that are gone.

        Args:
            keys: any iterable of keys or objects; it is read to its end first.
            missing_ok: whether one that is not there is no failure.
            concurrency: as for ``get_many``.
            timeout: as for ``get_many``.
            progress: as for ``get_many``.

        Raises:
            RonConfigError: as ``get_many``.
        """
        return self._all("delete_many", keys, concurrency, timeout, progress, missing_ok=missing_ok)

    def iter_many(
        self, keys: Iterable[Key], /, *, concurrency: int = 8, ordered: bool = True, progress: Optional[Progress] = None
    ) -> FanOutSync[Outcome[R]]:
        """``get`` for an iterable of any length, in flat memory: what became of each key, for ``for``.

        Leaving the loop cancels what is under way.

        Args:
            keys: any iterable; it is read a few items ahead of the loop.
            concurrency: as for ``get_many``; at most twice as many items are in hand.
            ordered: whether outcomes come in the order of the keys, or as they are done.
            progress: called with (done, total) as each outcome is handed out; total is None for keys without ``len``.

        Raises:
            RonConfigError: for wrong use: at once, or after the outcomes of what was under way.
        """
        return self._each("get_many", keys, concurrency, ordered, progress)

    def iter_create_many(
        self,
        objects: Iterable[Union[R, Draft[R], Mapping[str, Any]]],
        /,
        *,
        concurrency: int = 8,
        ordered: bool = True,
        progress: Optional[Progress] = None,
        idempotency_key: Optional[bool] = None,
    ) -> FanOutSync[Outcome[R]]:
        """``create`` for an iterable of any length; see ``iter_many`` and ``create_many``."""
        return self._each("create_many", objects, concurrency, ordered, progress, key=checked_each_key(idempotency_key))

    def iter_delete_many(
        self,
        keys: Iterable[G],
        /,
        *,
        missing_ok: bool = False,
        concurrency: int = 8,
        ordered: bool = True,
        progress: Optional[Progress] = None,
    ) -> FanOutSync[Outcome[G]]:
        """``delete`` for an iterable of any length; see ``iter_many`` and ``delete_many``."""
        return self._each("delete_many", keys, concurrency, ordered, progress, missing_ok=missing_ok)

    def _each(
        self,
        call: str,
        given: Any,
        concurrency: int,
        ordered: bool,
        progress: Optional[Progress],
        **options: Any,
    ) -> FanOutSync[Any]:
        from .._fanout_sync import FanOutSync  # asyncio, threads: not for a program that only declares

        client = self._client_now()
        check_many(f"iter_{call}".replace("iter_get_", "iter_"), given, sync=True)
        work = Many(self._scope_now(client), call, **options)
        most = checked_concurrency(concurrency, client.config.max_concurrency)
        return FanOutSync(client._ports, work, given, most, ordered=ordered, progress=checked_progress(progress))

    def _all(
        self,
        call: str,
        given: Any,
        concurrency: int,
        timeout: Optional[float],
        progress: Optional[Progress],
        **options: Any,
    ) -> BulkResult[Any]:
        from .._fanout_sync import FanOutSync  # asyncio, threads: not for a program that only declares

        client = self._client_now()
        check_many(call, given, sync=True)
        checked_progress(progress)
        seconds = checked_timeout(timeout)
        until = None if seconds is None else client._ports.clock.monotonic() + seconds
        scope = self._scope_now(client)
        work = Many(scope, call, until, **options)
        most = checked_concurrency(concurrency, client.config.max_concurrency)
        client._ports.check_open()
        items = list(given)
        found: dict[int, Outcome[Any]] = {}
        outcomes: FanOutSync[Outcome[Any]] = FanOutSync(
            client._ports, work, items, most, ordered=False, progress=progress
        )
        try:
            with outcomes:
                for outcome in outcomes:
                    found[outcome.index] = outcome
        except RonConfigError as error:
            if error is not outcomes.wrong:
                raise
        return bulk_result(call, scope, items, found, outcomes.wrong)
