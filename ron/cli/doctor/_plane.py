"""Findings about the app plane: tokens, routes, facets, streams. Nothing here may do I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._evidence import FACETS, GATEWAY_APP, Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._evidence import Evidence, Probe

__all__ = ["app_plane", "authorization", "facets", "streams", "wanted"]

MAX_LISTED = 5
#: what a micronode mounts; the rest passes its validation and answers 404 or 405 (protocol.md, "Facet manifests")
MOUNTED = frozenset({"GET", "POST"})


def authorization(evidence: Evidence, kind: str) -> list[Finding]:
    """The scheme that the node asks for, beside the one that the client uses."""
    if kind in ("macronode", "unknown", "omnigate"):
        return []
    asked = {probe.challenge for probe in evidence.answered if probe.status == 401 and probe.challenge}
    if evidence.wanted is not None and evidence.wanted.challenge:
        asked.add(evidence.wanted.challenge)
    wrong = sorted(scheme for scheme in asked if scheme.lower() != evidence.auth_scheme.lower())
    if wrong:
        return [
            Finding(
                "error",
                "auth",
                f"the node asks for {wrong[0][:40]!r} tokens; the client sends {evidence.auth_scheme!r}",
                f"use --auth-scheme {wrong[0][:40]}, in code auth_scheme={wrong[0][:40]!r}",
            )
        ]
    if evidence.nowhere.status != 401 and not asked:
        return []
    if not evidence.has_token:
        return [
            Finding(
                "warning",
                "auth",
                "the node asks for a token, and there is none",
                "set RON_APP_TOKEN beside RON_APP_URL, or use --ask-token",
            )
        ]
    return [Finding("note", "auth", f"the node asks for a token, as {evidence.auth_scheme}; there is one")]


def app_plane(evidence: Evidence, kind: str) -> list[Finding]:
    """Whether ``/app`` reaches anything."""
    if kind == "micronode":
        return [Finding("note", "app", "a micronode has no /app: facets are reached at /facets")]
    if kind != "gateway":
        return []
    probe = evidence.probe(GATEWAY_APP)
    if probe.ok:
        return [Finding("ok", "app", "/app reaches omnigate")]
    if probe.status in (401, 403):
        return [Finding("note", "app", f"/app answers {probe.status} without a token: what is behind can't be seen")]
    if probe.status == 404:
        return [
            Finding(
                "error",
                "app",
                "/app/healthz answers 404: the gateway does not reach an omnigate, or this one mounts nothing",
                "check the gateway's upstream for /app, by default omnigate at port 5305",
            )
        ]
    seen = probe.detail if probe.status is None else f"answers {probe.status}"
    return [
        Finding(
            "error",
            "app",
            f"/app/healthz {seen}: the gateway does not reach omnigate",
            "start omnigate (by default port 5305), or check the gateway's upstream for /app",
        )
    ]


def wanted(evidence: Evidence, kind: str) -> list[Finding]:
    """The route that the caller named, asked for as the client would."""
    probe = evidence.wanted
    if probe is None:
        return []
    if probe.status is None:
        return [Finding("error", "path", f"{probe.path}: {probe.detail}", "look into the log of the service behind")]
    if probe.ok:
        return [Finding("ok", "path", f"{probe.path} answers {probe.status}")]
    return [Finding("error", "path", f"{probe.path} answers {probe.status}", _remedy(probe, evidence, kind))]


def _remedy(probe: Probe, evidence: Evidence, kind: str) -> str:
    if probe.status == 401 and kind == "micronode":
        return "in any security mode but dev_allow a micronode's facets answer 401 whatever the token"
    if probe.status == 401:
        return "renew the token" if evidence.has_token else "set RON_APP_TOKEN beside RON_APP_URL, or use --ask-token"
    if probe.status == 403:
        return "the node's policy denies it; the default policy denies every write, and the token may be fine"
    if probe.status in (404, 405) and not probe.text.strip():
        return (
            "an empty answer speaks of the route, not of an object: it is not mounted; check the facet's manifest and "
            "the path"
        )
    if probe.status is not None and probe.status >= 500:
        return "look into the log of the service behind; the node itself answers"
    return "check the path"


def facets(evidence: Evidence, kind: str) -> list[Finding]:
    """What ``/facets/meta`` says is loaded, and which of it can't work."""
    loaded = _loaded(evidence.probe(FACETS).json)
    if loaded is None:
        unread = Finding("warning", "facets", "/facets/meta does not say what is loaded", "look into the node's log")
        return [unread] if kind == "micronode" else []
    if not loaded:
        return [
            Finding(
                "warning",
                "facets",
                "no facet is loaded: a node skips a manifest that it can't read without a word",
                "ron manifest check FILE says what is wrong with it",
            )
        ]
    found = [Finding("ok", "facets", f"loaded: {_listed([_described(facet) for facet in loaded])}")]
    empty = [_id(facet) for facet in loaded if not _routes(facet)]
    if empty:
        fix = "in the manifest routes are [[route]], not [[routes]]"
        found.append(Finding("warning", "facets", f"loaded without a route: {_listed(empty)}", fix))
    dropped = [
        f"{route.get('method')} {_id(facet)}{route.get('path')}"
        for facet in loaded
        for route in _routes(facet)
        if isinstance(route, dict) and str(route.get("method")).upper() not in MOUNTED
    ]
    if dropped and kind != "memory":
        text = f"listed, but a micronode mounts only GET and POST: {_listed(dropped)}"
        found.append(Finding("warning", "facets", text, "reach them through the service itself"))
    return found


def streams(evidence: Evidence, kind: str) -> list[Finding]:
    """Whether event streams arrive while they last."""
    advice = "watch the service directly; through here only what has ended arrives"
    probe = evidence.stream
    if probe is None:
        if kind not in ("gateway", "micronode"):
            return []
        name = "svc-gateway" if kind == "gateway" else "a micronode's proxy"
        return [Finding("note", "streams", f"{name} buffers whole answers: an endless stream never arrives", advice)]
    if probe.status == 200 and probe.content_type == "text/event-stream":
        return [Finding("ok", "streams", f"{probe.path} streams: its head came at once")]
    if probe.status == 200:
        named = probe.content_type or "nothing"
        return [Finding("error", "streams", f"{probe.path} is no event stream: it says {named}", "check the path")]
    if probe.status is not None:
        return [Finding("error", "streams", f"{probe.path} answers {probe.status}", "check the path and the token")]
    if probe.failure == "timeout":
        text = f"{probe.path}: no head within {probe.waited:g} s: something on the way buffers the stream"
        return [Finding("warning", "streams", text, advice)]
    return [Finding("error", "streams", f"{probe.path}: the stream could not be opened", "look into the node's log")]


def _loaded(value: Any) -> Any:
    loaded = value.get("loaded") if isinstance(value, dict) else None
    return [facet for facet in loaded if isinstance(facet, dict)] if isinstance(loaded, list) else None


def _routes(facet: dict[str, Any]) -> list[Any]:
    routes = facet.get("routes")
    return routes if isinstance(routes, list) else []


def _id(facet: dict[str, Any]) -> str:
    return str(facet.get("id", "?"))[:60]


def _described(facet: dict[str, Any]) -> str:
    count = len(_routes(facet))
    return f"{_id(facet)} ({str(facet.get('kind', '?'))[:20]}, {count} route{'' if count == 1 else 's'})"


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - MAX_LISTED
    return ", ".join(texts[:MAX_LISTED]) + (f" and {more} more" if more > 0 else "")
