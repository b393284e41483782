"""Taking a token out of what nodes answer: every form of it, every part of it, and nothing else."""

from __future__ import annotations

import base64
import json
from typing import Callable
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ron._redaction import LONGEST_SHOWN, redact

TOKEN = b"cap-AbCdEfGhIjKlMnOp"
TOKENS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=6, max_size=40).map(str.encode)
AROUND = st.text("abcXYZ019 \"'<>,:%\\/\u00e9", max_size=12)


def windows(token: bytes, size: int) -> list[bytes]:
    """Every run of so many characters; the whole where it is shorter."""
    return [token[at : at + size] for at in range(max(1, len(token) - size + 1))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", b""),
        (b"nothing here", b"nothing here"),
        (TOKEN, b"[redacted]"),
        (b"<" + TOKEN + b">", b"<[redacted]>"),
        (TOKEN + b" " + TOKEN, b"[redacted] [redacted]"),
        (TOKEN + TOKEN, b"[redacted][redacted]"),
        (b"cut " + TOKEN[:12], b"cut [redacted]"),
        (b"cut " + TOKEN[:11], b"cut " + TOKEN[:11]),
        (TOKEN[-12:] + b" cut", b"[redacted] cut"),
        (TOKEN[-11:] + b" cut", TOKEN[-11:] + b" cut"),
        (b"in " + TOKEN[3:16] + b" it", b"in [redacted] it"),
        (b"cap-cap-AbCdEfGhIjKlMnOpOp", b"cap-[redacted]Op"),
        (b"at " + base64.b64encode(TOKEN), b"at [redacted]A="),
        (quote(TOKEN, safe="").replace("A", "%41").encode(), b"[redacted]"),
        ("".join(f"%{byte:02x}" for byte in TOKEN).encode(), b"[redacted]"),
        (b"%41 stays", b"%41 stays"),
        (b"\\u0041 stays \\/", b"\\u0041 stays \\/"),
    ],
)
def test_what_is_replaced(text: bytes, expected: bytes) -> None:
    """Twelve characters of it in a row are a part of the token; eleven are not; escapes elsewhere stay."""
    assert expected == redact(text, TOKEN, json=False)


@pytest.mark.parametrize(
    ("text", "token"),
    [
        (b'{"m": "\\u00e9999999999999"}', b"9999999999990000"),
        (b'{"m": "' + TOKEN, TOKEN),
    ],
)
def test_json_that_would_be_broken_is_replaced_as_a_whole(text: bytes, token: bytes) -> None:
    """Where a run takes a part of an escape with it, or the text was no JSON to begin with, nothing of it is kept."""
    assert b"[redacted]" == redact(text, token, json=True)


@pytest.mark.parametrize(("token", "expected"), [(b"abcde", b"abcde"), (b"abcdef", b"[redacted]")])
def test_very_short_tokens_are_no_secrets(token: bytes, expected: bytes) -> None:
    """Six characters are the shortest that are looked for; shorter ones are found in any text."""
    assert expected == redact(token, token, json=False)


@pytest.mark.parametrize("length", range(6, 34))
def test_every_part_that_is_long_enough_goes(length: int) -> None:
    """Twelve characters of a token in a row, or all of a shorter one, wherever they begin; fewer stay."""
    token = bytes(range(0x41, 0x41 + length)).replace(b"\\", b"~")
    enough = min(LONGEST_SHOWN + 1, length)
    for start in range(length):
        for end in range(start + 1, length + 1):
            part = token[start:end]
            expected = b"[redacted]" if end - start >= enough else part
            assert b"<" + expected + b">" == redact(b"<" + part + b">", token, json=False)


