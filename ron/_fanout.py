"""Which of many items wait, are under way or done, and when there is room for another. Nothing here may do I/O.

The running halves are ``ron._fanout_async`` and ``ron._fanout_sync``. The consumer's side adds items as long as there
is room and takes results; workers ask for jobs until there is none. So nothing waits for a consumer that never comes
back, and at most twice as many items are in hand as are under way, however many there are.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Callable, Generic, NamedTuple, Optional, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator

    from ._effects import Effect
    from .errors import RonError

__all__ = ["Books", "Job", "Progress", "Work"]

T = TypeVar("T")
Progress = Callable[[int, Optional[int]], object]
"""What is told how many are done, and of how many; None where that isn't known."""


class Job(NamedTuple):
    """One item: its position in the input, and what was given there."""

    at: int
    given: Any


class Work(Protocol[T]):
    """What is to be done with each item."""

    def flow(self, job: Job) -> Generator[Effect, Any, Any]:
        """The flow of one item."""
        ...

    def outcome(self, job: Job, value: Any, error: Optional[RonError]) -> T:
        """What is told of an item whose flow gave ``value`` or raised ``error``."""
        ...

    def gives_up(self, outcome: T) -> Optional[RonError]:
        """The error that ends it all: no further item is begun, and it is raised once those under way are through."""
        ...


class Books(Generic[T]):
    """The account of one run. ``ordered``: results come in the order of the input, else as they are done.

    The consumer keeps it. All that workers may call is ``job`` and ``stop``, which threads can do without a lock.

    Attributes:
        taken: how many results the consumer has.
        exhausted: whether no further item will be added.
    """

    def __init__(self, concurrency: int, *, ordered: bool) -> None:
        self._concurrency = concurrency
        self._ordered = ordered
        self._waiting: deque[Job] = deque()
        self._done: dict[int, T] = {}
        self._added = 0
        self._workers = 0
        self._stopping = False
        self.taken = 0
        self.exhausted = False

    def room(self) -> bool:
        """Whether another item may be added: of those not taken back yet at most twice the concurrency are in hand."""
        return not self.exhausted and self._added - self.taken < 2 * self._concurrency

    def wants(self) -> bool:
        """Whether the consumer should add an item before it takes one: not if all are busy and there is one to take."""
        return self.room() and not (self.ready() and self._added - self.taken - len(self._done) >= self._concurrency)

    def add(self, given: Any) -> bool:
        """Adds an item; tells whether a worker is to be started, which then counts as there."""
        self._waiting.append(Job(self._added, given))
        self._added += 1
        return self._hire()

    def job(self) -> Optional[Job]:
        """The next job for a worker; None sends the worker home, which is to be told by ``leave``."""
        try:
            return None if self._stopping else self._waiting.popleft()
        except IndexError:
            return None

    def leave(self) -> bool:
        """A worker has gone home; tells whether another is to be started for what was added since."""
        self._workers -= 1
        return bool(self._waiting) and self._hire()

    def _hire(self) -> bool:
        if self._workers >= self._concurrency:
            return False
        self._workers += 1
        return True

    def finish(self, job: Job, result: T) -> None:
        """A worker is through with a job."""
        self._done[job.at] = result

    def ready(self) -> bool:
        """Whether there is a result to take."""
        return self.taken in self._done if self._ordered else bool(self._done)

    def take(self) -> T:
        """The next result; only when ``ready``."""
        index = self.taken if self._ordered else next(iter(self._done))
        self.taken += 1
        return self._done.pop(index)

    def stop(self) -> None:
        """No worker gets another job."""
        self._stopping = True

    def halt(self) -> None:
        """No further item is begun, and those that wait are forgotten; what is under way may end."""
        self.stop()
        self.exhausted = True
        while self._waiting:
            try:
                self._waiting.popleft()
            except IndexError:  # a worker was quicker
                return
            self._added -= 1

    def over(self) -> bool:
        """Whether everything was taken and nothing will come any more."""
        return self.exhausted and self._added == self.taken
