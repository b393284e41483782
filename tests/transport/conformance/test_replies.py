"""What comes back: status and fields as received, the body without its coding, in bounds."""

from __future__ import annotations

import gzip
import zlib

import pytest

from tests.transport.conformance.adapters import everyone, on_a_socket
from tests.transport.conformance.answers import Answer, Wire, gzipped
from tests.transport.conformance.rig import Rig

all_adapters = pytest.mark.parametrize("rig", everyone(), indirect=True)
socket_adapters = pytest.mark.parametrize("rig", on_a_socket(), indirect=True)
HEAD = b"HTTP/1.1 200 OK\r\n"


@all_adapters
@pytest.mark.parametrize("status", [200, 201, 202, 400, 401, 404, 409, 410, 429, 500, 503])
def test_a_status_comes_with_its_body(rig: Rig, status: int) -> None:
    """Every status is an answer, not an error."""
    rig.node.play(Answer(status, b'{"code":"x"}'))
    reply = rig.send()
    assert (status, b'{"code":"x"}') == (reply.status, reply.body)


@all_adapters
@pytest.mark.parametrize("status", [204, 304])
def test_a_bodiless_status_has_no_body(rig: Rig, status: int) -> None:
    """204 and 304 end with their head."""
    rig.node.play(Answer(status, length=False))
    reply = rig.send()
    assert (status, b"") == (reply.status, reply.body)


@all_adapters
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_an_answer(rig: Rig, status: int, method: str) -> None:
    """Nothing follows a Location."""
    rig.node.play(Answer(status, b"moved", ((b"Location", b"/elsewhere"),)))
    reply = rig.send(rig.exchange(method))
    assert (status, b"moved", "/elsewhere") == (reply.status, reply.body, reply.header(b"location"))
    assert 1 == len(rig.node.seen)


@all_adapters
def test_a_head_answer_has_no_body(rig: Rig) -> None:
    """A HEAD's Content-Length announces nothing, however large it is."""
    rig.node.play(Answer(200, b"", ((b"Content-Length", b"999999999"),), length=False))
    reply = rig.send(rig.exchange("HEAD"))
    assert (b"", "999999999") == (reply.body, reply.header(b"content-length"))


@all_adapters
def test_repeated_fields_are_all_kept(rig: Rig) -> None:
    """The reply has every field, those of one name in order (RFC 9110 §5.3); `header` tells the last."""
    rig.node.play(Answer(headers=((b"X-A", b"1"), (b"X-B", b"2"), (b"X-A", b"3"))))
    reply = rig.send()
    named = [(name.lower(), value) for name, value in reply.headers if name.lower()[:2] == b"x-"]
    assert [(b"x-a", b"1"), (b"x-a", b"3"), (b"x-b", b"2")] == sorted(named, key=lambda field: field[0])
    assert "3" == reply.header(b"x-a")


@all_adapters
@pytest.mark.parametrize("coding", [b"gzip", b"x-gzip", b"GZIP"])
def test_one_layer_of_gzip_is_removed(rig: Rig, coding: bytes) -> None:
    """A gzip body comes out as its content."""
    body = b'{"a":1}' * 5000
    rig.node.play(Answer(200, gzip.compress(body), ((b"Content-Encoding", coding),)))
    assert body == rig.send().body


@all_adapters
@pytest.mark.parametrize("coding", [b"identity", b""])
def test_identity_is_no_coding(rig: Rig, coding: bytes) -> None:
    """`identity` leaves the bytes as they are."""
    rig.node.play(Answer(200, b"plain", ((b"Content-Encoding", coding),)))
    assert b"plain" == rig.send().body


@all_adapters
def test_an_empty_gzip_body_is_empty(rig: Rig) -> None:
    """No bytes under `Content-Encoding: gzip` are no error."""
    rig.node.play(Answer(200, b"", ((b"Content-Encoding", b"gzip"),)))
    assert b"" == rig.send().body


@all_adapters
def test_truncated_gzip_is_a_failure(rig: Rig) -> None:
    """A gzip body that ends early is not an answer, though its length is right."""
    rig.node.play(Answer(200, gzip.compress(b"x" * 9000)[:-9], ((b"Content-Encoding", b"gzip"),)))
    failure = rig.fail()
    assert failure.kind in ("truncated", "encoding")
    assert failure.sent


