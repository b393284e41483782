"""Answers whose body is read as it comes."""

from __future__ import annotations

import gzip
import threading

import pytest

from ron._values import Failure
from ron.errors import RonConfigError
from tests.transport.conformance.adapters import everyone, on_a_socket
from tests.transport.conformance.answers import Answer, Wire
from tests.transport.conformance.rig import GUARD, Rig

all_adapters = pytest.mark.parametrize("rig", everyone(), indirect=True)
socket_adapters = pytest.mark.parametrize("rig", on_a_socket(), indirect=True)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n"
SHORT = 0.2


@all_adapters
def test_a_stream_ends_with_its_body(rig: Rig) -> None:
    """All bytes come, then `b""`, again and again."""
    rig.node.play(Answer(body=b"data: 1\n\n" * 1000))
    stream = rig.stream()
    assert (200, b"data: 1\n\n" * 1000) == (stream.status, stream.rest())
    assert b"" == stream.read()
    stream.close()


@all_adapters
@pytest.mark.parametrize("status", [204, 400, 410, 503])
def test_a_stream_has_any_status(rig: Rig, status: int) -> None:
    """An error answer, or none, is told with its head and read like any other."""
    body = b"" if status == 204 else b'{"code":"gone"}'
    rig.node.play(Answer(status, body, length=status != 204))
    stream = rig.stream()
    assert (status, body) == (stream.status, stream.rest())
    stream.close()


@all_adapters
def test_gzip_is_removed_from_a_stream(rig: Rig) -> None:
    """A compressed stream comes out as its content."""
    body = b"data: 1\n\n" * 1000
    rig.node.play(Answer(200, gzip.compress(body), ((b"Content-Encoding", b"gzip"),)))
    stream = rig.stream()
    assert body == stream.rest()
    stream.close()


@all_adapters
def test_an_unknown_coding_fails_a_stream(rig: Rig) -> None:
    """What can't be decoded is `encoding`, at the head or at the first read."""
    rig.node.play(Answer(200, b"abc", ((b"Content-Encoding", b"br"),)))
    with pytest.raises(Failure) as caught:
        rig.stream().rest()
    assert "encoding" == caught.value.kind


@socket_adapters
def test_chunks_arrive_as_they_are_sent(rig: Rig) -> None:
    """The first chunk can be read before the second is written."""
    written = threading.Event()
    rig.node.play(Wire((CHUNKED + b"3\r\none\r\n", written, b"3\r\ntwo\r\n0\r\n\r\n"), then="hold"))
    stream = rig.stream()
    assert b"one" == stream.read()
    written.set()
    assert b"two" == stream.rest()
    stream.close()


@socket_adapters
def test_gzip_chunks_arrive_as_they_are_sent(rig: Rig) -> None:
    """A flushed piece of a compressed stream is not held back."""
    import zlib

    packer = zlib.compressobj(wbits=31)
    first = packer.compress(b"one") + packer.flush(zlib.Z_SYNC_FLUSH)
    second = packer.compress(b"two") + packer.flush()
    head = CHUNKED[:-2] + b"Content-Encoding: gzip\r\n\r\n"
    written = threading.Event()
    parts = [b"%x\r\n%b\r\n" % (len(part), part) for part in (first, second)]
    rig.node.play(Wire((head + parts[0], written, parts[1] + b"0\r\n\r\n"), then="hold"))
    stream = rig.stream()
    assert b"one" == stream.read()
    written.set()
    assert b"two" == stream.rest()
    stream.close()


@socket_adapters
def test_a_read_gives_up_after_its_timeout(rig: Rig) -> None:
    """Silence for longer than the read allows is `timeout`, whatever the call's deadline."""
    rig.node.play(Wire((CHUNKED,), then="hold"))
    stream = rig.stream()
    with pytest.raises(Failure) as caught:
        stream.read(SHORT)
    assert ("timeout", True) == (caught.value.kind, caught.value.timed_out)
    stream.close()


@socket_adapters
def test_the_body_of_a_stream_has_no_deadline(rig: Rig) -> None:
    """A stream is read on after the deadline of its call, and past the channel's read timeout."""
    rig.open(read_timeout=SHORT)
    late = threading.Event()
    rig.node.play(Wire((CHUNKED, late, b"4\r\nlate\r\n0\r\n\r\n"), then="hold"))
    stream = rig.stream(rig.exchange(within=2 * SHORT))
    waiter = threading.Timer(4 * SHORT, late.set)
    waiter.start()
    assert b"late" == stream.read(None)
    waiter.join()
    stream.close()


