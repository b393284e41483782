"""`check` against the model of a micronode, which was written without it: the same files, the same verdicts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from ron import Manifest, RonConfigError
from ron.manifest import MICRONODE, Finding
from ron.manifest._check import check_together
from ron.manifest._files import SeenFiles
from tests.micronode_model import MOUNTED, Loaded, Node, NodePanicError, SkippedError, load

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "manifest"
FILES = ("site/hello.txt", "site/a/b.txt")
SEEN = SeenFiles(frozenset(FILES), frozenset())

# Mostly right, so that a file has one mistake more often than five.
IDS = st.sampled_from(["shop", "shop", "docs", "docs", "a/b", "", " ", "a:b", "x*"])
KINDS = st.sampled_from(["proxy", "proxy", "echo", "static", "Echo", "none"])
METHODS = st.sampled_from(["GET", "GET", "get", "POST", "PUT", "Delete", "PATCH", "HEAD", "TRACE"])
PARTS = st.sampled_from(["a", "b", "c", ":id", ":key", "*tail", "*rest", "{id}", ":", "*", "a:b", "", "d e"])
PATHS = st.one_of(
    st.sampled_from(["/a", "/a/*tail", "/a/b", "/b/:id", "/", "a", ""]),
    st.lists(PARTS, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts)),
)
HALF = st.one_of(st.none(), st.sampled_from(["/x", "/x/*tail", "x", "/"]))
FILE = st.sampled_from([*FILES, *FILES, "site/none.txt", None])
UPSTREAMS = st.fixed_dictionaries(
    {
        "scheme": st.sampled_from(["http", "http", "HTTPS", "ftp", ""]),
        "host": st.sampled_from(["127.0.0.1", "127.0.0.1", "todo", "", " "]),
        "port": st.sampled_from([4000, 4000, 1, 65535, 0, 65536, -1]),
    },
    optional={"base_path": st.sampled_from(["/api", "/", "api", ""])},
)
ROUTES = st.lists(
    st.fixed_dictionaries({"method": METHODS, "path": PATHS, "file": FILE, "upstream_path": HALF}), max_size=4
)


def without_none(document: dict[str, Any]) -> dict[str, Any]:
    """A document without the keys that have no value."""
    found: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, list):
            found[key] = [without_none(one) for one in value]
        elif value is not None:
            found[key] = value
    return found


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A manifest of version 1 or 0, with an upstream where it should be, where it shouldn't, or none."""
    facet: dict[str, Any] = {"id": draw(IDS), "kind": draw(KINDS)}
    routes = draw(ROUTES)
    where = draw(st.sampled_from(["upstream", "upstream", "upstream", "facet.upstream", None]))
    if draw(st.integers(0, 5)) == 0:
        return without_none({**facet, "routes": routes, "upstream": draw(UPSTREAMS) if where else None})
    document: dict[str, Any] = {"facet": facet, draw(st.sampled_from(["route"] * 5 + ["routes"])): routes}
    if where == "facet.upstream":
        facet["upstream"] = draw(UPSTREAMS)
    elif where:
        document["upstream"] = draw(UPSTREAMS)
    return without_none(document)


def said(manifests: Sequence[Manifest]) -> list[Finding]:
    """The findings of manifests that a micronode loads together."""
    return check_together(manifests, MICRONODE, SEEN)


def verdict(findings: Sequence[Finding]) -> str:
    """What they say that the node does with one file."""
    effects = {finding.effect for finding in findings}
    return next((effect for effect in ("skipped", "panics") if effect in effects), "loaded")


def of_the_model(text: str) -> tuple[str, Optional[Loaded]]:
    """What the model does with one file."""
    try:
        loaded = load(text, FILES)
    except SkippedError:
        return "skipped", None
    try:
        Node([loaded])
    except NodePanicError:
        return "panics", loaded
    return "loaded", loaded


