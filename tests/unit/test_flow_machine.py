"""The policy under any sequence of outcomes: calls of one client, interleaved on a fake clock, against a model.

The model says of each outcome what must come next, and keeps the budget's account; it is written from design §3, not
from the code.
"""

from __future__ import annotations

import copy
from collections.abc import Generator
from datetime import datetime, timezone
from email.utils import format_datetime
from typing import Any, NamedTuple, Optional, Union

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ron._effects import NeedToken, Now, Send
from ron._flow import Answer, perform
from ron._plan import METHODS, Plan
from ron._session import Session
from ron._values import Failure, Reply
from ron.errors import (
    RonConfigError,
    RonError,
    RonNetworkError,
    RonOutcomeUnknownError,
    RonParseError,
    RonResponseTooLargeError,
    RonTimeoutError,
    problem_error_class,
)
from ron.testing import FakeClock
from tests.unit.rig import credential, make_session, plan, reply

READS = ("GET", "HEAD", "OPTIONS")
REPEATABLE = (*READS, "PUT", "DELETE")
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
#: those with a rule of their own come more often
STATUSES = (401, *[404] * 3, *[412] * 3, *[408] * 2, *[429] * 3, *TRANSIENT, 409, 302, 400, 403, 451, 501, 599)
MOST_CALLS = 3

#: a number is written as seconds, a tuple as a date so many seconds from now; then how many seconds it stands for
HINTS = st.none() | st.sampled_from([0, 1, 5, 59, 60, 61, 3600, "soon", "-1", "1.5", (30,), (-30,), (90,)])
#: body, and what it says: may it be repeated, after how many seconds
BODIES: st.SearchStrategy[tuple[bytes, Optional[bool], Optional[float]]] = st.just((b"", None, None)) | st.sampled_from(
    [
        (b'{"retryable":true}', True, None),
        (b'{"retryable":false}', False, None),
        (b'{"retry_after_ms":1500}', None, 1.5),
        (b'{"retry_after_ms":0,"retryable":true}', True, 0.0),
        (b'{"retry_after_ms":70000}', None, 70.0),
        (b'{"retry_after_ms":-1,"retryable":"no"}', None, None),
        (b"<html>", None, None),
    ]
)
#: mostly none, so that calls live to be repeated
TIMES = st.just(0.0) | st.sampled_from([0.0, 0.01, 0.1]) | st.floats(0, 3)


class Told(NamedTuple):
    """An answer, and what the model reads in it."""

    reply: Reply
    retryable: Optional[bool] = None
    hint: Optional[float] = None


class InFlight:
    """One call: its flow, and the model's account of it."""

    def __init__(self, session: Session, made: Plan, condition: dict[str, str], now: float) -> None:
        self.plan = made
        guarded = condition.get("If-Match", "*") != "*"
        self.may_repeat = made.method in REPEATABLE or guarded or made.key is not None
        self.conditional = bool(condition) and made.method not in READS
        self.deadline = now + (session.timeout if made.timeout is None else made.timeout)
        self.flow: Generator[Any, Any, Answer] = perform(session, made)
        self.effect: Any = None
        self.ready_at = now
        self.sends: list[Send] = []
        self.retries = 0
        self.last_cost = 0
        self.refreshed = False
        self.touched = False
        self.expected: Union[type[RonError], str, None] = None
        self.hint: Optional[float] = None


