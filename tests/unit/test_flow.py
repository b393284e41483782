"""The policy of a call, played with `next`, `send` and `throw`: no server, no loop, no real clock."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any, Optional

import pytest

from ron._calls import plain_call
from ron._effects import NeedToken, Send
from ron._flow import Answer, perform
from ron._plan import METHODS
from ron._values import Failure, Reply
from ron.errors import (
    Problem,
    RonAuthError,
    RonConfigError,
    RonConflictError,
    RonError,
    RonGoneError,
    RonInvalidError,
    RonNetworkError,
    RonNotFoundError,
    RonOutcomeUnknownError,
    RonParseError,
    RonPermissionError,
    RonPreconditionError,
    RonProblemError,
    RonRateLimitError,
    RonResponseTooLargeError,
    RonServerError,
    RonTimeoutError,
    problem_error_class,
)
from ron.testing import FakeClock
from tests.unit.rig import OK, Player, credential, late, lost, make_session, plan, refused, reply, shown_by

TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
FINAL = (300, 304, 307, 400, 401, 403, 404, 405, 409, 410, 412, 413, 418, 422, 451, 501, 505, 599)
IDEMPOTENT = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}
READS = {"GET", "HEAD", "OPTIONS"}
GUARDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "keyed": {"key": "k-1"},
    "conditional": {"headers": {"If-Match": '"v1"'}},
}


def flow(method: str = "GET", **arguments: Any) -> Generator[Any, Any, Answer]:
    """A call of a fresh client."""
    return perform(make_session(FakeClock(jitter=0.0)), plan(method, **arguments))


def body(retryable: Optional[bool] = None, **more: Any) -> bytes:
    """A gateway's Problem."""
    members: dict[str, Any] = {"code": "c", "message": "m", **more}
    if retryable is not None:
        members["retryable"] = retryable
    return json.dumps(members).encode()


# --- One attempt ------------------------------------------------------------------------------------


def test_a_call_that_succeeds() -> None:
    """One exchange, no wait; the answer knows its request."""
    player = Player(OK)
    answer = player.run(flow())
    assert (OK, 1) == (answer.reply, answer.attempts)
    assert [0.0] == player.waits
    sent = player.sends[0].exchange
    assert ("GET", b"/app/items", b"", 10.0) == (sent.method, sent.target, sent.body, sent.deadline)
    fields = dict(sent.headers)
    assert answer.request_id.encode() == fields[b"X-Request-Id"] == fields[b"X-Correlation-Id"]
    assert b"gzip" == fields[b"Accept-Encoding"]
    assert b"Content-Length" not in fields


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
def test_2xx_is_success(status: int) -> None:
    """Every 2xx is an answer."""
    assert status == Player(reply(status)).run(flow()).reply.status


def test_accepted_statuses_are_answers() -> None:
    """A status that the plan accepts is neither an error nor repeated."""
    player = Player(reply(503))
    assert 503 == player.run(flow(accept=frozenset({503}))).reply.status
    assert 1 == len(player.sends)


@pytest.mark.parametrize("method", METHODS)
def test_a_content_length_always_goes_with_a_write(method: str) -> None:
    """protocol.md: always send Content-Length; reads without a body carry none."""
    player = Player(OK)
    player.run(flow(method))
    assert (None if method in READS else b"0") == dict(player.sends[0].exchange.headers).get(b"Content-Length")
    player = Player(OK)
    player.run(flow(method, json={}))
    assert b"2" == dict(player.sends[0].exchange.headers)[b"Content-Length"]


# --- Which answers are repeated -----------------------------------------------------------------------


