"""Facet-scoped clients: paths that begin below one facet (seed §3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional, Union

from ._plan import encode_path
from ._suggest import shown
from ._values import UNSET
from .errors import RonConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .client import RonClient, RonClientSync

__all__ = ["FacetClient", "FacetClientSync"]


class _FacetScope:
    """The path arithmetic that both colours share."""

    facet_id: str
    _prefix: str

    def _bind(self, facet_prefix: str, facet_id: str) -> None:
        if not isinstance(facet_id, str) or not facet_id or "/" in facet_id:
            raise RonConfigError(f"a facet id is one path segment such as 'shop', not {shown(facet_id)}")
        encode_path(f"/{facet_id}")
        self.facet_id = facet_id
        self._prefix = f"{facet_prefix}/{facet_id}"

    def path(self, path: str) -> str:
        """The app-plane path of a path below this facet."""
        if not isinstance(path, str) or not path.startswith("/"):
            raise RonConfigError(f"a path below a facet begins with '/', such as '/list', not {shown(path)}")
        return self._prefix + path

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._prefix}>"


class FacetClient(_FacetScope):
    """A view of a client whose paths begin below one facet: ``get("/list")`` is ``GET /app/shop/list``."""

    def __init__(self, client: RonClient, facet_id: str) -> None:
        self._client = client
        self._bind(client._session.facet_prefix, facet_id)

    async def get(
        self,
        path: str,
        *,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
    ) -> Any:
        """``GET`` below the facet; see ``RonClient.call``."""
        return await self._client.get(self.path(path), query=query, headers=headers, timeout=timeout)

    async def post(
        self,
        path: str,
        *,
        json: Any = UNSET,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
        idempotency_key: Union[str, bool, None] = None,
    ) -> Any:
        """``POST`` below the facet; see ``RonClient.call``."""
        return await self._client.post(
            self.path(path), json=json, query=query, headers=headers, timeout=timeout, idempotency_key=idempotency_key
        )

    async def put(
        self,
        path: str,
        *,
        json: Any = UNSET,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
        idempotency_key: Union[str, bool, None] = None,
    ) -> Any:
        """``PUT`` below the facet; see ``RonClient.call``."""
        return await self._client.put(
            self.path(path), json=json, query=query, headers=headers, timeout=timeout, idempotency_key=idempotency_key
        )

    async def patch(
        self,
        path: str,
        *,
        json: Any = UNSET,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
        idempotency_key: Union[str, bool, None] = None,
    ) -> Any:
        """``PATCH`` below the facet; see ``RonClient.call``."""
        return await self._client.patch(
            self.path(path), json=json, query=query, headers=headers, timeout=timeout, idempotency_key=idempotency_key
        )

    async def delete(
        self,
        path: str,
        *,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
        idempotency_key: Union[str, bool, None] = None,
    ) -> Any:
        """``DELETE`` below the facet; see ``RonClient.call``."""
        return await self._client.delete(
            self.path(path), query=query, headers=headers, timeout=timeout, idempotency_key=idempotency_key
        )


class FacetClientSync(_FacetScope):
    """The sync twin of :class:`FacetClient`."""

    def __init__(self, client: RonClientSync, facet_id: str) -> None:
        self._client = client
        self._bind(client._session.facet_prefix, facet_id)

    def get(
        self,
        path: str,
        *,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
    ) -> Any:
        """``GET`` below the facet; see ``RonClientSync.call``."""
        return self._client.get(self.path(path), query=query, headers=headers, timeout=timeout)

    def post(
        self,
        path: str,
        *,
        json: Any = UNSET,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
        idempotency_key: Union[str, bool, None] = None,
    ) -> Any:
        """``POST`` below the facet; see ``RonClientSync.call``."""
        return self._client.post(
            self.path(path), json=json, query=query, headers=headers, timeout=timeout, idempotency_key=idempotency_key
        )

    def put(
        self,
        path: str,
        *,
        json: Any = UNSET,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
        idempotency_key: Union[str, bool, None] = None,
    ) -> Any:
        """``PUT`` below the facet; see ``RonClientSync.call``."""
        return self._client.put(
            self.path(path), json=json, query=query, headers=headers, timeout=timeout, idempotency_key=idempotency_key
        )

    def patch(
        self,
        path: str,
        *,
        json: Any = UNSET,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
        idempotency_key: Union[str, bool, None] = None,
    ) -> Any:
        """``PATCH`` below the facet; see ``RonClientSync.call``."""
        return self._client.patch(
            self.path(path), json=json, query=query, headers=headers, timeout=timeout, idempotency_key=idempotency_key
        )

    def delete(
        self,
        path: str,
        *,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
        idempotency_key: Union[str, bool, None] = None,
    ) -> Any:
        """``DELETE`` below the facet; see ``RonClientSync.call``."""
        return self._client.delete(
            self.path(path), query=query, headers=headers, timeout=timeout, idempotency_key=idempotency_key
        )
