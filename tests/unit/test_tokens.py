"""Token providers: asked on first use and after a 401, one call at a time, and never quoted."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Awaitable
from typing import Any, Callable, Union

import pytest
from pydantic import SecretStr

from ron import RonClient, RonClientSync
from ron._session import Authority
from ron._tokens import TokenSource
from ron._values import Exchange, Reply
from ron.errors import RonAuthError, RonConfigError, RonTimeoutError
from ron.testing import FakeClock
from tests.unit.rig import OK, ScriptTransport, reply, shown_by

Provider = Callable[[], Union[str, SecretStr, Awaitable[str]]]


class Node:
    """Accepts one token, counts who comes with another."""

    def __init__(self, accepts: str) -> None:
        self.accepts = accepts
        self.transport = ScriptTransport(self._answer)

    def _answer(self, exchange: Exchange) -> Reply:
        held = self.transport.credentials[-1]
        assert held is not None
        return OK if f"Bearer {self.accepts}".encode() == held.header()[1] else reply(401)


class Sequence:
    """A provider that gives the tokens in turn."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)
        self.calls = 0

    def __call__(self) -> str:
        """The next one."""
        self.calls += 1
        return self.tokens.pop(0)


def tokens(transport: ScriptTransport) -> list[str]:
    """What each request carried."""
    return [one.header()[1].decode() for one in transport.credentials if one is not None]


# --- Sync -------------------------------------------------------------------------------------------


def test_a_provider_is_asked_on_first_use_only() -> None:
    """Not when the client is made, once at the first call, then from the cache."""
    provider, transport = Sequence("t-1"), ScriptTransport()
    client = RonClientSync(transport=transport, token_provider=provider)
    assert 0 == provider.calls
    for _ in range(3):
        client.get("/app/x")
    assert (1, ["Bearer t-1"] * 3) == (provider.calls, tokens(transport))


def test_a_401_asks_again() -> None:
    """A rotated token is fetched once, and used from then on; `auth_scheme` stands before it."""
    provider, transport = Sequence("t-1", "t-2"), ScriptTransport(OK, reply(401), OK)
    client = RonClientSync(transport=transport, token_provider=provider, auth_scheme="Macro")
    for _ in range(3):
        client.get("/app/x")
    assert ["Macro t-1", "Macro t-1", "Macro t-2", "Macro t-2"] == tokens(transport)


def test_a_copy_shares_the_token() -> None:
    """`with_options` clients use the same credential and the same provider."""
    provider, transport = Sequence("t-1"), ScriptTransport()
    client = RonClientSync(transport=transport, token_provider=provider)
    client.with_options(timeout=1).get("/app/x")
    client.get("/app/x")
    assert 1 == provider.calls


def test_a_provider_may_return_a_secret() -> None:
    """A `SecretStr` is as good as a str."""
    transport = ScriptTransport()
    RonClientSync(transport=transport, token_provider=lambda: SecretStr("t-1")).get("/app/x")
    assert ["Bearer t-1"] == tokens(transport)


def failing(error: BaseException) -> Provider:
    """A provider that raises."""

    def provide() -> str:
        raise error

    return provide


async def never_awaited() -> str:
    """For a sync client: a provider of the wrong colour."""
    return "hunter2"


@pytest.mark.parametrize(
    ("provider", "message"),
    [
        (
            failing(KeyError("hunter2")),
            "token_provider raised KeyError; its text is not shown because it may hold the token",
        ),
        (failing(StopIteration("hunter2")), "token_provider raised StopIteration"),
        (lambda: None, "token_provider returned None: it must return a str or a SecretStr"),
        (lambda: 5, "what token_provider returned must be a str or a SecretStr, not int"),
        (lambda: "hunter2\n", "what token_provider returned is no token: it is empty, or holds a blank, a line end"),
        (lambda: "", "what token_provider returned is no token"),
    ],
)
@pytest.mark.anyio
async def test_a_provider_that_fails(provider: Provider, message: str) -> None:
    """The error names what was wrong, by type only; nothing is sent and nothing of the token is left in our frames."""
    transport = ScriptTransport()
    with pytest.raises(RonConfigError) as raised:
        RonClientSync(transport=transport, token_provider=provider).get("/app/x")
    with pytest.raises(RonConfigError) as raised_async:
        await RonClient(transport=transport, token_provider=provider).get("/app/x")
    for error in (raised.value, raised_async.value):
        assert str(error).startswith(message)
        assert "hunter2" not in shown_by(error)
        assert (0, None, None) == (error.attempts, error.__cause__, error.__context__)
    assert [] == transport.exchanges


def test_an_async_provider_on_a_sync_client() -> None:
    """Nobody could await it: refused, and no coroutine is left over."""
    client = RonClientSync(transport=ScriptTransport(), token_provider=never_awaited)
    with pytest.raises(RonConfigError, match="token_provider is async, but this client is sync: give a plain function"):
        client.get("/app/x")
    gc.collect()


