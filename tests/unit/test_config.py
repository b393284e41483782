"""`ClientConfig` and how a client comes to its settings: defaults, environment, precedence, refusals."""

from __future__ import annotations

import logging
import pickle
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable

import pytest
from pydantic import SecretStr

from ron import ClientConfig, RonClient, RonClientSync
from ron._values import Credential
from ron.errors import RonConfigError
from tests.unit.rig import ScriptTransport, shown_by

CAP = "cap-hunter2/+="
URL = "https://node.example"
OTHER = "https://other.example"
AnyClient = Any


def refusal(make: Callable[[], Any]) -> str:
    """The text of the RonConfigError that this raises; a token is nowhere in it, not even in our frames."""
    with pytest.raises(RonConfigError) as raised:
        make()
    assert "hunter2" not in shown_by(raised.value)
    assert "letmein" not in str(raised.value)
    return str(raised.value)


def bearer(transport: ScriptTransport) -> list[Any]:
    """What each request carried as Authorization."""
    return [one.header()[1].decode() if one is not None else None for one in transport.credentials]


# --- The environment ------------------------------------------------------------------------------


def test_defaults_are_the_seeds() -> None:
    """Without any variable the settings are those that the seed's table gives."""
    config = ClientConfig.from_env({})
    assert "http://127.0.0.1:8080" == config.base_url
    assert (10_000, 3_000, 7_000, 5_000) == (
        config.overall_timeout_ms,
        config.connect_timeout_ms,
        config.read_timeout_ms,
        config.write_timeout_ms,
    )
    assert (False, 3, None, "Bearer", "/app", True, "default") == (
        config.allow_insecure_http,
        config.max_retries,
        config.token,
        config.auth_scheme,
        config.facet_prefix,
        config.verify,
        config.transport,
    )
    assert (100, 100, 16 * 1024 * 1024) == (config.max_concurrency, config.max_streams, config.max_response_bytes)


def test_every_variable_is_read() -> None:
    """Each variable of the seed, and the three more, sets its field."""
    config = ClientConfig.from_env(
        {
            "RON_APP_URL": URL,
            "RON_SDK_OVERALL_TIMEOUT_MS": "1",
            "RON_SDK_CONNECT_TIMEOUT_MS": "2",
            "RON_SDK_READ_TIMEOUT_MS": "3",
            "RON_SDK_WRITE_TIMEOUT_MS": " 4 ",
            "RON_SDK_MAX_RETRIES": "0",
            "RON_SDK_ALLOW_INSECURE_HTTP": "TRUE",
            "RON_SDK_TRANSPORT": "fast",
            "RON_APP_TOKEN": CAP,
        }
    )
    assert (URL, 1, 2, 3, 4, 0, True, "fast") == (
        config.base_url,
        config.overall_timeout_ms,
        config.connect_timeout_ms,
        config.read_timeout_ms,
        config.write_timeout_ms,
        config.max_retries,
        config.allow_insecure_http,
        config.transport,
    )
    assert SecretStr(CAP) == config.token


def test_the_gateway_address_wins() -> None:
    """RON_SDK_GATEWAY_ADDR beats RON_APP_URL, but an empty one counts as unset."""
    assert OTHER == ClientConfig.from_env({"RON_APP_URL": URL, "RON_SDK_GATEWAY_ADDR": OTHER}).base_url
    assert URL == ClientConfig.from_env({"RON_APP_URL": URL, "RON_SDK_GATEWAY_ADDR": ""}).base_url


