"""Static facets from a folder: which files are found, where they are served, what is refused, their hashes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ron import Facet, RonConfigError, Route
from ron.manifest._files import matches
from tests.micronode_model import Node, load
from tests.unit.manifest_declarations import facet, routes_of


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a folder `site`."""
    for name in ("index.html", "docs/index.html", "docs/a b.txt", "docs/deep/é.txt", ".git/config", "docs/.env"):
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "site"


def declared(**keywords: Any) -> type[Facet]:
    """A static facet of the folder `site`, with every file."""
    return facet("static", **{"root": "site", "files": "**/*", **keywords})


def refusal(**keywords: Any) -> str:
    """The message with which such a facet, or its manifest, is refused."""
    with pytest.raises(RonConfigError) as caught:
        declared(**keywords).manifest()
    return caught.value.message


EVERYTHING = [
    "GET / -> site/index.html",
    "GET /docs/ -> site/docs/index.html",
    "GET /docs/a%20b.txt -> site/docs/a b.txt",
    "GET /docs/deep/%C3%A9.txt -> site/docs/deep/é.txt",
    "GET /docs/index.html -> site/docs/index.html",
    "GET /index.html -> site/index.html",
]


@pytest.mark.usefixtures("site")
def test_a_folder_becomes_routes() -> None:
    """Every file but hidden ones at its own path, index files at their folder's too; sorted; a node loads it."""
    manifest = declared().manifest()
    assert EVERYTHING == routes_of(manifest)
    assert [] == manifest.check(root=".")
    node = Node([load(manifest.to_toml(), files=[str(route.file) for route in manifest.routes])])
    assert "file site/docs/index.html" == node.answer("GET", "/facets/shop/docs/")


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ({"files": "*"}, ["GET / -> site/index.html", "GET /index.html -> site/index.html"]),
        ({"files": "*.html", "index": None}, ["GET /index.html -> site/index.html"]),
        ({"files": "docs/*.txt"}, ["GET /docs/a%20b.txt -> site/docs/a b.txt"]),
        ({"files": ["docs/deep/*", "docs/?*.txt"]}, [EVERYTHING[2], EVERYTHING[3]]),
        ({"files": "**/*.txt", "index": "a b.txt"}, ["GET /docs/ -> site/docs/a b.txt", EVERYTHING[2], EVERYTHING[3]]),
        ({"root": "./site/docs/", "files": "*.txt"}, ["GET /a%20b.txt -> ./site/docs/a b.txt"]),
    ],
)
def test_patterns_and_index_choose(keywords: dict[str, Any], expected: list[str]) -> None:
    """`*` and `?` stay within a name, `**` crosses folders; the root is written as it was given."""
    assert expected == routes_of(declared(**keywords).manifest())


@pytest.mark.usefixtures("site")
def test_an_explicit_route_stands_for_the_file_at_its_path() -> None:
    """Explicit routes join those of the folder; at one path theirs is the one that is written."""
    manifest = declared(files="*", routes=[Route("/", file="docs/a b.txt"), Route("/env", file="docs/.env")]).manifest()
    assert [
        "GET / -> site/docs/a b.txt",
        "GET /env -> site/docs/.env",
        "GET /index.html -> site/index.html",
    ] == routes_of(manifest)


def test_integrity_is_the_sha256_of_each_file(site: Path) -> None:
    """Each route carries the hash of its file's bytes, explicit routes too; without it none does."""
    data = os.urandom(3 << 20)
    (site / "big.bin").write_bytes(data)
    manifest = declared(files="*.bin", integrity=True, routes=[Route("/x", file="docs/.env")]).manifest()
    assert {
        "/big.bin": hashlib.sha256(data).hexdigest(),
        "/x": hashlib.sha256(b"docs/.env").hexdigest(),
    } == {route.path: route.integrity and route.integrity.sha256 for route in manifest.routes}
    assert "[route.integrity]\nsha256 = " in manifest.to_toml()
    assert "integrity" not in declared(files="*.bin").manifest().to_toml()


def test_nothing_is_looked_at_before_the_manifest(site: Path) -> None:
    """The class can be declared where the files are not; the folder is read when the manifest is made."""
    cls = declared(root="later")
    with pytest.raises(RonConfigError, match="files= looks into root 'later', and there is no such folder"):
        cls.manifest()
    site.rename(site.parent / "later")
    assert len(EVERYTHING) == len(cls.manifest().routes)


