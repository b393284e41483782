"""Any transport in either colour, behind one sync face: a caller opens clients and makes calls on them."""

from __future__ import annotations

import asyncio
import inspect
import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Optional

from ron import ClientConfig, RonClient, RonClientSync
from ron._clock import Clock
from ron.errors import RonError
from ron.testing import FakeClock
from ron.transport import Endpoint
from tests.transport.conformance.adapters import Adapter
from tests.transport.raw_server import PATIENCE

__all__ = ["TOKEN", "Caller", "Session"]

TOKEN = "t0ken-canary"


class _Kept:
    """A transport that keeps hold of the channel it opens, to look at its books."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.capabilities = inner.capabilities
        self.needs_url = inner.needs_url
        self.channel: Any = None

    def open_async(self, endpoint: Endpoint) -> Any:
        self.channel = self._inner.open_async(endpoint)
        return self.channel

    def open_sync(self, endpoint: Endpoint) -> Any:
        self.channel = self._inner.open_sync(endpoint)
        return self.channel


class Session:
    """One open client of a caller."""

    def __init__(self, caller: Caller, client: Any, transport: _Kept) -> None:
        self.client = client
        self.is_sync = caller.is_sync
        self._caller = caller
        self._transport = transport

    def end_of(self, make: Any, *arguments: Any) -> Any:
        """What a call gives, or the ``RonError`` that it raises; anything else is raised here."""
        return self._caller.run(make, *arguments)

    def books(self) -> tuple[int, int, int]:
        """Busy and idle lanes, and calls that wait for one; of another transport, nothing is known."""
        if not hasattr(self._transport.channel, "stats"):
            return (0, 0, 0)
        stats = self._transport.channel.stats()
        return (stats.busy, stats.idle, stats.waiting)


class Caller:
    """One adapter in one colour. Async calls run one after the other in a loop of the caller's own."""

    def __init__(self, adapter: Adapter, colour: str, trust: Optional[ssl.SSLContext] = None) -> None:
        self.capabilities = adapter.capabilities(colour)
        self.name = adapter.name
        self.gaps = adapter.gaps
        self.trust = trust
        self._adapter = adapter
        self.is_sync = colour == "sync"
        self._colour = colour
        self._loop = asyncio.new_event_loop() if colour == "async" else None

    def config(self, port: int, **fields: Any) -> ClientConfig:
        """The settings of its clients; making them anew for each of thousands would take longer than the calls."""
        settings: dict[str, Any] = {"token": TOKEN, "overall_timeout_ms": int(PATIENCE * 1000), **fields}
        if self.trust is None:
            return ClientConfig(base_url=f"http://127.0.0.1:{port}", allow_insecure_http=True, **settings)
        if "ssl context" not in self.gaps:
            settings["verify"] = self.trust
        return ClientConfig(base_url=f"https://127.0.0.1:{port}", **settings)

    @contextmanager
    def open(self, config: ClientConfig, clock: Optional[Clock] = None) -> Iterator[Session]:
        """A fresh client, by default with a clock on which waiting takes no time; closed in the end."""
        if self.trust is not None and "ssl context" in self.gaps:
            with _trusted_by_environment(self.trust), self._opened(config, clock) as session:
                yield session
        else:
            with self._opened(config, clock) as session:
                yield session

    @contextmanager
    def _opened(self, config: ClientConfig, clock: Optional[Clock]) -> Iterator[Session]:
        foreign = self._adapter.make(self._colour, self)
        transport = _Kept(self._adapter.transport(foreign))
        made = RonClientSync if self._loop is None else RonClient
        client: Any = made(config=config, transport=transport, clock=clock or FakeClock())
        try:
            yield Session(self, client, transport)
        finally:
            for each in (client, foreign):
                closing = getattr(each, "close" if self._loop is None else "aclose", None)
                if closing is not None:
                    self.run(closing)

    def run(self, make: Any, *arguments: Any) -> Any:
        """What a call gives in the end, or the ``RonError`` that it raises."""
        if self._loop is not None:
            return self._loop.run_until_complete(_end_of(make, *arguments))
        try:
            return make(*arguments)
        except RonError as error:
            return error

    def close(self) -> None:
        """Closes the loop; asserts that no task is left on it."""
        if self._loop is not None:
            self._loop.run_until_complete(_turns())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            left = asyncio.all_tasks(self._loop)
            self._loop.close()
            assert set() == left, "tasks are left behind"


@contextmanager
def _trusted_by_environment(trust: ssl.SSLContext) -> Iterator[None]:
    """Names what the context trusts in ``SSL_CERT_FILE``, and puts back what that and ``SSL_CERT_DIR`` said."""
    before = {name: os.environ.pop(name, None) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")}
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as bundle:
        bundle.writelines(ssl.DER_cert_to_PEM_cert(each) for each in trust.get_ca_certs(binary_form=True))
        bundle.flush()
        os.environ["SSL_CERT_FILE"] = bundle.name
        try:
            yield
        finally:
            del os.environ["SSL_CERT_FILE"]
            os.environ.update({name: value for name, value in before.items() if value is not None})


async def _end_of(make: Any, *arguments: Any) -> Any:
    try:
        result = make(*arguments)
        return await result if inspect.isawaitable(result) else result
    except RonError as error:
        return error


async def _turns() -> None:
    """Lets the loop finalise what httpx nests: each async generator a turn or two after its outer."""
    for _ in range(50):
        await asyncio.sleep(0)
