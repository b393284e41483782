"""What a test has planned for the next requests, whatever they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Union

from tests.reference_node.problems import Refusal

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Canned:
    """A whole answer, byte by byte except for the framing; the connection stays open."""

    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True)
class Wire:
    """Bytes for the socket, after which it is closed; no bytes at all is a dropped connection."""

    data: bytes


@dataclass(frozen=True)
class Fail:
    """An error in the node's own dialect."""

    refusal: Refusal


@dataclass(frozen=True)
class Lose:
    """Do what is asked, then drop the connection without an answer."""


@dataclass(frozen=True)
class Hang:
    """Neither do what is asked nor answer, until the client leaves or the node is reset."""


Planned = Union[Canned, Wire, Fail, Lose, Hang]


def plan_answer(status: int, headers: Headers, body: bytes) -> Planned:
    """Return the plan for a raw answer.

    An HTTP server refuses to write an answer whose framing is wrong (a 204 with a body, a
    Content-Length that isn't the body's length, a chunked coding of the test's own), so those go to
    the socket as they are.
    """
    names = {name.lower() for name, _ in headers}
    lengths = [value for name, value in headers if name.lower() == "content-length"]
    bodiless = status < 200 or status in (204, 304)
    wrong_length = bool(lengths) and lengths != [str(len(body))]
    if (bodiless and body) or wrong_length or "transfer-encoding" in names or status < 200:
        return Wire(_serialise(status, headers, body))
    if not lengths and not bodiless:
        headers = (*headers, ("content-length", str(len(body))))
    return Canned(status, headers, body)


def _serialise(status: int, headers: Headers, body: bytes) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
