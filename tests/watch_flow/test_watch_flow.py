"""A watch, effect by effect, against a toy node: what each answer makes of it, and what its consumer is given."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from ron import (
    Resource,
    RonAuthError,
    RonConfigError,
    RonGoneError,
    RonInvalidError,
    RonNetworkError,
    RonNotFoundError,
    RonParseError,
    RonPermissionError,
    RonResponseTooLargeError,
    RonServerError,
    RonWatchError,
    server,
)
from ron._values import Failure
from ron.resources._watching import STREAM_AGAIN
from ron.testing import FakeClock
from tests.unit.rig import late, lost, refused, reply
from tests.watch_flow.stepper import Asleep, Ended, Idle, ToyWatch, apply, as_store
from tests.watch_flow.toy import JSON, SSE, ToyNode, ToyStream


class Unlisted(Resource, path="/app/things", operations=["get", "watch"]):
    id: str = server()


def told(changes: list[Any]) -> list[str]:
    """Changes in short: `+a added`, `-a`, `= start a,b`, `? event`."""
    found = []
    for change in changes:
        if change.type == "deleted":
            found.append(f"-{change.key}")
        elif change.type == "resync":
            found.append(f"= {change.reason} {','.join(sorted(change.keys))}")
        elif change.type == "other":
            found.append(f"? {change.event}")
        else:
            found.append(f"+{change.key} {change.type}")
    return found


def live(node: ToyNode, **options: Any) -> ToyWatch:
    """A watch whose stream is open."""
    watch = ToyWatch(node, **options)
    watch.ready()
    return watch


def node_with(*keys: str, **settings: Any) -> ToyNode:
    """A node that has had these things from the beginning."""
    node = ToyNode(**settings)
    for key in keys:
        node.put(key)
    return node


# --- A quiet life ---------------------------------------------------------------------------------


def test_what_happens_is_told() -> None:
    """Writes come as changes, each with its cursor; between them one read is pending, and no timer runs."""
    node = node_with("a")
    watch = live(node)
    assert ("live", Idle(None)) == (watch.status, watch.next())
    node.put("b")
    node.put("a", name="x")
    node.delete("b")
    changes = watch.ready()
    assert ["+b added", "+a modified", "-b"] == told(changes)
    assert ["2", "3", "4"] == [change.cursor for change in changes]
    assert 1 == len(node.requests)


def test_idle_costs_nothing() -> None:
    """While nothing happens exactly one effect is pending: a read without a time limit."""
    node = node_with("a")
    watch = live(node, initial=True)
    effects = watch.stepper.effects
    for _ in range(1000):
        node.clock.advance(3600)
        assert Idle(None) == watch.next()
    assert (effects, 2) == (watch.stepper.effects, len(node.requests))


def test_initial_lists_first() -> None:
    """The stream is opened, then everything listed, then what happened meanwhile is told."""
    node = node_with("a", "b", "c", "d")
    node.before_page = lambda number: node.put("e") if number == 2 else None
    watch = ToyWatch(node, initial=True)
    assert ["+a listed", "+b listed", "+c listed", "+d listed", "+e listed", "= start a,b,c,d,e", "+e added"] == told(
        watch.ready()
    )
    assert ["/events", "list", "list"] == [what for _, what in node.requests]


def test_a_cursor_needs_no_list() -> None:
    """With a cursor the watch goes on behind it, `initial` or not."""
    node = node_with("a", "b", "c")
    node.cursors.clear()
    watch = ToyWatch(node, cursor="1", initial=True)
    assert ["+b added", "+c added"] == told(watch.ready())
    assert (["1"], 1) == (node.cursors, len(node.requests))


# --- The cursor -----------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, 40, 65536])
def test_the_cursor_moves_when_the_next_change_is_asked_for(chunk: int) -> None:
    """Within a batch and at its borders alike; asking for what isn't there yet counts as well."""
    node = node_with()
    node.chunk = chunk
    watch = live(node)
    for key in "abc":
        node.put(key)
    for key, before in zip("abc", (None, "1", "2")):
        change = watch.next()
        while isinstance(change, Idle):
            change = watch.next()
        assert (key, before) == (change.key, watch.cursor)
    assert ("3", "3") == (isinstance(watch.next(), Idle) and watch.cursor, watch.cursor)