def test_empty_variables_count_as_unset() -> None:
    """A variable set to nothing leaves the default."""
    names = [
        "RON_APP_URL",
        "RON_APP_TOKEN",
        "RON_SDK_MAX_RETRIES",
        "RON_SDK_TRANSPORT",
        "RON_SDK_ALLOW_INSECURE_HTTP",
        "RON_SDK_OVERALL_TIMEOUT_MS",
    ]
    assert ClientConfig() == ClientConfig.from_env(dict.fromkeys(names, ""))


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an argument `from_env` reads os.environ."""
    monkeypatch.setenv("RON_APP_URL", URL)
    assert URL == ClientConfig.from_env().base_url


@pytest.mark.parametrize(("text", "meant"), [("1", True), ("yes", True), (" On ", True), ("0", False), ("no", False)])
def test_ways_to_write_a_boolean(text: str, meant: bool) -> None:
    """1/0, true/false, yes/no and on/off are understood in any case."""
    assert meant is ClientConfig.from_env({"RON_SDK_ALLOW_INSECURE_HTTP": text}).allow_insecure_http


@pytest.mark.parametrize(
    ("env", "message"),
    [
        (
            {"RON_SDK_OVERALL_TIMEOUT_MS": "10s"},
            "RON_SDK_OVERALL_TIMEOUT_MS='10s' must be a whole number from 1 to 86400000",
        ),
        (
            {"RON_SDK_CONNECT_TIMEOUT_MS": "0"},
            "RON_SDK_CONNECT_TIMEOUT_MS='0' must be a whole number from 1 to 86400000",
        ),
        (
            {"RON_SDK_READ_TIMEOUT_MS": "-1"},
            "RON_SDK_READ_TIMEOUT_MS='-1' must be a whole number from 1 to 86400000",
        ),
        (
            {"RON_SDK_WRITE_TIMEOUT_MS": "86400001"},
            "RON_SDK_WRITE_TIMEOUT_MS='86400001' must be a whole number from 1 to 86400000",
        ),
        ({"RON_SDK_MAX_RETRIES": "21"}, "RON_SDK_MAX_RETRIES='21' must be a whole number from 0 to 20"),
        ({"RON_SDK_MAX_RETRIES": "1_0"}, "RON_SDK_MAX_RETRIES='1_0' must be a whole number from 0 to 20"),
        ({"RON_SDK_MAX_RETRIES": "３"}, "RON_SDK_MAX_RETRIES='３' must be a whole number from 0 to 20"),
        (
            {"RON_SDK_ALLOW_INSECURE_HTTP": "maybe"},
            "RON_SDK_ALLOW_INSECURE_HTTP='maybe' must be 1 or 0 (true/false, yes/no, on/off)",
        ),
        ({"RON_SDK_TRANSPORT": "quick"}, "RON_SDK_TRANSPORT='quick' must be 'default' or 'fast'"),
        (
            {"RON_APP_URL": "ftp://x"},
            "RON_APP_URL must begin with https:// (or http:// for local development), not 'ftp://x'",
        ),
        ({"RON_SDK_GATEWAY_ADDR": "127.0.0.1:5304"}, "RON_SDK_GATEWAY_ADDR must begin with https://"),
        ({"RON_APP_URL": "https://me:letmein@node"}, "RON_APP_URL holds user information before '@'"),
        ({"RON_APP_TOKEN": CAP + "\n"}, "RON_APP_TOKEN is no token: it is empty, or holds a blank, a line end"),
        ({"RON_APP_TOKEN": "hunter2 x"}, "(length 9); strip it where you read it"),
        ({"RON_APP_TOKEN": "hünter2"}, "a character outside printable ASCII"),
    ],
)
def test_a_bad_variable_is_named(env: Mapping[str, str], message: str) -> None:
    """A bad value is refused with the variable's name, its value (never a token's) and what is accepted."""
    said = refusal(lambda: ClientConfig.from_env({"RON_APP_URL": URL, **env}))
    assert message in said


def test_a_long_value_is_cut() -> None:
    """The message shows at most the beginning of a value."""
    assert len(refusal(lambda: ClientConfig.from_env({"RON_SDK_MAX_RETRIES": "9" * 10_000}))) < 150


# --- Fields -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"base_url": "ftp://x"}, "base_url must begin with https://"),
        ({"base_url": 5}, "base_url: "),
        ({"max_retries": -1}, "max_retries: Input should be greater than or equal to 0, not -1"),
        ({"max_retries": 21}, "max_retries: Input should be less than or equal to 20, not 21"),
        ({"max_retries": True}, "max_retries: Input should be a valid integer, not True"),
        ({"overall_timeout_ms": 0}, "overall_timeout_ms: Input should be greater than or equal to 1, not 0"),
        ({"overall_timeout_ms": "5000"}, "overall_timeout_ms: Input should be a valid integer, not '5000'"),
        ({"connect_timeout_ms": 0.5}, "connect_timeout_ms: Input should be a valid integer, not 0.5"),
        ({"read_timeout_ms": None}, "read_timeout_ms: Input should be a valid integer, not None"),
        ({"write_timeout_ms": 10**9}, "write_timeout_ms: Input should be less than or equal to 86400000"),
        ({"max_concurrency": 0}, "max_concurrency: Input should be greater than or equal to 1, not 0"),
        ({"max_streams": 10_001}, "max_streams: Input should be less than or equal to 10000, not 10001"),
        ({"max_response_bytes": 0}, "max_response_bytes: Input should be greater than or equal to 1, not 0"),
        ({"allow_insecure_http": "yes"}, "allow_insecure_http: Input should be a valid boolean, not 'yes'"),
        ({"auth_scheme": "Bearer "}, "auth_scheme: must be one word such as 'Bearer' or 'Macro', not 'Bearer '"),
        ({"auth_scheme": ""}, "auth_scheme: must be one word"),
        ({"facet_prefix": "app"}, "facet_prefix: must be a path such as '/app' or '/facets', without a trailing slash"),
        ({"facet_prefix": "/app/"}, "facet_prefix: must be a path"),
        ({"facet_prefix": "/app/.."}, "facet_prefix: must be a path"),
        ({"facet_prefix": "/a?x"}, "facet_prefix: must be a path"),
        (
            {"verify": False},
            "verify: cannot be switched off: give the path of your CA bundle (PEM), or an ssl.SSLContext",
        ),
        ({"verify": "/no/such.pem"}, "verify: names no file: give the path of a CA bundle (PEM), not '/no/such.pem'"),
        ({"verify": 1}, "verify: must be True, a path to a CA bundle (PEM) or an ssl.SSLContext, not 1"),
        ({"transport": "quick"}, "transport: must be 'default' or 'fast', not 'quick'"),
        ({"token": ""}, "token is no token: it is empty"),
        ({"token": b"letmein"}, "token must be a str or a SecretStr, not bytes"),
        ({"token": "hunter2\r\nX-Evil: 1"}, "token is no token"),
        ({"token": SecretStr("hunter2\x00")}, "token is no token"),
        (
            {"tokn": "letmein"},
            "ClientConfig has no field 'tokn' (did you mean 'token'?); its fields are allow_insecure_http,",
        ),
        ({"timeout": 5}, "ClientConfig has no field 'timeout'"),
    ],
)
def test_a_wrong_field_is_refused_with_what_is_accepted(fields: dict[str, Any], message: str) -> None:
    """Each wrong field gives one sentence with its name, the rule and the value, never the token."""
    assert message in refusal(lambda: ClientConfig(**fields))
    assert message in refusal(lambda: ClientConfig().with_overrides(**fields))


def test_verify_takes_a_path_or_a_context(tmp_path: Path) -> None:
    """A CA bundle may be given as str or Path; a context is kept as it is."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text("")
    context = ssl.create_default_context()
    assert str(bundle) == ClientConfig(verify=bundle).verify
    assert str(bundle) == ClientConfig(verify=str(bundle)).verify
    assert context is ClientConfig(verify=context).verify


