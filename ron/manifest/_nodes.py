"""What a kind of node makes of manifests, as a table. A future node is another value here. Pure.

The micronode's is protocol.md "Facet manifests, as a micronode loads them"; nothing else in this package says what a
node does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Optional, Union

from .._routes import METHODS
from .._suggest import did_you_mean, listed, shown
from ..errors import RonConfigError

__all__ = ["MICRONODE", "NODES", "KindRules", "NodeCapabilities", "Syntax", "node_named"]


@dataclass(frozen=True)
class Syntax:
    """How a path's segment is a parameter, or takes the whole rest: what opens and what closes it."""

    parameter: tuple[str, str]
    wildcard: tuple[str, str]

    def is_wildcard(self, segment: str) -> bool:
        """Whether the segment takes the rest of the path."""
        return _within(segment, self.wildcard)

    def is_parameter(self, segment: str) -> bool:
        """Whether the segment stands for any one segment."""
        return _within(segment, self.parameter) and not self.is_wildcard(segment)

    def is_variable(self, segment: str) -> bool:
        """Whether the segment is not taken literally."""
        return self.is_wildcard(segment) or self.is_parameter(segment)

    def name(self, segment: str) -> str:
        """What stands between the marks of a parameter or wildcard."""
        before, after = self.wildcard if self.is_wildcard(segment) else self.parameter
        return segment[len(before) : len(segment) - len(after)]

    def opens_within(self, segment: str) -> bool:
        """Whether a literal segment holds, after its beginning, what opens a parameter or wildcard."""
        return any(mark in segment[1:] for mark in (self.parameter[0], self.wildcard[0]))


COLON = Syntax(parameter=(":", ""), wildcard=("*", ""))
BRACES = Syntax(parameter=("{", "}"), wildcard=("{*", "}"))


@dataclass(frozen=True)
class KindRules:
    """What a node asks of one kind of facet.

    Attributes:
        methods: those that routes of this kind may name.
        upstream: whether it needs ``[upstream]`` (and otherwise has no use for one).
        file: whether its routes need ``file`` (and otherwise have no use for one).
    """

    methods: tuple[str, ...] = METHODS
    upstream: bool = False
    file: bool = False


@dataclass(frozen=True)
class NodeCapabilities:
    """What a kind of node makes of manifests; ``check`` reads nothing else.

    Attributes:
        name: for messages and for ``check(node=...)``.
        mount: where facets are: ``{mount}/{id}{path}``.
        kinds: the kinds of facet, exactly as a file must write them.
        methods: those that a route may name without the file being skipped, in any case.
        mounted: those of them that requests really reach.
        syntax: of paths.
        tail: the ending with which a proxy forwards the rest of a path, to the letter; None if any wildcard does.
        forwards_parameters: whether a proxy fills parameters into what it asks the upstream for.
        clash: the effect of routes that cannot be together, ``panics`` or ``skipped``.
        forbidden_in_id: characters with which an id ends as a clash does.
        legacy_kinds: kinds that also load from a file of version 0; empty if the node reads none.
        upstream_tables: the tables in which it finds the upstream.
        heeded: documented tables and keys beyond the necessary ones that it acts on, such as ``facet.security``.
        silent: of the others, those that nobody expects a node to act on.
    """

    name: str
    mount: str
    kinds: Mapping[str, KindRules]
    methods: tuple[str, ...]
    mounted: tuple[str, ...]
    syntax: Syntax
    tail: Optional[str]
    forwards_parameters: bool
    clash: str
    forbidden_in_id: str
    legacy_kinds: tuple[str, ...]
    upstream_tables: tuple[str, ...]
    heeded: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset({"facet.meta"})


MICRONODE = NodeCapabilities(
    name="micronode",
    mount="/facets",
    kinds=MappingProxyType(
        {
            "static": KindRules(methods=("GET",), file=True),
            "echo": KindRules(),
            "proxy": KindRules(upstream=True),
        }
    ),
    methods=METHODS,
    mounted=("GET", "POST"),
    syntax=COLON,
    tail="/*tail",
    forwards_parameters=False,
    clash="panics",
    forbidden_in_id=":*",
    legacy_kinds=("static", "echo"),
    upstream_tables=("upstream",),
)

#: by the name that ``check(node=...)`` takes
NODES: Mapping[str, NodeCapabilities] = MappingProxyType({MICRONODE.name: MICRONODE})


def node_named(node: Union[str, NodeCapabilities]) -> NodeCapabilities:
    """The table of a node by its name; a table stays itself.

    Raises:
        RonConfigError: for a name that no table has.
    """
    if isinstance(node, NodeCapabilities):
        return node
    found = NODES.get(node) if isinstance(node, str) else None
    if found is None:
        near = did_you_mean(node, NODES) if isinstance(node, str) else ""
        raise RonConfigError(
            f"no node is called {shown(node)}{near}: write one of {listed(NODES)}, or give a NodeCapabilities"
        )
    return found


def _within(segment: str, marks: tuple[str, str]) -> bool:
    before, after = marks
    return segment.startswith(before) and segment.endswith(after) and len(segment) >= len(before) + len(after)