def test_ids_without_data_move_the_cursor() -> None:
    """A block that has only an id is a position, and the next stream goes on from there."""
    node = node_with()
    watch = live(node)
    node.issued.add("77")
    node.say(b"id: 77\n\n")
    assert isinstance(watch.next(), Idle)
    assert "77" == watch.cursor
    node.cut()
    watch.sleep_through(1)
    assert [None, "77"] == node.cursors


def test_ids_that_no_header_can_carry() -> None:
    """An id with blanks around it is none to go on from; the change is delivered without a cursor."""
    node = node_with()
    watch = live(node)
    node.put("a")
    watch.ready()
    node.say(b'id:  b \nevent: added\ndata: {"id": "b"}\n\n')
    assert [None] == [change.cursor for change in watch.ready()]
    node.cut()
    watch.sleep_through(1)
    assert "1" == node.cursors[-1]


def test_known_events_move_the_cursor_too() -> None:
    """A stream that only repeats what was delivered is dealt with when the next change is asked for."""
    node = node_with("a", "b")
    node.replays = 1
    watch = ToyWatch(node, cursor="1")
    assert ["+a added", "+b added"] == told(watch.ready()), "of this one nothing is known"
    node.cut()
    assert [] == watch.sleep_through()
    assert "2" == watch.cursor


def test_what_was_listed_leaves_no_cursor() -> None:
    """A cursor that the node has refused is forgotten: given back later it would name a place in another log."""
    node = node_with("a", "b")
    node.restart()
    watch = ToyWatch(node, cursor="5", initial=True)
    assert ["+a listed", "+b listed", "= expired a,b"] == told(watch.ready())
    assert watch.cursor is None
    for key in "cdefgh":  # the new log's ids pass 5 while nobody watches
        node.put(key)
    again = ToyWatch(node, cursor=watch.cursor, initial=True)
    assert [f"+{key} listed" for key in "abcdefgh"] == told(again.ready())[:-1]


def test_more_than_one_batch_of_events() -> None:
    """Hundreds of events in one piece come all, in order, and their last id is the cursor."""
    node = node_with()
    watch = live(node)
    for n in range(300):
        node.put(f"k{n:03}")
    assert [f"k{n:03}" for n in range(300)] == [change.key for change in watch.ready()]
    assert "300" == watch.cursor
    node.cut()
    watch.sleep_through()
    assert "300" == node.cursors[-1]


def test_a_restart_in_the_middle_of_a_resync_lists_again() -> None:
    """While everything is listed there is no cursor, so that it lists again."""
    node = node_with("a", "b")
    watch = live(node, cursor="1")
    node.expire()
    node.put("c")
    node.cut(0)
    change: Any = watch.next()
    while isinstance(change, (Idle, Asleep)) or change.type != "listed":
        watch.stepper.wake()
        change = watch.next()
    saved = watch.cursor
    again = ToyWatch(node, cursor=saved, initial=True)
    assert ["+a listed", "+b listed", "+c listed", "= start a,b,c"] == told(again.ready())


# --- Lost streams ---------------------------------------------------------------------------------


@pytest.mark.parametrize("ids", ["one", "many"])
@pytest.mark.parametrize("replays", [0, 1, 5])
def test_a_stream_cut_at_any_byte(ids: str, replays: int) -> None:
    """Wherever it is cut no change is lost, and none told twice unless the node goes back to before the watch."""
    whole = sum(len(node_with(*"abcd", ids=ids).frame(n)) for n in range(1, 5))
    for keep in range(whole + 1):
        node = node_with("z", "z", "z", ids=ids)
        node.replays = replays
        watch = live(node)
        for key in "abcd":
            node.put(key)
        node.cut(keep)
        first = watch.ready()
        lost_place = not first and watch._watching._resume is None
        changes = first + watch.sleep_through()
        assert lost_place == any(change.type == "resync" for change in changes), keep
        if not lost_place:
            keys = "".join(change.key for change in changes)
            assert keys == "abcd" or ("z" in keys and keys.endswith("abcd")), keep
        cache: dict[str, Any] = {"z": changes[0]}
        for change in changes:
            apply(cache, change)
        assert set("abcdz") == set(cache)


