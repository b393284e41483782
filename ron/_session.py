"""What all calls of one client share, and how a ``Plan`` becomes an ``Exchange``. Nothing here may do I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from ._backoff import Budget
from ._plan import header_value
from ._values import Exchange
from ._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._plan import Plan
    from ._values import Credential

__all__ = ["Authority", "Session"]

_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
_COMMON = (
    (b"User-Agent", f"ron-app-sdk-py/{__version__}".encode("ascii")),
    (b"Accept", b"application/json"),
    (b"Accept-Encoding", b"gzip"),
)


class Session:
    """A client's settings as the flow needs them, and the little state that calls share.

    Attributes:
        base_path: percent-encoded path of the base URL, without trailing slash.
        facet_prefix: where facets are mounted on this node, such as ``/app``.
        timeout: seconds for a whole call.
        max_retries: repeats after the first attempt.
        headers: extra fields of every request.
        credential: what is sent as ``Authorization`` now; None without a token, or before the provider was asked.
        renewable: whether a token provider can be asked for another one.
        budget: the retry budget.
        middleware: objects with ``before`` and/or ``after``.
        random: draws from [0, 1).
        new_id: 32 hexadecimal digits.
    """

    def __init__(
        self,
        *,
        base_path: str,
        facet_prefix: str,
        timeout: float,
        max_retries: int,
        random: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        self.base_path = base_path.encode("ascii")
        self.facet_prefix = facet_prefix
        self.timeout = timeout
        self.max_retries = max_retries
        self.random = random
        self.new_id = new_id
        self.headers: tuple[tuple[bytes, bytes], ...] = ()
        self.authority = Authority()
        self.budget = Budget()
        self.middleware: list[Any] = []

    def with_options(
        self,
        timeout: Optional[float],
        max_retries: Optional[int],
        headers: Sequence[tuple[bytes, bytes]],
    ) -> Session:
        """A session with other limits and headers that shares credential, budget and middleware with this one."""
        other = Session.__new__(Session)
        other.__dict__.update(self.__dict__)
        if timeout is not None:
            other.timeout = timeout
        if max_retries is not None:
            other.max_retries = max_retries
        replaced = {name.lower() for name, _ in headers}
        kept = tuple(field for field in self.headers if field[0].lower() not in replaced)
        other.headers = (*kept, *headers)
        return other

    def request_id(self, plan: Plan) -> str:
        """The id of a call: the caller's own ``X-Request-Id`` or ``X-Correlation-Id``, else a fresh one."""
        own = (*self.headers, *plan.headers)
        return sent_id(own) or self.new_id() if own else self.new_id()

    def exchange(self, plan: Plan, request_id: str, started: float) -> Exchange:
        """The request as it goes out on every attempt: one id in both headers (protocol.md), a Content-Length."""
        target = self.base_path + plan.path
        if plan.query:
            target += b"?" + plan.query
        rid = request_id.encode("latin-1")
        headers = [*_COMMON, (b"X-Request-Id", rid), (b"X-Correlation-Id", rid)]
        own = (*self.headers, *plan.headers)
        if own:
            last = {name.lower(): (name, value) for name, value in own}
            headers = [field for field in headers if field[0].lower() not in last]
            headers.extend(last.values())
        if plan.key is not None:
            headers.append((b"Idempotency-Key", plan.key.encode("ascii")))
        if plan.body or plan.method not in _BODILESS:
            headers.append((b"Content-Length", b"%d" % len(plan.body)))
        timeout = self.timeout if plan.timeout is None else plan.timeout
        return Exchange(plan.method, target, tuple(headers), plan.body, started + timeout)

    @property
    def credential(self) -> Optional[Credential]:
        """The credential that requests carry now."""
        return self.authority.credential

    @property
    def renewable(self) -> bool:
        """Whether a token provider stands behind the credential."""
        return self.authority.renewable


def sent_id(fields: Sequence[tuple[bytes, bytes]]) -> Optional[str]:
    """The id in these fields, None without one."""
    return header_value(fields, b"x-request-id") or header_value(fields, b"x-correlation-id")


class Authority:
    """The credential, shared by a client and all its ``with_options`` copies."""

    __slots__ = ("credential", "renewable")

    def __init__(self) -> None:
        self.credential: Optional[Credential] = None
        self.renewable = False

    def __repr__(self) -> str:
        return "Authority(**********)"
