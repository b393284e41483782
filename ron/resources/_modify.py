"""``modify``: read, change, write, and again from the start while others write in between. Nothing here may do I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional

from .._backoff import BASE_TRANSIENT, full_jitter
from .._effects import NOW, Invoke, Sleep
from .._suggest import shown
from .._values import UNSET
from ..errors import RonConflictError, RonInputError, RonTimeoutError
from . import _bodies, _operations
from ._conflicts import tell

if TYPE_CHECKING:
    from collections.abc import Generator

    from .._effects import Effect
    from ._operations import Scope

__all__ = ["modify"]


def modify(scope: Scope, key: Any, change: Any, attempts: int) -> Generator[Effect, Any, Any]:
    """Reads an object, has ``change`` change it, and saves it; after a conflict again, at most ``attempts`` times.

    One deadline spans it all, the function included. Between two attempts it waits ``U(0, 50 ms * 2^(n-1))``.

    Raises:
        RonConflictError: of the last attempt, with ``local``, ``base`` and ``remote``.
    """
    description = scope.description
    if description.singleton and change is UNSET:
        key, change = UNSET, key
    for operation in ("get", "update"):
        description.check_operation(operation)
    if not callable(change):
        raise RonInputError(
            f"modify takes a function that changes the {description.name} that it is given, not {shown(change)}"
        )
    if not isinstance(attempts, int) or isinstance(attempts, bool) or attempts < 1:
        raise RonInputError(f"attempts must be a whole number of at least 1, not {shown(attempts)}")
    until = (yield NOW) + scope.session.timeout
    attempt = 0
    while True:
        attempt += 1
        obj = yield from _operations.get((yield from _within(scope, until, "read")), key)
        _apply(description, obj, (yield Invoke(change, (obj,))))
        conflict: Optional[RonConflictError] = None
        try:
            return (yield from _operations.save_known((yield from _within(scope, until, "write")), obj, None))
        except RonConflictError as caught:
            conflict = caught
        wait = full_jitter(attempt, BASE_TRANSIENT, scope.session.random())
        if attempt == attempts or (yield NOW) + wait >= until:
            yield from tell(scope.of(obj), conflict, obj, scope.item(key), until)
            raise conflict
        yield Sleep(wait)


def _within(scope: Scope, until: float, step: str) -> Generator[Effect, Any, Scope]:
    """The scope, with what is left of the time."""
    left = until - (yield NOW)
    if left <= 0:
        raise RonTimeoutError(f"modify of {scope.description.name}: the deadline left no time to {step} it")
    return scope._replace(session=scope.session.with_options(left, None, ()))


def _apply(description: Any, obj: Any, returned: Any) -> None:
    """What the function returned: nothing or the object, which it changed in place, or changes by field name."""
    if returned is None or returned is obj:
        return
    if not isinstance(returned, Mapping):
        raise RonInputError(
            f"modify: the function changes the {description.name} in place, or returns a mapping of changes, not "
            f"{type(returned).__name__}"
        )
    for name in returned:
        if name not in description.fields:
            raise RonInputError(f"modify: {description.unknown_field(name)}")
    _bodies.assign(description, obj, returned)