@pytest.mark.parametrize("guard", GUARDS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("retryable", [None, True, False])
@pytest.mark.parametrize("status", [*TRANSIENT, *FINAL])
def test_which_answers_are_repeated(status: int, retryable: Optional[bool], method: str, guard: str) -> None:
    """Design §3: transient statuses, widened by `retryable: true` and stopped by `false`, for what may be repeated."""
    may = method in IDEMPOTENT or guard != "plain"
    widened = retryable is True and status >= 400 and status not in (401, 409, 412)
    again = may and retryable is not False and (status in TRANSIENT or widened)
    player = Player(*[reply(status, body(retryable))] * 4)
    kind = problem_error_class(status)
    error = player.fail(flow(method, **GUARDS[guard]), kind)
    assert (4 if again else 1) == len(player.sends) == error.attempts
    assert isinstance(error, RonProblemError)
    assert status == error.status_code
    assert error.request_id is not None
    assert error.request_id.encode() == dict(player.sends[0].exchange.headers)[b"X-Request-Id"]


@pytest.mark.parametrize("guard", GUARDS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("what", ["refused", "lost", "late", "late before sending"])
def test_which_failures_are_repeated(what: str, method: str, guard: str) -> None:
    """What was not sent may always be repeated; what may have been sent only by the same rule as an answer."""
    failure = {"refused": refused(), "lost": lost(), "late": late(sent=True), "late before sending": late(sent=False)}[
        what
    ]
    may = not failure.sent or method in IDEMPOTENT or guard != "plain"
    unknown = failure.sent and method not in READS
    kind = RonOutcomeUnknownError if unknown else RonTimeoutError if failure.timed_out else RonNetworkError
    player = Player(*[failure] * 4)
    error = player.fail(flow(method, **GUARDS[guard]), kind)
    assert (4 if may else 1) == len(player.sends) == error.attempts


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (Failure("certificate", "the certificate does not verify", sent=False, permanent=True), RonNetworkError),
        (Failure("too_large", "the answer is too large", sent=True, permanent=True), RonResponseTooLargeError),
        (Failure("encoding", "the gzip is damaged", sent=True, permanent=True), RonParseError),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_permanent_failures_are_never_repeated(failure: Failure, kind: type[RonError], method: str) -> None:
    """Certificates, oversize and damaged codings end the call at once, with their own error."""
    player = Player(failure)
    error = player.fail(flow(method, key="k-1"), kind)
    assert (1, f"{method} /app/items: {failure.detail}") == (error.attempts, str(error))


def test_an_attempt_after_a_failure_may_succeed() -> None:
    """A repeat that is answered is the call's answer; attempts count all of them."""
    player = Player(refused(), lost(), reply(503), OK)
    assert 4 == player.run(flow()).attempts


@pytest.mark.parametrize("limit", [0, 1, 3, 20])
def test_at_most_max_retries_repeats(limit: int) -> None:
    """`max_retries` is the number of repeats after the first attempt."""
    session = make_session(FakeClock(jitter=0.0), max_retries=limit)
    player = Player(*[reply(503)] * (limit + 1))
    assert limit + 1 == player.fail(perform(session, plan()), RonServerError).attempts


def test_a_plan_may_set_its_own_limit() -> None:
    """A plan's `max_retries` wins over the session's."""
    player = Player(reply(503))
    limited = perform(make_session(FakeClock(jitter=0.0)), plan()._replace(max_retries=0))
    assert 1 == player.fail(limited, RonServerError).attempts


# --- The same bytes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_every_attempt_sends_the_same_bytes(method: str) -> None:
    """Key, ids and body are made once a call: the exchange is the very same object on each attempt."""
    player = Player(lost(), reply(503), refused(), OK)
    player.run(flow(method, json={"a": 1}, key="k-1"))
    assert 4 == len(player.sends)
    assert {id(player.sends[0].exchange)} == {id(send.exchange) for send in player.sends}


def test_a_minted_key_is_minted_once() -> None:
    """`idempotency_key=True` makes one key for all attempts, and another one for the next call."""
    session = make_session(FakeClock(jitter=0.0))
    keys = []
    for _ in range(2):
        player = Player(lost(), OK)
        player.run(plain_call(session, "POST", "/app/items", json={}, idempotency_key=True))
        keys.append({dict(send.exchange.headers)[b"Idempotency-Key"] for send in player.sends})
    assert [1, 1] == [len(found) for found in keys]
    assert keys[0] != keys[1]


def test_a_callers_request_id_is_the_calls() -> None:
    """An id given as a header goes out in both fields, and the error names it."""
    for name in ("X-Request-Id", "x-correlation-id"):
        player = Player(reply(404, b"gone"))
        error = player.fail(flow(headers={name: "mine-1"}), RonNotFoundError)
        fields = {key.lower(): value for key, value in player.sends[0].exchange.headers}
        assert "mine-1" == error.request_id
        assert {b"mine-1"} == {fields[b"x-request-id"], fields[b"x-correlation-id"]}


def test_the_last_field_of_a_name_wins() -> None:
    """Call headers beat the client's, which beat the standard ones, whatever the case of their letters."""
    session = make_session(FakeClock()).with_options(None, None, ((b"accept", b"text/a"), (b"X-A", b"1")))
    player = Player(OK)
    player.run(perform(session, plan(headers={"ACCEPT": "text/b"})))
    sent = [(name.lower(), value) for name, value in player.sends[0].exchange.headers]
    assert [b"text/b"] == [value for name, value in sent if name == b"accept"]
    assert (b"x-a", b"1") in sent


# --- Waiting ------------------------------------------------------------------------------------------


def test_full_jitter_before_each_repeat() -> None:
    """Transient failures wait up to 50, 100, 200 ms; here half of that."""
    player = Player(*[lost()] * 3, OK, clock=FakeClock())
    player.run(perform(make_session(FakeClock(jitter=0.5)), plan()))
    assert [0.0, 0.025, 0.05, 0.1] == pytest.approx(player.waits)


def test_throttled_answers_wait_longer() -> None:
    """429 waits up to 1, 2, 4 s, and costs less of the budget."""
    session = make_session(FakeClock(jitter=0.5))
    player = Player(*[reply(429)] * 4)
    player.fail(perform(session, plan()), RonRateLimitError)
    assert [0.0, 0.5, 1.0, 2.0] == pytest.approx(player.waits)
    assert 500 - 3 * 5 == session.budget.tokens


def test_a_hint_is_a_floor() -> None:
    """The node's hint is waited in full, and jitter on top of it, so that callers do not come back together."""
    player = Player(reply(503, retry_after="2"), reply(503, body(retry_after_ms=10), retry_after="1"), OK)
    player.run(perform(make_session(FakeClock(jitter=0.5)), plan()))
    assert [0.0, 2.5, 0.06] == pytest.approx(player.waits)


def test_clients_sent_away_together_come_back_apart() -> None:
    """A thousand clients with the same hint spread over half of it again, none before the hint."""
    waits = []
    for number in range(1000):
        player = Player(reply(429, retry_after="5"), OK)
        player.run(perform(make_session(FakeClock(jitter=number / 1000)), plan()))
        waits.append(player.waits[-1])
    assert (5.0, 1000) == (min(waits), len(set(waits)))
    assert 5.0 + 0.999 * 2.5 == pytest.approx(max(waits))  # half of the hint


def test_the_spread_leaves_time_for_the_call() -> None:
    """Jitter on top of a hint takes at most half of what is left then: a hint of 8 s in 10 s is followed within 9 s."""
    player = Player(reply(503, retry_after="8"), OK)
    player.run(perform(make_session(FakeClock(jitter=0.75)), plan()))
    assert [0.0, 8.75] == pytest.approx(player.waits)


def test_a_hint_of_a_minute_is_followed() -> None:
    """Exactly 60 s is the longest hint that is waited for."""
    player = Player(reply(503, retry_after="60"), OK)
    player.run(perform(make_session(FakeClock(jitter=0.0), timeout=600), plan()))
    assert [0.0, 60.0] == player.waits


def test_a_hint_may_be_a_date() -> None:
    """An HTTP-date is counted from the wall clock's now."""
    clock = FakeClock(start=1_700_000_000.0, jitter=0.0)
    player = Player(reply(503, retry_after="Tue, 14 Nov 2023 22:13:24 GMT"), OK, clock=clock)
    player.run(perform(make_session(clock), plan()))
    assert [0.0, 4.0] == player.waits


@pytest.mark.parametrize("status", [429, 503])
def test_a_hint_beyond_a_minute_fails_at_once(status: int) -> None:
    """Nobody waits longer than 60 s: the error says how long the node asked for."""
    player = Player(reply(status, retry_after="61"))
    error = player.fail(perform(make_session(FakeClock(), timeout=600), plan()), problem_error_class(status))
    assert (1, 61.0) == (error.attempts, error.retry_after)


def test_a_hint_beyond_the_deadline_fails_at_once() -> None:
    """A wait that would outlast the deadline isn't begun."""
    player = Player(reply(503, body(retry_after_ms=10_000)))
    error = player.fail(flow(), RonServerError)
    assert (1, 10.0) == (error.attempts, error.retry_after)


def test_a_garbled_hint_counts_as_absent() -> None:
    """Garbage in Retry-After leaves the jitter alone, and the error without a hint."""
    player = Player(*[reply(503, retry_after="soon")] * 4)
    error = player.fail(flow(), RonServerError)
    assert (4, None) == (error.attempts, error.retry_after)


def test_an_error_that_is_not_repeated_still_tells_the_hint() -> None:
    """`retry_after` is set where the node said so, also on a POST that may not be repeated."""
    error = Player(reply(503, retry_after="3")).fail(flow("POST"), RonServerError)
    assert (1, 3.0) == (error.attempts, error.retry_after)


# --- Deadline and budget ------------------------------------------------------------------------------


def test_no_attempt_begins_after_the_deadline() -> None:
    """Attempts that take 4 s each fit twice into 10 s, and a third begins; a fourth would begin after it."""
    player = Player(*[reply(503)] * 4, took=4.0)
    error = player.fail(flow(), RonServerError)
    assert (3, [0.0, 4.0, 8.0]) == (error.attempts, player.sent_at)


def test_a_calls_own_timeout_is_its_deadline() -> None:
    """`timeout=` of the call replaces the client's."""
    player = Player(OK)
    player.run(flow(timeout=2.5))
    assert 2.5 == player.sends[0].exchange.deadline


def test_no_repeat_without_budget() -> None:
    """An empty bucket lets first attempts through and no repeat."""
    session = make_session(FakeClock(jitter=0.0))
    session.budget.tokens = 12
    assert 1 == Player(reply(503)).fail(perform(session, plan()), RonServerError).attempts
    assert 2 == Player(reply(429), OK).run(perform(session, plan())).attempts
    assert 1 == Player(refused()).fail(perform(session, plan()), RonNetworkError).attempts


@pytest.mark.parametrize(
    ("refusing", "session", "status"),
    [
        ("retries", {"max_retries": 0}, 503),
        ("deadline", {"timeout": 0.01}, 429),
        ("hint", {"timeout": 600.0}, 503),
    ],
)
def test_a_repeat_that_is_not_made_costs_nothing(refusing: str, session: dict[str, Any], status: int) -> None:
    """Only a repeat that goes out takes tokens from the budget."""
    shared = make_session(FakeClock(jitter=0.99), **session)
    player = Player(reply(status, retry_after="61") if refusing == "hint" else reply(status))
    assert 1 == player.fail(perform(shared, plan()), problem_error_class(status)).attempts
    assert 500 == shared.budget.tokens


@pytest.mark.parametrize(("status", "credit"), [(200, 1), (204, 1), (304, 1), (404, 1), (500, 0), (503, 0)])
def test_which_answers_refill_the_budget(status: int, credit: int) -> None:
    """An accepted 5xx, such as a health check's, is an answer to the caller but no success."""
    session = make_session(FakeClock())
    session.budget.tokens = 100
    Player(reply(status)).run(perform(session, plan(accept=frozenset({304, 404, 500, 503}))))
    assert 100 + credit == session.budget.tokens


@pytest.mark.parametrize(("status", "cost"), [(503, 14), (429, 5)])
def test_a_retried_success_pays_its_last_retry_back(status: int, cost: int) -> None:
    """Two repeats and a success leave the bucket short of the first repeat, but for the 1 of the success."""
    session = make_session(FakeClock(jitter=0.0))
    Player(reply(status), reply(status), OK).run(perform(session, plan()))
    assert 500 - cost + 1 == session.budget.tokens


def test_a_repeated_delete_that_finds_nothing_is_a_success_to_the_budget() -> None:
    """Its 404 pays the repeat back like any other success; the answer has no body of the node's."""
    session = make_session(FakeClock(jitter=0.0))
    answer = Player(lost(), reply(404, b"no")).run(perform(session, plan("DELETE")))
    assert (404, b"", 500) == (answer.reply.status, answer.reply.body, session.budget.tokens)


def test_copies_of_a_session_share_the_budget() -> None:
    """Other options are no way around the brake."""
    session = make_session(FakeClock(jitter=0.0))
    assert session.budget is session.with_options(1.0, 9, ()).budget


# --- What may have happened -----------------------------------------------------------------------------


@pytest.mark.parametrize("first", [lost(), reply(503), reply(500), late(sent=True)])
def test_a_404_on_a_repeated_delete_is_success(first: Any) -> None:
    """Our own earlier attempt may have deleted it; the 404's body is not the result of the call."""
    session = make_session(FakeClock(jitter=0.0))
    player = Player(first, reply(404, b"no such item"))
    assert player.run(plain_call(session, "DELETE", "/app/items/i-1")) is None
    assert 2 == len(player.sends)


@pytest.mark.parametrize("first", [refused(), reply(429), reply(425), reply(404, body(retryable=True))])
def test_a_404_after_attempts_that_did_nothing_is_an_error(first: Any) -> None:
    """An attempt that never arrived, or was refused, has deleted nothing."""
    error = Player(first, reply(404, b"no")).fail(flow("DELETE"), RonNotFoundError)
    assert 2 == error.attempts


def test_a_404_on_the_first_delete_is_an_error() -> None:
    """Nothing was there to delete."""
    assert 1 == Player(reply(404, b"no")).fail(flow("DELETE"), RonNotFoundError).attempts


@pytest.mark.parametrize("first", [lost(), reply(503)])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST", "DELETE"])
@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
def test_a_412_on_a_repeat_is_an_unknown_outcome(first: Any, method: str, name: str) -> None:
    """The precondition may have failed because our own earlier attempt was carried out."""
    player = Player(first, reply(412, body()))
    error = player.fail(flow(method, headers={name: '"v1"'}, key="k-1"), RonOutcomeUnknownError)
    assert isinstance(error, RonOutcomeUnknownError)
    assert (2, "k-1", False) == (error.attempts, error.idempotency_key, error.timed_out)
    assert Problem(code="c", message="m", kind="precondition_failed") == error.problem
    assert (
        f"{method} /app/items: the precondition failed on a repeat; an earlier attempt, whose answer was lost, may "
        "have been carried out: read the object again and compare"
    ) == str(error)


@pytest.mark.parametrize("outcomes", [[reply(412)], [refused(), reply(412)], [reply(429), reply(412)]])
def test_a_412_that_is_not_our_own_doing(outcomes: list[Any]) -> None:
    """Without an attempt that may have been carried out, somebody else changed the object."""
    Player(*outcomes).fail(flow("PUT", headers={"If-Match": '"v1"'}), RonPreconditionError)


def test_a_412_on_a_repeated_read_is_a_precondition() -> None:
    """A read changes nothing, so its 412 means what it says."""
    Player(reply(503), reply(412)).fail(flow(headers={"If-Match": '"v1"'}), RonPreconditionError)


@pytest.mark.parametrize("before", [[lost()], [reply(503)], [lost(), reply(503)], [lost(), reply(429)]])
@pytest.mark.parametrize("last", [refused(), late(sent=False)])
def test_an_unreachable_node_does_not_undo_what_may_have_happened(before: list[Any], last: Failure) -> None:
    """Once an attempt may have been carried out, a failure to connect later leaves the outcome unknown."""
    session = make_session(FakeClock(jitter=0.0), max_retries=len(before))
    error = Player(*before, last).fail(perform(session, plan("POST", key="k-1")), RonOutcomeUnknownError)
    assert isinstance(error, RonOutcomeUnknownError)
    assert ("k-1", last.timed_out) == (error.idempotency_key, error.timed_out)


def test_an_unknown_outcome_says_what_to_do() -> None:
    """The message tells to look first, and names the key to repeat with, if there is one."""
    keyed = Player(lost()).fail(
        perform(make_session(FakeClock(), max_retries=0), plan("POST", key="k-1")), RonOutcomeUnknownError
    )
    assert (
        "POST /app/items: node.example:443: the connection broke; the request may have been carried out: look before "
        "you repeat it, or repeat it with idempotency_key='k-1'"
    ) == str(keyed)
    bare = Player(lost()).fail(flow("POST"), RonOutcomeUnknownError)
    assert str(bare).endswith("look before you repeat it")


@pytest.mark.parametrize("method", sorted(READS))
def test_a_read_never_has_an_unknown_outcome(method: str) -> None:
    """Reads change nothing: a timeout is a timeout, a broken connection a network error."""
    Player(late(sent=True)).fail(perform(make_session(FakeClock(), max_retries=0), plan(method)), RonTimeoutError)
    Player(lost()).fail(perform(make_session(FakeClock(), max_retries=0), plan(method)), RonNetworkError)


# --- Tokens ---------------------------------------------------------------------------------------------


def renewable(token: Optional[str] = None) -> Any:
    """A session whose provider can be asked; with a token it has been already."""
    session = make_session(FakeClock(jitter=0.0))
    session.authority.renewable = True
    session.authority.credential = None if token is None else credential(token)
    return session


def tokens(player: Player) -> list[Optional[str]]:
    """The tokens that the attempts carried."""
    held = [send.credential for send in player.sends]
    return [None if one is None else one.header()[1].decode() for one in held]


def test_the_provider_is_asked_before_the_first_attempt() -> None:
    """Without a token yet the flow asks first, with the call's deadline."""
    player = Player(OK, tokens=[credential("t-1")])
    player.run(perform(renewable(), plan()))
    assert (["Bearer t-1"], [NeedToken(None, 10.0)]) == (tokens(player), player.asked)


def test_a_401_refreshes_once() -> None:
    """A 401 asks for another token and repeats at once, also a POST: it was not carried out."""
    player = Player(reply(401), OK, tokens=[credential("t-2")])
    answer = player.run(perform(renewable("t-1"), plan("POST")))
    assert (2, ["Bearer t-1", "Bearer t-2"], [0.0, 0.0]) == (answer.attempts, tokens(player), player.waits)


def test_a_second_401_is_the_answer() -> None:
    """The provider is asked once a call."""
    player = Player(reply(401), reply(401), tokens=[credential("t-2")])
    error = player.fail(perform(renewable("t-1"), plan()), RonAuthError)
    assert (2, 1) == (error.attempts, len(player.asked))


def test_the_same_token_is_not_sent_again() -> None:
    """A provider that has no other token ends the call with the 401."""
    player = Player(reply(401), tokens=[credential("t-1")])
    assert 1 == player.fail(perform(renewable("t-1"), plan()), RonAuthError).attempts


def test_a_fixed_token_is_not_refreshed() -> None:
    """Without a provider a 401 is the answer."""
    session = make_session(FakeClock())
    session.authority.credential = credential()
    player = Player(reply(401, body(retryable=True)))
    assert (1, 0) == (player.fail(perform(session, plan()), RonAuthError).attempts, len(player.asked))


def test_a_403_asks_nobody() -> None:
    """The default policy denies every write: a 403 is not a bad token (protocol.md)."""
    player = Player(reply(403))
    player.fail(perform(renewable("t-1"), plan()), RonPermissionError)
    assert [] == player.asked


def test_a_refresh_does_not_use_up_retries() -> None:
    """The repeat after a 401 is not one of `max_retries`."""
    player = Player(reply(503), reply(401), reply(503), reply(503), reply(503), tokens=[credential("t-2")])
    assert 5 == player.fail(perform(renewable("t-1"), plan()), RonServerError).attempts


def test_a_refused_attempt_counts_as_nothing_done() -> None:
    """A 401 deleted nothing: a 404 after the refresh is an error."""
    player = Player(reply(401), reply(404, b"no"), tokens=[credential("t-2")])
    player.fail(perform(renewable("t-1"), plan("DELETE")), RonNotFoundError)


def test_a_provider_that_fails_first_sends_nothing() -> None:
    """Its error reaches the caller with 0 attempts."""
    player = Player(tokens=[RonConfigError("token_provider raised KeyError")])
    error = player.fail(perform(renewable(), plan()), RonConfigError)
    assert (0, None, []) == (error.attempts, error.request_id, player.sends)


def test_a_provider_that_fails_on_a_refresh_knows_the_attempt() -> None:
    """Its error says that something was sent, and under which id."""
    player = Player(reply(401), tokens=[RonTimeoutError("token_provider did not return before the call's deadline")])
    error = player.fail(perform(renewable("t-1"), plan()), RonTimeoutError)
    assert 1 == error.attempts
    assert dict(player.sends[0].exchange.headers)[b"X-Request-Id"].decode() == error.request_id


@pytest.mark.parametrize("source", [RonTimeoutError("too late"), RonConfigError("raised KeyError")])
@pytest.mark.parametrize("before", [lost(), reply(503), reply(408)])
def test_a_failed_refresh_does_not_undo_what_may_have_happened(before: Any, source: RonError) -> None:
    """If an earlier attempt of a write may have been carried out, no token source can say that nothing happened."""
    player = Player(before, reply(401), tokens=[source])
    error = player.fail(perform(renewable("t-1"), plan("POST", key="k-1")), RonOutcomeUnknownError)
    assert ("k-1", 2, isinstance(source, RonTimeoutError)) == (error.idempotency_key, error.attempts, error.timed_out)
    assert dict(player.sends[0].exchange.headers)[b"X-Request-Id"].decode() == error.request_id
    assert (
        f"POST /app/items: {source.message}; the request may have been carried out: look before you repeat it, or "
        "repeat it with idempotency_key='k-1'"
    ) == str(error)


@pytest.mark.parametrize(("method", "before"), [("GET", [lost()]), ("POST", [refused()]), ("POST", [])])
def test_a_failed_refresh_where_nothing_can_have_happened(method: str, before: list[Any]) -> None:
    """A read, or a write that never arrived, ends with what the token source said."""
    player = Player(*before, reply(401), tokens=[RonTimeoutError("too late")])
    error = player.fail(perform(renewable("t-1"), plan(method)), RonTimeoutError)
    assert ("too late", len(before) + 1) == (str(error), error.attempts)


def test_a_401_that_ends_the_call_tells_the_hint() -> None:
    """`retry_after` is set on a 401 as on any other answer, also when the provider had no other token."""
    player = Player(reply(401, retry_after="7"), tokens=[credential("t-1")])
    assert 7.0 == player.fail(perform(renewable("t-1"), plan()), RonAuthError).retry_after


def test_a_refresh_costs_no_budget() -> None:
    """The repeat after a 401 is bounded by one a call, not by the bucket; nothing comes back for it."""
    session = renewable("t-1")
    session.budget.tokens = 3
    assert 2 == Player(reply(401), OK, tokens=[credential("t-2")]).run(perform(session, plan())).attempts
    assert 4 == session.budget.tokens


def test_a_renewed_token_is_tried_at_once() -> None:
    """The wait before an earlier repeat is not waited again."""
    session = renewable("t-1")
    session.random = lambda: 0.5
    player = Player(reply(503), reply(401), OK, tokens=[credential("t-2")])
    player.run(perform(session, plan()))
    assert [0.0, 0.025, 0.0] == player.waits


def test_every_repeat_uses_the_renewed_token() -> None:
    """After a refresh, later attempts of the call carry the new token as well."""
    player = Player(reply(401), reply(503), OK, tokens=[credential("t-2")])
    player.run(perform(renewable("t-1"), plan()))
    assert ["Bearer t-1", "Bearer t-2", "Bearer t-2"] == tokens(player)


@pytest.mark.parametrize("token", ["cap-hunter2", "hunter2/+=&<>", 'hunter2"\\'])
@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_a_token_that_the_node_echoes_is_not_shown(token: str, status: int) -> None:
    """Not in texts, details or headers of the error, however the node escaped it."""
    session = make_session(FakeClock(), max_retries=0)
    session.authority.credential = credential(token)
    plainly = json.dumps({"code": token, "message": f"bad token {token}", "details": {"got": [f"Bearer {token}"]}})
    hidden = "".join(f"\\u{ord(c):04x}" for c in token)
    for text in (plainly, plainly.replace("/", "\\/"), f'{{"message": "{hidden}", "x": {{"{hidden}": 1}}}}'):
        player = Player(reply(status, text.encode(), x_request_id=token, retry_after=token))
        error = player.fail(perform(session, plan()), problem_error_class(status))
        assert "hunter2" not in shown_by(error)
        assert "[redacted]" in repr(vars(error))


# --- What the errors say ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RonInvalidError),
        (401, RonAuthError),
        (403, RonPermissionError),
        (404, RonNotFoundError),
        (405, RonNotFoundError),
        (409, RonConflictError),
        (410, RonGoneError),
        (412, RonPreconditionError),
        (418, RonProblemError),
        (422, RonInvalidError),
        (451, RonPermissionError),
        (501, RonServerError),
    ],
)
def test_an_error_names_the_call_and_the_problem(status: int, kind: type[RonProblemError]) -> None:
    """Method, path, status, code and message; never the query."""
    player = Player(reply(status, b'{"code":"c","message":"m","correlation_id":"n-1"}'))
    error = player.fail(flow(query={"q": "private"}), kind)
    assert f"GET /app/items: {status} c: m" == str(error)
    assert isinstance(error, RonProblemError)
    assert (status, "n-1") == (error.status_code, error.problem.correlation_id)


