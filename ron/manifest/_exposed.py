"""Secrets that lie open in a manifest, and how a message quotes a value that may be one. Nothing here may do I/O.

A manifest is a file that is committed, copied and read by everybody who runs a node; nothing in it is meant to be
secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Optional

from .._suggest import shown

__all__ = ["exposed", "leaves", "named", "quoted", "reason"]

_NAMED = re.compile(
    r"(?:^|[_.-])(?:access_?key|api_?key|auth_?key|authorization|bearer|capability|cookie|credentials?|macaroon"
    r"|pass(?:wd|phrase|word)|private_?key|pwd|secret|secret_?key|token)s?$"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_USERINFO = re.compile(r"(?:^|[a-zA-Z][a-zA-Z0-9+.-]*:)//[^\s/?#@]+@")
_SCHEME = re.compile(r"\b(?:bearer|macro|basic|token)\s+([A-Za-z0-9._~+/:=-]{8,})", re.IGNORECASE)
_KNOWN = re.compile(
    r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+"  # the header of a JWT, in Base64
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\b(?:cap|macaroon):[A-Za-z0-9._~+/=-]{12,}"
    r"|\b(?:gh[opsu]_|github_pat_|glpat-|xox[abps]-|sk-|sk_|AKIA)[A-Za-z0-9_-]{12,}"
)
#: long enough that it isn't a name; digests, which are lower-case hexadecimal, never mix the cases
_WORD = re.compile(r"[A-Za-z0-9_-]{1,40}")
_RUN = re.compile(r"[A-Za-z0-9_+=-]{24,}")


def exposed(content: Mapping[str, Any]) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Every value of a document that looks like a secret: its path of keys and positions, and why."""
    for at, value in leaves(content):
        name = next((part for part in reversed(at) if isinstance(part, str)), "")
        if _NAMED.search(_CAMEL.sub("_", name).lower()) and _holds_something(value):
            yield at, "is named like a secret"
        elif isinstance(value, str):
            host = at[-2:] == ("upstream", "host") and "@" in value
            why = "holds user information before '@'" if host else reason(value)
            if why:
                yield at, why


def leaves(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value of a document that holds no others, with its path of keys and positions."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from leaves(one, (*at, key))
    elif isinstance(value, (list, tuple)):
        for number, one in enumerate(value):
            yield from leaves(one, (*at, number))
    else:
        yield at, value


def quoted(value: object) -> str:
    """A value of the file for a message: short, and not at all if it looks like a secret."""
    return "[redacted]" if isinstance(value, str) and reason(value) else shown(value)


def named(key: str) -> str:
    """A key of the file as a place names it: as it stands, or quoted where it is no plain word."""
    return key if _WORD.fullmatch(key) and not reason(key) else quoted(key)


def reason(text: str) -> Optional[str]:
    """Why a text looks like a secret, None if it doesn't."""
    if _USERINFO.search(text):
        return "holds user information before '@'"
    if _KNOWN.search(text) or any(_tokenish(found) for found in _SCHEME.findall(text)):
        return "holds a token or key"
    if any(_random(run) for run in _RUN.findall(text)):
        return "looks like a token"
    return None


def _holds_something(value: Any) -> bool:
    return value != "" and not isinstance(value, bool)


def _tokenish(run: str) -> bool:
    """Whether what stands after ``Bearer`` is a token and no word."""
    return any(char.isdigit() for char in run) or ":" in run or _mixed(run)


def _random(run: str) -> bool:
    return _mixed(run) and sum(char.isdigit() for char in run) >= 3


def _mixed(run: str) -> bool:
    letters = run[1:]  # a capital first letter makes no token
    return any(char.isupper() for char in letters) and any(char.islower() for char in letters)
