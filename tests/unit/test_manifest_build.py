"""Manifests from declarations: which routes, which tables, what is refused, and the example program."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, Optional

import pytest
from pydantic import ValidationError

import ron.manifest
from ron import Facet, Manifest, Resource, RonConfigError, Route
from ron.manifest import Upstream
from tests.micronode_model import Node, load
from tests.unit.manifest_declarations import FIXED, facet, resource, routes_of
from tests.unit.test_house import ROOT, RUNNING_HALVES

UPSTREAM = "http://127.0.0.1:4000"
EVERYTHING = ("get", "list", "create", "update", "replace", "delete", "watch")


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        (EVERYTHING, ["GET POST /items", "GET PUT PATCH DELETE /items/*tail"]),
        (("list",), ["GET /items"]),
        (("create",), ["POST /items"]),
        (("get",), ["GET /items/*tail"]),
        (("update",), ["PATCH /items/*tail"]),
        (("replace",), ["PUT /items/*tail"]),
        (("delete",), ["DELETE /items/*tail"]),
        (("watch",), ["GET /items/events"]),
        (("watch", "get"), ["GET /items/*tail"]),
        (("list", "delete"), ["GET /items", "DELETE /items/*tail"]),
        (("watch", "delete"), ["DELETE /items/*tail", "GET DELETE /items/events"]),
    ],
)
def test_operations_become_routes(operations: tuple[str, ...], expected: list[str]) -> None:
    """Each operation brings the route that forwards what its manager sends, and nothing else."""
    shop = facet(upstream=UPSTREAM)
    resource(shop, "Item", "/items", operations=operations)
    assert expected == routes_of(shop.manifest())


def test_an_update_by_put_needs_no_patch() -> None:
    """`update_method="PUT"` brings a PUT route for update."""
    shop = facet(upstream=UPSTREAM)
    resource(shop, "Item", "/items", operations=("update",), update_method="PUT")
    assert ["PUT /items/*tail"] == routes_of(shop.manifest())


PATHS: list[tuple[dict[str, dict[str, Any]], list[str]]] = [
    # a parameter: only a path that ends in /*tail forwards the rest
    ({"/projects/{p}/items": {"operations": ("list", "create")}}, ["GET POST /projects/*tail"]),
    ({"/{tenant}/items": {"operations": ("list",)}}, ["GET /*tail"]),
    # routes of several resources merge, each method once
    (
        {"/projects": {"operations": ("list", "get")}, "/projects/{p}/items": {"operations": ("get", "create")}},
        ["GET /projects", "GET POST /projects/*tail"],
    ),
    # at the root
    ({"/": {"operations": ("list", "get"), "watch": "/events"}}, ["GET /", "GET /*tail"]),
    # a path under a wildcard keeps the methods that the wildcard would have forwarded there
    (
        {"/a": {"operations": ("get", "delete")}, "/a/b": {"operations": ("create",)}},
        ["GET DELETE /a/*tail", "GET POST DELETE /a/b"],
    ),
    # a path that adds nothing to the wildcard above it is left out
    ({"/a": {"operations": ("get",)}, "/a/b": {"operations": ("list", "get")}}, ["GET /a/*tail"]),
    # a stream of its own
    ({"/a": {"operations": ("get", "watch"), "watch": "/streams/a"}}, ["GET /a/*tail", "GET /streams/a"]),
    ({"/a/{b}/c": {"operations": ("watch",), "watch": "/a/{b}/events"}}, ["GET /a/*tail"]),
    # nodes compare paths as they travel, and take ':' for a parameter anywhere
    ({"/café": {"operations": ("list",)}}, ["GET /caf%C3%A9"]),
    ({"/v1/items:batch": {"operations": ("create",)}}, ["POST /v1/*tail"]),
    # no operations, no routes
    ({"/a": {"operations": ()}, "/b": {"operations": ("list",)}}, ["GET /b"]),
]


@pytest.mark.parametrize(("paths", "expected"), PATHS, ids=" ".join)
def test_paths_become_what_a_node_forwards(paths: dict[str, dict[str, Any]], expected: list[str]) -> None:
    """Parameters, nesting, the root and odd segments give routes that a node forwards as they were sent."""
    shop = facet(upstream=UPSTREAM)
    for number, (path, keywords) in enumerate(paths.items()):
        resource(shop, f"R{number}", path, **keywords)
    assert expected == routes_of(shop.manifest())


def test_explicit_routes_join_those_of_the_resources() -> None:
    """Explicit routes are written as given, beside the resources' own; an equal one is there once."""
    shop = facet(
        upstream=UPSTREAM,
        routes=[Route("/stats", upstream_path="/internal/stats"), Route("/items", "post"), Route("/raw/*tail", "PUT")],
    )
    resource(shop, "Item", "/items", operations=("list", "create"))
    assert ["GET POST /items", "PUT /raw/*tail", "GET /stats -> /internal/stats"] == routes_of(shop.manifest())