def test_a_transient_cut_is_mended_within_a_second() -> None:
    """The worst jitter included (seed §7)."""
    for jitter in (0.0, 0.5, 0.999):
        node = node_with("a", clock=FakeClock(jitter=jitter))
        watch = live(node)
        node.clock.advance(60)
        node.put("b")
        watch.ready()
        before = node.clock.monotonic()
        node.cut()
        watch.sleep_through()
        assert ("live", True) == (watch.status, node.clock.monotonic() - before < 1.0)


def test_no_ids_means_listing_again() -> None:
    """A lost stream that gave no id has lost the place; of what is listed, only what differs is told again."""
    node = node_with("a", "b", ids="none")
    watch = live(node)
    node.put("c")
    assert ["+c added"] == told(watch.ready())
    node.cut()
    assert ["+a listed", "+b listed", "+c listed", "= no_ids a,b,c"] == told(watch.sleep_through())
    node.put("a", name="x")
    node.delete("b")
    assert ["+a modified", "-b"] == told(watch.ready())
    node.cut()
    node.put("c", name="y")
    assert ["+c listed", "= no_ids a,c"] == told(watch.sleep_through())


def test_204_ends_it() -> None:
    """The node says "don't come back"."""
    node = node_with("a")
    node.stream_faults.append(reply(204))
    watch = ToyWatch(node)
    assert Ended(None) == watch.next()
    assert ("closed", 1) == (watch.status, len(node.requests))


def test_204_in_a_gap() -> None:
    """What the last stream could not tell is listed before it ends, however often that takes."""
    node = node_with("a", ids="none")
    watch = live(node)
    node.put("b")
    watch.ready()
    node.cut()
    node.put("c")
    node.stream_faults.extend([reply(204)] * 2)
    node.list_faults.extend([reply(503)] * 4)
    assert ["+a listed", "+b listed", "+c listed", "= no_ids a,b,c"] == told(watch.sleep_through())
    assert (Ended(None), 3) == (watch.next(), node.counted("/events"))
    node = node_with("a")
    node.stream_faults.append(reply(204))
    assert ["+a listed", "= start a"] == told(ToyWatch(node, initial=True).ready())


def test_a_silent_stream_is_lost() -> None:
    """After three heartbeats' time, or `idle_timeout`, and not before one heartbeat was seen."""
    node = node_with("a")
    watch = live(node)
    node.put("b")
    node.clock.advance(30)
    node.say(b":\n\n")
    watch.ready()
    assert Idle(node.clock.monotonic() + 90.0) == watch.next()
    watch.stepper.wake()
    watch.sleep_through(1)
    assert [None, "2"] == node.cursors


@pytest.mark.parametrize(
    "fault",
    [reply(503), reply(500), reply(502), reply(429), lost(), refused(), late(sent=False)],
    ids=["503", "500", "502", "429", "lost", "refused", "no connection in time"],
)
def test_transient_failures_are_borne(fault: Any) -> None:
    """Up to `max_failures` in a row; then the error says how many, why, and where it stood."""
    node = node_with("a", "b")
    node.stream_faults.extend([fault] * 3)
    watch = ToyWatch(node, cursor="1", max_failures=3)
    assert ["+b added"] == told(watch.sleep_through())
    node.cut()
    node.stream_faults.extend([fault] * 9)
    watch.ready()
    error = watch.fail()
    assert (RonWatchError, "2", 4) == (type(error), getattr(error, "cursor", None), error.attempts)
    assert "GET /app/things/events: gave up after 4 failures in a row; the last: GET" in error.message
    assert "closed" == watch.status


def test_a_hint_is_respected() -> None:
    """`Retry-After` is a floor for the next attempt."""
    node = node_with("a")
    node.stream_faults.append(reply(429, b"{}", retry_after="7"))
    watch = ToyWatch(node)
    assert Asleep(7.0) == watch.next()
    assert "lost" == watch.status


