"""What retry policies do to a node on a bad day: ``ron``'s own, a plain retry loop, and no retry at all.

A simulation: a fake clock and random numbers with fixed seeds, so the same code gives the same figures on every
machine. ``ron``'s side is the real ``Session``, retry budget and ``perform``; only node, network and users are models.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from benchmarks._registry import Figures
from benchmarks.outage.measures import Tally
from benchmarks.outage.policies import ABLATIONS, POLICIES
from benchmarks.outage.report import table
from benchmarks.outage.scenarios import SCENARIOS, VARIATIONS, small
from benchmarks.outage.world import simulate

__all__ = ["run"]

PAGE = "docs/reliability.md"


def run(*, smoke: bool, draw: bool) -> Figures:
    """See ``benchmarks._registry.Benchmark``."""
    days = [small(scenario) for scenario in SCENARIOS] if smoke else list(SCENARIOS)
    variations = [] if smoke else list(VARIATIONS)
    tallies = {
        day.name: {name: simulate(day, policy) for name, policy in {**POLICIES, **ABLATIONS}.items()} for day in days
    }
    varied = {day.name: {name: simulate(day, policy) for name, policy in POLICIES.items()} for day in variations}
    result = {
        "scenarios": {day.name: asdict(day) for day in (*days, *variations)},
        "days": _summaries(tallies),
        "variations": _summaries(varied),
    }
    pictures: dict[str, str] = {}
    if draw:
        from benchmarks.outage.plot import plot

        pictures["outage"] = plot(days, tallies)
    blocks = {PAGE: {"outage": table(result, "days"), "outage-variations": table(result, "variations")}}
    return Figures(result, "\n\n".join(blocks[PAGE].values()), pictures, blocks)


def _summaries(tallies: dict[str, dict[str, Tally]]) -> dict[str, Any]:
    return {
        day: {policy: tally.summary()._asdict() for policy, tally in by_policy.items()}
        for day, by_policy in tallies.items()
    }
