"""What a test holds of a running node: knobs, store, what it received, what it will answer."""

from __future__ import annotations

import dataclasses
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional, Union

from tests.reference_node.hub import Hub
from tests.reference_node.knobs import Knobs
from tests.reference_node.planned import Fail, Hang, Headers, Lose, Planned, Wire, plan_answer
from tests.reference_node.problems import Refusal
from tests.reference_node.record import Seen
from tests.reference_node.store import Store


@dataclasses.dataclass(frozen=True)
class Remembered:
    """The answer to a POST with an idempotency key."""

    status: int
    headers: Headers
    body: bytes


class Node:
    """State shared by the server's thread and the tests; any thread may call any method.

    `url` has no final slash; `ca_path` is the PEM file that vouches for an https node.
    """

    def __init__(self, url: str = "", ca_path: Optional[Path] = None) -> None:
        self.url = url
        self.ca_path = ca_path
        self.hub = Hub()
        self.store = Store(on_change=self.hub.wake)
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._knobs = Knobs()
        self._requests: list[Seen] = []
        self._planned: deque[Planned] = deque()
        self._remembered: dict[tuple[str, str], Remembered] = {}
        self._failures: list[Exception] = []

    # What tests choose.

    @property
    def knobs(self) -> Knobs:
        """The knobs now in force."""
        with self._lock:
            return self._knobs

    def configure(self, **changes: Any) -> None:
        """Change some knobs; raises TypeError for a name that isn't one."""
        with self._lock:
            self._knobs = dataclasses.replace(self._knobs, **changes)

    def answer(
        self,
        status: int,
        headers: Union[Mapping[str, str], Headers] = (),
        body: bytes = b"",
        times: int = 1,
    ) -> None:
        """Give this raw answer to the next `times` requests, whatever they are.

        Framing that no server would write (see `plan_answer`) is sent as it stands, then the
        connection is closed. No header is added but a fitting Content-Length and the Date.
        """
        pairs = tuple(headers.items()) if isinstance(headers, Mapping) else headers
        self._plan(plan_answer(status, pairs, body), times)

    def answer_wire(self, data: bytes, times: int = 1) -> None:
        """Write these bytes to the socket and close it; `b""` drops the connection unanswered."""
        self._plan(Wire(data), times)

    def fail(
        self,
        status: int,
        code: str = "unavailable",
        message: str = "the node was told to fail",
        *,
        times: int = 1,
        reason: Optional[str] = None,
        retryable: Optional[bool] = None,
        retry_after_ms: Optional[int] = None,
        retry_after: Optional[str] = None,
    ) -> None:
        """Answer the next `times` requests with an error in the node's dialect."""
        hints = (reason, retryable, retry_after_ms, retry_after)
        self._plan(Fail(Refusal(status, code, message, *hints)), times)

    def lose_response(self, times: int = 1) -> None:
        """Do what the next `times` requests ask, and drop their connections unanswered."""
        self._plan(Lose(), times)

    def hang(self, times: int = 1) -> None:
        """Leave the next `times` requests unanswered, until their clients leave or `reset()`."""
        self._plan(Hang(), times)

    def reset(self) -> None:
        """Return to the state of a new node; waiting streams and held requests end."""
        self.hub.end()
        with self._lock:
            self._clear()
        self.store.reset()

    # What tests look at.

    @property
    def requests(self) -> tuple[Seen, ...]:
        """Every request received since the last reset, in order of arrival."""
        with self._lock:
            return tuple(self._requests)

    @property
    def failures(self) -> tuple[Exception, ...]:
        """Exceptions of the node's own code; a test that sees one has found a bug in the node."""
        with self._lock:
            return tuple(self._failures)

    def wait_waiting(self, count: int, timeout: float = 10.0) -> None:
        """Block until exactly `count` streams and held requests are open; raises TimeoutError."""
        if not self.hub.wait_for(count, timeout):
            raise TimeoutError(f"the node never had {count} open streams or held requests")

    # What the server does.

    def received(self, request: Seen) -> Optional[Planned]:
        """Record a request and return what was planned for it."""
        with self._lock:
            self._requests.append(request)
            return self._planned.popleft() if self._planned else None

    def failed(self, error: Exception) -> None:
        """Record an exception of the node's own code."""
        with self._lock:
            self._failures.append(error)

    def recall(self, path: str, key: str) -> Optional[Remembered]:
        """Return the answer that this idempotency key got on this path."""
        with self._lock:
            return self._remembered.get((path, key))

    def remember(self, path: str, key: str, answer: Remembered) -> None:
        """Keep an answer for the repeats of its idempotency key."""
        with self._lock:
            self._remembered[path, key] = answer

    def _plan(self, planned: Planned, times: int) -> None:
        with self._lock:
            self._planned.extend([planned] * times)
