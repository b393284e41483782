"""Interleaved rounds: in each one every contestant runs once, and whoever was first is last in the next.

So whatever the machine does beside, it does it to all of them; ratios are made within a round.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

__all__ = ["Comparison", "Contestant", "compare", "interleaved", "spread"]

#: does so many calls, one after the other or as many at once as it is about
Contestant = Callable[[int], object]


class Comparison(NamedTuple):
    """Two contestants of the same rounds.

    Attributes:
        ours, peer: medians, seconds for one call.
        ratio: the median of each round's ours / peer.
        low, high: the 10th and the 90th percentile of these ratios.
    """

    ours: float
    peer: float
    ratio: float
    low: float
    high: float


def interleaved(
    contestants: Mapping[str, Contestant],
    *,
    rounds: int,
    seconds: float,
    first_try: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Seconds for one call, by contestant and round.

    Each contestant first warms up, which tells how many calls last ``seconds``; so many, and at least ``first_try``,
    it makes in every round. The collector of garbage runs before each turn, and for everybody as usual during it.
    """
    names = list(contestants)
    calls = {name: _calls_in(contestants[name], seconds, first_try, clock) for name in names}
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            gc.collect()
            began = clock()
            contestants[name](calls[name])
            times[name].append((clock() - began) / calls[name])
    return times


def _calls_in(contestant: Contestant, seconds: float, first_try: int, clock: Callable[[], float]) -> int:
    """How many calls last so long; at least ``first_try``."""
    calls = first_try
    while True:
        began = clock()
        contestant(calls)
        took = clock() - began
        if took >= seconds / 4:
            return max(first_try, round(calls * seconds / took))
        calls *= 4


def compare(times: Mapping[str, Sequence[float]], ours: str, peer: str) -> Comparison:
    """How one contestant did against another."""
    ratios = [one / other for one, other in zip(times[ours], times[peer])]
    low, high = spread(ratios)
    return Comparison(
        statistics.median(times[ours]), statistics.median(times[peer]), statistics.median(ratios), low, high
    )


def spread(values: Sequence[float]) -> tuple[float, float]:
    """The 10th and the 90th percentile."""
    if len(values) == 1:
        return values[0], values[0]
    tenths = statistics.quantiles(values, n=10, method="inclusive")
    return tenths[0], tenths[-1]
