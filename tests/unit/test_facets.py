"""Facet declarations: what a class takes, and what is refused when it is made."""

from __future__ import annotations

import types
from typing import Any

import pytest

from ron import Facet, Resource, RonConfigError, Route, server
from ron.facets import FacetDescription


def declared(kind: str = "proxy", doc: object = None, **keywords: Any) -> FacetDescription:
    """The description of `class Shop(Facet, id="shop", kind=kind, **keywords)`."""
    keywords = {"id": "shop", "kind": kind, **keywords}
    cls = types.new_class("Shop", (Facet,), keywords, lambda body: body.update(__doc__=doc))
    description: FacetDescription = cls.__dict__["__facet__"]
    return description


def refusal(kind: str = "proxy", **keywords: Any) -> str:
    """The message with which such a class is refused."""
    with pytest.raises(RonConfigError) as caught:
        declared(kind, **keywords)
    return caught.value.message


def test_a_facet_is_described_by_its_keywords_and_its_docstring() -> None:
    """The description holds the keywords as given, and the docstring without its indentation."""

    class Shop(Facet, id="shop", kind="proxy", upstream="http://127.0.0.1:4000", max_rps=100):
        """Catalogue.

        And orders.
        """

    described = Shop.__facet__
    assert ("shop", "proxy", "http://127.0.0.1:4000") == (described.id, described.kind, described.upstream)
    assert "Catalogue.\n\nAnd orders." == described.description
    assert 100 == described.max_rps
    assert (None, None, False) == (described.requires_auth, described.public, described.idempotent)


@pytest.mark.parametrize("method", ["get", "GET", "Get"])
def test_a_routes_method_may_be_written_in_any_case(method: str) -> None:
    """Methods are kept in upper case, however they were written."""
    assert (Route("/who", "GET"),) == declared("echo", routes=[Route("/who", method)]).routes


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"id": "a/b"}, "class Shop: id must be letters, digits, '.', '_', '~' or '-'"),
        ({"kind": "Proxy"}, "class Shop: kind must be 'proxy', 'static' or 'echo' (lower case), not 'Proxy'"),
        ({"upstreem": "http://x"}, "unknown keyword 'upstreem' (did you mean 'upstream'?)"),
        ({"upstream": "127.0.0.1:4000"}, "class Shop: upstream must begin with https://"),
        ({"upstream": "http://:4000"}, "class Shop: upstream names no host"),
        ({"root": "site"}, "class Shop: root is for kind='static'; a proxy facet has no files"),
        ({"public": 1}, "class Shop: public must be True or False, not 1"),
        ({"requires_auth": "yes"}, "class Shop: requires_auth must be True or False, not 'yes'"),
        ({"max_rps": 0}, "class Shop: max_rps must be a whole number of at least 1 (and of 64 bits), not 0"),
        ({"max_rps": True}, "max_rps must be a whole number of at least 1 (and of 64 bits), not True"),
        ({"max_rps": 2**63}, "max_rps must be a whole number of at least 1 (and of 64 bits)"),
        ({"owner": 7}, "class Shop: owner must be a str, not 7"),
        ({"owner": "\ud800"}, "class Shop: owner holds a lone surrogate"),
        ({"doc": 7}, "class Shop: the docstring must be a str, not 7"),
        ({"routes": Route("/who")}, "class Shop: routes must be a list of Route('/path', ...), not Route("),
        ({"routes": ["/who"]}, "class Shop: routes must be a list of Route('/path', ...), not '/who'"),
        ({"routes": "/who"}, "class Shop: routes must be a list of Route('/path', ...), not '/who'"),
    ],
)
def test_a_wrong_keyword_is_refused_with_what_to_write(keywords: dict[str, Any], says: str) -> None:
    """A mistake in a facet's keywords fails when the class is made, naming class and keyword."""
    assert says in refusal(**keywords)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (
            "static",
            "class Shop: a node would load this static facet and answer nothing: write routes=[Route('/hello', file=",
        ),
        ("echo", "class Shop: a node would load this echo facet and answer nothing: write routes=[Route('/who')]"),
    ],
)
def test_a_facet_that_can_have_no_routes_is_refused(kind: str, says: str) -> None:
    """A static or echo facet that declares no routes fails when the class is made."""
    assert says in refusal(kind)
    assert says in refusal(kind, routes=[])


@pytest.mark.parametrize("kind", ["static", "echo"])
def test_only_a_proxy_has_an_upstream(kind: str) -> None:
    """An upstream on a static or echo facet is refused."""
    says = f"class Shop: upstream is for kind='proxy'; a {kind} facet has none"
    assert says == refusal(kind, upstream="http://127.0.0.1:4000")