def test_the_nodes_retry_is_respected() -> None:
    """A `retry:` field is a floor for reconnects."""
    node = node_with("a")
    node.greeting = b"retry: 3000\n\n"
    watch = live(node)
    node.cut()
    assert Asleep(node.clock.monotonic() + 3.0) == watch.next()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (reply(400), RonInvalidError),
        (reply(401), RonAuthError),
        (reply(403), RonPermissionError),
        (reply(410), RonGoneError),
        (Failure("certificate", "no", sent=False, permanent=True), RonNetworkError),
    ],
)
def test_refusals_are_errors_of_their_kind(fault: Any, kind: type[Exception]) -> None:
    """At once, before and after a stream was live; a certificate that is not accepted as well."""
    node = node_with("a")
    node.stream_faults.append(fault)
    assert kind is type(ToyWatch(node).fail())
    node = node_with("a", ids="none")
    watch = live(node)
    node.stream_faults.append(fault)
    node.cut()
    assert kind is type(watch.fail())
    assert ("closed", 2) == (watch.status, len(node.requests))


def test_what_is_no_stream() -> None:
    """An answer of another type is a parse error that names both."""
    node = node_with("a")
    opened = ToyStream((JSON,))
    node._stream = lambda headers, deadline: opened  # type: ignore[method-assign]
    error = ToyWatch(node).fail()
    assert RonParseError is type(error)
    assert "Content-Type must be text/event-stream, not application/json" in error.message
    assert opened.closed


def test_an_endless_line_is_an_error() -> None:
    """What is over a bound of the reader ends the watch, and is not asked for again."""
    node = node_with("a")
    watch = live(node)
    node.say(b"data: " + b"x" * 1_100_000)
    error = watch.fail()
    assert RonResponseTooLargeError is type(error)
    assert (True, 1) == ("max_line_bytes" in error.message, len(node.requests))


# --- Positions that are too old -------------------------------------------------------------------


def test_a_cursor_that_is_too_old() -> None:
    """410 as a status: a new stream at once, everything listed, `Resync("expired")`."""
    node = node_with("a", "b")
    node.expire()
    watch = ToyWatch(node, cursor="1")
    assert ["+a listed", "+b listed", "= expired a,b"] == told(watch.ready())
    assert (["1", None], 0.0) == (node.cursors, node.clock.monotonic())


def test_an_expiry_in_the_stream() -> None:
    """An `error` event with a Problem of 410: what came before it is told, then everything is listed."""
    node = node_with("a")
    watch = live(node)
    node.put("b")
    node.expire(in_stream=True)
    assert ["+b added", "+a listed", "+b listed", "= expired a,b"] == told(watch.sleep_through())


def test_ids_that_begin_anew_behind_an_expiry() -> None:
    """Ids of the old log that came with the expiry in one piece don't hide those of the new log."""
    node = node_with()
    watch = live(node)
    node.put("a", name="x")
    node.expire(in_stream=True)
    node.log, node.forgotten, node.issued = [], 0, set()
    assert ["+a added", "+a listed", "= expired a"] == told(watch.sleep_through())
    node.put("a", name="x")
    node.put("a", name="y")
    assert ["+a modified", "+a modified"] == told(watch.ready())


def test_ids_that_begin_anew_without_a_word() -> None:
    """A node that has forgotten its ids and says nothing is heard all the same: its events are other ones."""
    node = node_with()
    watch = live(node)
    for name in "xyz":
        node.put("a", name=name)
    watch.ready()
    node.restart()
    node.issued.add("3")
    node.log = [("", "")] * 0
    watch.sleep_through()
    for name in "pqr":
        node.put("b", name=name)
    assert ["+b added", "+b modified", "+b modified"] == told(watch.ready())


def test_410_without_a_cursor_is_final() -> None:
    """There is nothing to begin anew with; and no loop."""
    node = node_with("a", "b")
    node.stream_faults.extend([reply(410)] * 5)
    assert RonGoneError is type(ToyWatch(node, cursor="1").fail())
    assert 2 == len(node.requests)


def test_expiry_while_listing() -> None:
    """The stream that was opened for the list expires meanwhile: it is listed once more."""
    node = node_with("a", "b", "c", "d")
    watch = live(node)
    node.before_page = lambda number: node.expire(in_stream=True) if node.counted("list") == 2 else None
    node.put("e")
    node.expire(in_stream=True)
    changes = watch.sleep_through()
    assert 2 == sum(change.type == "resync" for change in changes)
    cache: dict[str, Any] = {}
    for change in changes:
        apply(cache, change)
    assert node.store == as_store(cache)


