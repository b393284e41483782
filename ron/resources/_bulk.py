"""Calls on many items: what each one is, what became of it, and of all of them. Nothing here may do I/O."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Optional, TypeVar, Union, overload

from pydantic import BaseModel

from .._effects import NOW
from .._suggest import shown
from ..errors import RonBulkError, RonConfigError, RonError, RonInputError, RonTimeoutError
from . import _operations

if TYPE_CHECKING:
    from collections.abc import Generator

    from typing_extensions import Self

    from .._effects import Effect
    from .._fanout import Job, Progress
    from ._operations import Scope

__all__ = [
    "BulkResult",
    "Many",
    "Outcome",
    "bulk_result",
    "check_many",
    "checked_concurrency",
    "checked_each_key",
    "checked_progress",
]

R = TypeVar("R")

#: how many failures a message tells of, and how much of each
MAX_TOLD = 3
MAX_TEXT = 200


@dataclass(frozen=True)
class Outcome(Generic[R]):
    """What became of one item.

    Attributes:
        index: its position in the input, from 0.
        given: what was given there: a key, an object, a draft, or fields.
        value: the result; None where there is an error.
        error: why it failed; None where it did not.
    """

    index: int
    given: Any
    value: Optional[R]
    error: Optional[RonError]

    @property
    def label(self) -> str:
        """The item for messages: its key, or its position where it has none; never its fields."""
        parts = self.given if isinstance(self.given, tuple) else (self.given,)
        is_key = bool(parts) and all(isinstance(part, (str, int)) for part in parts)
        return shown(self.given) if is_key else f"item {self.index}"


@dataclass(frozen=True, repr=False)
class BulkResult(Sequence[Outcome[R]], Generic[R]):
    """What became of all items, in the order of the input: a sequence of :class:`Outcome`.

    Attributes:
        call: what was done, such as ``get_many``.
        resource: the resource's name.
        outcomes: one for each item.
    """

    call: str
    resource: str
    outcomes: tuple[Outcome[R], ...]

    @property
    def ok(self) -> list[R]:
        """The results of the items that succeeded, in order; of ``delete_many`` what was given."""
        values: list[Any] = [outcome.value for outcome in self.outcomes if outcome.error is None]
        return values

    @property
    def failed(self) -> list[tuple[Any, RonError]]:
        """Those that failed, in order: what was given (``get_many``: the key), and the error."""
        return [(outcome.given, outcome.error) for outcome in self.outcomes if outcome.error is not None]

    def raise_for_failed(self) -> Self:
        """Itself, if nothing failed.

        Raises:
            RonBulkError: counting the failures and naming the first; ``result`` is this.
        """
        failures = [outcome for outcome in self.outcomes if outcome.error is not None]
        if not failures:
            return self
        told = "; ".join(f"{one.label}: {_short(one.error)}" for one in failures[:MAX_TOLD])
        more = f"; and {len(failures) - MAX_TOLD} more" if len(failures) > MAX_TOLD else ""
        first = failures[0].error
        assert first is not None
        raise RonBulkError(
            f"{self.call} of {self.resource}: {len(failures)} of {len(self)} failed: {told}{more}",
            result=self,
            request_id=first.request_id,
            attempts=sum(one.error.attempts for one in failures if one.error is not None),
        )

    @overload
    def __getitem__(self, index: int) -> Outcome[R]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Outcome[R]]: ...
    def __getitem__(self, index: Union[int, slice]) -> Union[Outcome[R], Sequence[Outcome[R]]]:
        return self.outcomes[index]

    def __len__(self) -> int:
        return len(self.outcomes)

    def __repr__(self) -> str:
        failed = sum(outcome.error is not None for outcome in self.outcomes)
        return f"<BulkResult of {self.call} of {self.resource}: {len(self) - failed} ok, {failed} failed>"


def _short(error: Optional[RonError]) -> str:
    text = f"{type(error).__name__}: {error}"
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


class Many:
    """One call on many items, as ``ron._fanout.Work``: the flow of each, and when to give up.

    Args:
        scope: where; checked at once: what is wrong with the call itself is wrong before any item is looked at.
        call: its name, such as ``get_many``.
        until: when the time for all is over, of the client's monotonic clock; None: each item has its own deadline.
        options: ``missing_ok`` of a deletion, ``key`` of a creation.
    """

    def __init__(self, scope: Scope, call: str, until: Optional[float] = None, **options: Any) -> None:
        self._scope = scope
        self._operation = _OPERATIONS[call]
        self._until = until
        self._options = options
        self._under_way: dict[int, Job] = {}
        scope.description.check_operation(call.partition("_")[0])

    def flow(self, job: Job) -> Generator[Effect, Any, Any]:
        """The flow of one item."""
        if not isinstance(job.given, BaseModel):
            return (yield from self._one(job.given))
        if self._under_way.setdefault(id(job.given), job) is not job:  # atomic: threads may be here at once
            raise RonInputError("this object is given twice: each can be under way once")
        try:
            return (yield from self._one(job.given))
        finally:
            del self._under_way[id(job.given)]

    def _one(self, given: Any) -> Generator[Effect, Any, Any]:
        scope = self._scope
        if self._until is not None:
            left = self._until - (yield NOW)
            if left <= 0:
                raise RonTimeoutError("the time given for all of them was over before this one was begun")
            scope = scope._replace(session=scope.session.with_options(left, None, ()))
        return (yield from self._operation(scope, given, **self._options))

    def outcome(self, job: Job, value: Any, error: Optional[RonError]) -> Outcome[Any]:
        """What became of one item."""
        return Outcome(job.at, job.given, value, error)

    def gives_up(self, outcome: Outcome[Any]) -> Optional[RonError]:
        """Wrong use, such as a closed client or an object of another client, would go wrong for all; wrong data not."""
        error = outcome.error
        return error if isinstance(error, RonConfigError) and not isinstance(error, RonInputError) else None


def _get(scope: Scope, given: Any) -> Generator[Effect, Any, Any]:
    return _operations.get(scope, given)


def _create(scope: Scope, given: Any, *, key: Optional[bool]) -> Generator[Effect, Any, Any]:
    if not isinstance(given, Mapping):
        return (yield from _operations.create(scope, given, {}, key))
    for name in given:
        if not isinstance(name, str):
            raise RonInputError(f"the fields of a {scope.description.name} have names: {shown(name)} is none")
    return (yield from _operations.create(scope, None, given, key))


def _delete(scope: Scope, given: Any, *, missing_ok: bool) -> Generator[Effect, Any, Any]:
    yield from _operations.delete(scope, given, missing_ok=missing_ok, idempotency_key=None)
    return given


_OPERATIONS: Mapping[str, Any] = {"get_many": _get, "create_many": _create, "delete_many": _delete}


def bulk_result(
    call: str, scope: Scope, given: Sequence[Any], found: Mapping[int, Outcome[Any]], error: Optional[RonError]
) -> BulkResult[Any]:
    """The result of all items. Those that were not begun because of ``error`` have it as theirs.

    Raises:
        RonConfigError: ``error``, if nothing was sent for any of them: then there is nothing else to tell.
    """
    if error is not None and all(one.error is not None and not one.error.attempts for one in found.values()):
        raise error
    outcomes = (found.get(index) or Outcome(index, one, None, error) for index, one in enumerate(given))
    return BulkResult(call, scope.description.name, tuple(outcomes))


def check_many(call: str, given: Any, *, sync: bool) -> None:
    """Refuses what is one item, or none, where several are wanted; what is iterated by mistake is hard to find."""
    several = isinstance(given, (Iterable, AsyncIterable)) or hasattr(given, "__getitem__")
    if isinstance(given, (str, bytes, Mapping, BaseModel)) or not several:
        example = '[{"name": "a"}, {"name": "b"}]' if call.endswith("create_many") else '["i-1", "i-2"]'
        raise RonInputError(f"{call} takes several items, such as {example}, not one {type(given).__name__}")
    if sync and isinstance(given, AsyncIterable) and not isinstance(given, Iterable):
        raise RonInputError(f"{call}: {type(given).__name__} is async, but the client is sync: use a RonClient for it")


def checked_concurrency(concurrency: int, most: int) -> int:
    """How many are under way at once: what was asked for, and no more than the client has connections for."""
    if not isinstance(concurrency, int) or isinstance(concurrency, bool) or concurrency < 1:
        raise RonInputError(f"concurrency must be a whole number of at least 1, not {shown(concurrency)}")
    return min(concurrency, most)


def checked_progress(progress: Optional[Progress]) -> Optional[Progress]:
    """A plain function, or None: nobody would await what an async one returns."""
    if progress is not None and (not callable(progress) or inspect.iscoroutinefunction(progress)):
        raise RonInputError("progress must be a plain function of two numbers: progress(done, total)")
    return progress


def checked_each_key(idempotency_key: Optional[bool]) -> Optional[bool]:
    """True, or None: one key for several creations would make the service take them for one."""
    if idempotency_key is not None and idempotency_key is not True:
        raise RonInputError(
            "each item needs an idempotency key of its own: write idempotency_key=True to have them made"
        )
    return idempotency_key
