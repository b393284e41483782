"""How it is said that no whole answer came: kind, whether it can have been sent, no secret."""

from __future__ import annotations

import os
import socket
import threading
import traceback
from pathlib import Path

import pytest

import ron
from ron._values import Failure
from tests.transport.conformance.adapters import on_a_socket
from tests.transport.conformance.answers import Answer, Wire
from tests.transport.conformance.rig import GUARD, TOKEN, Rig

socket_adapters = pytest.mark.parametrize("rig", on_a_socket(), indirect=True)
HEAD = b"HTTP/1.1 200 OK\r\n"
SHORT = 0.2  # seconds a call may take where the case is about its deadline


@pytest.mark.parametrize("rig", on_a_socket("not_sent"), indirect=True)
def test_a_refused_connection_sent_nothing(rig: Rig) -> None:
    """Nobody listens: `connect`, not sent, worth another try."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    rig.open(port=port)
    failure = rig.fail()
    assert ("connect", False, False, False) == _essence(failure)


@pytest.mark.parametrize("rig", on_a_socket("not_sent"), indirect=True)
def test_an_unknown_host_sent_nothing(rig: Rig) -> None:
    """A name without an address (RFC 2606 reserves `.invalid`): `dns`, not sent."""
    rig.open(host="nonexistent.invalid")
    failure = rig.fail()
    assert ("dns", False, False, False) == _essence(failure)


@socket_adapters
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_connection_closed_without_an_answer_may_have_sent(rig: Rig, method: str) -> None:
    """The node took the request and hung up."""
    rig.node.play(Wire())
    failure = rig.fail(rig.exchange(method, body=b"{}" if method == "POST" else b""))
    assert failure.kind in ("read", "protocol", "truncated")
    assert (True, False, False) == _essence(failure)[1:]


@pytest.mark.parametrize("rig", on_a_socket(without="closed idle"), indirect=True)
def test_a_closed_idle_connection_is_no_wrong_answer(rig: Rig) -> None:
    """The node closes after an answer; the next call notices and makes a new connection."""
    closed = threading.Event()
    rig.node.play(Wire((HEAD + b"Content-Length: 3\r\n\r\none",), over=closed), Answer(body=b"two"))
    assert b"one" == rig.send().body
    assert closed.wait(GUARD), "the node did not close"
    assert b"two" == rig.send(rig.exchange("POST", body=b"{}")).body


_CUT = {
    "in the head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "in a counted body": HEAD + b"Content-Length: 100\r\n\r\nshort",
    "in a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n64\r\nshort",
    "before the last chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
}


@socket_adapters
@pytest.mark.parametrize("where", _CUT)
def test_an_answer_cut_short_is_no_answer(rig: Rig, where: str) -> None:
    """The connection ends inside the answer: maybe sent; `truncated` once the body began."""
    rig.node.play(Wire((_CUT[where],)))
    failure = rig.fail()
    kinds = ("read", "protocol", "truncated") if where == "in the head" else ("truncated",)
    assert failure.kind in kinds
    assert (True, False, False) == _essence(failure)[1:]


_NOT_HTTP = {
    "other": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "status": b"HTTP/1.1 2OO OK\r\n\r\n",
    "length": HEAD + b"Content-Length: -5\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "fields": HEAD + b"no colon\r\n\r\n",
    "endless head": HEAD + b"X: " + b"x" * 600_000,
}


@socket_adapters
@pytest.mark.parametrize("what", _NOT_HTTP)
def test_what_is_not_http_is_a_protocol_failure(rig: Rig, what: str) -> None:
    """Bytes that are no HTTP/1.1 answer: `protocol`, maybe sent."""
    rig.node.play(Wire((_NOT_HTTP[what],), then="hold"))
    failure = rig.fail()
    assert ("protocol", True) == (failure.kind, failure.sent)


@socket_adapters
def test_a_bad_chunk_size_is_no_answer(rig: Rig) -> None:
    """Broken framing inside a body: maybe sent."""
    rig.node.play(Wire((HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",), then="hold"))
    failure = rig.fail()
    assert failure.kind in ("protocol", "truncated")
    assert failure.sent


@socket_adapters
def test_a_read_timeout_ends_a_silent_call(rig: Rig) -> None:
    """A node that says nothing is given up after the read timeout, long before the deadline."""
    rig.open(read_timeout=SHORT)
    rig.node.play(Wire(then="hold"))
    failure = rig.fail()
    assert ("timeout", True, True, False) == _essence(failure)


@socket_adapters
def test_a_passed_deadline_sends_nothing(rig: Rig) -> None:
    """A call that is late before it begins does not begin."""
    failure = rig.fail(rig.exchange(within=-1.0))
    assert (False, True, False) == _essence(failure)[1:]
    assert [] == rig.node.seen


_SLOW = {
    "silent": Wire(then="hold"),
    "silent after the head": Wire((HEAD + b"Content-Length: 9\r\n\r\n",), then="hold"),
    "dribbled body": Wire((HEAD + b"Content-Length: 99999\r\n\r\n",), dribble=True),
    "dribbled head": Wire((HEAD + b"X: ",), dribble=True),
}


@pytest.mark.parametrize("rig", on_a_socket("deadline"), indirect=True)
@pytest.mark.parametrize("how", _SLOW)
def test_no_node_outlasts_the_deadline(rig: Rig, how: str) -> None:
    """Silence and single bytes alike end at the deadline, and the next call is served."""
    rig.node.play(_SLOW[how], Answer(body=b"fine"))
    failure = rig.fail(rig.exchange(within=SHORT))
    assert ("timeout", True, True, False) == _essence(failure)
    assert b"fine" == rig.send().body


@pytest.mark.parametrize("rig", on_a_socket("deadline"), indirect=True)
def test_a_slow_stream_head_ends_at_the_deadline(rig: Rig) -> None:
    """Opening a stream is a call with a deadline, too."""
    rig.node.play(_SLOW["dribbled head"])
    with pytest.raises(Failure) as caught:
        rig.stream(rig.exchange(within=SHORT))
    assert ("timeout", True, True, False) == _essence(caught.value)


#: how the file names of our own code begin, wherever the checkout lies
OURS = str(Path(ron.__file__).parent) + os.sep

_FAILING = {
    "cut": Wire((HEAD + b"Content-Length: 100\r\n\r\npayload-nobody-may-see",)),
    "no answer": Wire(),
    "no http": Wire((b"payload-nobody-may-see\r\n\r\n",)),
    "coding": Wire((HEAD + b"Content-Encoding: payload-nobody-may-see\r\n\r\nx",)),
}


@socket_adapters
@pytest.mark.parametrize("how", _FAILING)
def test_a_failure_shows_no_secret(rig: Rig, how: str) -> None:
    """Neither text, frames nor chain of a failure hold the token, the target or the payload."""
    rig.node.play(_FAILING[how])
    sent = rig.exchange("POST", b"/app/target-nobody-may-see", body=b"body-nobody-may-see")
    failure = rig.fail(sent, token=TOKEN)
    assert "nobody-may-see" not in str(failure) + repr(failure) + failure.detail
    assert failure.__cause__ is None
    assert failure.__context__ is None
    for frame, _ in traceback.walk_tb(failure.__traceback__):
        if frame.f_code.co_filename.startswith(OURS):
            assert TOKEN not in repr(frame.f_locals), f"in {frame.f_code.co_name}"


def _essence(failure: Failure) -> tuple[str, bool, bool, bool]:
    return (failure.kind, failure.sent, failure.timed_out, failure.permanent)
