"""The ``ron`` command, of the extra ``[cli]``; nothing else in ``ron`` imports it.

``main`` is the entry point, of ``python -m ron`` too; ``progress`` is the progress bar that the command draws, for the
``progress=`` of bulk calls. Importing this package loads neither click nor rich nor pydantic.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._progress import progress as progress

__all__ = ["main", "progress"]

MISSING = 'ron: the command needs click and rich: pip install "ron-app-sdk-py[cli]"\n'
_EXTRA = ("click", "rich")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Runs the command; ``arguments`` are those after its name, by default the process's. Returns the exit code."""
    try:
        from ._app import app

        code: int = app.main(None if arguments is None else list(arguments), prog_name="ron", standalone_mode=False)
    except KeyboardInterrupt:  # while this was still being imported
        return 130
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        sys.stderr.write(MISSING)
        return 2
    return code


def __getattr__(name: str) -> Any:
    if name == "progress":
        from ._progress import progress

        globals()[name] = progress
        return progress
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
