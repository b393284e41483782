"""``wait_for``: the flow that follows one object until it is as wanted. Nothing here may do I/O."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Optional

from .._effects import NOW, Emit
from .._events import StreamPosition
from .._plan import checked_timeout
from .._suggest import shown
from .._values import UNSET, Failure
from ..errors import RonConfigError, RonError, RonTimeoutError
from . import _operations
from ._watch_options import POLL_INTERVAL, WatchOptions
from ._watching import _EARLY, Watching

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from .._effects import Effect
    from ._operations import Scope
    from ._watching import Batch

__all__ = ["wait_for"]


def wait_for(scope: Scope, key: Any, predicate: Any, timeout: Optional[float]) -> Generator[Effect, Any, None]:
    """Emits the object once ``predicate`` is true of it, and ends.

    Most often it is so already. If not, the stream is opened and the object read once more, so that no change falls
    between.
    """
    description = scope.description
    for operation in ("get", "watch"):
        description.check_operation(operation)
    if description.singleton and predicate is UNSET:
        key, predicate = UNSET, key
    description.segments(key)
    check: Any = predicate if callable(predicate) else None
    if check is None:
        raise RonConfigError(f"wait_for needs a function of the object, such as lambda item: ..., not {predicate!r}")
    return _wait_for(scope, key, check, checked_timeout(timeout))


def _wait_for(
    scope: Scope, key: Any, predicate: Callable[..., Any], timeout: Optional[float]
) -> Generator[Effect, Any, None]:
    until = None if timeout is None else (yield NOW) + timeout
    current = yield from _operations.get_or_none(_within(scope, until, (yield NOW)), key)
    if current is not None and _is_wanted(predicate, current):
        yield Emit(current)
        return
    seen, opened = int(current is not None), False
    flow = _watching(scope, None if until is None else max(0.001, until - (yield NOW))).flow()
    answer: Any = None
    thrown: Optional[BaseException] = None
    while True:
        try:
            effect = flow.send(answer) if thrown is None else flow.throw(thrown)
        except StopIteration:
            break
        answer = thrown = None
        if not isinstance(effect, Emit):
            try:
                answer = yield effect
            except (Failure, RonError) as caught:
                thrown = caught
            continue
        found = _of(effect.item, scope.description.text_of(key))
        if not opened:
            opened = True
            current = yield from _operations.get_or_none(_within(scope, until, (yield NOW)), key)
            found = [] if current is None else [current]
        for item in found:
            seen += 1
            if _is_wanted(predicate, item):
                flow.close()
                yield Emit(item)
                return
    raise _too_late(scope, key, None if until is None or (yield NOW) < until - _EARLY else timeout, seen)


def _watching(scope: Scope, left: Optional[float]) -> Watching:
    """The watch; where a gateway buffers streams there must be time left to poll."""
    if left is None:
        return Watching(scope, {}, WatchOptions(), StreamPosition())
    options = WatchOptions(max_duration=left, poll_interval=min(POLL_INTERVAL, max(0.1, left / 10.0)))
    session = scope.session.with_options(min(left / 3.0, scope.session.timeout), None, ())
    return Watching(scope._replace(session=session), {}, options, StreamPosition())


def _of(batch: Batch, key: str) -> list[Any]:
    """The states of the object that are among the changes."""
    return [change.item for change in batch.changes if change.type in _PUTS and change.key == key]


_PUTS = ("added", "modified", "listed")


def _within(scope: Scope, until: Optional[float], now: float) -> Scope:
    """The scope with no more time for a call than is left."""
    if until is None:
        return scope
    left = min(max(0.001, until - now), scope.session.timeout)
    return scope._replace(session=scope.session.with_options(left, None, ()))


def _is_wanted(predicate: Callable[..., Any], item: Any) -> bool:
    result: Any = predicate(item)
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise RonConfigError("the predicate of wait_for is async: give a plain function of the object")
    return bool(result)


def _too_late(scope: Scope, key: Any, timeout: Optional[float], seen: int) -> RonError:
    name = scope.description.name if key is UNSET else f"{scope.description.name} {shown(key)}"
    if timeout is None:
        return RonTimeoutError(f"wait_for: the node ended the stream (204) before {name} was as wanted")
    what = f"seen {seen} time{'s' if seen != 1 else ''}, never as wanted" if seen else "never there"
    return RonTimeoutError(f"wait_for: {name} was {what} within {timeout:g} seconds")
