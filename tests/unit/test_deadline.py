"""One deadline over a whole call, whichever effect it passes in; both drivers, on a clock that tests move."""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from typing import Any, Callable, Optional

import pytest

from ron import RonClient, RonClientSync
from ron._drive import Ports, answer_async, answer_sync
from ron._effects import Send
from ron._flow import perform
from ron._plan import plain_plan
from ron._session import Authority
from ron._tokens import TokenSource
from ron._values import Exchange, Failure, Reply
from ron.errors import RonError, RonOutcomeUnknownError, RonServerError, RonTimeoutError
from ron.metrics import RequestMetrics
from ron.testing import FakeClock
from tests.unit.rig import OK, Outcome, Player, ScriptTransport, late, lost, make_session, plan, refused, reply


def after(clock: FakeClock, seconds: float, outcome: Outcome) -> Callable[[Exchange], Outcome]:
    """An attempt that takes so long and ends like that."""

    def attempt(_: Exchange) -> Outcome:
        clock.advance(seconds)
        return outcome

    return attempt


async def both(make: Callable[[Any, FakeClock], Any], clocks: tuple[FakeClock, FakeClock]) -> list[Any]:
    """What a call gives on the async and on the sync client, an error included."""
    results: list[Any] = []
    for kind, clock in zip((RonClient, RonClientSync), clocks):
        try:
            result = make(kind, clock)
            results.append(await result if isinstance(result, Awaitable) else result)
        except RonError as error:
            results.append(error)
    return results


def clocks(jitter: float = 0.0) -> tuple[FakeClock, FakeClock]:
    """One for each colour."""
    return FakeClock(jitter=jitter), FakeClock(jitter=jitter)


# --- One deadline ---------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_the_provider_the_attempts_and_the_waits_share_one_deadline() -> None:
    """A provider that takes 6 s, an attempt of 3 s and a wait of 0.9 s leave no room in 10 s for another wait."""
    times = clocks(jitter=0.9)
    scripts = []

    def call(kind: Any, clock: FakeClock) -> Any:
        script = ScriptTransport(after(clock, 3.0, reply(429)), after(clock, 0.0, reply(429)))
        scripts.append(script)

        def provide() -> str:
            clock.advance(6.0)
            return "t-1"

        return kind(transport=script, token_provider=provide, clock=clock).get("/app/x")

    errors = await both(call, times)
    assert [2, 2] == [error.attempts for error in errors]
    assert [[10.0, 10.0]] * 2 == [[one.deadline for one in script.exchanges] for script in scripts]
    assert [[0.9]] * 2 == [clock.sleeps for clock in times]


@pytest.mark.anyio
async def test_middleware_spends_the_calls_time() -> None:
    """The deadline is set before middleware runs, so its time counts."""
    times = clocks()
    scripts = []

    def call(kind: Any, clock: FakeClock) -> Any:
        class Slow:
            def before(self, request: Any) -> None:
                clock.advance(9.99)

        scripts.append(ScriptTransport(OK))
        client = kind(transport=scripts[-1], clock=clock)
        client.add_middleware(Slow())
        return client.get("/app/x")

    assert [{"ok": True}] * 2 == await both(call, times)
    assert [10.0, 10.0] == [script.exchanges[0].deadline for script in scripts]


@pytest.mark.parametrize(("took", "attempts"), [(8.98, 2), (9.0, 1), (9.5, 1), (11.0, 1)])
def test_no_wait_ends_at_the_deadline_or_later(took: float, attempts: int) -> None:
    """A wait of 1 s is begun only if some time is left after it."""
    player = Player(reply(503, retry_after="1"), OK, took=took)
    call = perform(make_session(FakeClock(jitter=0.0)), plan())
    if attempts == 2:
        assert 2 == player.run(call).attempts
    else:
        assert 1 == player.fail(call, RonServerError).attempts


def test_a_hint_beyond_the_deadline_is_told_at_once() -> None:
    """Nothing is waited for an answer that cannot be in time: the caller has the hint and the rest of the time."""
    clock = FakeClock(jitter=0.0)
    player = Player(reply(503, retry_after="7"), clock=clock, took=4.0)
    error = player.fail(perform(make_session(clock), plan()), RonServerError)
    assert (7.0, 4.0, []) == (error.retry_after, clock.monotonic(), [wait for wait in clock.sleeps if wait])


@pytest.mark.parametrize(
    ("method", "before", "kind"),
    [
        ("GET", [], RonTimeoutError),
        ("POST", [], RonTimeoutError),
        ("PUT", [lost()], RonOutcomeUnknownError),
        ("PUT", [refused()], RonTimeoutError),
        ("GET", [lost()], RonTimeoutError),
    ],
)
def test_a_deadline_that_passes_before_sending(method: str, before: list[Failure], kind: type[RonError]) -> None:
    """A transport that had no time left to send says nothing of the attempts before it."""
    clock = FakeClock(jitter=0.0)
    call = perform(make_session(clock, max_retries=len(before)), plan(method))
    assert len(before) + 1 == Player(*before, late(sent=False), clock=clock).fail(call, kind).attempts


