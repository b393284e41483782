"""When a static facet's files are looked at: at ``manifest()``, and only as far as its declaration asks. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._files import Folder

if TYPE_CHECKING:
    from ..facets import FacetDescription

__all__ = ["folder_of"]


def folder_of(facet: FacetDescription) -> Folder:
    """What lies in the facet's root.

    Raises:
        RonConfigError: see ``look_at_folder``; and where ``files=`` matches nothing.
    """
    if facet.kind != "static":
        return Folder()
    from ._disk import look_at_folder

    return look_at_folder(
        f"class {facet.name}",
        facet.root,
        facet.files,
        [route.file for route in facet.routes if route.file],
        integrity=facet.integrity,
    )
