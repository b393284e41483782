"""Mistakes that type checkers find, each line with what they say of it. Read by mypy and pyright, never run.

`# E:` is part of a message of mypy's, one for each error, `# P:` the rules of pyright's that a line breaks. Class keywords
of a resource are not among these mistakes: pydantic's metaclass accepts any, so only running the class statement
finds them.
"""

from __future__ import annotations

from ron import (
    U64,
    Deleted,
    Draft,
    Facet,
    Manager,
    ManagerSync,
    Manifest,
    Other,
    Patch,
    Put,
    Resource,
    RonClient,
    RonClientSync,
    server,
)
from ron.contrib import Tenants, TenantsSync
from ron.contrib.flask import RonFlask
from ron.manifest import diff


class Shop(Facet, id="shop", kind="proxy", upstream="http://127.0.0.1:4000"):
    """Catalogue and orders."""


class Item(Resource, path="/items", facet=Shop):
    id: str = server()
    name: str
    price: U64 = 0


class Note(Resource, path="/app/notes"):
    id: str = server()
    text: str


class NoKind(Facet, id="x"): ...  # E: Missing named argument "kind"  # P: reportCallIssue, reportGeneralTypeIssues


class BadKind(Facet, id="x", kind="y"): ...  # E: incompatible type "Literal['y']"  # P: reportArgumentType, reportGeneralTypeIssues


class Typo(Facet, id="x", kind="echo", ownr=""): ...  # E: keyword argument "ownr"  # P: reportCallIssue, reportGeneralTypeIssues


def constructors() -> None:
    """What cannot be constructed."""
    Item(name="a", id="i-1")  # E: keyword argument "id"  # P: reportCallIssue
    Item(name="a", prise=1)  # E: keyword argument "prise"  # P: reportCallIssue
    Item()  # E: Missing named argument "name"  # P: reportCallIssue
    Item(name=5)  # E: incompatible type "int"  # P: reportArgumentType
    Item(name="a", price="7")  # E: incompatible type "str"  # P: reportArgumentType
    Item("a")  # E: Too many positional arguments  # P: reportCallIssue


def fields(item: Item) -> None:
    """What a field is not."""
    print(item.nmae)  # E: no attribute "nmae"  # P: reportAttributeAccessIssue
    item.price = "7"  # E: expression has type "str"  # P: reportAttributeAccessIssue
    print(item.name.price)  # E: no attribute "price"  # P: reportAttributeAccessIssue
    print(item.objects)  # E: incompatible type "Item"  # P: reportAttributeAccessIssue
    print(item.objects_sync)  # E: incompatible type "Item"  # P: reportAttributeAccessIssue


async def calls(item: Item, note: Note, items: Manager[Item]) -> None:
    """Keys, objects, drafts and patches of others."""
    await items.save(note)  # E: incompatible type "Note"  # P: reportArgumentType
    await items.create(note)  # E: No overload variant of "create"  # P: reportArgumentType
    await items.create(Draft[Note](text="a"))  # E: incompatible type "Draft[Note]"  # P: reportArgumentType
    await items.create(Patch[Item](name="a"))  # E: No overload variant of "create"  # P: reportArgumentType
    await items.update("i-1", Patch[Note](text="a"))  # E: incompatible type "Patch[Note]"  # P: reportArgumentType
    await items.update("i-1", Draft[Item](name="a"))  # E: incompatible type "Draft[Item]"  # P: reportArgumentType
    await items.replace("i-1")  # E: incompatible type "str"  # P: reportArgumentType
    await items.refresh("i-1")  # E: incompatible type "str"  # P: reportArgumentType
    await items.get()  # E: Too few arguments  # P: reportCallIssue
    await items.get(key="i-1")  # E: keyword argument "key"  # P: reportCallIssue
    print((await items.get_or_none("i-1")).name)  # E: no attribute "name"  # P: reportOptionalMemberAccess
    await items.get("i-1", "i-2")  # E: Too many arguments  # P: reportCallIssue
    found: Note = await items.get("i-1")  # E: expression has type "Item"  # P: reportAssignmentType
    print(found, await items.crate(item))  # E: no attribute "crate"  # P: reportAttributeAccessIssue


def calls_sync(note: Note, items: ManagerSync[Item]) -> None:
    """The same, sync; and options."""
    items.save(note)  # E: incompatible type "Note"  # P: reportArgumentType
    items.create(Draft[Note](text="a"))  # E: incompatible type "Draft[Note]"  # P: reportArgumentType
    items.list(limit="5")  # E: incompatible type "str"  # P: reportArgumentType
    items.list(page_size=1.5)  # E: incompatible type "float"  # P: reportArgumentType
    items.with_options(timeout="1s")  # E: incompatible type "str"  # P: reportArgumentType
    items.delete("i-1", missing=True)  # E: keyword argument "missing"  # P: reportCallIssue
    items.create(name="a", idempotency_key=5)  # E: No overload variant of "create"  # P: reportArgumentType
    found: Note = items.get("i-1")  # E: expression has type "Item"  # P: reportAssignmentType
    name: int = items.get("i-1").name  # E: expression has type "str"  # P: reportAssignmentType
    price: str = items.get("i-1").price  # E: expression has type "int"  # P: reportAssignmentType
    print(found, name, price)


