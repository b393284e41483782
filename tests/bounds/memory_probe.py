"""Prints what bombs add to this process's memory: a script of its own, so that nothing else is in the figure.

``python -m tests.bounds.memory_probe ADAPTER COLOUR PORT`` prints one line for each path that it asks for: the path,
the growth of the peak of the resident set in KiB, and the class of the error that came.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Any, NamedTuple

from ron import RonError
from tests.bounds.caller import Caller, sockets

__all__ = ["LIMIT", "PLAIN", "STREAMED"]

LIMIT = 1 << 20
#: what is asked for by a plain call, and as a stream of events
PLAIN = ("counted", "chunked", "closed", "one-read", "refusal")
STREAMED = ("events", "event", "stream-refusal")
_STATUS = Path("/proc/self/status")


class Where(NamedTuple):
    """As much of a server as a caller needs."""

    port: int


def resident(field: str) -> int:
    """The resident set in KiB: ``VmRSS`` now, or ``VmHWM`` at its peak; elsewhere than on Linux the peak for both."""
    if _STATUS.exists():
        lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines() if ":" in line)
        return int(lines[field].split()[0])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


def growth(call: Any, path: str) -> tuple[int, str]:
    """By how much the peak is above what was resident before the call, and what the call raised."""
    before = resident("VmRSS")
    raised = "nothing"
    try:
        call(path)
    except RonError as error:
        raised = type(error).__name__
    return max(0, resident("VmHWM") - before), raised


def main(adapter_name: str, colour: str, port: str) -> None:
    """Warms up, then asks for one bomb after another."""
    [adapter] = {adapter for adapter, _ in sockets() if adapter.name == adapter_name}
    where: Any = Where(int(port))
    caller = Caller(adapter, colour, where, max_response_bytes=LIMIT)
    calls: dict[str, Any] = dict.fromkeys(PLAIN, caller.get)
    calls.update(dict.fromkeys(STREAMED, caller.events))
    for path in ("/warm-up", "/warm-up-refusal"):
        growth(caller.get, path)
        growth(caller.events, path)
    for path, call in calls.items():
        print(path, *growth(call, f"/{path}"))
    caller.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
