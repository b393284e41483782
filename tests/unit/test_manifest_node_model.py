"""The model of a micronode that the other manifest tests rely on says what a real node does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.micronode_model import Loaded, Node, NodePanicError, SkippedError, load

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "manifest"
FILES = ("site/hello.txt",)  # what the vectors' node finds in its working directory


def verdict_of(text: str) -> str:
    """What the model does with one file: LOADED, SKIPPED or PANICS."""
    try:
        Node([load(text, FILES)])
    except SkippedError:
        return "SKIPPED"
    except NodePanicError:
        return "PANICS"
    return "LOADED"


def mounted(name: str) -> Node:
    """A node with one of the valid vectors."""
    return Node([load((VECTORS / "valid" / name).read_text(encoding="utf-8"), FILES)])


@pytest.mark.parametrize("path", sorted(VECTORS.rglob("*.toml")), ids=lambda path: path.stem)
def test_the_model_gives_every_vector_its_verdict(path: Path) -> None:
    """A vector is loaded, skipped or fatal, as its first line says of a real node."""
    text = path.read_text(encoding="utf-8")
    said = re.search(r"LOADED|SKIPPED|PANICS", text.splitlines()[0])
    assert said is not None
    assert said.group() == verdict_of(text)


@pytest.mark.parametrize(
    ("vector", "method", "path", "answer"),
    [
        ("01_static_v1", "GET", "/facets/docs/hello", "file site/hello.txt"),
        ("03_proxy_v1_top_level_upstream", "GET", "/facets/todo/list", "http://127.0.0.1:4000/api/items"),
        ("03_proxy_v1_top_level_upstream", "GET", "/facets/todo/raw/a/b", "http://127.0.0.1:4000/api/raw/a/b"),
        ("03_proxy_v1_top_level_upstream", "GET", "/facets/todo/raw", "404"),
        ("04_legacy_v0_static", "GET", "/facets/wow/", "file site/hello.txt"),
        ("05_mixed_methods_put_dropped", "PUT", "/facets/kv/item", "405"),
        ("05_mixed_methods_put_dropped", "DELETE", "/facets/kv/only-delete", "404"),
        ("07_routes_misspelled_zero_routes", "GET", "/facets/ghost/who", "404"),
    ],
)
def test_the_model_answers_as_the_vectors_say(vector: str, method: str, path: str, answer: str) -> None:
    """A request to a loaded vector is answered as its first line says."""
    assert answer == mounted(f"{vector}.toml").answer(method, path)


def test_a_static_file_that_is_not_there_makes_the_node_skip_the_manifest() -> None:
    """The same manifest is loaded or skipped by the files in the node's working directory."""
    text = (VECTORS / "valid" / "01_static_v1.toml").read_text(encoding="utf-8")
    with pytest.raises(SkippedError):
        load(text, files=())


@pytest.mark.parametrize(
    "paths",
    [
        ("/a/:id", "/a/:key"),
        ("/a/:id", "/a/*tail"),
        ("/a/*tail", "/a/*rest"),
        ("/a/*tail/b",),
        ("/a/*",),
    ],
)
def test_the_model_panics_where_the_router_would(paths: tuple[str, ...]) -> None:
    """Different parameters at one place, and a wildcard that is not last or has no name, end the node."""
    routes = tuple({"method": "GET", "path": path} for path in paths)
    with pytest.raises(NodePanicError):
        Node([Loaded("f", "echo", routes)])