async def colours(items: Manager[Item], sync: ManagerSync[Item]) -> None:
    """Sync and async are not to be mixed."""
    items.get("i-1")  # E: Value of type "Coroutine[Any, Any, Item]" must be used  # P: reportUnusedCoroutine
    print(items.get("i-1").name)  # E: no attribute "name"  # P: reportAttributeAccessIssue
    await sync.get("i-1")  # E: actual type "Item"  # P: reportGeneralTypeIssues
    await sync.list()  # E: actual type "ListingSync[Item]"  # P: reportGeneralTypeIssues
    for one in items.list():  # E: no attribute "__iter__"  # P: reportGeneralTypeIssues
        print(one)
    async for two in sync.list():  # E: no attribute "__aiter__"  # P: reportGeneralTypeIssues
        print(two)
    for three in items.list().pages():  # E: no attribute "__iter__"  # P: reportGeneralTypeIssues
        print(three)
    with items.watch():  # E: no attribute "__enter__"  # E: no attribute "__exit__"  # P: reportGeneralTypeIssues
        pass
    async with sync.watch():  # E: no attribute "__aenter__"  # E: no attribute "__aexit__"  # P: reportGeneralTypeIssues
        pass


def clients(client: RonClient, sync: RonClientSync) -> None:
    """A manager needs a client of its colour, a client a resource class."""
    Item.objects.using(sync)  # E: incompatible type "RonClientSync"  # P: reportArgumentType
    Item.objects_sync.using(client)  # E: incompatible type "RonClient"  # P: reportArgumentType
    client.objects(Shop)  # E: of "objects" of "RonClient" cannot be "Shop"  # P: reportArgumentType
    client.objects("Item")  # E: incompatible type "str"  # P: reportArgumentType
    sync.objects(int)  # E: of "objects" of "RonClientSync" cannot be "int"  # P: reportArgumentType
    other: Manager[Note] = client.objects(Item)  # E: incompatible type "type[Item]"  # P: reportAssignmentType
    print(other)
    with client:  # E: no attribute "__enter__"  # E: no attribute "__exit__"  # P: reportGeneralTypeIssues
        pass
    RonClient("https://node.example", "token")  # E: Too many positional arguments  # E: incompatible type "str"  # P: reportCallIssue


def manifests(manifest: Manifest) -> None:
    """Manifests, findings and differences are frozen, and take what their signatures say."""
    manifest.upstream = None  # E: Property "upstream" defined in "Manifest" is read-only  # P: reportAttributeAccessIssue
    manifest.check()[0].level = "error"  # E: Property "level" defined in "Finding" is read-only  # P: reportAttributeAccessIssue
    manifest.check(root=3)  # E: incompatible type "int"  # P: reportArgumentType
    Manifest.for_resources(id="x", resources=[Shop], upstream="http://x")  # E: has incompatible type "type[Shop]"  # P: reportArgumentType
    Manifest.from_toml(b"")  # E: incompatible type "bytes"  # P: reportArgumentType
    diff(["x"], {})  # E: has incompatible type "str"  # P: reportArgumentType


def changes(put: Put[Item], deleted: Deleted[Item], other: Other) -> None:
    """A change has what its class has, and is frozen."""
    put.key = "x"  # E: Property "key" defined in "Put" is read-only  # P: reportAttributeAccessIssue
    print(deleted.item.name)  # E: no attribute "name"  # P: reportOptionalMemberAccess
    print(other.item)  # E: no attribute "item"  # P: reportAttributeAccessIssue
    if put.type == "deleted":  # E: Non-overlapping equality check
        print(put)
    print(put.item.text)  # E: no attribute "text"  # P: reportAttributeAccessIssue


def servers(tenants: Tenants, tenants_sync: TenantsSync, client: RonClient, sync: RonClientSync) -> None:
    """Tenants make clients of their own colour, from a key."""
    Tenants(lambda tenant: sync)  # E: incompatible type "Callable[[str], RonClientSync]"  # E: got "RonClientSync"  # P: reportArgumentType
    TenantsSync(lambda tenant: client)  # E: incompatible type "Callable[[str], RonClient]"  # E: got "RonClient"  # P: reportArgumentType
    Tenants(RonClient.from_env)  # E: incompatible type "def from_env  # P: reportArgumentType
    RonFlask(clients=tenants)  # E: incompatible type "Tenants"  # P: reportArgumentType
    with tenants.client("acme"):  # E: no attribute "__enter__"  # E: no attribute "__exit__"  # P: reportGeneralTypeIssues
        pass