@pytest.mark.parametrize("how", ["no ids", "410", "in the stream"])
def test_what_cannot_be_listed(how: str) -> None:
    """A resource without `list` that loses its place can't go on: it says so instead of going on with a gap."""
    node = node_with("a", ids="none" if how == "no ids" else "one")
    watch = live(node, cls=Unlisted, cursor=None if how != "410" else "1")
    if how == "in the stream":
        node.put("b")
        node.expire(in_stream=True)
    elif how == "410":
        node.expire()
        node.put("b")
        node.expire()
        node.cut(0)
    else:
        node.put("b")
        node.cut()
    watch.ready()
    error = watch.fail()
    assert 0 == node.counted("list")
    if how == "410":
        assert RonGoneError is type(error)
    else:
        assert RonWatchError is type(error)
        assert "it gave no id to go on from: changes may have been missed, and this resource cannot be listed" in (
            error.message
        )


# --- Lists ----------------------------------------------------------------------------------------


def test_a_deletion_while_pages_are_fetched() -> None:
    """An object that was listed and is gone since is deleted by the event behind the list."""
    node = node_with(*"abcdef")
    node.before_page = lambda number: node.delete("a") if number == 2 else None
    assert ["= start a,b,c,d,e,f", "-a"] == told(ToyWatch(node, initial=True).ready())[-2:]


@pytest.mark.parametrize("ids", ["one", "none"])
def test_a_stream_that_dies_while_listing(ids: str) -> None:
    """What it brought before is told; what it did not is made up for."""
    node = node_with(*"abcdef", ids=ids)

    def on(number: int) -> None:
        if number == 2 and node.counted("list") == 2:
            node.put("a", name="x")
            node.cut(0)
            node.delete("b")

    node.before_page = on
    watch = ToyWatch(node, initial=True)
    cache: dict[str, Any] = {}
    for change in watch.sleep_through():
        apply(cache, change)
    assert node.store == as_store(cache)


@pytest.mark.parametrize("fault", [reply(503), reply(429), lost(), late(sent=True)])
def test_a_list_that_fails_is_done_again(fault: Any) -> None:
    """Beside a new stream, after a wait; what was listed already is not told twice."""
    node = node_with(*"abcdef")
    node.before_page = lambda number: node.list_faults.extend([fault] * 4) if node.counted("list") == 2 else None
    changes = ToyWatch(node, initial=True).sleep_through()
    assert [f"+{key} listed" for key in "abcdef"] + ["= start a,b,c,d,e,f"] == told(changes)
    assert 2 == node.counted("/events")


def test_lists_that_always_fail() -> None:
    """They are bounded too, also where each takes its time."""
    node = node_with(*"abcdef")
    node.latency = 6.0
    node.list_faults.extend([reply(503)] * 1000)
    watch = ToyWatch(node, initial=True, max_failures=5, timeout=30.0)
    error = watch.fail()
    assert RonWatchError is type(error)
    assert 6 == node.counted("/events")


def test_long_lists_beside_streams_that_die() -> None:
    """A stream that never lives to be read is no steady one, however long the list beside it takes."""
    node = node_with(*"abcdef", ids="none")
    node.latency = 6.0
    node.before_page = lambda number: node.cut()
    error = ToyWatch(node, initial=True, max_failures=5, timeout=30.0).fail()
    assert RonWatchError is type(error)
    assert 6 == node.counted("/events")


@pytest.mark.parametrize(
    ("status", "kind"), [(403, RonPermissionError), (404, RonNotFoundError), (400, RonInvalidError)]
)
def test_a_list_that_is_refused(status: int, kind: type[Exception]) -> None:
    """Is an error of its kind, at once."""
    node = node_with("a")
    node.list_faults.append(reply(status))
    assert kind is type(ToyWatch(node, initial=True).fail())


