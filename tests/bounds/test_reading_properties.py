"""What is read from an answer, whatever it holds: Problems, `Retry-After`, ids in headers, and answers made safe."""

from __future__ import annotations

import base64
import json
import pickle
from datetime import datetime, timedelta, timezone
from typing import Any, Optional
from urllib.parse import unquote_to_bytes

from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from ron import Problem
from ron._backoff import retry_hint
from ron._outcome import problem_of
from ron._problem import read_problem
from ron._values import Credential, Reply

# --- Problems ---------------------------------------------------------------------------------------

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
SAID = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=40)


@given(status=st.integers(0, 999), body=ANY_JSON, pad=st.sampled_from([b"", b" ", b"\r\n\t", b"\xef\xbb\xbf"]))
def test_any_json_becomes_a_problem(status: int, body: Any, pad: bytes) -> None:
    """Any JSON value is a Problem that can be shown, pickled and written, and says which of its members were read."""
    problem = read_problem(status, pad + json.dumps(body).encode(), None)
    assert problem == pickle.loads(pickle.dumps(problem)) == Problem.model_validate(problem.model_dump())
    json.dumps(problem.model_dump(), allow_nan=False)
    if not isinstance(body, dict) or pad == b"\xef\xbb\xbf":
        assert ({}, {}, None) == (problem.details, problem.extra, problem.reason)
    else:
        assert set(problem.extra) == set(body) - set(
            "code message kind correlation_id corr_id details retryable retry_after_ms reason".split()
        )


@given(
    code=SAID,
    message=SAID,
    kind=SAID,
    correlation_id=SAID,
    details=st.dictionaries(st.text(max_size=8), ANY_JSON, max_size=3),
    retryable=st.none() | st.booleans(),
    retry_after_ms=st.none() | st.integers(0, 2**53 - 1),
    reason=st.none() | SAID,
)
def test_the_canonical_shape_is_read_back(**members: Any) -> None:
    """What a Problem says, written as JSON, is read as the same Problem; null is as good as absent."""
    problem = Problem(**members)
    written = problem.model_dump(exclude={"extra"})
    present = {name: value for name, value in written.items() if value is not None}
    for body in (written, present):
        for text in (json.dumps(body), json.dumps(body, ensure_ascii=False, indent=2)):
            assert problem == read_problem(500, text.encode(), "another")


@given(
    names=st.lists(
        st.sampled_from([b"X-Request-Id", b"x-correlation-id", b"X-CORRELATION-ID", b"x-other"]), max_size=5
    ),
    values=st.lists(st.binary(max_size=40), min_size=5, max_size=5),
)
def test_ids_are_read_from_either_header(names: list[bytes], values: list[bytes]) -> None:
    """The last `x-correlation-id`, else the last `x-request-id`, printable and bounded, whatever bytes they hold."""
    fields = list(zip(names, values))
    found = problem_of(Reply(500, fields, b"")).correlation_id

    def last(name: bytes) -> str:
        return next((value.decode("latin-1").strip() for key, value in reversed(fields) if key.lower() == name), "")

    wanted = last(b"x-correlation-id") or last(b"x-request-id")
    assert found == ("".join(c if c.isprintable() else " " for c in wanted) or None)


# --- Retry-After ------------------------------------------------------------------------------------

DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
LONG_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
START = datetime(1970, 1, 1, tzinfo=timezone.utc)


def hint(value: bytes, wall: float) -> Optional[float]:
    """What this field asks for."""
    return retry_hint(Reply(503, ((b"Retry-After", value),), b""), None, wall)


def written(date: datetime) -> list[str]:
    """The three forms of RFC 9110 §5.6.7."""
    day, month = date.weekday(), MONTHS[date.month - 1]
    time = f"{date:%H:%M:%S}"
    return [
        f"{DAYS[day]}, {date.day:02} {month} {date.year} {time} GMT",
        f"{LONG_DAYS[day]}, {date.day:02}-{month}-{date.year % 100:02} {time} GMT",
        f"{DAYS[day]} {month} {date.day:2} {time} {date.year}",
    ]


@given(seconds=st.integers(0, 2**31), before=st.integers(-(10**6), 10**6), blanks=st.sampled_from([b"", b" ", b"\t "]))
@example(seconds=951_782_400, before=0, blanks=b"")  # the 29th of February 2000
def test_any_date_gives_its_seconds(seconds: int, before: int, blanks: bytes) -> None:
    """A date in any of the three forms is so many seconds away, never fewer than 0, to the second."""
    wall = float(seconds - before)
    for form in written(START + timedelta(seconds=seconds)):
        assert max(0.0, float(before)) == hint(blanks + form.encode() + blanks, wall), form


