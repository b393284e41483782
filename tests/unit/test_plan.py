"""From a call's arguments to a `Plan`: paths, queries, headers, keys, timeouts, bodies."""

from __future__ import annotations

import enum
import json
import math
import re
from decimal import Decimal
from typing import Any, Callable
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ron._plan import (
    METHODS,
    checked_headers,
    checked_key,
    checked_timeout,
    encode_json,
    encode_path,
    encode_query,
    plain_plan,
)
from ron.errors import RonConfigError, RonInputError

ANY_TEXT = st.text(max_size=30) | st.text(alphabet="/%.?#\\aé2eEfF05c:@ \x00\x1f\ud800", max_size=16)


class Size(enum.IntEnum):
    """A number with a name."""

    SMALL = 1


class Colour(str, enum.Enum):
    """A text with a name."""

    RED = "red"


def refusal(kind: type[RonConfigError], make: Callable[[], Any]) -> str:
    """The text of the error; nothing is chained to it."""
    with pytest.raises(RonConfigError) as raised:
        make()
    assert kind is type(raised.value)
    assert (None, None) == (raised.value.__cause__, raised.value.__context__)
    return str(raised.value)


# --- Paths ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "encoded"),
    [
        ("/app/hello", b"/app/hello"),
        ("/", b"/"),
        ("/app/items/", b"/app/items/"),
        ("/app/a b", b"/app/a%20b"),
        ("/app/a%20b", b"/app/a%20b"),
        ("/app/caf\u00e9", b"/app/caf%C3%A9"),
        ("/app/caf%c3%a9", b"/app/caf%C3%A9"),
        ("/app/i-1:archive@x;v=1,2", b"/app/i-1:archive@x;v=1,2"),
        ("/app/~me/.hidden/...", b"/app/~me/.hidden/..."),
        ('/app/"<>^`{|}', b"/app/%22%3C%3E%5E%60%7B%7C%7D"),
    ],
)
def test_a_path_is_encoded_once(path: str, encoded: bytes) -> None:
    """A path is encoded as RFC 3986 says, whether it came encoded or not."""
    assert encoded == encode_path(path)
    assert encoded == encode_path(encoded.decode())


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "a path begins with '/', such as '/app/hello', not ''"),
        ("app/hello", "a path begins with '/', such as '/app/hello', not 'app/hello'"),
        ("https://evil.example/", "a path begins with '/'"),
        (None, "a path begins with '/', such as '/app/hello', not None"),
        (b"/app", "a path begins with '/'"),
        ("//evil.example/app", "a path begins with one '/', not two: '//evil.example/app' would name another host"),
        ("/app?x=1", "a path holds no '?': give the query as query={'name': 'value'}"),
        ("/app#x", "a path segment holds '#', plain or percent-encoded: gateways would change its meaning"),
        ("/app\\x", "a path segment holds '\\\\', plain or percent-encoded"),
        ("/app/%2Fx", "a path segment holds '/', plain or percent-encoded"),
        ("/app/%3fx", "a path segment holds '?', plain or percent-encoded"),
        ("/app/%23x", "a path segment holds '#', plain or percent-encoded"),
        ("/app/%5cx", "a path segment holds '\\\\', plain or percent-encoded"),
        ("/app/%25", "a path segment holds '%', plain or percent-encoded"),
        ("/app/%252e%252e", "a path segment holds '%', plain or percent-encoded"),
        ("/app/../admin", "a path holds no '..' segments, plain or percent-encoded: write the path in full"),
        ("/app/./x", "a path holds no '.' segments"),
        ("/..", "a path holds no '..' segments"),
        ("/app/%2e%2e/admin", "a path holds no '..' segments"),
        ("/app/.%2E", "a path holds no '..' segments"),
        ("/app/%2e", "a path holds no '.' segments"),
        ("/app/100%", "a '%' in a path must begin an escape such as %20: '/app/100%'"),
        ("/app/%zz", "a '%' in a path must begin an escape"),
        ("/app/a\nb", "a path segment holds a control character, plain or percent-encoded"),
        ("/app/a\x00b", "a path segment holds a control character"),
        ("/app/%0d%0aX-Evil:1", "a path segment holds a control character"),
        ("/app/%7f", "a path segment holds a control character"),
        ("/app/\x85", "a path segment holds a control character"),
        ("/app/\u2028", "a path segment holds a control character"),
        ("/app/\ud800", "a path must be valid UTF-8 text, also where it is percent-encoded"),
        ("/app/%ff", "a path must be valid UTF-8 text"),
        ("/app/%ed%a0%80", "a path must be valid UTF-8 text"),
        ("/app/%c0%ae%c0%ae", "a path must be valid UTF-8 text"),
    ],
)
def test_a_wrong_path_is_refused(path: Any, message: str) -> None:
    """What could change meaning behind a gateway is refused, encoded or not, with the reason."""
    assert message in refusal(RonConfigError, lambda: encode_path(path))


