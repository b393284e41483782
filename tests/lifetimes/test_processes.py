"""Forks, interrupts and the end of the interpreter, each in a process of its own: right answers, no hang, no noise."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.lifetimes.echo_node import EchoNode

ROOT = Path(__file__).resolve().parents[2]
#: Only reached when a test has failed.
PATIENCE = 40.0
#: All warnings show, but the one of Python 3.12 about forks beside threads, which a test makes on purpose.
FLAGS = ("-W", "default", "-W", "ignore:This process:DeprecationWarning")


class End(NamedTuple):
    """How a process ended."""

    code: int
    out: str
    err: str


@contextmanager
def running(name: str, node: EchoNode) -> Iterator[subprocess.Popen[str]]:
    """The program of that name, against that node."""
    command = [sys.executable, *FLAGS, "-m", "tests.lifetimes.programs", name, node.url]
    pipe: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipe) as process:
        try:
            yield process
        finally:
            process.kill()


def end_of(process: subprocess.Popen[str], say: str = "") -> End:
    """How it ends, after that line on its stdin."""
    out, err = process.communicate(say, timeout=PATIENCE)
    return End(process.returncode, out, err)


@pytest.mark.parametrize(
    "name",
    [
        "fork_sync",
        "fork_async",
        "fork_while_locked",
        "fork_with_a_watch",
        "fork_with_an_async_watch",
        "fork_with_a_mirror",
        "fork_with_an_async_mirror",
        "fork_pool",
        "fork_httpx",
        "fork_in_process",
        "never_closed_async",
    ],
)
def test_goes_well(name: str) -> None:
    """The program does what it says, without a word on stderr, and the node sees all its connections closed."""
    with EchoNode.in_thread() as node, running(name, node) as process:
        assert End(0, "done\n", "") == end_of(process)
        node.wait_connections(0)


@pytest.mark.parametrize("name", ["interrupted_async", "interrupted_sync", "interrupted_watch"])
def test_interrupted(name: str) -> None:
    """^C in the middle of a call or a watch is a KeyboardInterrupt where the program can catch it, and nothing else."""
    with EchoNode.in_thread() as node, running(name, node) as process:
        node.wait_requests(2 if name == "interrupted_watch" else 1)
        process.send_signal(signal.SIGINT)
        assert End(7, "", "") == end_of(process)
        node.wait_connections(0)


def test_interrupted_and_not_caught() -> None:
    """^C that nobody catches ends the process by its signal with that one traceback."""
    with EchoNode.in_thread() as node, running("interrupted_and_not_caught", node) as process:
        node.wait_requests(1)
        process.send_signal(signal.SIGINT)
        code, out, err = end_of(process)
        assert (-signal.SIGINT, "") == (code, out)
        assert "KeyboardInterrupt" == err.splitlines()[-1]
        assert "never retrieved" not in err
        assert "ignored" not in err


@pytest.mark.parametrize(("name", "requests"), [("exit_beside_a_call", 3), ("exit_inside_async_with", 2)])
def test_exit_in_mid_call(name: str, requests: int) -> None:
    """A process that exits while calls and watches are under way ends at once, with its own code and nothing to say."""
    with EchoNode.in_thread() as node, running(name, node) as process:
        node.wait_requests(requests)
        assert End(5, "", "") == end_of(process, "\n")
        node.wait_connections(0)


def test_a_sync_client_that_nobody_closes() -> None:
    """Its sockets close with it, and Python says so where ResourceWarnings are shown: as with every other socket."""
    with EchoNode.in_thread() as node, running("never_closed_sync", node) as process:
        code, out, err = end_of(process)
        assert (0, "done\n") == (code, out)
        assert 1 == err.count("ResourceWarning: unclosed <socket")
        assert "Traceback" not in err
        node.wait_connections(0)
