"""The manifests of one directory, as a node reads them together: which are unreadable, and which collide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional, Union

from ..errors import RonConfigError
from ._check import check_together
from ._disk import StrPath, look_at_files, read_text, toml_files
from ._findings import Finding, Place
from ._nodes import node_named
from ._reading import read_manifest

if TYPE_CHECKING:
    from ._model import Manifest
    from ._nodes import NodeCapabilities

__all__ = ["LoadedDirectory", "check_dir", "load_directory"]


@dataclass(frozen=True)
class LoadedDirectory:
    """What ``Manifest.load_dir`` found; iterating gives the manifests.

    Attributes:
        files: every ``*.toml``, in the directory's order.
        manifests: those that could be read, in the same order, each with its ``source``.
        findings: an error with the code ``unreadable`` for each file that is no manifest: nodes skip these.
    """

    files: tuple[str, ...]
    manifests: tuple[Manifest, ...]
    findings: tuple[Finding, ...]

    def __iter__(self) -> Iterator[Manifest]:
        return iter(self.manifests)

    def __len__(self) -> int:
        return len(self.manifests)


def load_directory(directory: StrPath) -> LoadedDirectory:
    """Reads a directory, see ``Manifest.load_dir``."""
    manifests: list[Manifest] = []
    findings: list[Finding] = []
    files = [str(path) for path in toml_files(directory)]
    for file in files:
        try:
            manifests.append(read_manifest(read_text(file), file))
        except RonConfigError as error:
            said = error.message
            findings.append(_unreadable(file, said[len(file) :].lstrip(": ") if said.startswith(file) else said))
    return LoadedDirectory(tuple(files), tuple(manifests), tuple(findings))


def check_dir(
    directory: StrPath, node: Union[str, NodeCapabilities] = "micronode", *, root: Optional[StrPath] = None
) -> list[Finding]:
    """What a node would do with a directory of manifests that it doesn't say; empty if nothing.

    Beyond ``Manifest.check`` of each: files that are no manifests, ids that are there twice, routes of several files
    that collide, and a directory in which the node would find nothing to load.

    Args:
        directory: where the ``*.toml`` files are; folders in it are not read, as nodes don't.
        node: the kind of node: a name in ``NODES``, or a table of its own.
        root: the working directory of the node, in which static files must exist; None looks at no file.

    Returns:
        Findings, file by file in the directory's own order, which is the one that a node reads it in: of two files with
        one id the later one is skipped.

    Raises:
        RonConfigError: if there is no such directory or root, or for an unknown node.
    """
    known = node_named(node)
    loaded = load_directory(directory)
    seen = None
    if root is not None:
        seen = look_at_files(root, [route.file for one in loaded for route in one.routes if route.file])
    found = [*loaded.findings, *check_together(loaded.manifests, known, seen)]
    skipped = {finding.where.file for finding in found if finding.effect == "skipped"}
    found.sort(key=lambda finding: loaded.files.index(str(finding.where.file)))
    if all(file in skipped for file in loaded.files):
        found.append(
            Finding(
                "no_manifest",
                "empty",
                Place(str(directory)),
                "a node would load nothing from here, and say that it is ready",
                "put at least one manifest there that is not skipped",
            )
        )
    return found


def _unreadable(path: str, said: str) -> Finding:
    return Finding(
        "unreadable", "skipped", Place(path), said, "write a facet manifest, or give the file another ending"
    )