def test_too_many_objects() -> None:
    """More than `max_tracked` end the watch; the error says what to do, and has no cursor that was refused."""
    node = node_with(*"abcdef")
    node.expire()
    error = ToyWatch(node, cursor="3", max_tracked=5).fail()
    assert (RonWatchError, None) == (type(error), getattr(error, "cursor", None))
    assert error.message.startswith("there are more than max_tracked=5 objects of Thing to keep account of: narrow the")


def test_account_is_bounded_on_streams_as_well() -> None:
    """A stream without ids that brings ever new objects takes no more memory than `max_tracked` allows."""
    node = node_with("a", ids="none")
    watch = live(node, initial=True, max_tracked=10)
    for n in range(100):
        node.put(f"k{n}")
        watch.ready()
        assert 10 >= len(watch._watching._tracked)
        node.delete(f"k{n}")
        node.put(f"m{n}")
    assert "live" == watch.status


# --- Polling --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 405, 406, 501])
def test_where_nothing_streams(status: int, caplog: pytest.LogCaptureFixture) -> None:
    """The same changes come from lists; it is said once, in the log and in `status`."""
    caplog.set_level(logging.WARNING)
    node = node_with(*"abcd")
    node.refuses = status
    watch = ToyWatch(node, initial=True)
    assert ["+a listed", "+b listed", "+c listed", "+d listed", "= start a,b,c,d"] == told(watch.ready())
    assert "polling" == watch.status
    node.put("a", name="x")
    node.put("e")
    node.delete("c")
    assert ["+a modified", "+e added", "-c"] == told(watch.sleep_through(3))
    assert [] == watch.sleep_through(50)
    assert 1 == node.counted("/events")
    assert 1 == len(caplog.messages)
    assert "polling every 5 seconds or so instead" in caplog.messages[0]


def test_polling_without_initial() -> None:
    """The first list is what later ones are compared with; the second one tells the difference."""
    node = node_with("a", "b")
    node.refuses = 404
    watch = ToyWatch(node)
    assert [] == watch.ready()
    node.delete("a")
    node.put("c")
    assert ["+c added", "-a"] == told(watch.sleep_through(1))


def test_polling_intervals_are_jittered() -> None:
    """From half to one and a half of `poll_interval`."""
    for jitter, expected in ((0.0, 5.0), (0.5, 10.0), (0.999, 14.99)):
        node = node_with("a", clock=FakeClock(jitter=jitter))
        node.refuses = 404
        watch = ToyWatch(node, poll_interval=10)
        watch.ready()
        assert pytest.approx(expected) == watch.next().due


def test_entity_tags_make_polls_cheap() -> None:
    """What has not changed is a 304 and no news; a change on one page of three is found."""
    node = node_with(*"abcdefgh")
    node.etags, node.refuses = True, 404
    watch = live(node)
    assert [] == watch.sleep_through(1)
    assert 3 == node.not_modified
    node.put("e", name="x")
    assert ["+e modified"] == told(watch.sleep_through(1))
    assert 5 == node.not_modified
    assert [] == watch.sleep_through(1)
    assert 8 == node.not_modified
    node.delete("h")
    assert ["-h"] == told(watch.sleep_through(1))


def test_failing_polls_are_borne_and_bounded() -> None:
    """As many in a row as lost streams; a list that works lets the count begin anew."""
    node = node_with("a", "b")
    node.refuses = 404
    watch = live(node, max_failures=2)
    node.list_faults.extend([reply(503)] * 8)
    node.put("c")
    node.clock.advance(100)
    assert isinstance(watch.next(), Asleep)
    assert "lost" == watch.status
    assert ["+c added"] == told(watch.sleep_through(3))
    assert "polling" == watch.status
    node.list_faults.extend([reply(503)] * 12)
    error = watch.fail()
    assert (RonWatchError, 3) == (type(error), error.attempts)


def test_no_head_in_time_before_a_stream_was_live() -> None:
    """Once is enough: a gateway buffers."""
    node = node_with("a")
    node.buffering = True
    watch = live(node, initial=True)
    assert ("polling", 10.0, 1) == (watch.status, node.clock.monotonic(), node.counted("/events"))


