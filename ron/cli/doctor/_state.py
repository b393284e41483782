"""Findings about a node's own state: health, readiness, version. Nothing here may do I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._evidence import HEALTH, READY, VERSION, Finding

if TYPE_CHECKING:
    from ._evidence import Evidence, Probe

__all__ = ["health", "readiness", "version"]

MAX_SHOWN = 80


def health(evidence: Evidence) -> list[Finding]:
    """``/healthz``: whether the process lives."""
    probe = evidence.probe(HEALTH)
    if probe.ok and not _said_no(probe, "ok"):
        return [Finding("ok", "health", f"healthy: {_said(probe)}")]
    return _unanswered(probe, "health") or [
        Finding("error", "health", f"{HEALTH} answers {probe.status}: {_said(probe)}", "look into the node's log")
    ]


def readiness(evidence: Evidence) -> list[Finding]:
    """``/readyz``: whether it takes requests, and what it waits for."""
    probe = evidence.probe(READY)
    missing = probe.json.get("missing") if isinstance(probe.json, dict) else None
    if probe.ok and not missing and not _said_no(probe, "ready"):
        return [Finding("ok", "ready", f"ready: {_said(probe)}")]
    if probe.status in (404, 405):
        return [Finding("note", "ready", f"{READY} is not there")]
    waits = f"it waits for {', '.join(map(str, missing))}" if isinstance(missing, list) and missing else _said(probe)
    retry = probe.headers.get("retry-after")
    later = f", and asks to come back in {retry[:20]} s" if retry else ""
    return _unanswered(probe, "ready") or [
        Finding(
            "error",
            "ready",
            f"not ready ({probe.status}): {waits}{later}",
            "wait, or look into the log for what it waits for",
        )
    ]


def version(evidence: Evidence) -> list[Finding]:
    """``/version``, JSON on the gateway, plain text on a micronode."""
    probe = evidence.probe(VERSION)
    if not probe.ok:
        return []
    value = probe.json
    if isinstance(value, dict):
        named = [f"{name} {value[name]}" for name in ("service", "name", "version", "git", "commit") if name in value]
        return [Finding("ok", "version", _short(", ".join(named)) or _said(probe))]
    return [Finding("ok", "version", _said(probe))]


def _unanswered(probe: Probe, code: str) -> list[Finding]:
    if probe.status is not None:
        return []
    if probe.failure == "skipped":
        return [Finding("note", code, f"{probe.path} was not asked: the time was up", "give more with --timeout")]
    return [Finding("error", code, f"{probe.path}: {probe.detail}", "look into the node's log")]


def _said_no(probe: Probe, name: str) -> bool:
    value: Any = probe.json
    return isinstance(value, dict) and value.get(name) is False


def _said(probe: Probe) -> str:
    """The beginning of a body, on one line."""
    if probe.text.lstrip().startswith("<"):
        return "a page of HTML"
    return _short(" ".join(probe.text.split())) or "an empty body"


def _short(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"