class Calls(RuleBasedStateMachine):
    """Calls of one client, several at once; each rule answers what one of the flows asks for."""

    @initialize(
        retries=st.sampled_from([3, 1, 2, 5, 0]),
        timeout=st.sampled_from([600.0, 60.0, 10.0, 1.0, 0.05]),
        jitter=st.sampled_from([0.0, 0.5]) | st.floats(0, 1, exclude_max=True),
        provider=st.booleans(),
    )
    def make_client(self, retries: int, timeout: float, jitter: float, provider: bool) -> None:
        """A client with some settings; without a provider it has a fixed token."""
        self.clock = FakeClock(jitter=jitter)
        self.session = make_session(self.clock, max_retries=retries, timeout=timeout)
        self.session.authority.renewable = provider
        self.session.authority.credential = None if provider else credential("fixed")
        self.calls: list[InFlight] = []
        self.bucket = 500
        self.tokens = 0

    # --- What callers and nodes do --------------------------------------------------------------------

    @precondition(lambda self: len(self.calls) < MOST_CALLS)
    @rule(
        method=st.sampled_from(METHODS),
        key=st.none() | st.just("k-1"),
        condition=st.sampled_from([{}, {"If-Match": '"v1"'}, {"If-Match": "*"}, {"If-None-Match": "*"}]),
        timeout=st.none() | st.sampled_from([600.0, 0.2]),
    )
    def begin(self, method: str, key: Optional[str], condition: dict[str, str], timeout: Optional[float]) -> None:
        """A call begins."""
        made = plan(method, key=key, headers=condition, timeout=timeout)
        call = InFlight(self.session, made, condition, self.clock.monotonic())
        self.calls.append(call)
        self._advance(call, "send", None)

    @precondition(lambda self: self._sending())
    @rule(which=st.integers(0, MOST_CALLS), status=st.sampled_from([200, 201, 204]), took=TIMES)
    def succeed(self, which: int, status: int, took: float) -> None:
        """The node answers well."""
        self._end_attempt(self._one(which), Told(reply(status)), took)

    @precondition(lambda self: self._sending())
    @rule(
        which=st.integers(0, MOST_CALLS),
        status=st.sampled_from(STATUSES),
        body=BODIES,
        written=HINTS,
        took=TIMES,
    )
    def refuse(
        self,
        which: int,
        status: int,
        body: tuple[bytes, Optional[bool], Optional[float]],
        written: Union[int, str, tuple[int], None],
        took: float,
    ) -> None:
        """The node answers with an error, and perhaps with a hint in the body, in the field, or both."""
        call = self._one(which)
        self._pass(call, took)
        content, retryable, hint = body
        field, seconds = self._field(written)
        answer = reply(status, content) if field is None else reply(status, content, retry_after=field)
        self._end_attempt(call, Told(answer, retryable, seconds if hint is None else hint), 0.0)

    @precondition(lambda self: self._sending())
    @rule(which=st.integers(0, MOST_CALLS))
    def reject_the_token(self, which: int) -> None:
        """The node doesn't take the token, or no longer."""
        self._end_attempt(self._one(which), Told(reply(401)), 0.0)

    @precondition(lambda self: self._sending())
    @rule(
        which=st.integers(0, MOST_CALLS),
        ends=st.lists(
            st.sampled_from(["read", "connect", 408, 425, 429, 503, 401, "in 2 s", "in 2 s"]), min_size=1, max_size=3
        ),
        last=st.sampled_from([200, 401, 404, 412, 409, "connect", "read", "503, not retryable", "412, retryable"]),
    )
    def go_through(self, which: int, ends: list[Union[int, str]], last: Union[int, str]) -> None:
        """One call has a bad time while the others wait: these attempts, as far as it makes them, then the last."""
        call = self._one(which)
        for end in (*ends, last):
            if not isinstance(call.effect, Send) or call not in self.calls:
                return
            if isinstance(end, int):
                self._end_attempt(call, Told(reply(end)), 0.0)
            elif end == "in 2 s":
                self._end_attempt(call, Told(reply(503, retry_after="2"), None, 2.0), 0.0)
            elif "retryable" in end:
                flag = "not" not in end
                body = f'{{"retryable":{str(flag).lower()}}}'.encode()
                self._end_attempt(call, Told(reply(int(end[:3]), body), flag), 0.0)
            else:
                self._end_attempt(call, Failure(end, "broken", sent=end == "read"), 0.0)

    @precondition(lambda self: self._sending())
    @rule(which=st.integers(0, MOST_CALLS), sent=st.booleans(), timed_out=st.booleans(), took=TIMES)
    def break_off(self, which: int, sent: bool, timed_out: bool, took: float) -> None:
        """No answer arrives."""
        kind = "timeout" if timed_out else "read" if sent else "connect"
        self._end_attempt(self._one(which), Failure(kind, "broken", sent=sent, timed_out=timed_out), took)

    @precondition(lambda self: self._sending())
    @rule(which=st.integers(0, MOST_CALLS), kind=st.sampled_from(["certificate", "too_large"]), took=TIMES)
    def break_for_good(self, which: int, kind: str, took: float) -> None:
        """Something that no repeat can mend."""
        failure = Failure(kind, "broken", sent=kind == "too_large", permanent=True)
        self._end_attempt(self._one(which), failure, took)

    @precondition(lambda self: self._sending())
    @rule(which=st.integers(0, MOST_CALLS), sent=st.booleans())
    def outlast(self, which: int, sent: bool) -> None:
        """The transport gives up at the deadline."""
        call = self._one(which)
        self._pass(call, 0.0)
        self.clock.advance(max(0.0, call.deadline - self.clock.monotonic()))
        self._end_attempt(call, Failure("timeout", "late", sent=sent, timed_out=True), 0.0)

    @precondition(lambda self: any(isinstance(call.effect, NeedToken) for call in self.calls))
    @rule(gives=st.sampled_from(["another", "the same", "an error"]), took=TIMES)
    def answer_the_question(self, gives: str, took: float) -> None:
        """The provider returns: one answer for every call that waits for a token, unless its time has passed."""
        self.clock.advance(took)
        if gives == "another" or self.tokens == 0:
            self.tokens += 1
        if gives != "an error":
            self.session.authority.credential = credential(f"t-{self.tokens}")
        error = RonConfigError("token_provider raised KeyError")
        for call in [call for call in self.calls if isinstance(call.effect, NeedToken)]:
            late = self.clock.monotonic() >= call.deadline
            if late or gives == "an error":
                raised = RonTimeoutError("late") if late else copy.copy(error)
                unknown = call.touched and call.plan.method not in READS
                call.expected = RonOutcomeUnknownError if unknown else type(raised)
                call.hint = None
                self._advance(call, "throw", raised)
            else:
                self._hand_over(call)

    @rule(left=st.sampled_from([500, 500, 500, 500, 100, 14, 13, 5, 4, 0]))
    def others_use_the_budget(self, left: int) -> None:
        """Other calls of the client, failing and succeeding, leave so many tokens."""
        self.bucket = self.session.budget.tokens = left

    @rule(seconds=TIMES)
    def time_passes(self, seconds: float) -> None:
        """Nobody does anything."""
        self.clock.advance(seconds)

    # --- The model ------------------------------------------------------------------------------------

    def _sending(self) -> bool:
        return any(isinstance(call.effect, Send) for call in self.calls)

    def _one(self, which: int) -> InFlight:
        sending = [call for call in self.calls if isinstance(call.effect, Send)]
        return sending[which % len(sending)]

    def _pass(self, call: InFlight, took: float) -> None:
        """The call's wait is over, and its attempt has taken so long."""
        self.clock.advance(max(0.0, call.ready_at - self.clock.monotonic()) + took)

    def _field(self, written: Union[int, str, tuple[int], None]) -> tuple[Optional[str], Optional[float]]:
        """A Retry-After field, and the seconds that it stands for."""
        if isinstance(written, tuple):
            at = int(self.clock.time()) + written[0]
            text = format_datetime(datetime.fromtimestamp(at, timezone.utc), usegmt=True)
            return text, max(0.0, at - self.clock.time())
        if isinstance(written, int):
            return str(written), float(written)
        return written, None

    def _end_attempt(self, call: InFlight, outcome: Union[Told, Failure], took: float) -> None:
        """Says what must come next, then lets it come."""
        self._pass(call, took)
        touched_before = call.touched
        call.hint = None
        if isinstance(outcome, Failure):
            call.touched |= outcome.sent
            call.expected = self._after_failure(call, outcome)
            self._advance(call, "throw", outcome)
            return
        status = outcome.reply.status
        call.touched |= status >= 500 or status == 408
        call.expected = self._after_answer(call, outcome, touched_before)
        self._advance(call, "send", outcome.reply)

    def _after_failure(self, call: InFlight, failure: Failure) -> Union[type[RonError], str]:
        if not failure.permanent and (not failure.sent or call.may_repeat) and self._repeats(call, None, False):
            return "again"
        if failure.kind == "too_large":
            return RonResponseTooLargeError
        if call.touched and call.plan.method not in READS:
            return RonOutcomeUnknownError
        return RonTimeoutError if failure.timed_out else RonNetworkError

    def _after_answer(self, call: InFlight, told: Told, touched_before: bool) -> Union[type[RonError], str]:
        status = told.reply.status
        if status < 300 or (status == 404 and call.plan.method == "DELETE" and touched_before):
            self.bucket = min(500, self.bucket + 1 + call.last_cost)
            return "success"
        call.hint = told.hint
        if status == 401 and self.session.renewable and not call.refreshed:
            return "refresh"
        if status == 412 and call.conditional and touched_before:
            call.hint = None
            return RonOutcomeUnknownError
        worth = status in TRANSIENT or (told.retryable is True and status >= 400 and status not in (401, 409, 412))
        may = worth and told.retryable is not False and call.may_repeat
        if may and self._repeats(call, told.hint, status == 429):
            return "again"
        return problem_error_class(status)

    def _repeats(self, call: InFlight, hint: Optional[float], throttled: bool) -> bool:
        """Whether retries, hint, deadline and budget allow one more; if so, it is paid for."""
        base, cost = (1.0, 5) if throttled else (0.05, 14)
        floor, left = hint or 0.0, call.deadline - self.clock.monotonic()
        jitter = max(min(20.0, base * 2**call.retries), min(floor, max(0.0, left - floor)) / 2)
        wait = floor + self.clock.jitter * jitter
        if call.retries >= self.session.max_retries or floor > 60.0 or wait >= left:
            return False
        if self.bucket < cost:
            return False
        self.bucket -= cost
        call.last_cost = cost
        call.retries += 1
        call.ready_at = self.clock.monotonic() + wait
        return True

    # --- The flows ------------------------------------------------------------------------------------

    def _advance(self, call: InFlight, how: str, value: Any) -> None:
        """Runs a flow to the next effect that a rule answers, or to its end."""
        try:
            call.effect = getattr(call.flow, how)(value)
            while isinstance(call.effect, Now):
                now = self.clock.time() if call.effect.wall else self.clock.monotonic()
                call.effect = call.flow.send(now)
        except StopIteration as stop:
            self.calls.remove(call)
            self._check_answer(call, stop.value)
        except RonError as error:
            self.calls.remove(call)
            self._check_error(call, error)
        else:
            if isinstance(call.effect, Send):
                self._check_send(call, call.effect)
            else:
                self._check_question(call, call.effect)

    def _check_send(self, call: InFlight, send: Send) -> None:
        wait = max(0.0, call.ready_at - self.clock.monotonic())
        assert call.expected in (("again", "refresh") if call.sends else (None,))
        assert wait == pytest.approx(send.wait)
        assert call.deadline == send.exchange.deadline
        assert send.credential is not None
        if call.expected == "refresh":
            assert call.sends[-1].credential is not None
            assert not call.sends[-1].credential.same_as(send.credential), "only another token goes out again"
        call.sends.append(send)

    def _check_question(self, call: InFlight, asked: NeedToken) -> None:
        """A flow asks before its first attempt, or once after a 401, and names the token that was refused."""
        assert isinstance(asked, NeedToken)
        assert self.session.renewable
        assert call.deadline == asked.deadline
        if call.sends:
            assert "refresh" == call.expected
            assert not call.refreshed, "the provider is asked once a call"
            assert asked.stale is call.sends[-1].credential
            call.refreshed = True
        else:
            assert asked.stale is None
        current = self.session.credential
        if current is not None and not current.same_as(asked.stale):
            self._hand_over(call)  # another call has asked already: single flight

    def _hand_over(self, call: InFlight) -> None:
        """The call gets the session's credential; if that is the one that was refused, the 401 is its answer."""
        current = self.session.credential
        assert current is not None
        if call.sends and current.same_as(call.sends[-1].credential):
            call.expected = problem_error_class(401)
        call.ready_at = self.clock.monotonic()
        self._advance(call, "send", current)

    def _check_answer(self, call: InFlight, answer: Answer) -> None:
        assert "success" == call.expected
        assert len(call.sends) == answer.attempts
        assert (b"X-Request-Id", answer.request_id.encode()) in call.sends[0].exchange.headers

    def _check_error(self, call: InFlight, error: RonError) -> None:
        assert call.expected is type(error)
        assert (None, None) == (error.__cause__, error.__context__)
        assert len(call.sends) == error.attempts
        assert call.hint == pytest.approx(error.retry_after) if call.hint else call.hint == error.retry_after
        if call.sends:
            assert (b"X-Request-Id", str(error.request_id).encode()) in call.sends[0].exchange.headers
        if isinstance(error, RonOutcomeUnknownError):
            assert call.touched
            assert call.plan.method not in READS
            assert call.plan.key == error.idempotency_key
        elif isinstance(error, (RonNetworkError, RonConfigError)) and not isinstance(error, RonResponseTooLargeError):
            assert call.plan.method in READS or not call.touched, "it says that nothing happened"
        assert not isinstance(error, RonParseError)

    # --- What always holds ----------------------------------------------------------------------------

    @invariant()
    def never_too_many_attempts(self) -> None:
        """`max_retries` repeats, and one more for a refreshed token."""
        for call in getattr(self, "calls", ()):
            assert len(call.sends) <= self.session.max_retries + 1 + call.refreshed

    @invariant()
    def every_attempt_is_the_same(self) -> None:
        """One exchange a call, and no two calls with the same id."""
        calls = [call for call in getattr(self, "calls", ()) if call.sends]
        for call in calls:
            assert {id(call.sends[0].exchange)} == {id(send.exchange) for send in call.sends}
        ids = [dict(call.sends[0].exchange.headers)[b"X-Request-Id"] for call in calls]
        assert len(set(ids)) == len(ids)

    @invariant()
    def the_budget_is_the_models(self) -> None:
        """Every repeat was paid for, by the call that made it, and nothing else was taken or given back."""
        if hasattr(self, "session"):
            assert self.bucket == self.session.budget.tokens
            assert 0 <= self.bucket <= 500

    @invariant()
    def the_provider_is_asked_for_a_reason(self) -> None:
        """A call waits for the provider only while there is no token, or none but the one that was refused."""
        for call in getattr(self, "calls", ()):
            if isinstance(call.effect, NeedToken):
                current = self.session.credential
                assert current is None or current.same_as(call.effect.stale)

    def teardown(self) -> None:
        """Calls that are given up in mid-flight end without a sound."""
        for call in getattr(self, "calls", ()):
            call.flow.close()


TestCalls = Calls.TestCase
TestCalls.settings = settings(max_examples=400, stateful_step_count=40)
TestCalls.__doc__ = "Whatever nodes, networks and token providers do, the rules of design §3 hold on every attempt."
