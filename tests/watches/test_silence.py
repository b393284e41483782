"""After how much silence a stream counts as lost."""

from __future__ import annotations

from typing import Optional

import pytest

from ron.resources._silence import Silence


@pytest.mark.parametrize(
    ("given", "beats", "limit"),
    [
        (None, [], None),
        (None, [0.1], None),  # a greeting says nothing about the next one
        (None, [0.1, 10.1], 60.0),
        (None, [30.0], 90.0),
        (None, [30.0, 70.0, 75.0], 120.0),
        (None, [1000.0], 600.0),
        (5.0, [30.0], 5.0),
    ],
)
def test_the_heartbeat_deadline(given: Optional[float], beats: list[float], limit: Optional[float]) -> None:
    """Three times the longest gap before a heartbeat, within bounds, unless a limit is given; none before the first."""
    silence = Silence(given)
    silence.opened(0.0)
    for at in beats:
        silence.heard(at, heartbeat=True)
    assert limit == silence.limit


def test_events_are_no_heartbeats() -> None:
    """They begin a new gap, and don't say how long one is borne."""
    silence = Silence(None)
    silence.opened(0.0)
    silence.heard(100.0, heartbeat=False)
    assert None is silence.limit
    silence.heard(125.0, heartbeat=True)
    assert 75.0 == silence.limit
