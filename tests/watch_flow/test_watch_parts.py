"""The parts of a watch, each by its table: reconnects, replays, silence, what is tracked, states, options."""

from __future__ import annotations

import itertools
import json
from typing import Any, Optional

import pytest
from pydantic import Field, SecretStr

from ron import Bytes, Event, Resource, RonConfigError, RonInputError, server
from ron._reconnect import Reconnects
from ron.resources._changes import says_expired
from ron.resources._replays import REMEMBERED, Replays
from ron.resources._silence import Silence
from ron.resources._tracked import Tracked
from ron.resources._watch_states import FIRST, LAST, STATES, TRANSITIONS, diagram, follow
from tests.watch_flow.stepper import ToyWatch
from tests.watch_flow.toy import Thing, ToyNode

# --- Reconnects ---------------------------------------------------------------------------------


def waits(reconnects: Reconnects, lasted: Optional[float], times: int) -> list[Optional[float]]:
    """What is waited after so many streams that lasted so long."""
    return [reconnects.lost(lasted, None) for _ in range(times)]


@pytest.mark.parametrize("draw", [0.0, 0.5, 0.999999])
@pytest.mark.parametrize("lasted", [None, 0.0, 60.0])
def test_the_first_reconnect_is_soon(draw: float, lasted: Optional[float]) -> None:
    """After a transient cut the next stream is opened within a second, whatever the jitter (seed §7)."""
    wait = Reconnects(12, lambda: draw).lost(lasted, None)
    assert wait is not None
    assert 0.05 >= wait


def test_failed_attempts_wait_longer_and_longer() -> None:
    """The jitter's range doubles from 50 ms to 20 s."""
    found = waits(Reconnects(12, lambda: 1.0), None, 12)
    assert [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 20.0, 20.0, 20.0] == pytest.approx(found)


def test_brief_streams_are_no_hot_loop() -> None:
    """Streams that bring an event and end at once are opened about a second apart, with the unluckiest jitter too."""
    reconnects = Reconnects(12, lambda: 0.0)
    found = []
    for _ in range(20):
        reconnects.progress()
        found.append(reconnects.lost(0.1, None))
    assert [0.0, 0.05, 0.1, 0.2, 0.4, 0.5, 0.5] == pytest.approx(found[:7])
    assert {0.5} == set(found[7:])


def test_a_steady_stream_lets_everything_begin_anew() -> None:
    """Five seconds open: neither a failure nor brief, however many there were before."""
    reconnects = Reconnects(12, lambda: 1.0)
    waits(reconnects, 0.0, 8)
    assert 0.05 == reconnects.lost(5.0, None)
    assert 1 == reconnects.failures


@pytest.mark.parametrize("limit", [0, 1, 12])
def test_failures_in_a_row_are_bounded(limit: int) -> None:
    """After so many failures there is no next attempt."""
    found = waits(Reconnects(limit, lambda: 0.0), None, limit + 1)
    assert None not in found[:limit]
    assert found[limit] is None


@pytest.mark.parametrize(
    ("retry_ms", "hint", "expected"),
    [
        (None, None, 0.05),
        (3000, None, 3.0),
        (0, None, 0.05),
        (10**12, None, 60.0),
        (None, 7.5, 7.5),
        (None, 3600.0, 60.0),
        (9000, 7.5, 9.0),
        (1000, 7.5, 7.5),
    ],
)
def test_what_the_node_asks_for(retry_ms: Optional[int], hint: Optional[float], expected: float) -> None:
    """The node's `retry` and a Problem's hint are floors, up to 60 seconds; the `retry` holds until another one."""
    reconnects = Reconnects(12, lambda: 1.0)
    reconnects.heed(retry_ms)
    assert expected == reconnects.lost(60.0, hint)
    reconnects.heed(None)
    assert max(0.05, min(60.0, (retry_ms or 0) / 1000)) == reconnects.lost(60.0, None)


# --- Replays ------------------------------------------------------------------------------------


def events(*told: str) -> list[Event]:
    """`7a` is an event with id 7 and data `a`; `a` one without an id, `!` no change."""
    return [Event("hello" if one[-1] == "!" else "added", one[-1], one[:-1]) for one in told]


def fresh(replays: Replays, *told: str) -> list[str]:
    """Those that are not told again."""
    return [one.id + one.data for one in replays.fresh(events(*told))]


