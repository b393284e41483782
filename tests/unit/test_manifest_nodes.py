"""A future node is a table: `check` says of a made-up one what its table says, with no new code."""

from __future__ import annotations

import dataclasses

import pytest

from ron import Manifest, RonConfigError
from ron.manifest import BRACES, MICRONODE, NODES, Finding, KindRules, NodeCapabilities
from ron.manifest._nodes import node_named

#: differs from a micronode in every entry
NANONODE = NodeCapabilities(
    name="nanonode",
    mount="/apps",
    kinds={
        "proxy": KindRules(methods=("GET", "PUT"), upstream=True),
        "function": KindRules(methods=("POST", "HEAD"), file=True),
    },
    methods=("GET", "PUT", "HEAD", "POST"),
    mounted=("GET", "PUT", "HEAD"),
    syntax=BRACES,
    tail=None,
    forwards_parameters=True,
    clash="skipped",
    forbidden_in_id="_",
    legacy_kinds=(),
    upstream_tables=("facet.upstream",),
    heeded=frozenset({"facet.security", "route.integrity"}),
    silent=frozenset({"facet.limits"}),
)

PROXY = '[facet]\nid = "p"\nkind = "proxy"\n[{table}]\nscheme = "http"\nhost = "h"\nport = 1\n'
ROUTE = '[[route]]\nmethod = "{method}"\npath = "{path}"\n'


def said(text: str, node: NodeCapabilities = NANONODE) -> list[Finding]:
    """The findings of a file on a node."""
    return Manifest.from_toml(text).check(node)


def codes(text: str, node: NodeCapabilities = NANONODE) -> list[str]:
    """Code and effect of each finding."""
    return [f"{finding.code} {finding.effect}" for finding in said(text, node)]


def proxy(*routes: tuple[str, str], table: str = "facet.upstream") -> str:
    """A proxy's file."""
    written = "".join(ROUTE.format(method=method, path=path) for method, path in routes)
    return PROXY.format(table=table) + written


def test_the_tables_differ_in_every_entry() -> None:
    """What the made-up table doesn't vary would not be proved to be read from it."""
    same = [
        field.name
        for field in dataclasses.fields(NodeCapabilities)
        if getattr(NANONODE, field.name) == getattr(MICRONODE, field.name)
    ]
    assert [] == same


# text, what the made-up node does, what a micronode does
FILES = [
    (proxy(("GET", "/a")), [], ["upstream skipped"]),
    (proxy(("GET", "/a"), table="upstream"), ["upstream skipped"], []),
    (
        proxy(("PUT", "/a/{id}")),
        [],
        ["upstream skipped", "not_mounted unanswered", "literal unanswered", "no_routes empty"],
    ),
    (
        proxy(("GET", "/a"), ("GET", "/a/{*rest}")),
        [],
        ["upstream skipped", "literal unanswered"],
    ),
    (
        proxy(("GET", "/a"), ("GET", "/a/:id")),
        ["literal unanswered"],
        ["upstream skipped", "parameter misdirected"],
    ),
    (proxy(("GET", "/a"), ("GET", "/a")), ["clash skipped"], ["upstream skipped", "clash panics"]),
    (
        proxy(("GET", "/a"), ("GET", "/{*x}/b")),
        ["wildcard skipped"],
        ["upstream skipped", "literal unanswered", "wildcard panics"],
    ),
    (proxy(("GET", "/a"), ("POST", "/a")), ["method skipped"], ["upstream skipped"]),
    (
        '[facet]\nid = "f"\nkind = "function"\n' + ROUTE.format(method="HEAD", path="/a") + 'file = "f.wasm"\n',
        [],
        ["kind skipped", "method skipped", "no_routes empty"],
    ),
    (
        '[facet]\nid = "e"\nkind = "echo"\n' + ROUTE.format(method="GET", path="/a"),
        ["kind skipped"],
        [],
    ),
    (
        proxy(("GET", "/a")).replace('"p"', '"p_q"') + "[facet.security]\npublic = true\n",
        ["id skipped"],
        ["upstream skipped", "ignored ignored"],
    ),
    (
        proxy(("GET", "/a"))
        + '[route.integrity]\nsha256 = "0"\n[facet.limits]\nmax_rps = 1\n[facet.meta]\nowner = "x"\n',
        ["ignored ignored"],  # the made-up node is expected to do something with [facet.meta]
        ["upstream skipped", "ignored ignored", "ignored ignored"],
    ),
    (
        'id = "w"\nkind = "proxy"\nroutes = [{ path = "/" }]\n',
        ["form skipped"],
        ["form skipped"],
    ),
    (
        'id = "w"\nkind = "echo"\nroutes = [{ path = "/" }]\n',
        ["form skipped", "kind skipped"],
        ["form ignored"],
    ),
]


@pytest.mark.parametrize(("text", "nanonode", "micronode"), FILES, ids=lambda value: repr(value)[:40])
def test_each_node_is_judged_by_its_table(text: str, nanonode: list[str], micronode: list[str]) -> None:
    """The same file, two tables, two verdicts."""
    assert nanonode == codes(text)
    assert micronode == codes(text, MICRONODE)


def test_messages_name_the_node_and_its_own_syntax() -> None:
    """What to write instead is what this node understands."""
    (literal,) = said(proxy(("GET", "/a"), ("GET", "/a/:id")))
    assert "a nanonode takes ':id' as literal text" == literal.message
    assert "write '{id}'" == literal.fix
    (kind,) = said('[facet]\nid = "e"\nkind = "Function"\n[[route]]\nmethod = "HEAD"\npath = "/"\nfile = "f"\n')
    assert "write 'function'" == kind.fix


def test_a_node_is_found_by_its_name() -> None:
    """`check(node="micronode")` is the table of that name; anything that is none is refused."""
    assert MICRONODE is node_named("micronode") is NODES["micronode"]
    assert NANONODE is node_named(NANONODE)
    for wrong in ("macronode", 3):
        with pytest.raises(RonConfigError, match=r"write one of micronode, or give a NodeCapabilities"):
            node_named(wrong)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