def test_a_configuration_is_frozen() -> None:
    """A field cannot be assigned: `with_overrides` gives another configuration."""
    config: Any = ClientConfig(base_url=URL)
    with pytest.raises(ValueError, match="frozen"):
        config.max_retries = 0


def test_overrides_replace_fields_and_keep_the_rest() -> None:
    """`with_overrides` changes what it is given; the original stays as it was."""
    config = ClientConfig.from_env({"RON_APP_URL": URL, "RON_SDK_MAX_RETRIES": "7"})
    other = config.with_overrides(base_url=OTHER, overall_timeout_ms=5000)
    assert (OTHER, 5000, 7) == (other.base_url, other.overall_timeout_ms, other.max_retries)
    assert (URL, 10_000, 7) == (config.base_url, config.overall_timeout_ms, config.max_retries)


# --- The token ----------------------------------------------------------------------------------------


def test_a_configuration_shows_no_token() -> None:
    """No text, dump or pickle of a configuration holds the token."""
    config = ClientConfig(base_url=URL, token=CAP)
    shown = [repr(config), str(config), config.model_dump_json(), repr(config.model_dump())]
    assert [] == [text for text in shown if "hunter2" in text]
    assert b"letmein" not in pickle.dumps(config)


def test_a_pickled_configuration_comes_back_without_the_token() -> None:
    """Worker processes get the settings; the token has its own way there."""
    config = ClientConfig(base_url=URL, token=CAP, max_retries=1)
    assert config.with_overrides(token=None) == pickle.loads(pickle.dumps(config))


def test_the_environments_token_is_not_given_to_another_url(caplog: pytest.LogCaptureFixture) -> None:
    """`with_overrides(base_url=...)` drops RON_APP_TOKEN and says so in the log."""
    config = ClientConfig.from_env({"RON_APP_URL": URL, "RON_APP_TOKEN": CAP})
    with caplog.at_level(logging.WARNING, "ron"):
        other = config.with_overrides(base_url=OTHER)
    assert other.token is None
    assert ["RON_APP_TOKEN is not used: base_url was given explicitly; give token=... with it"] == caplog.messages
    assert other.with_overrides(base_url=URL).token is None


