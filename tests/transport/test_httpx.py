"""What is `HttpxTransport`'s own: whom it takes, what it leaves alone, and what it says."""

from __future__ import annotations

import asyncio
import gzip
import importlib
import importlib.util
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from ron._clock import Clock
from ron._values import Credential, Exchange, Failure
from ron.errors import RonConfigError
from ron.transport import Endpoint, HttpxTransport

TOKEN = "t0ken-that-nobody-may-see"
LIBRARIES = [
    importlib.import_module(name) for name in ("httpx", "httpx2") if importlib.util.find_spec(name) is not None
]
both_libraries = pytest.mark.parametrize("library", LIBRARIES, ids=lambda each: each.__name__)


def _endpoint(**changed: Any) -> Endpoint:
    fields: dict[str, Any] = {
        "scheme": "https",
        "host": "node.example",
        "port": 443,
        "connect_timeout": 20.0,
        "read_timeout": 20.0,
        "write_timeout": 20.0,
        "max_concurrency": 2,
        "max_streams": 2,
        "max_response_bytes": 1000,
        "verify": True,
        "clock": Clock(),
        **changed,
    }
    return Endpoint(**fields)


def _exchange(method: str = "GET", target: bytes = b"/app/x", within: float = 20.0) -> Exchange:
    return Exchange(method, target, (), b"", Clock().monotonic() + within)


def _send(foreign: Any, exchange: Exchange | None = None, **endpoint: Any) -> Any:
    channel = HttpxTransport(foreign).open_sync(_endpoint(**endpoint))
    wanted = _exchange() if exchange is None else exchange
    return channel.send(wanted, Credential("Bearer", SecretStr(TOKEN)))


def _fail(foreign: Any, exchange: Exchange | None = None) -> Failure:
    with pytest.raises(Failure) as caught:
        _send(foreign, exchange)
    assert TOKEN not in repr(caught.value) + caught.value.detail
    assert caught.value.__context__ is None
    return caught.value


def _answering(library: Any, **response: Any) -> Any:
    return library.MockTransport(lambda request: library.Response(**response))


@both_libraries
@pytest.mark.parametrize("name", ["AsyncClient", "AsyncHTTPTransport"])
def test_an_async_object_is_refused_by_the_sync_client(library: Any, name: str) -> None:
    """The message names what is there and what to write."""
    transport = HttpxTransport(getattr(library, name)())
    told = rf"{name}, which is async.*{library.__name__}\.{name.replace('Async', '')} "
    with pytest.raises(RonConfigError, match=told):
        transport.open_sync(_endpoint())
    assert transport.capabilities.deadline


@both_libraries
@pytest.mark.parametrize("name", ["Client", "HTTPTransport"])
def test_a_sync_object_is_refused_by_the_async_client(library: Any, name: str) -> None:
    """The message names what is there and what to write."""
    transport = HttpxTransport(getattr(library, name)())
    told = rf"{name}, which is sync.*{library.__name__}\.Async{name} "
    with pytest.raises(RonConfigError, match=told):
        transport.open_async(_endpoint())
    assert not transport.capabilities.deadline


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (object(), "not object"),
        ("https://node.example", "not str"),
        (None, "not NoneType"),
        (httpx.Client, r"write HttpxTransport\(Client\(...\)\)"),
        (httpx.HTTPTransport, r"write HttpxTransport\(HTTPTransport\(...\)\)"),
        (lambda scope, receive, send: None, "ASGITransport"),
    ],
)
def test_what_is_no_httpx_object_is_refused(given: Any, told: str) -> None:
    """The message says what to write instead."""
    with pytest.raises(RonConfigError, match=told):
        HttpxTransport(given)


@both_libraries
def test_who_needs_a_url(library: Any) -> None:
    """An app or a mock is the node itself; everything else needs a URL, unless told otherwise."""
    mock = _answering(library, status_code=200)
    needs = {
        "mock": HttpxTransport(mock).needs_url,
        "asgi": HttpxTransport(library.ASGITransport(app=lambda: None)).needs_url,
        "transport": HttpxTransport(library.HTTPTransport()).needs_url,
        "client": HttpxTransport(library.Client(transport=mock)).needs_url,
        "told": HttpxTransport(library.Client(transport=mock), needs_url=False).needs_url,
    }
    wanted = {"mock": False, "asgi": False, "transport": True, "client": True, "told": False}
    assert wanted == needs


def test_the_repr_names_the_object_only() -> None:
    """Nothing that a client holds is shown."""
    client = httpx.Client(headers={"Authorization": "Bearer x"})
    assert "HttpxTransport(Client)" == repr(HttpxTransport(client))


@both_libraries
def test_a_transport_of_the_users_own_will_do(library: Any) -> None:
    """A class that inherits from the library's base, or from nothing, is taken."""

    class Wrapper(library.BaseTransport):  # type: ignore[misc]
        def handle_request(self, request: Any) -> Any:
            assert isinstance(request, library.Request), "the request is another library's"
            return library.Response(200, content=b"wrapped")

    class Bare:
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, content=b"bare")

    assert b"wrapped" == _send(Wrapper()).body
    assert b"bare" == _send(Bare()).body


