"""What travels to other processes, and what refuses to."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from typing import Any

import pytest
from pydantic import SecretStr

from ron import ClientConfig, RonClient, RonClientSync, RonConfigError
from ron._tokens import TokenSource
from ron._values import Credential
from tests.secrets import worker
from tests.secrets.canary import TOKEN, holds, leaks
from tests.secrets.kinds import Item
from tests.transport.raw_server import RawServer, answer, keep_alive
from tests.unit.rig import ScriptTransport

URL = "https://node.example"
CONFIG = ClientConfig(base_url=URL, token=TOKEN, max_retries=1)
LEFT_OUT = (
    "this configuration had a token, which pickles and deep copies leave out: give token=... or token_provider=... "
    "with it, such as token=os.environ['RON_APP_TOKEN'], or to go without one make the client with "
    "config.with_overrides(token=None)"
)


def client(kind: Any) -> Any:
    """A client that has a token and nothing open."""
    return kind(URL, token=TOKEN, transport=ScriptTransport())


PICKLE = (
    "does not pickle: send its config (which pickles without the token) and build a new client in the other process"
)
COPY = "does not deep-copy: share it, or make another with with_options() or from its config"
#: what refuses, and what its messages begin with
REFUSING: dict[str, tuple[Any, str, str]] = {
    "client": (client(RonClient), f"a RonClient {PICKLE}", f"a RonClient {COPY}"),
    "sync client": (client(RonClientSync), f"a RonClientSync {PICKLE}", f"a RonClientSync {COPY}"),
    "copy": (client(RonClient).with_options(timeout=1), f"a RonClient {PICKLE}", f"a RonClient {COPY}"),
    "facet": (client(RonClient).facet("shop"), f"a RonClient {PICKLE}", f"a RonClient {COPY}"),
    "sync facet": (client(RonClientSync).facet("shop"), f"a RonClientSync {PICKLE}", f"a RonClientSync {COPY}"),
    "manager": (client(RonClient).objects(Item), f"a RonClient {PICKLE}", f"a RonClient {COPY}"),
    "sync manager": (client(RonClientSync).objects(Item), f"a RonClientSync {PICKLE}", f"a RonClientSync {COPY}"),
    "credential": (
        Credential("Bearer", SecretStr(TOKEN)),
        "a credential does not pickle: build the client anew in the other process, with RonClient.from_env() or a tok",
        "a credential does not deep-copy: share the client that it belongs to",
    ),
    "source": (
        TokenSource(client(RonClient)._session.authority, "Bearer", lambda: TOKEN),
        "a token source does not pickle: build the client anew in the other process, with RonClient.from_env() or a t",
        "a token source does not deep-copy: share the client that it belongs to",
    ),
}


@pytest.mark.parametrize("name", REFUSING)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_does_not_pickle(name: str, protocol: int) -> None:
    """What holds a token refuses to pickle and says what to do instead."""
    refusing, text, _ = REFUSING[name]
    with pytest.raises(TypeError) as raised:
        pickle.dumps(refusing, protocol)
    assert str(raised.value).startswith(text)


@pytest.mark.parametrize("name", REFUSING)
def test_what_does_not_copy(name: str) -> None:
    """A deep copy would double the token and the connections: it is refused as well."""
    refusing, _, text = REFUSING[name]
    with pytest.raises(TypeError) as raised:
        copy.deepcopy(refusing)
    assert str(raised.value) == text


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_configuration_travels_without_its_token(protocol: int) -> None:
    """A pickled configuration brings everything but the token."""
    data = pickle.dumps(CONFIG, protocol)
    arrived = pickle.loads(data)
    assert not holds(data.decode("latin-1"))
    assert (None, CONFIG.with_overrides(token=None)) == (arrived.token, arrived)
    assert [] == leaks(arrived)


def test_a_deep_copy_has_no_token() -> None:
    """A deep copy, such as that of settings around it, has everything but the token; other copies keep it."""
    copied = copy.deepcopy({"node": CONFIG})["node"]
    assert (None, URL) == (copied.token, copied.base_url)
    assert CONFIG == copy.copy(CONFIG) == CONFIG.model_copy()
    assert hash(CONFIG) == hash(copy.copy(CONFIG))


@pytest.mark.parametrize("kind", [RonClient, RonClientSync])
@pytest.mark.parametrize("travel", [copy.deepcopy, lambda config: pickle.loads(pickle.dumps(config))])
def test_a_token_that_was_left_behind_is_asked_for(kind: Any, travel: Any) -> None:
    """A client made from what arrived says that its token is missing, also after a second journey, and takes one."""
    arrived = travel(travel(CONFIG)).with_overrides(max_retries=2)
    with pytest.raises(RonConfigError) as raised:
        kind(config=arrived, transport=ScriptTransport())
    assert LEFT_OUT == str(raised.value)
    assert CONFIG.token == kind(config=arrived, token=TOKEN, transport=ScriptTransport()).config.token
    assert kind(config=arrived, token_provider=lambda: TOKEN, transport=ScriptTransport())
    assert kind(config=arrived.with_overrides(token=None), transport=ScriptTransport()).config.token is None


def test_a_configuration_that_had_none_asks_for_none() -> None:
    """Without a token there is nothing to be left out."""
    arrived = pickle.loads(pickle.dumps(ClientConfig(base_url=URL)))
    assert RonClientSync(config=arrived, transport=ScriptTransport()).config == arrived


def test_worker_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spawned workers rebuild a client from a configuration, with a token of their own, or are told what is missing."""
    monkeypatch.setenv("CANARY_TOKEN", TOKEN)
    with RawServer(keep_alive(answer(b'"hello"'))) as server:
        config = ClientConfig(base_url=f"http://127.0.0.1:{server.port}", allow_insecure_http=True, token=TOKEN)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            found = pool.starmap(worker.call, [(config, way) for way in ("environment", "provider", "none")])
            pool.close()
            pool.join()
        sent = [dict(seen.fields())[b"authorization"] for seen in server.seen]
    assert ["hello", "hello", LEFT_OUT] == found
    assert [b"Bearer " + TOKEN.encode()] * 2 == sent