@pytest.mark.parametrize("alphabet", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("offset", [0, 1, 2])
def test_every_part_of_the_base64_goes(alphabet: Callable[[bytes], bytes], offset: int) -> None:
    """What the Base64 of any text around the token has in common is as secret as the token."""
    token = b"~?>abc~?~xyz>?~QRS>>~"
    first, second = (alphabet(fill * offset + token + fill) for fill in (b"\x00", b"\xff"))
    same = [one == other for one, other in zip(first, second)]
    start = same.index(True)
    common = first[start : same.index(False, start)]
    assert len(token) <= len(common)
    for at in range(len(common) - LONGEST_SHOWN):
        part = common[at : at + LONGEST_SHOWN + 1]
        assert b"< [redacted] >" == redact(b"< " + part + b" >", token, json=False)


def test_every_token_of_many_goes() -> None:
    """However often it stands there, next to itself, to parts of it and to what looks like its beginning."""
    text = b" ".join([TOKEN, TOKEN[:6], TOKEN, TOKEN[:6] + TOKEN, TOKEN[6:], TOKEN])
    expected = b" ".join(
        [b"[redacted]", TOKEN[:6], b"[redacted]", TOKEN[:6] + b"[redacted]", b"[redacted]", b"[redacted]"]
    )
    assert expected == redact(text, TOKEN, json=False)


def test_percent_escapes_within_json() -> None:
    """Escapes of URLs are read in JSON, too, and what they stand for stays JSON."""
    token = b'cap-"AbCdEfGhIj\\K'
    percent = "".join(f"%{byte:02x}" for byte in token)
    assert b'{"a":"[redacted]"}' == redact(f'{{"a":"{percent}"}}'.encode(), token, json=True)
    assert b'{"a":"%22%5c"}' == redact(b'{"a":"%22%5c"}', token, json=True)


@given(
    st.text("ab", min_size=6, max_size=20).map(str.encode),
    st.lists(st.text("ab", max_size=9).map(str.encode) | st.just(b"-"), max_size=6),
)
def test_tokens_that_repeat_themselves(token: bytes, parts: list[bytes]) -> None:
    """Overlapping occurrences leave no long run either."""
    found = redact(b"".join([*parts, token, *parts]), token, json=False)
    assert token not in found
    assert not any(len(one) > LONGEST_SHOWN and one in found for one in windows(token, LONGEST_SHOWN + 1))


@given(TOKENS, AROUND, AROUND)
def test_no_form_of_a_token_is_left(token: bytes, before: str, after: str) -> None:
    """As it is, percent-encoded, in Base64 of both alphabets at any offset: no 12 characters of it remain."""
    head, tail = before.encode(), after.encode()
    percent = "".join(f"%{byte:02X}" for byte in token).encode()
    for text in (head + token + tail, head + percent + tail, head + quote(token, safe="").encode() + tail):
        found = redact(text, token, json=False)
        assert b"[redacted]" in found
        for window in windows(token, LONGEST_SHOWN + 1):
            assert window not in found
            assert window not in unquote_to_bytes(found)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for offset in range(3):
            inner = encode(b"\x00" * offset + token)
            found = redact(head + b" " + inner + b" " + tail, token, json=False)
            for window in windows(inner[4:-4], LONGEST_SHOWN + 1):
                assert len(window) <= LONGEST_SHOWN or window not in found


@given(TOKENS, AROUND, AROUND, st.booleans(), st.booleans())
def test_json_stays_json(token: bytes, before: str, after: str, ascii_only: bool, escaped: bool) -> None:
    """In JSON the token is found behind any escapes, and what is left can still be read."""
    assume(token.decode() not in before + after)
    text = json.dumps({"message": before + token.decode() + after}, ensure_ascii=ascii_only)
    if escaped:
        inner = "".join(f"\\u{byte:04x}" for byte in token)
        text = json.dumps({"message": before + "@" + after}).replace("@", inner, 1)
    found = redact(text.encode(), token, json=True)
    message = json.loads(found)["message"]
    assert token.decode() not in message
    assert "[redacted]" in message


@given(TOKENS, st.binary(max_size=60))
def test_any_text_without_the_token_stays(token: bytes, text: bytes) -> None:
    """Whatever the bytes, nothing is changed that holds no part of the token."""
    parts = {one for size in (6, 7) for one in windows(token, size)}
    assume(not any(part in text or part in unquote_to_bytes(text) for part in parts))
    assume(len(base64.b64encode(token)) > 60 or b"=" not in text)
    found = redact(text, token, json=False)
    assert text == found or b"[redacted]" in found
    if not any(base64.b64encode(b"\0" * n + token)[4:10] in text for n in range(3)):
        assert text == found
