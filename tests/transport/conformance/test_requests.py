"""What leaves: exactly the exchange, `Host` and `Authorization`."""

from __future__ import annotations

import pytest

from ron.errors import RonConfigError
from tests.transport.conformance.adapters import everyone, on_a_socket
from tests.transport.conformance.answers import Answer
from tests.transport.conformance.rig import TOKEN, Rig

all_adapters = pytest.mark.parametrize("rig", everyone(), indirect=True)
socket_adapters = pytest.mark.parametrize("rig", on_a_socket(), indirect=True)

_TARGETS = [
    b"/",
    b"/app/items/i-1",
    b"/app/%7Eitem/a%2Fb%3f?x=%20&y=a+b&z=%C3%A9",
    b"/app//x/",
    b"/a:b@c!$&'()*+,;=~-._?q=/?:@!$()*,;[]",
]


@all_adapters
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_the_method_goes_out_as_it_is(rig: Rig, method: str) -> None:
    """Each verb arrives as itself, once."""
    rig.send(rig.exchange(method))
    assert [method] == [seen.method for seen in rig.node.seen]


@all_adapters
@pytest.mark.parametrize("target", _TARGETS)
def test_the_target_goes_out_byte_for_byte(rig: Rig, target: bytes) -> None:
    """Nothing decodes, encodes, joins or shortens a path or a query."""
    rig.send(rig.exchange("GET", target))
    assert [target] == [seen.target for seen in rig.node.seen]


@pytest.mark.parametrize("rig", everyone(without="apostrophe"), indirect=True)
def test_an_apostrophe_in_a_query_stays_one(rig: Rig) -> None:
    """RFC 3986 allows it there, whatever other standards make of it."""
    rig.send(rig.exchange("GET", b"/x?q='a'"))
    assert [b"/x?q='a'"] == [seen.target for seen in rig.node.seen]


@all_adapters
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_body_goes_out_with_its_length(rig: Rig, method: str) -> None:
    """The bytes of the body arrive under one right Content-Length, not chunked."""
    body = bytes(range(256)) * 300
    rig.send(rig.exchange(method, body=body))
    (seen,) = rig.node.seen
    assert body == seen.body
    assert [b"%d" % len(body)] == seen.values(b"content-length")
    assert [] == seen.values(b"transfer-encoding")


@all_adapters
def test_an_empty_write_says_that_it_is_empty(rig: Rig) -> None:
    """A POST without a body has one `Content-Length: 0`."""
    rig.send(rig.exchange("POST"))
    assert [b"0"] == rig.node.seen[0].values(b"content-length")


@all_adapters
def test_header_fields_are_those_of_the_exchange(rig: Rig) -> None:
    """Nothing is added but Host: no cookie, user agent, referer, accept of a library's own."""
    given = (
        (b"User-Agent", b"ron-test"),
        (b"Accept", b"application/json"),
        (b"Accept-Encoding", b"gzip"),
        (b"X-Request-Id", b"0" * 32),
    )
    rig.send(rig.exchange("POST", body=b"{}", headers=given))
    (seen,) = rig.node.seen
    wanted = {name.lower(): value for name, value in given}
    wanted[b"content-length"] = b"2"
    authority = b"127.0.0.1" if rig.node.port == 80 else b"127.0.0.1:%d" % rig.node.port
    wanted[b"host"] = authority
    assert sorted(wanted.items()) == sorted((name.lower(), value) for name, value in seen.headers)


@pytest.mark.parametrize("rig", everyone(without="bare exchange"), indirect=True)
def test_no_user_agent_goes_out_unasked(rig: Rig) -> None:
    """An exchange without header fields arrives with Host alone."""
    rig.send(rig.exchange())
    assert [b"host"] == [name.lower() for name, _ in rig.node.seen[0].headers]


@all_adapters
def test_the_credential_becomes_the_authorization(rig: Rig) -> None:
    """`Authorization` is there once, scheme and token, when a credential is given."""
    rig.send(token=TOKEN)
    assert [f"Bearer {TOKEN}".encode()] == rig.node.seen[0].values(b"authorization")


@all_adapters
def test_without_a_credential_there_is_no_authorization(rig: Rig) -> None:
    """Neither an earlier call's token nor credentials of anybody else go out."""
    rig.send(token=TOKEN)
    rig.send()
    assert [] == rig.node.seen[1].values(b"authorization")


@all_adapters
def test_cookies_are_not_sent_back(rig: Rig) -> None:
    """What a node sets is forgotten."""
    rig.node.play(Answer(headers=((b"Set-Cookie", b"sid=1; Path=/"),)))
    rig.send()
    rig.send()
    assert [] == rig.node.seen[1].values(b"cookie")


@socket_adapters
def test_connections_are_kept_for_the_next_request(rig: Rig) -> None:
    """Three requests one after the other need one connection."""
    rig.node.play(Answer(body=b"one"), Answer(204, length=False), Answer(404, body=b"{}"))
    assert [200, 204, 404] == [rig.send().status for _ in range(3)]
    assert 1 == rig.node.connections


@all_adapters
def test_a_closed_channel_says_so(rig: Rig) -> None:
    """Use after close is `RonConfigError`, for streams too; closing again is nothing."""
    rig.send()
    rig.close_channel()
    rig.close_channel()
    with pytest.raises(RonConfigError, match="closed"):
        rig.send()
    with pytest.raises(RonConfigError, match="closed"):
        rig.stream()
    assert 1 == len(rig.node.seen)
