"""JSON that is a bomb, or none: a typed error or the right value, wherever JSON is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Optional

import pytest

from ron import Resource, RonInvalidError, RonParseError, server
from tests.bounds.caller import Caller, Node, Script, called, names, sockets
from tests.bounds.wire_cases import ES
from tests.transport.raw_server import answer

PAIRS = [pair for pair in sockets() if pair[0].name == "lanes"]
ROOMY = 16 * 1024 * 1024


@pytest.fixture(scope="module", params=PAIRS, ids=names(PAIRS))
def caller(request: pytest.FixtureRequest) -> Iterator[Caller]:
    """One client for all cases, with the default bound on answers."""
    with called(*request.param, max_response_bytes=ROOMY) as made:
        yield made


class Bad(NamedTuple):
    """A JSON text that is refused: the reason that the error gives, if it is not just that it isn't valid."""

    text: bytes
    why: str = "is not valid JSON"


class Good(NamedTuple):
    """A JSON text that is read, and the value in it."""

    text: bytes
    value: Any


_FLOAT = "holds a number beyond the range of a float"
BAD = {
    "a list bomb": Bad(b"[" * 5_000_000),
    "a closed list bomb": Bad(b"[" * 100_000 + b"]" * 100_000),
    "an object bomb": Bad(b'{"a":' * 1_000_000),
    "an integer of 5 MB": Bad(b"9" * 5_000_000),
    "a negative integer of 5 MB": Bad(b"-" + b"9" * 5_000_000),
    "an integer of 4301 digits": Bad(b"1" * 4301),
    "a float of 5 MB": Bad(b"9" * 5_000_000 + b".5"),
    "NaN": Bad(b"NaN"),
    "Infinity": Bad(b"Infinity"),
    "-Infinity": Bad(b"-Infinity"),
    "1e999": Bad(b"1e999", _FLOAT),
    "-1E+0999": Bad(b"-1E+0999", _FLOAT),
    "a lone high surrogate": Bad(b'"\\ud800"'),
    "a lone low surrogate": Bad(b'"\\udc00 and more"'),
    "surrogates in the wrong order": Bad(b'"\\udc00\\ud800"'),
    "CESU-8": Bad(b'"\xed\xa0\x80"'),
    "invalid UTF-8": Bad(b'"\xff"'),
    "an overlong NUL": Bad(b'"\xc0\x80"'),
    "a control character": Bad(b'"\x01"'),
    "two values": Bad(b"1 2"),
    "a leading zero": Bad(b"01"),
    "a plus": Bad(b"+1"),
    "a trailing comma": Bad(b"[1,]"),
    "a comment": Bad(b"1 // one"),
    "a single quote": Bad(b"'a'"),
}
GOOD = {
    "a string of 5 MB": Good(b'"' + b"x" * 5_000_000 + b'"', "x" * 5_000_000),
    "100 000 escapes": Good(b'"' + b"\\u0041" * 100_000 + b'"', "A" * 100_000),
    "an integer of 4300 digits": Good(b"1" * 4300, (10**4300 - 1) // 9),
    "a surrogate pair": Good(b'"\\ud83d\\ude00"', "\U0001f600"),
    "NUL": Good(b'"\\u0000"', "\0"),
    "a duplicate name": Good(b'{"a": 1, "a": 2}', {"a": 2}),
    "1e-999": Good(b"1e-999", 0.0),
    "-0": Good(b"-0", 0),
    "the largest float": Good(b"1.7976931348623157e308", 1.7976931348623157e308),
    "150 levels": Good(b"[" * 150 + b"1" + b"]" * 150, None),
}
# Of a whole body only: in an event these bytes are part of a text, and inside an object no part of one.
WHOLE = {
    "a byte order mark": Bad(b"\xef\xbb\xbf{}"),
    "UTF-16": Bad("{}".encode("utf-16")),
    "UTF-16 without its mark": Bad('{"a": 1}'.encode("utf-16-le")),
    "UTF-32": Bad("{}".encode("utf-32")),
    "blanks": Bad(b" \r\n\t"),
    "a NUL": Bad(b"\0"),
}
bad = pytest.mark.parametrize("name", BAD)
good = pytest.mark.parametrize("name", GOOD)


def play(caller: Caller, body: bytes, *fields: bytes, status: bytes = b"200 OK") -> None:
    """The node answers so from now on."""
    assert isinstance(caller.node, Node)
    caller.node.plays = Script(answer(body, *fields, status=status), ends=False)


def refused(call: Any, *says: str, attempts: Optional[int] = 1) -> None:
    """The call raises a `RonParseError` that is short, printable and quotes nothing."""
    with pytest.raises(RonParseError) as raised:
        call()
    text = str(raised.value)
    assert (len(text) < 250, True) == (True, text.isprintable()), text
    for part in says:
        assert part in text
    assert "99999" not in text
    assert (None, None) == (raised.value.__cause__, raised.value.__context__)
    if attempts is not None:
        assert attempts == raised.value.attempts


@pytest.mark.parametrize("name", [*BAD, *WHOLE])
def test_a_plain_call_refuses(caller: Caller, name: str) -> None:
    """A body that is no JSON, or would cost too much to read, is a `RonParseError`."""
    text, why = {**BAD, **WHOLE}[name]
    play(caller, text)
    refused(lambda: caller.get("/x"), f"the body {why}", f"status 200, {len(text)} bytes")


@good
def test_a_plain_call_reads(caller: Caller, name: str) -> None:
    """What is JSON is read, however odd."""
    play(caller, GOOD[name].text)
    value = caller.get("/x")
    assert GOOD[name].value is None or GOOD[name].value == value


@bad
def test_typed_calls_refuse(caller: Caller, name: str) -> None:
    """The same holds inside an object, a page, and a member that the resource does not declare."""
    text, why = BAD[name].text[:500_000], BAD[name].why
    for member in (b"name", b"size", b"weight", b"undeclared"):
        play(caller, b'{"id": "a", "%b": %b}' % (member, text))
        refused(caller.item, "the answer is no Item: ", why)
    play(caller, b'{"items": [{"id": "a", "undeclared": %b}]}' % text)
    refused(caller.page, "the answer is no page of Item: ", why)
    play(caller, b'{"items": [], "next_page_token": %b}' % text)
    refused(caller.page, "the answer is no page of Item: ", why)


@good
def test_typed_calls_read(caller: Caller, name: str) -> None:
    """Members that the resource does not declare are kept as they are."""
    play(caller, b'{"id": "a", "undeclared": %b}' % GOOD[name].text)
    extra = caller.item().model_extra
    assert GOOD[name].value is None or {"undeclared": GOOD[name].value} == extra
    play(caller, b'{"items": [{"id": "a", "undeclared": %b}]}' % GOOD[name].text)
    assert GOOD[name].value is None or GOOD[name].value == caller.page().items[0].model_extra["undeclared"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"id": "a", "size": "' + b"9" * 5_000_000 + b'"}', "size: "),
        (b'{"id": "a", "size": 1e308}', "size: "),
        (b'{"id": "a", "weight": "NaN"}', "weight: "),
        (b'{"id": "a", "weight": "1e999"}', "weight: "),
        (b'{"id": ' + b"9" * 4300 + b"}", "id: "),
    ],
    ids=["an integer as text of 5 MB", "1e308 as an integer", "NaN as text", "1e999 as text", "a number as a key"],
)
def test_typed_fields_refuse(caller: Caller, body: bytes, says: str) -> None:
    """A field's own type refuses what is JSON but no value of it, and the message names the field."""
    play(caller, body)
    refused(caller.item, f"the answer is no Item: {says}")


