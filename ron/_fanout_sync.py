"""Many flows at once, sync: at most so many threads, which live no longer than there is work for them.

Closing it, or whatever ends the iteration, lets no further item begin, takes the connections away from those under way
where the transport can do that (the default one can), and joins the threads. The input is read in the consumer's
thread.
"""

from __future__ import annotations

import contextvars
import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, Optional, TypeVar, Union

from ._clock import Clock
from ._drive import run_sync
from ._fanout import Books, Job
from ._secrets import bare
from .errors import RonConfigError, RonError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from typing_extensions import Self

    from ._drive import Ports
    from ._fanout import Progress, Work
    from ._values import Credential, Exchange

__all__ = ["FanOutSync"]

T = TypeVar("T")
_News = Union[None, BaseException, "tuple[Job, Any]"]

#: seconds after which a thread that has not ended yet has its connection taken away again: it may just have got one
_AGAIN = 0.02
#: seconds for which a thread without a job waits for another: the consumer may only be late. Not for longer, so that a
#: program can end that never comes back to its loop.
_LINGER = 0.2


class _Stopped(BaseException):
    """Ends a worker at its flow's next effect."""


class _Ports:
    """A client's ports, but for one run: once ``stop`` is set, no flow sends or sleeps any more."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self.stop = threading.Event()
        self.channel = self
        self.clock = _Clock(self, ports.clock)
        self.tokens = ports.tokens
        self.metrics = ports.metrics
        self.max_error_bytes = ports.max_error_bytes

    def check_open(self) -> None:
        self._ports.check_open()

    def check_going(self) -> None:
        if self.stop.is_set():
            raise _Stopped

    def send(self, exchange: Exchange, credential: Optional[Credential]) -> Any:
        self.check_going()
        return self._ports.channel.send(exchange, credential)

    def interrupt(self, threads: frozenset[int]) -> None:
        """Has the calls of these threads end now, where the transport can do that."""
        interrupt = getattr(self._ports.channel, "interrupt", None)
        if interrupt is not None:
            interrupt(threads)


class _Clock:
    """A clock whose ``sleep`` ends when the run does."""

    def __init__(self, ports: _Ports, clock: Clock) -> None:
        self._ports = ports
        self._clock = clock
        self.time = clock.time
        self.monotonic = clock.monotonic
        self._real = type(clock).sleep is Clock.sleep

    def sleep(self, seconds: float) -> None:
        if self._real:
            self._ports.stop.wait(seconds)
        else:
            self._clock.sleep(seconds)
        self._ports.check_going()


class FanOutSync(Generic[T]):
    """The sync twin of ``FanOutAsync``, for ``for``: threads instead of tasks. One consumer at a time.

    Leaving the loop stops what is under way, and ``with`` has seen to that when the block is left. A transport whose
    calls can't be ended from outside (``fast``, ``HttpxTransport``) lets them come to their own ends, by their
    deadlines.
    """

    def __init__(
        self,
        ports: Ports,
        work: Work[T],
        given: Iterable[Any],
        concurrency: int,
        *,
        ordered: bool,
        progress: Optional[Progress] = None,
    ) -> None:
        self._ports: Any = _Ports(ports)
        self._work = work
        self._given: Any = given
        self._progress = progress
        self._books: Books[T] = Books(concurrency, ordered=ordered)
        self._source: Any = None
        self._threads: list[threading.Thread] = []
        self._calls: SimpleQueue[None] = SimpleQueue()
        self._news: SimpleQueue[_News] = SimpleQueue()
        self.wrong: Optional[RonError] = None
        self._busy = self._closed = False

    def __iter__(self) -> Iterator[T]:
        """A loop over it; leaving the loop stops what is under way."""
        try:
            while True:
                try:
                    result = next(self)
                except StopIteration:
                    return
                yield result
                del result
        finally:
            self.close()

    def __next__(self) -> T:
        if self._busy:
            raise RonConfigError("this iterator is being read by another thread: make one for each")
        if self._closed:
            raise StopIteration
        self._busy = True
        try:
            result = self._next()
            self._tell()
        except BaseException:
            self._busy = False
            self.close()
            raise
        self._busy = False
        return result

    def _next(self) -> T:
        books = self._books
        while True:
            self._fill()
            if books.ready():
                return books.take()
            if books.over():
                break
            self._note(self._news.get())
        books.stop()
        self._call(len(self._threads))
        for thread in self._threads:
            thread.join()
        if self.wrong is not None:
            raise bare(self.wrong)
        raise StopIteration

    def _fill(self) -> None:
        """Takes items while there is room, and notes what there is to be noted."""
        if self._source is None:
            self._source = iter(self._given)
        while not self._news.empty():
            self._note(self._news.get())
        while self._books.wants():
            try:
                given = next(self._source)
            except StopIteration:
                self._books.exhausted = True
                return
            starts = self._books.add(given)
            self._call(1)
            if starts:
                self._start()

    def _call(self, workers: int) -> None:
        """Calls so many workers to see whether there is a job."""
        for _ in range(workers):
            self._calls.put(None)

    def _note(self, news: _News) -> None:
        """What a worker tells: a result; that it has gone home; or an error that is not an item's."""
        if self._closed:
            raise StopIteration
        if news is None:
            if self._books.leave():
                self._start()
        elif isinstance(news, BaseException):
            raise news
        else:
            job, outcome = news
            self._books.finish(job, outcome)
            wrong = self._work.gives_up(outcome)
            if wrong is not None:
                self.wrong = self.wrong or wrong
                self._books.halt()

    def _start(self) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(self._serve,), name="ron-many")
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        """One worker: job after job, until there is none."""
        news: _News = None
        try:
            while True:
                self._calls.get(timeout=_LINGER)
                job = self._books.job()
                if job is None:
                    break
                outcome = self._do(job)
                if self._work.gives_up(outcome) is not None:
                    self._books.stop()  # before anybody takes another job; the rest is the consumer's business
                self._news.put((job, outcome))
        except (Empty, _Stopped):
            pass
        except BaseException as error:  # noqa: BLE001 - raised again where the consumer waits
            news = error
        self._news.put(news)

    def _do(self, job: Job) -> T:
        caught: Optional[RonError] = None
        value: Any = None
        try:
            value = run_sync(self._ports, self._work.flow(job))
        except RonError as error:
            caught = bare(error)
        return self._work.outcome(job, value, caught)

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self._books.taken, len(self._given) if hasattr(self._given, "__len__") else None)

    def close(self) -> None:
        """Stops what is under way, and waits until it has ended; from another thread it ends the consumer's loop."""
        self._closed = True
        self._books.stop()
        self._ports.stop.set()
        self._call(len(self._threads))
        self._news.put(None)
        while True:
            alive = [thread for thread in self._threads if thread.is_alive()]
            if not alive:
                break
            self._ports.interrupt(frozenset(thread.ident for thread in alive))
            alive[0].join(_AGAIN)
        source, self._source = self._source, iter(())
        if source is not None and source is not self._given and hasattr(source, "close"):
            source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()
