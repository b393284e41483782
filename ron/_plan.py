"""From a call's arguments to a ``Plan``: everything about a request that can be checked or computed before it is sent.

Nothing here may do I/O. Whatever is wrong with the arguments is a ``RonConfigError`` raised here.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union
from urllib.parse import quote, unquote

from ._suggest import shown
from ._values import UNSET, Unset
from .errors import RonConfigError, RonInputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "Plan",
    "checked_headers",
    "checked_key",
    "checked_timeout",
    "encode_json",
    "encode_path",
    "encode_query",
    "plain_plan",
]

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: RFC 9110 §9.2.2: repeating one of these has the same intended effect as sending it once.
IDEMPOTENT = SAFE | {"PUT", "DELETE"}
#: fields that make a node answer a write with 412 (RFC 9110 §13.1)
CONDITIONS = frozenset({b"if-match", b"if-none-match", b"if-unmodified-since"})
FORBIDDEN_HEADERS = frozenset("authorization host content-length transfer-encoding connection idempotency-key".split())
MAX_TIMEOUT = 86_400.0
MAX_QUERY_INT = 10**1000
#: encoded bytes; nodes and gateways take far less (RFC 9110 §4.1 asks for 8000), and httpx no more than 64 KiB in all
MAX_PATH = 16 * 1024
MAX_QUERY = 32 * 1024
_JSON_TYPE = (b"Content-Type", b"application/json")
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")
_FIELD_VALUE = re.compile(r"[\x20-\x7e\x80-\xff\t]{0,8000}")
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PATH_SAFE = "-._~!$&'()*+,;=:@"

Query = "Mapping[str, Any]"


class Plan(NamedTuple):
    """One request, decided in full but for what the client adds (base path, common headers, ids, deadline).

    ``path`` is percent-encoded, below the client's base path. ``timeout`` is in seconds, None for the client's.
    ``repeatable`` says whether it may be sent again after an attempt that may have reached the node (design §3).
    ``accept`` are statuses beyond 2xx that are answers, not errors.
    """

    method: str
    path: bytes
    query: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    key: Optional[str] = None
    repeatable: bool = True
    conditional: bool = False
    accept: frozenset[int] = frozenset()
    timeout: Optional[float] = None
    max_retries: Optional[int] = None

    @property
    def name(self) -> str:
        """Method and path, for messages and logs; never the query, which may hold personal data."""
        return f"{self.method} {self.path.decode('ascii')}"


def plain_plan(
    method: str,
    path: str,
    *,
    json: Any = UNSET,
    query: Optional[Mapping[str, Any]] = None,
    headers: Optional[Mapping[str, str]] = None,
    timeout: Optional[float] = None,
    key: Optional[str] = None,
    accept: frozenset[int] = frozenset(),
) -> Plan:
    """The plan of an untyped call, such as ``client.get("/app/hello")``.

    ``key`` is an idempotency key that is the caller's word for the service honouring it; with it any method may be
    repeated.
    """
    if method not in METHODS:
        raise RonConfigError(f"method must be one of {', '.join(METHODS)} (upper case), not {shown(method)}")
    fields = checked_headers(headers)
    conditional = method not in SAFE and any(name.lower() in CONDITIONS for name, _ in fields)
    # "*" matches whatever is there, so it does not keep a repeat from being carried out twice.
    guarded = header_value(fields, b"if-match") not in (None, "*")
    return Plan(
        method=method,
        path=encode_path(path),
        query=encode_query(query),
        headers=fields if json is UNSET else (_JSON_TYPE, *fields),
        body=b"" if json is UNSET else encode_json(json),
        key=key,
        repeatable=method in IDEMPOTENT or guarded or key is not None,
        conditional=conditional,
        accept=accept,
        timeout=checked_timeout(timeout),
    )


def encode_path(path: str) -> bytes:
    r"""A raw path, checked and percent-encoded.

    Gateways decode the path and paste it back into a URL (protocol.md, "Headers, limits, paths"), so nothing that
    changes meaning on the way is let through, encoded or not.

    Raises:
        RonConfigError: for a path without one leading ``/``, with an authority, ``?``, ``#``, ``\``, control
            characters, dot segments or escapes of these.
    """
    if not isinstance(path, str) or not path.startswith("/"):
        raise RonConfigError(f"a path begins with '/', such as '/app/hello', not {shown(path)}")
    if path.startswith("//"):
        raise RonConfigError(f"a path begins with one '/', not two: {shown(path)} would name another host")
    if "?" in path:
        raise RonConfigError("a path holds no '?': give the query as query={'name': 'value'}")
    if _BAD_ESCAPE.search(path):
        raise RonConfigError(f"a '%' in a path must begin an escape such as %20: {shown(path)}")
    encoded = b"/".join(_encode_segment(segment) for segment in path.split("/"))
    if len(encoded) > MAX_PATH:
        raise RonConfigError(f"a path holds at most {MAX_PATH} bytes once it is encoded, not {len(encoded)}")
    return encoded


def _encode_segment(segment: str) -> bytes:
    text = encoded = None
    try:
        text = unquote(segment, errors="strict")
        encoded = quote(text, safe=_PATH_SAFE).encode("ascii")
    except UnicodeError:
        pass  # it holds the path: raised outside, below, so that it is not chained
    if text is None or encoded is None:
        raise RonConfigError("a path must be valid UTF-8 text, also where it is percent-encoded")
    bad = re.search(r"[/\\?#%]", text)
    if bad or _CONTROL.search(text):
        what = repr(bad.group()) if bad else "a control character"
        raise RonConfigError(
            f"a path segment holds {what}, plain or percent-encoded: gateways would change its meaning"
        )
    if text in (".", ".."):
        raise RonConfigError(f"a path holds no '{text}' segments, plain or percent-encoded: write the path in full")
    return encoded


def encode_query(query: Optional[Mapping[str, Any]]) -> bytes:
    """A query string without ``?``; a list or tuple repeats its name; booleans are ``true``/``false``.

    Raises:
        RonInputError: for a value that is no str, int, finite float, bool or list of these, and beyond 32 KiB.
    """
    if not query:
        return b""
    if not hasattr(query, "items"):
        raise RonInputError(f"query must be a mapping of names to values, not {type(query).__name__}")
    pairs = []
    for name, value in query.items():
        for one in value if isinstance(value, (list, tuple)) else (value,):
            pairs.append(f"{_query_text(name, name)}={_query_text(name, one)}")
    encoded = "&".join(pairs).encode("ascii")
    if len(encoded) > MAX_QUERY:
        raise RonInputError(
            f"a query holds at most {MAX_QUERY} bytes once it is encoded, not {len(encoded)}: ask for less at once"
        )
    return encoded


def _query_text(name: Any, value: Any) -> str:
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, int) and abs(value) < MAX_QUERY_INT:
        value = int.__repr__(value)  # an IntEnum's own repr is no number
    elif isinstance(value, float) and math.isfinite(value):
        value = float.__repr__(value)
    elif not isinstance(value, str):
        raise RonInputError(
            f"query value {_named(name)} must be a str, an int of at most 1000 digits, a finite float, a bool or a "
            "list of "
            f"these, not {type(value).__name__}; leave it out instead of giving None"
        )
    try:
        return quote(value, safe="-._~")
    except UnicodeError:
        pass  # it holds the value: raised outside, below, so that it is not chained
    raise RonInputError(f"query value {_named(name)} holds a lone surrogate")


def _named(name: Any) -> str:
    return shown(name) if isinstance(name, str) else f"of a name that is {type(name).__name__}"


def checked_headers(headers: Optional[Mapping[str, str]]) -> tuple[tuple[bytes, bytes], ...]:
    """A caller's extra header fields (RFC 9110 §5.5), as bytes.

    Raises:
        RonConfigError: for those that are ``ron``'s own business and for names or values that no field can have. The
            value is never shown.
    """
    if not headers:
        return ()
    if not hasattr(headers, "items"):
        raise RonConfigError(f"headers must be a mapping of names to values, not {type(headers).__name__}")
    fields = []
    for name, value in headers.items():
        if not isinstance(name, str) or not _FIELD_NAME.fullmatch(name):
            raise RonConfigError(f"{shown(name)} is no header name")
        if name.lower() in FORBIDDEN_HEADERS:
            raise RonConfigError(_instead(name))
        if not isinstance(value, str) or not _FIELD_VALUE.fullmatch(value) or value != value.strip():
            raise RonConfigError(
                f"the value of header {name!r} must be a str of at most 8000 printable characters, without line "
                "ends or blanks around it"
            )
        fields.append((name.encode("ascii"), value.encode("latin-1")))
    return tuple(fields)


def _instead(name: str) -> str:
    advice = {
        "authorization": "give token=... or token_provider=... to the client",
        "idempotency-key": "give idempotency_key=... to the call",
    }
    return f"header {name!r} is set by the client itself: {advice.get(name.lower(), 'leave it out')}"


def checked_key(key: Union[str, bool, None], mint: Any) -> Optional[str]:
    """An idempotency key: 1–64 printable ASCII characters (protocol.md); True mints one; None stays None."""
    if key is None:
        return None
    if key is True:
        minted: str = mint()
        return minted
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise RonInputError(
            "idempotency_key must be 1 to 64 printable ASCII characters without blanks around them, or True to have "
            "one made"
        )
    return key


def checked_timeout(timeout: Optional[float], name: str = "timeout") -> Optional[float]:
    """A time limit in seconds, more than 0 and at most a day; None stays None."""
    if timeout is None:
        return None
    number = isinstance(timeout, (int, float)) and not isinstance(timeout, bool)
    if not number or not 0 < timeout <= MAX_TIMEOUT:
        raise RonConfigError(f"{name} is in seconds, more than 0 and at most 86400, not {shown(timeout)}")
    return float(timeout)


def encode_json(value: Any) -> bytes:
    """A JSON text (RFC 8259) in UTF-8.

    Raises:
        RonInputError: for what JSON cannot say: other types, NaN and infinities, lone surrogates, cycles.
    """
    import json as library  # the argument of the callers has the name

    try:
        return library.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except UnicodeError:
        message = "json= holds a lone surrogate, which UTF-8 cannot carry"
    except TypeError as error:
        message = f"json= holds a value that JSON has no form for: {error}; convert it first"
    except ValueError as error:
        message = f"json= cannot be written as JSON: {str(error).split(':')[0]}"
    except RecursionError:
        message = "json= is nested too deeply"
    raise RonInputError(message)


def header_value(fields: Sequence[tuple[bytes, bytes]], name: bytes) -> Optional[str]:
    """The last value of a (lower-case) field name among request fields."""
    for key, value in reversed(fields):
        if key.lower() == name:
            return value.decode("latin-1")
    return None


def given(**values: Any) -> dict[str, Any]:
    """Those keyword arguments that were given, that is: are not ``UNSET``."""
    return {name: value for name, value in values.items() if not isinstance(value, Unset)}
