"""A secret in the wrong place: misspelt, in a URL, in a header. The error says what to write and leads to no secret."""

from __future__ import annotations

from typing import Any, Callable, Optional

import pytest

from ron import ClientConfig, RonClient, RonClientSync, RonConfigError
from tests.secrets.canary import TOKEN, leaks, leaks_of_error
from tests.secrets.rig import error_of, run
from tests.unit.rig import ScriptTransport

URL = "https://node.example"
ENV = {"RON_APP_URL": URL, "RON_APP_TOKEN": TOKEN}
CONFIG = ClientConfig(base_url=URL)
KINDS: list[Any] = [RonClient, RonClientSync, RonClient.from_env, RonClientSync.from_env, ClientConfig]
KINDS.append(CONFIG.with_overrides)


def refused(act: Callable[[], Any]) -> RonConfigError:
    """The error of a call that is refused."""
    try:
        act()
    except RonConfigError as error:
        return error
    raise AssertionError("nothing was refused")


MISPLACED: dict[str, tuple[dict[str, Any], str]] = {
    "tokn": (
        {"tokn": TOKEN},
        "ClientConfig has no field 'tokn' (did you mean 'token'?); its fields are allow_insecure",
    ),
    "api_key": ({"api_key": TOKEN}, "ClientConfig has no field 'api_key'; its fields are allow_insecure_http, auth_"),
    "headers": ({"headers": {"Authorization": TOKEN}}, "ClientConfig has no field 'headers'"),
    "line end": (
        {"token": TOKEN + "\n"},
        "token is no token: it is empty, or holds a blank, a line end or a character",
    ),
    "blank": ({"token": "Bearer " + TOKEN}, "token is no token: it is empty, or holds a blank"),
    "bytes": ({"token": TOKEN.encode()}, "token must be a str or a SecretStr, not bytes"),
    "scheme": ({"auth_scheme": f"Bearer {TOKEN}"}, "auth_scheme: must be one word such as 'Bearer' or 'Macro'"),
    "user": (
        {"base_url": f"https://me:{TOKEN[:3]}x@node.example"},
        "base_url holds user information before '@': leave",
    ),
    "token user": ({"base_url": "https://aRb3Nw8Xk5Cj0Ty6Wo@node.example"}, "base_url holds user information before"),
    "query": (
        {"base_url": "https://node.example/?t=aRb3Nw8Xk5Cj0Ty6Wo"},
        "base_url has a query or fragment: write onl",
    ),
    "fragment": ({"base_url": f"https://node.example#{TOKEN}"}, "base_url holds a blank, a backslash"),
    "url": ({"base_url": "aRb3Nw8Xk5Cj0Ty6Wo"}, "base_url must begin with https:// (or http:// for local development)"),
}


@pytest.mark.parametrize("case", MISPLACED)
@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__qualname__)
def test_arguments(make: Callable[..., Any], case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients and configurations refuse a secret in the wrong place, say where it belongs, and forget it."""
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    fields, text = MISPLACED[case]
    error = refused(lambda: make(**fields))
    assert str(error).startswith(text)
    assert [] == leaks_of_error(error)


@pytest.mark.parametrize("kind", [RonClient, RonClientSync])
@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"base_url": URL, "token_provider": TOKEN},
            "token_provider must be callable: a function that returns the token",
        ),
        ({"base_url": URL, "token": TOKEN, "token_provider": str}, "token and token_provider are both given: give one"),
        ({"base_url": URL, "config": TOKEN}, "config must be a ClientConfig, not str"),
        ({"base_url": "http://node.example", "token": TOKEN}, "http://node.example:80 is not encrypted: use https://"),
        ({"base_url": URL, "transport": "quick", "token": TOKEN}, "transport must be 'default', 'fast' or a tr"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value[:20],
)
def test_arguments_of_clients(kind: Any, fields: dict[str, Any], text: str) -> None:
    """What only clients take is refused in the same way."""
    error = refused(lambda: kind(**fields))
    assert str(error).startswith(text)
    assert [] == leaks_of_error(error)


@pytest.mark.parametrize(
    ("env", "text"),
    [
        ({"RON_APP_TOKEN": TOKEN + "\n"}, "RON_APP_TOKEN is no token: it is empty, or holds a blank, a line end"),
        ({"RON_APP_URL": "https://aRb3Nw8Xk5Cj0Ty6Wo@node.example"}, "RON_APP_URL holds user information before '@'"),
        ({"RON_APP_URL": "https://node.example?t=aRb3Nw8Xk5Cj0Ty6Wo"}, "RON_APP_URL has a query or fragment: write on"),
        ({"RON_SDK_MAX_RETRIES": "many"}, "RON_SDK_MAX_RETRIES='many' must be a whole number from 0 to 20"),
    ],
)
def test_environment(env: dict[str, str], text: str) -> None:
    """A bad variable is named, and neither it nor the token beside it can be reached from the error."""
    error = refused(lambda: ClientConfig.from_env({**ENV, **env}))
    assert str(error).startswith(text)
    assert [] == leaks_of_error(error)


CALLS: dict[str, tuple[dict[str, Any], str]] = {
    "authorization": (
        {"headers": {"Authorization": f"Bearer {TOKEN}"}},
        "header 'Authorization' is set by the client itself: give token=... or token_provider=... to the client",
    ),
    "line end": (
        {"headers": {"X-Key": TOKEN + "\n"}},
        "the value of header 'X-Key' must be a str of at most 8000 print",
    ),
}


@pytest.mark.parametrize("case", CALLS)
@pytest.mark.parametrize("kind", [RonClient, RonClientSync])
def test_headers(kind: Any, case: str) -> None:
    """A token in `headers=` is refused; the error knows nothing of it but what the caller's own mapping holds."""
    arguments, text = CALLS[case]
    client = kind(URL, transport=ScriptTransport())
    error: Optional[BaseException] = None
    try:
        result = client.get("/app/x", **arguments)
    except RonConfigError as caught:
        error = caught
    else:
        error = run(error_of(result))
    assert error is not None
    assert str(error).startswith(text)
    assert [] == leaks(error, str(error), vars(error), but=[arguments["headers"]])