@given(ANY_TEXT.map(lambda text: "/" + text))
def test_any_text_as_a_path_is_one_sound_path_or_refused(path: str) -> None:
    """Whatever the text, the encoded path has the same segments, no query and no host, or it is refused."""
    try:
        encoded = encode_path(path)
    except RonConfigError:
        return
    text = encoded.decode("ascii")
    parts = urlsplit("http://node" + text)
    assert ("node", text, "", "") == (parts.netloc, parts.path, parts.query, parts.fragment)
    assert [unquote(segment) for segment in path.split("/")] == [unquote(segment) for segment in text.split("/")]
    assert not re.search(r"[^!-~]|%(2[fF3]|25|5[cC]|3[fF]|[01]|7[fF])", text)
    assert not {".", ".."} & set(unquote(text).split("/"))


# --- Queries ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "encoded"),
    [
        (None, b""),
        ({}, b""),
        ({"a": "b c&d=e+f"}, b"a=b%20c%26d%3De%2Bf"),
        ({"a": ["x", "y"], "b": ("z",)}, b"a=x&a=y&b=z"),
        ({"n": 5, "f": 1.5, "t": True, "no": False}, b"n=5&f=1.5&t=true&no=false"),
        ({"e": 1e22}, b"e=1e%2B22"),
        ({"size": Size.SMALL, "colour": Colour.RED}, b"size=1&colour=red"),
        ({"caf\u00e9": "\u2603"}, b"caf%C3%A9=%E2%98%83"),
        ({"": ""}, b"="),
        ({"none": []}, b""),
        ({"path": "a/b~c-d._"}, b"path=a%2Fb~c-d._"),
        ({"most": 10**1000 - 1}, b"most=" + b"9" * 1000),
        ({"line": "a\r\nb\x00"}, b"line=a%0D%0Ab%00"),
    ],
)
def test_a_query_is_encoded(query: Any, encoded: bytes) -> None:
    """Everything but unreserved characters is encoded; lists repeat their name; named numbers are numbers."""
    assert encoded == encode_query(query)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (["a"], "query must be a mapping of names to values, not list"),
        ("a=b", "query must be a mapping of names to values, not str"),
        ({"a": None}, "query value 'a' must be a str, an int of at most 1000 digits, a finite float, a bool or a list"),
        ({"a": None}, "not NoneType; leave it out instead of giving None"),
        ({"a": [None]}, "not NoneType"),
        ({"a": {"b": 1}}, "not dict"),
        ({"a": b"x"}, "not bytes"),
        ({"a": Decimal(1)}, "not Decimal"),
        ({"a": math.nan}, "a finite float"),
        ({"a": math.inf}, "a finite float"),
        ({"a": 10**5000}, "an int of at most 1000 digits"),
        ({"a": 10**1000}, "an int of at most 1000 digits"),
        ({"a": -(10**1000)}, "an int of at most 1000 digits"),
        ({None: "a"}, "query value of a name that is NoneType must be"),
        ({10**5000: "a"}, "query value of a name that is int must be"),
        ({"a": "\ud800"}, "query value 'a' holds a lone surrogate"),
    ],
)
def test_a_wrong_query_is_refused(query: Any, message: str) -> None:
    """A value that has no plain text form is refused with its name."""
    assert message in refusal(RonInputError, lambda: encode_query(query))


