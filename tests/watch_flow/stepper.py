"""Runs a flow effect by effect against a toy node, on a fake clock: waiting is shown, never done."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, NamedTuple, Optional, Union

from ron._effects import Close, Emit, Now, Read, Send, Sleep
from ron._values import Failure
from ron.errors import RonError
from ron.resources._mirror import Mirrored
from ron.resources._operations import Scope
from ron.resources._watch_options import watch_options
from ron.resources._watch_states import LAST, TRANSITIONS
from ron.resources.watch import _Changes
from tests.unit.resource_declarations import described
from tests.unit.rig import make_session
from tests.watch_flow.toy import Thing, ToyNode, ToyStream


class Idle(NamedTuple):
    """Waiting for bytes; `due` is when that ends by itself."""

    due: Optional[float]


class Asleep(NamedTuple):
    """Waiting for a time."""

    due: float


class Ended(NamedTuple):
    """The flow is through, perhaps with an error."""

    error: Optional[RonError]


Waiting = Union[Idle, Asleep]


class Stepper:
    """One flow under way. `step` gives what it emits, or what it waits for; asked again, it looks again."""

    def __init__(self, node: ToyNode, flow: Generator[Any, Any, Any]) -> None:
        self.node = node
        self.flow = flow
        self.streams: list[ToyStream] = []
        self.effects = 0
        self.sent: list[float] = []
        self.told: set[str] = set()
        self.waiting: Any = None
        self.due: Optional[float] = None
        self.ended: Optional[Ended] = None

    def step(self) -> Any:
        """The next item that is emitted; `Idle`, `Asleep` or `Ended`."""
        if self.ended is not None:
            return self.ended
        answer: Any = None
        thrown: Optional[BaseException] = None
        while True:
            if self.waiting is not None:
                pending = self._look()
                if isinstance(pending, (Idle, Asleep)):
                    return pending
                answer, thrown = (None, pending) if isinstance(pending, Failure) else (pending, None)
                self.waiting = None
            try:
                effect = self.flow.send(answer) if thrown is None else self.flow.throw(thrown)
            except StopIteration:
                return self._end(None)
            except RonError as error:
                return self._end(error)
            self.effects += 1
            answer = thrown = None
            if isinstance(effect, Emit):
                return effect.item
            if isinstance(effect, (Read, Sleep)):
                self._wait(effect)
                continue
            try:
                answer = self._answer(effect)
            except Failure as failure:
                thrown = failure

    def _wait(self, effect: Any) -> None:
        now = self.node.clock.monotonic()
        seconds = effect.seconds if isinstance(effect, Sleep) else effect.timeout
        assert seconds is None or seconds >= 0, effect
        self.waiting, self.due = effect, None if seconds is None else now + seconds

    def _look(self) -> Any:
        """What has become of the effect that it waits for."""
        over = self.due is not None and self.node.clock.monotonic() >= self.due
        if isinstance(self.waiting, Sleep):
            return None if over else Asleep(self.due or 0.0)
        try:
            data = self.waiting.stream.take(self.node.chunk)
        except Failure as failure:
            return failure
        if data is not None:
            return data
        if over:
            return Failure("timeout", "nothing came in time", sent=True, timed_out=True)
        return Idle(self.due)

    def _answer(self, effect: Any) -> Any:
        if isinstance(effect, Now):
            return self.node.clock.time() if effect.wall else self.node.clock.monotonic()
        if isinstance(effect, Close):
            effect.stream.closed = True
            self.streams.remove(effect.stream)
            return None
        assert isinstance(effect, Send), effect
        self.node.clock.advance(effect.wait)
        self.sent.append(self.node.clock.monotonic())
        answer = self.node.answer(effect.exchange, self.told, stream=effect.stream)
        if isinstance(answer, ToyStream):
            self.streams.append(answer)
        return answer

    def _end(self, error: Optional[RonError]) -> Ended:
        for stream in self.streams:
            stream.closed = True
        self.streams.clear()
        self.ended = Ended(error)
        return self.ended

    @property
    def asleep(self) -> bool:
        """Whether it waits for a time."""
        return isinstance(self.waiting, Sleep)

    def wake(self) -> None:
        """Lets the time pass that it waits for, if any."""
        if self.waiting is not None and self.due is not None:
            self.node.clock.advance(max(0.0, self.due - self.node.clock.monotonic()) + 1e-6)

    def close(self) -> None:
        """What the drivers do at the end."""
        self.flow.close()
        self._end(None)


class ToyWatch(_Changes[Any]):
    """A watch on a toy node, step by step; it hands changes out as `Watch` does."""

    def __init__(
        self,
        node: ToyNode,
        *,
        cursor: Optional[str] = None,
        cls: Any = Thing,
        query: Optional[Mapping[str, Any]] = None,
        timeout: float = 10.0,
        **options: Any,
    ) -> None:
        given = dict.fromkeys(
            "idle_timeout max_events max_duration max_failures max_tracked poll_interval buffer".split()
        )
        made = watch_options(**{"initial": False, "strict": False, **given, **options})
        scope = Scope(described(cls), make_session(node.clock, timeout=timeout), {})
        super().__init__(scope, None, {}, cursor=cursor, query=query, options=made)
        self.stepper = Stepper(node, self._watching.flow())
        self.node = node

    def next(self) -> Any:
        """The next change, or `Idle`, `Asleep`, `Ended`."""
        while True:
            for change in self._ready:
                return change
            found = self.stepper.step()
            if isinstance(found, (Idle, Asleep, Ended)):
                return found
            self._ready = self._handed_out(found)

    def ready(self) -> list[Any]:
        """All changes up to where it must wait, or has ended."""
        found: list[Any] = []
        while True:
            change = self.next()
            if isinstance(change, (Idle, Asleep, Ended)):
                return found
            found.append(change)
            assert len(found) < 100_000

    def fail(self) -> RonError:
        """The error that it has ended with."""
        while True:
            found = self.next()
            if isinstance(found, Ended):
                assert found.error is not None
                return found.error
            if isinstance(found, Asleep):
                self.stepper.wake()
            assert not isinstance(found, Idle)

    def sleep_through(self, most: int = 1000) -> list[Any]:
        """All changes up to where it waits for bytes, or has ended: waits for times are let pass, up to `most`."""
        found = self.ready()
        for _ in range(most):
            if not self.stepper.asleep:
                break
            self.stepper.wake()
            found += self.ready()
        return found

    def close(self) -> None:
        """As `Watch.aclose` does."""
        self._closed = True
        self.stepper.close()


def apply(cache: dict[str, Any], change: Any) -> None:
    """The five lines of the design."""
    if change.type in ("added", "modified", "listed"):
        cache[change.key] = change.item
    elif change.type == "deleted":
        cache.pop(change.key, None)
    elif change.type == "resync":
        for key in [key for key in cache if key not in change.keys]:
            del cache[key]


def as_store(objects: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Objects as the node holds them."""
    return {key: item.model_dump(exclude_unset=True) for key, item in objects.items()}


def mirrored(*index: Any) -> Mirrored:
    """What a mirror of things holds."""
    return Mirrored(described(Thing), list(index))


def closable(status: str) -> bool:
    """Whether the table lets a watch end from here."""
    return any(state == status and to == LAST for (state, _), to in TRANSITIONS.items())
