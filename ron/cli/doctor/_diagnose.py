"""From what was seen to what is found: the decision of ``ron doctor``. Nothing here may do I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from . import _plane, _reach, _state
from ._evidence import Finding
from ._kind import kind_of

if TYPE_CHECKING:
    from ._evidence import Evidence

__all__ = ["Diagnosis", "diagnose"]


class Diagnosis(NamedTuple):
    """What answers (one of ``_kind.KINDS``), and everything that was found out about it."""

    kind: str
    findings: list[Finding]

    @property
    def worst(self) -> str:
        """``error``, ``warning`` or ``ok``."""
        levels = {finding.level for finding in self.findings}
        return "error" if "error" in levels else "warning" if "warning" in levels else "ok"


def diagnose(evidence: Evidence) -> Diagnosis:
    """The findings, in the order in which one would look."""
    kind = kind_of(evidence)
    if kind == "nothing":
        return Diagnosis(kind, _reach.silence(evidence))
    findings = [
        *_reach.identity(evidence, kind),
        *_reach.encryption(evidence),
        *_state.health(evidence),
        *_state.readiness(evidence),
        *_state.version(evidence),
        *_reach.clock(evidence),
        *_plane.app_plane(evidence, kind),
        *_plane.facets(evidence, kind),
        *_plane.authorization(evidence, kind),
        *_plane.wanted(evidence, kind),
        *_plane.streams(evidence, kind),
    ]
    if evidence.out_of_time:
        text = "the time was up before everything was looked at"
        findings.append(Finding("warning", "time", text, "give more with --timeout"))
    return Diagnosis(kind, findings)