@pytest.mark.parametrize("how", ["buffering", "refusing"])
def test_signs_must_repeat_where_a_stream_was_live(how: str) -> None:
    """Three times in a row; then `Resync("poll_gap")` tells what the gap hid."""
    node = node_with("a")
    watch = live(node)
    node.put("b")
    watch.ready()
    node.buffering, node.refuses = how == "buffering", 404 if how == "refusing" else None
    node.cut()
    node.put("c")
    changes = watch.sleep_through(3)
    assert ["+a listed", "+b listed", "+c listed", "= poll_gap a,b,c"] == told(changes)
    assert ("polling", 4) == (watch.status, node.counted("/events"))


def test_an_answer_that_comes_whole(caplog: pytest.LogCaptureFixture) -> None:
    """Its events are told, then the watch polls: somebody on the way waits for the end of streams."""
    node = node_with("a", "b")
    node.whole = True
    watch = ToyWatch(node, cursor="1")
    assert ["+b added", "+a listed", "+b listed", "= poll_gap a,b"] == told(watch.ready())
    assert "polling" == watch.status
    assert "the answer was whole" in caplog.messages[0]


def test_a_whole_answer_beside_a_list_that_fails() -> None:
    """Both at once: the list is done again, and then it polls."""
    node = node_with("a")
    node.whole = True
    node.list_faults.extend([reply(503)] * 4)
    watch = ToyWatch(node, initial=True)
    assert ["+a listed", "= start a"] == told(watch.sleep_through(1))[:2]
    assert "polling" == watch.status


def test_stale_events_of_a_whole_answer() -> None:
    """Events that were buffered before the list was made don't have the last word."""
    for ids in ("one", "none"):
        node = node_with("a", ids=ids)
        node.whole = True
        opened = ToyStream((SSE, (b"Content-Length", b"1")))
        opened.say(b'event: modified\ndata: {"id": "a", "name": "stale"}\n\n')
        opened.finish()
        node.put("a", name="new")
        node._stream = lambda headers, deadline, opened=opened: opened  # type: ignore[method-assign,misc]
        watch = ToyWatch(node, initial=True)
        cache: dict[str, Any] = {}
        for change in watch.sleep_through(2):
            apply(cache, change)
        assert node.store == as_store(cache)


def test_back_to_a_stream(caplog: pytest.LogCaptureFixture) -> None:
    """Where one was live before, a stream is tried again after five minutes; said in the log only once meanwhile."""
    node = node_with("a")
    watch = live(node)
    node.refuses = 404
    node.cut()
    watch.sleep_through(3)
    assert "polling" == watch.status
    before = node.counted("/events")
    while node.clock.monotonic() < 3 * STREAM_AGAIN:
        watch.sleep_through(1)
    assert 1 == len([text for text in caplog.messages if "polling" in text])
    assert 2 <= node.counted("/events") - before <= 3
    node.refuses = None
    node.put("b")
    told_again: list[str] = []
    while watch.status != "live":
        told_again += told(watch.sleep_through(1))
    assert ("live", Idle(None)) == (watch.status, watch.next())
    assert "= poll_gap a,b" == told_again[-1]
    node.put("c")
    assert ["+c added"] == told(watch.ready())


def test_polling_never_goes_back_where_nothing_streamed() -> None:
    """There the answer is known."""
    node = node_with("a")
    node.refuses = 404
    watch = live(node)
    watch.sleep_through(200)
    assert (True, 1) == (node.clock.monotonic() > 2 * STREAM_AGAIN, node.counted("/events"))


@pytest.mark.parametrize("status", [404, 501])
def test_what_neither_streams_nor_lists(status: int) -> None:
    """Is refused with the stream's own answer."""
    node = node_with("a")
    node.refuses = status
    error = ToyWatch(node, cls=Unlisted).fail()
    assert (RonNotFoundError if status == 404 else RonServerError) is type(error)
    assert 1 == len(node.requests)


# --- Limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("polls", [False, True])
def test_max_events_is_exact(most: int, polls: bool) -> None:
    """In a batch, a list, a poll; `Resync` counts; nothing runs on behind the last one."""
    node = node_with("a", "b", "c", "d")
    node.refuses = 404 if polls else None
    watch = ToyWatch(node, initial=True, max_events=most)
    found = watch.ready()
    for key in "efgh":
        node.put(key)
    found += watch.sleep_through(2)
    assert most == len(found)
    assert Ended(None) == watch.next()
    assert ("closed", []) == (watch.status, watch.stepper.streams)


