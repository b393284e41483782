"""Asks a node, one GET after the other, within one bound of time: the half of ``ron doctor`` that acts."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from ..._effects import NOW, WALL, Close, Send
from ..._json import read_json
from ..._plan import plain_plan
from ..._suggest import media_type
from ..._values import Failure, Reply
from ._evidence import FACETS, GATEWAY_APP, HEALTH, OMNIGATE_APP, PORTS, READY, VERSION, Evidence, Probe, StreamProbe
from ._kind import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from ..._effects import Effect
    from ...client import RonClientSync

__all__ = ["Questions", "examine", "look", "look_at_stream", "neighbours"]

#: seconds that one question may take; a healthy node answers each of them in a few milliseconds
ONE_PROBE = 3.0
#: seconds for all that is asked of a port of this machine that the URL does not name
ONE_NEIGHBOUR = 1.0
MAX_TEXT = 500
#: after these nothing else will be answered either
_HOPELESS = frozenset({"dns", "connect", "certificate", "tls", "protocol"})
_ANYTHING = {"Accept": "*/*"}


class Questions(NamedTuple):
    """What to look at beyond what every node is asked.

    Attributes:
        path: a route of the caller's own; None for none.
        stream: the path of an event stream; None for none.
        seconds: the bound of it all.
        withheld: whether there is a token that must not be sent here.
    """

    path: Optional[str] = None
    stream: Optional[str] = None
    seconds: float = 10.0
    withheld: bool = False


def examine(client: RonClientSync, questions: Questions) -> Evidence:
    """Everything that is seen of the node that a client talks to."""
    clock = client._ports.clock
    end = clock.monotonic() + questions.seconds
    url = client._parts.url
    prefix = client.config.facet_prefix
    probes: dict[str, Probe] = {}
    for path in (HEALTH, READY, VERSION, FACETS, GATEWAY_APP, OMNIGATE_APP, f"{prefix}/ron-doctor"):
        left = end - clock.monotonic()
        if left <= 0 or (probes and probes[HEALTH].failure in _HOPELESS):
            break
        probes[path] = client._run(look(client, path, min(ONE_PROBE, left)))
    reached = any(probe.status is not None for probe in probes.values())
    wanted: Optional[Probe] = None
    if reached and questions.path is not None and end > clock.monotonic():
        wanted = client._run(look(client, questions.path, end - clock.monotonic(), with_token=True))
    stream: Optional[StreamProbe] = None
    if reached and questions.stream is not None and end > clock.monotonic():
        wait = min(ONE_PROBE, end - clock.monotonic())
        stream = client._run(look_at_stream(client, questions.stream, wait))
    return Evidence(
        url="in this process" if url is None else str(url),
        scheme="" if url is None else url.scheme,
        host="" if url is None else url.host,
        port=0 if url is None else url.port,
        loopback=url is not None and _is_loopback(url.host),
        auth_scheme=client.config.auth_scheme,
        facet_prefix=prefix,
        has_token=client.config.token is not None or questions.withheld,
        withheld=questions.withheld,
        probes=probes,
        wanted=wanted,
        stream=stream,
        tls=_agreed(client) if reached else None,
        out_of_time=end <= clock.monotonic(),
    )


def look(
    client: RonClientSync, path: str, timeout: float, *, with_token: bool = False
) -> Generator[Effect, Any, Probe]:
    """The flow of one question: sent once, every answer and every failure is a probe."""
    session = client._session
    plan = plain_plan("GET", path, headers=_ANYTHING, timeout=timeout)
    started = yield NOW
    before = yield WALL
    credential = session.credential if with_token else None
    try:
        reply: Reply = yield Send(session.exchange(plan, session.new_id(), started), credential, 0.0, False)
    except Failure as failure:
        return Probe(path, failure=_kind(failure), detail=failure.detail, with_token=credential is not None)
    after = yield WALL
    return _probe(path, reply if credential is None else credential.scrub(reply), (before + after) / 2, credential)


def look_at_stream(client: RonClientSync, path: str, timeout: float) -> Generator[Effect, Any, StreamProbe]:
    """The flow that opens an event stream, looks at its head and closes it."""
    session = client._session
    plan = plain_plan("GET", path, headers={"Accept": "text/event-stream"}, timeout=timeout)
    started = yield NOW
    try:
        stream = yield Send(session.exchange(plan, session.new_id(), started), session.credential, 0.0, True)
    except Failure as failure:
        return StreamProbe(path, failure=_kind(failure), waited=round(timeout, 1))
    head = Reply(stream.status, tuple(stream.headers), b"")
    if not isinstance(stream, Reply):  # an error answer comes whole
        yield Close(stream)
    return StreamProbe(path, head.status, media_type(head.header(b"content-type")))


def neighbours(
    own: int, open_client: Callable[[int], RonClientSync], seconds: float, ports: Mapping[int, str] = PORTS
) -> dict[int, str]:
    """What answers at the usual ports of this machine, but for ``own``, found within so many seconds: port → name."""
    found = {}
    for port in ports:
        if port == own or seconds <= 0:
            continue
        with open_client(port) as client:
            clock = client._ports.clock
            started = clock.monotonic()
            evidence = _examine_shortly(client, started + min(seconds, ONE_NEIGHBOUR))
            seconds -= clock.monotonic() - started
        if evidence.answered:
            kind = kind_of(evidence)
            found[port] = {"gateway": "svc-gateway", "unknown": "some HTTP service"}.get(kind, kind)
    return found


def _examine_shortly(client: RonClientSync, end: float) -> Evidence:
    """As much as tells which service it is."""
    probes: dict[str, Probe] = {}
    for path in (HEALTH, READY, VERSION, FACETS):
        left = end - client._ports.clock.monotonic()
        if left <= 0 or any(probe.status is None for probe in probes.values()):
            break
        probes[path] = client._run(look(client, path, left))
    return Evidence(url="", scheme="http", host="", port=0, probes=probes)


def _probe(path: str, reply: Reply, asked: float, credential: Any) -> Probe:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1").strip() for name, value in reply.headers}
    value: Any = None
    if reply.body[:1] in (b"{", b"["):
        try:
            value = read_json(reply.body)
        except ValueError:
            value = None
    return Probe(
        path,
        status=reply.status,
        headers=headers,
        text=reply.body[: MAX_TEXT * 4].decode("utf-8", "replace")[:MAX_TEXT],
        json=value,
        skew=_skew(headers.get("date"), asked),
        with_token=credential is not None,
    )


def _skew(date: Optional[str], asked: float) -> Optional[float]:
    """Seconds that the node's clock is ahead; ``Date`` names the second that has begun (RFC 9110 §6.6.1)."""
    if date is None:
        return None
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(date).timestamp() + 0.5 - asked
    except (TypeError, ValueError, IndexError, OverflowError):  # what older Pythons raise for nonsense
        return None


def _kind(failure: Failure) -> str:
    """The failure's kind; a connect that ran out of time is a timeout."""
    return "timeout" if failure.timed_out else failure.kind


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _agreed(client: RonClientSync) -> Optional[tuple[str, str]]:
    tell = getattr(client._ports.channel, "tls_info", None)
    info = None if tell is None else tell()
    return None if info is None else (info.protocol or "", info.cipher or "")
