"""A progress bar on stderr, in the shape that bulk calls report progress: ``progress(done, total)``."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Optional

from ..errors import RonConfigError

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console
    from typing_extensions import Self

__all__ = ["ProgressBar", "progress"]


class ProgressBar:
    """What :func:`progress` returns: call it with how many are done and, where that is known, of how many."""

    def __init__(self, label: str, console: Console) -> None:
        self._label = label
        self._console = console
        self._lock = threading.Lock()
        self._drawn: Any = None
        self._task: Any = None

    def __call__(self, done: int, total: Optional[int] = None) -> None:
        """Shows how far it is; safe to call from several threads. Nothing is drawn where stderr is no terminal."""
        if not self._console.is_terminal:
            return
        with self._lock:
            drawn = self._drawn or self._start(total)
            drawn.update(self._task, completed=done, total=total)

    def close(self) -> None:
        """Takes the bar off the screen; idempotent."""
        with self._lock:
            if self._drawn is not None:
                self._drawn.stop()
                self._drawn = None

    def _start(self, total: Optional[int]) -> Any:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._drawn = Progress(*columns, console=self._console, transient=True)
        self._task = self._drawn.add_task(self._label, total=total)
        self._drawn.start()
        return self._drawn

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()


def progress(label: str = "working", *, console: Optional[Console] = None) -> ProgressBar:
    """A progress bar on stderr for a bulk call; gone when the block ends, invisible where stderr is no terminal.

    ::

        with ron.cli.progress("creating") as report:
            items.create_many(drafts, progress=report)

    Args:
        label: what stands before the bar.
        console: rich's console to draw on, by default one for stderr.

    Raises:
        RonConfigError: if rich is not installed.
    """
    return ProgressBar(label, _stderr() if console is None else console)


def _stderr() -> Console:
    try:
        from rich.console import Console
    except ModuleNotFoundError:
        pass
    else:
        return Console(stderr=True)
    raise RonConfigError('ron.cli.progress needs rich: pip install "ron-app-sdk-py[cli]"')
