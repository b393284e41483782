"""Thousands of calls on few lanes, most of them cancelled and made again: what is left afterwards must be nothing.

``python -m tests.lifetimes.storm --requests 20000`` runs the async and the sync storm and prints what it found.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import threading
import time
from typing import Any, NamedTuple

from ron import RonClient, RonClientSync, RonTimeoutError
from tests.lifetimes.cases import descriptors
from tests.lifetimes.echo_node import EchoNode

__all__ = ["Left", "storm", "storm_sync"]

LANES = 10
PATIENCE_MS = 60_000
_TIMEOUTS: dict[str, Any] = {f"{name}_timeout_ms": PATIENCE_MS for name in ("overall", "connect", "read", "write")}


class Left(NamedTuple):
    """What is left after a storm; everything but ``answers`` and ``given_up`` should be 0."""

    answers: int
    given_up: int
    wrong: int
    busy: int
    waiting: int
    permits: int
    tasks: int
    connections: int
    threads: int
    descriptors: int


def storm(requests: int, seed: int = 0) -> Left:
    """So many requests by 40 tasks, two of three cancelled at a random turn of the loop and then made again."""
    with EchoNode.in_thread(keep=False) as node:
        before = (threading.active_count(), _descriptors())
        loop = asyncio.new_event_loop()
        try:
            left = loop.run_until_complete(_storm(node, requests, random.Random(seed)))
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()
        return _against(left, before, node)


async def _storm(node: EchoNode, requests: int, dice: random.Random) -> Left:
    client = RonClient(node.url, allow_insecure_http=True, max_concurrency=LANES, **_TIMEOUTS)
    made = answers = given_up = wrong = 0

    async def ask(nonce: int) -> bool:
        told = await client.get(f"/app/echo/{nonce}")
        return bool(told["target"] == f"/app/echo/{nonce}")

    async def worker() -> None:
        nonlocal made, answers, given_up, wrong
        while made < requests:
            made += 1
            nonce = made
            call = asyncio.ensure_future(ask(nonce))
            if dice.random() < 2 / 3:
                for _ in range(dice.randrange(40)):
                    await asyncio.sleep(0)
                call.cancel()
            await asyncio.wait([call])
            if call.cancelled():
                given_up += 1
                made += 1
                wrong += not await ask(nonce)
            else:
                wrong += not call.result()
            answers += 1

    await asyncio.gather(*[worker() for _ in range(4 * LANES)])
    stats, pool = client._ports.channel.stats(), client._ports.channel._pool
    permits = LANES - pool.ledger.free
    tasks = len(asyncio.all_tasks()) - 1
    await client.aclose()
    return Left(answers, given_up, wrong, stats.busy, stats.waiting, permits, tasks, 0, 0, 0)


def storm_sync(requests: int, seed: int = 0) -> Left:
    """So many requests by 30 threads, two of three with a deadline that mostly passes; those are made again."""
    with EchoNode.in_thread(keep=False) as node:
        before = (threading.active_count(), _descriptors())
        client = RonClientSync(node.url, allow_insecure_http=True, max_concurrency=LANES, max_retries=0, **_TIMEOUTS)
        counters = [[0, 0, 0] for _ in range(3 * LANES)]

        def worker(number: int) -> None:
            dice = random.Random(seed + number)
            answers, given_up, wrong = 0, 0, 0
            while answers + given_up < requests // len(counters):
                nonce = f"{number}-{answers + given_up}"
                late = dice.random() < 2 / 3
                try:
                    told = client.get(f"/app/echo/{nonce}", timeout=dice.random() * 0.004 if late else None)
                except RonTimeoutError:
                    given_up += 1
                    told = client.get(f"/app/echo/{nonce}")
                wrong += told["target"] != f"/app/echo/{nonce}"
                answers += 1
            counters[number] = [answers, given_up, wrong]

        threads = [threading.Thread(target=worker, args=(number,)) for number in range(len(counters))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        channel = client._ports.channel
        stats, permits = channel.stats(), LANES - channel._pool().ledger.free
        client.close()
        answers, given_up, wrong = (sum(column) for column in zip(*counters))
        return _against(Left(answers, given_up, wrong, stats.busy, stats.waiting, permits, 0, 0, 0, 0), before, node)


def _against(left: Left, before: tuple[int, int], node: EchoNode) -> Left:
    node.wait_connections(0)
    threads, files = threading.active_count() - before[0], _descriptors() - before[1]
    return left._replace(connections=len(node.connections), threads=threads, descriptors=files)


def _descriptors() -> int:
    gc.collect()
    return descriptors()


def main() -> None:
    """Runs both storms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for name, blow in (("async", storm), ("sync", storm_sync)):
        started = time.monotonic()
        left = blow(given.requests, given.seed)
        print(f"{name}: {time.monotonic() - started:.1f} s, {left}")


if __name__ == "__main__":
    main()
