"""Counters of a client: logical calls, not attempts."""

from __future__ import annotations

import threading
from typing import Any, Optional

import pytest

from ron import RequestMetrics, RonClient, RonClientSync
from ron.errors import (
    RonAuthError,
    RonConfigError,
    RonError,
    RonNetworkError,
    RonOutcomeUnknownError,
    RonParseError,
    RonResponseTooLargeError,
    RonTimeoutError,
)
from ron.testing import FakeClock
from tests.unit.rig import OK, ScriptTransport, late, lost, reply


def counts(metrics: RequestMetrics) -> tuple[int, ...]:
    """Requests, errors, timeouts, network errors."""
    snapshot = metrics.snapshot()
    assert ["total_requests", "total_errors", "total_timeouts", "total_network_errors"] == list(snapshot)
    return tuple(snapshot.values())


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, (1, 0, 0, 0)),
        (RonNetworkError(), (1, 1, 0, 1)),
        (RonResponseTooLargeError(), (1, 1, 0, 1)),
        (RonTimeoutError(), (1, 1, 1, 0)),
        (RonOutcomeUnknownError(), (1, 1, 0, 1)),
        (RonOutcomeUnknownError(timed_out=True), (1, 1, 1, 0)),
        (RonAuthError(), (1, 1, 0, 0)),
        (RonParseError(), (1, 1, 0, 0)),
        (RonConfigError(), (0, 0, 0, 0)),  # refused before anything was sent: no request
    ],
)
def test_what_each_end_of_a_call_counts(error: Optional[RonError], expected: tuple[int, ...]) -> None:
    """A timeout is not a network error as well."""
    metrics = RequestMetrics()
    metrics.record(error)
    assert expected == counts(metrics)


def sync_client(*outcomes: Any) -> RonClientSync:
    """A client whose node answers so."""
    return RonClientSync(transport=ScriptTransport(*outcomes), clock=FakeClock(jitter=0.0))


def test_repeats_do_not_count() -> None:
    """A call that needed three attempts is one request and no error."""
    client = sync_client(reply(503), lost(), OK)
    client.get("/app/x")
    assert (1, 0, 0, 0) == counts(client.metrics)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (lost(), (1, 1, 0, 1)),
        (late(sent=True), (1, 1, 1, 0)),
        (reply(404), (1, 1, 0, 0)),
        (reply(200, b"<"), (1, 1, 0, 0)),
    ],
)
def test_a_call_that_fails_counts_once(outcome: Any, expected: tuple[int, ...]) -> None:
    """Whatever the number of attempts, it is one error; a body that cannot be read is one, too."""
    client = sync_client(outcome)
    with pytest.raises(RonError):
        client.get("/app/x")
    assert expected == counts(client.metrics)


@pytest.mark.anyio
async def test_the_async_client_counts_alike() -> None:
    """`RonClient.metrics` follows the same rules, and copies share it."""
    client = RonClient(transport=ScriptTransport(OK, lost()), clock=FakeClock(jitter=0.0), max_retries=0)
    await client.get("/app/x")
    with pytest.raises(RonNetworkError):
        await client.with_options(timeout=1).get("/app/x")
    assert (2, 1, 0, 1) == counts(client.metrics)


def test_many_threads_lose_no_count() -> None:
    """Counting is safe from any thread."""
    metrics = RequestMetrics()

    def count() -> None:
        for _ in range(1000):
            metrics.record(RonTimeoutError())

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (4000, 4000, 4000, 0) == counts(metrics)


def test_a_snapshot_is_a_copy() -> None:
    """Later calls don't change a snapshot; the repr shows the counters."""
    metrics = RequestMetrics()
    before = metrics.snapshot()
    metrics.record()
    assert 0 == before["total_requests"]
    assert "RequestMetrics(total_requests=1, total_errors=0, total_timeouts=0, total_network_errors=0)" == repr(metrics)
