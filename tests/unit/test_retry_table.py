"""The retry table of design §3, written out: what happens to each kind of call on each kind of answer or failure.

A cell is what becomes of the call if every attempt ends like that: the error, and `again` before it where the call is
repeated until `max_retries` is used up.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple, Optional, Union

import pytest

from ron import errors
from ron._flow import perform
from ron._values import Failure, Reply
from ron.testing import FakeClock
from tests.unit.rig import OK, Player, make_session, plan, reply

KINDS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "read": [("GET", {}), ("HEAD", {}), ("OPTIONS", {}), ("GET", {"key": "k-1"})],
    "idempotent": [("PUT", {}), ("DELETE", {}), ("PUT", {"headers": {"If-None-Match": "*"}})],
    "write": [
        ("POST", {}),
        ("PATCH", {}),
        ("PATCH", {"headers": {"If-Match": "*"}}),
        ("POST", {"headers": {"If-None-Match": "*"}}),
        ("PATCH", {"headers": {"If-Unmodified-Since": "Fri, 02 Jan 2026 03:04:05 GMT"}}),
    ],
    "guarded": [
        ("POST", {"key": "k-1"}),
        ("PATCH", {"key": "k-1"}),
        ("PATCH", {"headers": {"if-match": '"v1"'}}),
        ("POST", {"headers": {"If-Match": '"v1"'}, "key": "k-1"}),
    ],
}
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
#: what `retryable: true` widens the statuses to: errors that another time may not be
WIDENED = (400, 402, 403, 404, 405, 410, 413, 418, 422, 451, 499, 501, 505, 507, 599)
NEVER = (300, 301, 302, 303, 304, 305, 307, 308, 401, 409, 412)

#              what happened            retryable  read             idempotent       write            guarded
FAILURES = """
               dns                      -          again Network    again Network    again Network    again Network
               connect                  -          again Network    again Network    again Network    again Network
               tls                      -          again Network    again Network    again Network    again Network
               timeout_not_sent         -          again Timeout    again Timeout    again Timeout    again Timeout
               write_not_sent           -          again Network    again Network    again Network    again Network
               certificate              -          Network          Network          Network          Network
               write                    -          again Network    again Unknown    Unknown          again Unknown
               read                     -          again Network    again Unknown    Unknown          again Unknown
               protocol                 -          again Network    again Unknown    Unknown          again Unknown
               truncated                -          again Network    again Unknown    Unknown          again Unknown
               timeout                  -          again Timeout    again Unknown    Unknown          again Unknown
               encoding                 -          again Parse      again Parse      Parse            again Parse
               too_large                -          ResponseTooLarge ResponseTooLarge ResponseTooLarge ResponseTooLarge
"""
ANSWERS = """
               transient                -          again Problem    again Problem    Problem          again Problem
               transient                true       again Problem    again Problem    Problem          again Problem
               transient                false      Problem          Problem          Problem          Problem
               widened                  -          Problem          Problem          Problem          Problem
               widened                  true       again Problem    again Problem    Problem          again Problem
               widened                  false      Problem          Problem          Problem          Problem
               never                    -          Problem          Problem          Problem          Problem
               never                    true       Problem          Problem          Problem          Problem
               never                    false      Problem          Problem          Problem          Problem
"""
STATUSES = {"transient": TRANSIENT, "widened": WIDENED, "never": NEVER}
RETRYABLE: dict[str, Optional[bool]] = {"-": None, "true": True, "false": False}


class Row(NamedTuple):
    """One line of a table."""

    what: str
    retryable: Optional[bool]
    cells: dict[str, str]


def rows(table: str) -> list[Row]:
    """A table's lines; a cell may be two words."""
    found = []
    for line in table.strip().splitlines():
        what, retryable, rest = line.split(None, 2)
        words = iter(rest.replace("again ", "again_").split())
        found.append(Row(what, RETRYABLE[retryable], {kind: next(words).replace("_", " ") for kind in KINDS}))
    return found