@socket_adapters
def test_a_silent_head_ends_at_a_timeout(rig: Rig) -> None:
    """Opening a stream ends when the head does not come."""
    rig.open(read_timeout=SHORT)
    rig.node.play(Wire(then="hold"))
    with pytest.raises(Failure) as caught:
        rig.stream()
    assert ("timeout", True, True) == (caught.value.kind, caught.value.sent, caught.value.timed_out)


@socket_adapters
def test_a_stream_that_breaks_off_says_so(rig: Rig) -> None:
    """The connection ends before the last chunk: `truncated`, after what did arrive."""
    rig.node.play(Wire((CHUNKED + b"3\r\none\r\n",)))
    stream = rig.stream()
    assert b"one" == stream.read()
    with pytest.raises(Failure) as caught:
        stream.read()
    assert ("truncated", True) == (caught.value.kind, caught.value.sent)
    stream.close()


@pytest.mark.parametrize("rig", on_a_socket("stream_close"), indirect=True)
def test_closing_a_stream_closes_its_connection(rig: Rig) -> None:
    """The node sees the end of the connection; closing twice is nothing."""
    gone = threading.Event()
    rig.node.play(Wire((CHUNKED + b"3\r\none\r\n",), then="hold", over=gone))
    stream = rig.stream()
    assert b"one" == stream.read()
    stream.close()
    stream.close()
    assert gone.wait(GUARD), "the connection is still open"


@pytest.mark.parametrize("rig", on_a_socket("stream_close"), indirect=True)
def test_closing_the_channel_closes_its_streams(rig: Rig) -> None:
    """No stream outlives its client; reading on is a failure."""
    gone = threading.Event()
    rig.node.play(Wire((CHUNKED + b"3\r\none\r\n",), then="hold", over=gone))
    stream = rig.stream()
    assert b"one" == stream.read()
    rig.close_channel()
    assert gone.wait(GUARD), "the connection is still open"
    with pytest.raises(Failure):
        stream.read()


@socket_adapters
def test_streams_leave_the_calls_their_turn(rig: Rig) -> None:
    """Open streams take nothing from `max_concurrency`."""
    rig.open(max_concurrency=1)
    rig.node.play(Wire((CHUNKED,), then="hold"), Wire((CHUNKED,), then="hold"), Answer(body=b"ok"))
    streams = [rig.stream(), rig.stream()]
    assert b"ok" == rig.send().body
    for stream in streams:
        stream.close()


@socket_adapters
def test_one_stream_too_many_is_a_mistake(rig: Rig) -> None:
    """Streams have no end, so waiting for a place would be for ever: `RonConfigError`."""
    rig.open(max_streams=1)
    rig.node.play(Wire((CHUNKED,), then="hold"))
    taken = rig.stream()
    with pytest.raises(RonConfigError, match="max_streams=1"):
        rig.stream()
    taken.close()


@socket_adapters
def test_a_closed_stream_gives_its_place_back(rig: Rig) -> None:
    """With `max_streams=1`, streams can be opened one after the other for ever."""
    rig.open(max_streams=1)
    rig.node.play(Wire((CHUNKED + b"3\r\none\r\n",), then="hold"))
    for _ in range(5):
        stream = rig.stream()
        assert b"one" == stream.read()
        stream.close()


@pytest.mark.parametrize("rig", [pair for pair in on_a_socket("stream_close") if pair[1] == "sync"], indirect=True)
def test_closing_from_another_thread_wakes_a_read(rig: Rig) -> None:
    """A sync read that waits for ever ends when somebody closes the stream."""
    gone = threading.Event()
    rig.node.play(Wire((CHUNKED + b"3\r\none\r\n",), then="hold", over=gone))
    stream = rig.stream()
    assert b"one" == stream.read(None)
    ended: list[object] = []

    def read() -> None:
        try:
            ended.append(stream.read(None))
        except Failure as failure:
            ended.append(failure)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    stream.close()
    reader.join(GUARD)
    assert not reader.is_alive(), "the read still waits"
    assert gone.wait(GUARD), "the connection is still open"
    assert isinstance(ended[0], Failure) or b"" == ended[0]
