"""What both managers are: a resource, at most a client, parents and options. Nothing here may do I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Optional, TypeVar

from .. import _ambient
from .._suggest import did_you_mean
from ..errors import RonConfigError
from ._description import description_of, encode_key
from ._operations import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

    from ..client import RonClient, RonClientSync
    from ._description import Description
    from ._model import Resource

__all__ = ["AsyncManager", "BaseManager", "SyncManager", "checked_client"]

R = TypeVar("R", bound="Resource")


class BaseManager(Generic[R]):
    """What both managers are: a resource, at most a client, parents and options; no I/O."""

    _resource: type[R]
    _description: Description
    _client: Any
    _parents: Mapping[str, Any]
    _options: Mapping[str, Any]

    def _bind(self, resource: type[R], client: Any, parents: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        self._resource = resource
        self._description = description_of(resource)
        self._client = client
        self._parents = parents
        self._options = options

    def _copy(self, **changed: Any) -> Self:
        other = type(self).__new__(type(self))
        other._resource = self._resource
        other._description = self._description
        other._client = changed.get("client", self._client)
        other._parents = changed.get("parents", self._parents)
        other._options = changed.get("options", self._options)
        return other

    def _resolve(self, ambient: _ambient.Ambient[Any]) -> Any:
        """The client to use now, with this manager's options."""
        client = ambient.current(self._description.name) if self._client is None else self._client
        return client.with_options(**self._options) if self._options else client

    def _with_options(
        self, timeout: Optional[float], max_retries: Optional[int], headers: Optional[Mapping[str, str]]
    ) -> Self:
        given = {"timeout": timeout, "max_retries": max_retries, "headers": headers}
        options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if headers is not None:
            options["headers"] = {**self._options.get("headers", {}), **headers}
        return self._copy(options={**self._options, **options})

    def _at(self, parents: Mapping[str, Any]) -> Self:
        description = self._description
        for name in parents:
            if name not in description.parameters:
                raise RonConfigError(
                    f"{description.name} has no path parameter "
                    f"{name!r}{did_you_mean(name, description.parameters)}; its "
                    f"path is {description.path!r}"
                )
        for name, value in parents.items():
            encode_key(value, name, encoded=description.encoded_keys)
        return self._copy(parents={**self._parents, **parents})

    def __repr__(self) -> str:
        where = "the ambient client" if self._client is None else repr(self._client)
        return f"<{type(self).__name__} of {self._description.name} on {where}>"


class AsyncManager(BaseManager[R]):
    """What the parts of :class:`ron.Manager` stand on."""

    def _client_now(self) -> RonClient:
        client: RonClient = self._resolve(_ambient.ASYNC)
        return client

    def _scope_now(self, client: RonClient) -> Scope:
        return Scope(self._description, client._session, self._parents)


class SyncManager(BaseManager[R]):
    """What the parts of :class:`ron.ManagerSync` stand on."""

    def _client_now(self) -> RonClientSync:
        client: RonClientSync = self._resolve(_ambient.SYNC)
        return client

    def _scope_now(self, client: RonClientSync) -> Scope:
        return Scope(self._description, client._session, self._parents)


def checked_client(client: Any, *, sync: bool) -> Any:
    """The client, if it is of the manager's colour."""
    wanted = "RonClientSync" if sync else "RonClient"
    colour = getattr(client, "is_sync", None)  # not isinstance: importing the clients would load asyncio and ssl
    if colour is None:
        raise RonConfigError(f"this manager needs a {wanted}, not {type(client).__name__}")
    if colour is not sync:
        attribute = "objects" if sync else "objects_sync"
        raise RonConfigError(
            f"this manager needs a {wanted}, not {type(client).__name__}: write .{attribute} for that one"
        )
    return client
