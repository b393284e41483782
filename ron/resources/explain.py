"""``items.explain``: what a call would send, without sending it. Nothing here may do I/O.

The manager's own methods run, on a stand-in for the client: its session keeps the first request that a flow makes of a
plan, and ends the flow there. So an explanation cannot differ from what is sent. No token is asked for, no middleware
called, nothing counted or logged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, NoReturn, Optional, TypeVar, Union, overload

from .._effects import Now
from .._session import Session
from .._values import UNSET
from ._explanation import FRESH, Explanation, explanation, nothing_to_send
from ._model import Resource

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from .._effects import Effect
    from .._plan import Plan
    from ._actions import Action, CollectionAction
    from ._drafts import Draft, Patch
    from .manager_sync import ManagerSync

    Flow = Generator[Effect, Any, Any]
    IdempotencyKey = Union[str, bool, None]
    Query = Optional[Mapping[str, Any]]

__all__ = ["Explain"]

R = TypeVar("R", bound=Resource)
Key = Union[str, int, Any]


class _Found(BaseException):
    """Ends a flow at its first request."""

    def __init__(self, plan: Plan, exchange: Any) -> None:
        super().__init__()
        self.plan = plan
        self.exchange = exchange


class _Keeping(Session):
    """A client's session that keeps the first request, and makes no ids."""

    def __init__(self, session: Session) -> None:
        vars(self).update(vars(session))
        self.new_id = lambda: FRESH

    def with_options(
        self, timeout: Optional[float], max_retries: Optional[int], headers: Sequence[tuple[bytes, bytes]]
    ) -> _Keeping:
        return _Keeping(super().with_options(timeout, max_retries, headers))

    def exchange(self, plan: Plan, request_id: str, started: float) -> NoReturn:
        raise _Found(plan, super().exchange(plan, request_id, started))


class _StandIn:
    """What a manager takes for its client. ``_run`` and ``_emissions`` explain instead of sending."""

    is_sync = True

    def __init__(self, client: Any, call: str, note: str) -> None:
        self._client = client
        self._call = call
        self._note = note
        self._session = _Keeping(client._session)
        self._stream: Optional[Flow] = None

    def _run(self, flow: Flow) -> Explanation:
        found: Optional[_Found] = None
        try:
            effect = next(flow)
            while isinstance(effect, Now):
                effect = flow.send(0.0)
        except StopIteration:
            return nothing_to_send(self._call)
        except _Found as caught:
            found = caught
        finally:
            flow.close()
        assert found is not None, "a flow begins with the time and then makes a request"
        notes = [self._note] if self._note else []
        if found.plan.method == "GET" and self._call.rpartition(".")[2] in ("update", "save", "modify"):
            notes.append("this call reads first; what it writes then depends on the answer")
        hooks = [type(one).__name__ for one in self._session.middleware if callable(getattr(one, "before", None))]
        if hooks:
            notes.append(f"middleware that was not asked may add fields: {', '.join(hooks)}")
        note = "; ".join(notes)
        return explanation(self._call, self._client, found.plan, found.exchange, note)

    def _emissions(self, flow: Flow) -> None:
        self._stream = flow

    def of_stream(self) -> Explanation:
        """The request with which the flow begins whose emissions were asked for."""
        assert self._stream is not None
        return self._run(self._stream)


