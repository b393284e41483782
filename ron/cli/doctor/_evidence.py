"""What was seen of a node, as plain values. Nothing here may do I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Optional

__all__ = ["FACETS", "GATEWAY_APP", "HEALTH", "OMNIGATE_APP", "PORTS", "READY", "VERSION"]
__all__ += ["Evidence", "Finding", "Probe", "StreamProbe"]

#: where a service listens unless it is told otherwise (protocol.md, "Reaching the app plane")
PORTS: Mapping[int, str] = {5304: "svc-gateway", 5305: "omnigate", 5310: "micronode", 8080: "macronode"}

HEALTH = "/healthz"
READY = "/readyz"
VERSION = "/version"
FACETS = "/facets/meta"
GATEWAY_APP = "/app/healthz"  #: what the gateway forwards to omnigate's own health route
OMNIGATE_APP = "/v1/app/healthz"


class Finding(NamedTuple):
    """One thing that was found out.

    Attributes:
        level: ``ok``, ``note`` (nothing is wrong, but good to know), ``warning`` or ``error``.
        code: what it is about, one word.
        message: what was seen.
        fix: what to do about it; empty where there is nothing to do.
    """

    level: str
    code: str
    message: str
    fix: str = ""


@dataclass(frozen=True)
class Probe:
    """One GET and what came of it.

    Attributes:
        path: what was asked for.
        status: of the answer; None if no whole answer came.
        headers: of the answer, by lower-case name.
        text: its body, at most 500 characters.
        json: its body where it is JSON, else None.
        failure: why no answer came, a kind of ``Failure``; ``""`` if one came.
        detail: the same for people.
        skew: seconds that the node's clock is ahead of ours by its ``Date``; None if it sent none.
        with_token: whether the token was sent.
    """

    path: str
    status: Optional[int] = None
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    json: Any = None
    failure: str = ""
    detail: str = ""
    skew: Optional[float] = None
    with_token: bool = False

    @property
    def ok(self) -> bool:
        """Whether it was answered 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def challenge(self) -> str:
        """The scheme that ``WWW-Authenticate`` asks for (RFC 9110 §11.6.1), ``""`` without one."""
        return self.headers.get("www-authenticate", "").strip().partition(" ")[0]


@dataclass(frozen=True)
class StreamProbe:
    """A stream that was opened to see whether it streams.

    Attributes:
        path: what was asked for.
        status: of the answer; None if its head did not come in time.
        content_type: of the answer, ``""`` without one.
        waited: seconds that were waited for the head.
        failure: why no head came, a kind of ``Failure``; ``""`` if one came.
    """

    path: str
    status: Optional[int] = None
    content_type: str = ""
    waited: float = 0.0
    failure: str = ""


@dataclass(frozen=True)
class Evidence:
    """Everything that was seen.

    Attributes:
        url: the base URL, without secrets.
        scheme: ``http`` or ``https``; ``""`` for a node in this process.
        host: the URL's host.
        port: the URL's port.
        loopback: whether the host is this machine.
        auth_scheme: the word that our client puts before the token.
        facet_prefix: where our client looks for facets.
        has_token: whether our client has a token.
        withheld: whether it was not sent, because the URL is plain http and nobody has accepted that.
        probes: by path; what is absent was not asked for.
        wanted: the caller's own route, asked for with the token; None if none was named.
        stream: None if no stream was named.
        tls: what the handshake agreed on, protocol and cipher; None without TLS.
        elsewhere: other ports of this machine that answered: port → what answers.
        out_of_time: whether the time was up before everything was asked for.
    """

    url: str
    scheme: str
    host: str
    port: int
    loopback: bool = False
    auth_scheme: str = "Bearer"
    facet_prefix: str = "/app"
    has_token: bool = False
    withheld: bool = False
    probes: Mapping[str, Probe] = field(default_factory=dict)
    wanted: Optional[Probe] = None
    stream: Optional[StreamProbe] = None
    tls: Optional[tuple[str, str]] = None
    elsewhere: Mapping[int, str] = field(default_factory=dict)
    out_of_time: bool = False

    def probe(self, path: str) -> Probe:
        """What came of that path; an empty probe if it was not asked for."""
        return self.probes.get(path, Probe(path, failure="skipped"))

    @property
    def nowhere(self) -> Probe:
        """What came of a path that is no route of anybody's: it shows how the node treats callers without a token."""
        return self.probe(f"{self.facet_prefix}/ron-doctor")

    @property
    def answered(self) -> list[Probe]:
        """The probes that were answered."""
        return [probe for probe in self.probes.values() if probe.status is not None]
