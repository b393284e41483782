"""`Problem`, read from every shape that nodes send (protocol.md "Errors as they really come")."""

from __future__ import annotations

import json
import pickle
from typing import Any, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ron import Problem
from ron._problem import read_problem


def read(status: int, body: Any, correlation_id: Optional[str] = None) -> Problem:
    """The Problem in this JSON value, or these bytes."""
    return read_problem(status, body if isinstance(body, bytes) else json.dumps(body).encode(), correlation_id)


SHAPES = [
    pytest.param(
        404,
        {
            "code": "not_found",
            "message": "no such item",
            "kind": "not_found",
            "correlation_id": "c-1",
            "details": {"id": "i-1"},
        },
        Problem(
            code="not_found", message="no such item", kind="not_found", correlation_id="c-1", details={"id": "i-1"}
        ),
        id="documents",
    ),
    pytest.param(
        503,
        {"code": "upstream_unavailable", "message": "try again", "retryable": True, "retry_after_ms": 50},
        Problem(
            code="upstream_unavailable",
            message="try again",
            kind="unavailable",
            correlation_id="h-1",
            retryable=True,
            retry_after_ms=50,
        ),
        id="gateway",
    ),
    pytest.param(
        403,
        {"code": "POLICY_DENY", "message": "denied", "retryable": False, "reason": "write_denied"},
        Problem(
            code="POLICY_DENY",
            message="denied",
            kind="forbidden",
            correlation_id="h-1",
            retryable=False,
            reason="write_denied",
        ),
        id="omnigate policy",
    ),
    pytest.param(
        503,
        {"reason": "overload", "message": "busy"},
        Problem(code="overload", message="busy", kind="unavailable", correlation_id="h-1", reason="overload"),
        id="omnigate overload",
    ),
    pytest.param(
        400,
        {"ok": False, "reason": "too_long", "message": "text too long"},
        Problem(
            code="too_long",
            message="text too long",
            kind="bad_request",
            correlation_id="h-1",
            reason="too_long",
            extra={"ok": False},
        ),
        id="chat",
    ),
    pytest.param(
        429,
        {"code": "RateLimited", "message": "slow down", "retry_after_ms": 1500},
        Problem(
            code="RateLimited", message="slow down", kind="rate_limited", correlation_id="h-1", retry_after_ms=1500
        ),
        id="passport",
    ),
    pytest.param(
        409,
        {"code": "nonce", "http": 409, "message": "nonce used", "retryable": False, "corr_id": "w-1"},
        Problem(
            code="nonce",
            message="nonce used",
            kind="conflict",
            correlation_id="w-1",
            retryable=False,
            extra={"http": 409},
        ),
        id="wallet",
    ),
    pytest.param(
        401,
        b"unauthorized",
        Problem(
            code="unauthorized",
            message="the node answered 401 with a body that is no Problem (12 bytes)",
            kind="unauthorized",
            correlation_id="h-1",
        ),
        id="micronode text",
    ),
    pytest.param(
        404,
        b"",
        Problem(
            code="not_found", message="the node answered 404 with an empty body", kind="not_found", correlation_id="h-1"
        ),
        id="empty",
    ),
    pytest.param(
        502,
        b"<html><body>secret page</body></html>",
        Problem(
            code="internal",
            message="the node answered 502 with a body that is no Problem (37 bytes)",
            kind="internal",
            correlation_id="h-1",
        ),
        id="html",
    ),
]


@pytest.mark.parametrize(("status", "body", "problem"), SHAPES)
def test_every_shape_becomes_a_problem(status: int, body: Any, problem: Problem) -> None:
    """Each dialect is understood; the id in the headers stands in where the body names none."""
    assert problem == read(status, body, "h-1")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (304, "not_modified"),
        (307, "redirect"),
        (400, "bad_request"),
        (401, "unauthorized"),
        (403, "forbidden"),
        (404, "not_found"),
        (405, "method_not_allowed"),
        (409, "conflict"),
        (410, "gone"),
        (412, "precondition_failed"),
        (413, "too_large"),
        (418, "bad_request"),
        (422, "bad_request"),
        (429, "rate_limited"),
        (451, "forbidden"),
        (500, "internal"),
        (503, "unavailable"),
        (504, "timeout"),
        (599, "internal"),
    ],
)
def test_the_kind_comes_from_the_status_where_the_body_names_none(status: int, kind: str) -> None:
    """`kind` is derived, and stands in for a code that isn't there."""
    assert (kind, kind) == (read(status, {}).kind, read(status, {}).code)
    assert "mine" == read(status, {"kind": "mine"}).kind