@pytest.mark.parametrize(
    ("status", "content", "missing"),
    [(404, b"", True), (404, b"  \n", True), (404, b"no such item", False), (405, b"", True), (405, b"x", True)],
)
def test_whether_the_route_is_missing(status: int, content: bytes, missing: bool) -> None:
    """An empty 404 and every 405 speak of the route, not of the object."""
    error = Player(reply(status, content)).fail(flow(), RonNotFoundError)
    assert isinstance(error, RonNotFoundError)
    assert missing is error.route_missing


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_redirect_is_an_error(status: int) -> None:
    """Redirects are never followed; the message doesn't show where to."""
    player = Player(reply(status, b"", location="https://evil.example/?t=hunter2"))
    error = player.fail(flow(), RonProblemError)
    assert (
        f"GET /app/items: the node answered {status}, a redirect; redirects are never followed: check base_url and the "
        "path"
    ) == str(error)


def test_not_modified_is_not_called_a_redirect() -> None:
    """A 304 to the caller's own If-None-Match says what it is."""
    error = Player(reply(304)).fail(flow(headers={"If-None-Match": '"v1"'}), RonProblemError)
    assert "GET /app/items: 304 not_modified: the node answered 304 with an empty body" == str(error)


def test_the_id_is_read_back_from_either_header() -> None:
    """`X-Correlation-Id` wins over `X-Request-Id`; the body wins over both."""
    for fields, expected in (
        ({"x_request_id": "r-1"}, "r-1"),
        ({"x_request_id": "r-1", "x_correlation_id": "c-1"}, "c-1"),
    ):
        error = Player(reply(400, b"no", **fields)).fail(flow(), RonInvalidError)
        assert isinstance(error, RonProblemError)
        assert expected == error.problem.correlation_id


