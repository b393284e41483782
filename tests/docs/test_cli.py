"""docs/cli.md says what the command does: every command in it is run, its pictures are what is drawn today.

A line that begins with `$ ` in a ```console block is run in a folder with the page's files; what follows is what it
must write, stdout first; `…` stands for anything on its line, and alone on a line for any lines. The nodes that the
page names by their usual ports are small ones that answer like them.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ron.cli import _exits
from tests.cli.nodes import SHOP, Town, gateway, macronode, micronode, town
from tests.cli.rig import environment, run
from tests.docs.cli_pictures import PAGE, PICTURES, files_of_the_page, pictures, words

TEXT = PAGE.read_text(encoding="utf-8")
CONSOLES = re.findall(r"^```console\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = [re.split(r"\n", block, maxsplit=1) for text in CONSOLES for block in re.split(r"(?m)^\$ ", text)[1:]]


OURS = {"http://127.0.0.1:5304"}  #: what the page's own commands name


@pytest.fixture(scope="module")
def nodes() -> Iterator[dict[str, str]]:
    """The page's URLs, and those of the nodes that stand in for them."""
    with town() as many:
        yield _standing_in(many)


def _standing_in(many: Town) -> dict[str, str]:
    answers = {5304: gateway(), 5310: micronode({**SHOP, "upstream": "http://127.0.0.1:4000"}), 8080: macronode()}
    return {f"http://127.0.0.1:{port}": many.node(answer) for port, answer in answers.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for the whole page, with its files."""
    path = tmp_path_factory.mktemp("page")
    for name, text in files_of_the_page().items():
        (path / name).write_text(text, encoding="utf-8")
    return path


def wrote(command: str) -> str:
    """What a command writes, stdout first; a pipeline runs in a shell."""
    if "|" in command or not command.startswith("ron "):
        bin_folder = str(Path(sys.executable).parent)
        env = environment()
        done = subprocess.run(
            ["bash", "-c", command],
            env={**env, "PATH": f"{bin_folder}:{env['PATH']}"},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout + done.stderr
    ran = run(*shlex.split(command)[1:])
    return ran.out + ran.err


def pattern(expected: str) -> str:
    """What the page shows, as a regular expression."""
    lines = [
        r"(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + r"\n" for line in expected.splitlines()
    ]
    return "".join(lines)


def replaced(text: str, urls: Mapping[str, str]) -> str:
    """The text with other URLs, in one pass: a port that the system gives may begin with the digits of one shown."""
    return re.sub("|".join(rf"{re.escape(url)}(?!\d)" for url in urls), lambda found: urls[found.group()], text)


@pytest.mark.parametrize(("command", "expected"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_a_command_of_the_page_writes_what_it_says(
    command: str, expected: str, nodes: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command of docs/cli.md writes what stands below it."""
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "shop", raising=False)
    written = replaced(wrote(replaced(command, nodes)), {there: shown for shown, there in nodes.items()})
    # What else answers on this machine is none of the page's business.
    written = "".join(line for line in written.splitlines(keepends=True) if "\telsewhere\t" not in line)
    written += "" if not written or written.endswith("\n") else "\n"
    assert re.fullmatch(pattern(expected), written), written


def test_the_page_has_commands() -> None:
    """The blocks are found: a page without any would pass."""
    assert 20 < len(COMMANDS)


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    """The pictures as they are drawn today."""
    return pictures()


def test_the_pictures_say_what_is_drawn_today(drawn: dict[str, str]) -> None:
    """Each stored picture says what the command draws now; `python -m tests.docs.cli_pictures` writes them anew."""
    stored = {path.name: path.read_text(encoding="utf-8") for path in PICTURES.glob("cli-*.svg")}
    assert {name: words(svg) for name, svg in drawn.items()} == {name: words(svg) for name, svg in stored.items()}


def test_the_pictures_are_the_same_every_time(drawn: dict[str, str]) -> None:
    """Drawing them again gives the same bytes, and nothing in them leads elsewhere."""
    assert drawn == pictures()
    for svg in drawn.values():
        assert {"http://www.w3.org/2000/svg"} == set(re.findall(r"""https?://[^"'<\s&]+""", svg)) - OURS
        assert 40_000 > len(svg)


def test_the_page_shows_every_picture(drawn: dict[str, str]) -> None:
    """The page shows each picture, and none that is not there."""
    assert sorted(drawn) == sorted(re.findall(r"\]\(pictures/([\w-]+\.svg)\)", TEXT))


def test_the_exit_codes_are_those_of_the_command() -> None:
    """The page's table has every code of the command, and no other."""
    codes = {getattr(_exits, name) for name in _exits.__all__ if name.isupper()}
    assert sorted(codes) == [int(code) for code in re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE)]
