"""What type checkers infer of resources, managers and clients, with no plug-in. Read by mypy and pyright, never run."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Callable, Optional, Union

from fastapi import FastAPI, Request
from flask import Flask
from pydantic import BaseModel, Field
from typing_extensions import Literal, TypedDict, assert_type

import ron
import ron.cli
from ron import (
    I64,
    U32,
    U64,
    Action,
    BulkResult,
    Bytes,
    CollectionAction,
    ContentId,
    Deleted,
    Draft,
    Explanation,
    Facet,
    FacetClient,
    FacetClientSync,
    Index,
    Listing,
    ListingSync,
    Manager,
    ManagerSync,
    Manifest,
    Meta,
    Mirror,
    MirrorSync,
    Other,
    Outcome,
    Page,
    Pages,
    Patch,
    Put,
    Resource,
    Resync,
    RonClient,
    RonClientSync,
    RonConflictError,
    RonError,
    RonParseError,
    Singleton,
    Timestamp,
    UnixMillis,
    UnixSeconds,
    Watch,
    WatchSync,
    action,
    parent,
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


class Receipt(BaseModel):
    number: int


class Reason(BaseModel):
    text: str


class Where(TypedDict, total=False):
    status: str


class Task(
    Stored,
    path="/app/projects/{project_id}/tasks/{list_no}",
    filters=Where,
    order_by=("title",),
    fields=True,
    pages=Pages(items="tasks", ends="empty_page"),
):
    project_id: str = parent(Item)
    list_no: int = parent(sent=True, description="which list")
    title: str

    archive = action("POST", "{id}:archive", result=Receipt, body=Reason)
    reopen = action("POST", "{id}:reopen", result="self")
    ping = action("POST", "{id}:ping")
    tag = action("PUT", "{id}/tags", body=list[str])
    count = action("GET", "count", result=dict[str, int], collection=True)
    purge = action("POST", "purge", body=Where, collection=True)
    merge = action("POST", "merge", result="self", collection=True)


class Meter(Resource, path="/app/meters", key=("region", "number")):
    region: str
    number: int


class Settings(Singleton, path="/app/settings"):
    theme: str = "light"
    reset = action("POST", "reset", result="self", collection=True)


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


async def many(items: Manager[Item], item: Item, draft: Draft[Item]) -> None:
    """Bulk calls know what they give; deleting gives back what it was given. Listings and async iterables are inputs."""
    result = await items.get_many(["a"], concurrency=2, timeout=5, progress=print)
    assert_type(result, BulkResult[Item])
    assert_type(result.ok, list[Item])
    assert_type(result.failed, list[tuple[Any, ron.RonError]])
    assert_type(result.raise_for_failed(), BulkResult[Item])
    assert_type(result[0].value, Optional[Item])
    assert_type(await items.create_many([draft, item, {"name": "a"}], idempotency_key=True), BulkResult[Item])
    assert_type(await items.delete_many(["a"], missing_ok=True), BulkResult[str])
    assert_type(await items.delete_many(items.list()), BulkResult[Item])
    async with items.iter_many(["a"], ordered=False) as outcomes:
        async for outcome in outcomes:
            assert_type(outcome, Outcome[Item])
    async for gone in items.iter_delete_many(items.list()):
        assert_type(gone, Outcome[Item])
    async for made in items.iter_create_many([{"name": "a"}]):
        assert_type(made.error, Optional[ron.RonError])


def many_sync(items: ManagerSync[Item], item: Item, draft: Draft[Item]) -> None:
    """The same without ``await``."""
    assert_type(items.get_many(range(3)), BulkResult[Item])
    assert_type(items.create_many([item, draft]), BulkResult[Item])
    assert_type(items.delete_many([item]), BulkResult[Item])
    with items.iter_many(["a"]) as outcomes:
        for outcome in outcomes:
            assert_type(outcome.value, Optional[Item])
    for made in items.iter_create_many([{"name": "a"}]):
        assert_type(made, Outcome[Item])


def looked_into(items: Manager[Item], sync: ManagerSync[Item], item: Item) -> None:
    """An explanation is one, whatever the call and the colour, and needs no ``await``."""
    assert_type(items.explain.get("x"), Explanation)
    assert_type(sync.explain.get("x"), Explanation)
    assert_type(items.explain.create(name="a"), Explanation)
    assert_type(items.explain.create(item, idempotency_key=True), Explanation)
    assert_type(items.explain.list(status="open").repeats, str)
    assert_type(sync.explain.delete(item), Explanation)


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


def narrowed(change: Union[Put[Item], Deleted[Item], Resync, Other]) -> None:
    """A change narrows by its `type` and by its class."""
    if change.type == "other":
        assert_type(change, Other)
        assert_type(change.data, str)
        assert_type(change.error, Optional[RonParseError])
    elif change.type == "resync":
        assert_type(change, Resync)
        assert_type(change.reason, Literal["start", "expired", "no_ids", "poll_gap"])
        assert_type(change.keys, frozenset[str])
    elif change.type == "deleted":
        assert_type(change, Deleted[Item])
        assert_type(change.item, Optional[Item])
    else:
        assert_type(change, Put[Item])
        assert_type(change.type, Literal["added", "modified", "listed"])
        assert_type(change.item, Item)
    if isinstance(change, Put):
        assert_type(change.item.price, int)
        assert_type(change.key, str)
    elif isinstance(change, Deleted):
        assert_type(change.item, Optional[Item])
    elif isinstance(change, Resync):
        assert_type(change, Resync)
    else:
        assert_type(change.event, str)
    assert_type(change.cursor, Optional[str])


async def watches(items: Manager[Item]) -> None:
    """A watch is a context manager and an iterator of changes."""
    async with items.watch(status="open", cursor="7", idle_timeout=30) as changes:
        assert_type(changes, Watch[Item])
        async for change in changes:
            assert_type(change, Union[Put[Item], Deleted[Item], Resync, Other])
            narrowed(change)
        assert_type(changes.cursor, Optional[str])
        assert_type(changes.status, str)


def watches_sync(items: ManagerSync[Item]) -> None:
    """The sync twin."""
    with items.watch() as changes:
        assert_type(changes, WatchSync[Item])
        for change in changes:
            assert_type(change, Union[Put[Item], Deleted[Item], Resync, Other])


def dearest(item: Item) -> int:
    """A function of an object, for an index."""
    return item.price


async def mirrors(items: Manager[Item]) -> None:
    """A mirror is a mapping of keys to objects; an index of a function knows the values that it is asked for."""
    by_price = Index(dearest)
    assert_type(by_price, Index[Item, int])
    async with items.mirror(status="open", index=["name", by_price]) as mirror:
        assert_type(mirror, Mirror[Item])
        assert_type(await mirror.synced(timeout=1.0), None)
        assert_type(await mirror.changed(since=mirror.version), int)
        assert_type(mirror["i-1"], Item)
        assert_type(mirror.get("i-1"), Optional[Item])
        assert_type(list(mirror), list[str])
        assert_type(list(mirror.values()), list[Item])
        assert_type(mirror.by("name", "kettle"), list[Item])
        assert_type(mirror.by(by_price, 7), list[Item])
        assert_type(mirror.age, Optional[float])
    assert_type(await items.wait_for("i-1", lambda item: item.price > 7, timeout=1.0), Item)


def mirrors_sync(items: ManagerSync[Item]) -> None:
    """The sync twin."""
    by_price = Index(dearest)
    with items.mirror(index=[by_price]) as mirror:
        assert_type(mirror, MirrorSync[Item])
        assert_type(mirror.synced(), None)
        assert_type(mirror.changed(), int)
        assert_type(mirror["i-1"], Item)
        assert_type(mirror.by(by_price, 7), list[Item])
    assert_type(items.wait_for("i-1", lambda item: item.name == "kettle"), Item)


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


def shapes(task: Task) -> None:
    """A parent is a field that no constructor takes; actions know resource, body and result."""
    assert_type(Task(title="a"), Task)
    assert_type(task.project_id, str)
    assert_type(task.list_no, int)
    assert_type(Task.archive, Action[Task, Reason, Receipt])
    assert_type(Task.reopen, Action[Task, None, Task])
    assert_type(Task.purge, CollectionAction[Task, Where, None])
    assert_type(Settings.reset, CollectionAction[Settings, None, Settings])


async def shape_calls(tasks: Manager[Task], meters: Manager[Meter], settings: Manager[Settings]) -> None:
    """Composite keys are tuples; singletons take no key; orderings and selections are names."""
    assert_type(await meters.get(("eu", 7)), Meter)
    assert_type(await settings.get(), Settings)
    assert_type(await settings.get_or_none(), Optional[Settings])
    assert_type(await settings.update(theme="dark"), Settings)
    assert_type(await settings.update(Patch[Settings](theme="dark"), idempotency_key=True), Settings)
    assert_type(await settings.modify(lambda one: None), Settings)
    await settings.delete()
    assert_type(tasks.list(order_by="-title", fields=("title",)), Listing[Task])
    assert_type(await tasks.get("t-1", fields=["title"]), Task)
    assert_type(await tasks.modify("t-1", lambda task: {"title": task.title + "!"}, attempts=3), Task)


async def actions(task: Task, tasks: Manager[Task], settings: Manager[Settings]) -> None:
    """`act` gives what the action declares."""
    assert_type(await tasks.act(Task.archive, task, Reason(text="old"), idempotency_key="k"), Receipt)
    assert_type(await tasks.act(Task.archive, "t-1", Reason(text="old")), Receipt)
    assert_type(await tasks.act(Task.reopen, task), Task)
    await tasks.act(Task.ping, task)
    await tasks.act(Task.tag, 7, ["a"])
    assert_type(await tasks.act(Task.count), dict[str, int])
    await tasks.act(Task.purge, Where(status="old"), idempotency_key=True)
    assert_type(await tasks.act(Task.merge), Task)
    assert_type(await settings.act(Settings.reset), Settings)
    assert_type(await Task.objects.act(Task.reopen, task), Task)


def actions_sync(
    task: Task, tasks: ManagerSync[Task], meters: ManagerSync[Meter], settings: ManagerSync[Settings]
) -> None:
    """The sync twins."""
    assert_type(tasks.act(Task.archive, task, Reason(text="old")), Receipt)
    assert_type(tasks.act(Task.reopen, "t-1"), Task)
    assert_type(tasks.act(Task.count), dict[str, int])
    assert_type(tasks.modify("t-1", lambda one: None), Task)
    assert_type(meters.get(("eu", 7)), Meter)
    assert_type(settings.get(), Settings)
    assert_type(settings.update(theme="dark"), Settings)
    assert_type(settings.act(Settings.reset), Settings)
    assert_type(Settings.objects_sync.get(), Settings)


def conflicts(error: RonConflictError) -> None:
    """What a conflict tells is the caller's own type, which the error cannot know."""
    assert_type(error.local, Any)
    assert_type(error.remote, Any)
    assert_type(error.remote_error, Optional[ron.RonError])


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
