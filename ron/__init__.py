"""``ron``: the Python SDK for the app plane of RON-CORE nodes.

Declare facets and resources as typed classes, use their managers async or sync, export the facet manifest::

    class Item(Resource, path="/app/items"):
        id: str = server()
        name: str

    async with RonClient.from_env() as client:
        async for item in client.objects(Item).list():
            print(item.name)

Everything is importable from here and loaded when it is first touched (PEP 562): ``import ron`` alone loads neither
pydantic nor any HTTP library.
"""

from __future__ import annotations

from ._version import __version__ as __version__

TYPE_CHECKING = False  # checkers take the name for typing's own, and `import ron` needn't load typing for it
if TYPE_CHECKING:
    from typing import Any

    from ._calls import HealthReport as HealthReport
    from ._clock import Clock as Clock
    from ._values import UNSET as UNSET
    from .client import RonClient as RonClient
    from .client import RonClientSync as RonClientSync
    from .config import ClientConfig as ClientConfig
    from .errors import Problem as Problem
    from .errors import RonAuthError as RonAuthError
    from .errors import RonBulkError as RonBulkError
    from .errors import RonConfigError as RonConfigError
    from .errors import RonConflictError as RonConflictError
    from .errors import RonError as RonError
    from .errors import RonGoneError as RonGoneError
    from .errors import RonInputError as RonInputError
    from .errors import RonInvalidError as RonInvalidError
    from .errors import RonNetworkError as RonNetworkError
    from .errors import RonNotFoundError as RonNotFoundError
    from .errors import RonOutcomeUnknownError as RonOutcomeUnknownError
    from .errors import RonPaginationError as RonPaginationError
    from .errors import RonParseError as RonParseError
    from .errors import RonPermissionError as RonPermissionError
    from .errors import RonPreconditionError as RonPreconditionError
    from .errors import RonProblemError as RonProblemError
    from .errors import RonRateLimitError as RonRateLimitError
    from .errors import RonResponseTooLargeError as RonResponseTooLargeError
    from .errors import RonServerError as RonServerError
    from .errors import RonTimeoutError as RonTimeoutError
    from .errors import RonUnassignedError as RonUnassignedError
    from .errors import RonWatchError as RonWatchError
    from .facets import Facet as Facet
    from .facets import FacetClient as FacetClient
    from .facets import FacetClientSync as FacetClientSync
    from .facets import Route as Route
    from .logging_ import get_logger as get_logger
    from .logging_ import log_request as log_request
    from .logging_ import log_response as log_response
    from .manifest import Manifest as Manifest
    from .metrics import RequestMetrics as RequestMetrics
    from .pagination import Page as Page
    from .pagination import iter_pages as iter_pages
    from .resources import Change as Change
    from .resources import Deleted as Deleted
    from .resources import Draft as Draft
    from .resources import Index as Index
    from .resources import Listing as Listing
    from .resources import ListingSync as ListingSync
    from .resources import Manager as Manager
    from .resources import ManagerSync as ManagerSync
    from .resources import Meta as Meta
    from .resources import Mirror as Mirror
    from .resources import MirrorSync as MirrorSync
    from .resources import Other as Other
    from .resources import Patch as Patch
    from .resources import Put as Put
    from .resources import Resource as Resource
    from .resources import Resync as Resync
    from .resources import Watch as Watch
    from .resources import WatchSync as WatchSync
    from .resources import meta as meta
    from .resources import server as server
    from .streaming import Event as Event
    from .streaming import SSEDecoder as SSEDecoder
    from .streaming import sse_event_stream as sse_event_stream
    from .streaming import subscribe as subscribe
    from .transport import HttpxTransport as HttpxTransport
    from .types import I64 as I64
    from .types import U32 as U32
    from .types import U64 as U64
    from .types import Bytes as Bytes
    from .types import ContentId as ContentId
    from .types import Timestamp as Timestamp
    from .types import UnixMillis as UnixMillis
    from .types import UnixSeconds as UnixSeconds

#: the version of RON-CORE's app-plane protocol that this SDK speaks
PROTOCOL_VERSION = "0.1"

#: module → the public names that live in it
_HOMES = {
    "_calls": "HealthReport",
    "_clock": "Clock",
    "_values": "UNSET",
    "client": "RonClient RonClientSync",
    "config": "ClientConfig",
    "errors": (
        "Problem RonAuthError RonBulkError RonConfigError RonConflictError RonError RonGoneError RonInputError "
        "RonInvalidError RonNetworkError RonNotFoundError RonOutcomeUnknownError RonPaginationError RonParseError "
        "RonPermissionError RonPreconditionError RonProblemError RonRateLimitError RonResponseTooLargeError "
        "RonServerError RonTimeoutError RonUnassignedError RonWatchError"
    ),
    "facets": "Facet FacetClient FacetClientSync Route",
    "logging_": "get_logger log_request log_response",
    "manifest": "Manifest",
    "metrics": "RequestMetrics",
    "pagination": "Page iter_pages",
    "resources": (
        "Change Deleted Draft Index Listing ListingSync Manager ManagerSync Meta Mirror MirrorSync Other Patch Put "
        "Resource Resync Watch WatchSync meta server"
    ),
    "streaming": "Event SSEDecoder sse_event_stream subscribe",
    "transport": "HttpxTransport",
    "types": "Bytes ContentId I64 Timestamp U32 U64 UnixMillis UnixSeconds",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = sorted([*_HOME_OF, "PROTOCOL_VERSION", "__version__"])  # noqa: PLE0605  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    home = _HOME_OF.get(name)
    if home is None:
        try:
            return import_module(f".{name}", __name__)
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
