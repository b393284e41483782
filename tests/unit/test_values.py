"""The plain values between the stages: what they say, and what they hide."""

from __future__ import annotations

import copy
import pickle

import pytest
from pydantic import SecretStr

from ron._plan import given
from ron._values import UNSET, Credential, Failure, Reply
from tests.unit.rig import credential, reply


def test_unset_is_false_and_says_so() -> None:
    """`UNSET` reads as itself, and is no value."""
    assert "UNSET" == repr(UNSET)
    assert not UNSET
    assert {"a": None, "b": 0} == given(a=None, b=0, c=UNSET)


def test_the_authorization_field() -> None:
    """Scheme and token, one blank between them, under the name that nodes read."""
    assert (b"Authorization", b"Macro cap-1") == Credential("Macro", SecretStr("cap-1")).header()


def test_which_credentials_are_the_same() -> None:
    """Those that would send the same bytes; none is like no credential."""
    one = credential("cap-1")
    assert one.same_as(one)
    assert one.same_as(credential("cap-1"))
    assert not one.same_as(credential("cap-2"))
    assert not one.same_as(Credential("Macro", SecretStr("cap-1")))
    assert not one.same_as(None)


def test_a_credential_refuses_to_travel() -> None:
    """No pickle is made of it; the message says what to do instead."""
    with pytest.raises(TypeError) as raised:
        pickle.dumps(credential("cap-hunter2"))
    assert (
        "a credential does not pickle: build the client anew in the other process, with RonClient.from_env() or a "
        "token_provider"
    ) == str(raised.value)
    with pytest.raises(TypeError, match=r"^a credential does not pickle"):
        copy.copy(credential("cap-hunter2"))
    with pytest.raises(TypeError, match=r"^a credential does not deep-copy: share the client that it belongs to$"):
        copy.deepcopy(credential("cap-hunter2"))
    assert "Credential(Bearer **********)" == repr(credential("cap-hunter2"))


def test_what_is_scrubbed_of_an_answer() -> None:
    """Body and header values lose the token; status, names, order and everything else stay."""
    answer = Reply(500, ((b"X-A", b"1"), (b"X-B", b"<cap-hunter2>")), b"bad cap-hunter2, really")
    assert Reply(500, ((b"X-A", b"1"), (b"X-B", b"<[redacted]>")), b"bad [redacted], really") == credential(
        "cap-hunter2"
    ).scrub(answer)
    for clean in (Reply(500, ((b"X-A", b"1"),), b'{"a":"\\u0041%41"}'), reply(404, b""), reply(400, b"\xff\x00")):
        assert tuple(clean) == tuple(credential("cap-hunter2").scrub(clean)._replace(headers=clean.headers))


@pytest.mark.parametrize("text", ['{"a":"%s"}', ' \n{"a":"%s"}', '["%s"]'])
def test_escapes_of_json_are_read_where_it_is_json(text: str) -> None:
    """Objects and arrays, with or without blanks before them, are read as JSON; other texts are not."""
    escaped = "".join(f"\\u{ord(c):04x}" for c in "cap-hunter2")
    found = credential("cap-hunter2").scrub(reply(500, (text % escaped).encode()))
    assert (text % "[redacted]").encode() == found.body
    plain = f"text {escaped}".encode()
    assert plain == credential("cap-hunter2").scrub(reply(500, plain)).body


def test_which_part_of_an_answer_holds_the_token_does_not_matter() -> None:
    """A token in the body alone goes as surely as one in a header alone."""
    held = credential("cap-hunter2")
    in_body = held.scrub(reply(500, b"cap-hunter2", x_a="1"))
    in_header = held.scrub(reply(500, b"a", x_a="cap-hunter2"))
    assert (b"[redacted]", "1") == (in_body.body, in_body.header(b"x-a"))
    assert (b"a", "[redacted]") == (in_header.body, in_header.header(b"x-a"))


def test_the_last_field_of_a_name_counts() -> None:
    """Names are compared without case, values are Latin-1 without the blanks around them."""
    answer = Reply(200, ((b"X-A", b"1"), (b"x-a", b" caf\xe9\t"), (b"X-B", b"2")), b"")
    assert ("caf\u00e9", "2", None) == (answer.header(b"x-a"), answer.header(b"x-b"), answer.header(b"x-c"))


def test_a_failure_says_what_happened() -> None:
    """What it is told is what it says; by default it is no timeout and may pass."""
    short = Failure("read", "it broke", sent=True)
    assert ("read", "it broke", "it broke", True, False, False) == (
        short.kind,
        short.detail,
        str(short),
        short.sent,
        short.timed_out,
        short.permanent,
    )
    whole = Failure("timeout", "late", sent=False, timed_out=True, permanent=True)
    assert (False, True, True) == (whole.sent, whole.timed_out, whole.permanent)
    with pytest.raises(AssertionError, match="odd"):
        Failure("odd", "it broke", sent=True)