def test_the_longest_path_and_query() -> None:
    """16 KiB of path and 32 KiB of query, encoded, are the most; the message tells the limit and what was given."""
    assert 16 * 1024 == len(encode_path("/" + "a" * (16 * 1024 - 1)))
    assert 32 * 1024 == len(encode_query({"q": "a" * (32 * 1024 - 2)}))
    assert "a path holds at most 16384 bytes once it is encoded, not 16385" == refusal(
        RonConfigError, lambda: encode_path("/" + "a" * 16 * 1024)
    )
    assert "a query holds at most 32768 bytes once it is encoded, not 32769: ask for less at once" == refusal(
        RonInputError, lambda: encode_query({"q": "a" * (32 * 1024 - 1)})
    )


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20) | st.integers() | st.booleans(), max_size=4))
def test_any_query_is_read_back_as_given(query: dict[str, Any]) -> None:
    """Whatever the texts, a server reads the same names and values, or the query is refused."""
    try:
        encoded = encode_query(query)
    except RonInputError:
        return
    wanted = [(k, str(v).lower() if isinstance(v, bool) else str(v)) for k, v in query.items()]
    assert wanted == parse_qsl(encoded.decode("ascii"), keep_blank_values=True, strict_parsing=bool(query))


# --- Headers ----------------------------------------------------------------------------------------


def test_headers_become_bytes() -> None:
    """Names keep their case, values are Latin-1 as on the wire."""
    assert ((b"X-One", b"1"), (b"accept", b"caf\xe9\tx")) == checked_headers({"X-One": "1", "accept": "caf\u00e9\tx"})
    assert () == checked_headers(None)
    assert () == checked_headers({})


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("Authorization", "give token=... or token_provider=... to the client"),
        ("AUTHORIZATION", "give token=... or token_provider=... to the client"),
        ("Idempotency-Key", "give idempotency_key=... to the call"),
        ("host", "leave it out"),
        ("Content-Length", "leave it out"),
        ("Transfer-Encoding", "leave it out"),
        ("Connection", "leave it out"),
    ],
)
def test_headers_of_our_own_are_refused(name: str, instead: str) -> None:
    """Fields that the client sets itself cannot be given, in no case of letters; the value is not shown."""
    with pytest.raises(RonConfigError) as raised:
        checked_headers({name: "hunter2"})
    assert f"header {name!r} is set by the client itself: {instead}" == str(raised.value)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ([("a", "b")], "headers must be a mapping of names to values, not list"),
        ({"": "x"}, "'' is no header name"),
        ({"a b": "x"}, "'a b' is no header name"),
        ({"a:": "x"}, "'a:' is no header name"),
        ({"a\n": "x"}, r"'a\n' is no header name"),
        ({"\u00e9": "x"}, "'\u00e9' is no header name"),
        ({5: "x"}, "5 is no header name"),
        (
            {"X-A": "hunter2\r\nX-Evil: 1"},
            "the value of header 'X-A' must be a str of at most 8000 printable characters",
        ),
        ({"X-A": "hunter2\x00"}, "the value of header 'X-A' must be"),
        ({"X-A": " hunter2"}, "without line ends or blanks around it"),
        ({"X-A": "hunter2\u2603"}, "the value of header 'X-A' must be"),
        ({"X-A": "hunter2" * 2000}, "the value of header 'X-A' must be"),
        ({"X-A": b"hunter2"}, "the value of header 'X-A' must be a str"),
        ({"X-A": None}, "the value of header 'X-A' must be a str"),
    ],
)
def test_wrong_headers_are_refused(headers: Any, message: str) -> None:
    """Names and values that no field can have are refused; a value is never shown."""
    said = refusal(RonConfigError, lambda: checked_headers(headers))
    assert message in said
    assert "hunter2" not in said


