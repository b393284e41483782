"""The group: help, lazy commands, completion, progress, and errors of all kinds."""

from __future__ import annotations

import ast
import io
import re
from pathlib import Path
from typing import Any

import click
import pytest
from rich.console import Console

import ron.cli
from ron import RonConfigError, errors
from ron.cli import _exits
from ron.cli._app import COMMANDS, app
from ron.cli._failure import tell
from ron.cli._screen import Screen
from tests.cli.rig import ROOT, run

PACKAGE = ROOT / "ron"


def imported(path: Path) -> set[str]:
    """The first and second parts of all that a module imports, relative names resolved."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {".".join(alias.name.split(".")[:2]) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            whole = [*base, *(node.module or "").split(".")] if node.module else [*base]
            names |= {".".join([*whole, alias.name][:2]) for alias in node.names}
    return names


def test_nothing_else_imports_the_command() -> None:
    """No module of ron but `__main__` imports `ron.cli`, and no other imports click or rich."""
    others = [path for path in PACKAGE.rglob("*.py") if "cli" not in path.relative_to(PACKAGE).parts]
    users = {path.name for path in others if {"ron.cli"} & imported(path)}
    assert {"__main__.py"} == users
    third = {path.name for path in others if {"click", "rich"} & {name.split(".")[0] for name in imported(path)}}
    assert set() == third


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_what_the_list_says(name: str) -> None:
    """The line that `--help` shows without loading a command is the command's own; each has a help with examples."""
    command = app.get_command(click.Context(app), name)
    assert command is not None
    subject = command.get_command(click.Context(command), "") if isinstance(command, click.Group) else command
    assert (name, COMMANDS[name].summary) == (command.name, command.short_help)
    shown = run(name, "--help")
    assert (0, "") == (shown.code, shown.err)
    assert f"Usage: ron {name} " in shown.out
    examples = shown.out.partition("  Examples:\n")[2].partition("\n\n")[0].splitlines()
    assert all(re.match(r"    (ron|eval) ", line) for line in examples)
    assert examples or "manifest" == name
    assert subject is None or isinstance(subject, click.Command)


def test_no_arguments_show_the_help() -> None:
    """`ron` alone shows the help with all commands and the exit codes."""
    bare, asked = run(), run("--help")
    assert (0, asked.out, "") == (bare.code, bare.out, bare.err)
    for name, place in COMMANDS.items():
        assert re.search(rf"^  {name}\s+{re.escape(place.summary)}$", asked.out, re.MULTILINE)
    assert "Exit codes: 0 done; 1 findings" in asked.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lst"], "ron: there is no command 'lst' (did you mean 'list'?); there are call, completion, "),
        (["--nope"], "ron: No such option"),
        (["list"], "ron list: Missing argument 'MODULE:ITEM' (see ron list --help)"),
        (["list", "a:B", "--jsn"], "ron list: No such option"),
        (["list", "a:B", "extra\x1b"], "ron list: Got unexpected extra argument"),
        (["completion", "tcsh"], "ron completion: Invalid value for"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_usage_errors_are_one_line(arguments: list[str], message: str) -> None:
    """What click finds wrong is one line as well, with the help to look into; exit code 2."""
    ran = run(*arguments)
    assert (2, "") == (ran.code, ran.out)
    assert ran.err.startswith(message)
    assert 1 == ran.err.count("\n")
    assert "\x1b" not in ran.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell: str) -> None:
    """`ron completion` prints click's script for the shell."""
    ran = run("completion", shell)
    assert 0 == ran.code
    assert "_RON_COMPLETE" in ran.out


def test_completion_completes() -> None:
    """What the script asks for is answered: commands and options."""
    asked = {"_RON_COMPLETE": "bash_complete", "COMP_CWORD": "1", "COMP_WORDS": "ron "}
    ran = run(env=asked)
    assert {"plain,list", "plain,doctor"} <= set(ran.out.split())
    ran = run(env={**asked, "COMP_WORDS": "ron list --nd", "COMP_CWORD": "2"})
    assert ["plain,--ndjson"] == ran.out.split()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.RonConfigError("a"), _exits.USAGE),
        (errors.RonInputError("a"), _exits.USAGE),
        (errors.RonNetworkError("a"), _exits.NOT_REACHED),
        (errors.RonTimeoutError("a"), _exits.NOT_REACHED),
        (errors.RonResponseTooLargeError("a"), _exits.NOT_REACHED),
        (errors.RonOutcomeUnknownError("a"), _exits.OUTCOME_UNKNOWN),
        (errors.RonParseError("a"), _exits.ANSWER_WRONG),
        (errors.RonWatchError("a"), _exits.ANSWER_WRONG),
        (errors.RonProblemError("a", status_code=302), _exits.REFUSED),
        (errors.RonPermissionError("a", status_code=403), _exits.REFUSED),
        (errors.RonServerError("a", status_code=503), _exits.NODE_ERROR),
        (ValueError("a"), _exits.BUG),
        (OSError("a"), _exits.NOT_WRITTEN),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_every_error_has_an_exit_code(error: Exception, code: int) -> None:
    """Each error of the SDK's tree ends with the code of its kind; what is none of it is a bug."""
    assert code == _exits.exit_code(error)


