"""From what happened to the public error that says so. Nothing here may do I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from ._problem import read_problem
from .errors import (
    Problem,
    RonError,
    RonNetworkError,
    RonNotFoundError,
    RonOutcomeUnknownError,
    RonParseError,
    RonProblemError,
    RonResponseTooLargeError,
    RonTimeoutError,
    problem_error_class,
)

if TYPE_CHECKING:
    from ._plan import Plan
    from ._values import Failure, Reply

__all__ = ["failure_error", "precondition_lost", "problem_error", "problem_of", "renewal_error"]

READS = frozenset({"GET", "HEAD", "OPTIONS"})


def failure_error(plan: Plan, failure: Failure, *, touched: bool, request_id: str, attempts: int) -> RonError:
    """The error for a transport failure that ends a call.

    ``touched`` says whether any attempt may have been carried out: for a write that means that nobody knows what came
    of it, also if a later attempt could not even connect.
    """
    text = f"{plan.name}: {failure.detail}"
    if failure.kind == "too_large":
        return RonResponseTooLargeError(text, request_id=request_id, attempts=attempts)
    if failure.kind == "encoding":
        return RonParseError(text, request_id=request_id, attempts=attempts)
    if touched and plan.method not in READS:
        return _unknown(plan, text, timed_out=failure.timed_out, request_id=request_id, attempts=attempts)
    kind = RonTimeoutError if failure.timed_out else RonNetworkError
    error = kind(text, request_id=request_id, attempts=attempts)
    error.maybe_sent, error.permanent = failure.sent, failure.permanent
    return error


def renewal_error(plan: Plan, error: RonError, *, touched: bool, request_id: str, attempts: int) -> RonError:
    """The error for a token that could not be renewed after a 401: what the token source raised.

    If an earlier attempt of a write may have been carried out, that matters more: the outcome is unknown.
    """
    if touched and plan.method not in READS:
        text = f"{plan.name}: {error.message}"
        late = isinstance(error, RonTimeoutError)
        return _unknown(plan, text, timed_out=late, request_id=request_id, attempts=attempts)
    error.request_id, error.attempts = request_id, attempts
    return error


def _unknown(plan: Plan, text: str, *, timed_out: bool, request_id: str, attempts: int) -> RonOutcomeUnknownError:
    again = "" if plan.key is None else f", or repeat it with idempotency_key={plan.key!r}"
    return RonOutcomeUnknownError(
        f"{text}; the request may have been carried out: look before you repeat it{again}",
        idempotency_key=plan.key,
        timed_out=timed_out,
        request_id=request_id,
        attempts=attempts,
    )


def precondition_lost(plan: Plan, problem: Problem, *, request_id: str, attempts: int) -> RonOutcomeUnknownError:
    """The error for a conditional write answered 412 on a repeat: our own earlier attempt may have changed the ETag."""
    return RonOutcomeUnknownError(
        f"{plan.name}: the precondition failed on a repeat; an earlier attempt, whose answer was lost, may have been "
        "carried out: read the object again and compare",
        idempotency_key=plan.key,
        problem=problem,
        request_id=request_id,
        attempts=attempts,
    )


def problem_error(
    plan: Plan,
    reply: Reply,
    problem: Problem,
    *,
    request_id: str,
    attempts: int,
    retry_after: Optional[float] = None,
) -> RonProblemError:
    """The error for an answer that is one."""
    text = f"{plan.name}: {reply.status} {problem.code}: {problem.message}"
    if 300 <= reply.status < 400 and reply.status != 304:
        text = (
            f"{plan.name}: the node answered {reply.status}, a redirect; redirects are never followed: check base_url "
            "and the path"
        )
    error = problem_error_class(reply.status)(
        text,
        problem=problem,
        status_code=reply.status,
        request_id=request_id,
        attempts=attempts,
        retry_after=retry_after,
    )
    if isinstance(error, RonNotFoundError):
        error.route_missing = reply.status == 405 or not reply.body.strip()
    return error


def problem_of(reply: Reply) -> Problem:
    """The Problem in an answer; its correlation id is read from either header where the body names none."""
    return read_problem(reply.status, reply.body, reply.header(b"x-correlation-id") or reply.header(b"x-request-id"))
