"""The policy under any sequence of outcomes: a state machine on a fake clock checks what always holds."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Optional

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ron._flow import Answer, NeedToken, Now, Send, perform
from ron._plan import METHODS
from ron._session import Session
from ron._values import Credential, Failure, Reply
from ron.errors import RonAuthError, RonError, RonNetworkError, RonOutcomeUnknownError, RonProblemError, RonTimeoutError
from ron.testing import FakeClock
from tests.unit.rig import credential, make_session, plan, reply

READS = ("GET", "HEAD", "OPTIONS")
REPEATABLE = (*READS, "PUT", "DELETE")
HINTS = st.sampled_from([None, "0", "1", "5", "59", "61", "3600", "soon", "-1", "Fri, 02 Jan 2026 03:04:35 GMT"])
FLAGS = st.sampled_from([b"", b'{"retryable":true}', b'{"retryable":false}', b'{"retry_after_ms":70000}', b"<html>"])


class Calls(RuleBasedStateMachine):
    """Calls of one client, one after the other; each rule answers what the flow asks for."""

    session: Session
    clock: FakeClock

    @initialize(
        retries=st.integers(0, 5),
        timeout=st.sampled_from([0.05, 1.0, 10.0, 300.0]),
        jitter=st.floats(0, 1, exclude_max=True),
        provider=st.booleans(),
    )
    def make_client(self, retries: int, timeout: float, jitter: float, provider: bool) -> None:
        """A client with some settings; without a provider it has a fixed token."""
        self.clock = FakeClock(jitter=jitter)
        self.session = make_session(self.clock, max_retries=retries, timeout=timeout)
        self.session.authority.renewable = provider
        self.session.authority.credential = None if provider else credential("fixed")
        self.flow: Optional[Generator[Any, Any, Answer]] = None
        self.effect: Any = None
        self.tokens = 0

    @precondition(lambda self: self.flow is None)
    @rule(
        method=st.sampled_from(METHODS),
        key=st.none() | st.just("k-1"),
        condition=st.sampled_from([{}, {"If-Match": '"v1"'}, {"If-Match": "*"}, {"If-None-Match": "*"}]),
        timeout=st.none() | st.just(0.2),
    )
    def begin(self, method: str, key: Optional[str], condition: dict[str, str], timeout: Optional[float]) -> None:
        """A call begins."""
        self.plan = plan(method, key=key, headers=condition, timeout=timeout)
        self.may_repeat = method in REPEATABLE or key is not None or condition.get("If-Match") == '"v1"'
        self.deadline = self.clock.monotonic() + (self.session.timeout if timeout is None else timeout)
        self.sends: list[Send] = []
        self.touched = False
        self.refreshes = 0
        self.last: Any = None
        self.flow = perform(self.session, self.plan)
        self._advance(next)

    def _sending(self) -> bool:
        return self.flow is not None and isinstance(self.effect, Send)

    @precondition(_sending)
    @rule(status=st.sampled_from([200, 201, 204]), took=st.floats(0, 3))
    def succeed(self, status: int, took: float) -> None:
        """The node answers well."""
        self._answer(reply(status), took)

    @precondition(_sending)
    @rule(
        status=st.sampled_from([302, 400, 401, 403, 404, 408, 409, 412, 425, 429, 451, 500, 502, 503, 504, 599]),
        body=FLAGS,
        hint=HINTS,
        took=st.floats(0, 3),
    )
    def refuse(self, status: int, body: bytes, hint: Optional[str], took: float) -> None:
        """The node answers with an error."""
        answer = reply(status, body) if hint is None else reply(status, body, retry_after=hint)
        self._answer(answer, took)

    @precondition(_sending)
    @rule(sent=st.booleans(), timed_out=st.booleans(), permanent=st.booleans(), took=st.floats(0, 3))
    def break_off(self, sent: bool, timed_out: bool, permanent: bool, took: float) -> None:
        """No answer arrives."""
        kind = "timeout" if timed_out else "read" if sent else "connect"
        failure = Failure(kind, "broken", sent=sent, timed_out=timed_out, permanent=permanent)
        self.clock.advance(took)
        self.last = failure
        self._advance(lambda flow: flow.throw(failure))
        self._may_have_happened(sent)

    @precondition(lambda self: self.flow is not None and isinstance(self.effect, NeedToken))
    @rule(new=st.booleans(), took=st.floats(0, 3))
    def give_token(self, new: bool, took: float) -> None:
        """The provider returns, perhaps the same token again."""
        self.clock.advance(took)
        self.refreshes += self.effect.stale is not None
        assert self.refreshes <= 1, "the provider is asked once a call"
        self.tokens += new or self.tokens == 0
        fresh = credential(f"t-{self.tokens}")
        self.session.authority.credential = fresh
        self._advance(lambda flow: flow.send(fresh))

    def _answer(self, answer: Any, took: float) -> None:
        self.clock.advance(took)
        self.last = answer
        self._advance(lambda flow: flow.send(answer))
        self._may_have_happened(answer.status >= 500 or answer.status == 408)

    def _may_have_happened(self, this_one: bool) -> None:
        """For the *next* attempt: whether an earlier one may have been carried out."""
        self.touched = self.touched or this_one

    def _advance(self, step: Any) -> None:
        """Runs the flow to the next effect that a rule answers, or to its end."""
        assert self.flow is not None
        try:
            self.effect = step(self.flow)
            while isinstance(self.effect, Now):
                now = self.clock.time() if self.effect.wall else self.clock.monotonic()
                self.effect = self.flow.send(now)
        except StopIteration as stop:
            self._ended(stop.value, None)
            return
        except RonError as error:
            self._ended(None, error)
            return
        if isinstance(self.effect, Send):
            self._check_send(self.effect)

    def _check_send(self, send: Send) -> None:
        asked = bool(self.sends) and isinstance(self.last, Reply) and self.last.status == 401
        assert 0.0 <= send.wait <= 60.0
        if self.sends and not asked:
            assert self.clock.monotonic() + send.wait < self.deadline, "never sent after the deadline"
            not_sent = isinstance(self.last, Failure) and not self.last.sent
            assert self.may_repeat or not_sent, "a write that may have been carried out is not repeated"
            if isinstance(self.last, Failure):
                assert not self.last.permanent
            else:
                assert isinstance(self.last, Reply)
                assert self.last.status >= 400
                assert b'"retryable":false' not in self.last.body
        if asked:
            assert self.session.renewable
            assert self.sends[-1].credential is not None
            assert not self.sends[-1].credential.same_as(send.credential), "only another token goes out again"
        assert self.deadline == send.exchange.deadline
        self.clock.sleep(send.wait)
        self.sends.append(send)

    def _ended(self, answer: Optional[Answer], error: Optional[RonError]) -> None:
        self.flow = None
        if answer is not None:
            repeated = self.plan.method == "DELETE" and answer.reply.status == 404 and len(self.sends) > 1
            assert 200 <= answer.reply.status < 300 or repeated
            assert len(self.sends) == answer.attempts
            return
        assert error is not None
        assert (None, None) == (error.__cause__, error.__context__)
        assert len(self.sends) == error.attempts
        may_have = self.touched or (isinstance(self.last, Failure) and self.last.sent)
        if isinstance(error, RonOutcomeUnknownError):
            assert self.plan.method not in READS
            assert may_have
            assert self.plan.key == error.idempotency_key
        elif isinstance(error, RonTimeoutError):
            assert self.plan.method in READS or not may_have, "a timeout says that nothing happened"
        elif isinstance(error, RonNetworkError):
            assert self.plan.method in READS or not may_have
        else:
            assert isinstance(error, RonProblemError)
            assert isinstance(self.last, Reply)
            assert self.last.status == error.status_code
            assert isinstance(error, RonAuthError) or error.status_code not in (401, 403, 451)

    @invariant()
    def never_too_many_attempts(self) -> None:
        """`max_retries` repeats, and one more for a refreshed token."""
        if getattr(self, "sends", None):
            assert len(self.sends) <= self.session.max_retries + 1 + self.refreshes

    @invariant()
    def every_attempt_is_the_same(self) -> None:
        """One exchange a call, without a token in it."""
        for send in getattr(self, "sends", ()):
            assert self.sends[0].exchange is send.exchange
            assert isinstance(send.credential, Credential)

    @invariant()
    def the_budget_is_sound(self) -> None:
        """The bucket never holds less than nothing or more than it can."""
        if hasattr(self, "session"):
            assert 0 <= self.session.budget.tokens <= self.session.budget.CAPACITY


TestCalls = Calls.TestCase
TestCalls.__doc__ = "Whatever nodes and networks do, the rules of design §3 hold on every attempt."