_BROKEN = {
    "no gzip": (b"not gzip at all", b"gzip"),
    "wrong checksum": (gzip.compress(b"abc")[:-8] + bytes(8), b"gzip"),
    "two members": (gzip.compress(b"abc") + gzip.compress(b"def"), b"gzip"),
    "bytes behind": (gzip.compress(b"abc") + b"tail", b"gzip"),
    "unknown": (b"\x0b\x02\x80abc\x03", b"br"),
    "deflate": (zlib.compress(b"abc"), b"deflate"),
    "two layers": (gzip.compress(gzip.compress(b"abc")), b"gzip, gzip"),
}


@all_adapters
@pytest.mark.parametrize("case", _BROKEN)
def test_an_unreadable_coding_is_a_failure(rig: Rig, case: str) -> None:
    """Anything but identity and one whole gzip member is an `encoding` failure."""
    body, coding = _BROKEN[case]
    rig.node.play(Answer(200, body, ((b"Content-Encoding", coding),)))
    failure = rig.fail()
    assert ("encoding", True) == (failure.kind, failure.sent)


@all_adapters
def test_an_answer_at_the_limit_is_taken(rig: Rig) -> None:
    """`max_response_bytes` itself is allowed, plain and compressed."""
    rig.open(max_response_bytes=5000)
    rig.node.play(Answer(body=b"x" * 5000), gzipped(b"y" * 5000))
    assert (b"x" * 5000, b"y" * 5000) == (rig.send().body, rig.send().body)


@all_adapters
def test_an_answer_that_announces_too_much_is_refused(rig: Rig) -> None:
    """One byte over the limit by Content-Length is `too_large`, and permanent."""
    rig.open(max_response_bytes=5000)
    rig.node.play(Answer(body=b"x" * 5001))
    failure = rig.fail()
    assert ("too_large", True, True) == (failure.kind, failure.permanent, failure.sent)


@all_adapters
def test_a_bomb_is_stopped_while_inflating(rig: Rig) -> None:
    """A small gzip body with a huge content is `too_large`."""
    rig.open(max_response_bytes=100_000)
    rig.node.play(gzipped(bytes(30_000_000)))
    failure = rig.fail()
    assert ("too_large", True) == (failure.kind, failure.permanent)


@socket_adapters
def test_an_unannounced_flood_is_stopped_while_reading(rig: Rig) -> None:
    """A body without end and without Content-Length is `too_large` as soon as it is."""
    rig.open(max_response_bytes=2000)
    chunk = b"400\r\n" + b"x" * 1024 + b"\r\n"
    rig.node.play(Wire((HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 3), then="hold"))
    failure = rig.fail()
    assert ("too_large", True) == (failure.kind, failure.permanent)


_CHUNKS = (
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nab",
    b"c\r\n2\r\nde\r\n0\r\nX: 1\r\n\r\n",
)


@socket_adapters
def test_chunks_are_put_together(rig: Rig) -> None:
    """A chunked body, extensions and trailers included, is one body."""
    rig.node.play(Wire(_CHUNKS, then="keep"))
    assert [b"abcde", b"abcde"] == [rig.send().body, rig.send().body]


@pytest.mark.parametrize("rig", on_a_socket(without="prompt reuse"), indirect=True)
def test_a_chunked_answer_keeps_its_connection(rig: Rig) -> None:
    """After the last chunk and the trailers the connection serves the next call."""
    rig.node.play(Wire(_CHUNKS, then="keep"))
    assert [b"abcde", b"abcde"] == [rig.send().body, rig.send().body]
    assert 1 == rig.node.connections


@socket_adapters
def test_a_body_may_end_with_the_connection(rig: Rig) -> None:
    """Without Content-Length and chunks, the end of the connection is the end of the body."""
    rig.node.play(Wire((HEAD + b"\r\n", b"until the end")))
    assert b"until the end" == rig.send().body


@socket_adapters
def test_an_informational_answer_is_passed_over(rig: Rig) -> None:
    """103 is not the answer yet."""
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    rig.node.play(Wire((early, HEAD + b"Content-Length: 2\r\n\r\nok"), then="keep"))
    reply = rig.send()
    assert (200, b"ok") == (reply.status, reply.body)


@pytest.mark.parametrize("rig", on_a_socket("surplus_check"), indirect=True)
def test_surplus_bytes_are_nobodys_answer(rig: Rig) -> None:
    """A second answer behind the first is thrown away with its connection."""
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
    rig.node.play(Wire((HEAD + b"Content-Length: 2\r\n\r\nok" + forged,), then="keep"), Answer(body=b"mine"))
    assert [b"ok", b"mine"] == [rig.send().body, rig.send().body]