@both_libraries
def test_the_users_object_is_never_closed(library: Any) -> None:
    """Closing the channel leaves the client open, for others who use it."""
    client = library.Client(transport=_answering(library, status_code=200))
    channel = HttpxTransport(client).open_sync(_endpoint())
    channel.close()
    assert not client.is_closed
    client.close()


@both_libraries
def test_a_closed_client_is_a_mistake(library: Any) -> None:
    """A client that its owner closed is `RonConfigError`, not a network failure."""
    client = library.Client()
    channel = HttpxTransport(client).open_sync(_endpoint())
    client.close()
    with pytest.raises(RonConfigError, match="Client given to HttpxTransport is closed"):
        channel.send(_exchange(), None)


@both_libraries
def test_event_hooks_run(library: Any) -> None:
    """A user's instrumentation sees request and response; what it has read is taken as read."""
    seen: list[str] = []
    client = library.Client(
        transport=_answering(library, status_code=200, content=b"body"),
        event_hooks={
            "request": [lambda request: seen.append(request.headers["Authorization"])],
            "response": [lambda response: seen.append(response.read().decode())],
        },
    )
    assert b"body" == _send(client).body
    assert [f"Bearer {TOKEN}", "body"] == seen


@both_libraries
def test_a_mocks_ready_response_is_decoded_here(library: Any) -> None:
    """`Response(content=...)` of a bare mock goes through the same decoder as bytes from a socket."""
    packed = gzip.compress(b"content")
    headers = {"Content-Encoding": "gzip"}
    good = _answering(library, status_code=200, headers=headers, content=packed)
    cut = _answering(library, status_code=200, headers=headers, content=packed[:-4])
    assert b"content" == _send(good).body
    assert "truncated" == _fail(cut).kind


@both_libraries
@pytest.mark.parametrize(("content", "declared", "kind"), [(b"abc", 5, "truncated"), (b"abcdef", 5, "protocol")])
def test_a_mocks_length_is_checked(library: Any, content: bytes, declared: int, kind: str) -> None:
    """A body that is not as long as announced is no answer, though no wire noticed."""
    headers = {"Content-Length": str(declared)}
    stream = library.ByteStream(content)
    mock = _answering(library, status_code=200, headers=headers, stream=stream)
    assert kind == _fail(mock).kind


@both_libraries
def test_a_bodiless_answers_bytes_are_dropped(library: Any) -> None:
    """A mock's 204 with content has none."""
    assert b"" == _send(_answering(library, status_code=204, content=b"stray")).body


_RAISED = [
    ("ConnectError", "connect", False, False),
    ("ConnectTimeout", "connect", False, True),
    ("PoolTimeout", "timeout", False, True),
    ("ReadTimeout", "timeout", True, True),
    ("WriteTimeout", "timeout", True, True),
    ("ReadError", "read", True, False),
    ("WriteError", "write", True, False),
    ("CloseError", "read", True, False),
    ("ProxyError", "connect", True, False),
    ("UnsupportedProtocol", "protocol", True, False),
    ("LocalProtocolError", "protocol", True, False),
    ("RemoteProtocolError", "protocol", True, False),
    ("DecodingError", "encoding", True, False),
]


@both_libraries
@pytest.mark.parametrize(("name", "kind", "sent", "timed_out"), _RAISED)
def test_every_exception_has_a_meaning(library: Any, name: str, kind: str, sent: bool, timed_out: bool) -> None:
    """Each of the library's own exceptions becomes its `Failure`, without its text."""
    failure = _fail(_raising(getattr(library, name)(f"about {TOKEN}")))
    assert (kind, sent, timed_out) == (failure.kind, failure.sent, failure.timed_out)


@both_libraries
def test_no_transport_error_is_forgotten(library: Any) -> None:
    """Every request error that the library exports is in the table above, or a base or kin of one."""
    names = {name for name, *_ in _RAISED}
    # Raised by the library's own redirects and event reader, which are not used.
    unused = {"TooManyRedirects", "SSEError"}
    bases = {"RequestError", "TransportError", "TimeoutException", "NetworkError", "ProtocolError"}
    exported = {
        name
        for name in library.__all__
        if isinstance(getattr(library, name), type) and issubclass(getattr(library, name), library.RequestError)
    }
    assert exported - bases - unused <= names


@pytest.mark.parametrize(
    ("error", "kind", "timed_out"),
    [
        (ValueError(TOKEN), "protocol", False),
        (RuntimeError(TOKEN), "protocol", False),
        (TimeoutError(TOKEN), "timeout", True),
        (asyncio.TimeoutError(TOKEN), "timeout", True),
    ],
)
def test_a_foreign_exception_is_told_by_its_type(error: Exception, kind: str, timed_out: bool) -> None:
    """Whatever a user's transport raises is a failure that names the type only."""
    failure = _fail(_raising(error))
    assert (kind, True, timed_out) == (failure.kind, failure.sent, failure.timed_out)
    if kind == "protocol":
        assert type(error).__name__ in failure.detail


