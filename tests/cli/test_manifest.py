"""`ron manifest`: what is written, what is found, what differs; and the exit codes for CI."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ron import Facet, Manifest, Resource, Route, server
from tests.cli.nodes import micronode, serving
from tests.cli.rig import ROOT, run, run_on_terminal
from tests.cli.shop import Shop

SHOP = "tests.cli.shop:Shop"
HERE = "tests.cli.test_manifest"
VECTORS = ROOT / "tests" / "vectors" / "manifest"


class Site(Facet, id="site", kind="static", root="site", routes=[Route("/hello", file="hello.txt")]):
    """A static facet, whose file is nowhere."""


class Echo(Facet, id="echo", kind="echo", routes=[Route("/who")]):
    """An echo."""


class Thing(Resource, path="/app/things/all"):
    """Declared without a facet."""

    id: str = server()


THINGS = Manifest.for_resources(id="things", resources=[Thing], upstream="http://127.0.0.1:4001")


def test_export_writes_what_the_declaration_says() -> None:
    """Without --dir the manifest goes to stdout, and what a node would not mount is noted on stderr."""
    ran = run("manifest", "export", SHOP)
    assert (0, Shop.manifest().to_toml()) == (ran.code, ran.out)
    assert ran.err.startswith("ron: shop: warning: [[route]] 4 method: a micronode lists PUT")


def test_export_into_a_directory_writes_what_changed(tmp_path: Path) -> None:
    """With --dir each facet of a module is written to a file of its own, and again only if that changes it."""
    written = [["written", str(tmp_path / f"{name}.toml")] for name in ("site", "echo")]
    assert written == run("manifest", "export", HERE, "--dir", str(tmp_path)).rows
    assert [["unchanged", path] for _, path in written] == run("manifest", "export", HERE, "--dir", str(tmp_path)).rows
    assert [["written", str(tmp_path / "things.toml")]] == (
        run("manifest", "export", f"{HERE}:THINGS", "--dir", str(tmp_path)).rows
    )
    assert THINGS == Manifest.load(tmp_path / "things.toml")


def test_check_finds_what_a_node_would_do(tmp_path: Path) -> None:
    """Findings come with level, code, place, message and fix; errors are exit code 1, warnings only if --strict."""
    Shop.manifest().write(tmp_path)
    ran, strict = (run("manifest", "check", str(tmp_path), *more) for more in ([], ["--strict"]))
    assert (0, 1) == (ran.code, strict.code)
    assert ran.out == strict.out
    assert ["warning", "not_mounted", f"{tmp_path / 'shop.toml'} [[route]] 4 method"] == ran.rows[0][:3]
    assert (0, "", "") == run("manifest", "check", f"{HERE}:Echo", "--strict")
    (first, *_) = run("manifest", "check", str(tmp_path), "--json").json
    assert {"level", "code", "effect", "where", "message", "fix"} == set(first)
    assert {"file": str(tmp_path / "shop.toml"), "table": "[[route]] 4", "key": "method"} == first["where"]


@pytest.mark.parametrize("path", sorted((VECTORS / "invalid").glob("*.toml")), ids=lambda path: path.stem)
def test_check_refuses_what_nodes_refuse(path: Path) -> None:
    """A manifest that a node skips or dies of is exit code 1."""
    ran = run("manifest", "check", str(path))
    assert 1 == ran.code
    assert "error" == ran.rows[0][0]


def test_check_looks_at_static_files(tmp_path: Path) -> None:
    """With --root the files of static facets must be in the node's working directory."""
    assert 0 == run("manifest", "check", f"{HERE}:Site").code
    ran = run("manifest", "check", f"{HERE}:Site", "--root", str(tmp_path))
    assert (1, "file_missing") == (ran.code, ran.rows[0][1])


def test_what_is_no_manifest_is_a_finding(tmp_path: Path) -> None:
    """A file that is no manifest is found, not died of; its content, which may act on a terminal, is not shown."""
    path = tmp_path / "bad.toml"
    path.write_text('[facet]\nid = "\\u001b[2J"\nkind = [', encoding="utf-8")
    ran = run("manifest", "check", str(path))
    assert (1, "unreadable") == (ran.code, ran.rows[0][1])
    assert "\x1b" not in ran.out + run_on_terminal("manifest", "check", str(path), env={"NO_COLOR": "1"}).err
    assert 1 == run("manifest", "check", str(tmp_path)).code