@pytest.mark.parametrize("name", [*BAD, *WHOLE])
def test_error_answers_are_read_safely(caller: Caller, name: str) -> None:
    """An error answer that is no JSON, or holds what is none, is the error of its status, with nothing copied."""
    text = {**BAD, **WHOLE}[name].text[:60_000]
    for body in (text, b'{"code": "c", "details": %b}' % text):
        play(caller, body, status=b"422 No")
        with pytest.raises(RonInvalidError) as raised:
            caller.get("/x")
        assert (
            f"GET /x: 422 bad_request: the node answered 422 with a body that is no Problem ({len(body)} bytes)"
            in str(raised.value)
            or b"" == body.strip()
        )
        assert ({}, {}) == (raised.value.problem.details, raised.value.problem.extra)


def line(text: bytes) -> bytes:
    """An event with this text, of at most what a line may hold."""
    return b"event: added\nid: 7\ndata: %b\n\n" % text


# The stream's reader puts U+FFFD in the place of invalid UTF-8, as the standard says: no matter of JSON there.
@pytest.mark.parametrize(
    "name", [name for name, case in BAD.items() if b'"\xed' != case.text[:2] and not case.text[1:2] > b"\x7f"]
)
def test_events_refuse(caller: Caller, name: str) -> None:
    """`json_data()` and typed changes refuse the same, naming the event and not its data."""
    text = BAD[name].text[:900_000]
    play(caller, line(text), ES)
    refused(lambda: caller.events("/x"), "the data of a server-sent event of type 'added' is not JSON", attempts=None)
    play(caller, line(b'{"id": "a", "undeclared": %b}' % text), ES)
    refused(caller.changes, "event 'added' with id '7' is no Item: ")


@good
def test_events_read(caller: Caller, name: str) -> None:
    """What is JSON and fits a line is read."""
    text, value = GOOD[name]
    if len(text) > 1_000_000:
        text, value = b'"' + b"x" * 900_000 + b'"', "x" * 900_000
    play(caller, line(b'{"id": "a", "undeclared": %b}' % text), ES)
    [found] = caller.events("/x")
    [change] = caller.changes()
    assert found["undeclared"] == change.item.model_extra["undeclared"]
    assert value is None or value == found["undeclared"]


def test_an_empty_answer_to_create(caller: Caller) -> None:
    """A create answered with 201 and nothing says that the object's representation is missing."""
    from tests.bounds.caller import Item

    play(caller, b"", status=b"201 Created")
    refused(
        lambda: caller.run(caller.client.objects(Item).create(name="a")), "the answer is no Item: the body is empty"
    )


class Box(Resource, path="/boxes"):
    """A resource that holds a list."""

    id: str = server()
    parts: list[str]


def test_millions_of_mistakes(caller: Caller) -> None:
    """A page is refused at its first wrong item, and of a field's many mistakes only the number is told."""
    play(caller, b'{"items": [%b0]}' % (b"0," * 500_000))
    refused(caller.page, "the answer is no page of Item: items[0]: Input should be an object (")
    play(caller, b'{"id": "a", "parts": [%b0]}' % (b"0," * 20_000))
    refused(lambda: caller.run(caller.client.objects(Box).get("a")), "the answer is no Box: 20001 places are not valid")
