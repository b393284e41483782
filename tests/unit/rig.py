"""What several unit tests share: flows played by hand, and a transport that follows a script."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import Any, Callable, Optional, TypeVar, Union

import pytest
from pydantic import SecretStr

import ron
from ron._effects import NeedToken, Now, Send
from ron._plan import Plan, plain_plan
from ron._session import Session
from ron._values import Credential, Exchange, Failure, Reply
from ron.errors import RonError
from ron.testing import FakeClock
from ron.transport import Capabilities, Endpoint

#: how the file names of our own code begin, wherever the checkout lies
OURS = str(Path(ron.__file__).parent) + os.sep

T = TypeVar("T")
E = TypeVar("E", bound=RonError)
Outcome = Union[Reply, Failure, RonError]

OK = Reply(200, ((b"Content-Type", b"application/json"),), b'{"ok":true}')


def reply(status: int, body: bytes = b"", **headers: str) -> Reply:
    """An answer; `retry_after="3"` is the field `retry-after: 3`."""
    fields = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Reply(status, fields, body)


def lost() -> Failure:
    """A failure after which nobody knows whether the request arrived."""
    return Failure("read", "node.example:443: the connection broke", sent=True)


def refused() -> Failure:
    """A failure before a byte was written."""
    return Failure("connect", "node.example:443: the connection could not be made", sent=False)


def late(*, sent: bool) -> Failure:
    """A timeout, before or after the request may have left."""
    return Failure("timeout", "node.example:443: no answer came in time", sent=sent, timed_out=True)


def credential(token: str = "cap-1") -> Credential:
    """A bearer token."""
    return Credential("Bearer", SecretStr(token))


def make_session(clock: FakeClock, *, max_retries: int = 3, timeout: float = 10.0) -> Session:
    """A session of a client at the root of a node."""
    return Session(
        base_path="",
        facet_prefix="/app",
        timeout=timeout,
        max_retries=max_retries,
        random=clock.random,
        new_id=clock.token_hex,
    )


def plan(method: str = "GET", path: str = "/app/items", **arguments: Any) -> Plan:
    """The plan of an untyped call."""
    return plain_plan(method, path, **arguments)


class Player:
    """Runs a flow with `next`, `send` and `throw`: the outcomes are given, the clock is fake."""

    def __init__(
        self,
        *outcomes: Outcome,
        clock: Optional[FakeClock] = None,
        took: float = 0.0,
        tokens: Iterable[Union[Credential, RonError]] = (),
    ) -> None:
        self.outcomes = list(outcomes)
        self.clock = FakeClock(jitter=0.0) if clock is None else clock
        self.took = took
        self.tokens = list(tokens)
        self.sends: list[Send] = []
        self.sent_at: list[float] = []
        self.asked: list[NeedToken] = []

    def run(self, flow: Generator[Any, Any, T]) -> T:
        """The flow's result; raises what it raises."""
        effect = next(flow)
        while True:
            answer = self._answer(effect)
            try:
                thrown = isinstance(answer, (Failure, RonError))
                effect = flow.throw(answer) if thrown else flow.send(answer)
            except StopIteration as stop:
                result: T = stop.value
                return result

    def fail(self, flow: Generator[Any, Any, Any], kind: type[E]) -> E:
        """The error, exactly of that class, that the flow ends with; chained to nothing."""
        with pytest.raises(kind) as raised:
            self.run(flow)
        error = raised.value
        assert kind is type(error)
        assert (None, None) == (error.__cause__, error.__context__)
        return error

    @property
    def waits(self) -> list[float]:
        """The seconds that were waited before each attempt."""
        return [send.wait for send in self.sends]

    def _answer(self, effect: Any) -> Any:
        if isinstance(effect, Now):
            return self.clock.time() if effect.wall else self.clock.monotonic()
        if isinstance(effect, NeedToken):
            self.asked.append(effect)
            return self.tokens.pop(0)
        assert isinstance(effect, Send)
        self.clock.sleep(effect.wait)
        self.sends.append(effect)
        self.sent_at.append(self.clock.monotonic())
        self.clock.advance(self.took)
        return self.outcomes.pop(0)


