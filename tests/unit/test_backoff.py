"""When and whether to try again: jitter, hints, budget."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ron._backoff import BASE_THROTTLED, BASE_TRANSIENT, MAX_HINT, Budget, full_jitter, retry_hint, wait_before
from ron._flow import perform
from ron.errors import RonRateLimitError, RonServerError
from ron.testing import FakeClock
from tests.unit.rig import OK, Player, make_session, plan, reply

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc).timestamp()


# --- Jitter -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("retry", "base", "most"),
    [
        (1, BASE_TRANSIENT, 0.05),
        (2, BASE_TRANSIENT, 0.1),
        (3, BASE_TRANSIENT, 0.2),
        (9, BASE_TRANSIENT, 12.8),
        (10, BASE_TRANSIENT, 20.0),
        (1, BASE_THROTTLED, 1.0),
        (2, BASE_THROTTLED, 2.0),
        (5, BASE_THROTTLED, 16.0),
        (6, BASE_THROTTLED, 20.0),
        (10**6, BASE_THROTTLED, 20.0),
    ],
)
def test_full_jitter(retry: int, base: float, most: float) -> None:
    """Design §3: anywhere between nothing and min(20 s, base * 2^(n-1))."""
    assert 0.0 == full_jitter(retry, base, 0.0)
    assert most / 2 == pytest.approx(full_jitter(retry, base, 0.5))
    assert most == pytest.approx(full_jitter(retry, base, 1.0))


@given(st.integers(1, 40), st.sampled_from([BASE_TRANSIENT, BASE_THROTTLED]), st.floats(0, 1, exclude_max=True))
def test_the_jitter_is_spread_evenly_over_its_range(retry: int, base: float, draw: float) -> None:
    """The same share of the draw's range and of the wait's: uniform, whatever the repeat, and never over 20 s."""
    most = min(20.0, base * 2 ** (retry - 1))
    wait = full_jitter(retry, base, draw)
    assert 0.0 <= wait <= most <= 20.0
    assert draw == pytest.approx(wait / most)


# --- Hints ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("3", 3.0),
        (" 3 ", 3.0),
        ("120", 120.0),
        ("999999999", 999_999_999.0),
        ("1000000000000", 1e9),
        ("9" * 5000, 1e9),
        ("Fri, 02 Jan 2026 03:04:35 GMT", 30.0),
        ("Friday, 02-Jan-26 03:04:35 GMT", 30.0),
        ("Fri Jan  2 03:04:35 2026", 30.0),
        ("Fri, 02 Jan 2026 04:04:35 +0100", 30.0),
        ("Fri, 02 Jan 2026 03:04:35 -0000", 30.0),
        ("Fri, 02 Jan 2026 03:00:00 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("-5", None),
        ("+5", None),
        ("1.5", None),
        ("1e3", None),
        ("", None),
        ("soon", None),
        ("\u00b2", None),
        ("3, 5", None),
        ("Fri, 99 Jan 2026 99:99:99 GMT", None),
        ("Fri, 02 Jan 99999 03:04:35 GMT", None),
    ],
)
def test_the_retry_after_field(value: Optional[str], seconds: Optional[float]) -> None:
    """RFC 9110 §10.2.3: seconds or a date in any of its three forms; garbage counts as absent."""
    answer = reply(503) if value is None else reply(503, retry_after=value)
    hint = retry_hint(answer, None, NOW)
    assert (None if seconds is None else pytest.approx(seconds)) == hint


@pytest.fixture(params=["UTC", "EST5EDT", "JST-9"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The process's local time zone."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def test_dates_are_not_read_in_the_local_zone(zone: str) -> None:
    """The asctime form and `-0000` name no zone and mean UTC, wherever the program runs."""
    for value in ("Fri Jan  2 03:04:35 2026", "Fri, 02 Jan 2026 03:04:35 -0000", "Fri, 02 Jan 2026 03:04:35 GMT"):
        assert 30.0 == retry_hint(reply(503, retry_after=value), None, NOW)


@pytest.mark.parametrize(
    ("content", "seconds"),
    [
        (b'{"retry_after_ms":50}', 0.05),
        (b'{"retry_after_ms":0}', 0.0),
        (b'{"retry_after_ms":-1}', 3.0),
        (b'{"retry_after_ms":"50"}', 3.0),
        (b'{"retry_after_ms":true}', 3.0),
        (b'{"retry_after_ms":null}', 3.0),
        (b'{"retry_after_ms":[50]}', 3.0),
        (b"retry_after_ms", 3.0),
    ],
)
def test_what_a_body_may_say(content: bytes, seconds: float) -> None:
    """Garbage under `retry_after_ms` counts as absent: then the field is the hint."""
    error = Player(reply(503, content, retry_after="3")).fail(
        perform(make_session(FakeClock(), max_retries=0), plan()), RonServerError
    )
    assert seconds == error.retry_after


@pytest.mark.parametrize("ms", [60_001, 10**9, 10**15])
def test_a_huge_hint_in_the_body_fails_at_once(ms: int) -> None:
    """However far away it is, the caller is told and nobody waits."""
    error = Player(reply(429, b'{"retry_after_ms":%d}' % ms)).fail(
        perform(make_session(FakeClock(), timeout=86_400.0), plan()), RonRateLimitError
    )
    assert 1 == error.attempts
    assert error.retry_after is not None
    assert error.retry_after > 60.0


@pytest.mark.parametrize(("ms", "seconds"), [(50, 0.05), (0, 0.0), (90_000, 90.0)])
def test_the_bodys_hint_wins(ms: int, seconds: float) -> None:
    """`retry_after_ms` in the Problem is the finer one and beats the field (protocol.md)."""
    assert seconds == retry_hint(reply(503, retry_after="1"), ms, NOW)


@given(
    st.text(alphabet=st.characters(max_codepoint=255), max_size=40) | st.text("0123456789 ,:GMTJanFri+-", max_size=40)
)
def test_any_field_is_a_number_of_seconds_or_absent(value: str) -> None:
    """No text of the field raises or gives less than 0."""
    hint = retry_hint(reply(503, retry_after=value), None, NOW)
    assert hint is None or hint >= 0.0


# --- The budget -------------------------------------------------------------------------------------


def test_a_full_budget_stands_for_35_transient_retries() -> None:
    """500 tokens at 14 each; a throttled retry takes 5."""
    budget = Budget()
    assert 35 == sum(budget.take(Budget.TRANSIENT) for _ in range(100))
    assert 10 == budget.tokens
    assert [True, True, False] == [budget.take(Budget.THROTTLED) for _ in range(3)]


def test_success_gives_back() -> None:
    """A success gives 1 back, after a retry also what that took, and never more than the bucket holds."""
    budget = Budget()
    budget.take(Budget.TRANSIENT)
    budget.take(Budget.TRANSIENT)
    budget.success(0)
    assert 473 == budget.tokens
    budget.success(Budget.TRANSIENT)
    assert 488 == budget.tokens
    budget.success(Budget.TRANSIENT)
    assert Budget.CAPACITY == budget.tokens


def test_a_total_outage_lets_about_35_retries_through() -> None:
    """A hundred calls against a dead node make a hundred attempts and 35 repeats, not three hundred."""
    session = make_session(FakeClock(jitter=0.0))
    attempts = 0
    for _ in range(100):
        player = Player(*[reply(503)] * 4)
        player.fail(perform(session, plan()), RonServerError)
        attempts += len(player.sends)
    assert 135 == attempts


def test_retries_come_back_with_success() -> None:
    """Once the node answers, a retried success pays its retry back, so single failures never use the budget up."""
    session = make_session(FakeClock(jitter=0.0))
    for _ in range(200):
        assert 2 == Player(reply(503), OK).run(perform(session, plan())).attempts
    assert Budget.CAPACITY == session.budget.tokens


def test_the_longest_hint_that_is_followed() -> None:
    """A minute is the most that a call waits because a node says so."""
    assert 60.0 == MAX_HINT


# --- Hint and jitter together -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("retry", "hint", "left", "earliest", "latest"),
    [
        (1, 0.0, 10.0, 0.0, 0.05),  # no hint: full jitter
        (3, 0.0, 0.1, 0.0, 0.2),  # which looks at no deadline: the flow does
        (1, 4.0, 100.0, 4.0, 6.0),  # up to half of the hint on top
        (1, 8.0, 10.0, 8.0, 9.0),  # at most half of what is left
        (1, 0.02, 10.0, 0.02, 0.07),  # a short hint: the jitter is the wider one
        (9, 1.0, 100.0, 1.0, 13.8),  # so is that of a late repeat
        (1, 12.0, 10.0, 12.0, 12.05),  # beyond the deadline, where the flow gives up
    ],
)
def test_the_wait_is_the_hint_and_jitter_on_top(
    retry: int, hint: float, left: float, earliest: float, latest: float
) -> None:
    """Never before the hint, and spread over the wider one of jitter and half of the hint."""
    assert earliest == pytest.approx(wait_before(retry, BASE_TRANSIENT, 0.0, hint, left))
    assert latest == pytest.approx(wait_before(retry, BASE_TRANSIENT, 1.0, hint, left))
    assert (earliest + latest) / 2 == pytest.approx(wait_before(retry, BASE_TRANSIENT, 0.5, hint, left))