@pytest.mark.anyio
async def test_an_answer_that_arrived_whole_is_kept() -> None:
    """Decoding cannot be interrupted; what is known by then is returned, also if the deadline has just passed."""

    def call(kind: Any, clock: FakeClock) -> Any:
        return kind(transport=ScriptTransport(after(clock, 11.0, OK)), clock=clock).post("/app/x", json={})

    assert [{"ok": True}] * 2 == await both(call, clocks())


@pytest.mark.anyio
async def test_a_refresh_ends_at_the_deadline() -> None:
    """The second question to the provider has what the first attempt left of the call's time, and no more."""

    def call(kind: Any, clock: FakeClock) -> Any:
        given = iter(["t-1", "t-2"])
        taken = iter([0.0, 2.5])

        def provide() -> str:
            clock.advance(next(taken))
            return next(given)

        script = ScriptTransport(after(clock, 8.0, reply(401)), late(sent=False))
        return kind(transport=script, token_provider=provide, clock=clock, max_retries=0).get("/app/x")

    errors = await both(call, clocks())
    assert [RonTimeoutError] * 2 == [type(error) for error in errors]


# --- Two clocks -------------------------------------------------------------------------------------------


class Jumping(FakeClock):
    """Its wall clock goes an hour back with every look at it; its monotonic one does not."""

    looks = 0

    def time(self) -> float:
        self.looks += 1
        return super().time() - 3600.0 * self.looks


def test_only_dates_are_read_from_the_wall_clock() -> None:
    """A wall clock that is set back changes neither deadline nor jitter nor hints in seconds."""
    clock = Jumping(jitter=0.5)
    player = Player(reply(503), reply(503, retry_after="2"), OK, clock=clock)
    player.run(perform(make_session(clock), plan()))
    assert [0.0, 0.025, 2.5] == pytest.approx(player.waits)
    assert 10.0 == player.sends[-1].exchange.deadline


# --- Answers that drip ------------------------------------------------------------------------------------


class Drip:
    """An error answer behind a stream, one byte a second, for ever."""

    status = 503
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.timeouts: list[Optional[float]] = []
        self.closed = False

    def take(self, timeout: Optional[float]) -> bytes:
        self.timeouts.append(timeout)
        self.clock.advance(1.0)
        return b"x"


class SyncDrip(Drip):
    def read(self, timeout: Optional[float]) -> bytes:
        return self.take(timeout)

    def close(self) -> None:
        self.closed = True


class AsyncDrip(Drip):
    async def read(self, timeout: Optional[float]) -> bytes:
        return self.take(timeout)

    async def aclose(self) -> None:
        self.closed = True


class Channel:
    """Opens that one stream, for either colour."""

    def __init__(self, drip: Any) -> None:
        self.drip = drip

    def stream(self, exchange: Exchange, credential: Any) -> Any:
        async def opened() -> Any:
            return self.drip

        return opened() if isinstance(self.drip, AsyncDrip) else self.drip


def ports(drip: Any) -> tuple[Ports, Send]:
    """A driver's ports on that stream, and the effect that opens it with 3 s left."""
    made = Ports("test", Channel(drip), drip.clock, TokenSource(Authority(), "Bearer", None), RequestMetrics())
    exchange = make_session(drip.clock).exchange(plain_plan("GET", "/app/x", timeout=3.0), "r-1", 0.0)
    return made, Send(exchange, None, 0.0, stream=True)


@pytest.mark.anyio
async def test_an_error_answer_that_drips_ends_at_the_deadline() -> None:
    """One byte a second keeps each read in time, but not the whole: after 3 s the stream is closed, on both drivers."""
    for drip in (SyncDrip(FakeClock()), AsyncDrip(FakeClock())):
        with pytest.raises(Failure) as raised:
            if isinstance(drip, SyncDrip):
                answer_sync(*ports(drip))
            else:
                await answer_async(*ports(drip))
        assert (True, True, "timeout") == (raised.value.timed_out, raised.value.sent, raised.value.kind)
        assert ([3.0, 2.0, 1.0], True) == (drip.timeouts, drip.closed)


# --- Pages --------------------------------------------------------------------------------------------------


def test_every_call_has_a_deadline_of_its_own() -> None:
    """The deadline is counted from the beginning of the call, not of the client."""
    clock = FakeClock()
    session = make_session(clock)
    deadlines = []
    for _ in range(3):
        player = Player(OK, clock=clock, took=4.0)
        call: Generator[Any, Any, Any] = perform(session, plan())
        player.run(call)
        deadlines.append(player.sends[0].exchange.deadline)
    assert [10.0, 14.0, 18.0] == deadlines


def test_the_answer_behind_a_stream_is_read_whole() -> None:
    """An error that ends in time is an ordinary answer."""

    class Short(SyncDrip):
        def take(self, timeout: Optional[float]) -> bytes:
            return b"" if len(self.timeouts) == 2 else super().take(timeout)

    drip = Short(FakeClock())
    assert Reply(503, (), b"xx") == answer_sync(*ports(drip))
    assert drip.closed
