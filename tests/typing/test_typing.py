"""mypy --strict and pyright find nothing in `right.py`, and in `wrong.py` exactly the errors that its lines announce."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FILES = ("right.py", "wrong.py")
#: `match` needs Python 3.10 or newer, so what is right of it stands in no file of the tree
MATCH = """\
from typing import Optional

from ron import Deleted, Other, Put, Resource, Resync, Watch, WatchSync, server
from typing_extensions import assert_never, assert_type


class Item(Resource, path="/app/items"):
    id: str = server()
    name: str


async def follow(watch: Watch[Item]) -> None:
    async for change in watch:
        match change:
            case Put(item=item, key=key):
                assert_type(item, Item)
                assert_type(key, str)
            case Deleted(item=last):
                assert_type(last, Optional[Item])
            case Resync(keys=keys):
                assert_type(keys, frozenset[str])
            case Other(event=name):
                assert_type(name, str)
            case _:
                assert_never(change)


def follow_sync(watch: WatchSync[Item]) -> None:
    for change in watch:
        match change.type:
            case "added" | "modified" | "listed":
                assert_type(change.key, str)
            case "deleted":
                assert_type(change.item, Optional[Item])
            case "resync":
                assert_type(change.keys, frozenset[str])
            case "other":
                assert_type(change.data, str)
"""

Found = dict[tuple[str, int], list[str]]


@pytest.fixture(scope="module")
def match_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`MATCH`, as a file."""
    file = tmp_path_factory.mktemp("match") / "right_match.py"
    file.write_text(MATCH, encoding="utf-8")
    return file


def run(folder: Path, match_file: Path, *command: str) -> str:
    """The output of a type checker that reads all files; it must have come to an end of its own."""
    done = subprocess.run(
        [sys.executable, "-m", *command, *(str(HERE / name) for name in FILES), str(match_file)],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def mypy(match_file: Path) -> Found:
    """What mypy says, by file and line."""
    found: Found = defaultdict(list)
    output = run(ROOT, match_file, "mypy", "--strict", "--no-error-summary")
    for line in output.splitlines():
        match = re.fullmatch(r"(.+?):(\d+): error: (.+)", line)
        if match:
            found[(Path(match[1]).name, int(match[2]))].append(match[3])
    return found


@pytest.fixture(scope="module")
def pyright(tmp_path_factory: pytest.TempPathFactory, match_file: Path) -> Found:
    """The rules that pyright names, by file and line; not by the house's settings, which leave `wrong.py` out."""
    folder = tmp_path_factory.mktemp("pyright")
    settings = {
        "extraPaths": [str(ROOT)],
        "pythonVersion": "3.9",
        "typeCheckingMode": "standard",
        "enableTypeIgnoreComments": False,
        "executionEnvironments": [
            {"root": str(match_file.parent), "pythonVersion": "3.10", "extraPaths": [str(ROOT)]},
            {"root": str(HERE), "extraPaths": [str(ROOT)]},
        ],
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    output = run(folder, match_file, "pyright", "--outputjson", "--pythonpath", sys.executable)
    found: Found = defaultdict(list)
    for one in json.loads(output[output.index("{") :])["generalDiagnostics"]:
        place = (Path(one["file"]).name, one["range"]["start"]["line"] + 1)
        found[place].append(one.get("rule", one["message"]))
    return found


def lines() -> list[str]:
    """The lines of `wrong.py`."""
    return (HERE / "wrong.py").read_text(encoding="utf-8").splitlines()


def announced(mark: str) -> dict[int, list[str]]:
    """What the lines of `wrong.py` announce under a mark, by line number."""
    found = {
        number: [part[3:].strip() for part in re.split(r"  # (?=[EP]: )", line)[1:] if part.startswith(mark)]
        for number, line in enumerate(lines(), 1)
    }
    return {number: texts for number, texts in found.items() if texts}


@pytest.fixture
def said(request: pytest.FixtureRequest, checker: str) -> Found:
    """What that checker says."""
    found: Found = request.getfixturevalue(checker)
    return found


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_what_is_right_passes(checker: str, said: Found) -> None:
    """Everything of the first hour is inferred, with no plug-in and nothing ignored."""
    assert {} == {place: texts for place, texts in said.items() if place[0] in ("right.py", "right_match.py")}


def test_mypy_finds_each_mistake_where_it_stands(mypy: Found) -> None:
    """Each line has as many errors as it announces, in that order; no other line has any."""
    actual = {line: texts for (name, line), texts in mypy.items() if name == "wrong.py"}
    expected = announced("E:")
    assert sorted(expected) == sorted(actual)
    unlike = {
        line: (parts, actual[line])
        for line, parts in expected.items()
        if len(parts) != len(actual[line]) or not all(part in text for part, text in zip(parts, actual[line]))
    }
    assert {} == unlike


def test_pyright_finds_each_mistake_where_it_stands(pyright: Found) -> None:
    """Each line breaks the rules that it announces; no other line breaks any."""
    actual = {line: sorted(set(rules)) for (name, line), rules in pyright.items() if name == "wrong.py"}
    assert {line: rules[0].split(", ") for line, rules in announced("P:").items()} == actual


def test_both_checkers_find_the_mistakes() -> None:
    """A mistake that one checker finds and the other doesn't is rare enough to be listed here."""
    one_sided = announced("E:").keys() ^ announced("P:").keys()
    assert ['if put.type == "deleted":'] == [lines()[number - 1].split("  #")[0].strip() for number in one_sided]
    assert len(announced("E:")) > 50
