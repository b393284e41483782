"""Plain calls, sync: for scripts and command lines. RON_APP_URL picks a real node."""

from __future__ import annotations

import os

from ron import Resource, RonClientSync, RonProblemError, server
from ron.testing import MemoryNode


class Greeting(Resource, path="/app/greetings"):
    """What the memory node needs to know to answer below."""

    id: str = server()
    text: str


def client() -> RonClientSync:
    """A client for the node in the environment, else one on a memory node."""
    if os.environ.get("RON_APP_URL"):
        return RonClientSync.from_env()
    return RonClientSync(transport=MemoryNode(Greeting))


def main() -> None:
    """Says hello, and shows what a Problem looks like."""
    with client() as ron:
        health = ron.health()
        print(f"health: {health.status} {health.text}")
        made = ron.post("/app/greetings", json={"text": "hello"}, idempotency_key=True)
        print("made:", made)
        print("read:", ron.get(f"/app/greetings/{made['id']}"))
        try:
            ron.get("/app/greetings/nobody")
        except RonProblemError as error:
            print(f"problem: {error.status_code} {error.problem.code}: {error.problem.message}")


if __name__ == "__main__":
    main()
