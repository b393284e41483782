"""The seed's README snippets run: §3.1 async and sync, §4.2, §6, §13 (three).

The text is the seed's, changed only in the import name and the URL: the reference node's, by an
argument where the seed writes one, by the environment where it says `from_env()`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.reference_node import Node, serve

ASYNC_CALL = """
from ron import RonClient, RonProblemError, ClientConfig
import asyncio

async def main() -> None:
    client = RonClient(
        config=ClientConfig(
            base_url="{url}",
            allow_insecure_http=True,  # dev only
        )
    )

    try:
        result = await client.get("/app/hello")
        print("Hello result:", result)
    except RonProblemError as e:
        # Canonical Problem from RON-CORE
        p = e.problem
        print(f"Error: {{p.code}} ({{p.kind}}) — {{p.message}}, corr={{p.correlation_id}}")
    finally:
        await client.aclose()

if __name__ == "__main__":
    asyncio.run(main())
"""

SYNC_CALL = """
from ron import RonClientSync

client = RonClientSync(
    base_url="{url}",
    allow_insecure_http=True,  # dev only
)

result = client.get("/app/hello")
print("Hello result:", result)

client.close()
"""

CONFIGURATION = """
from ron import ClientConfig, RonClient

cfg = ClientConfig.from_env().with_overrides(
    base_url="{url}",
    overall_timeout_ms=5000,
)

client = RonClient(config=cfg)
"""

METRICS = """
snap = client.metrics.snapshot()
print(snap)
"""

FROM_ENV = """
import asyncio
from ron import RonClient, RonProblemError

async def main() -> None:
    client = RonClient.from_env()  # uses RON_APP_URL, RON_APP_TOKEN if set
    try:
        resp = await client.get("/app/hello")
        print(resp)
    except RonProblemError as e:
        print("Problem:", e.problem.code, e.problem.message)
    finally:
        await client.aclose()

if __name__ == "__main__":
    asyncio.run(main())
"""

PAGES = """
from ron import RonClient, iter_pages
import asyncio

async def list_all_items() -> None:
    client = RonClient.from_env()
    async for page in iter_pages(client, "/app/items", page_size=100):
        for item in page.items:
            print(item)
    await client.aclose()

if __name__ == "__main__":
    asyncio.run(list_all_items())
"""

STREAM = """
import asyncio
from ron import RonClient, ClientConfig
from ron.streaming import sse_event_stream

async def watch_events() -> None:
    client = RonClient(
        config=ClientConfig(
            base_url="{url}",
            allow_insecure_http=True,
        )
    )

    async for event in sse_event_stream(client._client, "/app/events"):
        print("Event:", event.json_data())

    await client.aclose()

if __name__ == "__main__":
    asyncio.run(watch_events())
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Node]:
    """A node of these tests' own."""
    with serve() as node:
        yield node


@pytest.fixture
def node(running: Node, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    """The node, fresh, and in the environment."""
    running.reset()
    monkeypatch.setenv("RON_APP_URL", running.url)
    monkeypatch.setenv("RON_SDK_ALLOW_INSECURE_HTTP", "1")
    yield running
    assert () == running.failures


def play(snippet: str, node: Node, **names: object) -> dict[str, object]:
    """Runs a snippet as a script; its names, afterwards."""
    namespace: dict[str, object] = {"__name__": "__main__", **names}
    exec(snippet.replace("{url}", node.url).replace("{{", "{").replace("}}", "}"), namespace)
    return namespace


def hello(node: Node) -> None:
    """What `/app/hello` says."""
    node.answer(200, {"Content-Type": "application/json"}, b'{"hello": "world"}')


def test_the_minimal_async_example(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    """§3.1: the result is printed."""
    hello(node)
    play(ASYNC_CALL, node)
    assert "Hello result: {'hello': 'world'}\n" == capsys.readouterr().out


def test_the_minimal_async_example_with_a_problem(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    """§3.1: a Problem has the five members that the snippet prints, with the id that was sent."""
    node.fail(409, "conflict", "not now")
    play(ASYNC_CALL, node)
    sent = node.requests[0].header("x-correlation-id")
    assert f"Error: conflict (conflict) — not now, corr={sent}\n" == capsys.readouterr().out


def test_the_minimal_sync_example(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    """§3.1: no loop, no context manager."""
    hello(node)
    play(SYNC_CALL, node)
    assert "Hello result: {'hello': 'world'}\n" == capsys.readouterr().out


def test_typical_configuration_and_metrics(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    """§4.2 and §6: overrides on the environment, and the four counters."""
    names = play(CONFIGURATION, node)
    play(METRICS, node, client=names["client"])
    assert (
        "{'total_requests': 0, 'total_errors': 0, 'total_timeouts': 0, 'total_network_errors': 0}\n"
        == capsys.readouterr().out
    )


def test_the_minimal_call_from_the_environment(
    node: Node, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """§13: URL and token come from the environment; a Problem is printed."""
    monkeypatch.setenv("RON_APP_TOKEN", "cap-1")
    hello(node)
    play(FROM_ENV, node)
    node.fail(400, "bad_request", "no")
    play(FROM_ENV, node)
    assert "{'hello': 'world'}\nProblem: bad_request no\n" == capsys.readouterr().out
    assert ["Bearer cap-1"] * 2 == [seen.header("authorization") for seen in node.requests]


def test_the_paginated_list(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    """§13: every item of every page, a hundred at a time."""
    for number in range(250):
        node.store.insert("items", {"n": number})
    play(PAGES, node)
    assert [str(number) for number in range(250)] == re.findall(r"'n': (\d+)", capsys.readouterr().out)
    assert 3 == len(node.requests)


def test_the_stream(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    """§13: `client._client` and `event.json_data()` work, until the stream ends."""
    node.answer(200, {"Content-Type": "text/event-stream"}, b'data: {"a": 1}\n\ndata: [2]\n\n')
    play(STREAM, node)
    assert "Event: {'a': 1}\nEvent: [2]\n" == capsys.readouterr().out
