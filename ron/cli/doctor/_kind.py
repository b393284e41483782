"""Which service answers, told by how it does (protocol.md, "Reaching the app plane"). Nothing here may do I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._evidence import FACETS, HEALTH, OMNIGATE_APP, READY, VERSION

if TYPE_CHECKING:
    from ._evidence import Evidence, Probe

__all__ = ["KINDS", "kind_of"]

KINDS = ("gateway", "omnigate", "micronode", "macronode", "memory", "unknown", "nothing")
_WORDS = frozenset({"ok", "ready", "not ready", "busy", "timeout"})


def kind_of(evidence: Evidence) -> str:
    """One of ``KINDS``: what is most particular to a service decides."""
    if not evidence.answered:
        return "nothing"
    if not evidence.scheme:
        return "memory"
    facets = evidence.probe(FACETS)
    if facets.ok and isinstance(_member(facets.json, "loaded"), list):
        return "micronode"
    if any(probe.challenge.lower() == "macro" for probe in evidence.answered):
        return "micronode"
    health, ready, version = (evidence.probe(path) for path in (HEALTH, READY, VERSION))
    if any(isinstance(probe.json, dict) and "deps" in probe.json for probe in (health, ready)):
        return "macronode"
    if _is_word(health) and version.ok:
        return "gateway" if isinstance(version.json, dict) else "micronode"
    if evidence.probe(OMNIGATE_APP).ok or (isinstance(ready.json, dict) and {"ready", "missing"} & set(ready.json)):
        return "omnigate"
    return "unknown"


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _is_word(probe: Probe) -> bool:
    """Gateway and micronode answer health checks in a few plain words."""
    return probe.status is not None and probe.json is None and probe.text.strip().lower() in _WORDS
