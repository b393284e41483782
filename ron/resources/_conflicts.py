"""What a conflict (409, 412) tells: what was to be written, what it was based on, what is there now. No I/O here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from .._effects import NOW, WALL
from .._flow import perform
from .._plan import Plan
from ..errors import RonConfigError, RonConflictError, RonError, RonTimeoutError
from . import _bodies
from ._origin import origin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from .._effects import Effect
    from ._operations import Scope

__all__ = ["told"]


def told(
    scope: Scope, write: Generator[Effect, Any, Any], local: Any, path: Callable[[], Optional[bytes]]
) -> Generator[Effect, Any, Any]:
    """Runs the flow of a write; a conflict leaves it with ``local``, ``base`` and ``remote``.

    ``remote`` costs one GET of ``path()``, sent once and within the deadline of the write; where there is no path, no
    time or no such object, ``remote_error`` says so.
    """
    began = yield NOW
    conflict: Optional[RonConflictError] = None
    try:
        return (yield from write)
    except RonConflictError as caught:
        conflict = caught
    yield from tell(scope, conflict, local, path(), began + scope.session.timeout)
    raise conflict


def tell(
    scope: Scope, conflict: RonConflictError, local: Any, path: Optional[bytes], until: float
) -> Generator[Effect, Any, None]:
    """Completes the error of a conflict; asks the node for the object by the deadline ``until``."""
    conflict.local = local
    if origin_of(local) is not None:
        conflict.base = _bodies.base_object(local)
    now = yield NOW
    reason: Optional[RonError] = None
    if path is None:
        reason = RonConfigError("the object has no key yet, so what it is in conflict with cannot be read")
    elif "get" not in scope.description.operations:
        reason = RonConfigError(f"{scope.description.name} does not allow 'get', so the object was not read")
    elif now >= until:
        reason = RonTimeoutError("the deadline left no time to read the object")
    else:
        try:
            answer = yield from perform(scope.session, Plan("GET", path, timeout=until - now, max_retries=0))
            conflict.remote = _bodies.decode_object(
                scope.description, scope.session, answer, (yield WALL), scope.parents
            )
        except RonError as caught:
            reason = caught.with_traceback(None)
    conflict.remote_error = reason
