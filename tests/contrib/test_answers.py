"""Which HTTP answer a server gives for which error of a call, and what it never tells."""

from __future__ import annotations

import json
import logging
from typing import Any, Optional

import pytest

import ron.errors
from ron import Problem
from ron.contrib import answer_for
from ron.contrib._answers import logged_answer
from ron.errors import RonError, RonNotFoundError, RonOutcomeUnknownError, RonProblemError, problem_error_class

SECRET = "capability-of-the-server"


def problem(status: int, **common: Any) -> RonProblemError:
    """The error of an answer of a node that says too much."""
    told = Problem(
        code="NODE_CODE",
        message="the node's words",
        kind="node_kind",
        correlation_id="c-1",
        details={"token": SECRET},
        reason=SECRET,
        extra={"token": SECRET},
    )
    return problem_error_class(status)(f"{SECRET} {status}", problem=told, status_code=status, **common)


def route_missing() -> RonNotFoundError:
    """A 404 that speaks of the route."""
    error = RonNotFoundError("route not mounted", status_code=404)
    error.route_missing = True
    return error


WORDS = "the node's words"
CASES: list[tuple[RonError, int, str, Optional[str]]] = [
    *((problem(status), status, "NODE_CODE", WORDS) for status in (400, 404, 409, 410, 412, 413, 422, 451)),
    (problem(401), 502, "bad_gateway", None),
    (problem(403), 403, "forbidden", None),
    (problem(405), 502, "bad_gateway", None),
    (route_missing(), 502, "bad_gateway", None),
    (problem(302), 502, "bad_gateway", None),
    (problem(418), 502, "bad_gateway", None),
    (problem(429), 429, "rate_limited", None),
    (problem(500), 502, "bad_gateway", None),
    (problem(503), 503, "unavailable", None),
    (problem(504), 504, "timeout", None),
    (ron.errors.RonTimeoutError(SECRET), 504, "timeout", None),
    (ron.errors.RonNetworkError(SECRET), 503, "unavailable", None),
    (ron.errors.RonResponseTooLargeError(SECRET), 502, "bad_gateway", None),
    (RonOutcomeUnknownError(SECRET, idempotency_key=SECRET), 502, "outcome_unknown", None),
    (RonOutcomeUnknownError(SECRET, timed_out=True), 504, "outcome_unknown", None),
    (ron.errors.RonParseError(SECRET), 502, "bad_gateway", None),
    (ron.errors.RonPaginationError(SECRET), 502, "bad_gateway", None),
    (ron.errors.RonWatchError(SECRET), 502, "bad_gateway", None),
    (ron.errors.RonBulkError(SECRET), 502, "bad_gateway", None),
    (RonError(SECRET), 502, "bad_gateway", None),
    (ron.errors.RonInputError("key cannot be '..'"), 422, "invalid_input", "key cannot be '..'"),
]


@pytest.mark.parametrize(
    ("error", "status", "code", "message"),
    CASES,
    ids=lambda one: type(one).__name__ if isinstance(one, RonError) else "",
)
def test_each_error_has_its_answer(error: RonError, status: int, code: str, message: Optional[str]) -> None:
    """Status and code are the table's; the node's words are passed on only where they are for the caller."""
    answer = answer_for(error)
    assert answer is not None
    assert (status, code) == (answer.status, answer.body["code"])
    assert message in (None, answer.body["message"])
    assert SECRET not in json.dumps(answer.body)
    assert set(answer.body) <= {"code", "message", "kind", "correlation_id"}
    assert {} == answer.headers


ERRORS = [getattr(ron.errors, name) for name in ron.errors.__all__ if name.startswith("Ron")]


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_class_has_an_answer_or_is_a_mistake(kind: type[RonError]) -> None:
    """Whatever a call can raise is answered with an error status."""
    answer = answer_for(kind("x"))
    mistake = issubclass(kind, ron.errors.RonConfigError) and kind is not ron.errors.RonInputError
    assert mistake if answer is None else 400 <= answer.status < 600


@pytest.mark.parametrize("kind", [ron.errors.RonConfigError, ron.errors.RonUnassignedError])
def test_a_mistake_in_the_program_has_no_answer(kind: type[RonError]) -> None:
    """Wrong use is for the program's own log and a 500, not for its caller."""
    assert answer_for(kind("no client here")) is None


@pytest.mark.parametrize(
    ("seconds", "field", "ms"), [(0.05, "1", 50), (2.0, "2", 2000), (2.1, "3", 2100), (0.0, "1", 0)]
)
def test_a_hint_is_passed_on(seconds: float, field: str, ms: int) -> None:
    """`Retry-After` is in whole seconds, rounded up and at least one; the body has the finer one."""
    answer = answer_for(problem(429, retry_after=seconds))
    assert answer is not None
    assert {"Retry-After": field} == answer.headers
    assert ms == answer.body["retry_after_ms"]


def test_the_request_can_be_found_again() -> None:
    """The body names the node's correlation id, else the id of our request."""
    with_both, ours = answer_for(problem(409, request_id="r-1")), answer_for(RonError("x", request_id="r-1"))
    assert with_both is not None
    assert ours is not None
    assert ("c-1", "r-1") == (with_both.body["correlation_id"], ours.body["correlation_id"])


def test_what_the_answer_hides_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A 5xx says in the log which error it stands for; a 4xx is the caller's, and is not logged."""
    with caplog.at_level(logging.INFO, logger="ron.contrib"):
        logged_answer(problem(404))
        assert [] == caplog.records
        logged_answer(ron.errors.RonTimeoutError("no answer within 10 s", request_id="r-1"))
    (record,) = caplog.records
    assert "answered 504 for RonTimeoutError: no answer within 10 s request_id=r-1" == record.getMessage()
