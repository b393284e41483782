"""docs/manifests.md lists every code and effect that a finding can have, in the same words."""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Mapping
from pathlib import Path

import pytest

from ron.manifest import CODES, EFFECTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "manifests.md"


@pytest.mark.parametrize(("heading", "listed"), [("| code |", CODES), ("| effect |", EFFECTS)])
def test_the_tables_of_findings_are_complete(heading: str, listed: Mapping[str, str]) -> None:
    """The page's table has the rows that the code has, in its order."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(heading)
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", rest.split("\n\n")[0], re.MULTILINE)
    assert list(listed.items()) == rows


def test_the_shown_output_is_what_the_code_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A text block of the page is what the code block before it prints."""
    monkeypatch.chdir(tmp_path)
    module = types.ModuleType("documented")
    monkeypatch.setitem(sys.modules, module.__name__, module)  # where pydantic looks
    blocks = re.findall(r"^```(python|text)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    shown = 0
    for kind, text in blocks:
        if kind == "python":
            exec(compile(text, str(PAGE), "exec", dont_inherit=True), module.__dict__)
        else:
            shown += 1
            assert text == capsys.readouterr().out
    assert 2 == shown