@given(st.text(max_size=12), ANY_TEXT)
def test_any_header_is_one_sound_field_or_refused(name: str, value: str) -> None:
    """Whatever the texts, the result is one field of RFC 9110 with the same value, or a RonConfigError."""
    try:
        [(key, content)] = checked_headers({name: value})
    except RonConfigError:
        return
    assert re.fullmatch(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+", key)
    assert re.fullmatch(rb"[\t\x20-\x7e\x80-\xff]*", content)
    assert (name, value) == (key.decode("ascii"), content.decode("latin-1"))


# --- Keys and timeouts ------------------------------------------------------------------------------


def test_an_idempotency_key_is_given_or_minted() -> None:
    """A str is taken as it is, True makes one, None means none."""
    assert "k-1 of 2" == checked_key("k-1 of 2", lambda: "minted")
    assert "k" * 64 == checked_key("k" * 64, lambda: "minted")
    assert "minted" == checked_key(True, lambda: "minted")
    assert checked_key(None, lambda: "minted") is None


@pytest.mark.parametrize("key", ["", " k", "k ", "k" * 65, "k\n", "k\u00e9", "\x7f", False, 5, b"k"])
def test_a_wrong_idempotency_key_is_refused(key: Any) -> None:
    """1 to 64 printable ASCII characters are what nodes forward."""
    message = (
        "idempotency_key must be 1 to 64 printable ASCII characters without blanks around them, or True to have one "
        "made"
    )
    assert message == refusal(RonInputError, lambda: checked_key(key, lambda: "minted"))


@given(st.text(max_size=70))
def test_any_text_is_a_key_or_refused(key: str) -> None:
    """Whatever is accepted goes over the wire as it is."""
    try:
        checked = checked_key(key, lambda: "minted")
    except RonInputError:
        return
    assert key == checked
    assert re.fullmatch(r"[\x21-\x7e]([\x20-\x7e]{0,62}[\x21-\x7e])?", key)


@pytest.mark.parametrize(("timeout", "seconds"), [(None, None), (1, 1.0), (0.001, 0.001), (86_400, 86_400.0)])
def test_a_timeout_is_in_seconds(timeout: Any, seconds: Any) -> None:
    """Whole and broken seconds up to a day are fine; None is the client's own."""
    assert seconds == checked_timeout(timeout)


@pytest.mark.parametrize("timeout", [0, -1, 86_401, math.nan, math.inf, True, "5", 10**400])
def test_a_wrong_timeout_is_refused(timeout: Any) -> None:
    """Milliseconds by mistake, zero and no numbers at all are refused with the unit."""
    said = refusal(RonConfigError, lambda: checked_timeout(timeout))
    assert said.startswith("timeout is in seconds, more than 0 and at most 86400, not ")
    assert said.endswith(repr(timeout)) or timeout == 10**400


# --- Bodies -----------------------------------------------------------------------------------------


def test_json_is_compact_utf8() -> None:
    """No blanks, no escapes where UTF-8 will do."""
    assert '{"a":[1,null,"é"]}'.encode() == encode_json({"a": [1, None, "é"]})
    assert b"null" == encode_json(None)


def cycle() -> list[Any]:
    """A list that holds itself."""
    found: list[Any] = []
    found.append(found)
    return found


def deep() -> list[Any]:
    """A list in a list in a list…"""
    found: list[Any] = []
    for _ in range(100_000):
        found = [found]
    return found


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: {"a": math.nan}, "json= cannot be written as JSON: Out of range float values are not JSON compliant"),
        (lambda: [math.inf], "json= cannot be written as JSON"),
        (cycle, "json= cannot be written as JSON: Circular reference detected"),
        (lambda: 10**5000, "json= cannot be written as JSON: Exceeds the limit"),
        (
            lambda: {"a": {1, 2}},
            "json= holds a value that JSON has no form for: Object of type set is not JSON serializable",
        ),
        (lambda: {"a": b"x"}, "Object of type bytes is not JSON serializable; convert it first"),
        (lambda: {(1, 2): 3}, "json= holds a value that JSON has no form for: keys must be str"),
        (lambda: "\ud800", "json= holds a lone surrogate, which UTF-8 cannot carry"),
        (deep, "json= is nested too deeply"),
    ],
)
def test_what_json_cannot_say_is_refused(make: Callable[[], Any], message: str) -> None:
    """A value without a JSON form is a RonInputError before anything is sent."""
    said = refusal(RonInputError, lambda: encode_json(make()))
    assert message in said
    assert said.startswith("json= ")
    if "surrogate" in message or "nested" in message:
        assert message == said


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_value_is_read_back_as_given(value: Any) -> None:
    """Whatever JSON can say arrives as it was."""
    assert value == json.loads(encode_json(value))


