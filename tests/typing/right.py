"""What type checkers infer of resources, managers and clients, with no plug-in. Read by mypy and pyright, never run."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Callable, Optional, Union

from fastapi import FastAPI, Request
from flask import Flask
from pydantic import Field
from typing_extensions import Literal, assert_type

import ron
import ron.cli
from ron import (
    I64,
    U32,
    U64,
    Bytes,
    ContentId,
    Deleted,
    Draft,
    Facet,
    FacetClient,
    FacetClientSync,
    Listing,
    ListingSync,
    Manager,
    ManagerSync,
    Manifest,
    Meta,
    Other,
    Page,
    Patch,
    Put,
    Resource,
    RonClient,
    RonClientSync,
    RonError,
    Timestamp,
    UnixMillis,
    UnixSeconds,
    Watch,
    WatchSync,
    server,
)
from ron.contrib import HttpAnswer, Tenants, TenantsSync, answer_for
from ron.contrib.asgi import RonMiddleware, header, request_clients
from ron.contrib.fastapi import ron_error_handler
from ron.contrib.flask import RonFlask
from ron.manifest import MICRONODE, Difference, Finding, Limits, check_dir, diff


class Shop(Facet, id="shop", kind="proxy", upstream="http://127.0.0.1:4000", owner="team-shop", idempotent=True):
    """Catalogue and orders."""


class ItemFilters:
    updated_after: Timestamp


class Stored(Resource):
    """A base: what the node assigns to everything."""

    id: str = server()
    created_at: Timestamp = server(default=None, description="when it was made")


class Item(Stored, path="/items", facet=Shop, filters=ItemFilters, operations=("get", "list")):
    name: str
    status: str = "new"
    price: U64 = 0
    colour: Optional[str] = Field(default=None, alias="color")


class Types(Resource, path="/app/types", key="number", update_method="PUT", empty_404="missing"):
    number: U32
    big: I64
    data: Bytes
    content: ContentId
    at: Timestamp
    seconds: UnixSeconds
    millis: UnixMillis


def fields(item: Item, types: Types) -> None:
    """A field is what it is in Python, whatever its wire form."""
    assert_type(item.id, str)
    assert_type(item.name, str)
    assert_type(item.price, int)
    assert_type(item.colour, Optional[str])
    assert_type(item.created_at, datetime)
    assert_type(types.number, int)
    assert_type(types.big, int)
    assert_type(types.data, bytes)
    assert_type(types.content, str)
    assert_type(types.at, datetime)
    assert_type(types.seconds, datetime)
    assert_type(types.millis, datetime)
    item.price = 3
    item.status = "old"


def constructors() -> None:
    """`server()` fields are no arguments of the constructor; the others are, with their defaults."""
    assert_type(Item(name="kettle"), Item)
    Item(name="kettle", status="old", price=1299, color="red")
    assert_type(Draft[Item](name="kettle"), Draft[Item])
    assert_type(Patch[Item](price=3), Patch[Item])


def managers(client: RonClient, sync: RonClientSync) -> None:
    """`Item` is inferred from the class attribute and from `client.objects` alike."""
    assert_type(Item.objects, Manager[Item])
    assert_type(Item.objects_sync, ManagerSync[Item])
    assert_type(Types.objects, Manager[Types])
    assert_type(client.objects(Item), Manager[Item])
    assert_type(sync.objects(Item), ManagerSync[Item])
    assert_type(Item.objects.using(client), Manager[Item])
    assert_type(Item.objects_sync.using(sync), ManagerSync[Item])
    assert_type(Item.objects.at(project="p"), Manager[Item])
    assert_type(Item.objects_sync.at(project="p"), ManagerSync[Item])
    assert_type(Item.objects.with_options(timeout=1.5, max_retries=0, headers={"X-A": "b"}), Manager[Item])
    assert_type(Item.objects_sync.with_options(timeout=1), ManagerSync[Item])


async def calls(items: Manager[Item]) -> None:
    """Every call gives the resource's class."""
    item = await items.get("i-1")
    assert_type(item, Item)
    assert_type(await items.get(7), Item)
    assert_type(await items.get_or_none("i-1"), Optional[Item])
    assert_type(await items.create(name="kettle", price=1299), Item)
    assert_type(await items.create(Item(name="kettle")), Item)
    assert_type(await items.create(Draft[Item](name="kettle"), idempotency_key=True), Item)
    assert_type(await items.create(name="kettle", idempotency_key="k-1"), Item)
    assert_type(await items.save(item), Item)
    assert_type(await items.update("i-1", price=3), Item)
    assert_type(await items.update("i-1", Patch[Item](price=3), idempotency_key="k"), Item)
    assert_type(await items.replace(item), Item)
    assert_type(await items.refresh(item), Item)
    await items.delete("i-1", missing_ok=True)
    await items.delete(item)
    assert_type(ron.meta(item), Meta)
    assert_type(ron.meta(item).etag, Optional[str])
    assert_type(ron.meta(item).fetched_at, datetime)


