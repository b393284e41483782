"""How the fast transport is chosen, and what is said where it can't be had. On every version of Python."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ron import ClientConfig, RonClient, RonClientSync, RonConfigError
from ron.testing import MemoryNode
from ron.transport import FastTransport, LanesTransport
from ron.transport._fast import check_available

ROOT = Path(__file__).resolve().parents[2]
URL = "https://node.example"
FAST = importlib.util.find_spec("pyreqwest") is not None
CLIENTS = [RonClient, RonClientSync]

_OTHERWISE = ", or leave `transport` out (and RON_SDK_TRANSPORT unset) to use the default"
_MISSING = "transport='fast' needs pyreqwest, which can't be imported: run `pip install 'ron-app-sdk-py[fast]'`"
_TOO_OLD = "transport='fast' needs Python 3.11 or newer, and this is 3.10: upgrade"

BLOCKED = """
import os, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pyreqwest":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Blocker())
import ron
for make in MAKES:
    try:
        make()
    except ron.RonConfigError as error:
        print(error, error.__context__, error.__cause__)
"""


def test_a_missing_extra_is_named() -> None:
    """Without pyreqwest every way to choose it is a `RonConfigError` that says what to install."""
    makes = (
        "lambda: ron.RonClient('https://node.example', transport='fast')",
        "lambda: ron.RonClientSync('https://node.example', transport='fast')",
        "lambda: ron.RonClient.from_env()",
    )
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED.replace("MAKES", f"({', '.join(makes)})")],
        cwd=ROOT,
        env={"RON_SDK_TRANSPORT": "fast", "RON_APP_URL": URL, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "" == done.stderr
    expected = _MISSING if sys.version_info >= (3, 11) else _TOO_OLD.replace("3.10", _this())
    assert [f"{expected}{_OTHERWISE} None None"] * 3 == done.stdout.splitlines()


def _this() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def test_an_old_python_is_named() -> None:
    """Below 3.11 the message says so, before anything is looked for."""
    with pytest.raises(RonConfigError) as caught:
        check_available((3, 10))
    assert f"{_TOO_OLD}{_OTHERWISE}" == str(caught.value)


@pytest.mark.parametrize("client", CLIENTS)
def test_an_object_beats_the_environment(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`RON_SDK_TRANSPORT=fast` is not looked at when a transport is given, installed or not."""
    monkeypatch.setenv("RON_SDK_TRANSPORT", "fast")
    node = MemoryNode()
    assert client(transport=node)._ports.channel is not None
    assert "Lanes" in type(client(URL, transport=LanesTransport())._ports.channel).__name__
    assert "Lanes" in type(client(config=ClientConfig.from_env({"RON_APP_URL": URL}))._ports.channel).__name__


_WAYS = [
    lambda client: client(URL, transport="fast"),
    lambda client: client(URL, transport=FastTransport()),
    lambda client: client(config=ClientConfig(base_url=URL, transport="fast")),
    lambda client: client.from_env(),
]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("way", range(len(_WAYS)))
def test_every_way_to_choose_it(client: Any, way: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By argument, object, configuration and environment: the fast channel where it can be had, else the message."""
    monkeypatch.setenv("RON_SDK_TRANSPORT", "fast")
    monkeypatch.setenv("RON_APP_URL", URL)
    if FAST:
        assert "Fast" in type(_WAYS[way](client)._ports.channel).__name__
    else:
        with pytest.raises(RonConfigError, match="transport='fast' needs"):
            _WAYS[way](client)