def test_a_timeout_says_where() -> None:
    """The transport's own words follow the call's name."""
    error = Player(late(sent=False)).fail(perform(make_session(FakeClock(), max_retries=0), plan()), RonTimeoutError)
    assert "GET /app/items: node.example:443: no answer came in time" == str(error)


def test_a_long_message_of_the_node_is_cut() -> None:
    """Error texts are bounded whatever the node says."""
    error = Player(reply(400, body(message="x" * 60_000))).fail(flow(), RonInvalidError)
    assert len(str(error)) < 600


def test_errors_of_the_driver_pass_as_they_are() -> None:
    """A RonConfigError of the transport ends the call; nothing was sent by it."""
    error = Player(RonConfigError("too many streams")).fail(flow(), RonConfigError)
    assert ("too many streams", 0) == (str(error), error.attempts)


def test_the_base_path_stands_before_every_target() -> None:
    """A base URL with a path puts it in front; the query follows."""
    session = make_session(FakeClock())
    session.base_path = b"/base"
    player = Player(OK)
    player.run(perform(session, plan(query={"a": "b c"})))
    assert b"/base/app/items?a=b%20c" == player.sends[0].exchange.target


def test_a_stream_is_asked_for_as_one() -> None:
    """With `stream=True` each attempt asks for an open reply."""
    player = Player(reply(503), Reply(200, (), b""))
    player.run(perform(make_session(FakeClock(jitter=0.0)), plan(), stream=True))
    assert [True, True] == [send.stream for send in player.sends]
    assert all(isinstance(send, Send) for send in player.sends)


