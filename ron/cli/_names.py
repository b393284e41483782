"""From ``module:Item`` on the command line to the class."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._suggest import did_you_mean, listed, shown
from ._failure import Refusal
from ._visible import visible

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["load", "load_module", "load_resource", "load_resources"]


def load(name: str, example: str) -> Any:
    """The object that ``module:Name`` names; modules are also looked for in the current folder.

    Raises:
        Refusal: saying what is missing, and what to write instead.
    """
    module_name, _, attribute = name.partition(":")
    if not module_name or not attribute:
        raise Refusal(f"{shown(name)} must name a module and a class in it, such as {example}{_file_advice(name)}")
    return _attribute(load_module(module_name), attribute)


def load_resource(name: str) -> type[Any]:
    """The resource class that ``module:Item`` names."""
    found = load(name, "shop:Item")
    if not _is_resource(found):
        what = getattr(found, "__name__", None) or type(found).__name__
        raise Refusal(f"{name}: {what} is no Resource with a path: name one such as shop:Item")
    resource: type[Any] = found
    return resource


def load_resources(name: str) -> list[type[Any]]:
    """The resource that ``module:Item`` names, or all that ``module`` declares itself."""
    if ":" in name:
        return [load_resource(name)]
    module = load_module(name)
    own = [one for one in vars(module).values() if _is_resource(one) and one.__module__ == module.__name__]
    if not own:
        raise Refusal(f"{name} declares no Resource: name one as {name}:Item")
    return list(dict.fromkeys(own))


def _is_resource(value: Any) -> bool:
    return isinstance(value, type) and getattr(value, "__ron__", None) is not None


def load_module(name: str) -> ModuleType:
    """The module of that name, installed or in the current folder.

    Raises:
        Refusal: where there is none, or it can't be imported.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)  # a script's own folder comes first, which is not where it is called
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        if name == missing or name.startswith(f"{missing}."):
            raise Refusal(
                f"there is no module {visible(missing)!r}, neither installed nor in {here}{_file_advice(name)}"
            ) from error
        raise Refusal(f"{name} could not be imported: there is no module {visible(missing)!r}") from error
    except SystemExit as error:
        raise Refusal(f"{name} could not be imported: it ends the program; guard that by __name__") from error
    except Exception as error:
        raise Refusal(f"{name} could not be imported: {type(error).__name__}: {_first_line(error)}") from error


def _attribute(module: ModuleType, path: str) -> Any:
    found: Any = module
    for part in path.split("."):
        if not hasattr(found, part):
            known = [one for one in vars(found) if not one.startswith("_")]
            meant = did_you_mean(part, known)
            classes = [one for one in known if getattr(getattr(found, one), "__module__", None) == module.__name__]
            raise Refusal(f"{module.__name__} has no {part!r}{meant}; it declares {listed(classes)}")
        found = getattr(found, part)
    return found


def _file_advice(name: str) -> str:
    """A file's name is what people try first."""
    path, colon, rest = name.partition(":")
    if not path.endswith(".py"):
        return ""
    module = path[: -len(".py")].replace("/", ".").lstrip(".")
    return f"; write a module's name, not a file's: {module}{colon or ':'}{rest or 'Item'}"


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return visible(lines[0]) if lines else "no reason given"