def failure(what: str) -> Failure:
    """The failure that a row names."""
    sent = what in ("write", "read", "protocol", "truncated", "timeout", "encoding", "too_large")
    return Failure(
        what.replace("_not_sent", ""),
        "it broke",
        sent=sent,
        timed_out=what.startswith("timeout"),
        permanent=what in ("certificate", "too_large"),
    )


def problem(status: int, retryable: Optional[bool]) -> Reply:
    """An error answer with the flag that a row names."""
    return reply(status, b"" if retryable is None else json.dumps({"retryable": retryable}).encode())


def play(outcome: Union[Failure, Reply], cell: str, method: str, arguments: dict[str, Any]) -> None:
    """A call all of whose attempts end like that does what the cell says, and its error tells what was done."""
    session = make_session(FakeClock(jitter=0.0))
    player = Player(*[outcome] * 4)
    again, _, name = cell.rpartition(" ")
    if name == "Problem":
        assert isinstance(outcome, Reply)
        kind: type[errors.RonError] = errors.problem_error_class(outcome.status)
    else:
        kind = {"Unknown": errors.RonOutcomeUnknownError}.get(name) or getattr(errors, f"Ron{name}Error")
    error = player.fail(perform(session, plan(method, **arguments)), kind)
    attempts = 4 if again else 1
    fields = dict(player.sends[0].exchange.headers)
    assert (attempts, attempts) == (len(player.sends), error.attempts)
    assert fields[b"X-Request-Id"].decode() == error.request_id
    assert error.retry_after is None
    assert getattr(error, "idempotency_key", arguments.get("key")) == arguments.get("key")
    assert {id(player.sends[0].exchange)} == {id(send.exchange) for send in player.sends}


@pytest.mark.parametrize("row", rows(FAILURES), ids=lambda row: row.what)
def test_failures(row: Row) -> None:
    """Whether a call is repeated after a failure follows from whether it may have been sent, and what it does."""
    for kind, calls in KINDS.items():
        for method, arguments in calls:
            play(failure(row.what), row.cells[kind], method, arguments)


@pytest.mark.parametrize(
    ("row", "status"),
    [(row, status) for row in rows(ANSWERS) for status in STATUSES[row.what]],
    ids=lambda value: f"{value.what}-{value.retryable}" if isinstance(value, Row) else None,
)
def test_answers(row: Row, status: int) -> None:
    """Whether a call is repeated after an answer follows from its status, the node's word and what the call does."""
    for kind, calls in KINDS.items():
        for method, arguments in calls:
            play(problem(status, row.retryable), row.cells[kind], method, arguments)


def test_the_tables_name_every_failure_and_status() -> None:
    """No kind of failure is left out, and no status stands in two groups."""
    assert Failure.KINDS == {failure(row.what).kind for row in rows(FAILURES)}
    assert len({*TRANSIENT, *WIDENED, *NEVER}) == len(TRANSIENT) + len(WIDENED) + len(NEVER)


@pytest.mark.parametrize("status", sorted({*range(300, 600)} - {*TRANSIENT}))
def test_no_other_status_is_repeated_by_itself(status: int) -> None:
    """Without a word of the node, the seven transient statuses are all that a read repeats."""
    player = Player(reply(status))
    assert 1 == player.fail(perform(make_session(FakeClock()), plan()), errors.problem_error_class(status)).attempts


@pytest.mark.parametrize("status", [*TRANSIENT, 403, 418])
def test_what_limits_a_widened_repeat(status: int) -> None:
    """`retryable: true` overrides neither the number of retries, nor the budget, nor the deadline, nor a far hint."""
    kind = errors.problem_error_class(status)
    limits: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"max_retries": 0}, {}),
        ({}, {"retry_after_ms": 10_000}),
        ({"timeout": 600.0}, {"retry_after_ms": 60_001}),
    ]
    for settings, hint in limits:
        session = make_session(FakeClock(jitter=0.0), **settings)
        answer = reply(status, json.dumps({"retryable": True, **hint}).encode())
        error = Player(answer).fail(perform(session, plan()), kind)
        assert (1, hint.get("retry_after_ms")) == (error.attempts, error.retry_after and error.retry_after * 1000)
    empty = make_session(FakeClock(jitter=0.0))
    empty.budget.tokens = 4
    assert 1 == Player(problem(status, True)).fail(perform(empty, plan()), kind).attempts


