"""docs/reliability.md says what the code says: the transports' capabilities, and the figures of the outage."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import asdict
from pathlib import Path

import httpx
import pytest

from benchmarks.outage.report import table
from ron.testing import MemoryNode
from ron.transport import HttpxTransport, LanesTransport, Transport

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")


def declared_there() -> list[dict[str, bool]]:
    """What the page's table says, a mapping for each column."""
    rows = re.findall(r"^\| `(\w+)`: [^|]*\|(.*)\|$", PAGE, re.MULTILINE)
    words = {name: [re.split(r"[:;]", cell.strip())[0] for cell in cells.split("|")] for name, cells in rows}
    return [{name: {"yes": True, "no": False}[row[column]] for name, row in words.items()} for column in range(5)]


def test_capabilities_are_as_the_page_says() -> None:
    """Each transport declares what its column says, no more and no less."""
    with httpx.HTTPTransport() as sync_transport:
        transports: list[Transport] = [
            LanesTransport(),
            HttpxTransport(httpx.AsyncHTTPTransport()),
            HttpxTransport(sync_transport),
            MemoryNode(),
        ]
    declared = [asdict(transport.capabilities) for transport in transports]
    # "fast" needs pyreqwest, which has no wheels for the oldest versions of Python.
    if importlib.util.find_spec("pyreqwest") is not None:
        from ron.transport import FastTransport

        declared.append(asdict(FastTransport().capabilities))
    assert declared_there()[: len(declared)] == declared


@pytest.mark.parametrize(("block", "part"), [("outage", "days"), ("outage-variations", "variations")])
def test_figures_are_those_that_were_measured(block: str, part: str) -> None:
    """The page's tables are made of benchmarks/results/outage.json; `python -m benchmarks outage` renews both."""
    result = json.loads((ROOT / "benchmarks" / "results" / "outage.json").read_text(encoding="utf-8"))
    match = re.search(rf"<!-- benchmark: {block} -->\n(.*?)\n<!-- /benchmark -->", PAGE, re.DOTALL)
    assert match is not None
    assert table(result, part).splitlines() == match[1].splitlines()


def test_the_picture_is_there_and_small() -> None:
    """The page's picture exists, is SVG without a date, and takes less than 100 KB."""
    (name,) = re.findall(r"!\[[^]]*\]\((pictures/\w+\.svg)\)", PAGE)
    svg = (ROOT / "docs" / name).read_bytes()
    assert len(svg) < 100_000
    assert b"<svg" in svg
    assert b"dc:date" not in svg
