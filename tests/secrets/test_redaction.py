"""A token that a node quotes in an error answer is taken out of it, in whatever form, whole or in part."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from ron._redaction import LONGEST_SHOWN, REDACTED, redact
from ron._values import Credential, Reply
from tests.secrets.canary import TOKEN, holds, needles

RAW = TOKEN.encode()
#: what tokens are made of, without the brackets of the replacement
TOKENS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="[]"), min_size=12)


def in_text(text: str) -> str:
    """A text without the canary."""
    return redact(text.encode(), RAW, json=False).decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"no such token: {TOKEN}", "no such token: [redacted]"),
        (f"{TOKEN} or {TOKEN}", "[redacted] or [redacted]"),
        (f"{TOKEN}{TOKEN}", "[redacted][redacted]"),
        (f"begins with {TOKEN[:12]}...", "begins with [redacted]..."),
        (f"ends with ...{TOKEN[-12:]}", "ends with ...[redacted]"),
        (f"in it: {TOKEN[7:30]}|", "in it: [redacted]|"),
        (f"short: {TOKEN[:11]}.", f"short: {TOKEN[:11]}."),
        (TOKEN[:20] + TOKEN[:20], "[redacted][redacted]"),
        (TOKEN[:20] + TOKEN[5:], "[redacted][redacted]"),
        (f"?t={quote(TOKEN, safe='')}&u=100%25", "?t=[redacted]&u=100%"),
        ("?t=" + "".join(f"%{ord(c):02x}" for c in TOKEN[:16]), "?t=[redacted]"),
        (f"{quote(TOKEN)} {TOKEN}", "[redacted] [redacted]"),
        ("nothing %41 in it", "nothing %41 in it"),
        ("", ""),
    ],
)
def test_texts(text: str, expected: str) -> None:
    """Runs of twelve and more characters go, also percent-encoded; a text that holds none stays as it is."""
    assert expected == in_text(text)


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("before", ["", "u", "us", "Bearer ", "user:"])
@pytest.mark.parametrize("after", ["", "!", "??", "\n"])
def test_base64(encode: Callable[[bytes], bytes], before: str, after: str) -> None:
    """The Base64 of whatever the token stands in the middle of goes, in both alphabets."""
    text = encode(f"{before}{TOKEN}{after}".encode()).decode()
    clean = in_text(f"Basic {text}.")
    assert ("Basic ", True, False) == (clean[:6], "[redacted]" in clean, holds(clean))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (b"", b"", b"[redacted]"),
        (b"", b"!", b"[redacted]IQ=="),
        (b"u", b"", b"dX[redacted]A=="),
        (b"u", b"!", b"dX[redacted]CE="),
        (b"us", b"", b"dXN[redacted]w="),
        (b"us", b"!", b"dXN[redacted]wh"),
    ],
)
def test_base64_keeps_what_is_beside(before: bytes, after: bytes, expected: bytes) -> None:
    """Of Base64 exactly the characters go that hold nothing but the token."""
    token = b"~~~?????>>kl"
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert expected == redact(encode(before + token + after), token, json=False)


def test_json_with_escapes_of_urls() -> None:
    """A quotation mark that is percent-encoded does not end a string of JSON."""
    body = json.dumps({"url": f"/?t={quote(TOKEN)}&q=%22%5C%22"}).encode()
    assert {"url": '/?t=[redacted]&q="\\"'} == json.loads(redact(body, RAW, json=True))


@pytest.mark.parametrize(
    "escape",
    [
        lambda c: json.dumps(c)[1:-1],
        lambda c: json.dumps(c)[1:-1].replace("/", "\\/"),
        lambda c: f"\\u{ord(c):04x}" if c in "<>&'=+/\"\\" else c,
        lambda c: f"\\u{ord(c):04X}",
    ],
)
def test_json(escape: Callable[[str], str]) -> None:
    """A body stays JSON, whatever it escapes; the members beside the token keep their values."""
    body = json.dumps({"message": "no <TOKEN>", "other": 'a "b" \\ c', "n": [1, None]})
    quoted = body.replace("TOKEN", "".join(map(escape, TOKEN)))
    clean = json.loads(redact(quoted.encode(), RAW, json=True))
    assert {"message": "no <[redacted]>", "other": 'a "b" \\ c', "n": [1, None]} == clean


def test_tokens_that_look_escaped() -> None:
    """A token that holds what could be an escape is found as it is, too."""
    assert b"a [redacted] b" == redact(b"a wxyz%41%42%43 b", b"wxyz%41%42%43", json=False)
    assert b'{"a": "[redacted]"}' == redact(b'{"a": "%41%42%43%44"}', b"%41%42%43%44", json=True)


@pytest.mark.parametrize("length", [1, 5])
def test_short_tokens_are_no_secrets(length: int) -> None:
    """A token of fewer than six characters would be found in any text."""
    text = b"abcdefgh" * 3
    assert text == redact(text, b"abcdefgh"[:length], json=False)


@pytest.mark.parametrize("length", [6, 7, 11, 12, 13])
def test_tokens_that_are_shorter_than_a_run(length: int) -> None:
    """A token of six to eleven characters goes where it stands as a whole."""
    token = RAW[:length]
    assert b"a " + REDACTED + b" b" == redact(b"a " + token + b" b", token, json=False)
    if length <= LONGEST_SHOWN:
        assert b"a " + token[1:] == redact(b"a " + token[1:], token, json=False)


def test_a_body_of_many_repetitions() -> None:
    """An answer made of nothing but the token, or of parts of it, is no work without end."""
    token = (RAW * 80)[:4000]
    text = (token + token[7:]) * 100
    assert REDACTED * 100 == redact(token * 100, token, json=False)
    assert set() == set(redact(text, token, json=False).replace(REDACTED, b""))


@given(
    token=TOKENS,
    parts=st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80), st.text(st.characters(max_codepoint=0x7E)))),
    json_text=st.booleans(),
)
def test_no_run_is_left(token: str, parts: list[tuple[int, int, str]], json_text: bool) -> None:
    """Whatever parts of a token a text is made of, no twelve characters of it in a row are left."""
    text = "".join(token[start : start + length] + between for start, length, between in parts)
    text = json.dumps({"a": text}) if json_text else text
    clean = redact(text.encode(), token.encode(), json=json_text).decode()
    if json_text:
        clean = json.loads(clean)["a"]
    clean = clean.replace("[redacted]", "\x00")
    runs = {token[at : at + 12] for at in range(len(token) - 11)}
    assert not [run for run in runs if run in clean]


@given(token=TOKENS, text=st.binary())
def test_what_holds_no_token_stays(token: str, text: bytes) -> None:
    """Bytes that hold no part of the token are not touched, escapes included."""
    if not any(needle.encode() in text for needle in needles(token)):
        assert text == redact(text, token.encode(), json=False)
        assert text == redact(text, token.encode(), json=True)


def test_a_reply_is_scrubbed_in_fields_and_body() -> None:
    """A credential takes itself out of an answer's fields and body; statuses and other fields stay."""
    reply = Reply(400, ((b"X-A", RAW), (b"X-B", b"%41")), b'{"message": ' + json.dumps(TOKEN).encode() + b"}")
    clean = Credential("Bearer", SecretStr(TOKEN)).scrub(reply)
    assert Reply(400, ((b"X-A", REDACTED), (b"X-B", b"%41")), b'{"message": "[redacted]"}') == clean