@given(value=st.binary(max_size=60) | st.from_regex(r"[0-9]{1,400}", fullmatch=True).map(str.encode))
@example(value=b"9" * 100_000)
@example(value=b"Fri, 02 Jan " + b"9" * 5000 + b" 03:04:35 GMT")
@example(value=b"," * 20_000)
@example(value=b"a " * 20_000)
@example(value=b"(" * 20_000)
@settings(max_examples=200)
def test_any_bytes_are_seconds_or_absent(value: bytes) -> None:
    """Digits are seconds, at most 1e9; other bytes are a date or count as absent, and none of them raises."""
    found = hint(value, 1_767_323_045.0)
    text = value.decode("latin-1").strip()
    if text and all(c in "0123456789" for c in text):
        assert min(1e9, float(text)) == found
    else:
        assert found is None or found >= 0.0


# --- Answers made safe ------------------------------------------------------------------------------

TOKENS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=16, max_size=60)
#: nothing in it is in a token, in Base64, or an escape
AROUND = st.text(" \u00e9\u20ac", max_size=12)
LEAK = 12


def leaks(token: str, *views: bytes) -> list[bytes]:
    """The windows of the token, and of what Base64 makes of it, that are still there."""
    raw = token.encode()
    forms = [raw]
    for before in range(3):
        # Whole groups of three bytes only: the outermost depend on what stands beside the token.
        inner = raw[before : before + (len(raw) - before) // 3 * 3]
        forms += [base64.b64encode(inner), base64.urlsafe_b64encode(inner)]
    windows = {form[at : at + LEAK] for form in forms for at in range(len(form) - LEAK + 1)}
    return [window for window in windows for view in views if window in view]


def safe(token: str, body: bytes, *fields: bytes) -> Reply:
    """The answer as it is read once it is an error."""
    headers = tuple((b"x-field", field) for field in fields)
    return Credential("Bearer", SecretStr(token)).scrub(Reply(400, headers, body))


@st.composite
def quotations(draw: st.DrawFn) -> tuple[str, bytes]:
    """A token, and what a node may make of it in a string of JSON: part of it, escaped here and there, or Base64."""
    token = draw(TOKENS)
    start = draw(st.integers(0, len(token) - LEAK))
    part = token[start : draw(st.integers(start + LEAK, len(token)))]
    way = draw(st.sampled_from(["as it is", "base64", "urlsafe", "escapes"]))
    if way == "base64":
        return token, base64.b64encode(draw(st.binary(max_size=9)) + token.encode())
    if way == "urlsafe":
        return token, base64.urlsafe_b64encode(b"Bearer " + token.encode())
    escape = draw(st.lists(st.sampled_from("plain unicode percent".split()), min_size=len(part), max_size=len(part)))
    quoted = b""
    for character, how in zip(part, escape if way == "escapes" else ["plain"] * len(part)):
        if how == "unicode":
            quoted += b"\\u%04x" % ord(character) if draw(st.booleans()) else b"\\u%04X" % ord(character)
        elif how == "percent":
            quoted += b"%%%02X" % ord(character) if draw(st.booleans()) else b"%%%02x" % ord(character)
        else:
            quoted += json.dumps(character)[1:-1].encode()
    return token, quoted


@given(quoted=quotations(), before=AROUND, after=AROUND)
@settings(max_examples=300)
def test_a_quoted_token_is_taken_out(quoted: tuple[str, bytes], before: str, after: str) -> None:
    """However a node quotes the token in JSON, 12 characters in a row are nowhere in the answer, read or unread."""
    token, quotation = quoted
    body = safe(token, b'{"message": "' + before.encode() + quotation + after.encode() + b'"}').body
    assert [] == leaks(token, body, unquote_to_bytes(body))
    try:
        text = json.loads(body)["message"].encode()
    except ValueError:
        return  # an escape beside the token went with it: such a body is no Problem, and none of it is shown
    assert [] == leaks(token, text, unquote_to_bytes(text))
    assert text.startswith(before.encode())
    assert text.endswith(after.encode())


@given(token=TOKENS, before=AROUND, after=AROUND, encoded=st.booleans())
def test_a_token_in_plain_text_or_a_header_is_taken_out(token: str, before: str, after: str, encoded: bool) -> None:
    """The same in bodies that are no JSON, and in headers."""
    quoted = b"".join(b"%%%02X" % c for c in token.encode()) if encoded else token.encode()
    text = before.encode() + quoted + after.encode()
    reply = safe(token, text, text)
    views = [reply.body, reply.headers[0][1]]
    assert [] == leaks(token, *views, *map(unquote_to_bytes, views))


@given(token=TOKENS, value=st.text(max_size=60), text=st.binary(max_size=80))
def test_other_answers_are_left_as_they_are(token: str, value: str, text: bytes) -> None:
    """Without the token an answer keeps every byte, escapes included."""
    for body in (json.dumps({"message": value}).encode(), text):
        views = [body, unquote_to_bytes(body), unquote_to_bytes(value.encode("utf-8", "replace"))]
        if not leaks(token, *views):
            reply = safe(token, body, text)
            assert (body, text) == (reply.body, reply.headers[0][1])