def test_the_environments_token_stays_with_its_url() -> None:
    """Other overrides keep the token, also one after the other."""
    config = ClientConfig.from_env({"RON_APP_URL": URL, "RON_APP_TOKEN": CAP})
    kept = config.with_overrides(max_retries=0).with_overrides(overall_timeout_ms=5)
    assert SecretStr(CAP) == kept.token
    assert kept.with_overrides(base_url=OTHER).token is None


def test_a_token_given_with_the_url_is_used() -> None:
    """A token that the caller gives with the new URL, or gave to the configuration, is the caller's word."""
    config = ClientConfig.from_env({"RON_APP_URL": URL, "RON_APP_TOKEN": "from-env"})
    both = config.with_overrides(base_url=OTHER, token=CAP)
    assert SecretStr(CAP) == both.token
    assert SecretStr(CAP) == both.with_overrides(base_url=URL).token
    assert SecretStr(CAP) == ClientConfig(base_url=URL, token=CAP).with_overrides(base_url=OTHER).token


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda t: RonClientSync(transport=t), f"Bearer {CAP}"),
        (lambda t: RonClientSync.from_env(transport=t), f"Bearer {CAP}"),
        (lambda t: RonClientSync(config=ClientConfig.from_env(), transport=t), f"Bearer {CAP}"),
        (lambda t: RonClientSync(OTHER, transport=t), None),
        (lambda t: RonClientSync(URL, transport=t), None),
        (lambda t: RonClientSync(base_url=OTHER, transport=t), None),
        (lambda t: RonClientSync.from_env(base_url=OTHER, transport=t), None),
        (lambda t: RonClientSync(OTHER, config=ClientConfig.from_env(), transport=t), None),
        (lambda t: RonClientSync(config=ClientConfig.from_env().with_overrides(base_url=OTHER), transport=t), None),
        (lambda t: RonClientSync(config=ClientConfig(base_url=OTHER), transport=t), None),
        (lambda t: RonClientSync.from_env(base_url=OTHER, token="mine", transport=t), "Bearer mine"),
        (lambda t: RonClientSync.from_env(token="mine", transport=t), "Bearer mine"),
        (lambda t: RonClientSync.from_env(auth_scheme="Macro", transport=t), f"Macro {CAP}"),
        (lambda t: RonClientSync.from_env(token_provider=lambda: "mine", transport=t), "Bearer mine"),
    ],
)
def test_which_token_a_client_sends(
    make: Callable[[ScriptTransport], RonClientSync], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RON_APP_TOKEN goes only to the URL of the environment, never to one that was given explicitly."""
    monkeypatch.setenv("RON_APP_URL", URL)
    monkeypatch.setenv("RON_APP_TOKEN", CAP)
    transport = ScriptTransport(needs_url=True)
    with make(transport) as client:
        client.get("/app/hello")
    assert [expected] == bearer(transport)


# --- What a client is made of -------------------------------------------------------------------------


def test_a_field_beats_the_configuration() -> None:
    """Single arguments of the client win over `config=`."""
    config = ClientConfig(base_url=URL, max_retries=1, overall_timeout_ms=5)
    client = RonClientSync(OTHER, config=config, max_retries=2, transport=ScriptTransport(needs_url=True))
    assert (OTHER, 2, 5) == (client.config.base_url, client.config.max_retries, client.config.overall_timeout_ms)


def test_the_environment_is_not_read_beside_explicit_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `config` or `base_url` given, and for an in-process transport, no variable matters, not even a bad one."""
    monkeypatch.setenv("RON_SDK_MAX_RETRIES", "nonsense")
    for client in (
        RonClientSync(URL, transport=ScriptTransport(needs_url=True)),
        RonClientSync(config=ClientConfig(base_url=URL), transport=ScriptTransport(needs_url=True)),
        RonClientSync(transport=ScriptTransport()),
    ):
        assert 3 == client.config.max_retries
    assert "RON_SDK_MAX_RETRIES" in refusal(lambda: RonClientSync(transport=ScriptTransport(needs_url=True)))


def test_the_transport_is_told_the_settings() -> None:
    """The endpoint has the URL's parts, seconds, and the bounds."""
    transport = ScriptTransport(needs_url=True)
    RonClient(
        "https://node.example:8443/base",
        transport=transport,
        connect_timeout_ms=1500,
        read_timeout_ms=2500,
        write_timeout_ms=3500,
        max_concurrency=4,
        max_streams=5,
        max_response_bytes=6,
    )
    [(colour, endpoint)] = transport.opened
    assert ("async", "https", "node.example", 8443) == (colour, endpoint.scheme, endpoint.host, endpoint.port)
    assert (1.5, 2.5, 3.5) == (endpoint.connect_timeout, endpoint.read_timeout, endpoint.write_timeout)
    assert (4, 5, 6, True) == (
        endpoint.max_concurrency,
        endpoint.max_streams,
        endpoint.max_response_bytes,
        endpoint.verify,
    )


def test_the_class_not_its_name_says_the_colour() -> None:
    """A subclass may have any name and still gets a channel of its colour."""

    class Shop(RonClientSync):
        """A sync client that doesn't say so."""

    class NotSync(RonClient):
        """An async client whose name lies."""

    sync, other = ScriptTransport(), ScriptTransport()
    Shop(transport=sync)
    NotSync(transport=other)
    assert ["sync", "async"] == [sync.opened[0][0], other.opened[0][0]]


@pytest.mark.parametrize("kind", [RonClient, RonClientSync])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"base_url": "http://node.example"},
            "http://node.example:80 is not encrypted: use https://, or for local development say allow_insecure_http",
        ),
        ({"base_url": "http://node.example"}, "RON_SDK_ALLOW_INSECURE_HTTP=1"),
        ({}, "http://127.0.0.1:8080 is not encrypted"),
        ({"base_url": "https://me:letmein@node.example"}, "holds user information"),
        ({"base_url": URL, "token": "hunter2\n"}, "token is no token"),
        ({"base_url": URL, "token": "hunter2", "token_provider": str}, "token and token_provider are both given"),
        ({"base_url": URL, "token_provider": "letmein"}, "token_provider must be callable"),
        ({"config": URL}, "config must be a ClientConfig, not str"),
        (
            {"base_url": URL, "transport": "quick"},
            "transport must be 'default', 'fast' or a transport object, not 'quick'",
        ),
        (
            {"base_url": URL, "transport": object()},
            "transport must be a ron transport, not object: wrap an httpx client",
        ),
        ({"base_url": URL, "max_retires": 3}, "has no field 'max_retires' (did you mean 'max_retries'?)"),
        ({"base_url": URL, "timeout": 3}, "has no field 'timeout'"),
    ],
)
def test_a_client_refuses_wrong_arguments_when_it_is_made(
    kind: AnyClient, arguments: dict[str, Any], message: str
) -> None:
    """Whatever is wrong is said at once, by both clients in the same words."""
    assert message in refusal(lambda: kind(**arguments))


