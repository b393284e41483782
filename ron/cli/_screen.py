"""Where the command writes: results to stdout, everything else to stderr; rich only on a terminal.

One ``Screen`` a run. It also knows the tokens of the run, so that no line that it writes about an error shows one.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Optional, TextIO

from ._stdout import write_bytes, write_whole
from ._visible import ascii_json, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import SecretStr
    from rich.console import Console, RenderableType

__all__ = ["Screen"]


class Screen:
    """The two streams of a run.

    Args:
        console: draws for a terminal; without one rich's own is made when it is needed, and it decides on colour
            (``NO_COLOR``, ``TERM``) and width.
        terminal: whether stdout is a terminal; None asks it.
    """

    def __init__(self, *, console: Optional[Console] = None, terminal: Optional[bool] = None) -> None:
        self.debug = False
        self.secrets: list[SecretStr] = []
        self._console = console
        self._terminal = terminal

    @property
    def terminal(self) -> bool:
        """Whether results go to a terminal."""
        return sys.stdout.isatty() if self._terminal is None else self._terminal

    @property
    def watched(self) -> bool:
        """Whether somebody sees stderr, so that progress can be shown there."""
        return sys.stderr is not None and sys.stderr.isatty()

    def write(self, text: str) -> None:
        """Text to stdout, without tokens."""
        write_whole(_encodable(self.scrubbed(text), sys.stdout))

    def write_json(self, text: str) -> None:
        """A whole JSON text and a line end to stdout, at once, without tokens."""
        write_whole(f"{_encodable(self.scrubbed(text, json=True), sys.stdout, json=True)}\n")
        sys.stdout.flush()

    def write_json_lines(self, texts: Sequence[str]) -> None:
        """JSON texts to stdout, one a line, without tokens."""
        whole = "\n".join(texts)
        if self.secrets and self.scrubbed(whole, json=True) != whole:  # rare, and dear to do for each line
            for text in texts:
                self.write_json(text)
        elif texts:
            write_whole(f"{_encodable(whole, sys.stdout, json=True)}\n")
            sys.stdout.flush()

    def line(self, text: str) -> None:
        """A line to stdout, at once: for what comes bit by bit."""
        self.write(f"{text}\n")
        sys.stdout.flush()

    def raw(self, data: bytes) -> None:
        """Bytes to a file or a pipe, without tokens; never to a terminal."""
        sys.stdout.flush()
        write_bytes(sys.stdout.buffer, self._without_tokens(data, json=False))
        sys.stdout.buffer.flush()

    def draw(self, renderable: RenderableType) -> None:
        """Something of rich's, to a terminal."""
        console = self._drawing()
        if console.record:  # a picture is taken
            console.print(renderable)
            return
        # Captured, so that there is one way out: rich ends the process itself when a pipe breaks.
        with console.capture() as captured:
            console.print(renderable)
        self.write(captured.get())

    def note(self, text: str) -> None:
        """A line to stderr, without tokens and escape sequences."""
        if sys.stderr is not None:  # as where it was closed
            sys.stderr.write(_encodable(f"{visible(self.scrubbed(text))}\n", sys.stderr))
            sys.stderr.flush()

    def scrubbed(self, text: str, *, json: bool = False) -> str:
        """The text without the tokens of this run; ``json`` says that it is JSON, and is to stay so."""
        if not self.secrets:
            return text
        data = text.encode("utf-8", "surrogatepass")
        return self._without_tokens(data, json=json).decode("utf-8", "surrogatepass")

    def _without_tokens(self, data: bytes, *, json: bool) -> bytes:
        if self.secrets:
            from .._redaction import redact

            for secret in self.secrets:
                data = redact(data, secret.get_secret_value().encode("utf-8"), json=json)
        return data

    def _drawing(self) -> Console:
        if self._console is None:
            from rich.console import Console

            self._console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
        return self._console


def _encodable(text: str, stream: TextIO, *, json: bool = False) -> str:
    """What the stream's encoding lacks is written as an escape: Python's own, or JSON's."""
    encoding: Any = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        if json:
            return ascii_json(text)
        return text.encode(encoding, "backslashreplace").decode(encoding)
    return text
