"""Web servers on ``ron``: one module a framework, imported by nothing else in the package and only when you import it.

``ron.contrib.asgi``, ``.fastapi``, ``.flask`` and ``.django`` bind a client for each request; each needs its framework
installed, and says so. What they share can be used alone, in jobs or with another framework:

* ``Tenants`` and ``TenantsSync``: one client a tenant, made when it is first needed, closed when it can be;
* ``answer_for``: the HTTP answer of a server for an error of a call.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._answers import HttpAnswer as HttpAnswer
    from ._answers import answer_for as answer_for
    from ._request import RequestClients as RequestClients
    from .tenants import Tenants as Tenants
    from .tenants import TenantsSync as TenantsSync

#: module → the public names that live in it; loaded when first touched, as in ``ron`` itself
_HOMES = {
    "_answers": "HttpAnswer answer_for",
    "_request": "RequestClients",
    "tenants": "Tenants TenantsSync",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