def _raising(error: Exception) -> Any:
    class Broken:
        def handle_request(self, request: Any) -> Any:
            raise error

    owner = type(error).__module__.partition(".")[0]
    if owner == "httpx2":
        httpx2 = importlib.import_module("httpx2")
        return httpx2.MockTransport(Broken().handle_request)
    return Broken()


@both_libraries
def test_a_failed_request_keeps_no_token(library: Any) -> None:
    """After a failure, a request that somebody still holds has no Authorization."""
    kept: list[Any] = []

    def handle(request: Any) -> Any:
        kept.append(request)
        raise library.ReadError("gone", request=request)

    _fail(library.MockTransport(handle))
    assert ["authorization" in request.headers for request in kept] == [False]


@both_libraries
@pytest.mark.parametrize("target", [b"/a/../b", b"/a/./b", b"/" + b"x" * 70_000])
def test_a_target_that_httpx_would_change_is_not_sent(library: Any, target: bytes) -> None:
    """Rather than another target, nothing goes out."""
    failure = _fail(_answering(library, status_code=200), _exchange(target=target))
    assert ("protocol", False, True) == (failure.kind, failure.sent, failure.permanent)


@both_libraries
def test_a_second_event_loop_is_a_mistake(library: Any) -> None:
    """Connections belong to a loop: another one is told so; an in-process object doesn't mind."""

    async def answer(request: Any) -> Any:
        return library.Response(200, content=b"ok")

    mock = library.MockTransport(answer)
    client = library.AsyncClient(transport=mock)
    strict = HttpxTransport(client).open_async(_endpoint())
    lenient = HttpxTransport(mock).open_async(_endpoint())
    assert b"ok" == asyncio.run(strict.send(_exchange(), None)).body
    with pytest.raises(RonConfigError, match="another event loop"):
        asyncio.run(strict.send(_exchange(), None))
    assert [b"ok", b"ok"] == [asyncio.run(lenient.send(_exchange(), None)).body for _ in range(2)]


def test_calls_wait_for_their_turn() -> None:
    """No more than `max_concurrency` requests are with the transport at once."""
    now, most = 0, 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        return httpx.Response(200)

    async def run() -> list[Any]:
        channel = HttpxTransport(httpx.MockTransport(answer)).open_async(_endpoint())
        return await asyncio.gather(*(channel.send(_exchange(), None) for _ in range(20)))

    assert 20 == len(asyncio.run(run()))
    assert 2 == most


def test_cancelling_leaves_nothing_taken() -> None:
    """After cancelled calls and an ended deadline, every turn is free again."""

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/hang":
            await asyncio.Event().wait()
        return httpx.Response(200, content=b"ok")

    async def run() -> bytes:
        channel = HttpxTransport(httpx.MockTransport(answer)).open_async(_endpoint())
        for _ in range(5):
            hanging = [asyncio.ensure_future(channel.send(_exchange(target=b"/hang"), None)) for _ in range(4)]
            await asyncio.sleep(0)
            for task in hanging:
                task.cancel()
            ended = await asyncio.gather(*hanging, return_exceptions=True)
            assert [asyncio.CancelledError] * 4 == [type(each) for each in ended]
        with pytest.raises(Failure, match="deadline"):
            await channel.send(_exchange(target=b"/hang", within=0.05), None)
        return (await channel.send(_exchange(), None)).body

    assert b"ok" == asyncio.run(run())


def test_closing_ends_calls_that_wait() -> None:
    """A call that is under way when its client is closed ends with a failure, promptly."""
    begun = asyncio.Event

    async def run() -> Failure:
        reached = begun()

        async def answer(request: httpx.Request) -> httpx.Response:
            reached.set()
            await asyncio.Event().wait()
            return httpx.Response(200)

        channel = HttpxTransport(httpx.MockTransport(answer)).open_async(_endpoint())
        call = asyncio.ensure_future(channel.send(_exchange(), None))
        await reached.wait()
        await channel.aclose()
        with pytest.raises(Failure) as caught:
            await call
        return caught.value

    failure = asyncio.run(run())
    assert ("read", True, False) == (failure.kind, failure.sent, failure.timed_out)


@both_libraries
def test_a_redirect_request_is_let_go(library: Any) -> None:
    """A stream over a client keeps neither its request nor the one a redirect would make."""
    client = library.Client(transport=_answering(library, status_code=302, headers={"Location": "/other"}))
    channel = HttpxTransport(client).open_sync(_endpoint())
    stream: Any = channel.stream(_exchange(), Credential("Bearer", SecretStr(TOKEN)))
    response = stream._answer.response
    assert (302, None, None) == (stream.status, response._request, response.next_request)
    stream.close()
    client.close()
