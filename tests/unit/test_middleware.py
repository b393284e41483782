"""Middleware: what it sees, what it may add, when it runs."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from ron import RonClient, RonClientSync
from ron._middleware import Request, Response
from ron.errors import RonConfigError, RonError, RonNetworkError, RonNotFoundError
from ron.testing import FakeClock
from tests.unit.rig import OK, ScriptTransport, lost, reply


class Recorder:
    """Notes what it is called with."""

    def __init__(self, log: Optional[list[Any]] = None, name: str = "m", adds: Any = None) -> None:
        self.log: list[Any] = [] if log is None else log
        self.name = name
        self.adds = adds

    def before(self, request: Request) -> Any:
        """Notes the request, adds what it was made with."""
        self.log.append((self.name, "before", request))
        return self.adds

    def after(self, request: Request, response: Response) -> Any:
        """Notes both."""
        self.log.append((self.name, "after", request, response))


class AsyncRecorder(Recorder):
    """The same, for the async client."""

    async def before(self, request: Request) -> Any:
        """Notes the request."""
        return super().before(request)

    async def after(self, request: Request, response: Response) -> None:
        """Notes both."""
        super().after(request, response)


def client(transport: ScriptTransport, *middleware: Any, **options: Any) -> RonClientSync:
    """A sync client with that middleware."""
    made = RonClientSync(transport=transport, clock=FakeClock(jitter=0.0), **options)
    for one in middleware:
        made.add_middleware(one)
    return made


def test_what_middleware_sees() -> None:
    """The whole request and answer, but no Authorization."""
    recorder = Recorder()
    transport = ScriptTransport(reply(201, b'{"id":"i-1"}', etag='"v1"'))
    client(transport, recorder, token="cap-hunter2").post("/app/items", json={"a": 1}, query={"q": "x"})
    (_, _, request), (_, _, again, response) = recorder.log
    assert ("POST", "/app/items?q=x", b'{"a":1}') == (request.method, request.target, request.body)
    assert request.request_id == request.headers["x-request-id"]
    assert "application/json" == request.headers["content-type"]
    assert (201, '"v1"', b'{"id":"i-1"}', 1) == (
        response.status,
        response.headers["etag"],
        response.body,
        response.attempts,
    )
    assert request == again
    assert "hunter2" not in repr(recorder.log)
    assert "authorization" not in request.headers


def test_before_adds_fields_to_every_attempt() -> None:
    """It runs once a call; the fields go out on each attempt, replacing those of the same name."""
    recorder = Recorder(adds={"X-Tenant": "t-1", "accept": "text/x"})
    transport = ScriptTransport(reply(503), lost(), OK)
    client(transport, recorder).get("/app/x")
    assert ["before", "after"] == [entry[1] for entry in recorder.log]
    assert 3 == len(transport.headers)
    for fields in transport.headers:
        assert ("t-1", "text/x") == (fields["X-Tenant"], fields["accept"])
        assert "Accept" not in fields


def test_an_id_that_middleware_gives_is_the_calls() -> None:
    """A replaced X-Request-Id is the one that errors name."""
    transport = ScriptTransport(reply(404, b"no"))
    with pytest.raises(RonNotFoundError) as raised:
        client(transport, Recorder(adds={"X-Request-Id": "mine"})).get("/app/x")
    assert "mine" == raised.value.request_id


def test_they_nest() -> None:
    """`before` runs in the order of adding, `after` in reverse; a later one sees what an earlier one added."""
    log: list[Any] = []
    client(ScriptTransport(), Recorder(log, "a", {"X-A": "1"}), Recorder(log, "b")).get("/app/x")
    assert [("a", "before"), ("b", "before"), ("b", "after"), ("a", "after")] == [entry[:2] for entry in log]
    assert "1" == log[1][2].headers["x-a"]


def test_after_runs_for_error_answers_only_if_there_was_one() -> None:
    """An error status has an answer to look at; a broken connection has none."""
    answered, broken = Recorder(), Recorder()
    with pytest.raises(RonNotFoundError):
        client(ScriptTransport(reply(404, b"no")), answered).get("/app/x")
    assert 404 == answered.log[1][3].status
    with pytest.raises(RonNetworkError):
        client(ScriptTransport(lost()), broken, max_retries=0).get("/app/x")
    assert ["before"] == [entry[1] for entry in broken.log]


@pytest.mark.parametrize(
    ("adds", "message"),
    [
        ({"Authorization": "hunter2"}, "header 'Authorization' is set by the client itself"),
        ({"X-A": "hunter2\n"}, "the value of header 'X-A' must be a str"),
        (["X-A"], "headers must be a mapping of names to values, not list"),
    ],
)
def test_wrong_fields_are_refused(adds: Any, message: str) -> None:
    """Middleware can give no field that a caller couldn't; nothing is sent."""
    transport = ScriptTransport()
    with pytest.raises(RonConfigError, match="^" + message) as raised:
        client(transport, Recorder(adds=adds)).get("/app/x")
    assert "hunter2" not in str(raised.value)
    assert [] == transport.exchanges


