"""Plain calls, async: no declarations, JSON in and out, one error tree. RON_APP_URL picks a real node."""

from __future__ import annotations

import asyncio
import os

from ron import Resource, RonClient, RonProblemError, server
from ron.testing import MemoryNode


class Greeting(Resource, path="/app/greetings"):
    """What the memory node needs to know to answer below."""

    id: str = server()
    text: str


def client() -> RonClient:
    """A client for the node in the environment, else one on a memory node."""
    return RonClient.from_env() if os.environ.get("RON_APP_URL") else RonClient(transport=MemoryNode(Greeting))


async def main() -> None:
    """Says hello, and shows what a Problem looks like."""
    async with client() as ron:
        health = await ron.health()
        print(f"health: {health.status} {health.text}")
        made = await ron.post("/app/greetings", json={"text": "hello"}, idempotency_key=True)
        print("made:", made)
        print("read:", await ron.get(f"/app/greetings/{made['id']}"))
        try:
            await ron.get("/app/greetings/nobody")
        except RonProblemError as error:
            problem = error.problem
            print(f"problem: {error.status_code} {problem.code} ({problem.kind}): {problem.message}")
            print("request id is known:", error.request_id is not None)


if __name__ == "__main__":
    asyncio.run(main())
