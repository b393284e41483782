"""What importing costs, in processes of their own: ``ron``, and what declares a resource, against pydantic alone."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks._registry import Figures
from benchmarks._report import Row, report, row
from benchmarks._rounds import Contestant, compare, interleaved

__all__ = ["run"]

ROOT = Path(__file__).resolve().parents[1]
NOTHING, BASE, SUBCLASS = "nothing", "from pydantic import BaseModel", "the same, and one empty subclass"
RON, RESOURCE = "import ron", "from ron import Resource"
PROGRAMS = {
    NOTHING: "pass",
    BASE: BASE,
    SUBCLASS: f"{BASE}\nclass Empty(BaseModel): pass",
    RON: RON,
    RESOURCE: RESOURCE,
    "from ron import RonClient": "from ron import RonClient",
}
GOALS = {(RON, BASE): 0.15, (RESOURCE, BASE): 1.15}  # net of the interpreter's start


def run(*, smoke: bool, draw: bool) -> Figures:
    """See ``benchmarks._registry.Benchmark``."""
    del draw
    contestants = {name: _process(program) for name, program in PROGRAMS.items()}
    raw = interleaved(contestants, rounds=1 if smoke else 31, seconds=0.0)
    start = statistics.median(raw[NOTHING])
    net = {name: [max(1e-4, one - start) for one in times] for name, times in raw.items() if name != NOTHING}
    rows: list[Row] = []
    for ours in (RON, RESOURCE, "from ron import RonClient"):
        for peer in (BASE, SUBCLASS):
            goal = GOALS.get((ours, peer))
            rows.append(row(f"`{ours}`, net of the interpreter's start", peer, compare(net, ours, peer), goal))
        rows.append(row(f"`{ours}`, the whole process", BASE, compare(raw, ours, BASE)))
    return report("imports", rows)


def _process(program: str) -> Contestant:
    def start(calls: int) -> None:
        for _ in range(calls):
            subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)

    return start
