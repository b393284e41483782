"""Tokens come from the environment or a prompt, never from an argument, and no output shows them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from ron.cli._secrecy import token_in
from tests.cli.rig import Ran, run, run_on_terminal
from tests.reference_node import Node

TOKEN = "canary-Qx7uVk2Zt9wBc4Lm"


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """`--debug` must leave no handler behind."""
    before = (list(logging.getLogger("ron").handlers), logging.getLogger("ron").level)
    yield
    assert before == (list(logging.getLogger("ron").handlers), logging.getLogger("ron").level)


def reaching(node: Node, **more: str) -> dict[str, str]:
    """The environment that names a node and has a token for it."""
    return {"RON_APP_URL": node.url, "RON_SDK_ALLOW_INSECURE_HTTP": "1", "RON_APP_TOKEN": TOKEN, **more}


def shows(ran: Ran) -> bool:
    """Whether anything that was written shows the token, or twelve characters of it."""
    text = ran.out + ran.err
    return any(TOKEN[at : at + 12] in text for at in range(len(TOKEN) - 11))


def test_the_token_of_the_environment_is_sent(node: Node) -> None:
    """RON_APP_TOKEN is sent to the URL of the environment."""
    node.answer(200, body=b"{}")
    assert 0 == run("call", "GET", "/app/notes", env=reaching(node)).code
    assert f"Bearer {TOKEN}" == node.requests[0].header("authorization")


def test_the_token_of_the_environment_is_not_sent_elsewhere(node: Node) -> None:
    """RON_APP_TOKEN is not sent to a `--url` that is another one, and a line on stderr says so."""
    node.answer(200, body=b"{}", times=2)
    elsewhere = reaching(node, RON_APP_URL="https://gateway.example")
    ran = run("call", "GET", "/app/notes", "--url", node.url, env=elsewhere)
    assert 0 == ran.code
    assert None is node.requests[0].header("authorization")
    assert "ron: RON_APP_TOKEN belongs to the URL of the environment and is not sent to --url: " in ran.err
    same = run("call", "GET", "/app/notes", "--url", node.url, env=reaching(node))
    assert (0, "") == (same.code, same.err)
    assert f"Bearer {TOKEN}" == node.requests[1].header("authorization")


def test_a_token_can_be_asked_for(node: Node) -> None:
    """`--ask-token` reads the token unseen; what is wrong with it is said without it."""
    node.answer(200, body=b"{}")
    arguments = ["call", "GET", "/app/notes", "--url", node.url, "--insecure-http", "--ask-token"]
    ran = run(*arguments, input=f"{TOKEN}\n")
    assert 0 == ran.code
    assert f"Bearer {TOKEN}" == node.requests[0].header("authorization")
    assert not shows(ran)
    wrong = run(*arguments, input=f"{TOKEN} x\n")
    assert (2, False) == (wrong.code, shows(wrong))
    assert "is no token: it is empty, or holds a blank" in wrong.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--token", TOKEN],
        [f"--token={TOKEN}"],
        ["--bearer", TOKEN],
        ["--password", TOKEN],
        ["-token", TOKEN],
        ["-H", f"Authorization: Bearer {TOKEN}"],
        [f"-HAuthorization: {TOKEN}"],
        [f"--header=proxy-authorization: {TOKEN}"],
        ["-H", f"Cookie: sid={TOKEN}"],
        ["-q", f"access_token={TOKEN}"],
        [f"Bearer {TOKEN}"],
    ],
    ids=str,
)
def test_a_token_in_an_argument_is_refused(arguments: list[str]) -> None:
    """What looks like a token in an argument is refused, with what to do instead, and is not shown."""
    ran = run("call", "GET", "/app/notes", *arguments)
    assert (2, "", False) == (ran.code, ran.out, shows(ran))
    assert "set RON_APP_TOKEN in the environment, or use --ask-token" in ran.err
    assert 1 == ran.err.count("\n")


def test_the_environments_token_in_an_argument_is_refused() -> None:
    """An argument that holds the value of RON_APP_TOKEN is refused, whatever it looks like."""
    ran = run("call", "GET", "/app/notes", "-q", f"x={TOKEN}", env={"RON_APP_TOKEN": TOKEN})
    assert (2, False) == (ran.code, shows(ran))
    assert "ron: an argument holds the value of RON_APP_TOKEN: leave it out" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "shop:Item", "--page-token", "abc"],
        ["call", "POST", "/app/login", "-d", '{"password": "x"}'],
        ["doctor", "--ask-token"],
        ["call", "GET", "/app/a", "-q", "token=x"],
        ["create", "shop:User", "password=x"],
        ["list", "bearer:Item", "-f", "auth=x"],
    ],
    ids=" ".join,
)
def test_other_arguments_pass(arguments: list[str]) -> None:
    """An application's own fields and tokens of pages are no attempt."""
    assert None is token_in(arguments)


