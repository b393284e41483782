"""Findings about what answers, how it is reached, and its clock. Nothing here may do I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._evidence import HEALTH, PORTS, Finding

if TYPE_CHECKING:
    from ._evidence import Evidence

__all__ = ["clock", "encryption", "identity", "silence"]

#: seconds; a Date field counts whole ones, and capabilities expire by the clock
MAX_SKEW = 30.0

_GATEWAY = "give the gateway's URL, by default port 5304"
_IDENTITIES = {
    "gateway": Finding("ok", "kind", "this is svc-gateway: it forwards /app/* to omnigate"),
    "memory": Finding("ok", "kind", "this is a node in this process"),
    "omnigate": Finding(
        "warning",
        "kind",
        "this is omnigate, behind the gateway: its app plane is at /v1/app, where clients don't look",
        _GATEWAY,
    ),
    "macronode": Finding("error", "kind", "this is a macronode's admin port: there is no app plane here", _GATEWAY),
    "unknown": Finding(
        "error",
        "kind",
        "something answers HTTP, but like no RON-CORE service",
        "check host and port: svc-gateway 5304, omnigate 5305, micronode 5310, macronode's admin port 8080",
    ),
}
_SILENCES = {
    "dns": ("the host's name could not be resolved", "check its spelling, and the network that it is known in"),
    "connect": ("nothing accepts connections there", "start the node, or check host and port"),
    "certificate": (
        "its certificate does not verify",
        "for a private authority give its bundle with --ca-file; check the host's name and both clocks; it can't be "
        "switched off",
    ),
    "tls": ("it does not speak TLS", "if it speaks plain http there, begin the URL with http://"),
    "timeout": ("no answer came in time", "the node hangs, or a firewall drops the packets: try from its own machine"),
    "protocol": ("what answers is no HTTP/1.1", "check the port; if it speaks TLS, begin the URL with https://"),
    "read": (
        "it closed the connection without an answer",
        "check the port; if it speaks TLS, begin the URL with https://",
    ),
}


def silence(evidence: Evidence) -> list[Finding]:
    """Why nothing answered, and where something does."""
    first = next(iter(evidence.probes.values()), None)
    kind = "timeout" if first is None else first.failure
    what, fix = _SILENCES.get(kind, _SILENCES["read"])
    usual = PORTS.get(evidence.port)
    where = f"{evidence.host}:{evidence.port}{f', where a {usual} usually listens' if usual else ''}"
    found = [Finding("error", "reach", f"{where}: {what}", fix)]
    return [*found, *_elsewhere(evidence)]


def identity(evidence: Evidence, kind: str) -> list[Finding]:
    """What answers, and whether that is what a client should talk to."""
    if kind != "micronode":
        return [_IDENTITIES[kind], *(_elsewhere(evidence) if kind in ("macronode", "unknown") else [])]
    wrong = [
        f"--{option} {right}"
        for option, given, right in (
            ("facet-prefix", evidence.facet_prefix, "/facets"),
            ("auth-scheme", evidence.auth_scheme, "Macro"),
        )
        if given != right
    ]
    text = "this is a micronode: facets are at /facets, and tokens come as 'Macro'"
    if not wrong:
        return [Finding("ok", "kind", text)]
    return [
        Finding(
            "warning",
            "kind",
            f"{text}; the client is set otherwise",
            'use --micronode, in code facet_prefix="/facets", auth_scheme="Macro"; or talk to the gateway',
        )
    ]


def encryption(evidence: Evidence) -> list[Finding]:
    """TLS, or its absence."""
    if evidence.scheme == "https":
        protocol, cipher = evidence.tls or ("", "")
        return [Finding("ok", "tls", f"the certificate verifies; {protocol or 'TLS'} {cipher}".rstrip())]
    if evidence.scheme == "http" and not evidence.loopback:
        return [
            Finding("error", "tls", "plain http: whoever is on the way reads the token", "use https://"),
        ]
    if evidence.withheld:
        fix = "--insecure-http or RON_SDK_ALLOW_INSECURE_HTTP=1 accepts that"
        return [Finding("note", "tls", "plain http, on this machine only; the token was not sent", fix)]
    if evidence.scheme == "http":
        return [Finding("note", "tls", "plain http, on this machine only")]
    return []


def clock(evidence: Evidence) -> list[Finding]:
    """How far the node's clock is from ours, by the answer that came first."""
    skews = [probe.skew for probe in evidence.answered if probe.skew is not None]
    if not skews:
        return (
            [Finding("note", "clock", "the node sends no Date: its clock can't be compared")]
            if (evidence.probe(HEALTH).status is not None and evidence.scheme)
            else []
        )
    skew = min(skews, key=abs)
    if abs(skew) < MAX_SKEW:
        return [Finding("ok", "clock", "the node's clock and this one agree")]
    side = "ahead of" if skew > 0 else "behind"
    return [
        Finding(
            "warning",
            "clock",
            f"the node's clock is {abs(skew):.0f} s {side} this one: capabilities begin and end at other times there",
            "synchronise both clocks (NTP)",
        )
    ]


def _elsewhere(evidence: Evidence) -> list[Finding]:
    """Other ports of this machine, which was asked because the URL names it."""
    host = f"[{evidence.host}]" if ":" in evidence.host else evidence.host
    return [
        Finding("note", "elsewhere", f"{kind} answers at http://{host}:{port}", "if that is the one, give its URL")
        for port, kind in sorted(evidence.elsewhere.items())
    ]