class ScriptTransport:
    """A transport, for both colours, that gives the outcomes in order, and the last one for ever."""

    capabilities = Capabilities(deadline=True, not_sent=True, surplus_check=True, stream_close=True, tls_info=False)

    def __init__(self, *outcomes: Union[Outcome, Callable[[Exchange], Outcome]], needs_url: bool = False) -> None:
        self.needs_url = needs_url
        self.outcomes = outcomes or (OK,)
        self.exchanges: list[Exchange] = []
        self.credentials: list[Optional[Credential]] = []
        self.opened: list[tuple[str, Endpoint]] = []
        self.closed = 0

    def open_async(self, endpoint: Endpoint) -> _ScriptAsync:
        self.opened.append(("async", endpoint))
        return _ScriptAsync(self)

    def open_sync(self, endpoint: Endpoint) -> _ScriptSync:
        self.opened.append(("sync", endpoint))
        return _ScriptSync(self)

    @property
    def headers(self) -> list[dict[str, str]]:
        """The header fields of each request."""
        return [{k.decode(): v.decode("latin-1") for k, v in one.headers} for one in self.exchanges]

    def take(self, exchange: Exchange, credential: Optional[Credential]) -> Reply:
        """The next outcome."""
        outcome = self.outcomes[min(len(self.exchanges), len(self.outcomes) - 1)]
        self.exchanges.append(exchange)
        self.credentials.append(credential)
        if callable(outcome):
            outcome = outcome(exchange)
        if isinstance(outcome, Reply):
            return outcome
        raise outcome


class _Stream:
    """A scripted reply as a stream."""

    def __init__(self, whole: Reply) -> None:
        self.status = whole.status
        self.headers: Sequence[tuple[bytes, bytes]] = whole.headers
        self.chunks = [whole.body]
        self.closed = False


class _AsyncStream(_Stream):
    async def read(self, timeout: Optional[float]) -> bytes:
        return self.chunks.pop(0) if self.chunks else b""

    async def aclose(self) -> None:
        self.closed = True


class _SyncStream(_Stream):
    def read(self, timeout: Optional[float]) -> bytes:
        return self.chunks.pop(0) if self.chunks else b""

    def close(self) -> None:
        self.closed = True


class _ScriptAsync:
    def __init__(self, script: ScriptTransport) -> None:
        self._script = script

    async def send(self, exchange: Exchange, credential: Optional[Credential]) -> Reply:
        return self._script.take(exchange, credential)

    async def stream(self, exchange: Exchange, credential: Optional[Credential]) -> _AsyncStream:
        return _AsyncStream(self._script.take(exchange, credential))

    async def aclose(self) -> None:
        self._script.closed += 1


class _ScriptSync:
    def __init__(self, script: ScriptTransport) -> None:
        self._script = script

    def send(self, exchange: Exchange, credential: Optional[Credential]) -> Reply:
        return self._script.take(exchange, credential)

    def stream(self, exchange: Exchange, credential: Optional[Credential]) -> _SyncStream:
        return _SyncStream(self._script.take(exchange, credential))

    def close(self) -> None:
        self._script.closed += 1


def chain(error: BaseException) -> Iterable[BaseException]:
    """The error and everything that it is chained to."""
    seen: list[BaseException] = []
    pending: list[Optional[BaseException]] = [error]
    while pending:
        one = pending.pop()
        if one is not None and one not in seen:
            seen.append(one)
            pending += [one.__cause__, one.__context__]
    return seen


def shown_by(error: BaseException) -> str:
    """Everything that a report of the error could show: texts, chain, and all variables of our own frames."""
    parts: list[str] = []
    for one in chain(error):
        parts += [str(one), repr(one), repr(one.args), repr(vars(one))]
        traceback = one.__traceback__
        while traceback is not None:
            code = traceback.tb_frame.f_code
            if code.co_filename.startswith(OURS):
                parts += [f"{code.co_name}: {name}={value!r}" for name, value in traceback.tb_frame.f_locals.items()]
            traceback = traceback.tb_next
    return "\n".join(parts)