@pytest.mark.parametrize("body", [f'{{"message": "no {TOKEN}"}}', f"<p>{TOKEN}</p>", ""])
@pytest.mark.parametrize("debug", [[], ["--debug"]], ids=["plain", "debug"])
def test_no_output_shows_the_token(node: Node, body: str, debug: list[str]) -> None:
    """Errors, their tracebacks and the log don't show the token, also where a node echoes it."""
    node.answer(401, {"X-Echo": TOKEN}, body.encode(), times=3)
    for arguments in (["call", "GET", "/app/notes", "-i"], ["list", "tests.cli.shop:Note"], ["doctor"]):
        ran = run(*arguments, *debug, env=reaching(node))
        assert 0 != ran.code
        assert not shows(ran)


@pytest.mark.parametrize("form", [["--json"], ["--ndjson"], []], ids=["json", "ndjson", "table"])
def test_no_result_shows_the_token(node: Node, form: list[str]) -> None:
    """A node that puts the token into what it answers doesn't get it printed, and JSON stays JSON."""
    token = 'Qx7uVk2"Zt9\\wBc4Lm'
    body = json.dumps({"items": [{"id": "n-1", "text": token}]}).encode()
    node.answer(200, body=body, times=2)
    ran = run("list", "tests.cli.shop:Note", *form, env=reaching(node, RON_APP_TOKEN=token))
    assert 0 == ran.code
    assert "Qx7uVk2" not in ran.out
    assert "[redacted]" in ran.out
    assert None is not ran.json if form == ["--json"] else True
    shown = run_on_terminal("list", "tests.cli.shop:Note", *form, env=reaching(node, RON_APP_TOKEN=token))
    assert "Qx7uVk2" not in shown.out


def test_a_token_that_is_none_is_not_shown() -> None:
    """A RON_APP_TOKEN that can't be one is an error that names the variable only."""
    ran = run(
        "call", "GET", "/app/notes", env={"RON_APP_TOKEN": f"{TOKEN} {TOKEN}", "RON_APP_URL": "https://a.example"}
    )
    assert (2, False) == (ran.code, shows(ran))
    assert "RON_APP_TOKEN is no token" in ran.err


def test_debug_shows_tracebacks_and_the_log(node: Node) -> None:
    """`--debug`, before or after the command's name, shows the traceback and the SDK's log before the line itself."""
    node.answer(404, times=3)
    for arguments in (["--debug", "call", "GET", "/app/notes"], ["call", "GET", "/app/notes", "--debug"]):
        ran = run(*arguments, env=reaching(node))
        assert 4 == ran.code
        assert "debug ron: GET /app/notes request_id=" in ran.err
        assert "Traceback (most recent call last):" in ran.err
        assert ran.err.splitlines()[-1].startswith("ron: GET /app/notes: 404")
    quiet = run("call", "GET", "/app/notes", env=reaching(node))
    assert 1 == quiet.err.count("\n")
