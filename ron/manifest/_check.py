"""What a node would do with manifests that it doesn't say: skip a file, ignore a key, die. Pure.

Every rule is read from a :class:`NodeCapabilities`. Tables, routes, mounts and keys have modules of their own beside
this one; here is the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Optional

from ._check_keys import check_integers, check_keys, check_secrets, check_unheeded
from ._check_routes import check_routes
from ._check_tables import check_facet, check_form, check_upstream
from ._exposed import quoted
from ._findings import Finding, Place
from ._mounts import check_mounts

if TYPE_CHECKING:
    from ._files import SeenFiles
    from ._model import Manifest
    from ._nodes import NodeCapabilities

__all__ = ["check_manifest", "check_together"]


def check_manifest(manifest: Manifest, node: NodeCapabilities, seen: Optional[SeenFiles] = None) -> list[Finding]:
    """The findings of one manifest; see ``Manifest.check``."""
    return check_together([manifest], node, seen)


def check_together(
    manifests: Sequence[Manifest], node: NodeCapabilities, seen: Optional[SeenFiles] = None
) -> list[Finding]:
    """The findings of manifests that one node loads in this order, each beside its file."""
    found = [list(_alone(manifest, node, seen)) for manifest in manifests]
    # a file that is skipped for itself takes no id and mounts nothing
    loads = [not any(one.effect == "skipped" for one in findings) for findings in found]
    first: dict[str, Manifest] = {}
    for number, manifest in enumerate(manifests):
        if not loads[number]:
            continue
        other = first.setdefault(manifest.facet.id, manifest)
        if other is not manifest:
            found[number].append(_duplicate(manifest, other))
            loads[number] = False
    mounted = [(number, manifest) for number, manifest in enumerate(manifests) if loads[number]]
    alone = [[(number, manifest)] for number, manifest in enumerate(manifests) if not loads[number]]
    # the routes of a skipped file collide with no other's, and among themselves as soon as it is put right
    for together in (mounted, *alone):
        for number, finding in check_mounts(together, node):
            found[number].append(finding)
    return [finding for findings in found for finding in findings]


def _alone(manifest: Manifest, node: NodeCapabilities, seen: Optional[SeenFiles]) -> Iterator[Finding]:
    rules = node.kinds.get(manifest.facet.kind)
    yield from check_form(manifest, node)
    yield from check_facet(manifest, node)
    yield from check_upstream(manifest, node, rules)
    yield from check_routes(manifest, node, rules, seen)
    yield from check_unheeded(manifest, node)
    yield from check_keys(manifest)
    yield from check_integers(manifest)
    yield from check_secrets(manifest)


def _duplicate(manifest: Manifest, other: Manifest) -> Finding:
    return Finding(
        "duplicate_id",
        "skipped",
        Place(manifest.source, "[facet]", "id"),
        f"{other.source or 'another manifest'} has the id {quoted(manifest.facet.id)} too, and is read first: nodes "
        "keep the first of a directory's own order",
        "give each an id of its own, or remove one",
    )
