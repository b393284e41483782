"""Whatever is declared: a node loads the manifest, does not panic, and forwards every request as it was sent."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ron import Manifest, RonConfigError, Route
from ron.resources._description import OPERATIONS, Description
from tests.micronode_model import METHODS, MOUNTED, Node, load
from tests.unit.manifest_declarations import facet, resource

BASE = "http://127.0.0.1:4000/api"

# Few names, so that paths meet, nest and shadow each other; keys are taken from the same.
NAMES = st.sampled_from(["a", "b", "events", "items"])
SEGMENTS = st.one_of(NAMES, st.sampled_from(["{p}", "{q}"]))
DEEP = st.lists(SEGMENTS, min_size=1, max_size=4, unique=True).map(lambda parts: "/" + "/".join(parts))
LITERAL = DEEP.filter(lambda path: "{" not in path)
ROOT = st.just("/")
KEYWORDS = st.fixed_dictionaries(
    {
        "operations": st.sets(st.sampled_from(OPERATIONS), min_size=1).map(sorted),
        "update_method": st.sampled_from(["PATCH", "PUT"]),
    },
    optional={"watch": LITERAL},
)
RESOURCES = st.dictionaries(st.one_of(DEEP, ROOT), KEYWORDS, min_size=1, max_size=4)
WAYS = {"list": "GET", "create": "POST", "get": "GET", "replace": "PUT", "delete": "DELETE", "watch": "GET"}
EXPLICIT = st.lists(
    st.builds(
        Route,
        st.one_of(LITERAL, DEEP.map(lambda path: path.split("/{")[0] + "/*tail")),
        st.sampled_from(METHODS),
        upstream_path=st.sampled_from([None, None, "/other"]),
    ),
    max_size=3,
    unique_by=lambda route: (route.method, route.path),
)


def made(resources: dict[str, dict[str, Any]], routes: list[Route]) -> tuple[list[Description], Manifest]:
    """The descriptions of these resources, and their facet's manifest."""
    shop = facet(upstream=BASE, routes=routes)
    for number, (path, keywords) in enumerate(resources.items()):
        resource(shop, f"R{number}", path, **keywords)
    return list(shop.__facet__.resources.values()), shop.manifest()


def sent(description: Description, operation: str, names: list[str]) -> tuple[str, str]:
    """The request of an operation below the facet, parents and key taken from `names` in turn."""
    method = description.update_method if operation == "update" else WAYS[operation]
    path = description.watch if operation == "watch" else description.path
    if operation not in ("list", "create", "watch"):
        path = f"{path.rstrip('/')}/{{key}}"
    filled = [names[place % len(names)] if "{" in part else part for place, part in enumerate(path.split("/"))]
    return method, "/".join(filled)


@given(resources=RESOURCES, names=st.lists(NAMES, min_size=1, max_size=5))
def test_every_operation_is_forwarded_as_it_was_sent(resources: dict[str, dict[str, Any]], names: list[str]) -> None:
    """A node that mounts all methods forwards what each allowed operation sends, to the same path of the upstream."""
    descriptions, manifest = made(resources, [])
    node = Node([load(manifest.to_toml())], mounts=METHODS)
    for description in descriptions:
        for operation in description.operations:
            method, path = sent(description, operation, names)
            assert f"{BASE}{path}" == node.answer(method, f"/facets/shop{path}"), (operation, description.path)


@given(resources=RESOURCES, names=st.lists(NAMES, min_size=1, max_size=5))
def test_todays_micronode_forwards_what_is_get_or_post(resources: dict[str, dict[str, Any]], names: list[str]) -> None:
    """Where only GET and POST are mounted, these are still forwarded as they were sent."""
    descriptions, manifest = made(resources, [])
    node = Node([load(manifest.to_toml())])
    for description in descriptions:
        for operation in description.operations:
            method, path = sent(description, operation, names)
            if method in MOUNTED:
                assert f"{BASE}{path}" == node.answer(method, f"/facets/shop{path}"), (operation, description.path)


@given(resources=RESOURCES, method=st.sampled_from(METHODS), parts=st.lists(NAMES, min_size=1, max_size=5))
def test_nothing_else_is_forwarded(resources: dict[str, dict[str, Any]], method: str, parts: list[str]) -> None:
    """A request is forwarded only if an operation with this method has its path, or a parameter where it differs."""
    descriptions, manifest = made(resources, [])
    node = Node([load(manifest.to_toml())], mounts=METHODS)
    path = "/" + "/".join(parts)
    asked = [
        sent(description, operation, ["*"]) for description in descriptions for operation in description.operations
    ]
    allowed = any(
        verb == method and (one == path or ("*" in one and path.startswith(one.split("*")[0]))) for verb, one in asked
    )
    assert allowed == (node.answer(method, f"/facets/shop{path}") == f"{BASE}{path}")


@settings(max_examples=200)
@given(resources=RESOURCES, routes=EXPLICIT)
def test_a_manifest_never_panics_a_node_and_holds_each_route_once(
    resources: dict[str, dict[str, Any]], routes: list[Route]
) -> None:
    """With explicit routes too: refused with a message, or loaded and mounted; explicit routes are all in it."""
    try:
        _, manifest = made(resources, routes)
    except RonConfigError as error:
        assert "has upstream_path='/other'" in error.message  # noqa: PT017 (the only reason there may be)
        return
    Node([load(manifest.to_toml())], mounts=METHODS)
    written = [(route.method, route.path) for route in manifest.routes]
    assert len(set(written)) == len(written)
    assert {(route.method, route.path, route.upstream_path) for route in routes} <= {
        (route.method, route.path, route.upstream_path) for route in manifest.routes
    }
    assert sorted(written, key=lambda one: (one[1].split("/"), METHODS.index(one[0]))) == written
