"""Base URLs: what is accepted, what is refused, and what the refusal says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ron._url import BaseURL, parse_base_url
from ron.errors import RonConfigError

ACCEPTED = {
    "https://node.example": BaseURL("https", "node.example", 443, ""),
    "http://node.example": BaseURL("http", "node.example", 80, ""),
    "HTTPS://Node.Example/": BaseURL("https", "node.example", 443, ""),
    "https://node.example:8443/base/": BaseURL("https", "node.example", 8443, "/base"),
    "https://node.example./a/b;v=1": BaseURL("https", "node.example.", 443, "/a/b;v=1"),
    "http://127.0.0.1:5304": BaseURL("http", "127.0.0.1", 5304, ""),
    "http://[::1]:8080/x": BaseURL("http", "::1", 8080, "/x"),
    "http://[::ffff:10.0.0.1]": BaseURL("http", "::ffff:10.0.0.1", 80, ""),
    "http://my_service:1": BaseURL("http", "my_service", 1, ""),
    "https://node.example/!x/X": BaseURL("https", "node.example", 443, "/!x/X"),
    "https://xn--bcher-kva.example:65535": BaseURL("https", "xn--bcher-kva.example", 65535, ""),
}

REFUSED = {
    "": "must be a URL such as 'https://node.example'",
    "node.example": "must begin with https://",
    "127.0.0.1:5304": "must begin with https://",
    "localhost:8080": "must begin with https://",
    "ftp://node.example": "must begin with https://",
    "//node.example": "must begin with https://",
    "https://": "names no host",
    "https:///path": "names no host",
    "https://:8080": "names no host",
    "https://user:hunter2@node.example": "holds user information before '@'",
    "https://hunter2@node.example": "holds user information before '@'",
    "user:hunter2@node.example": "holds user information before '@'",
    "http:user:hunter2@node.example": "holds user information before '@'",
    "https://node.example?x=hunter2": "has a query or fragment",
    "https://node.example/a?": "has a query or fragment",
    "https://node.example#hunter2": "has a query or fragment",
    "https://node.example#": "has a query or fragment",
    "https://node.example:": "has a bad port: it must be a number from 1 to 65535",
    "https://node.example:0": "has a bad port",
    "https://node.example:65536": "has a bad port",
    "https://node.example:+80": "has a bad port",
    "https://node.example:8_0": "has a bad port",
    "https://node.example:http": "has a bad port",
    "https://node.example:80:443": "has a bad port",
    "https://[::1]:80:443": "has a bad port",
    "https://[::1]x:80": "an IPv6 address",
    "https://[::1]]:80": "an IPv6 address",
    "https://node.example/\x7f": "a control character",
    "https://[::1]:": "has a bad port",
    "https://[::1": "is not a URL",
    "https://[::1%25eth0]": "",
    "https://[zz]": "",
    "https://[127.0.0.1]": "",
    "https://.example": "names a host that cannot be: '.example'",
    "https://a..b": "names a host that cannot be",
    "https://no%64e": "names a host that cannot be",
    "https://no|de": "names a host that cannot be",
    "https://-node": "names a host that cannot be",
    "https://" + "a" * 64: "names a host that cannot be",
    "https://" + ".".join(["a" * 60] * 5): "names a host that cannot be",
    "https://node.example/a/../b": "has a path with an empty, '.', '..' or percent-encoded segment",
    "https://node.example/./a": "has a path with an empty",
    "https://node.example//a": "has a path with an empty",
    "https://node.example/a%20b": "percent-encoded segment",
    'https://node.example/"': "a character that no path has",
    "https://node.example/a b": "holds a blank",
    " https://node.example": "holds a blank",
    "https://node.example\n": "holds a blank",
    "https://node.example\\evil": "a backslash",
    "https://nöde.example": "in their xn-- form",
}


@pytest.mark.parametrize(("text", "parts"), ACCEPTED.items())
def test_a_base_url_is_read_into_its_parts(text: str, parts: BaseURL) -> None:
    """Scheme and host are lower-case, the port is known, the path has no final slash."""
    assert parts == parse_base_url(text)


@pytest.mark.parametrize(("text", "says"), REFUSED.items())
def test_a_wrong_base_url_is_refused_with_the_reason(text: str, says: str) -> None:
    """The message names the source and the part that is wrong; user information and queries are not shown."""
    with pytest.raises(RonConfigError) as raised:
        parse_base_url(text, source="RON_APP_URL")
    message = str(raised.value)
    assert message.startswith("RON_APP_URL ")
    assert says in message
    assert "hunter2" not in message
    assert 0 == raised.value.attempts


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("", "base_url must be a URL such as 'https://node.example', not ''"),
        ("https://:80", "base_url names no host: write it as 'https://node.example', not 'https://:80'"),
        (
            "https://a b",
            "base_url holds a blank, a backslash, a control character or a character outside ASCII; write "
            "international host names in their xn-- form, not 'https://a b'",
        ),
        (
            "https://[::1",
            "base_url is not a URL: check the host and the brackets around an IPv6 address, not 'https://[::1'",
        ),
        (
            "https://a/%41",
            "base_url has a path with an empty, '.', '..' or percent-encoded segment, or a character that no path has: "
            "'/%41'",
        ),
        (
            "https://a:0",
            "base_url has a bad port: it must be a number from 1 to 65535, not 'a:0'",
        ),
        ("ftp://a", "base_url must begin with https:// (or http:// for local development), not 'ftp://a'"),
        ("https://-a", "base_url names a host that cannot be: '-a'"),
    ],
)
def test_what_a_refusal_says(text: str, whole: str) -> None:
    """The whole sentence: the source, what is wrong, what is accepted, and what was given where that is no secret."""
    with pytest.raises(RonConfigError) as raised:
        parse_base_url(text)
    assert whole == str(raised.value)


@pytest.mark.parametrize("mark", ["@", "?", "#"])
def test_what_may_hold_a_secret_is_not_shown(mark: str) -> None:
    """User information, queries and fragments can be secrets: a URL with one of their marks is not quoted."""
    for text in (f"https://hunter2{mark}a b", f"https://[hunter2{mark}a"):
        with pytest.raises(RonConfigError) as raised:
            parse_base_url(text)
        assert str(raised.value).endswith(("in their xn-- form", "around an IPv6 address"))


def test_a_word_that_may_be_a_token_is_not_shown() -> None:
    """Twelve characters without a mark of a URL may be a token in the wrong place; eleven are shown."""
    for text, shown in (("\u00e9" + "h" * 10, True), ("\u00e9" + "h" * 11, False), ("https://\u00e9" + "h" * 11, True)):
        with pytest.raises(RonConfigError) as raised:
            parse_base_url(text)
        assert shown is ("hhhh" in str(raised.value))


def test_the_longest_url() -> None:
    """2000 characters are enough for a host and a few segments; the message of a longer one doesn't quote it."""
    longest = "https://node.example/" + "a" * 1979
    assert 1980 == len(parse_base_url(longest).path)
    with pytest.raises(RonConfigError) as raised:
        parse_base_url(longest + "a")
    assert "base_url holds at most 2000 characters, not 2001" == str(raised.value)


