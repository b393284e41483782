"""Facet manifests: from a facet's declaration to the TOML file that a node loads. Nothing here may do I/O.

``_forwarding`` decides a proxy's routes, ``_build`` the whole manifest, ``_model`` holds it, ``_toml`` writes it.
"""

from __future__ import annotations

from ._build import build_manifest
from ._model import FacetTable, Limits, Manifest, ManifestRoute, Meta, Security, Upstream

__all__ = [
    "FacetTable",
    "Limits",
    "Manifest",
    "ManifestRoute",
    "Meta",
    "Security",
    "Upstream",
    "build_manifest",
]

for _public in (FacetTable, Limits, Manifest, ManifestRoute, Meta, Security, Upstream, build_manifest):
    _public.__module__ = __name__