def test_plain_http_with_the_opt_in() -> None:
    """`allow_insecure_http=True` is all that plain http needs; an in-process transport doesn't even need that."""
    transport = ScriptTransport(needs_url=True)
    RonClientSync("http://127.0.0.1:5304", transport=transport, allow_insecure_http=True)
    assert "http" == transport.opened[0][1].scheme
    assert "RonClientSync in-process" in repr(RonClientSync(transport=ScriptTransport()))


def test_a_client_shows_where_it_goes_and_nothing_secret() -> None:
    """The repr has the class, the URL and whether it is closed."""
    client = RonClientSync(URL, token=CAP, transport=ScriptTransport(needs_url=True))
    assert "<RonClientSync https://node.example:443>" == repr(client)
    client.close()
    assert "<RonClientSync https://node.example:443 closed>" == repr(client)


@pytest.mark.parametrize("kind", [RonClient, RonClientSync])
def test_a_client_does_not_pickle(kind: AnyClient) -> None:
    """Pickling a client says what to send to the other process instead."""
    with pytest.raises(TypeError, match=r"does not pickle: send its config .* with from_env\(\) or a token_provider"):
        pickle.dumps(kind(URL, token=CAP, transport=ScriptTransport(needs_url=True)))


def test_a_credential_does_not_pickle_and_shows_nothing() -> None:
    """What holds the token refuses to travel, and its repr hides it."""
    held = Credential("Bearer", SecretStr(CAP))
    assert "Credential(Bearer **********)" == repr(held)
    with pytest.raises(TypeError, match="a credential does not pickle"):
        pickle.dumps(held)