@pytest.mark.parametrize(
    ("streams", "expected"),
    [
        ([["1a", "2b"], ["3c"]], ["1a", "2b", "3c"]),
        ([["1a", "2b"], ["2b", "3c"]], ["1a", "2b", "3c"]),
        ([["1a", "2b", "3c"], ["1a", "2b", "3c", "4d"]], ["1a", "2b", "3c", "4d"]),
        ([["1a", "1b"], ["1a", "1b", "1c"]], ["1a", "1b", "1c"]),
        ([["1a"], ["1a", "1a"], ["1a", "1a", "1a"]], ["1a", "1a", "1a"]),
        ([["1a", "1b", "2c"], ["1a"], ["1a", "1b", "2c", "2d"]], ["1a", "1b", "2c", "2d"]),
        ([["a", "b"], ["a", "b"]], ["a", "b", "a", "b"]),
        ([["1a", "2b"], ["1c", "2b"]], ["1a", "2b", "1c", "2b"]),
        ([["2b", "3c"], ["1a", "2b", "3c"]], ["2b", "3c", "1a", "2b", "3c"]),
        ([["1a"], ["x", "1a", "2b"]], ["1a", "x", "1a", "2b"]),
        ([["1a"], ["!", "1a", "2b"]], ["1a", "!", "2b"]),
        ([["0a", "0b"], ["0c", "0d"]], ["0a", "0b", "0c", "0d"]),
    ],
    ids=[
        "nothing again",
        "the last again",
        "all again",
        "several under one id",
        "equal ones under one id",
        "cut within an id",
        "no ids",
        "an id with other contents",
        "further back than is known",
        "behind a change without an id",
        "behind a greeting",
        "one id for all",
    ],
)
def test_replays(streams: list[list[str]], expected: list[str]) -> None:
    """What comes again after a reconnect is told by its id, its place under that id, and its contents."""
    replays = Replays()
    found: list[str] = []
    for told in streams:
        replays.reconnected()
        for one in told:  # bytes come in any pieces
            found += fresh(replays, one)
    assert expected == found
    replays = Replays()
    whole: list[str] = []
    for told in streams:
        replays.reconnected()
        whole += fresh(replays, *told)
    assert expected == whole


def test_the_last_1024_ids_are_remembered() -> None:
    """A replay that goes further back is delivered again, and all that comes behind it."""
    replays = Replays()
    told = [f"{n}x" for n in range(REMEMBERED + 2)]
    assert told == fresh(replays, *told)
    replays.reconnected()
    assert [] == fresh(replays, *told[2:])
    replays.reconnected()
    assert told == fresh(replays, *told)
    assert 1024 == REMEMBERED


def test_one_id_for_everything_takes_bounded_memory() -> None:
    """A node that gives all its events one id is remembered as far as others are."""
    replays = Replays()
    for n in range(3 * REMEMBERED):
        assert 1 == len(replays.fresh([Event("added", str(n), "0")]))
    assert REMEMBERED == len(replays._delivered["0"])


def test_a_lost_place_forgets_the_ids() -> None:
    """Behind it, ids may mean something else."""
    replays = Replays()
    fresh(replays, "1a")
    replays.clear()
    assert ["1a"] == fresh(replays, "1a")


# --- Silence ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "heard", "expected"),
    [
        (None, [], None),
        (None, [(5, False), (500, False)], None),
        (None, [(0.5, True)], None),
        (None, [(15, True)], 60.0),
        (None, [(0.5, True), (30.5, True)], 90.0),
        (None, [(20, False), (30, True)], 60.0),
        (None, [(100, True), (110, True)], 300.0),
        (None, [(1000, True)], 600.0),
        (7.0, [], 7.0),
        (7.0, [(100, True)], 7.0),
    ],
)
def test_silence(given: Optional[float], heard: list[tuple[float, bool]], expected: Optional[float]) -> None:
    """No limit before a heartbeat was seen; then three times the longest gap before one, 1 to 10 minutes."""
    silence = Silence(given)
    silence.opened(0.0)
    for at, heartbeat in heard:
        silence.heard(at, heartbeat)
    assert expected == silence.limit


# --- Tracked ------------------------------------------------------------------------------------


class Shy(Resource, path="/app/shy"):
    id: str = server()
    hidden: str = Field(default="", exclude=True)
    secret: SecretStr = SecretStr("")
    raw: Bytes = b""


def thing(cls: Any = Thing, **fields: str) -> Any:
    """An object as a node sent it."""
    return cls.__pydantic_validator__.validate_json(json.dumps({"id": "a", **fields}))


def test_what_is_news() -> None:
    """An object that was not there is added, one with other content modified, the same one no news."""
    tracked = Tracked()
    found = [tracked.put("a", thing(name=name)) for name in ("x", "x", "y", "x")]
    assert ["added", None, "modified", "modified"] == found
    tracked.drop("a")
    assert "added" == tracked.put("a", thing(name="x"))


@pytest.mark.parametrize(
    ("cls", "before", "after"),
    [
        (Thing, {}, {"unknown": "1"}),
        (Thing, {"unknown": "1"}, {"unknown": "2"}),
        (Shy, {"hidden": "1"}, {"hidden": "2"}),
        (Shy, {"secret": "1"}, {"secret": "2"}),
        (Shy, {"raw": "_w"}, {"raw": "_v8"}),
    ],
)
def test_every_field_counts(cls: Any, before: dict[str, str], after: dict[str, str]) -> None:
    """Also fields that are not declared, that are left out of dumps, or that hide their value."""
    tracked = Tracked()
    tracked.put("a", thing(cls, **before))
    assert [None, "modified"] == [tracked.put("a", thing(cls, **fields)) for fields in (before, after)]


