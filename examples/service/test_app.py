"""The service's own tests: its whole HTTP surface, on one memory node a tenant, without a socket or a wait."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from examples.service.app import Item, create_app, from_env
from ron import RonClient
from ron.contrib import Tenants
from ron.testing import FakeClock, MemoryNode, stored

ACME, GLOBEX = {"X-Tenant": "acme"}, {"X-Tenant": "globex"}
MADE = "2026-11-25T12:00:00Z"

Nodes = dict[str, MemoryNode]


@pytest.fixture
def nodes() -> Nodes:
    """A node for each tenant; one takes only the tenant's own capability."""
    return {name: MemoryNode(Item, token=f"capability-of-{name}") for name in ("acme", "globex")}


@pytest.fixture
def service(nodes: Nodes) -> Iterator[TestClient]:
    """The service, started; a fake clock makes its waits free."""

    def client_of(tenant: str) -> RonClient:
        return RonClient(transport=nodes[tenant], token=f"capability-of-{tenant}", clock=FakeClock())

    with TestClient(create_app(Tenants(client_of), nodes), raise_server_exceptions=False) as client:
        yield client


def test_an_item_lives_its_life(service: TestClient, nodes: Nodes) -> None:
    """Create, read, list, change and delete, typed all the way: a price is an int here and text on the wire."""
    made = service.post("/items", json={"name": "kettle", "price": 1299}, headers=ACME)
    assert made.status_code == 201
    item = made.json()
    assert (item["name"], item["status"], item["price"]) == ("kettle", "new", "1299")
    assert nodes["acme"].requests[-1].json == {"name": "kettle", "status": "new", "price": "1299"}

    url = f"/items/{item['id']}"
    assert service.patch(url, json={"status": "sold"}, headers=ACME).json()["status"] == "sold"
    assert nodes["acme"].requests[-1].json == {"status": "sold"}
    assert service.get(url, headers=ACME).json()["name"] == "kettle"
    assert [one["id"] for one in service.get("/items?status=sold", headers=ACME).json()] == [item["id"]]
    assert service.get("/items?status=new", headers=ACME).json() == []
    assert service.delete(url, headers=ACME).status_code == 204
    assert service.get(url, headers=ACME).status_code == 404


def test_tenants_see_their_own_items_only(service: TestClient, nodes: Nodes) -> None:
    """What one tenant makes is nowhere to be found for another; who is no tenant gets nothing."""
    nodes["acme"].add(stored(Item, id="i-1", name="kettle", created_at=MADE))
    assert service.get("/items/i-1", headers=ACME).status_code == 200
    assert service.get("/items/i-1", headers=GLOBEX).status_code == 404
    assert service.get("/items", headers=GLOBEX).json() == []
    assert service.get("/items", headers={"X-Tenant": "initech"}).status_code == 403
    assert service.get("/items").status_code == 422
    assert service.get("/healthz").status_code == 200


@pytest.mark.parametrize("body", [{}, {"name": "kettle", "id": "i-1"}, {"name": "kettle", "price": -1}, {"nmae": "x"}])
def test_a_bad_body_is_refused_before_the_node_hears_of_it(
    service: TestClient, nodes: Nodes, body: dict[str, object]
) -> None:
    """A draft lacks what the node assigns and knows no other fields."""
    assert service.post("/items", json=body, headers=ACME).status_code == 422
    assert nodes["acme"].requests == ()


def test_a_lost_answer_makes_one_item(service: TestClient, nodes: Nodes) -> None:
    """The caller's idempotency key goes on to the node, so the repeat after a lost answer makes no second item."""
    nodes["acme"].lose_response()
    made = service.post("/items", json={"name": "kettle"}, headers={**ACME, "Idempotency-Key": "order-7"})
    assert made.status_code == 201
    assert [request.headers["idempotency-key"] for request in nodes["acme"].requests] == ["order-7"] * 2
    assert len(nodes["acme"].items(Item)) == 1


def test_a_node_that_is_down_is_a_503_that_says_when_to_come_back(service: TestClient, nodes: Nodes) -> None:
    """One tenant's outage is answered in the shape of a Problem; the other tenant does not notice."""
    nodes["acme"].fail(times=10, status=503, retry_after_ms=2000)
    answer = service.get("/items/i-1", headers=ACME)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()["code"] == "unavailable"
    assert service.get("/items", headers=GLOBEX).status_code == 200


def test_a_key_that_is_none_is_the_callers_mistake(service: TestClient, nodes: Nodes) -> None:
    """A key that would name another path never reaches the node."""
    assert service.get("/items/%23", headers=ACME).status_code == 422
    assert nodes["acme"].requests == ()


def test_the_service_describes_itself(service: TestClient) -> None:
    """Drafts, patches and items are in the OpenAPI document, without what the node assigns."""
    schemas = service.get("/openapi.json").json()["components"]["schemas"]
    assert set(schemas["ItemDraft"]["properties"]) == {"name", "status", "price"}
    assert "required" not in schemas["ItemPatch"]


def test_it_is_deployed_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """One capability a tenant is all there is to configure; nothing is opened before it is needed."""
    monkeypatch.setenv("RON_APP_URL", "https://gateway.example")
    monkeypatch.setenv("SHOP_CAPABILITIES", '{"acme": "capability-of-acme"}')
    with TestClient(from_env()) as client:
        assert client.get("/healthz").json() == "ok"
        assert client.get("/items", headers=GLOBEX).status_code == 403
