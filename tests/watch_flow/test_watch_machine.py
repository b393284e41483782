"""A store with random writes behind a stream with random faults: what a watch delivers comes to what is there."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any, Optional

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ron import Index
from ron._values import Failure
from ron.testing import FakeClock
from tests.unit.rig import reply
from tests.watch_flow.stepper import Asleep, Ended, Idle, ToyWatch, apply, as_store, closable, mirrored
from tests.watch_flow.toy import ToyNode

KEYS = st.sampled_from("a b c d e f g".split())
STATUSES = st.sampled_from(["new", "open", "done"])
#: so many requests of one watch may begin within a second; a list has up to three pages, each tried four times
MOST_A_SECOND = 80
FAULTS = st.sampled_from(
    [
        reply(503),
        reply(500, b"<html>"),
        reply(429, b"{}", retry_after="1"),
        Failure("connect", "refused", sent=False),
        Failure("read", "lost", sent=True),
        Failure("timeout", "no answer", sent=True, timed_out=True),
    ]
)
FIRST: Index[Any, str] = Index(lambda thing: thing.name[:1])


class RandomClock(FakeClock):
    """A fake clock whose chance is that of a seed."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.chance = random.Random(seed)

    def random(self) -> float:
        return self.chance.random()


class WatchMachine(RuleBasedStateMachine):
    """One node, one consumer of changes that restarts from its cursor, and one mirror."""

    @initialize(
        ids=st.sampled_from(["one", "one", "many", "none"]),
        seed=st.integers(0, 2**16),
        etags=st.booleans(),
        greeting=st.sampled_from([b"", b":\n\n", b"retry: 20\n\n", b"\xef\xbb\xbf", b"event: hello\ndata: 1\n\n"]),
    )
    def begin(self, ids: str, seed: int, etags: bool, greeting: bytes) -> None:
        self.node = ToyNode(RandomClock(seed), ids=ids)
        self.node.etags = etags
        self.node.greeting = greeting
        self.node.suspicious = True
        self.cache: dict[str, Any] = {}
        self.saved: Optional[str] = None
        self.saved_epoch = 0
        self.mirror = mirrored("status", FIRST)
        self.watches: list[ToyWatch] = []
        self.consumer = self.watch(None)
        self.keeper = self.watch(None)

    def watch(self, cursor: Optional[str]) -> ToyWatch:
        made = ToyWatch(self.node, cursor=cursor, initial=True, max_failures=10**6, idle_timeout=90, poll_interval=2)
        self.watches.append(made)
        return made

    # What happens to the things.

    @rule(key=KEYS, status=STATUSES, name=st.sampled_from(["x", "y", "yy"]))
    def put(self, key: str, status: str, name: str) -> None:
        self.node.put(key, status=status, name=name)

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        self.node.delete(key)

    @rule(keys=st.lists(KEYS, min_size=2, max_size=8), status=STATUSES)
    def burst(self, keys: list[str], status: str) -> None:
        for key in keys:
            if self.node.store.get(key, {}).get("status") == status:
                self.node.delete(key)
            else:
                self.node.put(key, status=status)

    @rule(key=KEYS, status=STATUSES, page=st.integers(1, 3), delete=st.booleans())
    def write_between_pages(self, key: str, status: str, page: int, delete: bool) -> None:
        def write(number: int) -> None:
            if number == page:
                self.node.before_page = lambda _number: None
                if delete:
                    self.node.delete(key)
                else:
                    self.node.put(key, status=status)

        self.node.before_page = write

    # What goes wrong.

    @rule(keep=st.none() | st.integers(0, 200))
    def cut(self, keep: Optional[int]) -> None:
        self.node.cut(keep)

    @rule()
    def finish(self) -> None:
        self.node.finish()

    @rule(page=st.integers(1, 3))
    def cut_while_listing(self, page: int) -> None:
        def cut(number: int) -> None:
            if number == page:
                self.node.before_page = lambda _number: None
                self.node.cut(0)

        self.node.before_page = cut

    @rule(in_stream=st.booleans())
    def expire(self, in_stream: bool) -> None:
        self.node.expire(in_stream=in_stream)

    @rule()
    def restart_node(self) -> None:
        self.node.restart()

    @rule(buffering=st.booleans())
    def buffer(self, buffering: bool) -> None:
        self.node.buffering = buffering
        if buffering:
            self.node.cut()

    @rule(whole=st.booleans())
    def whole(self, whole: bool) -> None:
        self.node.whole = whole

    @rule(status=st.sampled_from([None, 404, 405, 406, 501]))
    def refuse(self, status: Optional[int]) -> None:
        self.node.refuses = status

    @rule(fault=FAULTS, times=st.integers(1, 9), lists=st.booleans())
    def fail(self, fault: Any, times: int, lists: bool) -> None:
        (self.node.list_faults if lists else self.node.stream_faults).extend([fault] * times)

    @rule()
    def stall(self) -> None:
        for stream in self.node.open_streams:
            stream.stalled = True

    @rule(
        replays=st.integers(0, 12) | st.just(10**6),
        chunk=st.sampled_from([1, 7, 50, 65536]),
        latency=st.sampled_from([0.0, 0.01, 3]),
    )
    def behave(self, replays: int, chunk: int, latency: float) -> None:
        self.node.replays, self.node.chunk, self.node.latency = replays, chunk, latency

    @rule(
        data=st.sampled_from([b":\n\n", b"retry: 5\n\n", b"event: heartbeat\ndata:\n\n", b"event: added\ndata: {\n\n"])
    )
    def say(self, data: bytes) -> None:
        self.node.say(data)

    @rule()
    def say_where(self) -> None:
        if self.node.log and self.node.ids == "one":
            self.node.say(b"id: %d\n\n" % len(self.node.log))

    # What the consumers do.

    @rule(changes=st.integers(1, 12), naps=st.integers(0, 6))
    def consume(self, changes: int, naps: int) -> None:
        for _ in range(changes):
            change = self.consumer.next()
            self.saved_now()
            if isinstance(change, Asleep) and naps:
                naps -= 1
                self.consumer.stepper.wake()
            elif isinstance(change, (Idle, Asleep)):
                return
            else:
                self.take(change)

    @rule(naps=st.integers(0, 6))
    def keep_mirror(self, naps: int) -> None:
        for change in self.keeper.sleep_through(naps):
            self.mirror.apply(change)

    @rule(seconds=st.sampled_from([0.01, 1.0, 10.0, 100.0, 400.0]))
    def pass_time(self, seconds: float) -> None:
        self.node.clock.advance(seconds)

    @rule()
    def restart_consumer(self) -> None:
        """A process dies, and another one goes on from the saved cursor, with the cache that goes with it."""
        cursor = self.saved
        if cursor is not None and self.saved_epoch != self.node.epoch:
            cursor = f"old-{cursor}"  # else it could mean something else by now, which nobody could tell
        told = self.consumer.stepper.told
        self.consumer.close()
        assert isinstance(self.consumer.next(), Ended), "nothing is delivered after it was closed"
        self.consumer = self.watch(cursor)
        self.consumer.stepper.told = told

    def take(self, change: Any) -> None:
        assert not isinstance(change, Ended), change
        apply(self.cache, change)

    def saved_now(self) -> None:
        if self.consumer.cursor != self.saved:
            self.saved, self.saved_epoch = self.consumer.cursor, self.node.epoch

    # What must hold.

    @rule()
    def drain(self) -> None:
        """Nothing goes wrong any more, and everybody may read what there is."""
        node = self.node
        node.buffering = node.whole = False
        node.refuses = None
        node.latency = 0.0
        node.list_faults.clear()
        node.stream_faults.clear()
        node.before_page = lambda _number: None
        settle(self.consumer, self.take)
        self.saved_now()
        settle(self.keeper, self.mirror.apply)
        assert node.store == as_store(self.cache), "the delivered changes, replayed, give the store"
        assert node.store == as_store(self.mirror.objects), "the mirror holds the store"
        for index in ("status", FIRST):
            value_of = by_status if index == "status" else FIRST.value
            scan: dict[Any, set[str]] = defaultdict(set)
            for key, item in self.mirror.objects.items():
                scan[value_of(item)].add(key)
            held = self.mirror._indexes[index]
            assert scan == {value: set(keys) for value, keys in held.keys.items()}, "an index is what a scan finds"
            assert held.values == {key: value_of(item) for key, item in self.mirror.objects.items()}

    @invariant()
    def no_hot_loop(self) -> None:
        if not hasattr(self, "node"):
            return
        for watch in self.watches:
            assert MOST_A_SECOND >= busiest_second(watch.stepper.sent), "however the node behaves"
        self.watches = [self.consumer, self.keeper]

    @invariant()
    def a_state_of_the_table(self) -> None:
        if hasattr(self, "node"):
            assert closable(self.consumer.status)

    def teardown(self) -> None:
        if hasattr(self, "node"):
            self.drain()
            for watch in (self.consumer, self.keeper):
                watch.close()
                assert isinstance(watch.next(), Ended)
                assert [] == watch.stepper.streams


def by_status(thing: Any) -> str:
    """What the index of that name finds."""
    return str(thing.status)


def settle(watch: ToyWatch, take: Any) -> None:
    """Reads until nothing more can come: an idle stream, or two rounds of lists after the last word."""
    naps = 0
    for _ in range(20_000):
        change = watch.next()
        if isinstance(change, Idle):
            if not any(stream.stalled for stream in watch.stepper.streams):
                return
            watch.stepper.wake()
        elif isinstance(change, Asleep):
            naps += 1
            if naps > 3 and watch.status == "polling":
                return
            watch.stepper.wake()
        else:
            take(change)
    raise AssertionError("it never comes to rest")


def busiest_second(times: list[float]) -> int:
    """The most requests that began within a second."""
    first = most = 0
    for last, time in enumerate(times):
        while times[first] < time - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


TestWatchMachine = WatchMachine.TestCase
TestWatchMachine.settings = settings(max_examples=60, stateful_step_count=40)