def calls_sync(items: ManagerSync[Item]) -> None:
    """The sync twins give the same, at once."""
    item = items.get("i-1")
    assert_type(item, Item)
    assert_type(items.get_or_none("i-1"), Optional[Item])
    assert_type(items.create(name="kettle", price=1299), Item)
    assert_type(items.create(Item(name="kettle")), Item)
    assert_type(items.create(Draft[Item](name="kettle"), idempotency_key=True), Item)
    assert_type(items.save(item), Item)
    assert_type(items.update("i-1", price=3), Item)
    assert_type(items.update("i-1", Patch[Item](price=3)), Item)
    assert_type(items.replace(item), Item)
    assert_type(items.refresh(item), Item)
    items.delete("i-1", missing_ok=True)
    items.delete(item)


async def listings(items: Manager[Item]) -> None:
    """A listing is iterated for items, awaited for one page."""
    listing = items.list({"limit": 3}, limit=10, page_size=5, page_token="t", query={"beta": 1}, status="open")
    assert_type(listing, Listing[Item])
    assert_type(await listing, Page[Item])
    assert_type(await items.list(status="open").page(), Page[Item])
    assert_type(await listing.first(), Optional[Item])
    assert_type(await listing.all(), list[Item])
    assert_type(listing.checkpoint, Optional[str])
    async for item in listing:
        assert_type(item, Item)
    async for page in listing.pages():
        assert_type(page, Page[Item])
        assert_type(page[0], Item)
        assert_type(page[1:], list[Item])
        assert_type(page.items, list[Item])
        assert_type(page.next_page_token, Optional[str])
        for item in page:
            assert_type(item, Item)
    assert_type([item async for item in Item.objects.list()], list[Item])


def listings_sync(items: ManagerSync[Item]) -> None:
    """The sync twin is iterated with `for`."""
    listing = items.list(limit=10)
    assert_type(listing, ListingSync[Item])
    assert_type(listing.page(), Page[Item])
    assert_type(listing.first(), Optional[Item])
    assert_type(listing.all(), list[Item])
    for item in listing:
        assert_type(item, Item)
    for page in listing.pages():
        assert_type(page, Page[Item])
    assert_type(list(Item.objects_sync.list()), list[Item])


def narrowed(change: Union[Put[Item], Deleted[Item], Other]) -> None:
    """A change narrows by its `type` and by its class."""
    if change.type == "other":
        assert_type(change, Other)
        assert_type(change.data, str)
    elif change.type == "deleted":
        assert_type(change, Deleted[Item])
        assert_type(change.item, Optional[Item])
    else:
        assert_type(change, Put[Item])
        assert_type(change.type, Literal["added", "modified"])
        assert_type(change.item, Item)
    if isinstance(change, Put):
        assert_type(change.item.price, int)
        assert_type(change.key, str)
    elif isinstance(change, Deleted):
        assert_type(change.item, Optional[Item])
    else:
        assert_type(change.event, str)
    assert_type(change.cursor, Optional[str])


async def watches(items: Manager[Item]) -> None:
    """A watch is a context manager and an iterator of changes."""
    async with items.watch(status="open", cursor="7", idle_timeout=30) as changes:
        assert_type(changes, Watch[Item])
        async for change in changes:
            assert_type(change, Union[Put[Item], Deleted[Item], Other])
            narrowed(change)
        assert_type(changes.cursor, Optional[str])
        assert_type(changes.status, str)


def watches_sync(items: ManagerSync[Item]) -> None:
    """The sync twin."""
    with items.watch() as changes:
        assert_type(changes, WatchSync[Item])
        for change in changes:
            assert_type(change, Union[Put[Item], Deleted[Item], Other])


