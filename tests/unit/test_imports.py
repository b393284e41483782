"""What an import loads, and that the package's names are what its lists say."""

from __future__ import annotations

import ast
import json
import pickle
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from pydantic import ConfigDict

import ron
import ron.errors
import ron.resources
import ron.types

ROOT = Path(__file__).resolve().parents[2]
HTTP = ["anyio", "asyncio", "h11", "httpcore", "httpx", "ssl"]
NAMES = [name for name in ron.__all__ if not name.startswith("__")]


def loaded(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after running the code."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys\n{code}\nnames = sorted(sys.modules)\nimport json\nprint(json.dumps(names))",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "" == done.stderr
    names: list[str] = json.loads(done.stdout)
    return set(names)


def test_import_ron_loads_next_to_nothing() -> None:
    """`import ron` loads the package's own front and its version: no pydantic, no HTTP library, no event loop."""
    found = loaded("import ron; ron.__version__; ron.PROTOCOL_VERSION; dir(ron)")
    assert {"ron", "ron._version"} == {name for name in found if name.split(".")[0] == "ron"}
    assert not found.intersection(["pydantic", "typing_extensions", *HTTP])


@pytest.mark.parametrize("name", ["Resource", "Facet", "U64", "Draft", "RonError", "Page", "Put", "server"])
def test_declarations_load_no_http(name: str) -> None:
    """What declares resources loads pydantic, but neither an HTTP library nor asyncio, ssl, transports or clients."""
    found = loaded(f"from ron import {name}")
    assert "pydantic" in found
    assert not found.intersection(HTTP)
    assert not {one for one in found if one.startswith(("ron.transport", "ron.client", "ron._client"))}


def test_importing_resource_builds_nothing() -> None:
    """`from ron import Resource` builds no validator (which loads pydantic's plug-ins) and loads no flow or manager."""
    empty = (
        "from pydantic import BaseModel, ConfigDict\nclass M(BaseModel): model_config = ConfigDict(defer_build=True)"
    )
    found = loaded("from ron import Resource") - loaded(empty)
    assert not found.intersection(["pydantic.plugin._loader", "logging", "email.utils", "difflib", "json.encoder"])
    assert not {one for one in found if one.startswith(("ron._flow", "ron.resources.manager", "ron.resources.listing"))}


def test_a_resource_is_built_with_its_class() -> None:
    """Only the base waits: a declared class has its validator at once, unless its configuration says otherwise."""

    class Built(ron.Resource, path="/app/built"):
        id: str

    class Later(ron.Resource, path="/app/later"):
        model_config = ConfigDict(defer_build=True)
        id: str

    assert Built.__pydantic_complete__
    assert not Later.__pydantic_complete__
    assert "i" == Later(id="i").id


def test_declaring_a_resource_loads_no_http() -> None:
    """Declaring facets and resources, and asking for a manager, loads no HTTP library either."""
    found = loaded(
        "from ron import Facet, Resource, U64, server\n"
        "class Shop(Facet, id='shop', kind='proxy', upstream='http://127.0.0.1:1'): pass\n"
        "class Item(Resource, path='/items', facet=Shop):\n"
        "    id: str = server()\n"
        "    price: U64 = 0\n"
        "Item.objects, Item.objects_sync, Item(price=1)\n"
    )
    assert not found.intersection(HTTP)


def test_the_pytest_plugin_loads_nothing_heavy() -> None:
    """The plug-in, which every pytest run of a user loads, brings in neither pydantic nor an HTTP library."""
    without = loaded("import pytest")
    found = loaded("import pytest, ron.testing.pytest_plugin") - without
    assert not found.intersection(["pydantic", *HTTP])


@pytest.mark.parametrize("name", ron.__all__)
def test_every_public_name_is_importable(name: str) -> None:
    """Each name of `__all__` is there, and the same whenever it is asked for."""
    assert getattr(ron, name) is getattr(ron, name)


def test_all_is_sorted_and_is_what_dir_shows() -> None:
    """`__all__` is sorted, has no name twice, and is what `dir(ron)` offers."""
    for module in (ron, ron.resources, ron.types, ron.errors):
        assert sorted(set(module.__all__)) == sorted(module.__all__)
    assert sorted(ron.__all__) == list(ron.__all__) == dir(ron)


def for_type_checkers() -> dict[str, str]:
    """The names that type checkers see, and the modules that they see them in."""
    tree = ast.parse(Path(str(ron.__file__)).read_text(encoding="utf-8"))
    blocks = [node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" == ast.unparse(node.test)]
    return {
        alias.name: str(node.module)
        for block in blocks
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }


def test_type_checkers_see_what_is_there() -> None:
    """The names imported for type checkers are the lazy table, name by name and module by module."""
    assert ron._HOME_OF == for_type_checkers()
    assert {*ron._HOME_OF, "PROTOCOL_VERSION", "__version__"} == set(ron.__all__)


def test_unknown_names_are_attribute_errors() -> None:
    """A name that does not exist is an AttributeError that says so, also in `from ron import`."""
    with pytest.raises(AttributeError, match=r"^module 'ron' has no attribute 'Recource'$"):
        ron.Recource  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'Recource' from 'ron'"):
        exec("from ron import Recource")


@pytest.mark.parametrize(
    "name",
    ["client", "config", "errors", "facets", "logging_", "manifest", "metrics", "pagination", "resources", "streaming"],
)
def test_the_seeds_modules_are_reachable(name: str) -> None:
    """`ron.client` and its like work after `import ron` alone."""
    module: Any = getattr(ron, name)
    assert isinstance(module, types.ModuleType)
    assert f"ron.{name}" == module.__name__


@pytest.mark.parametrize("name", [name for name in NAMES if isinstance(getattr(ron, name), type)])
def test_classes_pickle_by_reference(name: str) -> None:
    """Every public class can be found again where it says that it lives."""
    kind = getattr(ron, name)
    assert kind is pickle.loads(pickle.dumps(kind))
    assert name == kind.__name__
    assert "ron" == kind.__module__.split(".")[0]


def test_an_import_by_star_takes_the_public_names() -> None:
    """`from ron import *` gives exactly `__all__`."""
    names: dict[str, Any] = {}
    exec("from ron import *", names)
    assert set(ron.__all__) == set(names) - {"__builtins__"}
