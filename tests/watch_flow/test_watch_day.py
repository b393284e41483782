"""A day of a stream in fake time: right in the end, and as much memory then as in the morning."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import pytest

from tests.watch_flow.stepper import ToyWatch, apply, as_store
from tests.watch_flow.toy import ToyNode

HOURS = 24
#: seconds between heartbeats, and heartbeats an hour
BEAT = 30  # twice what is usual, for speed
BEATS = 3600 // BEAT


@pytest.mark.parametrize("ids", ["one", "none"])
def test_a_day(ids: str) -> None:
    """Heartbeats, thousands of events, a cut every hour: nothing is lost, and nothing is kept."""
    node = ToyNode(ids=ids)
    for n in range(20):
        node.put(f"k{n}", name="0")
    watch = ToyWatch(node, initial=True)
    cache: dict[str, Any] = {}
    changes = 0
    sizes = []
    tracemalloc.start()
    try:
        for hour in range(HOURS):
            for beat in range(BEATS):
                node.clock.advance(BEAT)
                node.say(b":\n\n")
                if beat % 3:  # one event in about 40 seconds
                    # Few texts: pydantic keeps the last 16 384.
                    node.put(f"k{(hour + beat) % 20}", name=f"{beat}")
                elif beat % 5 == 0:
                    node.delete(f"k{beat % 20}")
                for change in watch.ready():
                    changes += 1
                    apply(cache, change)
            node.cut(0)
            for change in watch.sleep_through():
                apply(cache, change)
            assert node.store == as_store(cache)
            # What the toy itself remembers is none of the watch's.
            node.log = [("", "")] * len(node.log)
            node.requests.clear()
            watch.stepper.sent.clear()
            if hour in (HOURS * 2 // 3, HOURS - 1):  # by then as many ids are remembered as ever will be
                sizes.append(_ours())
    finally:
        tracemalloc.stop()
    assert changes > HOURS * BEATS / 2
    assert "live" == watch.status
    assert sizes[1] - sizes[0] < 16 * 1024, sizes


def _ours() -> int:
    """Bytes that modules of `ron` hold; the toy's own log is left out."""
    gc.collect()
    snapshot = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, "*/ron/*")])
    return sum(statistic.size for statistic in snapshot.statistics("filename"))