@pytest.mark.parametrize("wrong", [None, 5, b"https://node.example", ["https://node.example"]])
def test_something_that_is_no_text_is_refused(wrong: Any) -> None:
    """Only a str is a URL."""
    with pytest.raises(RonConfigError, match=r"base_url must be a URL such as 'https://node\.example', not "):
        parse_base_url(wrong)


def test_a_long_url_is_cut_in_the_message() -> None:
    """A message stays short whatever was given."""
    with pytest.raises(RonConfigError) as raised:
        parse_base_url("ftp://" + "x" * 10_000)
    assert len(str(raised.value)) < 250


@pytest.mark.parametrize("text", ACCEPTED)
def test_the_parts_can_be_written_and_read_again(text: str) -> None:
    """`str` of the parts is a URL with the same parts."""
    parts = parse_base_url(text)
    assert parts == parse_base_url(str(parts))


@given(st.text(max_size=40) | st.text(alphabet="htps:/@[]?#%.0189ax\\ ", max_size=30).map(lambda t: "https://" + t))
def test_any_text_is_a_url_or_a_config_error(text: str) -> None:
    """No text gives anything but sound parts or a RonConfigError."""
    try:
        parts = parse_base_url(text)
    except RonConfigError:
        return
    assert parts.scheme in ("http", "https")
    assert parts.host
    assert 1 <= parts.port <= 65535
    assert "" == parts.path or (parts.path.startswith("/") and not parts.path.endswith("/"))
    assert not set("@?#\\ %") & set(parts.host + parts.path.replace("@", ""))