def test_the_cursor_behind_max_events() -> None:
    """Is that of the last change that was delivered, not of those that were read with it."""
    node = node_with()
    watch = live(node, max_events=2)
    for key in "abc":
        node.put(key)
    assert ["+a added", "+b added"] == told(watch.ready())
    assert "2" == watch.cursor
    again = ToyWatch(node, cursor=watch.cursor)
    assert ["+c added"] == told(again.ready())


def _idle(node: ToyNode) -> None:
    """Nothing happens."""


def _backs_off(node: ToyNode) -> None:
    node.stream_faults.extend([reply(503, b"{}", retry_after="50")] * 50)


def _polls(node: ToyNode) -> None:
    node.refuses = 404


def _polls_in_vain(node: ToyNode) -> None:
    node.refuses = 404
    node.list_faults.extend([reply(503)] * 1000)


def _lists(node: ToyNode) -> None:
    node.latency = 4.0
    for n in range(100):
        node.put(f"k{n:02}")


def _buffers(node: ToyNode) -> None:
    node.buffering = True


@pytest.mark.parametrize("how", [_idle, _backs_off, _polls, _polls_in_vain, _lists, _buffers])
def test_max_duration_is_exact(how: Callable[[ToyNode], None]) -> None:
    """Whatever goes on when the time is over."""
    node = node_with("a")
    how(node)
    watch = ToyWatch(node, initial=True, max_duration=25.0, max_failures=1000, timeout=30.0)
    for _ in range(1000):
        change = watch.next()
        if isinstance(change, Ended):
            break
        if isinstance(change, (Idle, Asleep)):
            watch.stepper.wake()
    assert (Ended(None), "closed", []) == (watch.next(), watch.status, watch.stepper.streams)
    assert node.latency >= node.clock.monotonic() - 25.0 - 0.01 >= -0.02


def test_max_duration_on_a_stream_that_never_pauses() -> None:
    """Bytes that never cease to come don't outlast it, nor does a consumer that takes its time."""
    node = node_with()
    watch = live(node, max_duration=10.0)
    for n in range(1000):
        node.put(f"k{n}")
    found = 0
    while not isinstance(watch.next(), Ended):
        found += 1
        node.clock.advance(0.1)
        node.put("more")
    assert 192 >= found >= 100


# --- Events that are not what they say ------------------------------------------------------------


def test_an_event_that_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    """Is named in `Other.error` and once in the log; the watch goes on."""
    node = node_with()
    watch = live(node)
    node.issued.add("8")
    node.put("a")
    node.say(b'id: 8\nevent: added\ndata: {"id": 5}\n\n')
    node.say(b"id: 9\nevent: hello\ndata: x\n\n")
    changes = watch.ready()
    assert ["+a added", "? added", "? hello"] == told(changes)
    assert "event 'added' with id '8' is no Thing" in changes[1].error.message
    assert changes[2].error is None
    assert [f"GET /app/things/events: {changes[1].error.message}"] == caplog.messages


def test_strict() -> None:
    """Is an error, after what came before it; the cursor stands in front of it."""
    node = node_with()
    watch = live(node, strict=True)
    node.put("a")
    node.say(b'id: 8\nevent: added\ndata: {"id": 5}\n\n')
    assert ["+a added"] == told(watch.ready())
    error = watch.fail()
    assert (RonParseError, "1", "closed") == (type(error), watch.cursor, watch.status)


# --- The end --------------------------------------------------------------------------------------


def test_nothing_comes_after_close() -> None:
    """Also of what was read already."""
    node = node_with()
    watch = live(node)
    for key in "abc":
        node.put(key)
    assert "a" == watch.next().key
    watch.close()
    assert (Ended(None), "closed", "1") == (watch.next(), watch.status, watch.cursor)
    assert [] == watch.stepper.streams


def test_a_declared_parent_is_needed() -> None:
    """A resource below others says so before anything is sent."""
    from tests.unit.resource_declarations import Task

    with pytest.raises(RonConfigError, match=r"write \.at\(project="):
        ToyWatch(ToyNode(), cls=Task)
