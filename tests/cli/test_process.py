"""The command as a process of its own: signals, pipes, terminals, and what it loads."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ron._version import __version__
from tests.cli.rig import ROOT, environment, seed_file, spawn
from tests.cli.shop import ITEM, NOTE
from tests.reference_node import Node

SECONDS = 60.0


def reaching(node: Node, **more: str) -> dict[str, str]:
    """The environment that names a node."""
    return environment(RON_APP_URL=node.url, RON_SDK_ALLOW_INSECURE_HTTP="1", **more)


def drain(terminal: int) -> str:
    """Everything that was written to a terminal, until its other end is closed."""
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux reports the end of a terminal as an error
            part = b""
        if not part:
            os.close(terminal)
            return b"".join(parts).decode()
        parts.append(part)


@pytest.mark.parametrize("arguments", [["watch", NOTE], ["call", "GET", "/app/notes"]], ids=" ".join)
def test_ctrl_c_is_clean(node: Node, arguments: list[str]) -> None:
    """Ctrl-C ends a watch and a call that waits with exit code 130, without a traceback, leaving nothing open."""
    if arguments[0] != "watch":
        node.hang()
    process = spawn(*arguments, env=reaching(node), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    node.wait_waiting(1, SECONDS)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=SECONDS)
    assert (130, b"", b"") == (process.returncode, out, err.strip())
    node.wait_waiting(0, SECONDS)


def test_a_closed_pipe_is_clean(tmp_path: Path) -> None:
    """When the reader of a pipe leaves, as `head` does, the command ends silently with exit code 141."""
    seed = seed_file(tmp_path, *({"name": "x" * 100} for _ in range(1000)))
    process = spawn(
        "list", ITEM, "--ndjson", "--memory", "--seed", seed, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert "i-1" == json.loads(process.stdout.readline())["id"]
    process.stdout.close()
    assert (141, b"") == (process.wait(SECONDS), process.stderr.read())
    process.stderr.close()


buffering = pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])


@buffering
def test_a_whole_document_or_an_exit_code(unbuffered: str, tmp_path: Path) -> None:
    """A pipe that closes in the middle of one JSON document ends with 141, also where Python doesn't buffer."""
    seed = seed_file(tmp_path, *({"name": "x" * 100} for _ in range(3000)))
    process = spawn(
        "list", ITEM, "--json", "--memory", "--seed", seed,
        env=environment(PYTHONUNBUFFERED=unbuffered), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    os.read(process.stdout.fileno(), 50)
    process.stdout.close()
    assert (141, b"") == (process.wait(SECONDS), process.stderr.read())
    process.stderr.close()


@buffering
@pytest.mark.parametrize("arguments", [["list", NOTE, "--memory"], ["list", NOTE, "--memory", "--json"], ["--help"]])
def test_a_full_disk_is_one_line(unbuffered: str, arguments: list[str]) -> None:
    """What could not be written is said in one line, and Python adds none of its own; the exit code is 74."""
    with open("/dev/full", "wb") as full:
        env = environment(PYTHONUNBUFFERED=unbuffered)
        process = spawn(*arguments, env=env, stdout=full, stderr=subprocess.PIPE)
        _, err = process.communicate(timeout=SECONDS)
    line = b"ron: the output could not be written: No space left on device\n"
    assert (74, line) == (process.returncode, err)


def test_there_is_no_terminal_to_ask_on() -> None:
    """`--ask-token` where nobody can be asked says what to do instead."""
    process = spawn(
        "call", "GET", "/app/x", "--url", "http://127.0.0.1:9", "--insecure-http", "--ask-token",
        env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    _, err = process.communicate(timeout=SECONDS)
    assert 2 == process.returncode
    assert err.decode().endswith(
        "ron: --ask-token asks on a terminal, and there is none: set RON_APP_TOKEN and RON_APP_URL instead\n"
    )


def test_a_terminal_gets_colour(tmp_path: Path) -> None:
    """On a real terminal a list is a table in colour."""
    ours, theirs = pty.openpty()
    arguments = ("list", ITEM, "--memory", "--seed", seed_file(tmp_path, {"name": "kettle"}))
    process = spawn(*arguments, env=environment(COLUMNS="120"), stdout=theirs)
    os.close(theirs)
    shown = drain(ours)
    assert 0 == process.wait(SECONDS)
    assert "kettle" in shown
    assert "\x1b[36m" in shown


def test_a_long_list_shows_progress_on_stderr(node: Node) -> None:
    """While pages come, a bar is drawn on a terminal's stderr and taken away; stdout has the list only."""
    for token in ("t1", "t2", None):
        item = {"id": f"n-{token}", "text": "a"}
        node.answer(200, body=json.dumps({"items": [item], "next_page_token": token}).encode())
    ours, theirs = pty.openpty()
    process = spawn("list", NOTE, "--limit", "9", env=reaching(node), stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    shown = drain(ours)
    out, _ = process.communicate(timeout=SECONDS)
    assert (0, b"id\ttext\nn-t1\ta\nn-t2\ta\nn-None\ta\n") == (process.returncode, out)
    assert "listing" in shown
    assert "2/9" in shown
    assert shown.rstrip().endswith("\x1b[2K")  # the line is cleared


HEAVY = {"pydantic", "pydantic_core", "httpx", "httpcore", "h11", "anyio", "asyncio", "ssl", "rich", "tomli_w"}
HELPS = [["--help"], ["list", "--help"], ["doctor", "--help"], ["manifest", "--help"], ["manifest", "check", "--help"]]


def test_help_is_instant() -> None:
    """`--help` of the whole loads no command's module; that of none loads pydantic, an HTTP library or rich."""
    code = (
        "import sys, ron.cli, json\n"
        "loaded = []\n"
        f"for arguments in {HELPS!r}:\n"
        "    ron.cli.main(arguments)\n"
        "    loaded.append(sorted(sys.modules))\n"
        "sys.stderr.write(json.dumps(loaded))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    )
    first, *_, last = (set(modules) for modules in json.loads(done.stderr))
    assert not last & HEAVY
    commands = {"_list", "_one", "_watch", "_call", "_connection", "doctor", "manifest"}
    assert not first & {f"ron.cli.{name}" for name in commands}


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra_it_says_what_to_install(missing: str, tmp_path: Path) -> None:
    """Where click or rich is not installed, one line says what to install; exit code 2."""
    code = f"import sys; sys.modules[{missing!r}] = None; import ron.cli; sys.exit(ron.cli.main())"
    arguments = ["list", ITEM, "--memory", "--seed", seed_file(tmp_path, {"name": "kettle"})]
    ours, theirs = pty.openpty()  # rich is only needed for a terminal
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=environment(),
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(theirs)
    drain(ours)
    assert (2, 'ron: the command needs click and rich: pip install "ron-app-sdk-py[cli]"\n') == (
        done.returncode,
        done.stderr,
    )


def test_the_entry_point_is_the_same_command() -> None:
    """The installed script `ron` and `python -m ron` are the same."""
    script = Path(sys.executable).with_name("ron")
    for command in ([str(script)], [sys.executable, "-m", "ron"]):
        done = subprocess.run(
            [*command, "--version"], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
        )
        assert (0, f"ron {__version__}\n", "") == (done.returncode, done.stdout, done.stderr)
