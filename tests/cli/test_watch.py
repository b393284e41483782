"""`ron watch`: changes line by line, whatever kinds there are."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ron import Deleted, Other, Put, RonParseError
from ron.cli._changes import change_line, change_text
from ron.testing import stored
from tests.cli.rig import run, run_on_terminal, seed_file
from tests.cli.shop import ITEM, NOTE, Note
from tests.reference_node import Node


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


def told(node: Node, *texts: str) -> None:
    """Creates notes, which the log of the node's changes keeps."""
    for text in texts:
        assert 0 == run("create", NOTE, f"text={text}", env=reaching(node)).code


def test_a_watch_follows_a_stream(node: Node) -> None:
    """Changes of a node are shown as they come, from a cursor on; filters are sent; escape sequences are not obeyed."""
    told(node, "a", "b", "b\x1b[2J")
    ran = run("watch", NOTE, "--cursor", "1", "--limit", "2", "-q", "x=1", env=reaching(node))
    assert (0, "") == (ran.code, ran.err)
    assert ["added", "added"] == [row[0] for row in ran.rows]
    assert "\x1b" not in ran.out
    opened = node.requests[-1]
    assert ("x=1", "1") == (opened.query, opened.header("last-event-id"))


def test_a_watch_can_begin_with_everything(node: Node) -> None:
    """`--initial` lists what is there, then says which keys exist; `--for` ends the watch after a time."""
    told(node, "a", "b")
    ran = run("watch", NOTE, "--initial", "--for", "0.2", env=reaching(node))
    assert (0, "") == (ran.code, ran.err)
    assert ["listed", "listed", "resync"] == [row[0] for row in ran.rows]
    assert '"reason": "start"' in ran.rows[2][2]


def test_a_watch_that_polls_says_so(node: Node) -> None:
    """Where somebody on the way buffers streams, a line on stderr says that the watch polls from now on."""
    node.configure(buffer_streams=True, end_after=1)
    told(node, "a", "b")
    ran = run("watch", NOTE, "--cursor", "1", "--for", "0.2", env=reaching(node))
    assert 0 == ran.code
    assert ran.err.startswith("warning ron.watch: GET /app/notes/events: ")
    assert 1 == ran.err.count("\n")


def test_a_watch_that_gives_up_says_where_it_was(node: Node) -> None:
    """A watch that gave up is exit code 7, and the line has the cursor to go on from."""
    node.fail(503)
    ran = run("watch", NOTE, "--cursor", "5", "--max-failures", "0", env=reaching(node))
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
    unread = Other("other", "added", "?", None, RonParseError("no Note"))
    assert ("other", "", '{"event": "added", "data": "?", "error": "no Note"}') == change_text(unread)
    kinds = change_text(Unheard("resync", "start", frozenset({"b", "a"}), "3"))
    assert ("resync", "", '{"reason": "start", "keys": ["a", "b"]} @3') == kinds
    assert ["a", "b"] == json.loads(change_line(Unheard("resync", "start", frozenset({"b", "a"}), None)))["keys"]


def test_the_silence_is_bounded_where_asked(node: Node) -> None:
    """`--idle-timeout` ends a silent stream, and a watch that may not fail then gives up."""
    ran = run("watch", NOTE, "--idle-timeout", "0.05", "--max-failures", "0", env=reaching(node))
    assert 7 == ran.code
    assert ran.err.startswith("ron: ")


def test_a_node_that_was_never_reached_is_not_a_quiet_one() -> None:
    """`--for` ends with an error where nothing has answered in that time, and what was tried is told."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        ran = run("watch", NOTE, "--url", url, "--insecure-http", "--for", "0.4")
    assert 3 == ran.code
    assert "still trying, after: GET /app/notes/events: " in ran.err
    assert ran.err.endswith("ron: Note: no answer within the 0.4 seconds of --for\n")