class Broken(Recorder):
    """Raises where it is told to."""

    def __init__(self, error: BaseException, where: str) -> None:
        super().__init__()
        self.error = error
        self.where = where

    def before(self, request: Request) -> Any:
        """Raises, perhaps."""
        if self.where == "before":
            raise self.error

    def after(self, request: Request, response: Response) -> None:
        """Raises, perhaps."""
        if self.where == "after":
            raise self.error


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("error", [ValueError("mine"), RonError("mine"), KeyboardInterrupt("mine")])
def test_what_it_raises_reaches_the_caller(where: str, error: BaseException) -> None:
    """The caller's own exception comes back as it is."""
    with pytest.raises(type(error), match="mine") as raised:
        client(ScriptTransport(), Broken(error, where)).get("/app/x")
    assert error is raised.value


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_stray_stop_iteration_is_no_answer(where: str) -> None:
    """As in a generator, a StopIteration that escapes a hook is a RuntimeError, not the end of the call."""
    with pytest.raises(RuntimeError, match="middleware raised StopIteration"):
        client(ScriptTransport(), Broken(StopIteration("mine"), where)).get("/app/x")


class OnlyAfter:
    """Has one hook, and a name that is none."""

    before = None
    seen: Optional[Response] = None

    def after(self, request: Request, response: Response) -> None:
        """Notes the answer."""
        self.seen = response


def test_one_hook_is_enough() -> None:
    """Either method may be missing."""
    one = OnlyAfter()
    client(ScriptTransport(), one).get("/app/x")
    assert one.seen is not None
    assert 200 == one.seen.status


@pytest.mark.parametrize("thing", [object(), print, None])
def test_something_without_hooks_is_refused(thing: Any) -> None:
    """Adding what can do nothing is a mistake that is named."""
    with pytest.raises(RonConfigError, match=r"must have a method before\(request\) or after\(request, response\)"):
        client(ScriptTransport(), thing)


def test_async_middleware_on_a_sync_client_is_refused() -> None:
    """Nobody would await it."""
    with pytest.raises(RonConfigError, match="this middleware is async: give plain functions to RonClientSync"):
        client(ScriptTransport(), AsyncRecorder())


class Sneaky:
    """Looks sync, returns a coroutine."""

    def before(self, request: Request) -> Any:
        """Returns something to await."""
        return self._later()

    async def _later(self) -> None:
        """Never runs."""


def test_middleware_that_turns_out_async_is_refused() -> None:
    """A coroutine that a plain function returns is closed, and the mistake named."""
    with pytest.raises(RonConfigError, match="this middleware is async, but the client is sync"):
        client(ScriptTransport(), Sneaky()).get("/app/x")


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [Recorder, AsyncRecorder])
async def test_the_async_client_takes_both_colours(kind: type[Recorder]) -> None:
    """Hooks may be plain or async there."""
    recorder = kind(adds={"X-A": "1"})
    transport = ScriptTransport()
    async with RonClient(transport=transport) as made:
        made.add_middleware(recorder)
        await made.with_options(timeout=5).get("/app/x")
    assert ["before", "after"] == [entry[1] for entry in recorder.log]
    assert "1" == transport.headers[0]["X-A"]


@pytest.mark.anyio
async def test_a_stream_is_seen_without_its_body() -> None:
    """For a stream `after` runs when the head has come."""
    recorder = Recorder()
    transport = ScriptTransport(reply(200, b"data: x\n\n", content_type="text/event-stream"), reply(204))
    async with RonClient(transport=transport, clock=FakeClock()) as made:
        made.add_middleware(recorder)
        assert ["x"] == [event.data async for event in made.subscribe("/app/events")]
    assert (200, b"") == (recorder.log[1][3].status, recorder.log[1][3].body)
    assert (204, b"") == (recorder.log[3][3].status, recorder.log[3][3].body)