def test_the_caller_may_interrupt_a_provider() -> None:
    """What is no Exception passes: Ctrl-C in a provider stops the program."""
    client = RonClientSync(transport=ScriptTransport(), token_provider=failing(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        client.get("/app/x")


def test_a_sync_provider_that_is_too_slow() -> None:
    """It cannot be interrupted; afterwards the call ends with a timeout, and the next call has the token."""
    clock, transport = FakeClock(), ScriptTransport()

    def slow() -> str:
        clock.advance(11)
        return "t-1"

    client = RonClientSync(transport=transport, token_provider=slow, clock=clock)
    with pytest.raises(RonTimeoutError, match="token_provider did not return before the call's deadline"):
        client.get("/app/x")
    assert [] == transport.exchanges
    client.get("/app/x")
    assert ["Bearer t-1"] == tokens(transport)


def test_threads_share_one_question() -> None:
    """While one thread asks, the others wait and take what it got."""
    node, entered, go = Node("t-1"), threading.Event(), threading.Event()
    calls: list[int] = []

    def provide() -> str:
        calls.append(1)
        entered.set()
        assert go.wait(10)
        return "t-1"

    client = RonClientSync(transport=node.transport, token_provider=provide)
    threads = [threading.Thread(target=client.get, args=("/app/x",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert entered.wait(10)
    go.set()
    for thread in threads:
        thread.join()
    assert (1, 4) == (len(calls), len(node.transport.exchanges))


def test_a_thread_does_not_wait_for_another_ones_question_for_ever() -> None:
    """The wait for somebody else's answer ends at the call's own deadline."""
    entered, go = threading.Event(), threading.Event()

    def provide() -> str:
        entered.set()
        assert go.wait(10)
        return "t-1"

    client = RonClientSync(transport=ScriptTransport(), token_provider=provide)
    first = threading.Thread(target=client.get, args=("/app/x",))
    first.start()
    assert entered.wait(10)
    with pytest.raises(RonTimeoutError):
        client.get("/app/x", timeout=0.01)
    go.set()
    first.join()


# --- Async ------------------------------------------------------------------------------------------


class Gate:
    """An async provider that waits to be let through."""

    def __init__(self, *tokens: Any) -> None:
        self.tokens = list(tokens)
        self.calls = 0
        self.open = asyncio.Event()
        self.entered = asyncio.Event()

    async def __call__(self) -> str:
        """The next token, or the next error."""
        self.calls += 1
        self.entered.set()
        await self.open.wait()
        token = self.tokens.pop(0)
        if isinstance(token, BaseException):
            raise token
        return str(token)


class Left:
    """Which tasks began since this was made and still run."""

    def __init__(self) -> None:
        self.before = asyncio.all_tasks()

    async def settled(self) -> set[asyncio.Task[Any]]:
        """Those left when cancelled ones had a few turns to end."""
        for _ in range(5):
            await asyncio.sleep(0)
        return asyncio.all_tasks() - self.before


@pytest.mark.anyio
async def test_sync_and_async_providers_on_an_async_client() -> None:
    """Both colours do."""
    gate, transport = Gate("t-2"), ScriptTransport()
    gate.open.set()
    await RonClient(transport=transport, token_provider=lambda: "t-1").get("/app/x")
    await RonClient(transport=transport, token_provider=gate).get("/app/x")
    assert ["Bearer t-1", "Bearer t-2"] == tokens(transport)


@pytest.mark.anyio
async def test_tasks_share_one_question() -> None:
    """Many first calls at once ask the provider once."""
    gate, node = Gate("t-1"), Node("t-1")
    client = RonClient(transport=node.transport, token_provider=gate)
    calls = [asyncio.ensure_future(client.get("/app/x")) for _ in range(5)]
    await gate.entered.wait()
    gate.open.set()
    await asyncio.gather(*calls)
    assert (1, 5) == (gate.calls, len(node.transport.exchanges))


@pytest.mark.anyio
async def test_many_401s_share_one_refresh() -> None:
    """Calls that all failed with the old token get the new one from one question."""
    gate, node = Gate("t-1", "t-2"), Node("t-1")
    client = RonClient(transport=node.transport, token_provider=gate)
    gate.open.set()
    await client.get("/app/x")
    node.accepts = "t-2"
    await asyncio.gather(*(client.get("/app/x") for _ in range(5)))
    assert 2 == gate.calls


@pytest.mark.anyio
async def test_each_waiting_call_gets_an_error_of_its_own() -> None:
    """One failure of the provider is told to every call that waits, in objects that aren't shared."""
    gate = Gate(ValueError("hunter2"))
    client = RonClient(transport=ScriptTransport(), token_provider=gate)
    calls = [asyncio.ensure_future(client.get("/app/x")) for _ in range(3)]
    await gate.entered.wait()
    gate.open.set()
    errors = await asyncio.gather(*calls, return_exceptions=True)
    assert {RonConfigError} == {type(error) for error in errors}
    assert 3 == len({id(error) for error in errors})
    assert "hunter2" not in "".join(shown_by(error) for error in errors if isinstance(error, BaseException))


@pytest.mark.anyio
async def test_a_failure_is_not_cached() -> None:
    """The next call asks again."""
    gate, transport = Gate(ValueError(), "t-1"), ScriptTransport()
    gate.open.set()
    client = RonClient(transport=transport, token_provider=gate)
    with pytest.raises(RonConfigError, match="token_provider raised ValueError"):
        await client.get("/app/x")
    await client.get("/app/x")
    assert ["Bearer t-1"] == tokens(transport)


@pytest.mark.anyio
async def test_a_provider_that_raises_a_cancellation_cancels_nobody() -> None:
    """A CancelledError out of the provider's own doing is its failure, not the caller's cancellation."""
    gate = Gate(asyncio.CancelledError("hunter2"))
    gate.open.set()
    with pytest.raises(RonConfigError, match="token_provider raised CancelledError"):
        await RonClient(transport=ScriptTransport(), token_provider=gate).get("/app/x")


@pytest.mark.anyio
async def test_the_deadline_ends_the_wait_for_a_provider() -> None:
    """A provider that hangs costs the call no more than its timeout, and is cancelled with the last that waits."""
    gate, transport, left = Gate("t-1"), ScriptTransport(), Left()
    client = RonClient(transport=transport, token_provider=gate)
    with pytest.raises(RonTimeoutError, match="token_provider did not return before the call's deadline") as raised:
        await client.get("/app/x", timeout=0.01)
    assert 0 == raised.value.attempts
    assert set() == await left.settled()
    gate.open.set()
    await client.get("/app/x")
    assert (2, ["Bearer t-1"]) == (gate.calls, tokens(transport))


@pytest.mark.anyio
async def test_cancelling_the_only_caller_leaves_no_task() -> None:
    """The question is given up with the last call that waits for it."""
    gate, left = Gate("t-1"), Left()
    call = asyncio.ensure_future(RonClient(transport=ScriptTransport(), token_provider=gate).get("/app/x"))
    await gate.entered.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert set() == await left.settled()


@pytest.mark.anyio
async def test_cancelling_one_of_many_leaves_the_question_to_the_rest() -> None:
    """The call that asked first may go; the others get their token."""
    gate, transport = Gate("t-1"), ScriptTransport()
    client = RonClient(transport=transport, token_provider=gate)
    first, second = (asyncio.ensure_future(client.get("/app/x")) for _ in range(2))
    await gate.entered.wait()
    first.cancel()
    await asyncio.sleep(0)
    gate.open.set()
    await second
    assert first.cancelled()
    assert (1, 1) == (gate.calls, len(transport.exchanges))


@pytest.mark.anyio
async def test_a_provider_that_fails_while_it_is_given_up_disturbs_nobody() -> None:
    """What it raises when cancelled is looked at, so that asyncio has nothing to report."""

    async def stubborn() -> str:
        try:
            await asyncio.sleep(60)
        finally:
            raise ValueError("too late")

    reported: list[Any] = []
    left = Left()
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: reported.append(context))
    client = RonClient(transport=ScriptTransport(), token_provider=stubborn)
    with pytest.raises(RonTimeoutError):
        await client.get("/app/x", timeout=0.01)
    assert set() == await left.settled()
    gc.collect()
    loop.set_exception_handler(before)
    assert [] == reported


def test_a_second_event_loop_asks_for_itself() -> None:
    """A question begun in a loop that is gone is not waited for."""
    transport = ScriptTransport()
    client: list[RonClient] = []
    gates: list[Gate] = []

    def provide() -> Awaitable[str]:
        return gates[-1]()

    async def first() -> None:
        gates.append(Gate("t-1"))
        client.append(RonClient(transport=transport, token_provider=provide))
        call = asyncio.ensure_future(client[0].get("/app/x"))
        await gates[0].entered.wait()
        call.cancel()

    async def second() -> None:
        gates.append(Gate("t-2"))
        gates[1].open.set()
        await client[0].get("/app/x")

    asyncio.run(first())
    asyncio.run(second())
    assert ["Bearer t-2"] == tokens(transport)


@pytest.mark.anyio
async def test_a_closed_client_forgets_its_token() -> None:
    """After closing, the session holds no credential."""
    client = RonClient(transport=ScriptTransport(), token="hunter2")
    assert client._session.credential is not None
    await client.aclose()
    assert client._session.credential is None
    sync = RonClientSync(transport=ScriptTransport(), token="hunter2")
    sync.close()
    assert sync._session.credential is None


def test_an_unchanged_token_is_not_tried_again() -> None:
    """A provider that returns the refused token ends the call with the 401."""
    transport = ScriptTransport(reply(401, b"no"))
    with pytest.raises(RonAuthError):
        RonClientSync(transport=transport, token_provider=lambda: "t-1").get("/app/x")
    assert ["Bearer t-1"] == tokens(transport)


def test_sources_show_nothing() -> None:
    """Neither the source nor what it fills has a telling repr."""
    assert "TokenSource(**********)" == repr(TokenSource(Authority(), "Bearer", lambda: "hunter2"))
    assert "Authority(**********)" == repr(Authority())
