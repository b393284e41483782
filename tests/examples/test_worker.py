"""The worker of `examples/worker`: killed with SIGKILL and started again, it ships every order once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Callable, Optional

import pytest

from examples.worker.worker import CursorFile, Order, Shipment
from ron import Resource, RonClientSync
from tests.reference_node import Node, serve

ROOT = Path(__file__).resolve().parents[2]
GUARD_SECONDS = 60.0  # a worker that does nothing must not hang the suite


@pytest.fixture
def node() -> Iterator[Node]:
    """A node with orders and shipments that deduplicates nothing, on a real socket."""
    with serve(("orders", "shipments")) as running:
        yield running


@pytest.fixture
def client(node: Node) -> Iterator[RonClientSync]:
    """The test's own way to the node."""
    with RonClientSync(node.url, allow_insecure_http=True) as client:
        yield client


class Worker:
    """The worker's process, which may be started again and again; always with the same cursor."""

    def __init__(self, node: Node, folder: Path) -> None:
        self.cursor = folder / "cursor.json"
        self._log = folder / "log.txt"
        self._env = {**os.environ, "RON_APP_URL": node.url, "RON_SDK_ALLOW_INSECURE_HTTP": "1"}
        self._process: Optional[subprocess.Popen[bytes]] = None

    def start(self) -> None:
        command = [sys.executable, "-W", "error", "-m", "examples.worker.worker", str(self.cursor)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=self._env, stdout=log, stderr=log)

    def stop(self, number: signal.Signals) -> int:
        """Sends a signal; gives the exit status."""
        assert self._process is not None
        self._process.send_signal(number)
        status = self._process.wait(timeout=GUARD_SECONDS)
        self._process = None
        return status

    def cleanup(self) -> None:
        if self._process is not None:
            self.stop(signal.SIGKILL)

    def said(self) -> list[str]:
        return self._log.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def worker(node: Node, tmp_path: Path) -> Iterator[Worker]:
    """The worker, not started."""
    worker = Worker(node, tmp_path)
    yield worker
    worker.cleanup()


def wait_until(client: RonClientSync, resource: type[Resource], true: Callable[[], bool]) -> None:
    """Looks at once, and again after each change of the resource."""
    with client.objects(resource).watch(initial=True, max_duration=GUARD_SECONDS) as changes:
        if not any(true() for _ in changes):
            raise TimeoutError("the worker did not get there")


def pay(client: RonClientSync, count: int) -> list[str]:
    """New orders that are paid."""
    return [client.objects(Order).create(customer="ann", status="paid").id for _ in range(count)]


def shipments(client: RonClientSync) -> Counter[str]:
    """How many shipments each order has."""
    return Counter(shipment.order_id for shipment in client.objects(Shipment).list())


def wait_until_shipped(client: RonClientSync, orders: set[str]) -> None:
    """Waits until exactly these orders are shipped, and have one shipment each."""
    shipped = client.objects(Order).list
    wait_until(client, Order, lambda: orders == {order.id for order in shipped(status="shipped")})
    wait_until(client, Shipment, lambda: Counter(orders) == shipments(client))


def test_a_killed_worker_ships_every_order_once(node: Node, client: RonClientSync, worker: Worker) -> None:
    """Orders from before its first start, from while it worked and while it was dead; deleted ones are withdrawn."""
    orders = set(pay(client, 3))
    worker.start()
    wait_until_shipped(client, orders)

    before = len(orders)
    orders.update(pay(client, 12))
    wait_until(client, Shipment, lambda: len(shipments(client)) > before)
    assert -signal.SIGKILL == worker.stop(signal.SIGKILL)  # somewhere in the middle of these
    assert isinstance(json.loads(worker.cursor.read_text(encoding="utf-8"))["cursor"], str)

    orders.update(pay(client, 2))
    gone = min(orders & set(shipments(client)))
    client.objects(Order).delete(gone)
    orders.remove(gone)
    worker.start()
    wait_until_shipped(client, orders)
    assert -signal.SIGKILL == worker.stop(signal.SIGKILL)

    # So much happens while it is dead that the node has forgotten where it was.
    node.configure(expire=1)
    orders.update(pay(client, 2))
    gone = min(orders & set(shipments(client)))
    client.objects(Order).delete(gone)
    orders.remove(gone)
    client.objects(Order).create(customer="bob")
    worker.start()
    wait_until_shipped(client, orders)
    assert 0 == worker.stop(signal.SIGTERM)
    said = worker.said()
    assert [f"listed again (expired): {len(orders) + 1} orders"] == [line for line in said if "(expired)" in line]
    assert (3, "stopped") == (said.count("watching"), said[-1])


def test_a_cancelled_order_is_withdrawn(client: RonClientSync, worker: Worker) -> None:
    """The shipment of an order that was shipped and then cancelled is withdrawn; the customer's change stays."""
    (order,) = pay(client, 1)
    worker.start()
    wait_until_shipped(client, {order})
    client.objects(Order).update(order, status="cancelled")
    wait_until(client, Shipment, lambda: not shipments(client))
    assert "cancelled" == client.objects(Order).get(order).status


def test_a_worker_that_cannot_go_on_says_why(worker: Worker, node: Node) -> None:
    """A node that refuses it ends the worker with an exit status that a supervisor understands."""
    node.configure(require_token="another")
    worker.start()
    assert worker._process is not None
    assert 1 == worker._process.wait(timeout=GUARD_SECONDS)
    assert worker.said()[-1].startswith("giving up: RonAuthError")


def test_a_cursor_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """What is half written lies beside the cursor, which is the old one until the new one is on the disk."""
    file = CursorFile(tmp_path / "cursor.json")
    assert file.load() is None
    file.save(None)
    assert [] == list(tmp_path.iterdir())
    file.save("7")
    (tmp_path / "cursor.new").write_text('{"cur', encoding="utf-8")  # killed while it wrote the next one
    again = CursorFile(tmp_path / "cursor.json")
    assert "7" == again.load()
    again.save("8")
    assert ("8", ["cursor.json"]) == (again.load(), [path.name for path in tmp_path.iterdir()])