def test_the_line_has_what_leads_on(capsys: pytest.CaptureFixture[str]) -> None:
    """The line of an error has attempts, hint, request id and where to go on, where they are known."""
    error = errors.RonRateLimitError("slow down", attempts=3, retry_after=1.5, request_id="r\x1b")
    error.checkpoint = "t2"
    assert _exits.REFUSED == tell(error, Screen())
    told = capsys.readouterr()
    line = "ron: slow down (3 attempts; retry after 1.5 s; request id r\\x1b; go on with --page-token t2)\n"
    assert ("", line) == (told.out, told.err)


def test_what_a_node_gave_is_quoted_for_the_shell(capsys: pytest.CaptureFixture[str]) -> None:
    """A place to go on from is made to be pasted, so nothing in it may be a command."""
    listing, watch = errors.RonParseError("no"), errors.RonWatchError("no", cursor="$(id)")
    listing.checkpoint = "x; touch y 'q"
    for error in (listing, watch):
        tell(error, Screen())
    told = capsys.readouterr().err
    assert "--page-token 'x; touch y '\"'\"'q')" in told
    assert "--cursor '$(id)')" in told


def test_a_bug_is_told_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    """An error that should not happen is one line that asks for a report, without its text, which may hold data."""
    assert _exits.BUG == tell(KeyError("data"), Screen())
    assert "ron: KeyError, which should not happen: run it again with --debug and report what that shows\n" == (
        capsys.readouterr().err
    )


def test_output_that_cannot_be_written_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A full disk is one line with the system's reason."""
    assert _exits.NOT_WRITTEN == tell(OSError(28, "No space left on device"), Screen())
    assert "ron: the output could not be written: No space left on device\n" == capsys.readouterr().err


def test_closed_streams_are_no_bug(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a stdout the command says so; without a stderr it says nothing."""
    monkeypatch.setattr("sys.stdout", None)
    assert _exits.NOT_WRITTEN == app.main(["--version"], standalone_mode=False)
    assert "ron: the output could not be written: it is closed\n" == capsys.readouterr().err
    monkeypatch.setattr("sys.stderr", None)
    assert _exits.NOT_WRITTEN == app.main(["--version"], standalone_mode=False)
    assert not Screen().watched


def test_progress_has_the_shape_of_bulk_calls() -> None:
    """`ron.cli.progress()` is called with how many are done, of how many if that is known, and is gone afterwards."""
    drawn = io.StringIO()
    console = Console(file=drawn, force_terminal=True, width=80)
    with ron.cli.progress("creating", console=console) as report:
        report(0, None)
        report(3, 7)
        report(7, 7)
    assert "creating" in drawn.getvalue()
    assert "7/7" in drawn.getvalue()
    assert drawn.getvalue().endswith("\x1b[2K")
    report.close()


def test_progress_is_invisible_without_a_terminal() -> None:
    """Where stderr is no terminal nothing is drawn; reporting costs nothing and fails nothing."""
    drawn = io.StringIO()
    with ron.cli.progress(console=Console(file=drawn)) as report:
        report(1)
    assert "" == drawn.getvalue()


def test_progress_needs_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without rich it says what to install."""
    for name in ("rich", "rich.console"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    with pytest.raises(RonConfigError, match=r'^ron.cli.progress needs rich: pip install "ron-app-sdk-py\[cli\]"$'):
        ron.cli.progress()


def test_the_package_offers_two_names() -> None:
    """`ron.cli` offers `main` and `progress`, sorted, and nothing else."""
    assert ["main", "progress"] == ron.cli.__all__ == dir(ron.cli)
    missing: Any = ron.cli
    with pytest.raises(AttributeError, match="has no attribute 'progres'"):
        _ = missing.progres


def test_main_returns_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """`ron.cli.main` runs the arguments it is given, or the process's, and returns the code."""
    assert 0 == ron.cli.main(["--version"])
    assert 2 == ron.cli.main(["lst"])
    assert capsys.readouterr().out.startswith("ron ")


class Ending(Screen):
    """A screen that ends the run as the world outside may."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    @property
    def watched(self) -> bool:
        """Somebody looks on."""
        return True

    def line(self, text: str) -> None:
        """Nobody wants it any more."""
        raise self.error


def seeded(folder: Path) -> list[str]:
    """The arguments of a watch that sees two objects."""
    path = folder / "seed.json"
    path.write_text('[{"id": "n-1", "text": "a"}, {"id": "n-2", "text": "b"}]', encoding="utf-8")
    return ["watch", "tests.cli.shop:Note", "--memory", "--seed", str(path)]


def test_an_interrupted_watch_says_where_it_was(tmp_path: Path) -> None:
    """Ctrl-C is exit code 130; on a terminal the cursor to go on from is told, where there is one."""
    assert (130, "") == run(*seeded(tmp_path), screen=Ending(KeyboardInterrupt()))[:2]
    ran = run(*seeded(tmp_path), "--cursor", "0", screen=Ending(KeyboardInterrupt()))
    assert (130, "go on with --cursor 0") == (ran.code, ran.err.strip())


def test_a_broken_pipe_ends_the_run(tmp_path: Path) -> None:
    """A reader that has gone is exit code 141, without a word."""
    assert (141, "", "") == run(*seeded(tmp_path), screen=Ending(BrokenPipeError()))