def test_an_explicit_route_hides_nothing_of_a_resource() -> None:
    """A path below a wildcard keeps the wildcard's other methods, also those of a rewritten one."""
    shop = facet(
        upstream=UPSTREAM,
        routes=[Route("/items/top", upstream_path="/best"), Route("/v1/*tail", "PUT", upstream_path="/old")],
    )
    resource(shop, "Item", "/items", operations=("get", "delete"))
    resource(shop, "Old", "/v1/notes", operations=("list",))
    assert [
        "GET DELETE /items/*tail",
        "GET /items/top -> /best",
        "DELETE /items/top",
        "PUT /v1/*tail -> /old",
        "GET /v1/notes",
        "PUT /v1/notes -> /old/notes",
    ] == routes_of(shop.manifest())


def test_a_route_that_is_asked_for_in_two_ways_is_refused() -> None:
    """An explicit upstream_path on a resource's own route is an error that names both."""
    shop = facet(upstream=UPSTREAM, routes=[Route("/items", upstream_path="/v2/items")])
    resource(shop, "Item", "/items")
    message = refusal(shop)
    assert message.startswith("class Shop: Route('/items', 'GET') has upstream_path='/v2/items', but Item (list) needs")
    assert "GET /items forwarded as it is" in message


@pytest.mark.parametrize(
    ("route", "path", "says"),
    [
        (
            Route("/items/:id", upstream_path="/x"),
            "/items",
            "need '/items/*tail' and '/items/:id', with '*tail' and ':id'",
        ),
        (
            Route("/a/:id", upstream_path="/x"),
            "/{tenant}/items",
            "Route('/a/:id', 'GET') hides POST /*tail from Item (create), and no route can ask the upstream for what "
            "':' stands for: write '/a/*tail'",
        ),
    ],
)
def test_a_parameter_that_gets_in_a_resources_way_is_refused(route: Route, path: str, says: str) -> None:
    """An explicit `:name` where a resource needs a wildcard is an error that names both."""
    shop = facet(upstream=UPSTREAM, routes=[route])
    resource(shop, "Item", path)
    message = refusal(shop)
    assert message.startswith("class Shop: ")
    assert says in message


def refusal(cls: type[Facet], upstream: Optional[str] = None) -> str:
    """The message with which the facet's manifest is refused."""
    with pytest.raises(RonConfigError) as caught:
        cls.manifest(upstream=upstream)
    return caught.value.message


def test_a_proxy_without_routes_is_refused() -> None:
    """A proxy without resources and routes, or with resources that allow nothing, has no manifest."""
    shop = facet(upstream=UPSTREAM)
    says = "declare a resource that allows something with facet=Shop, or write routes=[Route('/*tail')]"
    assert refusal(shop).endswith(says)
    resource(shop, "Item", "/items", operations=())
    assert refusal(shop).endswith(says)


def test_a_static_facet_without_routes_is_refused() -> None:
    """A root alone serves nothing."""
    assert refusal(facet("static", root="site")).endswith("write routes=[Route('/hello', file='hello.txt')]")


def test_a_proxy_without_upstream_is_refused_with_what_to_write() -> None:
    """Neither declared nor given: the message shows both places."""
    message = refusal(facet(routes=[Route("/*tail")]))
    assert "Write upstream='http://127.0.0.1:4000' in the class, or Shop.manifest(upstream=" in message


def test_a_bad_upstream_is_refused_by_its_place() -> None:
    """A wrong URL given to manifest() is named as that."""
    shop = facet(upstream=UPSTREAM, routes=[Route("/*tail")])
    assert "Shop.manifest(upstream=...) names no host" in refusal(shop, "http://")


def test_only_a_proxy_takes_an_upstream() -> None:
    """manifest(upstream=...) on an echo facet is refused."""
    says = "class Shop: manifest(upstream=...) is for kind='proxy', not 'echo'"
    assert says == refusal(facet("echo", routes=[Route("/who")]), UPSTREAM)


def test_a_manifest_of_another_kind_serves_no_resources() -> None:
    """build_manifest refuses resources on a facet without a service behind it, naming them."""
    shop = facet(upstream=UPSTREAM)
    resource(shop, "Item", "/items")
    echo = facet("echo", routes=[Route("/who")])
    with pytest.raises(RonConfigError, match="so it cannot serve Item: write kind='proxy'"):
        ron.manifest.build_manifest(echo.__facet__, list(shop.__facet__.resources.values()))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:4000", Upstream(scheme="http", host="127.0.0.1", port=4000)),
        ("http://todo", Upstream(scheme="http", host="todo", port=80)),
        ("https://todo.example/", Upstream(scheme="https", host="todo.example", port=443)),
        ("https://todo.example/api/v1/", Upstream(scheme="https", host="todo.example", port=443, base_path="/api/v1")),
        ("http://[::1]:4000", Upstream(scheme="http", host="[::1]", port=4000)),
    ],
)
def test_an_upstream_url_becomes_the_upstream_table(url: str, expected: Upstream) -> None:
    """Scheme, host, port and base path are split; the port is always there; IPv6 stays in brackets."""
    assert expected == facet(routes=[Route("/*tail")]).manifest(upstream=url).upstream
    assert expected == facet(upstream=url, routes=[Route("/*tail")]).manifest().upstream


