"""Errors: the same on every node and in both colours."""

from __future__ import annotations

import pytest

import ron
from tests.conformance.world import World


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, ron.RonInvalidError),
        (401, ron.RonAuthError),
        (403, ron.RonPermissionError),
        (404, ron.RonNotFoundError),
        (409, ron.RonConflictError),
        (410, ron.RonGoneError),
        (412, ron.RonPreconditionError),
        (418, ron.RonProblemError),
        (422, ron.RonInvalidError),
        (429, ron.RonRateLimitError),
        (451, ron.RonPermissionError),
        (500, ron.RonServerError),
        (503, ron.RonServerError),
    ],
)
def test_a_status_is_an_error_class(world: World, status: int, error: type[ron.RonProblemError]) -> None:
    """A Problem becomes the error of its status, with code, message and the request's id."""
    world.hand.fail(status)
    with pytest.raises(error) as caught:
        world.items.with_options(max_retries=0).get("i-1")
    assert (status, "told_to", "the node was told to fail") == (
        caught.value.status_code,
        caught.value.problem.code,
        caught.value.problem.message,
    )
    assert error is type(caught.value)
    assert world.hand.header("x-request-id") == caught.value.request_id
    assert world.hand.header("x-request-id") == caught.value.problem.correlation_id


def test_a_route_that_is_missing(world: World) -> None:
    """An empty 404 means that the route is not mounted: `route_missing`, also for get_or_none."""
    for path in ("/app/nothing", "/app/shop/nothing/x", "/app/shop/items/", "/app"):
        with pytest.raises(ron.RonNotFoundError) as caught:
            world.run(world.client.get(path))
        assert caught.value.route_missing, path


def test_a_method_that_is_missing(world: World) -> None:
    """A 405 speaks of the route."""
    with pytest.raises(ron.RonNotFoundError) as caught:
        world.run(world.client.delete("/app/shop/items"))
    assert (405, True) == (caught.value.status_code, caught.value.route_missing)


def test_a_read_is_repeated(world: World) -> None:
    """A transient error of a read is tried again."""
    world.items.create(name="kettle")
    world.hand.fail(503, times=2)
    assert "kettle" == world.items.get("i-1").name
    assert 4 == len(world.hand.requests())


def test_a_lost_create_is_not_repeated(world: World) -> None:
    """A create whose answer is lost may have happened: it is not sent again, and that is said."""
    world.hand.lose()
    with pytest.raises(ron.RonOutcomeUnknownError) as caught:
        world.items.create(name="kettle")
    assert world.hand.header("idempotency-key") == caught.value.idempotency_key
    assert 1 == len(world.hand.requests())
    assert ["kettle"] == [item.name for item in world.items.list()]


def test_a_lost_delete_is_repeated(world: World) -> None:
    """A delete whose answer is lost is sent again; the 404 it then gets is success."""
    world.items.create(name="kettle")
    world.hand.lose()
    assert world.items.delete("i-1") is None
    deletes = [path for method, path in world.hand.requests() if method == "DELETE"]
    assert 2 == len(deletes)
    assert [] == world.items.list().all()


def test_a_lost_conditional_write_is_unknown(world: World) -> None:
    """A write with If-Match whose answer is lost meets its own ETag: nobody knows what came of it."""
    item = world.items.create(name="kettle")
    item.name = "pot"
    world.hand.lose()
    with pytest.raises(ron.RonOutcomeUnknownError) as caught:
        world.items.save(item)
    assert caught.value.problem is not None
    assert "precondition_failed" == caught.value.problem.code
    assert "pot" == world.items.refresh(item).name


def test_health(world: World) -> None:
    """Both nodes say that they live and are ready, and count requests."""
    assert world.run(world.client.health()).ok
    report = world.run(world.client.ready())
    assert (True, "ready") == (report.ok, report.text)
    assert "http_requests_total" in world.run(world.client.node_metrics())
    loaded = world.run(world.client.get("/facets/meta"))["loaded"]
    assert {"method": "GET", "path": "/items"} in loaded[0]["routes"]
