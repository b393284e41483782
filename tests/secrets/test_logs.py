"""No log record, warning or metric holds the token, whichever logger is turned up."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from tests.secrets.canary import TOKEN, holds, leaks, walk
from tests.secrets.kinds import ANSWERS, FAULTS, Kind
from tests.secrets.rig import COLOURS, IN_PROCESS, ON_A_SOCKET, close, make_client, node_for
from tests.transport.raw_server import RawServer, keep_alive

TRIED = [name for name in ON_A_SOCKET if name in ("lanes", "httpx-client", "fast")]
# httpcore logs the heads of answers as they came. A node that quotes the token in one is let to do so only where that
# logger is turned up no further than INFO, as docs/security.md advises.
HEADS = [*(kind for kind in ANSWERS if kind.name.startswith("status-4")), *FAULTS[4:8]]
KINDS = [
    *(kind.with_honest_fields() for kind in ANSWERS if kind.name not in ("media-type", "hint-too-far")),
    *FAULTS[:4],
    *FAULTS[8:],
]


class Records(logging.Handler):
    """Keeps every record, and the text that it makes."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(pathname)s %(message)s %(args)s"))
        self.kept: list[tuple[logging.LogRecord, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append((record, self.format(record)))

    def leaks(self) -> list[str]:
        """Ways to the token from records, their texts, and all that hangs on them."""
        found = [text for record, text in self.kept if holds(text) or holds(record.getMessage())]
        return found + [leak for record, _ in self.kept for leak in walk(record).leaks]


@pytest.fixture
def records() -> Iterator[Records]:
    """Everything that is logged, with every logger at DEBUG."""
    handler, root = Records(), logging.getLogger()
    levels = {name: logger.level for name, logger in _loggers().items()}
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for logger in _loggers().values():
        logger.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def _loggers() -> dict[str, logging.Logger]:
    known = logging.Logger.manager.loggerDict.items()
    return {name: logger for name, logger in known if isinstance(logger, logging.Logger)}


def failing(client: Any, kind: Kind) -> None:
    """Makes the call that fails, in asyncio's debug mode, and closes everything."""

    async def main() -> None:
        with pytest.raises(kind.error):
            await kind.act(client)
        await close(client)

    if asyncio.iscoroutinefunction(client.get):
        asyncio.run(main(), debug=True)
        return
    with pytest.raises(kind.error):
        kind.act(client)
    close(client)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("transport", [*TRIED, *IN_PROCESS[:1]])
def test_failed_calls(records: Records, transport: str, colour: str, kind: Kind) -> None:
    """Calls that fail are logged without the token, with every logger at DEBUG and asyncio in debug mode."""
    if kind.reply is None and transport in IN_PROCESS:
        transport = "lanes"
    with node_for(kind, transport) as node, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        client = make_client(transport, colour, node, **kind.options)
        failing(client, kind)
        assert [] == leaks(client.metrics.snapshot(), client.metrics)
    assert [] == records.leaks()
    assert [] == [str(one.message) for one in warned]
    assert "ron" in {record.name for record, _ in records.kept}


@pytest.mark.parametrize("kind", HEADS, ids=str)
@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("transport", TRIED)
def test_hostile_heads(records: Records, transport: str, colour: str, kind: Kind) -> None:
    """A node that quotes the token in the head of its answer gets it into no log while httpcore's is at INFO."""
    for name, logger in _loggers().items():
        if name.startswith("httpcore"):
            logger.setLevel(logging.INFO)
    with node_for(kind, transport) as node:
        failing(make_client(transport, colour, node), kind)
    assert [] == records.leaks()


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("transport", ON_A_SOCKET)
def test_calls(records: Records, transport: str, colour: str) -> None:
    """So are calls that go well; the libraries underneath have said something, so they were listened to."""

    async def main(client: Any) -> None:
        await client.post("/app/x", json={"a": 1}, idempotency_key=True)
        await close(client)

    with RawServer(keep_alive()) as node:
        client = make_client(transport, colour, node)
        if colour == "async":
            asyncio.run(main(client), debug=True)
        else:
            client.post("/app/x", json={"a": 1}, idempotency_key=True)
            close(client)
    assert [] == records.leaks()
    libraries = {"lanes": "httpcore", "httpx": "httpcore", "httpx2": "httpcore2", "fast": "ron"}  # pyreqwest is silent
    names = {record.name.partition(".")[0] for record, _ in records.kept}
    assert {"ron", libraries[transport.partition("-")[0]]} <= names


def test_the_handler_finds_a_token(records: Records) -> None:
    """A token in a message, an argument or an attribute of a record would be found."""
    logger = logging.getLogger("somebody")
    arguments: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((TOKEN,), {}),
        (("%s", {"t": TOKEN}), {}),
        (("x",), {"extra": {"headers": [TOKEN]}}),
    ]
    for positional, named in arguments:
        logger.debug(*positional, **named)
        assert [] != records.leaks()
        records.kept.clear()
