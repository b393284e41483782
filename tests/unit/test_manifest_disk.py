"""Manifests on disk: reading one and a directory, writing whole and only when changed, what collides in a directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ron import Manifest, RonConfigError, Route
from ron.manifest import FacetTable, ManifestRoute, check_dir
from tests.unit.manifest_declarations import FIXED, facet

ECHO = '[facet]\nid = "{id}"\nkind = "echo"\n[[route]]\nmethod = "GET"\npath = "{path}"\n'


def put(folder: Path, **files: str) -> None:
    """Writes `<name>.toml` for each."""
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")


def echo(facet_id: str = "e", path: str = "/a") -> str:
    """An echo facet's file."""
    return ECHO.format(id=facet_id, path=path)


# --- Writing ----------------------------------------------------------------------------------


def test_a_manifest_is_written_once_and_read_back(tmp_path: Path) -> None:
    """The first write makes `<id>.toml`, the second finds it unchanged and leaves it alone."""
    manifest = FIXED.manifest()
    path, wrote = manifest.write(tmp_path)
    assert (tmp_path / "shop.toml", True) == (path, wrote)
    assert manifest.to_toml().encode("utf-8") == path.read_bytes()
    before = path.stat()
    assert (path, False) == manifest.write(str(tmp_path))
    assert (before.st_ino, before.st_mtime_ns) == (path.stat().st_ino, path.stat().st_mtime_ns)
    assert manifest == Manifest.load(path)
    assert str(path) == Manifest.load(path).source
    assert ["shop.toml"] == os.listdir(tmp_path)


def test_a_change_replaces_the_file_at_once(tmp_path: Path) -> None:
    """The old file is never open half-written: another one takes its place, with its permissions."""
    (tmp_path / "shop.toml").write_text("old")
    (tmp_path / "shop.toml").chmod(0o640)
    with (tmp_path / "shop.toml").open() as held:
        assert FIXED.manifest().write(tmp_path).wrote
        assert "old" == held.read()
    assert 0o640 == (tmp_path / "shop.toml").stat().st_mode & 0o777
    assert ["shop.toml"] == os.listdir(tmp_path)


def test_a_new_file_can_be_read_as_the_umask_says(tmp_path: Path) -> None:
    """A node runs as another user: the file is not private to the one who wrote it."""
    (tmp_path / "other").write_text("")
    assert (tmp_path / "other").stat().st_mode == FIXED.manifest().write(tmp_path).path.stat().st_mode


def test_a_link_is_written_through(tmp_path: Path) -> None:
    """Where `<id>.toml` is a link, the file that it leads to changes, and the link stays."""
    (tmp_path / "real").mkdir()
    (tmp_path / "shop.toml").symlink_to(tmp_path / "real" / "shop.toml")
    assert FIXED.manifest().write(tmp_path).wrote
    assert (tmp_path / "shop.toml").is_symlink()
    assert FIXED.manifest() == Manifest.load(tmp_path / "real" / "shop.toml")


@pytest.mark.parametrize(
    ("facet_id", "name"), [("../x", "%2E.%2Fx"), ("a/b", "a%2Fb"), (".", "%2E"), ("a b", "a b"), ("é", "%C3%A9")]
)
def test_whatever_the_id_the_file_is_in_the_directory(tmp_path: Path, facet_id: str, name: str) -> None:
    """An id that comes from a file leads nowhere else and gives a name that nodes read."""
    manifest = Manifest(facet=FacetTable(id=facet_id, kind="echo"), route=(ManifestRoute(method="GET", path="/"),))
    assert tmp_path / f"{name}.toml" == manifest.write(tmp_path).path
    assert [manifest] == list(Manifest.load_dir(tmp_path))


def test_what_cannot_be_written_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    """No directory, a blank id, something else in its place: a RonConfigError, and no file is left behind."""
    manifest = FIXED.manifest()
    with pytest.raises(RonConfigError, match=r"shop\.toml cannot be written: .*none is no directory; make it first"):
        manifest.write(tmp_path / "none")
    with pytest.raises(RonConfigError, match="without an id has no file name"):
        manifest.model_copy(update={"facet": FacetTable(id=" ", kind="echo")}).write(tmp_path)
    (tmp_path / "shop.toml").mkdir()
    with pytest.raises(RonConfigError, match=r"shop\.toml cannot be written"):
        manifest.write(tmp_path)
    assert ["shop.toml"] == os.listdir(tmp_path)


