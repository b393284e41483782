"""The running half of manifests: reads, writes and looks at files. What decides stands in the other modules."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Optional, Union
from urllib.parse import quote

from .._suggest import listed, shown
from ..errors import RonConfigError
from ._files import Folder, SeenFiles, matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["StrPath", "Written", "look_at_files", "look_at_folder", "read_text", "toml_files", "write_manifest"]

StrPath = Union[str, "os.PathLike[str]"]


class Written(NamedTuple):
    """What ``Manifest.write`` did: ``path`` is the file, ``wrote`` whether it had to be written."""

    path: Path
    wrote: bool


def read_text(path: StrPath) -> str:
    """The text of a file.

    Raises:
        RonConfigError: if it can't be read, or is not UTF-8.
    """
    try:
        return Path(path).read_bytes().decode("utf-8")
    except OSError as error:
        reason = _said(error)
    except UnicodeDecodeError:
        reason = "it is not UTF-8, which every TOML file is"
    raise RonConfigError(f"{path} cannot be read: {reason}")


def toml_files(directory: StrPath) -> list[Path]:
    """The ``*.toml`` files of a directory, in the directory's own order, which is the one that nodes read them in.

    Raises:
        RonConfigError: if there is no such directory.
    """
    try:
        with os.scandir(directory) as entries:
            return [Path(entry.path) for entry in entries if entry.name.endswith(".toml") and entry.is_file()]
    except OSError as error:
        reason = _said(error)
    raise RonConfigError(f"{directory} is no directory of manifests: {reason}")


def write_manifest(directory: StrPath, facet_id: str, text: str) -> Written:
    """Writes ``<id>.toml``, see ``Manifest.write``."""
    if not facet_id.strip():
        raise RonConfigError("a manifest without an id has no file name: a node would skip it; give the facet an id")
    # one name in this directory, whatever the id is, and not a hidden one
    name = quote(facet_id, safe="-_.~ ")
    name = f"%2E{name[1:]}" if name.startswith(".") else name
    if not Path(directory).is_dir():
        raise RonConfigError(f"{name}.toml cannot be written: {directory} is no directory; make it first")
    try:
        path = Path(directory) / f"{name}.toml"
        content = text.encode("utf-8")
        if path.is_file() and path.read_bytes() == content:
            return Written(path, False)
        _replace(path.resolve(), content)
        return Written(path, True)
    except OSError as error:
        reason = _said(error)
    raise RonConfigError(f"{name}.toml cannot be written into {directory}: {reason}")


def _replace(path: Path, content: bytes) -> None:
    """A reader sees the old file or the new one; a node reads no other ending than ``.toml``."""
    beside = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}.tmp")
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def look_at_files(root: StrPath, files: Iterable[str]) -> SeenFiles:
    """Which of these files a node with this working directory would find, and which lie outside of it.

    Raises:
        RonConfigError: if the root is no directory.
    """
    base = Path(root)
    if not base.is_dir():
        raise RonConfigError(f"root={shown(str(root))} is no directory: give the working directory of the node")
    found, outside = set(), set()
    for file in files:
        path = base / file
        if _is_file(path):
            found.add(file)
        if not _is_within(path, base):
            outside.add(file)
    return SeenFiles(frozenset(found), frozenset(outside))


def look_at_folder(
    where: str, root: Optional[str], patterns: Sequence[str], explicit: Iterable[str], *, integrity: bool
) -> Folder:
    """What of a static facet's root lies here, below this process's working directory.

    Args:
        where: the class, for messages.
        root: the folder, as it was declared.
        patterns: which files to find; none looks at the explicit ones only.
        explicit: files of explicit routes.
        integrity: whether to compute hashes, for which every file must be here.

    Raises:
        RonConfigError: for a file that leads outside the root, or that is needed and missing.
    """
    base = Path(root or ".")
    found = _found(where, base, patterns) if patterns else []
    hashes: dict[str, str] = {}
    for file in {*found, *explicit}:
        path = base / file
        if _is_file(path):
            _check_within(where, path, base)
            if integrity:
                hashes[file] = _sha256(where, path)
        elif integrity:
            raise RonConfigError(
                f"{where}: integrity=True needs the file {shown(file)}, and there is none in {shown(str(base))}: make "
                "the manifest where the files are"
            )
    return Folder(tuple(found), hashes)


def _found(where: str, base: Path, patterns: Sequence[str]) -> list[str]:
    if not base.is_dir():
        raise RonConfigError(
            f"{where}: files= looks into root {shown(str(base))}, and there is no such folder below the working "
            "directory: make the manifest where the files are"
        )
    try:
        found = [one for one in _walk(where, base, "", frozenset()) if any(matches(one, each) for each in patterns)]
    except OSError as error:
        reason = f"cannot be read: {_said(error)}"
    else:
        if found:
            return found
        reason = f"holds no file that matches {listed(map(repr, patterns))}"
    raise RonConfigError(f"{where}: root {shown(str(base))} {reason}")


def _walk(where: str, base: Path, below: str, above: frozenset[Path]) -> Iterator[str]:
    """Every file below a folder, sorted by name; links are followed within the root, and never round in a circle."""
    here = base / below
    real = here.resolve()
    if real in above:
        return
    for name in sorted(os.listdir(here)):
        path, file = here / name, f"{below}{name}"
        if name.startswith(".") or not path.exists():  # hidden, or a link that leads nowhere
            continue
        if path.is_symlink():
            _check_within(where, path, base)
        if path.is_dir():
            yield from _walk(where, base, f"{file}/", above | {real})
        elif _is_file(path):
            yield file


def _check_within(where: str, path: Path, base: Path) -> None:
    if not _is_within(path, base):
        raise RonConfigError(
            f"{where}: {shown(str(path))} leads outside root {shown(str(base))}: a node would serve what it points to; "
            "put a copy there, or leave it out"
        )


def _is_within(path: Path, base: Path) -> bool:
    try:
        path.resolve().relative_to(base.resolve())
    except (ValueError, OSError, RuntimeError):  # RuntimeError: a circle of links, before Python 3.13
        return False
    return True


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return False


def _sha256(where: str, path: Path) -> str:
    reason: Optional[str] = None
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
        return digest.hexdigest()
    except OSError as error:
        reason = _said(error)
    raise RonConfigError(f"{where}: {shown(str(path))} cannot be read: {reason}")


def _said(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
