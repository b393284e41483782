"""The command group: its commands are loaded when they are called, and every way to end is decided here."""

from __future__ import annotations

import errno
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

import click

from .._version import __version__
from . import _exits
from ._failure import PipeClosed, Refusal, tell
from ._group import Group, show_help_alone
from ._screen import Screen
from ._secrecy import token_in
from ._stdout import abandon_stdout

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["App", "app"]


class _Place(NamedTuple):
    """Where a command is defined, and the line that ``ron --help`` shows without loading it."""

    module: str
    summary: str


COMMANDS = {
    "doctor": _Place("doctor._command", "Say what answers at a URL, and what to do about what is wrong."),
    "call": _Place("_call", "Send one request, as curl would, with the SDK's care."),
    "list": _Place("_list", "List the objects of a resource."),
    "get": _Place("_one", "Show one object."),
    "create": _Place("_one", "Create an object from fields."),
    "update": _Place("_one", "Change fields of one object."),
    "delete": _Place("_one", "Delete one object."),
    "watch": _Place("_watch", "Show changes as they happen."),
    "manifest": _Place("manifest._command", "Export, check, show and compare facet manifests."),
    "completion": _Place("_completion", "Print the completion script of a shell."),
}

EPILOG = (
    "Exit codes: 0 done; 1 findings or differences; 2 wrong arguments, settings or data; 3 no answer; 4 the node "
    "answered 4xx; 5 the node answered 5xx; 6 a write may have happened; 7 not the declared answer; 130 Ctrl-C; "
    "141 the reader of a pipe has gone."
)


class App(Group):
    """The group ``ron``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands' names, in the order of the documentation."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> Optional[click.Command]:
        """Loads the module of one command."""
        del ctx
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        command: click.Command = getattr(import_module(f".{place.module}", __package__), f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in ``--help``, which loads none of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.summary) for name, place in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; a closed pipe is told before click makes something else of it."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except BrokenPipeError:
            pass
        raise PipeClosed

    def main(
        self,
        args: Optional[Sequence[str]] = None,
        prog_name: Optional[str] = None,
        complete_var: Optional[str] = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Runs the whole; returns the exit code, or exits with it in ``standalone_mode``."""
        screen: Screen = extra.setdefault("obj", Screen())
        code = self._run(sys.argv[1:] if args is None else list(args), screen, prog_name, complete_var, extra)
        if standalone_mode:
            sys.exit(code)
        return code

    def _run(
        self,
        arguments: list[str],
        screen: Screen,
        prog_name: Optional[str],
        complete_var: Optional[str],
        extra: dict[str, Any],
    ) -> int:
        try:
            if sys.stdout is None:
                raise OSError(errno.EBADF, "it is closed")
            refusal = token_in(arguments)
            if refusal is not None:
                raise Refusal(refusal)
            result = super().main(arguments, prog_name or "ron", complete_var, standalone_mode=False, **extra)
        except PipeClosed:
            abandon_stdout()
            return _exits.PIPE_CLOSED
        except (click.Abort, KeyboardInterrupt):
            return _exits.INTERRUPTED
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[
                0
            ] == "rich":  # the same advice as for click, which only `ron.cli.main` can give
                raise
            return tell(error, screen)
        except Exception as error:  # noqa: BLE001 - the last line of defence: whatever it is, it is told in one line
            code = tell(error, screen)
            if code == _exits.NOT_WRITTEN:
                abandon_stdout()
            return code
        return result if isinstance(result, int) else _exits.OK


@click.command(
    "ron",
    cls=App,
    invoke_without_command=True,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--debug", is_flag=True, help="Show tracebacks and the SDK's log on stderr.")
@click.version_option(__version__, message="ron %(version)s")
@click.pass_context
def app(ctx: click.Context, debug: bool) -> None:
    """Look at RON-CORE nodes and talk to their app plane.

    The node is the one of the environment (RON_APP_URL or RON_SDK_GATEWAY_ADDR), or --url. The token comes from
    RON_APP_TOKEN or, with --ask-token, from a prompt; never from an argument.
    """
    if debug:
        from ._command import turn_debug_on

        turn_debug_on(ctx)
    show_help_alone(ctx)