def test_links_are_followed_within_the_root_and_refused_out_of_it(site: Path) -> None:
    """A link to a file or folder inside is served, one that leads outside is an error, a circle ends."""
    (site / "again").symlink_to(site / "docs" / "deep")
    (site / "docs" / "round").symlink_to(site)
    manifest = declared(files=["again/*", "docs/round/*.html"], index=None).manifest()
    assert ["GET /again/%C3%A9.txt -> site/again/é.txt"] == routes_of(manifest)
    (site.parent / "secret.txt").write_text("s")
    (site / "docs" / "out.txt").symlink_to(site.parent / "secret.txt")
    says = "class Shop: 'site/docs/out.txt' leads outside root 'site': a node would serve what it points to"
    assert refusal().startswith(says)
    assert refusal(files=(), routes=[Route("/x", file="docs/out.txt")]).startswith(says)


def test_a_folder_that_leads_out_is_refused(site: Path) -> None:
    """A linked folder outside the root is not walked into, and a link that leads nowhere is no file."""
    (site / "out").symlink_to(site.parent)
    assert "'site/out' leads outside root 'site'" in refusal()
    (site / "out").unlink()
    (site / "round").symlink_to(site / "round")
    assert len(EVERYTHING) == len(declared(files="**/*.*").manifest().routes)


def test_a_file_that_no_path_can_name_is_refused(site: Path) -> None:
    """A name that a node would take for a parameter, or that gateways would decode, is an error."""
    (site / "a:b").write_text("")
    assert "finds 'a:b', which no path can name: ':' begins a parameter in a route; rename it" in refusal()
    (site / "a:b").rename(site / "100%")
    assert "finds '100%', which no path can name" in refusal()


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"files": "*.png"}, "class Shop: root 'site' holds no file that matches '*.png'"),
        ({"files": ["a", 3]}, "class Shop: files must be a pattern such as '**/*', or a list of them, not ['a', 3]"),
        ({"files": 3}, "class Shop: files must be a pattern"),
        ({"files": "../x"}, "class Shop: files '../x' is below root: write names and '*' with one '/' between them"),
        ({"files": "/x"}, "class Shop: files '/x' is below root"),
        ({"files": "a\\b"}, "is below root"),
        ({"files": "a/**b"}, "'**' stands for folders and is a segment of its own: write '**/*.html'"),
        ({"root": None}, "class Shop: files are looked for in a root: write root='site'"),
        ({"index": "a/b"}, "class Shop: index is the name of a file, such as 'index.html', not 'a/b'"),
        ({"index": 3}, "class Shop: index is the name of a file"),
        ({"files": (), "index": "a"}, "class Shop: index is a file among those of files=: write files='**/*' too"),
        ({"integrity": 1}, "class Shop: integrity must be True or False, not 1"),
        (
            {"files": (), "integrity": True, "routes": [Route("/x", file="none")]},
            "class Shop: integrity=True needs the file 'none', and there is none in 'site'",
        ),
        ({"file": "*"}, "unknown keyword 'file' (did you mean 'files'?)"),
    ],
)
def test_a_mistake_is_refused_with_what_to_write(keywords: dict[str, Any], says: str) -> None:
    """Class and keyword are named, at the class statement where no file is needed to know it."""
    assert says in refusal(**keywords)


@pytest.mark.parametrize("keyword", [{"files": "*"}, {"integrity": True}])
def test_only_static_facets_have_files(keyword: dict[str, Any]) -> None:
    """On another kind the keywords are refused when the class is made."""
    with pytest.raises(RonConfigError, match="is for kind='static'; a echo facet has no files"):
        facet("echo", routes=[Route("/who")], **keyword)


@given(parts=st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=4))
def test_a_pattern_of_two_stars_matches_every_file(parts: list[str]) -> None:
    """`**/*` matches whatever lies however deep, `*` only what lies at the top, a path itself."""
    file = "/".join(parts)
    assert matches(file, "**/*")
    assert matches(file, file)
    assert matches(file, f"**/{parts[-1]}")
    assert (1 == len(parts)) == matches(file, "*")
    assert not matches(file, f"{file}/*")
