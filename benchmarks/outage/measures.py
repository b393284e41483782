"""What is counted while a bad day is played, and the figures made of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Optional

if TYPE_CHECKING:
    from benchmarks.outage.scenarios import Scenario

__all__ = ["Summary", "Tally"]

SUSTAINED = 0.99


class Summary(NamedTuple):
    """One policy's figures in one scenario; shares are between 0 and 1, times in seconds.

    Attributes:
        goodput: successes per second of the bad phase, as a share of the node's capacity.
        amplification: attempts for each call, in the bad phase.
        success: share of the calls begun in the bad phase that succeeded.
        success_after: the same of the calls begun afterwards.
        recovery: seconds from the end of the bad phase until, second by second and from then on, the share of calls
            that succeed is at least 99 % of what it was before; None if that never comes.
        p50, p99: how long the successes among the calls begun in the bad phase took.
        error_p50: how long their errors took to come; None without errors.
        peak: the most attempts in one second after the bad phase, as a share of the capacity.
    """

    goodput: float
    amplification: float
    success: float
    success_after: float
    recovery: Optional[float]
    p50: Optional[float]
    p99: Optional[float]
    error_p50: Optional[float]
    peak: float


class Tally:
    """Counts by second; index 0 is the first second of the simulation."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        # Calls that began in the last second may still be repeated, or wait in the queue, for some time.
        seconds = math.ceil(scenario.ends + 5 * (scenario.deadline + scenario.queue))
        self.begun = [0] * seconds
        self.attempts = [0] * seconds
        self.successes = [0] * seconds
        self.begun_and_succeeded = [0] * seconds
        self.success_times: list[float] = []
        self.error_times: list[float] = []

    def began(self, now: float) -> None:
        """A call has begun."""
        self.begun[int(now)] += 1

    def sent(self, now: float) -> None:
        """An attempt has left."""
        self.attempts[int(now)] += 1

    def ended(self, began: float, now: float, *, succeeded: bool) -> None:
        """A call that began then has ended."""
        if succeeded:
            self.successes[int(now)] += 1
            self.begun_and_succeeded[int(began)] += 1
        if self.scenario.bad_begins <= began < self.scenario.bad_ends:
            (self.success_times if succeeded else self.error_times).append(now - began)

    def goodput(self) -> list[float]:
        """Successes in each second, as shares of the capacity."""
        return [count / self.scenario.capacity for count in self.successes[: int(self.scenario.ends)]]

    def offered(self) -> list[float]:
        """Attempts in each second, as shares of the capacity."""
        return [count / self.scenario.capacity for count in self.attempts[: int(self.scenario.ends)]]

    def summary(self) -> Summary:
        """The figures."""
        scenario = self.scenario
        bad = slice(int(scenario.bad_begins), int(scenario.bad_ends))
        after = slice(int(scenario.bad_ends), int(scenario.ends))
        return Summary(
            goodput=_rounded(sum(self.successes[bad]) / scenario.bad / scenario.capacity),
            amplification=_rounded(_share(self.attempts[bad], self.begun[bad])),
            success=_rounded(_share(self.begun_and_succeeded[bad], self.begun[bad])),
            success_after=_rounded(_share(self.begun_and_succeeded[after], self.begun[after])),
            recovery=self._recovery(),
            p50=percentile(self.success_times, 0.5),
            p99=percentile(self.success_times, 0.99),
            error_p50=percentile(self.error_times, 0.5),
            peak=_rounded(max(self.attempts[after]) / scenario.capacity),
        )

    def _recovery(self) -> Optional[float]:
        first, last = int(self.scenario.bad_ends), int(self.scenario.ends)
        before = slice(0, int(self.scenario.bad_begins))
        wanted = SUSTAINED * _share(self.begun_and_succeeded[before], self.begun[before])
        for second in reversed(range(first, last)):
            if self.begun_and_succeeded[second] < wanted * self.begun[second]:
                return None if second == last - 1 else float(second + 1 - first)
        return 0.0


def percentile(values: Sequence[float], share: float) -> Optional[float]:
    """The nearest-rank percentile; None of nothing."""
    if not values:
        return None
    return _rounded(sorted(values)[max(0, math.ceil(share * len(values)) - 1)])


def _share(part: Sequence[int], whole: Sequence[int]) -> float:
    return sum(part) / max(1, sum(whole))


def _rounded(value: float) -> float:
    return round(value, 3)