# --- What an attempt leaves behind for the next one ---------------------------------------------------

#: how the first attempt ends → whether it may have been carried out
FIRST: dict[str, tuple[Union[Failure, Reply], bool]] = {
    "dns": (failure("dns"), False),
    "connect": (failure("connect"), False),
    "timeout before sending": (failure("timeout_not_sent"), False),
    "write": (failure("write"), True),
    "read": (failure("read"), True),
    "timeout": (failure("timeout"), True),
    "408": (reply(408), True),
    "418 retryable": (problem(418, True), False),
    "425": (reply(425), False),
    "429": (reply(429), False),
    "499 retryable": (problem(499, True), False),
    **{str(status): (reply(status), True) for status in (500, 502, 503, 504)},
    "599 retryable": (problem(599, True), True),
}
#: method, condition, how the second attempt ends → the result if the first may have been carried out, and if not
SECOND: list[tuple[str, dict[str, str], Union[Failure, Reply], str, str]] = [
    ("GET", {}, reply(404, b"no"), "NotFound", "NotFound"),
    ("GET", {"If-Match": '"v1"'}, reply(412), "Precondition", "Precondition"),
    ("DELETE", {}, reply(404, b"no"), "success", "NotFound"),
    ("DELETE", {}, reply(404, b""), "success", "NotFound"),
    ("DELETE", {}, reply(410), "Gone", "Gone"),
    ("DELETE", {"If-Match": '"v1"'}, reply(412), "OutcomeUnknown", "Precondition"),
    ("PUT", {}, reply(404, b"no"), "NotFound", "NotFound"),
    ("PUT", {}, reply(412), "Precondition", "Precondition"),
    ("PUT", {"If-Match": '"v1"'}, reply(412), "OutcomeUnknown", "Precondition"),
    ("PUT", {"If-None-Match": "*"}, reply(412), "OutcomeUnknown", "Precondition"),
    ("PATCH", {"If-Match": '"v1"'}, reply(412), "OutcomeUnknown", "Precondition"),
    ("POST", {}, reply(409), "Conflict", "Conflict"),
    ("POST", {}, OK, "success", "success"),
    ("POST", {}, failure("certificate"), "OutcomeUnknown", "Network"),
    ("POST", {}, failure("too_large"), "ResponseTooLarge", "ResponseTooLarge"),
    ("PUT", {}, failure("connect"), "OutcomeUnknown", "Network"),
    ("PUT", {}, failure("timeout_not_sent"), "OutcomeUnknown", "Timeout"),
    ("GET", {}, failure("timeout_not_sent"), "Timeout", "Timeout"),
    ("GET", {}, failure("connect"), "Network", "Network"),
]


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("second", SECOND, ids=lambda row: f"{row[0]}-{row[3]}")
def test_what_a_second_attempt_means(first: str, second: tuple[str, dict[str, str], Any, str, str]) -> None:
    """A repeated DELETE's 404 is success, a repeated condition's 412 is unknown, where the first may have been done."""
    begin, touched = FIRST[first]
    method, condition, end, if_touched, if_not = second
    expected = if_touched if touched else if_not
    session = make_session(FakeClock(jitter=0.0), max_retries=1)
    call = perform(session, plan(method, headers=condition, key="k-1"))
    player = Player(begin, end)
    if expected == "success":
        assert 2 == player.run(call).attempts
        return
    error = player.fail(call, getattr(errors, f"Ron{expected}Error"))
    fields = dict(player.sends[0].exchange.headers)
    assert (2, fields[b"X-Request-Id"].decode()) == (error.attempts, error.request_id)
    if isinstance(error, errors.RonOutcomeUnknownError):
        assert "k-1" == error.idempotency_key
        assert isinstance(end, Reply) is (error.problem is not None)
