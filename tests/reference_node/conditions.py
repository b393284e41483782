"""Conditional requests (RFC 9110, 13.1): entity tags against If-Match and If-None-Match."""

from __future__ import annotations

import hashlib
import re
from typing import Optional

_TAG = re.compile(r'(W/)?"[^"]*"')


def tag_of(body: bytes) -> str:
    """Return a strong entity tag for these bytes."""
    return f'"{hashlib.sha256(body).hexdigest()[:24]}"'


def none_match_holds(header: Optional[str], etag: str) -> bool:
    """Whether `If-None-Match` lets the answer through; tags are compared weakly (13.1.2)."""
    if header is None:
        return True
    tags = {match.group().replace("W/", "", 1) for match in _TAG.finditer(header)}
    return header.strip() != "*" and etag not in tags


def match_holds(header: Optional[str], etag: str) -> bool:
    """Whether `If-Match` lets the write through; weak tags never match (13.1.1)."""
    if header is None or header.strip() == "*":
        return True
    return etag in {match.group() for match in _TAG.finditer(header)}
