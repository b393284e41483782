"""The canary itself: what it finds, and where it stops. A walk that finds nothing would prove nothing."""

from __future__ import annotations

import base64
import io
import json
from collections import deque
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from tests.secrets.canary import TOKEN, WINDOW, holds, leaks, leaks_of_error, walk


class Slotted:
    """A value in a slot, which `vars` doesn't know."""

    __slots__ = ("hidden",)

    def __init__(self, hidden: object) -> None:
        self.hidden = hidden


def closing_over(secret: object) -> Any:
    """A function that knows a secret."""
    return lambda: secret


def waiting_with(secret: str) -> Any:
    """A generator that is suspended with a secret in a variable; its code is not a test's."""
    namespace: dict[str, Any] = {}
    exec(compile("def wait(secret):\n    yield len(secret)\n", "library.py", "exec"), namespace)
    waiting = namespace["wait"](secret)
    next(waiting)
    return waiting


def failed_with(secret: str, *, chained: bool = False) -> BaseException:
    """An error whose traceback leads through a library's frame that knows the secret."""
    namespace: dict[str, Any] = {}
    exec(compile("def fail(secret):\n    raise ValueError('no')\n", "library.py", "exec"), namespace)
    error: BaseException = KeyError("inner")
    try:
        namespace["fail"](secret)
    except ValueError as caught:
        error = caught
    if not chained:
        return error
    outer = KeyError("outer")
    outer.__context__ = error
    return outer


def noted(secret: str) -> BaseException:
    """What `add_note` does from Python 3.11 on."""
    error = ValueError("no")
    error.__dict__["__notes__"] = [secret]
    return error


PLANTED: dict[str, Any] = {
    "str": TOKEN,
    "window": f"…{TOKEN[20 : 20 + WINDOW]}…",
    "bytes": [(b"authorization", b"Bearer " + TOKEN.encode())],
    "bytearray": {"buffer": bytearray(TOKEN.encode())},
    "memoryview": deque([memoryview(b"xx" + TOKEN.encode())[2:]]),
    "stream": io.BytesIO(TOKEN.encode()),
    "base64": base64.b64encode(b"user:" + TOKEN.encode()).decode(),
    "url-base64": base64.urlsafe_b64encode(b"us:" + TOKEN.encode()),
    "percent": "https://node.example/?t=" + quote(TOKEN, safe=""),
    "json": json.dumps({"t": TOKEN}),
    "html-safe-json": json.dumps(TOKEN).replace("/", "\\/"),
    "slot": Slotted({1: TOKEN}),
    "key": {TOKEN: 1},
    "set": frozenset({("a", TOKEN)}),
    "closure": closing_over([TOKEN]),
    "partial": partial(print, end=TOKEN),
    "method": Slotted(TOKEN).__repr__,
    "generator": waiting_with(TOKEN),
    "frame": failed_with(TOKEN),
    "context": failed_with(TOKEN, chained=True),
    "note": noted(TOKEN),
}


@pytest.mark.parametrize("place", PLANTED)
def test_it_finds_a_token(place: str) -> None:
    """A token is found wherever it can be reached, in each of the forms that count."""
    assert [] != leaks(PLANTED[place])


@pytest.mark.parametrize("place", ["frame", "context", "note"])
def test_it_finds_a_token_behind_an_error(place: str) -> None:
    """An error leads to what its frames, its chain and its notes hold."""
    assert [] != leaks_of_error(PLANTED[place])


def test_it_stops_at_a_secret() -> None:
    """The token in a SecretStr is where it belongs; a run that is too short is no token; nor is another one."""
    clean: Any = [SecretStr(TOKEN), TOKEN[: WINDOW - 1], TOKEN[::-1], {"n": 1}, Slotted(None)]
    assert [] == leaks(clean)


def test_it_leaves_the_tests_alone() -> None:
    """The frames of the tests, which hold the token on purpose, are passed by; what stands behind them is not."""
    secret = TOKEN
    with pytest.raises(ValueError, match="no") as raised:
        raise ValueError("no")
    assert secret
    assert [] == leaks_of_error(raised.value)


def test_every_window_counts() -> None:
    """Twelve characters of the token are found, whichever they are; eleven are not."""
    assert all(holds(TOKEN[at : at + WINDOW]) for at in range(len(TOKEN) - WINDOW + 1))
    assert not any(holds(TOKEN[at : at + WINDOW - 1]) for at in range(len(TOKEN)))
    assert 2 < walk([1, ["a"]]).objects
