"""The policy of a call, once: deadline, retry, hints, budget, idempotency, token refresh. Nothing here may do I/O.

A flow is a generator. It yields *effects* (plain values) and is sent their answers; a transport's ``Failure`` is thrown
into it. ``ron._drive`` runs flows, async or sync; tests run them with ``next``, ``send`` and ``throw``.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from . import _backoff, _middleware
from ._effects import NOW, WALL, Effect, NeedToken, Send
from ._outcome import failure_error, precondition_lost, problem_error, problem_of, renewal_error
from ._session import sent_id
from ._values import Failure, Reply
from .errors import RonConfigError, RonError
from .logging_ import log_request, log_response, log_retry, logger

if TYPE_CHECKING:
    from collections.abc import Generator

    from ._plan import Plan
    from ._session import Session

__all__ = ["Answer", "perform"]

TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
#: a server's ``retryable: true`` does not make these worth repeating unchanged (401 has a way of its own)
NEVER = frozenset({401, 409, 412})


class Answer(NamedTuple):
    """A call that was answered: ``reply`` is a ``Reply``, or the open reply stream of a streaming call."""

    reply: Any
    request_id: str
    attempts: int


class _Call:
    """One logical call on its way: what is sent, how often it was, and what that has cost.

    ``touched``: some attempt may have been carried out.
    """

    __slots__ = (
        "attempts",
        "credential",
        "exchange",
        "last_cost",
        "plan",
        "refreshed",
        "reply",
        "request_id",
        "retries",
        "session",
        "stream",
        "touched",
        "wait",
    )

    def __init__(self, session: Session, plan: Plan, started: float, stream: bool) -> None:
        self.session = session
        self.plan = plan
        self.stream = stream
        self.request_id = session.request_id(plan)
        self.exchange = session.exchange(plan, self.request_id, started)
        self.credential = session.credential
        self.reply: Any = None
        self.attempts = 0
        self.retries = 0
        self.last_cost = 0
        self.wait = 0.0
        self.refreshed = False
        self.touched = False


def perform(session: Session, plan: Plan, *, stream: bool = False) -> Generator[Effect, Any, Answer]:
    """One logical call: every attempt that the rules of design §3 allow, by one deadline.

    Returns:
        The answer, if its status is 2xx or one of ``plan.accept``.

    Raises:
        RonError: of the kind that ``ron.errors`` describes, with ``request_id`` and ``attempts`` set.
    """
    started = yield NOW
    call = _Call(session, plan, started, stream)
    if session.middleware:
        call.exchange = yield from _middleware.before(session.middleware, call.exchange, call.request_id)
        call.request_id = sent_id(call.exchange.headers) or call.request_id
    if logger.isEnabledFor(logging.DEBUG):
        log_request(
            logger,
            plan.method,
            plan.path.decode("ascii"),
            request_id=call.request_id,
            idempotency_key=plan.key,
        )
    error: Optional[RonError] = None
    try:
        yield from _attempts(call)
    except RonError as caught:
        error = caught
    if logger.isEnabledFor(logging.INFO):
        log_response(
            logger,
            plan.method,
            plan.path.decode("ascii"),
            None if call.reply is None else call.reply.status,
            (yield NOW) - started,
            request_id=call.request_id,
            idempotency_key=plan.key,
            error=error,
        )
    if session.middleware and call.reply is not None:
        yield from _middleware.after(session.middleware, call.exchange, call.reply, call.request_id, call.attempts)
    if error is not None:
        raise error
    return Answer(call.reply, call.request_id, call.attempts)


def _attempts(call: _Call) -> Generator[Effect, Any, None]:
    """Sends until ``call.reply`` is an answer to keep; raises the error that the last attempt maps to."""
    session, plan = call.session, call.plan
    if call.credential is None and session.renewable:
        call.credential = yield NeedToken(None, call.exchange.deadline)
    while True:
        failure: Optional[Failure] = None
        call.attempts += 1
        call.reply = None
        try:
            call.reply = yield Send(call.exchange, call.credential, call.wait, call.stream)
        except Failure as caught:
            failure = caught
        except RonConfigError as caught:
            if not call.touched:
                raise
            # The client was closed meanwhile: what an earlier attempt may have done is the news, not the advice.
            failure = Failure("connect", caught.message, sent=False, permanent=True)
        if failure is not None:
            wait = _after_failure(call, failure, (yield NOW))
        elif 200 <= call.reply.status < 300:
            break
        else:
            if call.credential is not None:
                call.reply = call.credential.scrub(call.reply)
            if call.reply.status in plan.accept:
                break
            if call.reply.status == 401 and session.renewable and not call.refreshed and (yield from _refresh(call)):
                continue
            maybe = _after_reply(call, call.reply, (yield NOW), (yield WALL))
            if maybe is None:
                call.reply = call.reply._replace(body=b"")
                break
            wait = maybe
        call.wait = wait
        log_retry(logger, plan.name, wait, call.attempts, call.request_id)
    if call.reply.status < 500:  # a 503 that is accepted as an answer says nothing good of the node
        session.budget.success(call.last_cost)


def _refresh(call: _Call) -> Generator[Effect, Any, bool]:
    """A 401 asks the provider, once a call: whether it gave another token, so that the call goes out again."""
    call.refreshed = True
    fresh: Any = None
    error: Optional[RonError] = None
    try:
        fresh = yield NeedToken(call.credential, call.exchange.deadline)
    except RonError as caught:
        error = caught
    if error is not None:
        raise renewal_error(call.plan, error, touched=call.touched, request_id=call.request_id, attempts=call.attempts)
    if fresh.same_as(call.credential):
        return False
    call.credential = fresh
    call.wait = 0.0
    return True


def _after_failure(call: _Call, failure: Failure, now: float) -> float:
    """Seconds to wait before the next attempt; raises the mapped error where there must be none."""
    if failure.sent:
        call.touched = True
    if not failure.permanent and (not failure.sent or call.plan.repeatable):
        wait = _next_wait(call, now, None, throttled=False)
        if wait is not None:
            return wait
    raise failure_error(
        call.plan,
        failure,
        touched=call.touched,
        request_id=call.request_id,
        attempts=call.attempts,
    )


def _after_reply(call: _Call, reply: Reply, now: float, wall: float) -> Optional[float]:
    """Seconds to wait before the next attempt, None if the answer is success after all; raises what it maps to."""
    plan = call.plan
    if reply.status == 404 and plan.method == "DELETE" and call.touched:
        return None  # an earlier attempt may have been the one that deleted it (design §1)
    problem = problem_of(reply)
    if reply.status == 412 and plan.conditional and call.touched:
        raise precondition_lost(plan, problem, request_id=call.request_id, attempts=call.attempts)
    if reply.status >= 500 or reply.status == 408:
        call.touched = True  # any other error says that the request was refused
    hint = _backoff.retry_hint(reply, problem.retry_after_ms, wall)
    widened = problem.retryable is True and reply.status >= 400 and reply.status not in NEVER
    if (reply.status in TRANSIENT or widened) and problem.retryable is not False and plan.repeatable:
        wait = _next_wait(call, now, hint, throttled=reply.status == 429)
        if wait is not None:
            return wait
    raise problem_error(plan, reply, problem, request_id=call.request_id, attempts=call.attempts, retry_after=hint)


def _next_wait(call: _Call, now: float, hint: Optional[float], *, throttled: bool) -> Optional[float]:
    """The wait before a repeat; None if the retries, the hint's limit, the deadline or the budget forbid one."""
    limit = call.session.max_retries if call.plan.max_retries is None else call.plan.max_retries
    if call.retries >= limit or (hint is not None and hint > _backoff.MAX_HINT):
        return None
    base = _backoff.BASE_THROTTLED if throttled else _backoff.BASE_TRANSIENT
    cost = _backoff.Budget.THROTTLED if throttled else _backoff.Budget.TRANSIENT
    left = call.exchange.deadline - now
    wait = _backoff.wait_before(call.retries + 1, base, call.session.random(), hint or 0.0, left)
    if wait >= left or not call.session.budget.take(cost):
        return None
    call.retries += 1
    call.last_cost = cost
    return wait