async def clients() -> None:
    """Clients know their colour; a raw call gives JSON."""
    async with RonClient.from_env() as client:
        assert_type(client, RonClient)
        assert_type(await client.get("/app/hello"), Any)
        assert_type(client.facet("shop"), FacetClient)
        assert_type(client.with_options(timeout=1.0), RonClient)
        with client.activate() as bound:
            assert_type(bound, RonClient)
    with RonClientSync(base_url="https://node.example", token="cap") as sync:
        assert_type(sync, RonClientSync)
        assert_type(sync.get("/app/hello"), Any)
        assert_type(sync.facet("shop"), FacetClientSync)
        with sync.activate() as bound_sync:
            assert_type(bound_sync, RonClientSync)


def facets() -> None:
    """A facet's manifest is text in the end."""
    assert_type(Shop.manifest(), Manifest)
    assert_type(Shop.manifest(resources=[Item]).to_toml(), str)


class Site(Facet, id="site", kind="static", root="site", files=["**/*"], index=None, integrity=True):
    """A folder."""


def manifests(meta: dict[str, Any]) -> None:
    """Manifests are read, checked, written and compared as plain values."""
    manifest = Manifest.for_resources(id="shop", resources=[Item], upstream="http://127.0.0.1:4000")
    assert_type(manifest, Manifest)
    assert_type(Manifest.from_toml("", source="a.toml"), Manifest)
    assert_type(Manifest.load("a.toml"), Manifest)
    assert_type(manifest.write("facets").path, Path)
    assert_type(manifest.write("facets").wrote, bool)
    assert_type(manifest.check(root=Path(".")), list[Finding])
    assert_type(manifest.facet.limits, Optional[Limits])
    for one in Manifest.load_dir("facets"):
        assert_type(one, Manifest)
    for finding in check_dir("facets", MICRONODE):
        assert_type(finding.level, Literal["error", "warning"])
        assert_type(finding.where.key, Optional[str])
    assert_type(diff([manifest], meta), list[Difference])
    assert_type(diff([manifest], [manifest]), list[Difference])
    assert_type(diff([manifest], "facets")[0].kind, Literal["missing", "extra", "changed"])


def handler(draft: Draft[Item], patch: Patch[Item], items: ManagerSync[Item]) -> Item:
    """Drafts and patches come in as bodies and go out as arguments."""
    items.update("i-1", patch)
    return items.create(draft)


async def servers(request: Request) -> None:
    """Tenants give clients of their colour, a request's clients the managers of a resource."""
    tenants = Tenants(lambda tenant: RonClient(f"https://{tenant}.example"), max_clients=10)
    async with tenants as open_tenants, tenants.client("acme") as client:
        assert_type(open_tenants, Tenants)
        assert_type(client, RonClient)
    with TenantsSync(lambda tenant: RonClientSync(token=tenant)) as tenants_sync, tenants_sync.client("acme") as sync:
        assert_type(sync, RonClientSync)
    assert_type(request_clients(request.scope).objects(Item), Manager[Item])
    assert_type(request_clients(request.scope).objects_sync(Item), ManagerSync[Item])
    app = FastAPI()
    app.add_middleware(RonMiddleware, clients=tenants, clients_sync=tenants_sync, tenant=header("x-tenant"))
    app.add_middleware(RonMiddleware, clients=RonClient.from_env)
    app.add_exception_handler(RonError, ron_error_handler)
    extension = RonFlask(clients=tenants_sync, tenant=lambda: None)
    extension.init_app(Flask("shop"))
    assert_type(extension.client, RonClientSync)
    assert_type(extension.objects(Item), ManagerSync[Item])
    with extension.activate("acme") as active:
        assert_type(active, RonClientSync)
    answer = answer_for(RonError("x"))
    assert_type(answer, Optional[HttpAnswer])


async def tenants_by_coroutine() -> None:
    """A factory of tenants may be async; one client is made by a function without arguments."""

    async def client_of(tenant: str) -> RonClient:
        return RonClient(f"https://{tenant}.example")

    async with Tenants(client_of).client("acme") as client:
        assert_type(client, RonClient)


def bars() -> None:
    """The command's progress bar has the shape that bulk calls report progress in."""
    with ron.cli.progress("creating") as report:
        shape: Callable[[int, Optional[int]], None] = report
        assert_type(shape(1, None), None)
