"""``wait_for``: the flow that follows one object until it is as wanted. Nothing here may do I/O."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Optional

from .._effects import NOW, Emit
from .._events import StreamPosition
from .._plan import checked_timeout
from .._suggest import shown
from .._values import Failure
from ..errors import RonConfigError, RonError, RonTimeoutError
from . import _operations
from ._description import encode_key
from ._watch_options import WatchOptions
from ._watching import Watching

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from .._effects import Effect
    from ._operations import Scope
    from ._watching import Batch

__all__ = ["wait_for"]


def wait_for(
    scope: Scope, key: Any, predicate: Callable[[Any], bool], timeout: Optional[float]
) -> Generator[Effect, Any, None]:
    """Emits the object once ``predicate`` is true of it, and ends.

    The stream is opened first and the object read then, so that no change falls between.
    """
    description = scope.description
    for operation in ("get", "watch"):
        description.check_operation(operation)
    encode_key(key, description.key, encoded=description.encoded_keys)
    if not callable(predicate):
        raise RonConfigError(f"wait_for needs a function of the object, such as lambda item: ..., not {predicate!r}")
    return _wait_for(scope, key, predicate, checked_timeout(timeout))


def _wait_for(
    scope: Scope, key: Any, predicate: Callable[[Any], bool], timeout: Optional[float]
) -> Generator[Effect, Any, None]:
    until = None if timeout is None else (yield NOW) + timeout
    watching = Watching(scope, {}, WatchOptions(max_duration=timeout), StreamPosition())
    seen, opened = 0, False
    flow = watching.flow()
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
        found = _of(effect.item, str(key))
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
    raise _too_late(scope, key, timeout, seen)


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


def _is_wanted(predicate: Callable[[Any], bool], item: Any) -> bool:
    result: Any = predicate(item)
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise RonConfigError("the predicate of wait_for is async: give a plain function of the object")
    return bool(result)


def _too_late(scope: Scope, key: Any, timeout: Optional[float], seen: int) -> RonError:
    name = f"{scope.description.name} {shown(key)}"
    if timeout is None:
        return RonTimeoutError(f"wait_for: the node ended the stream before {name} was as wanted")
    what = f"seen {seen} time{'s' if seen != 1 else ''}, never as wanted" if seen else "never there"
    return RonTimeoutError(f"wait_for: {name} was {what} within {timeout:g} seconds")