def test_show_lists_the_routes(tmp_path: Path) -> None:
    """`show` lists the routes of declarations, files and directories; `--json` gives all that they say."""
    Shop.manifest().write(tmp_path)
    heads, first, *_ = run("manifest", "show", SHOP).rows
    assert ["facet", "kind", "method", "path", "leads to"] == heads
    assert ["shop", "proxy", "GET", "/items", "http://127.0.0.1:4000"] == first
    for source in (str(tmp_path), str(tmp_path / "shop.toml")):
        assert run("manifest", "show", SHOP).out == run("manifest", "show", source).out
    assert "shop" == run("manifest", "show", SHOP, "--json").json[0]["facet"]["id"]
    assert "/items/*tail" in run_on_terminal("manifest", "show", SHOP, width=120).out


def loaded(*manifests: Manifest) -> list[Mapping[str, Any]]:
    """What a micronode says of these."""
    return [
        {
            "id": one.facet.id,
            "kind": one.facet.kind,
            "upstream": str(one.upstream) if one.upstream else None,
            "routes": [{"method": route.method, "path": route.path} for route in one.routes],
        }
        for one in manifests
    ]


def test_diff_compares_with_a_node() -> None:
    """A node that has loaded what is declared is exit code 0; what is missing there, or extra, is 1."""
    with serving(micronode(*loaded(Shop.manifest(), Echo.manifest()))) as url:
        same = run("manifest", "diff", SHOP, f"{HERE}:Echo", url)
        other = run("manifest", "diff", SHOP, f"{HERE}:Site", url)
        of_environment = run("manifest", "diff", SHOP, f"{HERE}:Echo", env={"RON_APP_URL": url})
        shown = run_on_terminal("manifest", "diff", SHOP, f"{HERE}:Echo", url)
    assert (0, "", "") == same == of_environment
    assert (0, "no difference\n") == (shown.code, shown.err)
    assert 1 == other.code
    assert [["extra", "echo", "facet", "", ""], ["missing", "site", "facet", "", ""]] == other.rows


def test_diff_compares_with_a_directory(tmp_path: Path) -> None:
    """A directory that holds what is declared is exit code 0; a changed upstream is told with both values."""
    Shop.manifest().write(tmp_path)
    assert 0 == run("manifest", "diff", SHOP, str(tmp_path)).code
    Shop.manifest(upstream="http://10.0.0.1:4000").write(tmp_path)
    ran = run("manifest", "diff", SHOP, str(tmp_path))
    assert (1, [["changed", "shop", "upstream", "http://127.0.0.1:4000", "http://10.0.0.1:4000"]]) == (
        ran.code,
        ran.rows,
    )
    (difference,) = run("manifest", "diff", SHOP, str(tmp_path), "--json").json
    assert ("changed", "upstream") == (difference["kind"], difference["what"])
    assert "10.0.0.1" in run_on_terminal("manifest", "diff", SHOP, str(tmp_path), width=160).out


def test_diff_compares_with_the_node_in_this_process() -> None:
    """With --memory the node that serves the resources has what their facet's manifest says."""
    assert (0, "", "") == run("manifest", "diff", SHOP, "--memory", "--serve", "tests.cli.shop")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["export", HERE], "ron: these are 2 manifests, and one file holds one: add --dir DIR"),
        (["export", "tests.cli.rig"], "ron: tests.cli.rig declares no Facet, and there is no such file"),
        (["export", "tests.cli.shop:Item"], "ron: tests.cli.shop:Item: Item is no Facet: name one such as shop:Shop"),
        (["export", SHOP, "--dir", "nowhere/at/all"], "ron: shop.toml cannot be written into nowhere/at/all: "),
        (["check", "nowhere.toml"], "ron: nowhere.toml cannot be read: no such file"),
        (["check", SHOP, "--node", "meganode"], "ron: no node is called 'meganode'"),
        (["diff", "https://a.example"], "ron manifest diff: name what is wanted before the URL"),
        (["diff", SHOP, SHOP, "--memory", "--serve", "tests.cli.shop"], "ron: two of the manifests have the id 'shop'"),
        (["chek"], "ron manifest: there is no command 'chek' (did you mean 'check'?)"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_is_wrong_is_said(arguments: list[str], message: str) -> None:
    """A mistake is one line on stderr and exit code 2."""
    ran = run("manifest", *arguments)
    assert (2, "") == (ran.code, ran.out)
    assert ran.err.startswith(message)
    assert 1 == ran.err.count("\n")


def test_a_node_that_does_not_answer_is_exit_code_3() -> None:
    """A node that is not reached, or has no /facets/meta, is no difference but an error of its own."""
    assert 3 == run("manifest", "diff", SHOP, "http://127.0.0.1:1", "--retries", "0").code
    with serving({}) as url:
        assert 4 == run("manifest", "diff", SHOP, url).code
