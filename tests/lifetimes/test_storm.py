"""Twenty thousand requests, most of them given up and made again, leave nothing; see `storm.py`."""

from __future__ import annotations

from tests.lifetimes.storm import Left, storm, storm_sync

REQUESTS = 20_000
#: Threads cost more than tasks; the command in `storm.py` runs as many of these as one likes.
REQUESTS_SYNC = 3_000


def _is_calm(left: Left, requests: int) -> None:
    assert Left(left.answers, left.given_up, 0, 0, 0, 0, 0, 0, 0, 0) == left
    assert left.answers + left.given_up >= requests
    assert left.given_up > requests / 5, "there was no storm"


def test_cancelled_and_made_again() -> None:
    """20 000 requests on 10 lanes, cancelled at random: no lane, permit, task, socket or thread, no wrong answer."""
    _is_calm(storm(REQUESTS), REQUESTS)


def test_deadlines_under_load() -> None:
    """Deadlines that pass in 30 threads on 10 lanes leave as little, and every answer was the thread's own."""
    _is_calm(storm_sync(REQUESTS_SYNC), REQUESTS_SYNC)