@pytest.mark.parametrize("path", sorted(VECTORS.rglob("*.toml")), ids=lambda path: path.stem)
def test_every_vector_gets_its_verdict(path: Path) -> None:
    """What the first line says of a real node is what the findings' effects say."""
    first = path.read_text(encoding="utf-8").splitlines()[0]
    verdicts = ("LOADED WITH ZERO ROUTES", "PUT/DELETE ARE SILENTLY NOT MOUNTED", "SKIPPED", "PANICS", "LOADED")
    expected = next(one for one in verdicts if one in first)
    findings = said([Manifest.load(path)])
    found = verdict(findings).upper()
    if any(finding.effect == "empty" for finding in findings):
        found = "LOADED WITH ZERO ROUTES"
    if any(finding.code == "not_mounted" for finding in findings):
        methods = [finding.message.split()[3] for finding in findings if finding.code == "not_mounted"]
        found = f"{'/'.join(methods)} ARE SILENTLY NOT MOUNTED"
    assert expected == found


@settings(max_examples=200)
@given(document=documents())
def test_a_file_is_skipped_fatal_or_loaded_as_the_model_says(document: dict[str, Any]) -> None:
    """Same verdict; what the model doesn't mount is reported; what it loads and mounts whole has no error."""
    text = tomli_w.dumps(document)
    expected, loaded = of_the_model(text)
    try:
        manifest = Manifest.from_toml(text)
    except RonConfigError:
        assert "skipped" == expected
        return
    findings = said([manifest])
    assert expected == verdict(findings)
    if loaded is None or expected != "loaded":
        return
    reported = {finding.where.table for finding in findings if finding.code == "not_mounted"}
    dropped = {
        f"[[route]] {number}" for number, route in enumerate(loaded.routes, 1) if route["method"].upper() not in MOUNTED
    }
    assert dropped == reported
    assert (len(dropped) < len(loaded.routes)) == ([] == [one for one in findings if one.level == "error"])


@settings(max_examples=100)
@given(several=st.lists(documents(), min_size=2, max_size=4))
def test_manifests_collide_as_the_model_says(several: list[dict[str, Any]]) -> None:
    """Read one after the other, later ids are skipped and routes of several files panic, as in the model."""
    texts = [tomli_w.dumps(document) for document in several]
    ids: set[str] = set()
    taken: list[Loaded] = []
    for text in texts:
        verdict_alone, loaded = of_the_model(text)
        if loaded is not None and loaded.id not in ids and verdict_alone != "skipped":
            ids.add(loaded.id)
            taken.append(loaded)
    panics = False
    try:
        Node(taken)
    except NodePanicError:
        panics = True
    manifests = []
    for number, text in enumerate(texts):
        try:
            manifests.append(Manifest.from_toml(text, source=f"{number}.toml"))
        except RonConfigError:
            assert "skipped" == of_the_model(text)[0]
    findings = said(manifests)
    skipped = {finding.where.file for finding in findings if finding.effect == "skipped"}
    # a file that is skipped can no longer panic a node, whatever else is wrong with it
    assert panics == any(one.effect == "panics" and one.where.file not in skipped for one in findings)


@settings(max_examples=100)
@given(document=documents())
def test_a_route_without_findings_is_forwarded_without_marks(document: dict[str, Any]) -> None:
    """What nothing is said of is asked of the upstream as a path, never as the literal `:id` or `*tail`."""
    text = tomli_w.dumps(document)
    expected, loaded = of_the_model(text)
    if loaded is None or expected != "loaded" or loaded.kind != "proxy":
        return
    findings = said([Manifest.from_toml(text)])
    node = Node([loaded])
    for number, route in enumerate(loaded.routes, 1):
        unclear = [one for one in findings if one.where.table == f"[[route]] {number}" and one.code != "collection"]
        if unclear or "/" in loaded.id:
            continue
        path = re.sub(r"/\*\w+$", "/x/y", route["path"])
        path = re.sub(r"/:\w+", "/z", path)
        asked = node.answer(route["method"].upper(), f"/facets/{loaded.id}{path}")
        assert not re.search(r"[*]|:(?!//|\d)", asked), asked
