"""Base URLs: what is accepted, what is refused, and why. Nothing here may do I/O."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from ._redaction import LONGEST_SHOWN
from ._suggest import shown
from .errors import RonConfigError

__all__ = ["BaseURL", "parse_base_url"]

#: labels of at most 63 characters (RFC 1035 §2.3.4); underscores, which name services, are common inside clusters
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})*\.?")
#: ``pchar`` of RFC 3986 §3.3, but no escapes
_SEGMENT = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@-]+")


#: characters; a base URL is a host and a few segments, and the requests' own paths come on top
MAX_URL = 2000


class BaseURL(NamedTuple):
    """The parts of a base URL that a client needs; ``path`` has no trailing slash and is ``""`` for the root."""

    scheme: str
    host: str
    port: int
    path: str

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


def parse_base_url(url: str, *, source: str = "base_url") -> BaseURL:
    """Reads ``http(s)://host[:port][/path]`` (RFC 3986); the same text always gives the same parts.

    Raises:
        RonConfigError: naming ``source`` and the part that is wrong. Userinfo is refused without being shown.
    """
    parts = _split(url, source)
    if "@" in parts.netloc or ("@" in url and not parts.netloc):
        raise RonConfigError(
            f"{source} holds user information before '@': leave it out and give the capability as token=..."
        )
    if parts.scheme not in ("http", "https"):
        raise RonConfigError(f"{source} must begin with https:// (or http:// for local development){_not(url)}")
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        raise RonConfigError(
            f"{source} has a query or fragment: write only scheme, host, port and path, such as "
            f"{parts.scheme}://{parts.netloc}"
        )
    host = _host(parts, url, source)
    return BaseURL(parts.scheme, host, _port(parts, source), _path(parts.path, source))


def _split(url: str, source: str) -> SplitResult:
    if not isinstance(url, str) or not url:
        raise RonConfigError(f"{source} must be a URL such as 'https://node.example', not {shown(url)}")
    if len(url) > MAX_URL:
        raise RonConfigError(f"{source} holds at most {MAX_URL} characters, not {len(url)}")
    if any(ord(c) <= 0x20 or ord(c) >= 0x7F for c in url) or "\\" in url:
        raise RonConfigError(
            f"{source} holds a blank, a backslash, a control character or a character outside ASCII; "
            f"write international host names in their xn-- form{_not(url)}"
        )
    try:
        return urlsplit(url)
    except ValueError:
        pass
    raise RonConfigError(f"{source} is not a URL: check the host and the brackets around an IPv6 address{_not(url)}")


def _not(text: str) -> str:
    """``", not 'text'"``, unless there may be a secret in it: user information, a query, a token in the wrong place."""
    token = len(text) > LONGEST_SHOWN and not re.search(r"[.:/]", text)
    return "" if token or re.search(r"[@?#]", text) else f", not {shown(text)}"


def _host(parts: SplitResult, url: str, source: str) -> str:
    host = parts.hostname or ""
    if not host:
        raise RonConfigError(f"{source} names no host: write it as 'https://node.example', not {shown(url)}")
    if not (_is_ipv6(host) if "[" in parts.netloc else _HOST.fullmatch(host)):
        raise RonConfigError(f"{source} names a host that cannot be: {shown(host)}")
    return host


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6 and "%" not in host
    except ValueError:
        return False


def _port(parts: SplitResult, source: str) -> int:
    # urlsplit's own `port` took "+80" and "8_0" before Python 3.10, and its `hostname` drops what stands between two
    # colons or beside the brackets.
    bracketed = parts.netloc.startswith("[")
    rest = parts.netloc.partition("]")[2] if bracketed else parts.netloc
    beside, colon, text = rest.partition(":")
    if bracketed and beside:
        raise RonConfigError(f"{source} has something beside the brackets of an IPv6 address{_not(parts.netloc)}")
    if not colon:
        return 443 if parts.scheme == "https" else 80
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise RonConfigError(f"{source} has a bad port: it must be a number from 1 to 65535{_not(parts.netloc)}")
    return int(text)


def _path(path: str, source: str) -> str:
    trimmed = path.rstrip("/")
    segments = trimmed.split("/")[1:]
    if any(segment in (".", "..") or not _SEGMENT.fullmatch(segment) for segment in segments):
        raise RonConfigError(
            f"{source} has a path with an empty, '.', '..' or percent-encoded segment, or a character that no path "
            f"has: {shown(path)}"
        )
    return trimmed
