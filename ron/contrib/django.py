"""Django: middleware that binds clients for each request, a tenant each; sync and async.

::

    MIDDLEWARE = [..., "ron.contrib.django.RonErrorsMiddleware", "ron.contrib.django.RonMiddleware"]
    RON = {
        "clients_sync": "shop.ron.tenants_sync",   # for sync views: a TenantsSync, or a function that makes a client
        "clients": "shop.ron.tenants",             # for async views under ASGI: a Tenants, or a function
        "tenant": "shop.ron.tenant_of",            # from the request to the tenant's key
    }

The settings are read when Django makes the middleware, never when this is imported.
"""

from __future__ import annotations

import inspect
from typing import Any, Callable, Optional

from .._suggest import did_you_mean, listed, shown
from ..errors import RonConfigError, RonError
from ._answers import logged_answer
from ._bodies import KeptBody, KeptBodyAsync
from ._needs import missing
from ._request import RequestClients, Sources

try:
    from asgiref.sync import iscoroutinefunction, markcoroutinefunction
    from django.http import JsonResponse
except ImportError as error:
    raise missing("django", "Django", "django>=4.2", error) from None

__all__ = ["RonErrorsMiddleware", "RonMiddleware"]

_NAMES = ("clients", "clients_sync", "tenant")


class _Hybrid:
    """Middleware of either kind: as Django asks, it is called or awaited."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            marked: Any = self  # asgiref's types know functions only
            markcoroutinefunction(marked)


class RonMiddleware(_Hybrid):
    """Binds clients for the length of a request, streamed responses included; ``request.ron`` has them explicitly.

    Under WSGI ``Item.objects_sync`` is bound; under ASGI ``Item.objects`` as well, each where ``RON`` names its
    clients. ``RON["tenant"]`` is a function from the request to the tenant's key, or None for a request that needs no
    client; under ASGI it may be ``async``. Take the key from what has been authenticated: whoever can choose it has the
    tenant's capability.

    Raises:
        RonConfigError: when Django starts, for wrong settings. In a request what the functions raise comes out as it
            is, and nothing is bound.
    """

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        super().__init__(get_response)
        settings = _settings()
        self._tenant = _resolved(settings.get("tenant"))
        if self._tenant is not None and not callable(self._tenant):
            raise RonConfigError(f"RON['tenant'] is a function from the request to a key, not {shown(self._tenant)}")
        clients, clients_sync = _resolved(settings.get("clients")), _resolved(settings.get("clients_sync"))
        if not self.is_async:
            self._check_sync(clients_sync)
        self._sources = Sources(clients, clients_sync, tenanted=self._tenant is not None, where="RON")
        self._sources.open()

    def _check_sync(self, clients_sync: Any) -> None:
        why = "RonMiddleware runs sync here: under WSGI, or because a middleware after it in MIDDLEWARE is only sync"
        if clients_sync is None:
            raise RonConfigError(f"RON['clients_sync'] is not set, and {why}")
        if iscoroutinefunction(self._tenant):
            raise RonConfigError(f"RON['tenant'] is async, and {why}")

    def __call__(self, request: Any) -> Any:
        """The response, or a coroutine of it."""
        return self._awaited(request) if self.is_async else self._called(request)

    def _called(self, request: Any) -> Any:
        clients = request.ron = self._sources.request()
        kept = False
        try:
            tenant = None if self._tenant is None else self._tenant(request)
            clients.bind_sync(tenant)
            with clients.activated():
                response = self.get_response(request)
            kept = _keeps(response, clients)
            return response
        finally:
            if not kept:
                clients.release_sync()

    async def _awaited(self, request: Any) -> Any:
        clients = request.ron = self._sources.request()
        kept = False
        try:
            tenant = None if self._tenant is None else self._tenant(request)
            await clients.bind(await tenant if inspect.isawaitable(tenant) else tenant)
            with clients.activated():
                response = await self.get_response(request)
            kept = _keeps(response, clients)
            return response
        finally:
            if not kept:
                await clients.release()


class RonErrorsMiddleware(_Hybrid):
    """Answers a ``RonError`` that leaves a view: see ``ron.contrib.answer_for``. A mistake in the program stays one."""

    def __call__(self, request: Any) -> Any:
        """The response, or a coroutine of it."""
        return self.get_response(request)

    def process_exception(self, request: Any, exception: BaseException) -> Optional[Any]:  # noqa: ARG002 - Django's
        """See Django's "Writing middleware"."""
        answer = logged_answer(exception) if isinstance(exception, RonError) else None
        if answer is None:
            return None
        return JsonResponse(dict(answer.body), status=answer.status, headers=dict(answer.headers))


def _keeps(response: Any, clients: RequestClients) -> bool:
    """Whether the response is sent later, and holds the clients until it is; a file needs none."""
    if not clients or not response.streaming or getattr(response, "file_to_stream", None) is not None:
        return False
    body = response.streaming_content
    response.streaming_content = (KeptBodyAsync if response.is_async else KeptBody)(body, clients)
    return True


def _settings() -> dict[str, Any]:
    from django.conf import settings

    given = getattr(settings, "RON", None)
    if not isinstance(given, dict):
        raise RonConfigError(
            "the setting RON is missing: write RON = {'clients_sync': 'ron.RonClientSync.from_env'}, or name your "
            "tenants"
        )
    for name in given:
        if name not in _NAMES:
            raise RonConfigError(
                f"the setting RON has no {shown(name)}{did_you_mean(str(name), _NAMES)}: it knows {listed(_NAMES)}"
            )
    return given


def _resolved(value: Any) -> Any:
    """The object itself, or what a dotted path leads to; the path may go on into a class."""
    if not isinstance(value, str):
        return value
    from importlib import import_module

    parts = value.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:cut])
        try:
            found: Any = import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
                raise
            continue
        for part in parts[cut:]:
            found = getattr(found, part, None)
        if found is not None:
            return found
        break
    raise RonConfigError(f"the setting RON names {shown(value)}, which does not exist")