def test_an_empty_root_is_refused() -> None:
    """A root that names no folder is refused with what to write."""
    assert "class Shop: root is empty: leave it out, or write root='site'" == refusal("static", root="")


# path, what the message says for every kind of facet
BAD_PATHS = [
    ("who", "path begins with '/', such as '/items', not 'who'"),
    ("", "path begins with '/'"),
    (7, "path begins with '/'"),
    ("//who", "path has an empty segment"),
    ("/a//b", "path has an empty segment"),
    ("/*tail/more", "'*tail' takes the whole rest, so it is last: a node would panic on it"),
    ("/a/*", "'*' is no parameter: after '*' comes a name"),
    ("/a/:", "':' is no parameter: after ':' comes a name"),
    ("/:a-b", "':a-b' is no parameter"),
    ("/items:batch", "':' begins a parameter, also within 'items:batch'"),
    ("/a*b", "'*' begins a parameter, also within 'a*b'"),
    ("/:x/:x", "path names one parameter twice"),
    ("/a b", "a node compares paths as they travel: write 'a%20b' for 'a b'"),
    ("/café", "write 'caf%C3%A9' for 'café'"),
    ("/a/../b", "path: a path holds no '..' segments"),
    ("/a/%2e%2e", "path: a path holds no '..' segments"),
    ("/a?b=1", "path: a path holds no '?'"),
    ("/a#b", "path: a path segment holds '#'"),
    ("/a\nb", "path: a path segment holds a control character"),
]


@pytest.mark.parametrize(("path", "says"), BAD_PATHS, ids=repr)
@pytest.mark.parametrize("kind", ["proxy", "static", "echo"])
def test_a_path_that_a_node_would_not_mount_as_meant_is_refused(kind: str, path: Any, says: str) -> None:
    """A wrong route path fails when the class is made; the message names class and route."""
    message = refusal(kind, routes=[Route(path, file="a.txt" if kind == "static" else None)])
    assert message.startswith(f"class Shop: Route({path!r}")
    assert says in message


@pytest.mark.parametrize(
    ("kind", "path", "better"),
    [
        ("proxy", "/items/{id}", "write '/items/*tail'"),
        ("proxy", "/{tenant}/items", "write '/*tail'"),
        ("echo", "/items/{id}", "write '/items/:id'"),
        ("echo", "/a{b", "write '/:b'"),
    ],
)
def test_braces_are_refused_with_what_a_node_understands(kind: str, path: str, better: str) -> None:
    """`{name}` is literal text to a node; the message says what to write in this kind of facet."""
    message = refusal(kind, routes=[Route(path)])
    assert "as literal text" in message
    assert message.endswith(better)


@pytest.mark.parametrize(
    ("method", "says"),
    [
        ("HEAD", "nodes refuse a manifest with HEAD; they answer it themselves where 'GET' stands"),
        ("FETCH", "method must be GET, POST, PUT, PATCH, DELETE, not 'FETCH'"),
        (None, "method must be GET, POST, PUT, PATCH, DELETE, not None"),
    ],
)
def test_an_unknown_method_is_refused(method: Any, says: str) -> None:
    """A method that makes a node skip the manifest fails when the class is made."""
    assert f"class Shop: Route('/who'): {says}" == refusal("echo", routes=[Route("/who", method)])


PROXY_REFUSALS = [
    (Route("/a", file="a.txt"), "file is for kind='static'"),
    (Route("/a/*rest"), "a proxy forwards the rest only where the path ends in '/*tail'"),
    (Route("/a/:id"), "the literal ':id': write '/a/*tail', which forwards whatever follows"),
    (Route("/:id/*tail", upstream_path="/x"), "the literal ':id': write '/*tail'"),
    (Route("/a", upstream_path="b"), "upstream_path begins with '/', such as '/v2/items', not 'b'"),
    (Route("/a/*tail", upstream_path="/b/*tail"), "'*tail' too: write '/b', to which the rest is appended"),
    (Route("/a/:id", upstream_path="/b/:id"), "is asked for as it stands, ':id' too: write a path without it"),
    (Route("/a", upstream_path="/b/{id}"), "upstream_path '/b/{id}' is asked for as it stands"),
    (Route("/a", upstream_path="/b?c=1"), "upstream_path: a path holds no '?'"),
    (Route("/a", upstream_path="/../b"), "upstream_path: a path holds no '..' segments"),
    (Route("/a", upstream_path="/ü"), "write '/%C3%BC'"),
]
STATIC_REFUSALS = [
    (Route("/a"), "which file? Write file='hello.txt', relative to root, not None"),
    (Route("/a", file=""), "which file?"),
    (Route("/a", "POST", file="a"), "a static facet only answers GET: leave method out"),
    (Route("/a", file="a", upstream_path="/b"), "upstream_path is for kind='proxy'"),
    (Route("/a", file="/etc/passwd"), "file '/etc/passwd' is absolute: write it relative to root="),
    (Route("/a", file="C:/a"), "file 'C:/a' is absolute"),
    (Route("/a", file="../a"), "has an empty, '.' or '..' segment"),
    (Route("/a", file="a/../b"), "has an empty, '.' or '..' segment"),
    (Route("/a", file="a/"), "has an empty, '.' or '..' segment"),
    (Route("/a", file="a\\b"), "holds a backslash: write '/' between folders"),
    (Route("/a", file="a\nb"), "holds a control character"),
]
ECHO_REFUSALS = [
    (Route("/a", file="a"), "an echo facet only answers what it was sent: leave file out"),
    (Route("/a", upstream_path="/b"), "an echo facet only answers what it was sent: leave upstream_path out"),
]