class Explain(Generic[R]):
    """The manager's calls, each giving the :class:`Explanation` of what it would send; the same for both colours.

    Wrong arguments raise here as they do there. Nothing is sent, and no object is changed.
    """

    def __init__(self, manager: Any) -> None:
        self._manager = manager

    def _on(self, call: str, note: str = "") -> ManagerSync[R]:
        from .manager_sync import ManagerSync

        manager = self._manager
        stand_in: Any = _StandIn(manager._client_now(), f"{manager._description.name}.{call}", note)
        explaining: ManagerSync[R] = ManagerSync(manager._resource, stand_in)
        return explaining._copy(parents=manager._parents)

    def get(self, key: Key = UNSET, /, *, fields: Optional[Sequence[str]] = None) -> Explanation:
        """See ``Manager.get``."""
        return _explained(self._on("get").get(key, fields=fields))

    def get_or_none(self, key: Key = UNSET, /) -> Explanation:
        """See ``Manager.get_or_none``."""
        return _explained(self._on("get_or_none").get_or_none(key))

    def list(
        self,
        filters: Any = None,
        /,
        *,
        limit: Optional[int] = None,
        page_size: Optional[int] = None,
        page_token: Optional[str] = None,
        order_by: Union[str, Sequence[str], None] = None,
        fields: Optional[Sequence[str]] = None,
        query: Optional[Mapping[str, Any]] = None,
        **by_field: Any,
    ) -> Explanation:
        """See ``Manager.list``: the request for the first page."""
        manager = self._on("list", "one such request for each page that the loop comes to")
        listing = manager.list(
            filters,
            limit=limit,
            page_size=page_size,
            page_token=page_token,
            order_by=order_by,
            fields=fields,
            query=query,
            **by_field,
        )
        return _explained(listing.page())

    @overload
    def create(self, obj: Union[R, Draft[R]], /, *, idempotency_key: Union[str, bool, None] = None) -> Explanation: ...
    @overload
    def create(self, /, *, idempotency_key: Union[str, bool, None] = None, **fields: Any) -> Explanation: ...
    def create(
        self,
        obj: Union[R, Draft[R], None] = None,
        /,
        *,
        idempotency_key: Union[str, bool, None] = None,
        **fields: Any,
    ) -> Explanation:
        """See ``Manager.create``."""
        manager: Any = self._on("create")
        return _explained(manager.create(obj, idempotency_key=idempotency_key, **fields))

    def save(self, obj: R, /, *, idempotency_key: Union[str, bool, None] = None) -> Explanation:
        """See ``Manager.save``; with nothing changed, nothing would be sent."""
        return _explained(self._on("save").save(obj, idempotency_key=idempotency_key))

    def update(
        self,
        key: Key = UNSET,
        patch: Optional[Patch[R]] = None,
        /,
        *,
        idempotency_key: Union[str, bool, None] = None,
        **changes: Any,
    ) -> Explanation:
        """See ``Manager.update``."""
        return _explained(self._on("update").update(key, patch, idempotency_key=idempotency_key, **changes))

    def replace(self, obj: R, /, *, idempotency_key: Union[str, bool, None] = None) -> Explanation:
        """See ``Manager.replace``."""
        return _explained(self._on("replace").replace(obj, idempotency_key=idempotency_key))

    def delete(
        self,
        key_or_obj: Union[Key, R] = UNSET,
        /,
        *,
        missing_ok: bool = False,
        idempotency_key: Union[str, bool, None] = None,
    ) -> Explanation:
        """See ``Manager.delete``."""
        manager: Any = self._on("delete")
        return _explained(manager.delete(key_or_obj, missing_ok=missing_ok, idempotency_key=idempotency_key))

    def refresh(self, obj: R, /) -> Explanation:
        """See ``Manager.refresh``."""
        return _explained(self._on("refresh").refresh(obj))

    def modify(self, key: Key, change: Any = UNSET, /, *, attempts: int = 5) -> Explanation:
        """See ``Manager.modify``: the request that reads; ``change`` is not called."""
        manager: Any = self._on("modify")
        return _explained(manager.modify(key, change, attempts=attempts))

    def act(
        self,
        action: Union[Action[R, Any, Any], CollectionAction[R, Any, Any]],
        target: Any = UNSET,
        body: Any = UNSET,
        /,
        *,
        idempotency_key: IdempotencyKey = None,
        query: Query = None,
    ) -> Explanation:
        """See ``Manager.act``."""
        manager: Any = self._on("act")
        return _explained(manager.act(action, target, body, idempotency_key=idempotency_key, query=query))

    def watch(
        self,
        filters: Any = None,
        /,
        *,
        cursor: Optional[str] = None,
        initial: bool = False,
        strict: bool = False,
        idle_timeout: Optional[float] = None,
        max_events: Optional[int] = None,
        max_duration: Optional[float] = None,
        max_failures: Optional[int] = None,
        max_tracked: Optional[int] = None,
        poll_interval: Optional[float] = None,
        buffer: Optional[int] = None,
        query: Optional[Mapping[str, Any]] = None,
        **by_field: Any,
    ) -> Explanation:
        """See ``Manager.watch``: the request that opens the stream."""
        manager = self._on("watch", "the stream stays open; one that is lost is opened again after its last event")
        manager.watch(
            filters,
            cursor=cursor,
            initial=initial,
            strict=strict,
            idle_timeout=idle_timeout,
            max_events=max_events,
            max_duration=max_duration,
            max_failures=max_failures,
            max_tracked=max_tracked,
            poll_interval=poll_interval,
            buffer=buffer,
            query=query,
            **by_field,
        )
        stand_in: Any = manager._client
        return _explained(stand_in.of_stream())


def _explained(result: Any) -> Explanation:
    """What a manager on a stand-in gives back: the explanation, where its own type says an object."""
    assert isinstance(result, Explanation)
    return result
