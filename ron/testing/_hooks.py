"""Functions that a test gives to a node. What they raise reaches the test as a ``RonConfigError``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import RonConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["call_hook"]


def call_hook(where: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """What the function returns; ``where`` names it if it raises."""
    try:
        return function(*arguments)
    except Exception as error:  # noqa: BLE001 - it is the test's own, and may raise anything
        reason = f"{type(error).__name__}: {error}"
    raise RonConfigError(f"{where} raised {reason[:300]}")
