"""A watch that is answered at random: it ends as it must, in states of its table, and never in another way."""

from __future__ import annotations

import random
from typing import Any

from ron._effects import Close, Emit, Now, Read, Send, Sleep
from ron._values import Failure, Reply
from ron.errors import RonError
from ron.resources._watch_states import LAST, STATES, TRANSITIONS
from ron.testing import FakeClock
from tests.watch_flow.stepper import ToyWatch
from tests.watch_flow.toy import JSON, SSE, ToyNode, ToyStream

STATUSES = (200, 200, 200, 200, 204, 301, 304, 400, 401, 403, 404, 405, 406, 408, 409, 410, 410, 429, 500, 501, 503)
TYPES = (SSE, SSE, SSE, SSE, SSE, SSE, SSE, JSON)
BODIES = (
    b'{"items": []}',
    b'{"items": [{"id": "a"}, {"id": "b"}], "next_page_token": null}',
    b'{"items": [{"id": "a", "name": "x"}], "next_page_token": "2"}',
    b'{"items": [{"id": 5}]}',
    b"<html>",
    b"",
)
PIECES = (
    b'id: 1\nevent: added\ndata: {"id": "a"}\n\n',
    b'id: 2\nevent: modified\ndata: {"id": "a", "name": "y"}\n\nid: 3\nevent: deleted\ndata: a\n\n',
    b'event: error\ndata: {"status": 410}\n\n',
    b"retry: 1\n\n",
    b":\n\n",
    b"id: 9\n\n",
    b"event: added\ndata: {\n\n",
    b"\xff\xfe\x00data",
    b"event: added\n",
    b"",
)
FAILURES = (
    ("connect", False, False, False),
    ("timeout", True, True, False),
    ("timeout", False, True, False),
    ("read", True, False, False),
    ("protocol", True, False, True),
    ("encoding", True, False, True),
    ("too_large", True, False, True),
)


def answer(effect: Any, chance: random.Random, clock: FakeClock) -> Any:
    """Something that a driver could answer."""
    if isinstance(effect, Now):
        return clock.time() if effect.wall else clock.monotonic()
    if isinstance(effect, Sleep):
        clock.advance(effect.seconds)
        return None
    if isinstance(effect, Emit):
        clock.advance(chance.choice([0, 0, 3]))
        return None
    if isinstance(effect, Close):
        return None
    clock.advance(chance.choice([0.0, 0.01, 1.0]))
    if chance.random() < 0.15:
        kind, sent, timed_out, permanent = chance.choice(FAILURES)
        return Failure(kind, "failed", sent=sent, timed_out=timed_out, permanent=permanent)
    if isinstance(effect, Read):
        return chance.choice(PIECES)
    assert isinstance(effect, Send)
    status = chance.choice(STATUSES)
    headers: Any = [chance.choice(TYPES) if effect.stream else JSON]
    headers += chance.choice([[], [(b"ETag", b'"1"')], [(b"Content-Length", b"7")], [(b"Retry-After", b"1")]])
    if effect.stream and 200 <= status < 300:
        return ToyStream(tuple(headers), status)
    return Reply(status, tuple(headers), chance.choice(BODIES))


def test_whatever_is_answered() -> None:
    """Every state comes up, every step is one of the table's, and only our own errors come out of it."""
    seen: set[str] = set()
    ends: set[str] = set()
    for seed in range(600):
        chance = random.Random(seed)
        clock = FakeClock(jitter=chance.random())
        watch = ToyWatch(
            ToyNode(clock),
            cursor=chance.choice([None, "1"]),
            initial=chance.random() < 0.5,
            max_events=chance.choice([None, 20]),
            max_duration=chance.choice([None, 50.0]),
            max_failures=chance.choice([0, 3, 12]),
            idle_timeout=30.0,
        )
        flow = watch.stepper.flow
        given: Any = None
        try:
            for _ in range(400):
                before = watch.status
                effect = flow.throw(given) if isinstance(given, Failure) else flow.send(given)
                assert watch.status != LAST
                assert before == watch.status or reaches(before, watch.status)
                seen.add(watch.status)
                given = answer(effect, chance, clock)
        except StopIteration:
            ends.add("ended")
        except RonError as error:
            ends.add(type(error).__name__)
        else:
            flow.close()
        assert LAST == watch.status
        seen.add(watch.status)
    assert set(STATES) == seen | {"idle"}
    assert ends >= {"ended", "RonWatchError", "RonGoneError", "RonParseError", "RonAuthError"}


def reaches(state: str, other: str) -> bool:
    """Whether steps of the table lead from one to the other without an effect between, that is a few of them."""
    edge = {state}
    for _ in range(3):
        edge = {to for (one, _), to in TRANSITIONS.items() if one in edge}
        if other in edge:
            return True
    return False