# --- The plan of a plain call -----------------------------------------------------------------------


def test_a_plan_is_decided_in_full() -> None:
    """Everything but what the client adds stands in the plan."""
    plan = plain_plan(
        "POST",
        "/app/items",
        json={"a": 1},
        query={"q": "x"},
        headers={"X-A": "1"},
        timeout=2,
        key="k-1",
        accept=frozenset({409}),
    )
    assert ("POST", b"/app/items", b"q=x", b'{"a":1}', "k-1", 2.0, frozenset({409})) == (
        plan.method,
        plan.path,
        plan.query,
        plan.body,
        plan.key,
        plan.timeout,
        plan.accept,
    )
    assert ((b"Content-Type", b"application/json"), (b"X-A", b"1")) == plan.headers
    assert "POST /app/items" == plan.name


def test_without_json_there_is_no_body() -> None:
    """`json` not given is no body and no Content-Type; `json=None` is the JSON value null."""
    assert (b"", ()) == (plain_plan("POST", "/x").body, plain_plan("POST", "/x").headers)
    assert b"null" == plain_plan("POST", "/x", json=None).body


def test_a_callers_content_type_follows_ours() -> None:
    """The caller's own media type comes last, and the last one counts."""
    plan = plain_plan("PATCH", "/x", json={}, headers={"content-type": "application/merge-patch+json"})
    assert (b"content-type", b"application/merge-patch+json") == plan.headers[-1]


@pytest.mark.parametrize("method", ["get", "TRACE", "CONNECT", "", "GET ", None, 5])
def test_an_unknown_method_is_refused(method: Any) -> None:
    """Methods are the seven, in upper case."""
    message = "method must be one of GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE (upper case), not "
    assert f"{message}{method!r}" == refusal(RonConfigError, lambda: plain_plan(method, "/x"))


REPEATABLE = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}


@pytest.mark.parametrize("method", METHODS)
def test_which_plans_may_be_repeated(method: str) -> None:
    """Design §3: idempotent methods, any with a key, and any with an If-Match that names an ETag."""
    assert (method in REPEATABLE) is plain_plan(method, "/x").repeatable
    assert plain_plan(method, "/x", key="k").repeatable
    assert plain_plan(method, "/x", headers={"if-match": '"v1"'}).repeatable
    assert (method in REPEATABLE) is plain_plan(method, "/x", headers={"If-Match": "*"}).repeatable
    assert (method in REPEATABLE) is plain_plan(method, "/x", headers={"If-None-Match": "*"}).repeatable


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["If-Match", "if-none-match", "If-Unmodified-Since"])
def test_which_plans_are_conditional_writes(method: str, name: str) -> None:
    """A write that a node may answer with 412 is conditional; a read is not."""
    assert (method not in ("GET", "HEAD", "OPTIONS")) is plain_plan(method, "/x", headers={name: "*"}).conditional
    assert not plain_plan(method, "/x").conditional