def test_what_is_gone() -> None:
    """After a whole list, what it did not hold is gone, and told once."""
    tracked = Tracked()
    for key in "abc":
        tracked.put(key, thing())
    assert not tracked.complete
    assert ["a", "c"] == tracked.keep({"b"})
    assert (True, 1, []) == (tracked.complete, len(tracked), tracked.keep({"b"}))
    tracked.forget()
    assert (False, 0) == (tracked.complete, len(tracked))


# --- The table of states ------------------------------------------------------------------------


def test_every_state_can_be_reached_and_left() -> None:
    """From the first state each can be reached, and from each but the last a watch can be closed."""
    reached, edge = {FIRST}, {FIRST}
    while edge:
        edge = {to for (state, _), to in TRANSITIONS.items() if state in edge} - reached
        reached |= edge
    assert set(STATES) == reached
    for state in STATES:
        assert (state != LAST) == any(LAST == to for (one, _), to in TRANSITIONS.items() if one == state)


def test_steps_that_the_table_does_not_have() -> None:
    """They are mistakes of ours, and found."""
    whats = {what for _, what in TRANSITIONS}
    for state, what in itertools.product(STATES, whats):
        if (state, what) not in TRANSITIONS:
            with pytest.raises(KeyError):
                follow(state, what)
    assert "listing" == follow("live", "continuity lost")


def test_the_diagram_is_the_table() -> None:
    """Each step is one arrow."""
    lines = diagram().splitlines()
    assert ("stateDiagram-v2", "  [*] --> idle", "  closed --> [*]") == (lines[0], lines[1], lines[-1])
    assert len(TRANSITIONS) == len(lines) - 3
    assert "  live --> listing: continuity lost" in lines


# --- What says that a cursor is too old ---------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ('{"status": 410}', True),
        ('{"code": 410}', True),
        ('{"code": "gone"}', True),
        ('{"code": "GONE", "message": "x"}', True),
        ('{"code": "CURSOR_EXPIRED"}', True),
        ('{"kind": "Status", "code": 410, "reason": "Expired"}', True),
        ('{"reason": "expired"}', True),
        ('{"http": 410}', True),
        ('{"status": "410"}', True),
        ('{"status": 500}', False),
        ('{"code": "going"}', False),
        ('{"message": "gone"}', False),
        ('{"status": true}', False),
        ("410", False),
        ('"gone"', False),
        ("[410]", False),
        ("null", False),
        ("gone", False),
        ("", False),
        ('{"status": 410', False),
    ],
)
def test_says_expired(data: str, expected: bool) -> None:
    """A Problem of 410, as nodes and Kubernetes write it; nothing else."""
    assert expected == says_expired(data)


# --- Options ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"initial": 1}, "initial must be True or False, not 1"),
        ({"strict": "yes"}, "strict must be True or False, not 'yes'"),
        ({"max_failures": -1}, "max_failures must be a whole number from 0 to 1000000, not -1"),
        ({"max_failures": True}, "max_failures must be a whole number from 0 to 1000000, not True"),
        ({"max_tracked": 0}, "max_tracked must be a whole number from 1 to 2147483648, not 0"),
        ({"buffer": 1.5}, "buffer must be a whole number from 0 to 100000, not 1.5"),
        ({"cursor": ""}, "a cursor is the id of an event as it came: 1 to 4096 characters, no controls, no blanks"),
        ({"cursor": "a\nb"}, "a cursor is the id of an event as it came"),
        ({"cursor": 7}, "a cursor is the id of an event as it came"),
    ],
)
def test_options_are_checked(options: dict[str, Any], message: str) -> None:
    """A wrong option is refused before anything is sent, by name, with what it may be."""
    node = ToyNode()
    with pytest.raises(RonConfigError) as raised:
        ToyWatch(node, **options)
    assert raised.value.message.startswith(message)
    assert [] == node.requests


@pytest.mark.parametrize("name", ["idle_timeout", "max_duration", "poll_interval"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "5", True])
def test_seconds_are_checked(name: str, value: Any) -> None:
    """Seconds are numbers over 0."""
    with pytest.raises(RonConfigError) as raised:
        ToyWatch(ToyNode(), **{name: value})
    assert name in raised.value.message


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "5"])
def test_max_events_is_checked(value: Any) -> None:
    """At least one."""
    with pytest.raises(RonInputError, match="max_events must be a whole number of at least 1"):
        ToyWatch(ToyNode(), max_events=value)


class Unlisted(Resource, path="/app/things", operations=["get", "watch"]):
    id: str = server()


def test_initial_needs_a_list() -> None:
    """What cannot be listed cannot be listed first; said before anything is sent."""
    node = ToyNode()
    with pytest.raises(RonConfigError, match="Unlisted does not allow 'list'"):
        ToyWatch(node, cls=Unlisted, initial=True)
    assert [] == node.requests


def test_ids_that_no_stream_goes_on_after_are_not_kept() -> None:
    """An id that is longer than a cursor may be tells no place: what it stands for is delivered each time."""
    replays = Replays()
    event = Event("added", "{}", "x" * 5000, None)
    for _ in range(2):
        replays.reconnected()
        assert [event] == replays.fresh([event])
    assert {} == replays._delivered