@pytest.mark.parametrize(
    ("kind", "route", "says"),
    [
        *(("proxy", *case) for case in PROXY_REFUSALS),
        *(("static", *case) for case in STATIC_REFUSALS),
        *(("echo", *case) for case in ECHO_REFUSALS),
    ],
)
def test_a_route_that_does_not_fit_its_kind_is_refused(kind: str, route: Route, says: str) -> None:
    """What only other kinds have, or what a node would forward or serve wrongly, fails at once."""
    message = refusal(kind, routes=[route])
    assert message.startswith(f"class Shop: Route({route.path!r}, {route.method!r})")
    assert says in message


@pytest.mark.parametrize(
    "route",
    [
        Route("/"),
        Route("/a/"),
        Route("/*tail", "DELETE"),
        Route("/a/*tail", upstream_path="/v2"),
        Route("/a/:id", upstream_path="/one"),
        Route("/caf%C3%A9", upstream_path="/v1/items:batch"),
    ],
    ids=str,
)
def test_a_route_that_a_proxy_forwards_is_taken_as_it_is(route: Route) -> None:
    """Literal paths, a final `*tail` and a rewritten path are kept unchanged."""
    assert (route,) == declared(routes=[route]).routes


def test_the_same_route_twice_is_refused() -> None:
    """One method and path twice in `routes=` fails when the class is made, whatever their case."""
    message = refusal("echo", routes=[Route("/a"), Route("/b"), Route("/a", "get")])
    assert "class Shop: Route('/a', 'GET') is there twice: a node would panic on it; leave one out" == message


@pytest.mark.parametrize("other", ["/a/:key", "/a/*tail", "/a/:key/more"])
def test_two_parameters_at_one_place_are_refused(other: str) -> None:
    """Different parameters at one place, which end a node, fail when the class is made; both routes are named."""
    message = refusal("echo", routes=[Route("/a/:id"), Route(other, "POST")])
    assert f"Route({other!r}, 'POST') and Route('/a/:id', 'GET') have" in message
    assert "a node would panic on it" in message


@pytest.mark.parametrize("kind", ["static", "echo"])
def test_a_resource_needs_a_proxy(kind: Any) -> None:
    """A resource of a static or echo facet fails when the resource class is made."""

    class Plain(Facet, id="plain", kind=kind, routes=[Route("/a", file="a" if kind == "static" else None)]):
        pass

    with pytest.raises(RonConfigError) as caught:

        class Item(Resource, path="/items", facet=Plain):
            id: str = server()

    assert "class Item: facet Plain is kind=" in caught.value.message
    assert caught.value.message.endswith("resources need a facet with kind='proxy'")
    assert {} == Plain.__facet__.resources


def test_two_resources_on_one_path_are_refused() -> None:
    """A second resource class on a facet's path fails, naming both; the same class made again replaces itself."""

    class Shop(Facet, id="shop", kind="proxy"):
        pass

    def make(name: str) -> None:
        types.new_class(
            name,
            (Resource,),
            {"path": "/items", "facet": Shop},
            lambda body: body.update(__annotations__={"id": str}, __module__=__name__, __qualname__=name),
        )

    make("Item")
    make("Item")
    with pytest.raises(RonConfigError, match="class Thing: facet Shop has the route '/items' already, from class Item"):
        make("Thing")
    assert ["Item"] == [resource.name for resource in Shop.__facet__.resources.values()]


def test_a_manifest_of_chosen_resources_takes_only_the_facets_own() -> None:
    """`manifest(resources=...)` refuses a class that was declared without this facet."""

    class Shop(Facet, id="shop", kind="proxy", upstream="http://127.0.0.1:4000"):
        pass

    class Note(Resource, path="/app/notes"):
        id: str = server()

    with pytest.raises(RonConfigError, match="'Note' was not declared with facet=Shop"):
        Shop.manifest(resources=[Note])
