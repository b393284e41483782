"""The plain values that travel between the stages. Nothing here may do I/O.

``Exchange`` is what is sent, ``Reply`` what came back, ``Failure`` how a transport says that nothing (whole) came
back. They are the seam: a transport knows these and nothing else of ``ron``.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Optional

from ._redaction import redact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import SecretStr

__all__ = ["UNSET", "Credential", "Exchange", "Failure", "Reply", "Unset"]


class Unset(enum.Enum):
    """The type of ``UNSET``: "not given", where ``None`` would be a value."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset.UNSET


class Credential:
    """What goes into ``Authorization``: a scheme and a token. Shows neither; refuses to pickle.

    Transports call :meth:`header` at the last moment and keep the result nowhere.
    """

    __slots__ = ("_secret", "scheme")

    def __init__(self, scheme: str, token: SecretStr) -> None:
        self.scheme = scheme
        self._secret = token

    def header(self) -> tuple[bytes, bytes]:
        """The ``Authorization`` field, name and value."""
        return (b"Authorization", f"{self.scheme} {self._secret.get_secret_value()}".encode("ascii"))

    def same_as(self, other: Optional[Credential]) -> bool:
        """Whether both would send the same bytes."""
        return other is not None and (self.scheme, self._secret) == (other.scheme, other._secret)

    def scrub(self, reply: Reply) -> Reply:
        """An error answer without the token, should the node have echoed it: whole or in part, escaped, in Base64."""
        token = self._secret.get_secret_value().encode("ascii")
        headers = tuple((name, redact(value, token, json=False)) for name, value in reply.headers)
        body = redact(reply.body, token, json=reply.body.lstrip()[:1] in (b"{", b"["))
        return Reply(reply.status, headers, body)

    def __repr__(self) -> str:
        return f"Credential({self.scheme} **********)"

    def __reduce__(self) -> Any:
        raise TypeError(
            "a credential does not pickle: build the client anew in the other process, with RonClient.from_env() "
            "or a token_provider"
        )

    def __deepcopy__(self, memo: Any) -> Any:
        raise TypeError("a credential does not deep-copy: share the client that it belongs to")


class Exchange(NamedTuple):
    """One request as it goes out, byte for byte the same on every attempt. Holds no token.

    ``target`` is the origin-form target (RFC 9112 §3.2.1), path and query, percent-encoded, beginning with ``/``.
    ``headers`` are all fields but ``Host`` and ``Authorization``, which the transport adds. ``deadline`` is absolute,
    in seconds of the client's monotonic clock.
    """

    method: str
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    deadline: float


class Reply(NamedTuple):
    """One whole answer: status, header fields as received, body with its content coding removed."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: bytes) -> Optional[str]:
        """The last field of that (lower-case) name, as text; None if there is none.

        The last one wins because gateways collapse repeated fields to it (protocol.md).
        """
        found = None
        for key, value in self.headers:
            if key.lower() == name:
                found = value
        return None if found is None else found.decode("latin-1").strip()


class Failure(Exception):
    """How a transport says that no whole answer came back. Never leaves ``ron``: the flow maps it.

    Attributes:
        kind: one of ``KINDS``.
        sent: False only if not one byte of the request can have left; True means *maybe*.
        detail: a safe text for people: no payload, no header, no token.
        timed_out: whether a timeout or the deadline was the cause.
        permanent: whether trying again cannot help (a certificate that doesn't verify, an answer too large).
    """

    KINDS = frozenset("connect dns tls certificate timeout write read protocol truncated encoding too_large".split())

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        sent: bool,
        timed_out: bool = False,
        permanent: bool = False,
    ) -> None:
        super().__init__(detail)
        assert kind in self.KINDS, kind
        self.kind = kind
        self.detail = detail
        self.sent = sent
        self.timed_out = timed_out
        self.permanent = permanent