def test_codes_are_compared_without_regard_to_case() -> None:
    """snake_case and UPPER_SNAKE name the same code."""
    assert read(403, {"code": "POLICY_DENY"}).is_code("policy_deny")
    assert not read(403, {"code": "POLICY_DENY"}).is_code("policy")


@pytest.mark.parametrize(
    "body",
    [b"[1]", b'"x"', b"null", b"{", b'{"code":', b"\xff\xfe", b'{"code": NaN}', b'{"code": "\\ud800"}', b"[" * 5000],
)
def test_what_is_no_object_is_a_safe_generic_problem(body: bytes) -> None:
    """Nothing of such a body is copied."""
    problem = read(500, body)
    assert f"the node answered 500 with a body that is no Problem ({len(body)} bytes)" == problem.message
    assert ("internal", {}, {}) == (problem.code, problem.details, problem.extra)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("code", 5),
        ("code", ""),
        ("message", None),
        ("message", ["x"]),
        ("kind", {}),
        ("correlation_id", 7),
        ("retryable", "yes"),
        ("retryable", 1),
        ("retry_after_ms", "soon"),
        ("retry_after_ms", -1),
        ("retry_after_ms", True),
        ("retry_after_ms", 2**60),
        ("retry_after_ms", 10**400),
        ("reason", 5),
        ("details", None),
    ],
)
def test_members_of_a_wrong_type_count_as_absent(member: str, value: Any) -> None:
    """Garbage in one member is as if it weren't there, and the rest is read."""
    body = {"code": "c", "message": "m"}
    absent = {name: text for name, text in body.items() if name != member}
    assert read(503, absent) == read(503, {**body, member: value})


def test_details_that_are_no_object_are_kept() -> None:
    """A list or a text under `details` is kept as its `value`."""
    assert {"value": ["a"]} == read(400, {"details": ["a"]}).details


def test_a_hint_may_be_a_broken_number() -> None:
    """Milliseconds with a fraction lose it."""
    assert 50 == read(503, {"retry_after_ms": 50.9}).retry_after_ms


def test_texts_are_bounded_and_printable() -> None:
    """Long texts are cut at 500 characters, control characters become blanks, ids from headers too."""
    problem = read(400, {"message": "x" * 10_000, "code": "a\x1b[31m\nb"}, "i\x00" * 5_000)
    assert (500, "…") == (len(problem.message), problem.message[-1])
    assert "a [31m b" == problem.code
    assert problem.correlation_id is not None
    assert 500 == len(problem.correlation_id)
    assert problem.correlation_id.isprintable()


def test_a_huge_body_is_not_read() -> None:
    """Beyond 64 KiB a body is no Problem, whatever it holds."""
    problem = read(400, {"message": "x", "details": {"pad": "y" * 70_000}})
    assert "with a body that is no Problem" in problem.message
    assert {} == problem.details


def test_a_problem_is_frozen_and_pickles() -> None:
    """It is a value: not assignable, and the same after a pickle."""
    problem: Any = read(400, {"code": "c", "details": {"a": [1]}, "more": 1}, "h-1")
    assert problem == pickle.loads(pickle.dumps(problem))
    with pytest.raises(ValidationError, match="frozen"):
        problem.code = "other"


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
members = st.sampled_from(
    "code message kind correlation_id corr_id details retryable retry_after_ms reason extra".split()
)


@given(
    st.integers(100, 999),
    st.binary(max_size=200) | st.dictionaries(members, json_values).map(lambda body: json.dumps(body).encode()),
    st.none() | st.text(),
)
def test_any_bytes_become_a_bounded_problem(status: int, body: bytes, correlation_id: Optional[str]) -> None:
    """No body and no header raises, and every text of the result is short and printable."""
    problem = read_problem(status, body, correlation_id)
    texts = [problem.code, problem.message, problem.kind, problem.correlation_id or "", problem.reason or ""]
    assert all(len(text) <= 500 and text.isprintable() for text in texts)
    assert problem.code
    assert problem.message
    assert problem.retry_after_ms is None or problem.retry_after_ms >= 0
