"""What every test relies on: one event loop library, repeatable properties, no outside settings."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

# Loaded here and not by its entry point, so that coverage sees it run (see pyproject.toml).
pytest_plugins = ["ron.testing.pytest_plugin"]

# No deadline: a slow machine is no bug. In CI the same examples every time, so a failure repeats.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "default")

# A shell that starts the suite in the background has it ignore Ctrl-C, and so would the programs that tests start and
# interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Tests marked `anyio` run on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    """Hide the developer's own RON_* variables: a test that wants one sets it itself."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("RON_") and name != "RON_TEST_NODE_URL":
                patch.delenv(name)
        yield
