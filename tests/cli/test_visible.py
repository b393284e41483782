"""No escape sequence of a node's reaches a terminal."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ron.cli._visible import visible, visible_json
from tests.cli.rig import run, run_on_terminal
from tests.reference_node import Node

JOINERS = "\u200c\u200d"


def acts(character: str) -> bool:
    """Whether a character does something instead of being seen."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and character not in JOINERS


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – naïve 日本語 👩‍🚀", "plain – naïve 日本語 👩‍🚀"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b31m\x7f", "\\x9b31m\\x7f"),
        ("a\r\n\tb", "a\\r\\n\\tb"),
        ("\u202eevil\u2066 \u2028\U000e0041", "\\u202eevil\\u2066 \\u2028\\U000e0041"),
    ],
)
def test_what_acts_is_written_as_its_escape(text: str, shown: str) -> None:
    """Controls of C0 and C1, bidirectional controls and invisible tags are written out; text of all scripts stays."""
    assert shown == visible(text)


@given(st.text())
def test_nothing_acts_afterwards(text: str) -> None:
    """Whatever the text, no character that acts is left in it, and nothing else is changed."""
    shown = visible(text)
    assert not any(acts(character) for character in shown)
    assert text == shown or any(acts(character) for character in text)


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5))
def test_json_stays_the_same_json(value: object) -> None:
    """JSON made safe means the same, and nothing in it acts but its own line ends."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    safe = visible_json(text)
    assert value == json.loads(safe)
    assert not any(acts(character) for character in safe if character != "\n")


EVIL = "\x1b[2J\x9b1m\u202e"


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "tests.cli.shop:Note"],
        ["list", "tests.cli.shop:Note", "--json"],
        ["list", "tests.cli.shop:Note", "--ndjson"],
        ["call", "GET", "/app/notes"],
        ["call", "GET", "/app/notes", "-i"],
    ],
    ids=" ".join,
)
def test_no_output_carries_a_nodes_escapes(node: Node, arguments: list[str]) -> None:
    """Tables, JSON and errors show a node's escape sequences instead of obeying them, in pipes as on terminals."""
    env = {"RON_APP_URL": node.url, "RON_SDK_ALLOW_INSECURE_HTTP": "1", "NO_COLOR": "1"}
    body = json.dumps({"items": [{"id": EVIL, "text": EVIL, EVIL: EVIL}]}, ensure_ascii=False).encode()
    node.answer(200, body=body, times=2)
    for ran in (run(*arguments, env=env), run_on_terminal(*arguments, env=env, width=500)):
        assert 0 == ran.code
        assert not set("\x9b\u202e") & set(ran.out)
        assert "\x1b[2J" not in ran.out
    node.answer(409, body=json.dumps({"code": EVIL, "message": EVIL}).encode())
    failed = run(*arguments, env=env)
    assert 4 == failed.code
    assert not set("\x1b\x9b\u202e") & set(failed.err)
