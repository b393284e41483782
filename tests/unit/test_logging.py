"""Log records of calls: what they hold, and what they never hold."""

from __future__ import annotations

import contextlib
import logging
from typing import Any

import pytest

import ron
from ron import RonClientSync
from ron.errors import RonServerError
from ron.logging_ import get_logger, log_request, log_response, log_retry, redact_headers
from ron.testing import FakeClock
from tests.unit.rig import OK, ScriptTransport, lost, reply

CAP = "cap-hunter2"
RID = "00000000000000000000000000000001"


def records(caplog: pytest.LogCaptureFixture, level: int, *outcomes: Any) -> list[logging.LogRecord]:
    """What a keyed POST with a query and a token logs at this level."""
    clock = FakeClock(jitter=0.5)
    client = RonClientSync(transport=ScriptTransport(*outcomes), token=CAP, clock=clock, max_retries=1)
    with caplog.at_level(level, "ron"), contextlib.suppress(RonServerError):
        client.post("/app/items", json={"a": "private"}, query={"q": "private"}, idempotency_key="k-1")
    return caplog.records


def test_a_call_is_logged_at_info(caplog: pytest.LogCaptureFixture) -> None:
    """One record an answered call: method, path, status, duration, ids."""
    [record] = records(caplog, logging.INFO, OK)
    assert ("ron", "INFO", f"POST /app/items -> 200 in 0.0 ms request_id={RID}") == (
        record.name,
        record.levelname,
        record.getMessage(),
    )
    assert ("POST", "/app/items", 200, 0.0, RID, "k-1", None) == tuple(
        getattr(record, name)
        for name in ("method", "path", "status", "duration_ms", "request_id", "idempotency_key", "error")
    )


def test_its_beginning_is_logged_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG the request is logged before the answer."""
    first, second = records(caplog, logging.DEBUG, OK)
    assert ("DEBUG", "INFO") == (first.levelname, second.levelname)
    assert f"POST /app/items request_id={RID}" == first.getMessage()
    assert ("POST", "/app/items", RID, "k-1") == tuple(
        getattr(first, name) for name in ("method", "path", "request_id", "idempotency_key")
    )


def test_repeats_and_errors_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A repeat says how long it waits; the end names the error's class only."""
    again, end = records(caplog, logging.INFO, lost(), reply(503, b'{"message":"private"}'))
    assert f"POST /app/items: attempt 1 did not succeed, next one in 0.025 s request_id={RID}" == again.getMessage()
    assert (RID, 1) == (again.__dict__["request_id"], again.__dict__["attempts"])
    assert f"POST /app/items -> 503 in 25.0 ms request_id={RID}" == end.getMessage()
    assert (503, 25.0, "RonServerError") == tuple(end.__dict__[n] for n in ("status", "duration_ms", "error"))


def test_a_call_without_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    """Where no answer came, the error's class stands in the status' place."""
    client = RonClientSync(transport=ScriptTransport(lost()), clock=FakeClock(jitter=0.0), max_retries=0)
    with caplog.at_level(logging.INFO, "ron"), pytest.raises(ron.RonNetworkError):
        client.get("/app/x")
    [record] = caplog.records
    assert record.getMessage().startswith("GET /app/x -> RonNetworkError in ")
    assert record.__dict__["status"] is None


def test_neither_token_nor_query_nor_body_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """No record, with all its attributes, holds the capability, the query or a body."""
    found = records(caplog, logging.DEBUG, lost(), reply(500, f'{{"message":"private {CAP}"}}'.encode()))
    everything = " ".join(f"{record.getMessage()} {vars(record)}" for record in found)
    assert 3 == len(found)
    assert "hunter2" not in everything
    assert "private" not in everything


def test_nothing_is_logged_above_its_level(caplog: pytest.LogCaptureFixture) -> None:
    """At WARNING a call is silent."""
    assert [] == records(caplog, logging.WARNING, OK)


def test_the_loggers_names() -> None:
    """`get_logger()` is `ron`, with a name a child of it; a NullHandler keeps libraries quiet."""
    assert ("ron", "ron.watch") == (get_logger().name, get_logger("watch").name)
    assert any(isinstance(handler, logging.NullHandler) for handler in get_logger().handlers)
    assert ron.get_logger is get_logger


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "authorization",
        "Proxy-Authorization",
        "Cookie",
        "Set-Cookie",
        "WWW-Authenticate",
        "X-Api-Key",
        "X-Ron-Capability",
        "X-Session-Token",
        "my-SECRET",
        "X-Password",
        "X-Macaroon-Bind",
        "X-Amz-Credential",
    ],
)
def test_sensitive_headers_are_redacted(name: str) -> None:
    """Whatever may carry a secret reads `[redacted]`; the mapping given stays as it was."""
    given = {name: CAP, "Accept": "x"}
    assert {name: "[redacted]", "Accept": "x"} == redact_headers(given)
    assert CAP == given[name]


def test_the_public_helpers(caplog: pytest.LogCaptureFixture) -> None:
    """`log_request` and `log_response` cut the query and redact headers for callers, too."""
    logger = get_logger("mine")
    with caplog.at_level(logging.DEBUG, "ron.mine"):
        log_request(logger, "GET", "/a?cap=hunter2", headers={"Authorization": CAP, "A": "b"}, request_id="r-1")
        log_response(logger, "GET", "/a?cap=hunter2", 200, 0.0015, request_id="r-1")
        log_response(logger, "GET", "/a", None, 1.0, error=ValueError("hunter2"))
        log_retry(logger, "GET /a", 0.5, 1, "r-1")
    assert [
        "GET /a request_id=r-1",
        "GET /a -> 200 in 1.5 ms request_id=r-1",
        "GET /a -> ValueError in 1000.0 ms request_id=None",
        "GET /a: attempt 1 did not succeed, next one in 0.500 s request_id=r-1",
    ] == caplog.messages
    assert {"Authorization": "[redacted]", "A": "b"} == caplog.records[0].__dict__["headers"]
    assert "hunter2" not in " ".join(str(vars(record)) for record in caplog.records)


def test_disabled_helpers_do_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A logger that is off gets no record."""
    logger = get_logger("off")
    with caplog.at_level(logging.CRITICAL, "ron.off"):
        log_request(logger, "GET", "/a")
        log_response(logger, "GET", "/a", 200, 0.0)
    assert [] == caplog.records


def test_a_duration_is_told_to_the_microsecond(caplog: pytest.LogCaptureFixture) -> None:
    """`duration_ms` has three decimals; everything after the first question mark of a path is cut."""
    logger = get_logger("exact")
    with caplog.at_level(logging.INFO, "ron.exact"):
        log_response(logger, "GET", "/a?b=hunter2?c", 200, 0.0012345678)
    [record] = caplog.records
    assert (1.235, "/a") == (record.__dict__["duration_ms"], record.__dict__["path"])
