"""Facet manifests: from declarations to the TOML file that a node loads, and what a node makes of one.

``_forwarding`` decides a proxy's routes, ``_build`` the whole manifest, ``_model`` and ``_tables`` hold it, ``_toml``
writes and ``_reading`` reads it. ``_nodes`` is what nodes do, as tables; ``_check`` and the modules beside it compare
manifests with one, ``_diff`` with what is running. Nothing here does I/O but ``_disk``, which ``_directory`` and the
methods of ``Manifest`` use.
"""

from __future__ import annotations

from ._build import build_manifest
from ._diff import Difference, diff
from ._directory import LoadedDirectory, check_dir
from ._disk import Written
from ._findings import CODES, EFFECTS, Finding, Place
from ._model import Manifest
from ._nodes import BRACES, COLON, MICRONODE, NODES, KindRules, NodeCapabilities, Syntax
from ._tables import FacetTable, Integrity, Limits, ManifestRoute, Meta, Security, Upstream

__all__ = [
    "BRACES",
    "CODES",
    "COLON",
    "EFFECTS",
    "MICRONODE",
    "NODES",
    "Difference",
    "FacetTable",
    "Finding",
    "Integrity",
    "KindRules",
    "Limits",
    "LoadedDirectory",
    "Manifest",
    "ManifestRoute",
    "Meta",
    "NodeCapabilities",
    "Place",
    "Security",
    "Syntax",
    "Upstream",
    "Written",
    "build_manifest",
    "check_dir",
    "diff",
]

for _public in (
    Difference,
    FacetTable,
    Finding,
    Integrity,
    KindRules,
    Limits,
    LoadedDirectory,
    Manifest,
    ManifestRoute,
    Meta,
    NodeCapabilities,
    Place,
    Security,
    Syntax,
    Upstream,
    Written,
    build_manifest,
    check_dir,
    diff,
):
    _public.__module__ = __name__
