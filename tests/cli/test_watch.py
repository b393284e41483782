"""`ron watch`: changes line by line, whatever kinds there are."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ron import Deleted, Other, Put
from ron.cli._changes import change_line, change_text
from ron.testing import stored
from tests.cli.rig import run, run_on_terminal, seed_file
from tests.cli.shop import ITEM, NOTE, Note
from tests.reference_node import Node

EVENTS = {"Content-Type": "text/event-stream"}


def reaching(node: Node) -> dict[str, str]:
    """The environment that names a node."""
    return {"RON_APP_URL": node.url, "RON_SDK_ALLOW_INSECURE_HTTP": "1", "RON_SDK_MAX_RETRIES": "0"}


def test_a_watch_on_memory_shows_the_seed(tmp_path: Path) -> None:
    """With `--memory` the seed's objects are added once the watch is open, and it ends after them."""
    seed = seed_file(tmp_path, {"name": "a"}, {"name": "b"})
    ran = run("watch", ITEM, "--memory", "--seed", seed, "--ndjson")
    assert (0, "") == (ran.code, ran.err)
    changes = [json.loads(line) for line in ran.out.splitlines()]
    assert [("added", "i-1", "a", "1"), ("added", "i-2", "b", "2")] == [
        (change["type"], change["key"], change["item"]["name"], change["cursor"]) for change in changes
    ]


def test_a_watch_in_a_pipe_is_tab_separated(tmp_path: Path) -> None:
    """Outside a terminal a change is its type, its key and the rest, between tabs; `--limit` ends it."""
    seed = seed_file(tmp_path, {"name": "a"}, {"name": "b"})
    (row,) = run("watch", ITEM, "--memory", "--seed", seed, "--limit", "1").rows
    assert ["added", "i-1"] == row[:2]
    assert row[2].startswith('{"id": "i-1", "name": "a"')


def test_a_watch_on_a_terminal_is_coloured(tmp_path: Path) -> None:
    """On a terminal the same in colour."""
    seed = seed_file(tmp_path, {"name": "a"})
    ran = run_on_terminal("watch", ITEM, "--memory", "--seed", seed)
    assert "\x1b[32madded" in ran.out


def test_a_watch_follows_a_stream(node: Node) -> None:
    """Events of a node are shown as they come; filters and cursor are sent; what is not known is shown, too."""
    events = (
        b'event: added\nid: 5\ndata: {"id": "n-1", "text": "a"}\n\n'
        b"event: deleted\nid: 6\ndata: n-1\n\n"
        b"event: other\x1b[31m\nid: 7\ndata: \x1b[2J\n\n"
    )
    node.answer(200, EVENTS, events)
    node.answer(204)
    ran = run("watch", NOTE, "-f", "text=a", "--cursor", "4", "--retries", "3", env=reaching(node))
    assert (0, "") == (ran.code, ran.err)
    assert ["added", "deleted", "other"] == [row[0] for row in ran.rows]
    assert "\x1b" not in ran.out
    opened, again = node.requests
    assert ("text=a", "4", "7") == (opened.query, opened.header("last-event-id"), again.header("last-event-id"))


def test_a_watch_that_gives_up_says_where_it_was(node: Node) -> None:
    """A watch that gave up is exit code 7, and the line has the cursor to go on from."""
    node.answer(200, EVENTS, b'event: added\nid: 5\ndata: {"id": "n-1", "text": "a"}\n\n')
    node.fail(503)
    ran = run("watch", NOTE, env=reaching(node))
    assert 7 == ran.code
    assert "go on with --cursor 5" in ran.err


@dataclass(frozen=True)
class Unheard:
    """A kind of change that the command doesn't know."""

    type: str
    reason: str
    keys: frozenset[str]
    cursor: Any


def test_changes_of_any_kind_have_a_line() -> None:
    """A change is shown by its own fields, so that kinds that come later are shown as well."""
    note = stored(Note, id="n\x1b", text="\u202e")
    assert '{"type":"added","key":"n\\u001b","item":{"id":"n\\u001b","text":"\\u202e"},"cursor":"1"}' == (
        change_line(Put("added", "n\x1b", note, "1"))
    )
    assert ("added", "n\\x1b", '{"id": "n\\u001b", "text": "\\u202e"} @1') == (
        change_text(Put("added", "n\x1b", note, "1"))
    )
    assert ("deleted", "n", "") == change_text(Deleted("deleted", "n", None, None))
    assert ("other", "", '{"event": "e", "data": "d"} @2') == change_text(Other("other", "e", "d", "2"))
    kinds = change_text(Unheard("resync", "start", frozenset({"b", "a"}), "3"))
    assert ("resync", "", '{"reason": "start", "keys": ["a", "b"]} @3') == kinds
    assert ["a", "b"] == json.loads(change_line(Unheard("resync", "start", frozenset({"b", "a"}), None)))["keys"]


def test_the_wait_is_bounded_where_asked(node: Node) -> None:
    """`--idle-timeout` ends a silent stream; with no retries left that is told."""
    with_silence = run("watch", NOTE, "--idle-timeout", "0.05", env=reaching(node))
    assert 7 == with_silence.code
    assert re.match(r"ron: GET /app/notes/events: .*no event", with_silence.err)
