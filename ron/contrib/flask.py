"""Flask: an extension that binds a sync client for each request, a tenant each.

::

    ron = RonFlask(clients=TenantsSync(client_of), tenant=lambda: g.tenant)

    def create_app() -> Flask:
        app = Flask(__name__)
        ron.init_app(app)
        app.register_error_handler(RonError, ron_error_handler)
        return app

    @blueprint.get("/items/<key>")
    def read(key: str) -> dict:
        return ron.objects(Item).get(key).model_dump(mode="json")
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Callable, Optional, TypeVar, Union

from .._suggest import shown
from ..client import RonClientSync
from ..errors import RonConfigError, RonError
from ._answers import logged_answer
from ._bodies import KeptBody
from ._needs import missing
from ._request import RequestClients, Sources
from .tenants import TenantsSync

try:
    from flask import Flask, Response, current_app, has_app_context, has_request_context, jsonify, request
except ImportError as error:
    raise missing("flask", "Flask", "flask>=2.3", error) from None

if TYPE_CHECKING:
    from ..resources import ManagerSync, Resource

    R = TypeVar("R", bound=Resource)

__all__ = ["RonFlask", "ron_error_handler"]

Clients = Union[TenantsSync, Callable[[], RonClientSync]]
TenantOf = Callable[[], Optional[str]]

_KEY = "ron"


class RonFlask:
    """The extension: one for a whole program, whichever applications it makes.

    Within a request ``Item.objects_sync`` uses the request's client, also while a streamed response is sent;
    ``ron.client`` and ``ron.objects(Item)`` have it explicitly. A thread that a view starts has a context of its own:
    hand it ``ron.client``, and wait for it.

    Args:
        app: the application, or None to call ``init_app`` later.
        clients: ``TenantsSync``, or a function without arguments that makes the one client of an application.
        tenant: gives the tenant's key of the current request, or None for a request that needs no client. It runs
            before the view, after the ``before_request`` functions that were registered earlier; where only the view
            knows the tenant, that calls ``ron.bind(key)``. Take the key from what has been authenticated: whoever can
            choose it has the tenant's capability.

    Raises:
        RonConfigError: at once, for wrong arguments. In a request what ``tenant`` and the factory raise comes out as it
            is, and nothing is bound.
    """

    def __init__(
        self,
        app: Optional[Flask] = None,
        clients: Clients = RonClientSync.from_env,
        *,
        tenant: Optional[TenantOf] = None,
    ) -> None:
        if tenant is not None and not callable(tenant):
            raise RonConfigError(f"RonFlask: tenant= takes a function that gives the key, not {shown(tenant)}")
        self._clients = clients
        self._tenant = tenant
        self._all: list[Sources] = []
        self._sources(clients)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask, *, clients: Optional[Clients] = None) -> None:
        """Makes an application use the extension; ``clients`` are other ones for this application, such as a test's."""
        if _KEY in app.extensions:
            raise RonConfigError(f"RonFlask: {app.name} has the extension already: call init_app once")
        sources = self._sources(self._clients if clients is None else clients)
        sources.open()
        self._all.append(sources)
        app.extensions[_KEY] = sources
        app.wsgi_app = _Wsgi(app.wsgi_app, sources)  # type: ignore[method-assign]  # Flask's own way
        app.before_request(self._begin)
        app.teardown_request(_end)

    @property
    def client(self) -> RonClientSync:
        """The client bound to this request.

        Raises:
            RonConfigError: there is no request, or no tenant was found for it.
        """
        return self._here().clients.client_sync

    def objects(self, resource: type[R]) -> ManagerSync[R]:
        """The manager of a resource on the client bound to this request."""
        return self.client.objects(resource)

    def bind(self, tenant: str) -> RonClientSync:
        """Binds that tenant's client for the rest of the request, in place of another."""
        held = self._here()
        held.bind(tenant)
        return held.clients.client_sync

    @contextmanager
    def activate(self, tenant: Optional[str] = None) -> Iterator[RonClientSync]:
        """``with ron.activate("acme") as client:`` in a command or a job, within an application context."""
        clients = self._current().request()
        try:
            clients.bind_sync(tenant)
            with clients.activated():
                yield clients.client_sync
        finally:
            clients.release_sync()

    def close(self) -> None:
        """Closes the clients of all applications; WSGI servers don't say when they end, ``atexit.register`` does."""
        for sources in self._all:
            for registry in sources.registries():
                assert isinstance(registry, TenantsSync)
                registry.close()

    def _sources(self, clients: Any) -> Sources:
        return Sources(None, clients, tenanted=self._tenant is not None, where="RonFlask", only="clients")

    def _current(self) -> Sources:
        if not has_app_context():
            raise RonConfigError("no Flask application here: put this inside `with app.app_context():`")
        found = current_app.extensions.get(_KEY)
        if not isinstance(found, Sources):
            raise RonConfigError(f"RonFlask does not know {current_app.name}: call ron.init_app(app) where it is made")
        return found

    def _here(self) -> _Held:
        if not has_request_context():
            raise RonConfigError("no Flask request here: write `with ron.activate(tenant) as client:`")
        held: Optional[_Held] = request.environ.get(_KEY)
        if held is None:  # a test_request_context, which no server has begun
            held = request.environ[_KEY] = _Held(self._current(), served=False)
        return held

    def _begin(self) -> None:
        held = self._here()
        held.bind(None if self._tenant is None else self._tenant())


class _Held:
    """A request's clients, bound until ``unbind``."""

    def __init__(self, sources: Sources, *, served: bool) -> None:
        self.clients: RequestClients = sources.request()
        self.served = served
        self._stack = ExitStack()

    def bind(self, tenant: Optional[str]) -> None:
        self.clients.bind_sync(tenant)
        self.unbind()
        self._stack.enter_context(self.clients.activated())

    def unbind(self) -> None:
        self._stack.close()


class _Wsgi:
    """The outermost layer of an application: it knows when the last byte of a response was sent."""

    def __init__(self, wsgi_app: Callable[..., Iterable[bytes]], sources: Sources) -> None:
        self._app = wsgi_app
        self._sources = sources

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        held = environ[_KEY] = _Held(self._sources, served=True)
        try:
            body = self._app(environ, start_response)
        except BaseException:
            held.unbind()
            held.clients.release_sync()
            raise
        held.unbind()
        return KeptBody(body, held.clients) if held.clients else body


def _end(_: Optional[BaseException]) -> None:
    held: Optional[_Held] = request.environ.get(_KEY)
    if held is not None and not held.served:
        held.unbind()
        held.clients.release_sync()


def ron_error_handler(error: RonError) -> Response:
    """``app.register_error_handler(RonError, ron_error_handler)``: see ``ron.contrib.answer_for``.

    What is a mistake in the program is raised on.
    """
    answer = logged_answer(error)
    if answer is None:
        raise error
    response = jsonify(dict(answer.body))
    response.status_code = answer.status
    response.headers.extend(answer.headers)
    return response