def test_chosen_resources_stand_for_all() -> None:
    """`manifest(resources=...)` takes these and leaves the others out."""
    shop = facet(upstream=UPSTREAM)
    item = resource(shop, "Item", "/items", operations=("list",))
    resource(shop, "Order", "/orders", operations=("list",))
    assert ["GET /items"] == routes_of(shop.manifest(resources=[item]))


@pytest.mark.parametrize(
    ("root", "file"),
    [
        (None, "a/b.txt"),
        ("site", "site/a/b.txt"),
        ("site/", "site/a/b.txt"),
        ("./site", "./site/a/b.txt"),
        ("/srv/my site", "/srv/my site/a/b.txt"),
        ("../site", "../site/a/b.txt"),
    ],
)
def test_a_static_file_is_written_below_the_root_as_given(root: Optional[str], file: str) -> None:
    """Nodes resolve `file` against their working directory, so the root is written exactly as declared."""
    manifest = facet("static", root=root, routes=[Route("/b", file="a/b.txt")]).manifest()
    assert [f"GET /b -> {file}"] == routes_of(manifest)
    node = Node([load(manifest.to_toml(), files=[file])])
    assert f"file {file}" == node.answer("GET", "/facets/shop/b")


def test_an_echo_facet_has_its_explicit_routes() -> None:
    """An echo facet's routes are written as declared, methods in upper case."""
    manifest = facet("echo", routes=[Route("/who"), Route("/who", "post"), Route("/:name/x")]).manifest()
    assert ["GET /:name/x", "GET POST /who"] == routes_of(manifest)
    assert "echo" == Node([load(manifest.to_toml())]).answer("POST", "/facets/shop/who")


@pytest.mark.parametrize(
    "given", [{}, {"public": False}, {"public": True}, {"requires_auth": False}, {"requires_auth": True}]
)
def test_security_is_only_what_was_declared(given: dict[str, Any]) -> None:
    """Neither `public` nor `requires_auth` is ever set by itself."""
    manifest = facet("echo", routes=[Route("/who")], **given).manifest()
    security = manifest.facet.security
    assert given == ({} if security is None else security.model_dump(exclude_none=True))


def test_a_manifest_is_frozen_and_comparable() -> None:
    """Two manifests of the same declarations are equal and hash alike; nothing can be assigned."""
    shop = facet(upstream=UPSTREAM, routes=[Route("/*tail")])
    one, other = shop.manifest(), shop.manifest()
    assert one == other
    assert 1 == len({one, other})
    with pytest.raises(ValidationError, match="frozen"):
        one.upstream = None  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ValidationError, match="frozen"):
        one.routes[0].path = "/x"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_a_manifest_reads_well() -> None:
    """Its repr is one line; str lists each path with its methods and where it leads."""
    manifest = FIXED.manifest()
    assert "<Manifest shop (proxy to http://127.0.0.1:4000/api): 7 routes>" == repr(manifest)
    assert (
        "shop (proxy to http://127.0.0.1:4000/api)\n"
        "  GET POST              /items\n"
        "  GET PUT PATCH DELETE  /items/*tail\n"
        "  GET                   /stats  -> /internal/stats"
    ) == str(manifest)
    assert "<Manifest shop (echo): 1 route>" == repr(facet("echo", routes=[Route("/who")]).manifest())


def test_the_public_names_are_sorted_and_at_home_in_the_package() -> None:
    """`ron.manifest.__all__` is sorted, constants first, and its classes say `ron.manifest` as their module."""
    names = ron.manifest.__all__
    assert sorted(names, key=lambda name: (not name.isupper(), name)) == names
    assert {"ron.manifest"} == {getattr(ron.manifest, name).__module__ for name in names if not name.isupper()}
    assert Manifest is ron.manifest.Manifest


def test_only_the_running_half_of_manifest_does_io() -> None:
    """ron/manifest imports nothing that reads, waits or talks, and opens nothing, but for the module that says so."""
    acting = {
        "asyncio",
        "datetime",
        "httpx",
        "io",
        "os",
        "pathlib",
        "random",
        "socket",
        "subprocess",
        "threading",
        "time",
    }
    found = set()
    package = Path(ron.manifest.__file__).parent
    for path in [*package.glob("*.py"), package.parent / "_routes.py", package.parent / "facets.py"]:
        if path.relative_to(ROOT).as_posix() in RUNNING_HALVES:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add((node.module or "").split(".")[0])
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                found |= {node.func.id} & {"open", "print", "input", "__import__"}
    assert set() == found & (acting | {"open", "print", "input", "__import__"})


def test_a_resource_class_declared_again_replaces_its_routes() -> None:
    """A class statement run again, as in a notebook, leaves only its newest routes."""
    shop = facet(upstream=UPSTREAM)
    resource(shop, "Item", "/items", operations=("list",))
    again: type[Resource] = resource(shop, "Item", "/things", operations=("list",))
    assert again.__ron__ is not None
    assert ["GET /things"] == routes_of(shop.manifest())