# --- A client that is closed between two attempts --------------------------------------------------


CLOSED = "this RonClient is closed: make a new one, or move the call inside its `with` block"


def test_closed_after_a_write_that_may_have_happened() -> None:
    """What an earlier attempt may have done is what the caller must know; there is no third attempt."""
    player = Player(lost(), RonConfigError(CLOSED), OK)
    error = player.fail(perform(make_session(FakeClock()), plan("PUT")), RonOutcomeUnknownError)
    assert (
        f"PUT /app/items: {CLOSED}; the request may have been carried out: look before you repeat it" == error.message
    )
    assert (2, 2, False) == (error.attempts, len(player.sends), error.timed_out)


def test_closed_after_a_read() -> None:
    """A read that was under way was not answered: that is the network's kind of error."""
    player = Player(lost(), RonConfigError(CLOSED), OK)
    error = player.fail(perform(make_session(FakeClock()), plan("GET")), RonNetworkError)
    assert (f"GET /app/items: {CLOSED}", 2, 2) == (error.message, error.attempts, len(player.sends))


def test_closed_before_anything_can_have_happened() -> None:
    """As long as nothing can have been sent, it is a wrong use and nothing else."""
    player = Player(refused(), RonConfigError(CLOSED), OK)
    error = player.fail(perform(make_session(FakeClock()), plan("POST")), RonConfigError)
    assert (CLOSED, 2) == (error.message, len(player.sends))
