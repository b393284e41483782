"""The event loop that runs here, if it is one of asyncio's."""

from __future__ import annotations

import asyncio
from typing import Optional

__all__ = ["running_loop"]


def running_loop() -> Optional[asyncio.AbstractEventLoop]:
    """The running loop; None outside of one, and under Trio."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
