"""What the environment and the node could do to send a token elsewhere, and that it isn't done."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ron import HttpxTransport, RonClient, RonClientSync, RonConfigError
from tests.secrets.canary import TOKEN
from tests.secrets.rig import COLOURS, ON_A_SOCKET, close, error_of, make_client, run
from tests.transport.raw_server import RawServer, Tls, answer, keep_alive

AUTHORIZATION = (b"authorization", b"Bearer " + TOKEN.encode())


@pytest.fixture
def trap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RawServer]:
    """A listener that every proxy variable names, and a netrc with a password for the node."""
    for name in ("netrc", ".netrc"):
        (tmp_path / name).write_text("machine 127.0.0.1 login thief password of-netrc\n")
        (tmp_path / name).chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    with RawServer(keep_alive()) as server:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            for variable in (name, name.upper()):
                monkeypatch.setenv(variable, f"http://127.0.0.1:{server.port}")
        for variable in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(variable, raising=False)
        yield server


def called(client: Any, times: int = 1) -> None:
    """Calls, and closes everything."""

    async def main() -> None:
        for _ in range(times):
            await client.get("/app/x")
        await close(client)

    if isinstance(client, RonClient):
        asyncio.run(main())
    else:
        for _ in range(times):
            client.get("/app/x")
        close(client)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("transport", ON_A_SOCKET)
@pytest.mark.parametrize("given", [True, False])
def test_no_proxy_and_no_netrc(trap: RawServer, transport: str, colour: str, given: bool) -> None:
    """A call goes straight to the node, with the client's own token or none, whatever the environment says."""
    with RawServer(keep_alive()) as node:
        called(make_client(transport, colour, node, token=TOKEN if given else None))
    (seen,) = node.seen
    assert [AUTHORIZATION] * given == [field for field in seen.fields() if field[0] == b"authorization"]
    assert (0, b"GET /app/x HTTP/1.1") == (trap.accepted, seen.line)


def test_the_trap_works(trap: RawServer) -> None:
    """A plain httpx client does go to the proxy that the environment names: the trap would have caught us."""
    with httpx.Client() as plain:
        plain.get("http://127.0.0.1:1/")
    assert 1 == trap.accepted


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("transport", ON_A_SOCKET)
def test_no_cookies(transport: str, colour: str) -> None:
    """What a node sets as a cookie is not sent back."""
    with RawServer(keep_alive(answer(b"{}", b"Set-Cookie: session=s3ss10n; Path=/"))) as node:
        called(make_client(transport, colour, node), times=2)
    assert [[], []] == [[field for field in seen.fields() if field[0] == b"cookie"] for seen in node.seen]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("transport", ON_A_SOCKET)
@pytest.mark.parametrize("status", [b"301 A", b"302 B", b"307 C", b"308 D"])
def test_no_redirect(transport: str, colour: str, status: bytes) -> None:
    """A redirect is an error: the host that it names hears nothing."""
    with RawServer(keep_alive()) as other:
        location = b"Location: http://127.0.0.1:%d/steal" % other.port
        with RawServer(keep_alive(answer(b"", location, status=status))) as node:
            client = make_client(transport, colour, node)
            text = refusal(client)
    assert f"GET /app/x: the node answered {status[:3].decode()}, a redirect; redirects are never followed" in text
    assert (0, 1) == (other.accepted, len(node.seen))


def refusal(client: Any) -> str:
    """The text of the error of a call; everything is closed then."""

    async def main() -> str:
        text = str(await error_of(client.get("/app/x")))
        await close(client)
        return text

    if isinstance(client, RonClient):
        return asyncio.run(main())
    with pytest.raises(Exception, match="redirect") as raised:
        client.get("/app/x")
    close(client)
    return str(raised.value)


@pytest.mark.parametrize("kind", [RonClient, RonClientSync])
def test_plain_http_is_refused(kind: Any) -> None:
    """Without the opt-in no client is made for a URL that would show the token to the network."""
    with pytest.raises(RonConfigError) as raised:
        kind("http://node.example:8080", token=TOKEN)
    assert (
        "http://node.example:8080 is not encrypted: use https://, or for local development say "
        "allow_insecure_http=True; where the URL comes from the environment, RON_SDK_ALLOW_INSECURE_HTTP=1 does as well"
    ) == str(raised.value)


def test_plain_http_of_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's own URL is no exception; its variable is."""
    monkeypatch.setenv("RON_APP_URL", "http://node.example")
    monkeypatch.setenv("RON_APP_TOKEN", TOKEN)
    with pytest.raises(RonConfigError, match="RON_SDK_ALLOW_INSECURE_HTTP=1 does as well"):
        RonClientSync()
    monkeypatch.setenv("RON_SDK_ALLOW_INSECURE_HTTP", "1")
    assert TOKEN == getattr(RonClientSync().config.token, "get_secret_value", str)()


def test_another_host_does_not_get_the_environments_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """`RON_APP_TOKEN` goes to the environment's URL only."""
    monkeypatch.setenv("RON_APP_URL", "https://node.example")
    monkeypatch.setenv("RON_APP_TOKEN", TOKEN)
    with RawServer(keep_alive()) as other:
        client = RonClientSync.from_env(base_url=f"http://127.0.0.1:{other.port}", allow_insecure_http=True)
        called(client)
    assert [] == [field for field in other.seen[0].fields() if field[0] == b"authorization"]


@pytest.mark.parametrize("colour", COLOURS)
def test_session_keys_are_written_where_the_process_owner_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, colour: str
) -> None:
    """`SSLKEYLOGFILE` is Python's own: it counts for contexts that are made from a CA bundle, and not for one's own."""
    tls, bundle, log = Tls(), tmp_path / "ca.pem", tmp_path / "keys"
    tls.authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    for verify, written in ((tls.client(), False), (str(bundle), True)):
        with RawServer(keep_alive(), tls) as node:
            called(make_client("lanes", colour, node, verify=verify))
        assert written == (log.exists() and log.stat().st_size > 0)


def test_a_users_own_httpx_client_is_the_users() -> None:
    """A client that was handed over keeps cookies in its own jar, and sends them with its own requests only."""
    with RawServer(keep_alive(answer(b"{}", b"Set-Cookie: session=s3ss10n; Path=/"))) as node, httpx.Client() as own:
        url = f"http://127.0.0.1:{node.port}"
        ours = RonClientSync(url, transport=HttpxTransport(own), token=TOKEN, allow_insecure_http=True)
        ours.get("/app/x")
        run(ours.get("/app/x"))
        own.get(url)
    cookies = [dict(seen.fields()).get(b"cookie") for seen in node.seen]
    assert [None, None, b"session=s3ss10n"] == cookies
    assert AUTHORIZATION not in node.seen[2].fields()
