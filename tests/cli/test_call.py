"""`ron call`: one request with the SDK's semantics, and what is shown of its answer."""

from __future__ import annotations

import json

import pytest

from tests.cli.rig import run, run_on_terminal
from tests.reference_node import Node


def reaching(node: Node, **more: str) -> dict[str, str]:
    """The environment that names a node."""
    return {"RON_APP_URL": node.url, "RON_SDK_ALLOW_INSECURE_HTTP": "1", **more}


def test_a_call_sends_what_is_asked(node: Node) -> None:
    """Method in any case, query, headers and a JSON body are sent; the answer is indented JSON."""
    node.answer(200, body=b'{"a":[1]}')
    arguments = ["-q", "x=1", "-q", "x=a b", "-H", "X-Who: me", "-d", '{"n": 18446744073709551615}']
    ran = run("call", "post", "/app/notes", *arguments, env=reaching(node))
    assert (0, '{\n  "a": [\n    1\n  ]\n}\n', "") == (ran.code, ran.out, ran.err)
    (request,) = node.requests
    assert ("POST", "/app/notes", "x=1&x=a%20b", "me") == (
        request.method,
        request.path,
        request.query,
        request.header("x-who"),
    )
    assert {"n": 18446744073709551615} == json.loads(request.body)


def test_a_call_repeats_as_the_sdk_does(node: Node) -> None:
    """A GET answered 503 is repeated; a POST is not, unless a key is the caller's word for it."""
    node.fail(503, retry_after_ms=1)
    node.answer(200, body=b"{}")
    assert 0 == run("call", "GET", "/app/notes", env=reaching(node)).code
    node.fail(503, retry_after_ms=1)
    assert 5 == run("call", "POST", "/app/notes", "-d", "{}", env=reaching(node)).code
    node.fail(503, retry_after_ms=1)
    node.answer(200, body=b"{}")
    assert 0 == run("call", "POST", "/app/notes", "-d", "{}", "--idempotency-key", "new", env=reaching(node)).code
    assert 5 == len(node.requests)


def test_other_answers_are_shown_as_they_are(node: Node) -> None:
    """Text passes a pipe byte for byte; on a terminal it loses its escape sequences; nothing is shown of nothing."""
    node.answer(200, body=b"ok \x1b[31mred\x9b \xe2\x80\xae", times=2)
    assert "ok \x1b[31mred\ufffd \u202e" == run("call", "GET", "/healthz", env=reaching(node)).out
    shown = run_on_terminal("call", "GET", "/healthz", env=reaching(node)).out
    assert "ok \\x1b[31mred\ufffd \\u202e\n" == shown
    node.answer(204)
    assert (0, "") == run("call", "GET", "/healthz", env=reaching(node))[:2]


def test_the_head_of_an_answer_can_be_shown(node: Node) -> None:
    """`-i` shows status and headers; sensitive ones are redacted."""
    node.answer(200, {"Set-Cookie": "sid=12345", "X-A": "b"}, b"{}")
    lines = run("call", "GET", "/app/notes", "-i", env=reaching(node)).out.splitlines()
    assert "HTTP 200" == lines[0]
    assert "x-a: b" in [line.lower() for line in lines]
    assert "set-cookie: [redacted]" in [line.lower() for line in lines]
    assert ["", "{}"] == lines[-2:]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["GET", "/a?b=c"], "ron: PATH holds a '?': give the query as -q NAME=VALUE"),
        (["GET", "app", "--url", "https://a.example"], "ron: a path begins with '/'"),
        (["BREW", "/app", "--url", "https://a.example"], "ron: method must be one of GET"),
        (["GET", "/app", "-q", "x"], "ron: -q 'x' must be name=value"),
        (["GET", "/app", "-H", "x"], "ron: -H must be 'Name: value'"),
        (["GET"], "ron call: Missing argument 'PATH' (see ron call --help)"),
        (["GET", "/app", "--memory"], "ron: --memory serves what is declared: add --serve shop:Item"),
        (["GET", "/app", "--serve", "shop"], "ron: --serve goes with --memory"),
        (["GET", "/app", "--memory", "--url", "https://a"], "ron: --memory is a node in this process"),
        (["GET", "/app", "--url", "http://a.example"], "ron: http://a.example:80 is not encrypted: use https://, or"),
        (["GET", "/app"], "ron: no node is named: set RON_APP_URL, or give --url"),
        (["GET", "/app", "--url", "ftp://a.example"], "ron: the URL must begin with https://"),
        (["GET", "/app", "--url", "https://u:p@a.example"], "ron: the URL holds user information before '@': leave it"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_is_wrong_with_a_call_is_said(arguments: list[str], message: str) -> None:
    """A mistake is one line on stderr, in the command's own terms, and exit code 2."""
    ran = run("call", *arguments)
    assert (2, "") == (ran.code, ran.out)
    assert ran.err.startswith(message)
    assert 1 == ran.err.count("\n")


@pytest.mark.parametrize(
    ("status", "code"), [(302, 4), (400, 4), (401, 4), (404, 4), (409, 4), (429, 4), (500, 5), (504, 5)]
)
def test_exit_codes_tell_kinds_of_answers_apart(node: Node, status: int, code: int) -> None:
    """The node's 3xx and 4xx are exit code 4, its 5xx exit code 5; the line names the status."""
    node.answer(status)
    ran = run("call", "GET", "/app/notes", "--retries", "0", env=reaching(node))
    assert (code, "") == (ran.code, ran.out)
    assert str(status) in ran.err


def test_no_answer_is_exit_code_3(node: Node) -> None:
    """Nobody there, and an answer that doesn't come in time, are exit code 3."""
    port = free_port()
    ran = run("call", "GET", "/app", "--url", f"http://127.0.0.1:{port}", "--insecure-http", "--retries", "0")
    assert 3 == ran.code
    node.hang()
    assert 3 == run("call", "GET", "/app", "--timeout", "0.05", env=reaching(node)).code
    node.reset()


def test_the_memory_node_serves_what_is_named() -> None:
    """`--serve` takes one resource, or a module for all that it declares."""
    for name in ("tests.cli.shop:Note", "tests.cli.shop"):
        assert [] == run("call", "GET", "/app/notes", "--memory", "--serve", name).json["items"]
    assert "ron: tests.cli.rig declares no Resource: name one as tests.cli.rig:Item\n" == (
        run("call", "GET", "/app/notes", "--memory", "--serve", "tests.cli.rig").err
    )


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