# --- Reading ----------------------------------------------------------------------------------


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Missing, a folder, not UTF-8, no TOML: the message names the file and what is wrong."""
    (tmp_path / "bad.toml").write_bytes(b'x = "\xff"')
    for path, says in (
        (tmp_path / "none.toml", "none.toml cannot be read: no such file or directory"),
        (tmp_path, "cannot be read: is a directory"),
        (tmp_path / "bad.toml", "bad.toml cannot be read: it is not UTF-8"),
    ):
        with pytest.raises(RonConfigError) as caught:
            Manifest.load(path)
        assert says in caught.value.message


def test_a_directory_gives_its_manifests_and_names_what_is_none(tmp_path: Path) -> None:
    """Every `*.toml` that is a file, no other ending, no folder within; an unreadable one is a finding."""
    put(tmp_path, a=echo("a"), b="[facet]\nid = 3\n", c=echo("c"))
    (tmp_path / "d.txt").write_text("no")
    (tmp_path / "e").mkdir()
    put(tmp_path / "e", f=echo("f"))
    (tmp_path / "g.toml").mkdir()
    loaded = Manifest.load_dir(tmp_path)
    assert {"a", "c"} == {manifest.facet.id for manifest in loaded}
    assert 2 == len(loaded)
    assert [entry.path for entry in os.scandir(tmp_path) if entry.name in ("a.toml", "b.toml", "c.toml")] == list(
        loaded.files
    )
    (finding,) = loaded.findings
    assert ("unreadable", "error", str(tmp_path / "b.toml")) == (finding.code, finding.level, str(finding.where))
    assert "[facet] id must be a string, not a whole number" == finding.message


def test_no_directory_is_refused(tmp_path: Path) -> None:
    """load_dir and check_dir need a directory, check a root that is one."""
    with pytest.raises(RonConfigError, match="none is no directory of manifests: no such file"):
        Manifest.load_dir(tmp_path / "none")
    put(tmp_path, a=echo())
    with pytest.raises(RonConfigError, match="is no directory: give the working directory of the node"):
        check_dir(tmp_path, root=tmp_path / "a.toml")


# --- A directory together ---------------------------------------------------------------------


def said(folder: Path) -> list[str]:
    """`file: code` of each finding of a directory, sorted."""
    return sorted(f"{Path(str(one.where.file)).name}: {one.code}" for one in check_dir(folder))


def test_one_id_in_two_files_is_an_error_at_the_one_that_is_read_later(tmp_path: Path) -> None:
    """The node reads in the directory's own order and skips the second; the finding names the first."""
    put(tmp_path, a=echo("x"), b=echo("x", "/b"))
    first, second = Manifest.load_dir(tmp_path).files
    (finding,) = check_dir(tmp_path)
    assert ("duplicate_id", "skipped", second) == (finding.code, finding.effect, finding.where.file)
    assert finding.message.startswith(f"{first} has the id 'x' too, and is read first")


def test_a_file_that_is_skipped_takes_no_id_and_no_path(tmp_path: Path) -> None:
    """What a node never loads collides with nothing."""
    put(tmp_path, a=echo("x").replace("echo", "Echo"), b=echo("x"))
    assert ["a.toml: kind"] == said(tmp_path)


def test_routes_of_two_files_collide_where_their_paths_meet(tmp_path: Path) -> None:
    """Ids with a '/' can mount one path twice, which panics the node; the finding names the other file."""
    put(tmp_path, a=echo("a", "/b/c"), b=echo("a/b", "/c"))
    findings = [one for one in check_dir(tmp_path) if one.effect == "panics"]
    assert ["clash"] == [one.code for one in findings]
    assert findings[0].message.startswith("GET ")
    assert f" of {Manifest.load_dir(tmp_path).files[0]} is mounted at the same path already" in findings[0].message


@pytest.mark.parametrize("files", [{}, {"a": "x"}, {"a": echo().replace("echo", "Echo")}])
def test_a_directory_from_which_nothing_is_loaded_is_an_error(tmp_path: Path, files: dict[str, str]) -> None:
    """A node with nothing to load says that it is ready all the same."""
    put(tmp_path, **files)
    last = check_dir(tmp_path)[-1]
    assert ("no_manifest", "error", str(tmp_path)) == (last.code, last.level, str(last.where))


def test_findings_come_file_by_file(tmp_path: Path) -> None:
    """Unreadable files stand among the others, in the directory's order."""
    put(tmp_path, a=echo("a", "a"), b="x", c=echo("c", "c"), d="y")
    findings = check_dir(tmp_path)
    assert list(Manifest.load_dir(tmp_path).files) == [one.where.file for one in findings if one.effect == "skipped"]


# --- Static files -----------------------------------------------------------------------------


def test_static_files_are_looked_for_in_the_working_directory(tmp_path: Path) -> None:
    """With `root=` a missing file is an error, one outside a warning; without it no file is looked at."""
    (tmp_path / "node" / "site").mkdir(parents=True)
    (tmp_path / "node" / "site" / "a.txt").write_text("a")
    (tmp_path / "secret.txt").write_text("s")
    (tmp_path / "node" / "site" / "link.txt").symlink_to(tmp_path / "secret.txt")
    files = ["site/a.txt", "site/none.txt", "site", "site/link.txt", str(tmp_path / "secret.txt"), "a\0b"]
    manifest = Manifest(
        facet=FacetTable(id="s", kind="static"),
        route=tuple(ManifestRoute(method="GET", path=f"/{n}", file=file) for n, file in enumerate(files)),
    )
    assert [] == manifest.check()
    found = {(one.where.table, one.code, one.level) for one in manifest.check(root=tmp_path / "node")}
    assert {
        ("[[route]] 2", "file_missing", "error"),
        ("[[route]] 3", "file_missing", "error"),
        ("[[route]] 4", "file_outside", "warning"),
        ("[[route]] 5", "file_outside", "warning"),
        ("[[route]] 6", "file_missing", "error"),
        ("[[route]] 6", "file_outside", "warning"),
    } == found
    manifest.write(tmp_path)
    assert len(found) == len(check_dir(tmp_path, root=tmp_path / "node")) - 1  # nothing is left to load: said, too


def test_a_declared_facet_is_checked_where_its_files_are(tmp_path: Path) -> None:
    """A manifest is clean where its files are, and skipped where they aren't."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "a.txt").write_text("a")
    manifest = facet("static", root="site", routes=[Route("/a", file="a.txt")]).manifest()
    assert [] == manifest.check(root=tmp_path)
    (missing,) = manifest.check(root=tmp_path / "site")
    assert ("file_missing", "skipped") == (missing.code, missing.effect)
    assert "there is no file 'site/a.txt' in the working directory" == missing.message
