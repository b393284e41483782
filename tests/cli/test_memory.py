"""`--memory`, `--serve` and `--seed`: the node in the process and what it holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.rig import run
from tests.cli.shop import ITEM, NOTE

WHOLE = {"id": "i-1", "name": "kettle", "created_at": "2026-01-01T00:00:00Z"}


def seeded(folder: Path, text: Any) -> str:
    """A file with this text, or with this value as JSON."""
    path = folder / "seed"
    path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    "seed",
    [
        [WHOLE],
        WHOLE,
        {"Item": [WHOLE], "Note": [{"id": "n-1", "text": "a"}]},
        f"{json.dumps(WHOLE)}\n\n",
        f"{json.dumps(WHOLE)}\n{json.dumps({**WHOLE, 'id': 'i-2'})}\n",
    ],
    ids=["list", "object", "by class", "one line", "lines"],
)
def test_a_seed_has_several_forms(tmp_path: Path, seed: Any) -> None:
    """A seed is a list, one object, lists by class name, or an object a line."""
    ran = run("list", ITEM, "--memory", "--serve", NOTE, "--seed", seeded(tmp_path, seed))
    assert (0, "") == (ran.code, ran.err)
    assert ["i-1", "kettle"] == ran.rows[1][:2]


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        ("{", "is no JSON: "),
        ("{}\n{", "is neither JSON nor a JSON a line: "),
        ({"Itm": []}, "'Itm' is not served; served are Item"),
        ([5], "Item[0] must be an object, not 5"),
        (
            [WHOLE, {"name": "cup"}],
            "Item[1]: stored(Item) makes a whole object: also give id=... (assigned by the node)",
        ),
        ([WHOLE, WHOLE], "there is a Item with id 'i-1' already"),
        ({"Item": [], "Note": 5}, "Item[0]: stored(Item) makes a whole object"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_wrong_with_a_seed_is_said(tmp_path: Path, seed: Any, message: str) -> None:
    """A seed that can't be planted is one line that names the file and the object; exit code 2."""
    ran = run("list", ITEM, "--memory", "--seed", seeded(tmp_path, seed))
    assert (2, "") == (ran.code, ran.out)
    assert message in ran.err
    assert 1 == ran.err.count("\n")


def test_a_seed_that_is_no_text_is_said(tmp_path: Path) -> None:
    """A file that is no UTF-8 is refused as that."""
    path = tmp_path / "seed"
    path.write_bytes(b"\xff\xfe")
    assert f"ron: --seed {path} can't be read: " in run("list", ITEM, "--memory", "--seed", str(path)).err


def test_the_settings_of_the_environment_do_not_matter() -> None:
    """The node in the process needs no URL and no token, and takes none from the environment."""
    env = {"RON_APP_URL": "ftp://nonsense", "RON_APP_TOKEN": "a b"}
    assert 0 == run("list", ITEM, "--memory", env=env).code
